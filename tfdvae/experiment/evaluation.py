"""Measure trained models and classifiers: rows as dictionaries, with the fields known here."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial

import keras
import numpy as np

from tfdvae._utils import chunks, limits
from tfdvae.corruptions import Corruption
from tfdvae.data import image_dataset, pipelines
from tfdvae.metrics import classification, image, latent_codes, risk, statistics
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
    classifier: keras.Model, images: np.ndarray, corruption: Corruption, seed: int
) -> np.ndarray:
    """Return a classifier's outputs (N, classes) for test images with their frozen noise.

    Args: as in `classifier_rows`.
    """
    size = batch_size(images)
    noisy = (test_noise(images[piece], corruption, seed, piece.start) for piece in _pieces(images))
    return np.concatenate(
        [classifier.predict(piece, batch_size=size, verbose=0) for piece in noisy]
    )


def classifier_rows(
    classifier: keras.Model,
    images: np.ndarray,
    labels: np.ndarray,
    corruptions: Iterable[Corruption],
    seed: int,
) -> Iterator[dict]:
    """Measure accuracy, with its 95% Wilson interval over test images, under each corruption.

    Args:
        classifier: returns logits (N, classes).
        images: float32 (N, H, W, C) in [0, 1] or unsigned integers, uncorrupted; memory-mapped ones
            are read in pieces.
        labels: int (N,).
        corruptions: that are applied, one after the other.
        seed: root seed of the frozen test noise.
    """
    for corruption in corruptions:
        logits = classifier_outputs(classifier, images, corruption, seed)
        value = classification.accuracy(logits, labels)
        low, high = statistics.wilson_interval(value, len(labels))
        for metric, number in (("accuracy", value), ("accuracy_low", low), ("accuracy_high", high)):
            yield {
                "test_corruption": str(corruption),
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
    pairs = (
        (image_dataset.to_unit(clean[piece]), image_dataset.to_unit(noisy[piece]))
        for piece in _pieces(clean)
    )
    return _denoising_rows(model, pairs, test_corruption)


def corruption_rows(
    model: DenoisingModel, images: np.ndarray, corruptions: Iterable[Corruption], seed: int
) -> Iterator[dict]:
    """Measure PSNR and SSIM, as `denoising_rows` does, with each of the frozen test noises.

    Args: as in `classifier_rows`.
    """
    pieces = _pieces(images)
    for corruption in corruptions:
        pairs = (
            (
                image_dataset.to_unit(images[piece]),
                test_noise(images[piece], corruption, seed, piece.start),
            )
            for piece in pieces
        )
        yield from _denoising_rows(model, pairs, str(corruption))


def estimated_rows(
    model: DenoisingModel, noisy: np.ndarray, level: float, known: bool
) -> Iterator[dict]:
    """Estimate the PSNR of noisy and of denoised images, of which there are no clean ones.

    See `risk.squared_errors`; intervals are those of the mean over images, and wider where the
    noise is an estimate itself.

    Args:
        model: any.
        noisy: (N, H, W, C), float32 in [0, 1] or unsigned integers, with Gaussian noise;
            memory-mapped ones are read in pieces.
        level: standard deviation of that noise.
        known: whether it was given, and not estimated.
    """
    means = []
    denoise = partial(model.denoise, samples=model.posterior_samples)
    for piece in _pieces(noisy):
        images = image_dataset.to_unit(noisy[piece])
        errors = risk.squared_errors(denoise, images, np.array(level**2, np.float32), piece.start)
        means.append(errors.mean(axis=(1, 2, 3), dtype=np.float64))
    sizes = np.full(len(noisy), noisy[0].size)
    wrong = (0.0, 0.0) if known else (risk.WRONG * level**2, risk.UNREFINED * level**2)
    values = risk.estimates(np.concatenate(means), sizes, level**2, *wrong)
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


def _denoising_rows(
    model: DenoisingModel, pairs: Iterable[tuple[np.ndarray, np.ndarray]], test_corruption: str
) -> Iterator[dict]:
    values: dict[str, list[np.ndarray]] = {}
    for clean, noisy in pairs:
        for suffix, images in (
            ("_input", noisy),
            ("", model.denoise(noisy, samples=model.posterior_samples)),
        ):
            for name, measured in image_quality(images, clean).items():
                values.setdefault(name + suffix, []).append(measured)
    for metric, parts in values.items():
        yield {
            "test_corruption": test_corruption,
            "split": "test",
            "metric": metric,
            "value": float(np.concatenate(parts).mean(dtype=np.float64)),
        }
