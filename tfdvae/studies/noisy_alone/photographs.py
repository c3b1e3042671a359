"""Cells on photographs: clean ones of any sizes, to which the noise is added.

What is trained on is in one file, memory-mapped, so that memory does not grow with it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tfdvae import corruptions, csv_rows
from tfdvae._utils import files
from tfdvae.config.sets import CLASSICAL
from tfdvae.data import pipelines
from tfdvae.data.image_dataset import to_unit
from tfdvae.image_io import codec, listing
from tfdvae.learning.pictures import middle
from tfdvae.metrics import image
from tfdvae.studies.cell_names import unfinished
from tfdvae.studies.noisy_alone.settings import (
    BLIND,
    CEILING,
    CEILINGS,
    NOISE_SEED,
    SHOWN_CEILING,
    NoisyAloneConfig,
)
from tfdvae.training_sets import filters
from tfdvae.training_sets.denoisers import trained

Denoise = Callable[[np.ndarray], np.ndarray]  # of images (N, H, W, C)

BLIND_LEVELS = tuple(level / 255 for level in np.linspace(0, 55, 11))
"""Levels of the noise that a model learns to remove without being told which."""

_HELD_OUT = 20  # of so many training pictures one chooses the parameters of filters
_CHOOSING = (20, 256)  # pictures, and pixels a side of their middles
_SHOWN = (6, 128)


def model_cell(
    config: NoisyAloneConfig, path: Path, noises: Sequence[str], objective: str, seed: int
) -> None:
    """Train a model, and measure it on the test pictures with each of the noises.

    Args:
        config: settings.
        path: of the rows.
        noises: one, or all of those that a model of `BLIND` is tested with.
        objective: of the study.
        seed: root seed.
    """
    training, _ = _split(config)
    corruption = corruptions.parse(noises[0])
    if objective == BLIND:
        corruption = corruptions.OneOf(parts=tuple(map(corruptions.Gaussian, BLIND_LEVELS)))
    pictures: Iterable[np.ndarray] = (_read(file) for file in training.values())
    if objective not in CEILINGS:
        pictures = (
            _noisy(_read(file), number, str(corruption), seed, "observed")
            for number, file in training.items()
        )
    folder = unfinished(path)
    learned = _stored(pictures, folder / "pictures")
    learns = "observed" if objective in CEILINGS else objective
    model, seconds = trained(
        learned, learns, corruption, seed, config.steps, folder, precision=config.precision
    )
    fields = {
        "condition": "clean" if objective in CEILINGS else "noisy",
        "model": "dae",
        "network": "unet",
        "corruption": str(model.core.corruption),
        "target": objective,
        "step": config.steps,
        "seed": seed,
    }
    _measure(config, path, noises, objective, model.denoise, fields, {"training_seconds": seconds})


def filter_cell(config: NoisyAloneConfig, path: Path, noise: str, name: str) -> None:
    """Measure a classical filter with the best of its parameters, BM3D with the noise's level.

    They are chosen on training pictures, with the clean ones, that no model is trained on.
    """
    corruption = corruptions.parse(noise)
    if name == "bm3d" and isinstance(corruption, corruptions.Gaussian):
        parameters: Mapping[str, Any] = {"sigma": corruption.level}
        function = filters.FILTERS[CLASSICAL[name]][0](**parameters)
    else:
        clean, noisy = _choosing(config, noise)
        function, parameters = filters.best_filter(CLASSICAL[name], noisy, clean)
    fields = {"condition": "noisy", "model": name, "network": filters.described(parameters)}
    _measure(
        config, path, [noise], name, lambda images: filters.filtered(images, function), fields, {}
    )


def _choosing(config: NoisyAloneConfig, noise: str) -> tuple[np.ndarray, np.ndarray]:
    """Return middles of held-out training pictures, clean and noisy, all of one size."""
    _, held_out = _split(config)
    most, side = _CHOOSING
    chosen = list(held_out.items())[:: math.ceil(len(held_out) / most)]
    clean = _stack(middle(_read(file), side) for _, file in chosen)
    noisy = [
        _noisy(picture, number, noise, NOISE_SEED, "held out")
        for (number, _), picture in zip(chosen, clean, strict=True)
    ]
    return clean, np.stack(noisy)


def _measure(
    config: NoisyAloneConfig,
    path: Path,
    noises: Sequence[str],
    method: str,
    denoise: Denoise,
    fields: Mapping[str, Any],
    values: Mapping[str, float],
) -> None:
    """Write the PSNR of each test picture and their mean, under each noise."""
    training, _ = _split(config)
    tested = _folder(config.photographs_test).name
    rows: list[dict[str, Any]] = []
    shown: dict[str, list[np.ndarray]] = {}
    for noise in noises:
        fixed = {
            "study": "noisy_alone",
            "run": path.stem,
            "dataset": _folder(config.photographs).name,
            "n_train": len(training),
            "test_corruption": noise,
            **fields,
        }
        scores, parts = _scored(config, noise, denoise)
        means = {metric: float(np.mean(list(each.values()))) for metric, each in scores.items()}
        found = [(tested, metric, value) for metric, value in {**means, **values}.items()]
        for metric, each in scores.items():
            found += [(f"{tested}/{name}", metric, value) for name, value in each.items()]
        rows += [
            {**fixed, "split": split, "metric": metric, "value": value}
            for split, metric, value in found
        ]
        made = SHOWN_CEILING if method == CEILING else method
        for name, images in zip(("clean", "noisy", made), parts, strict=True):
            shown[f"{noise}/{name}"] = list(images)
    files.write_npz(path.with_suffix(".npz"), {name: _stack(each) for name, each in shown.items()})
    csv_rows.write_rows(path, rows)


def _scored(
    config: NoisyAloneConfig, noise: str, denoise: Denoise
) -> tuple[dict[str, dict[str, float]], list[tuple[np.ndarray, ...]]]:
    """Return the PSNR of each test picture, and middles of some: clean, noisy and denoised."""
    folder = _folder(config.photographs_test)
    scores: dict[str, dict[str, float]] = {"psnr": {}, "psnr_input": {}}
    shown = []
    for number, file in enumerate(_files(folder, "photographs_test")):
        clean = _read(file)
        noisy = _noisy(clean, number, noise, NOISE_SEED, "test")
        made = denoise(noisy[None])[0]
        for metric, picture in (("psnr", made), ("psnr_input", noisy)):
            score = float(image.psnr(picture[None], clean[None])[0])
            scores[metric][file.relative_to(folder).as_posix()] = score
        if number < _SHOWN[0]:
            shown.append(tuple(middle(each, _SHOWN[1]) for each in (clean, noisy, made)))
    return scores, list(zip(*shown, strict=True))


def _stack(pictures: Iterable[np.ndarray]) -> np.ndarray:
    """Return the middles of pictures, of the size that all have."""
    listed = list(pictures)
    side = min(min(picture.shape[:2]) for picture in listed)
    return np.stack([middle(picture, side) for picture in listed])


def _folder(name: str | None) -> Path:
    return Path(str(name)).expanduser()


def _split(config: NoisyAloneConfig) -> tuple[dict[int, Path], dict[int, Path]]:
    """Return training pictures and held-out ones, each with its place among all.

    Raises:
        ValueError: there are fewer than two.
    """
    folder = _folder(config.photographs)
    listed = dict(enumerate(_files(folder, "photographs")))
    if len(listed) < 2:
        raise ValueError(f"`photographs` {folder} must hold two pictures or more; got one.")
    held_out = {number: file for number, file in listed.items() if number % _HELD_OUT == 0}
    return {number: listed[number] for number in listed.keys() - held_out.keys()}, held_out


def _files(folder: Path, argument: str) -> list[Path]:
    """Return the files of all pictures below a folder.

    Raises:
        ValueError: there are none.
    """
    found = listing.images_below(folder, argument)
    if not found:
        raise ValueError(f"`{argument}` {folder} holds no pictures.")
    return found


def _read(file: Path) -> np.ndarray:
    return to_unit(codec.read(file)).astype(np.float32)


def _noisy(picture: np.ndarray, number: int, noise: str, seed: int, purpose: str) -> np.ndarray:
    """Return a picture with the noise that is its own."""
    index = np.array([number])
    corruption = corruptions.parse(noise)
    return pipelines.freeze_noise(picture[None], index, corruption, seed, purpose)[0]


def _stored(pictures: Iterable[np.ndarray], path: Path) -> list[np.ndarray]:
    """Write pictures to one file and return them, memory-mapped.

    Raises:
        ValueError: they have different numbers of channels.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    shapes: list[tuple[int, ...]] = []
    with open(path, "wb") as file:
        for picture in pictures:
            shapes.append(picture.shape)
            file.write(np.ascontiguousarray(picture, np.float32).tobytes())
    channels = sorted({shape[-1] for shape in shapes})
    if len(channels) > 1:
        raise ValueError(
            f"`photographs` must have one number of channels; got {channels[0]} and {channels[1]}."
        )
    return list(_cut(np.memmap(path, np.float32, "r"), shapes))


def _cut(values: np.ndarray, shapes: Iterable[tuple[int, ...]]) -> Iterator[np.ndarray]:
    start = 0
    for shape in shapes:
        end = start + math.prod(shape)
        yield values[start:end].reshape(shape)
        start = end
