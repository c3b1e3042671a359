"""The latent explorer: an interactive part of a page that shows what a model's codes mean.

All pictures are decoded beforehand, so that the page works alone.
"""

import base64
import io
import itertools
from collections.abc import Callable

import numpy as np
from PIL import Image

from tfdvae.metrics import latent_codes
from tfdvae.reporting.plots import COLORS

MAX_UNITS, MAX_PIXELS, MAX_SIDE = 32, 4_000_000, 64
STEPS = (41, 41, 13, 7)  # of a slider, where all units up to four can be moved together
_STEPS_EACH, _STEPS_BETWEEN, _MAX_SHOWN, _DECODED, _SEED = 21, 11, 10, 64, 0


def build(
    decode: Callable[[np.ndarray], np.ndarray],
    pictures: np.ndarray,
    codes: np.ndarray,
    labels: np.ndarray,
    names: tuple[str, ...],
    prior: bool,
    numbers: np.ndarray,
) -> dict:
    """Return what the explorer shows, as JSON can hold it.

    Args:
        decode: float (n, ...) codes -> float32 images (n, H, W, C) in [0, 1].
        pictures: float (N, h, w, C), of test images, made smaller by `small`; 1,000 or so at most.
        codes: float (N, ...), their codes.
        labels: int (N,), their classes.
        names: of the classes; empty where there are none.
        prior: codes are distributed around 0 with unit variance; otherwise sliders run over the
            codes of the images.
        numbers: int (N,), where each image is among all test images.

    Returns:
        `tile` (height, width of a picture), `count` of units, `units` (the `MAX_UNITS` most active
        where there are more), `between`, `map`.
    """

    def decoded(flat: np.ndarray) -> np.ndarray:
        parts = np.array_split(flat.reshape(-1, *codes.shape[1:]), -(-len(flat) // _DECODED))
        return np.concatenate([small(decode(part)) for part in parts])

    flat = codes.reshape(len(codes), -1)
    named = [
        names[label] if len(names) else f"image {number}"
        for number, label in zip(numbers, labels, strict=True)
    ]
    shown = (
        [int(np.flatnonzero(labels == label)[0]) for label in np.unique(labels)]
        if len(names)
        else range(len(labels))
    )
    shown = list(shown)[:_MAX_SHOWN]
    tile = pictures[:1].shape
    return {
        "tile": tile[1:3],
        "count": flat.shape[1],
        "units": _units(decoded, flat, prior, tile),
        "between": _between(decoded, flat[shown], [named[place] for place in shown]),
        "map": {
            "names": list(names),
            "labels": labels.tolist() if len(names) else [0] * len(labels),
            "colors": COLORS,
            "points": {"t-SNE": _tsne(flat), "PCA": _pca(flat)},
            "sprite": sprite(pictures),
            "numbers": numbers.tolist(),
        },
    }


def small(pictures: np.ndarray) -> np.ndarray:
    """Return pictures (N, H, W, C) of 64 pixels a side at most.

    Of larger ones every second pixel is kept, or every third.
    """
    step = max(1, -(-max(pictures.shape[1:3]) // MAX_SIDE))
    return pictures[:, ::step, ::step]


def _units(decoded: Callable, flat: np.ndarray, prior: bool, tile: tuple[int, ...]) -> dict:
    """Return what the sliders show.

    Of up to four units all combinations are decoded, of more each unit alone while the others rest.
    """
    count = flat.shape[1]
    activity = latent_codes.activity_of_pieces(np.array_split(flat, min(16, len(flat))))
    chosen = np.sort(np.argsort(-activity, kind="stable")[:MAX_UNITS])
    rest = np.zeros(count) if prior else flat.mean(axis=0)
    low, high = (
        (np.full(len(chosen), -2.5), np.full(len(chosen), 2.5))
        if prior
        else np.percentile(flat[:, chosen], (1, 99), axis=0)
    )
    steps = STEPS[count - 1] if count <= len(STEPS) else _STEPS_EACH
    while count <= len(STEPS) and steps > 3 and steps**count * np.prod(tile) > MAX_PIXELS:
        steps -= 2
    values = np.linspace(low, high, steps, axis=1)
    if together := count <= len(STEPS):
        made = decoded(np.array(list(itertools.product(*values))))
    else:
        made = np.concatenate(
            [
                decoded(np.where(np.arange(count) == unit, line[:, None], rest))
                for unit, line in zip(chosen, values, strict=True)
            ]
        )
    start = [
        int(np.abs(line - middle).argmin())
        for line, middle in zip(values, rest[chosen], strict=True)
    ]
    return {
        "together": together,
        "rest": "0" if prior else "their mean",
        "numbers": (chosen + 1).tolist(),
        "values": np.round(values, 3).tolist(),
        "start": start,
        "sprite": sprite(made),
    }


def _between(decoded: Callable, codes: np.ndarray, names: list[str]) -> dict | None:
    """Straight lines between the codes of some images, each pair once."""
    weights = np.linspace(0, 1, _STEPS_BETWEEN)[:, None]
    lines = [
        decoded((1 - weights) * codes[i] + weights * codes[j])
        for i, j in itertools.combinations(range(len(codes)), 2)
    ]
    return (
        {"names": names, "steps": _STEPS_BETWEEN, "sprite": sprite(np.concatenate(lines))}
        if lines
        else None
    )


def _pca(flat: np.ndarray) -> list | None:
    return (
        _unit_square(latent_codes.principal_components(flat, 2, _SEED))
        if min(flat.shape) > 1
        else None
    )


def _tsne(flat: np.ndarray) -> list | None:
    if len(flat) < 5:
        return None
    reduced = latent_codes.principal_components(flat, 50, _SEED) if min(flat.shape) > 50 else flat
    perplexity = min(30, (len(flat) - 1) / 3)
    return _unit_square(latent_codes.tsne(reduced, perplexity, _SEED, init="random"))


def _unit_square(points: np.ndarray) -> list:
    """Return points shifted and scaled into [0, 1], alike in both directions."""
    span = float(np.ptp(points, axis=0).max()) or 1.0
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    return np.round((points - middle) / span + 0.5, 4).tolist()


def sprite(pictures: np.ndarray) -> dict:
    """Return pictures (N, H, W, C) in [0, 1] as one PNG.

    Returns:
        `source`, the PNG of their `sheet` in a data URL, and its `columns`.
    """
    image, columns = sheet(pictures)
    with io.BytesIO() as file:
        image.save(file, "PNG", optimize=True)
        encoded = base64.b64encode(file.getvalue()).decode()
    return {"source": f"data:image/png;base64,{encoded}", "columns": columns}


def sheet(pictures: np.ndarray) -> tuple[Image.Image, int]:
    """Return pictures (N, H, W, C) in [0, 1] one after the other in the rows of one image.

    It has as many rows as columns or fewer; the number of columns is returned too.
    """
    count, height, width, channels = pictures.shape
    columns = int(np.ceil(np.sqrt(count)))
    rows = -(-count // columns)
    tiles = np.zeros((rows * columns, height, width, channels), np.uint8)
    tiles[:count] = np.rint(255 * np.clip(pictures, 0, 1))
    pixels = (
        tiles.reshape(rows, columns, height, width, channels)
        .swapaxes(1, 2)
        .reshape(rows * height, columns * width, channels)
    )
    return Image.fromarray(pixels[..., 0] if channels == 1 else pixels), columns
