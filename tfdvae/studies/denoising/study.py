"""The denoising study: how good are denoisers, beside classical filters and a linear one?

All are measured on one and the same frozen test noise, whatever their seeds. Training images held out of every training choose the
parameters of the classical filters and of the linear denoiser; nothing is chosen on test images.
"""

import itertools
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import skimage.filters
import skimage.morphology
import skimage.restoration
import sklearn.linear_model

from tfdvae import corruptions
from tfdvae._utils import csv_rows, files
from tfdvae.config import TrainConfig
from tfdvae.data import image_dataset, pipelines, sources
from tfdvae.experiment import evaluation
from tfdvae.metrics import image
from tfdvae.models import build
from tfdvae.studies import runner as cell_runner
from tfdvae.studies.denoising import report
from tfdvae.studies.denoising.settings import DenoisingStudyConfig

HELD_OUT, CHOOSING, SHOWN, NOISE_SEED = 1000, 300, 6, 0


def _gaussian(sigma):
    return partial(skimage.filters.gaussian, sigma=sigma, mode="nearest")


def _median(footprint):
    shapes = {"cross": skimage.morphology.disk(1), "3x3": np.ones((3, 3)), "5x5": np.ones((5, 5))}
    return partial(skimage.filters.median, footprint=shapes[footprint], mode="nearest")


def _non_local_means(patch_size, h):
    return partial(
        skimage.restoration.denoise_nl_means,
        patch_size=patch_size,
        patch_distance=9,
        h=h,
        fast_mode=True,
    )


def _total_variation(weight):
    return partial(skimage.restoration.denoise_tv_chambolle, weight=weight)


def _wavelet(wavelet, sigma):
    return partial(
        skimage.restoration.denoise_wavelet,
        sigma=sigma,
        wavelet=wavelet,
        mode="soft",
        rescale_sigma=False,
    )


CLASSICAL: dict[str, tuple[Callable, dict[str, tuple]]] = {  # how a filter is made, and the values that each parameter may take
    "gaussian filter": (_gaussian, {"sigma": (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0, 1.3, 1.6)}),
    "median": (_median, {"footprint": ("cross", "3x3", "5x5")}),
    "non-local means": (_non_local_means, {"patch_size": (3, 5), "h": (0.03, 0.06, 0.08, 0.1, 0.13, 0.16, 0.2, 0.3, 0.4, 0.6)}),
    "total variation": (_total_variation, {"weight": (0.02, 0.05, 0.08, 0.1, 0.13, 0.2, 0.3, 0.4, 0.6, 0.9)}),
    "wavelet": (_wavelet, {"wavelet": ("db1", "sym4"), "sigma": (0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.5)}),
}  # fmt: skip


def filtered(images: np.ndarray, function: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Return a filter's output for each image and channel, clipped to [0, 1]: float32 (N, H, W, C)."""
    planes = np.moveaxis(images, -1, 1).reshape(-1, *images.shape[1:3])
    count, height, width, channels = images.shape
    output = np.stack([function(plane) for plane in planes]).reshape(count, channels, height, width)
    return np.clip(np.moveaxis(output, 1, -1), 0, 1).astype(np.float32)


def best_filter(name: str, noisy: np.ndarray, clean: np.ndarray) -> tuple[Callable, dict]:
    """Return the filter of a kind in `CLASSICAL` with the greatest mean PSNR on given images, and its parameters.

    Args:
        name: key of `CLASSICAL`.
        noisy: float32 (N, H, W, C).
        clean: the same images, uncorrupted.
    """
    make, grid = CLASSICAL[name]
    settings = [
        dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())
    ]
    scores = [image.psnr(filtered(noisy, make(**setting)), clean).mean() for setting in settings]
    best = settings[int(np.argmax(scores))]
    return make(**best), best


def linear_denoiser(
    noisy: np.ndarray, clean: np.ndarray, noisy_held_out: np.ndarray, clean_held_out: np.ndarray
) -> Callable:
    """Return the best linear map from corrupted to clean images: a Wiener filter with the covariances of these images.

    Fitted by ridge regression; its penalty is the one with the greatest PSNR on held-out images.

    Args:
        noisy: float32 (N, H, W, C), what it is fitted on.
        clean: the same images, uncorrupted.
        noisy_held_out: float32 (M, H, W, C).
        clean_held_out: the same images, uncorrupted.
    """

    def flat(images):
        return images.reshape(len(images), -1)

    def denoise(model, images):
        return np.clip(model.predict(flat(images)), 0, 1).reshape(images.shape).astype(np.float32)

    fitted = [
        sklearn.linear_model.Ridge(penalty).fit(flat(noisy), flat(clean))
        for penalty in (1, 30, 300, 3000)
    ]
    return partial(
        denoise,
        max(
            fitted,
            key=lambda model: image.psnr(denoise(model, noisy_held_out), clean_held_out).mean(),
        ),
    )


def run(config: DenoisingStudyConfig) -> Path:
    """Compute the cells of the study that are missing, or the one that `config.cell` names, then write its report.

    Raises:
        ValueError: no such cell; results of other settings in the folder.
    """
    blind = ",".join(config.corruptions)
    cells = {
        f"{'blind' if trained == blind else trained.replace(':', '-')}-seed{seed}": partial(
            _model_cell, trained=trained, seed=seed
        )
        for seed in config.seeds
        for trained in (*config.corruptions, blind)
    }
    for tested in (*config.corruptions, *config.unseen):
        cells[f"classical-{tested.replace(':', '-')}"] = partial(_classical_cell, tested=tested)
        cells[f"linear-{tested.replace(':', '-')}"] = partial(_linear_cell, tested=tested)

    def compute(cell: str, path: Path) -> None:
        cells[cell](config, sources.load(config.dataset, config.data_dir), path)

    settings = {name: getattr(config, name) for name in ("epochs", "corruptions", "unseen")}
    return cell_runner.study("denoising", config, cells, settings, compute, report.write)


