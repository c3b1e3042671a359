"""Measure trained models and classifiers: rows as dictionaries, with the fields known here."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import keras
import numpy as np

from tfdvae._utils import chunks, limits
from tfdvae.corruptions import Corruption
from tfdvae.data import image_dataset, pipelines
from tfdvae.metrics import classification, image, latent_codes, risk, statistics
from tfdvae.metrics.noise import NoiseEstimate
from tfdvae.metrics.noise_of_pairs import SecondNoise
from tfdvae.models.base import DenoisingModel


def batch_size(images: np.ndarray) -> int:
    """Return the images in a batch: 500, or fewer large ones; pieces end where batches do."""
    return chunks.batch_rows(4 * images[0].size, limits.current().evaluation_images)


def _pieces(images: np.ndarray) -> list[slice]:
    return chunks.pieces(len(images), 4 * images[0].size, batch_size(images))


def test_noise(
    images: np.ndarray,
    corruption: Corruption,
    seed: int,
    first: int = 0,  # noqa: PT028
) -> np.ndarray:
    """Return test images with their frozen noise, not clipped.

    The noise is a function of (seed, corruption, position of the image).

    Args:
        images: float32 (N, H, W, C) in [0, 1], or unsigned integers.
        corruption: that is applied.
        seed: root seed.
        first: position of the first of them among the test images.
    """
    return pipelines.freeze_noise(
        image_dataset.to_unit(images),
        np.arange(first, first + len(images)),
        corruption,
        seed,
        "test",
    )


def classifier_outputs(
    classifier: keras.Model,
    images: np.ndarray,
    corruption: Corruption,
    seed: int,
    mirrored: bool = False,
) -> np.ndarray:
    """Return a classifier's outputs (N, classes) for test images with their frozen noise.

    Args:
        classifier: returns logits (N, classes).
        images: float32 (N, H, W, C) in [0, 1] or unsigned integers, uncorrupted; memory-mapped ones
            are read in pieces.
        corruption: that is applied.
        seed: root seed of the frozen test noise.
        mirrored: whether the classifier sees the mirror images of these noisy images.
    """
    noisy = (test_noise(images[piece], corruption, seed, piece.start) for piece in _pieces(images))
    return np.concatenate(
        [_outputs(classifier, piece[:, :, ::-1] if mirrored else piece) for piece in noisy]
    )


def _outputs(classifier: keras.Model, images: np.ndarray) -> np.ndarray:
    batches = pipelines.batches((images,), batch_size(images))
    return classifier.predict(batches, verbose=0)


def rows_with_noise(
    model: DenoisingModel | None,
    classifiers: Mapping[str, keras.Model],
    images: np.ndarray,
    labels: np.ndarray,
    corruptions: Iterable[Corruption],
    seed: int,
) -> tuple[list[dict], dict[str, list[dict]]]:
    """Measure a model and classifiers with each test noise, which is made once for all of them.

    Args:
        model: any, or None.
        classifiers: by name; each returns logits (N, classes).
        images: float32 (N, H, W, C) in [0, 1] or unsigned integers, uncorrupted; memory-mapped ones
            are read in pieces.
        labels: int (N,).
        corruptions: that are applied, one after the other.
        seed: root seed of the frozen test noise.

    Returns:
        Rows of PSNR and SSIM, as `denoising_rows` gives them; and by classifier rows of its
        accuracy, with the 95% Wilson interval over test images.
    """
    denoised: list[dict] = []
    classified: dict[str, list[dict]] = {name: [] for name in classifiers}
    pieces = _pieces(images) if classifiers or model is not None else []
    for corruption in corruptions:
        quality: dict[str, list[np.ndarray]] = {}
        outputs: dict[str, list[np.ndarray]] = {name: [] for name in classifiers}
        for piece in pieces:
            noisy = test_noise(images[piece], corruption, seed, piece.start)
            if model is not None:
                _add_quality(quality, model, image_dataset.to_unit(images[piece]), noisy)
            for name, classifier in classifiers.items():
                outputs[name].append(_outputs(classifier, noisy))
        denoised += _quality_rows(quality, str(corruption))
        for name, parts in outputs.items():
            classified[name] += _accuracy_rows(np.concatenate(parts), labels, str(corruption))
    return denoised, classified


def _accuracy_rows(
    logits: np.ndarray, labels: np.ndarray, test_corruption: str
) -> Iterator[dict[str, Any]]:
    value = classification.accuracy(logits, labels)
    low, high = statistics.wilson_interval(value, len(labels))
    for metric, number in (("accuracy", value), ("accuracy_low", low), ("accuracy_high", high)):
        yield {
            "test_corruption": test_corruption,
            "split": "test",
            "metric": metric,
            "value": number,
        }


def generator_rows(
    model: DenoisingModel,
    train: np.ndarray | tuple[np.ndarray, ...],
    test: np.ndarray | tuple[np.ndarray, ...],
) -> Iterator[dict]:
    """Measure the losses on training and test images, and count active latent units.

    Losses are in nats per image, but for the likelihood `mse`.

    Args:
        model: compiled.
        train: float32 (N, H, W, C), as observed in training; or pairs (noisy, clean) of such
            arrays. Memory-mapped ones are read in pieces.
        test: (M, H, W, C), float32 or unsigned integers, uncorrupted; or pairs.
    """
    train, test = (images if isinstance(images, tuple) else (images,) for images in (train, test))
    for split, images in (("train", train), ("test", test)):
        losses = model.evaluate(
            pipelines.batches(images, batch_size(images[0])), verbose=0, return_dict=True
        )
        for metric in model.loss_names:
            yield {"split": split, "metric": metric, "value": float(losses[metric])}
    if not model.has_code:
        return
    codes = (model.encode(train[0][piece]) for piece in _pieces(train[0]))
    active = int(np.sum(latent_codes.activity_of_pieces(codes) > 0.01))
    yield {"split": "train", "metric": "active_units", "value": float(active)}


def denoising_rows(
    model: DenoisingModel, clean: np.ndarray, noisy: np.ndarray, test_corruption: str
) -> Iterator[dict]:
    """Measure PSNR and SSIM of corrupted and of denoised images, as means over images.

    `psnr_input` and `ssim_input` are those of the images given, `psnr` and `ssim` those of the
    model's output, both against the clean images. SSIM needs images of 11x11 pixels; smaller ones
    have none.

    Args:
        model: any.
        clean: (N, H, W, C), float32 in [0, 1] or unsigned integers; memory-mapped ones are read in
            pieces.
        noisy: the same images, corrupted, likewise.
        test_corruption: name of the corruption.
    """
    quality: dict[str, list[np.ndarray]] = {}
    for piece in _pieces(clean):
        pair = image_dataset.to_unit(clean[piece]), image_dataset.to_unit(noisy[piece])
        _add_quality(quality, model, *pair)
    yield from _quality_rows(quality, test_corruption)


def estimated_rows(
    model: DenoisingModel, noisy: np.ndarray, noise: NoiseEstimate, known: bool
) -> Iterator[dict]:
    """Estimate the PSNR of noisy and of denoised images, of which there are no clean ones.

    See `risk.squared_errors`; intervals are those of the mean over images, and wider where the
    noise is an estimate itself.

    Args:
        model: any.
        noisy: (N, H, W, C), float32 in [0, 1] or unsigned integers; memory-mapped ones are read in
            pieces.
        noise: that they have, independent from pixel to pixel.
        known: whether it was given, and not estimated.
    """
    means: list[np.ndarray] = []
    variances: list[np.ndarray] = []
    denoise = partial(model.denoise, samples=model.posterior_samples)
    for piece in _pieces(noisy):
        images = image_dataset.to_unit(noisy[piece])
        variance = noise.variance(images).astype(np.float32)
        errors = risk.squared_errors(denoise, images, variance, piece.start)
        for found, values in ((means, errors), (variances, variance)):
            found.append(values.mean(axis=(1, 2, 3), dtype=np.float64))
    sizes = np.full(len(noisy), noisy[0].size)
    level = float(np.concatenate(variances).mean())
    wrong = (0.0, 0.0) if known else (risk.WRONG * level, risk.UNREFINED * level)
    yield from _estimates(risk.estimates(np.concatenate(means), sizes, level, *wrong))


def estimated_rows_of_pairs(
    model: DenoisingModel, first: np.ndarray, second: np.ndarray, noise: SecondNoise
) -> Iterator[dict]:
    """Estimate the PSNR of noisy and of denoised images of which there is a second noisy one.

    The squared distance of what the model makes of the first image from the second one is on
    average that from the image without noise, and the variance of the noise of the second one,
    where the noise of both is independent (Lehtinen et al. 2018).

    Args:
        model: any.
        first: (N, H, W, C), float32 in [0, 1] or unsigned integers; memory-mapped ones are read in
            pieces.
        second: likewise, of the same scenes.
        noise: of the second ones.
    """
    before: list[np.ndarray] = []
    after: list[np.ndarray] = []
    for piece in _pieces(first):
        images, others = (image_dataset.to_unit(each[piece]) for each in (first, second))
        denoised = model.denoise(images, samples=model.posterior_samples)
        for means, made in ((before, images), (after, denoised)):
            means.append(((made - others) ** 2).mean(axis=(1, 2, 3), dtype=np.float64))
    sizes = np.full(len(first), first[0].size)
    level = float(np.concatenate(before).mean()) - noise.variance
    if level > 0:  # otherwise the first images have no noise
        distances = np.concatenate(after) - noise.variance
        yield from _estimates(risk.estimates(distances, sizes, level, noise.error))


def _estimates(values: Mapping[str, float]) -> Iterator[dict[str, Any]]:
    for metric, value in values.items():
        yield {"test_corruption": "observed", "split": "test", "metric": metric, "value": value}


def image_quality(images: np.ndarray, clean: np.ndarray) -> dict[str, np.ndarray]:
    """Return `psnr` and, where images have 11x11 pixels at least, `ssim` of each image.

    Args:
        images: float (N, H, W, C).
        clean: float (N, H, W, C) in [0, 1].

    Returns:
        float64 (N,) for each.
    """
    measures: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {"psnr": image.psnr}
    if min(clean.shape[1:3]) >= image.SSIM_WINDOW:
        measures["ssim"] = image.ssim
    size = batch_size(clean)
    starts = range(0, len(clean), size)
    return {
        name: np.concatenate(
            [measure(images[i : i + size], clean[i : i + size]) for i in starts]
        ).astype(np.float64)
        for name, measure in measures.items()
    }


def _add_quality(
    quality: dict[str, list[np.ndarray]],
    model: DenoisingModel,
    clean: np.ndarray,
    noisy: np.ndarray,
) -> None:
    """Append what is measured of each image, before and after the model, to the lists by metric."""
    denoised = model.denoise(noisy, samples=model.posterior_samples)
    for suffix, images in (("_input", noisy), ("", denoised)):
        for name, measured in image_quality(images, clean).items():
            quality.setdefault(name + suffix, []).append(measured)


def _quality_rows(
    quality: Mapping[str, list[np.ndarray]], test_corruption: str
) -> Iterator[dict[str, Any]]:
    for metric, parts in quality.items():
        yield {
            "test_corruption": test_corruption,
            "split": "test",
            "metric": metric,
            "value": float(np.concatenate(parts).mean(dtype=np.float64)),
        }
