"""Figures of noise, and of pictures before and after denoising.

Each function writes one PNG in one step.
"""

from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from tfdvae.metrics.noise import NoiseCurves, NoiseEstimate
from tfdvae.reporting.figure_text import legend_label, wrapped
from tfdvae.reporting.plots import COLORS, MARKERS, STYLE, save

_BANDS = 16


def before_and_after(noisy: np.ndarray, made: np.ndarray, name: str, path: Path) -> None:
    """Draw a picture, what was made of it and what was removed, each pixel as large as the others.

    Args:
        noisy: float (H, W, C) in [0, 1], which noise may exceed.
        made: like `noisy`.
        name: of the picture.
        path: of the PNG.
    """
    removed = noisy - made
    low, high = np.quantile(noisy, [0.001, 0.999])
    span = max(high - low, 1e-6)
    reach = max(float(np.quantile(np.abs(removed), 0.999)), 1e-6)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(12.6, 4.8), layout="constrained")
        figure.suptitle(wrapped(name), fontsize=12)
        for axes, title, image in zip(
            figure.subplots(1, 3),
            ("noisy", "denoised", f"removed (gray is 0, white {255 * reach:.0f} of 255)"),
            ((noisy - low) / span, (made - low) / span, removed / (2 * reach) + 0.5),
            strict=True,
        ):
            shown = np.clip(image, 0, 1)
            shown = shown[..., 0] if shown.shape[-1] != 3 else shown
            axes.imshow(shown, vmin=0, vmax=1, interpolation="nearest")
            axes.set_title(title, fontsize=11)
            axes.axis("off")
        save(figure, path)


def radial_spectrum(plane: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return frequencies and the mean power at each, relative to that of all.

    Args:
        plane: (H, W).

    Returns:
        Frequencies in cycles a pixel, up to 0.5, and powers, 1 on average over the plane.
    """
    power = np.abs(np.fft.fft2(plane - plane.mean())) ** 2
    rows, columns = (np.fft.fftfreq(size) for size in plane.shape)
    radius = np.hypot(rows[:, None], columns[None])
    edges = np.linspace(0, 0.5, _BANDS + 1)
    band = np.digitize(radius, edges) - 1
    inside = [(band == number) & (radius > 0) for number in range(_BANDS)]
    known = [number for number in range(_BANDS) if inside[number].any()]
    means = np.array([power[inside[number]].mean() for number in known])
    return (edges[:-1] + edges[1:])[known] / 2, means / max(power.mean(), 1e-30)


def spectra(found: dict[str, tuple[np.ndarray, np.ndarray]], path: Path) -> None:
    """Draw spectra of what was removed from pictures.

    Args:
        found: name of the picture -> what `radial_spectrum` returns.
        path: of the PNG.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7, 4.2), layout="constrained")
        axes = figure.subplots()
        axes.axhline(1, color="black", linewidth=1, linestyle="--", label="independent noise")
        for number, (name, (frequency, power)) in enumerate(found.items()):
            axes.plot(
                frequency,
                power,
                color=COLORS[number % len(COLORS)],
                marker=MARKERS[number % len(MARKERS)],
                label=legend_label(name),
            )
        axes.set_yscale("log")
        for which in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter):
            which(FuncFormatter(lambda power, _: f"{power:g}"))
        axes.set_xlabel("frequency in cycles a pixel (left: large details, right: small ones)")
        axes.set_ylabel("power of what was removed")
        axes.legend()
        save(figure, path)


def noise(found: NoiseEstimate, shown: NoiseCurves, tolerated: float, path: Path) -> None:
    """Draw the variance of noise against the brightness, and how far neighboring pixels share it.

    Args:
        found: the estimate, whose line is drawn.
        shown: what it rests on.
        tolerated: correlation up to which pixels count as independent.
        path: of the PNG.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(10.5, 4.2), layout="constrained")
        left, right = figure.subplots(1, 2)
        ends = np.array([shown.signal.min(), shown.signal.max()])
        left.plot(
            255 * shown.signal,
            255**2 * shown.variance,
            color=COLORS[0],
            marker=MARKERS[0],
            linestyle="none",
            label="flat places of like brightness",
        )
        left.plot(
            255 * ends,
            255**2 * (found.slope * ends + found.offset),
            color=COLORS[1],
            label=found.line(),
        )
        left.set_ylim(bottom=0)
        left.set_xlabel("brightness (0: black, 255: white)")
        left.set_ylabel("variance of the noise (levels of 255, squared)")
        left.legend()
        apart = np.arange(1, shown.correlations.shape[1] + 1)
        right.axhspan(-tolerated, tolerated, color="0.9", label="counts as independent")
        right.axhline(0, color="black", linewidth=1)
        for number, name in enumerate(("sideways", "up and down")):
            right.plot(
                apart,
                shown.correlations[number],
                color=COLORS[number],
                marker=MARKERS[number],
                label=name,
            )
        right.set_xticks(apart)
        if np.isnan(shown.correlations).all():
            right.text(2, 0.5, "unknown: no flat places", ha="center")
        least = min(-0.5, float(np.nanmin(shown.correlations, initial=0)) - 0.05)
        right.set_ylim(least, 1)
        right.set_xlabel("distance of two pixels, in pixels")
        right.set_ylabel("correlation of their noise")
        right.legend()
        save(figure, path)
