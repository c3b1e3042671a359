"""What the rows of a run show that its user should hear in words, with what may help."""

from collections.abc import Iterable, Mapping

from tfdvae import corruptions
from tfdvae.registry import NETWORKS


def harm(rows: Iterable[Mapping[str, str]]) -> str:
    """Return at which noise levels denoising does harm, in words; empty where it does none.

    It does where the mean PSNR of the model's output is below that of the noisy image itself, or
    the estimated one where there are no images without the noise. Images without noise do not
    count: no model leaves them wholly as they are.

    Args:
        rows: of `metrics.csv` of a run.

    Example:
        >>> row = {"network": "mlp", "test_corruption": "gaussian:0.1", "split": "test"}
        >>> given = {**row, "metric": "psnr_input", "value": "20.0"}
        >>> harm([given, {**row, "metric": "psnr", "value": "16.9"}])[:39]
        'Denoising with this model does harm: it'
    """
    rows = list(rows)
    measured, estimated = _worse(rows, ""), _worse(rows, "_estimated")
    if not measured and not estimated:
        return ""
    does, psnr = ("does", "Mean") if measured else ("probably does", "Estimated")
    return (
        f"Denoising with this model {does} harm: its output is further from the image without the "
        f"noise than the noisy image is. {psnr} PSNR before and after: "
        f"{', '.join(measured or estimated)}. {_advice(rows)}."
    )


def _worse(rows: Iterable[Mapping[str, str]], kind: str) -> list[str]:
    """Return where the PSNR of the output is below that of the input, with both."""
    names = ("psnr_input" + kind, "psnr" + kind)
    values = {
        (row["metric"], row["test_corruption"]): float(row["value"])
        for row in rows
        if row["metric"] in names
    }
    found = []
    for (metric, tested), after in values.items():
        before = values.get((names[0], tested), float("-inf"))
        if metric == names[1] and tested != "none" and after < before:
            found.append(f"{before:.1f} and {after:.1f} dB {_place(tested)}")
    return found


def _advice(rows: Iterable[Mapping[str, str]]) -> str:
    """Return what may help: no corruption where there can be none, or where it is the noise."""
    if not any(NETWORKS.get(row["network"]).tiles for row in rows if row["network"] in NETWORKS):
        return "A denoiser is trained by `--recipe conv-dae` (see `tfdvae recipes`)"
    if any(row.get("corruption") == "none" or row.get("target") == "recorrupted" for row in rows):
        return "More images, or more `--epochs`, may help"
    return "More images, more `--epochs`, or a `--corruption` like the noise of the images may help"


def empty_code(rows: Iterable[Mapping[str, str]], units: int = 0) -> str:
    """Return that a code carries nothing, in words; empty where it does carry something.

    Nothing is posterior collapse: no latent unit is active, see `latent_codes.activity`.

    Args:
        rows: of `metrics.csv` of a run of a variational model.
        units: latent units of the code; 0 where their number is not known.

    Example:
        >>> empty_code([{"metric": "active_units", "value": "0"}], 4)[:50]
        'The code carries nothing: 0 of 4 latent units are '
    """
    active = [int(float(row["value"])) for row in rows if row["metric"] == "active_units"]
    if not active or active[0] > 0:
        return ""
    of_all = f" of {units:,}" if units else ""
    return (
        f"The code carries nothing: 0{of_all} latent units are active (posterior collapse). "
        "Synthetic images, samples and reconstructions are all alike. What may help: a smaller "
        "`--beta`, KL warm-up (`--beta-warmup`), more `--epochs`, more images, or a `--likelihood "
        "gaussian:SIGMA` with a smaller SIGMA."
    )


def _place(tested: str) -> str:
    return "of the test images" if tested == "observed" else f"at {corruptions.label(tested)}"