def _row(config: DenoisingStudyConfig, source: image_dataset.ImageDataset, path: Path, **fields) -> dict:
    fixed = {
        "study": "denoising",
        "run": path.stem,
        "dataset": source.name,
        "n_train": len(source.train.labels) - _held_out(source),
        "condition": "clean",
    }
    return fixed | fields


def _images(source: image_dataset.ImageDataset) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return training, held-out and test images, float32 in [0, 1]."""
    order = np.random.default_rng(0).permutation(len(source.train.labels))
    train, count = image_dataset.to_unit(source.train.images), _held_out(source)
    return train[order[count:]], train[order[:count]], image_dataset.to_unit(source.test.images)


def _held_out(source: image_dataset.ImageDataset) -> int:
    return min(HELD_OUT, len(source.train.labels) // 5)


def _noisy(images: np.ndarray, corruption: str, seed: int, purpose: str) -> np.ndarray:
    return pipelines.freeze_noise(
        images, np.arange(len(images)), corruptions.parse(corruption), seed, purpose
    )


def _model_cell(
    config: DenoisingStudyConfig, source: image_dataset.ImageDataset, path: Path, trained: str, seed: int
) -> None:
    """Train the wide model of the recipe conv-dae on one corruption and test it on that one; the blind model on all, seen and unseen."""
    train, _, test = _images(source)
    settings = TrainConfig.of(
        recipe="conv-dae",
        network="wide_residual_conv",
        corruption=trained,
        epochs=config.epochs,
        precision="bfloat16",
        seed=seed,
    )
    per_epoch = pipelines.steps_per_epoch(len(train), settings.generator.batch_size)
    model = build.build_generator(settings, train.shape[1:], per_epoch)
    batches = pipelines.training_batches(
        (train,), settings.generator.batch_size, seed, "denoising study"
    )
    losses = model.fit(batches, epochs=config.epochs, steps_per_epoch=per_epoch, verbose=0).history[
        "loss"
    ]
    if not np.isfinite(losses[-1]):
        raise FloatingPointError(f"the loss became {losses[-1]}.")
    name = "own" if trained in config.corruptions else "blind"
    tests = (trained,) if name == "own" else (*config.corruptions, *config.unseen)
    row = partial(_row, config, source, path, model=settings.generator.model, network=settings.generator.network, corruption=trained, target=settings.generator.target, seed=seed,
                  epoch=config.epochs, augmentation=name)  # fmt: skip
    rows, pictures = [], {}
    for tested in tests:
        noisy = _noisy(test, tested, NOISE_SEED, "test")
        rows += [
            row(**measured) for measured in evaluation.denoising_rows(model, test, noisy, tested)
        ]
        pictures[f"{tested}/{name}"] = model.denoise(noisy[:SHOWN])
    rows += [
        row(**measured)
        for measured in evaluation.denoising_rows(model, test, test, "none")
        if not measured["metric"].endswith("_input")
    ]
    _write(path, rows, pictures)


def _classical_cell(
    config: DenoisingStudyConfig, source: image_dataset.ImageDataset, path: Path, tested: str
) -> None:
    _, held_out, test = _images(source)
    held_out = held_out[:CHOOSING]
    noisy_held_out = _noisy(held_out, tested, NOISE_SEED, "held out")
    noisy = _noisy(test, tested, NOISE_SEED, "test")
    rows, pictures = [], {f"{tested}/clean": test[:SHOWN], f"{tested}/input": noisy[:SHOWN]}
    for name in CLASSICAL:
        function, parameters = best_filter(name, noisy_held_out, held_out)
        output = filtered(noisy, function)
        chosen = " ".join(f"{key}={value}" for key, value in parameters.items())
        rows += _measured(
            config, source, path, output, test, model=name, network=chosen, test_corruption=tested
        )
        pictures[f"{tested}/{name}"] = output[:SHOWN]
    _write(path, rows, pictures)


def _linear_cell(
    config: DenoisingStudyConfig, source: image_dataset.ImageDataset, path: Path, tested: str
) -> None:
    train, held_out, test = _images(source)
    pairs = [
        (_noisy(images, tested, NOISE_SEED, purpose), images)
        for images, purpose in ((train, "linear"), (held_out, "held out"))
    ]
    denoise = linear_denoiser(*pairs[0], *pairs[1])
    output = denoise(_noisy(test, tested, NOISE_SEED, "test"))
    rows = _measured(
        config,
        source,
        path,
        output,
        test,
        model="linear",
        corruption=tested,
        test_corruption=tested,
    )
    _write(path, rows, {f"{tested}/linear": output[:SHOWN]})


def _measured(config, source, path, output: np.ndarray, clean: np.ndarray, **fields) -> list[dict]:
    values = evaluation.image_quality(output, clean)
    return [
        _row(config, source, path, **fields, split="test", metric=metric, value=float(value.mean()))
        for metric, value in values.items()
    ]


def _write(path: Path, rows: list[dict], pictures: dict[str, np.ndarray]) -> None:
    with files.replacing(path.with_suffix(".npz")) as temporary, open(temporary, "wb") as file:
        np.savez(file, **pictures)
    csv_rows.write_rows(path, rows)
