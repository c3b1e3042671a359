"""Cells on really noisy pictures, of which the truth is known to the measure alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import skimage.restoration

from tfdvae import corruptions, csv_rows
from tfdvae._utils import files
from tfdvae.config.sets import CLASSICAL
from tfdvae.data.image_dataset import to_unit
from tfdvae.image_io import codec, listing
from tfdvae.learning.pictures import middle
from tfdvae.metrics import image, noise
from tfdvae.studies.cell_names import unfinished
from tfdvae.studies.noisy_alone.settings import NoisyAloneConfig
from tfdvae.training_sets import filters
from tfdvae.training_sets.denoisers import trained


def model_cell(config: NoisyAloneConfig, path: Path, objective: str, seed: int) -> None:
    """Train a model on the pictures, and measure what it makes of them."""
    names, noisy, truth = _pictures(config)
    nothing = corruptions.parse("none")
    model, seconds = trained(
        noisy,
        objective,
        nothing,
        seed,
        config.steps,
        unfinished(path),
        precision=config.precision,
    )
    output = [model.denoise(picture[None])[0] for picture in noisy]
    fields = {"model": "dae", "network": "unet", "target": objective, "step": config.steps}
    values = {"training_seconds": seconds}
    _write(config, path, fields | {"seed": seed}, values, names, noisy, output, truth)


def filter_cell(config: NoisyAloneConfig, path: Path, name: str) -> None:
    """Measure a classical filter; its parameters are chosen by pixels that it does not see."""
    names, noisy, truth = _pictures(config)
    output, chosen = [], []
    for each, picture in zip(names, noisy, strict=True):
        level = noise.estimate([picture]).level
        if not level > 0:
            raise ValueError(f"`pictures` {listing.printable_path(each)} has no noise.")
        planes = [
            _calibrated(CLASSICAL[name], picture[..., channel], level)
            for channel in range(picture.shape[-1])
        ]
        output.append(np.stack([plane for plane, _ in planes], axis=-1))
        chosen += [filters.described(parameters) for _, parameters in planes]
    fields = {"model": name, "network": "; ".join(dict.fromkeys(chosen))}
    _write(config, path, fields, {}, names, noisy, output, truth)


def _calibrated(name: str, plane: np.ndarray, level: float) -> tuple[np.ndarray, dict[str, Any]]:
    """Return a filter's output for a noisy plane (H, W), with the best parameters, and these."""
    make, grid = filters.FILTERS[name]
    scaled = {
        key: tuple(value * level / 0.1 for value in values) if key in filters.SCALED else values
        for key, values in grid.items()
    }

    def apply(plane: np.ndarray, **parameters: Any) -> np.ndarray:
        return make(**parameters)(plane)

    denoiser = skimage.restoration.calibrate_denoiser(
        plane, apply, denoise_parameters=scaled, approximate_loss=True
    )
    parameters = denoiser.keywords["denoiser_kwargs"]
    return make(**parameters)(plane), parameters


def _pictures(
    config: NoisyAloneConfig,
) -> tuple[list[str], list[np.ndarray], list[np.ndarray]]:
    """Return names, noisy pictures and true ones, float32 (H, W, C) in [0, 1].

    Gray ones that are stored in color have one channel.

    Raises:
        ValueError: there are no pictures; one has no true one, or one of another size.
    """
    names, noisy, truth = [], [], []
    folder, others = (Path(str(part)).expanduser() for part in (config.pictures, config.truth))
    listed = listing.images_below(folder, "pictures")
    if not listed:
        raise ValueError(f"`pictures` {folder} {listing.without_images(folder, 'pictures')}.")
    for file in listed:
        name = file.relative_to(folder)
        if not (others / name).is_file():
            raise ValueError(f"`truth` {others} lacks {listing.printable_path(name)}.")
        pair = [_read(path) for path in (file, others / name)]
        if pair[0].shape != pair[1].shape:
            shapes = " instead of ".join(str(picture.shape) for picture in reversed(pair))
            raise ValueError(f"`truth` has {listing.printable_path(name)} in {shapes}.")
        names.append(name.as_posix())
        noisy.append(pair[0])
        truth.append(pair[1])
    return names, noisy, truth


def _read(path: Path) -> np.ndarray:
    picture = to_unit(codec.read(path)).astype(np.float32)
    return picture[..., :1] if (picture == picture[..., :1]).all() else picture


def _write(
    config: NoisyAloneConfig,
    path: Path,
    fields: Mapping[str, Any],
    values: Mapping[str, float],
    names: Sequence[str],
    noisy: Sequence[np.ndarray],
    output: Sequence[np.ndarray],
    truth: Sequence[np.ndarray],
) -> None:
    fixed = {
        "study": "noisy_alone",
        "run": path.stem,
        "dataset": Path(str(config.pictures)).name,
        "n_train": len(names),
        "condition": "noisy",
        **fields,
    }

    def rows() -> Iterator[dict[str, Any]]:
        for end, pictures in (("", output), ("_input", noisy)):
            scores = [
                image.scale_invariant_psnr(picture, true)
                for picture, true in zip(pictures, truth, strict=True)
            ]
            own = {**fixed, "metric": f"psnr_scale_invariant{end}"}
            yield {**own, "value": float(np.mean(scores))}
            for name, score in zip(names, scores, strict=True):
                yield {**own, "split": name, "value": float(score)}
        for metric, value in values.items():
            yield {**fixed, "metric": metric, "value": float(value)}

    methods = {"noisy": noisy, "truth": truth, fields.get("target", fields["model"]): output}
    shown = {
        f"{name}/{method}": middle(picture)
        for method, pictures in methods.items()
        for name, picture in zip(names, pictures, strict=True)
    }
    files.write_npz(path.with_suffix(".npz"), shown)
    csv_rows.write_rows(path, rows())
