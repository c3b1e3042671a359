"""The report of `tfdvae denoise --learn`."""

import math
from collections.abc import Sequence
from pathlib import Path

from tfdvae import csv_rows
from tfdvae._utils import files
from tfdvae.fitting import training
from tfdvae.image_io import frames
from tfdvae.inference.trained_model import TrainedModel
from tfdvae.learning import quality
from tfdvae.learning.pictures import Picture, middle, unit
from tfdvae.metrics.choice import strength
from tfdvae.metrics.noise import NoiseEstimate
from tfdvae.reporting import learned_plots
from tfdvae.reporting.document import Document, Figure, Heading, Paragraph, Part, Table, literal

SHOWN = 3
SHOWN_SIDE = 256
"""Pixels a side, of the part of a picture that is shown."""


def write(
    folder: Path,
    title: str,
    pictures: Sequence[Picture],
    model: TrainedModel,
    reason: str,
    noise: NoiseEstimate,
    given: bool,
) -> Path:
    """Write `report.md`, `report.html` and the figures, and return the page.

    Args:
        folder: of the job, with `metrics.csv` and `history.json`.
        title: of the input.
        pictures: those that were learned from.
        model: trained.
        reason: why its objective was chosen.
        noise: of the pictures.
        given: whether its level was given, and nothing of it estimated.
    """
    history = files.read_json(folder / "history.json")
    values = {
        row["metric"]: float(row["value"]) for row in csv_rows.read_rows(folder / "metrics.csv")
    }
    parts: list[Part] = [
        Paragraph(_summary(len(pictures), values, noise)),
        Paragraph(
            "The model has seen no clean picture: the estimate rests on the noise below, and is "
            "wrong where that is. It is made on parts that training has not seen; where these are "
            "small, they also told when to stop, and it is a little too good. Fine texture may be "
            "lost without a trace in it. Look at what was removed: it should look like noise, "
            "without structure of the pictures."
        ),
        Heading("Before and after, pixel by pixel"),
    ]
    step = max(1, len(pictures) // SHOWN)
    count = model.core.frames or 1
    spectra = {}
    for number, picture in enumerate(pictures[::step][:SHOWN]):
        noisy = unit(middle(picture.values, SHOWN_SIDE))
        noisy, made = (frames.own(each, count) for each in (noisy, model.denoise(noisy[None])[0]))
        name = f"figures/picture-{number}.png"
        learned_plots.before_and_after(noisy, made, picture.name, folder / name)
        parts.append(Figure(name, f"Noisy, denoised and removed: {literal(picture.name)}"))
        spectra[picture.name] = learned_plots.radial_spectrum((noisy - made).mean(axis=-1))
    learned_plots.spectra(spectra, folder / "figures/spectrum.png")
    parts += [
        Heading("What was removed"),
        Paragraph(
            "Power of what was removed, by the size of details. Noise that is independent from "
            "pixel to pixel has the same at all sizes; a rise on the left is structure that was "
            "lost, a fall there is noise that was kept with large details."
        ),
        Figure("figures/spectrum.png", "Spectrum of what was removed"),
        Heading("Noise and training"),
        Table(["", ""], _facts(noise, given, history, model, reason)),
    ]
    return Document(f"Denoised from noisy pictures alone: {title}", parts).write(folder)


def _summary(count: int, values: dict[str, float], noise: NoiseEstimate) -> str:
    noun = "picture" if count == 1 else "pictures"
    warned = " ".join(f"**{finding}**" for finding in quality.findings(values, noise))
    return f"Learned from {count:,} noisy {noun}. {quality.describe(values)} {warned}"


def _facts(
    noise: NoiseEstimate, given: bool, history: list[dict], model: TrainedModel, reason: str
) -> list[list[str]]:
    level = f"{255 * noise.level:.3g} of 255"
    together = model.core.frames
    kept = history[training.best_round(history)]
    trained = (
        f"{history[-1]['step']:,} steps; the weights after {kept['step']:,} were kept, loss "
        f"{kept['loss']:.1f} nats a patch"
    )
    return [
        *([["frames", f"{together} neighboring ones for each"]] if together else []),
        [
            "noise, standard deviation",
            f"{level}, {'given' if given else 'estimated'}",
        ],
        *([] if given else _estimated(noise)),
        ["objective", f"{getattr(model.core, 'objective', '')}, since {reason}"],
        ["training", trained],
    ]


def _estimated(noise: NoiseEstimate) -> list[list[str]]:
    unknown = "unknown, no flat places"
    shared, channels = (
        unknown if math.isnan(value) else f"{value:.2f}"
        for value in (noise.correlation, noise.channel_correlation)
    )
    return [
        ["how strong", strength(noise.spread)],
        ["correlation of neighboring pixels", shared],
        ["correlation of channels", channels],
        ["pixels with the least or greatest value", f"{100 * noise.clipped:.2f}%"],
    ]
