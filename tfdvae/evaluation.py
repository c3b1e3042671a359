"""What is measured on a trained model or classifier: dictionaries with the fields of a row that the measure knows."""

from collections.abc import Iterable, Iterator

import keras
import numpy as np
import tensorflow as tf

from tfdvae import files, metrics
from tfdvae.corruptions import Corruption
from tfdvae.data import pipelines, sources
from tfdvae.models.base import DenoisingModel
from tfdvae.reporting import statistics

BATCH_SIZE = 500


def test_noise(images: np.ndarray, corruption: Corruption, seed: int, first: int = 0) -> np.ndarray:  # noqa: PT028
    """Return test images with their frozen noise: a function of (seed, corruption, position), not clipped.

    Args:
        images: float32 (N, H, W, C) in [0, 1], or unsigned integers.
        corruption: what the images suffer.
        seed: root seed.
        first: position of the first of them among the test images.
    """
    return pipelines.freeze_noise(sources.to_unit(images), np.arange(first, first + len(images)), corruption, seed, "test")


def classifier_rows(
    classifier: keras.Model, images: np.ndarray, labels: np.ndarray, corruptions: Iterable[Corruption], seed: int
) -> Iterator[dict]:
    """Measure accuracy, with its 95% Wilson interval over test images, under each corruption.

    Args:
        classifier: returns logits (N, classes).
        images: float32 (N, H, W, C) in [0, 1] or unsigned integers, uncorrupted; memory-mapped ones are read in pieces.
        labels: int (N,).
        corruptions: what the images suffer, one after the other.
        seed: root seed of the frozen test noise.
    """
    pieces = files.pieces(len(images), 4 * images[0].size, BATCH_SIZE)
    for corruption in corruptions:
        noisy = (test_noise(images[piece], corruption, seed, piece.start) for piece in pieces)
        logits = np.concatenate([classifier.predict(piece, batch_size=BATCH_SIZE, verbose=0) for piece in noisy])
        value = metrics.accuracy(logits, labels)
        low, high = statistics.wilson_interval(value, len(labels))
        for metric, number in (("accuracy", value), ("accuracy_low", low), ("accuracy_high", high)):
            yield {
                "test_corruption": "none" if corruption.level == 0 else str(corruption),
                "split": "test",
                "metric": metric,
                "value": number,
            }


def denoising_rows(model: DenoisingModel, clean: np.ndarray, noisy: np.ndarray, test_corruption: str) -> Iterator[dict]:
    """Measure noisy images, and what the model makes of them, against the clean ones: means of PSNR (dB) and SSIM over images.

    Args:
        model: denoises.
        clean: (N, H, W, C), float32 in [0, 1] or unsigned integers; memory-mapped ones are read in pieces.
        noisy: the same images with noise, likewise.
        test_corruption: what the noise is, as in the column of that name.
    """
    sums: dict[str, float] = dict.fromkeys(("psnr_input", "psnr", "ssim_input", "ssim"), 0.0)
    window = min(11, *clean.shape[1:3])  # the published one of SSIM where images are not smaller
    for piece in files.pieces(len(clean), 4 * clean[0].size):
        aims, inputs = (sources.to_unit(images[piece]) for images in (clean, noisy))
        for suffix, images in (("_input", inputs), ("", model.denoise(inputs))):
            sums[f"psnr{suffix}"] += float(np.sum(tf.image.psnr(images, aims, 1.0), dtype=np.float64))
            sums[f"ssim{suffix}"] += float(np.sum(tf.image.ssim(images, aims, 1.0, filter_size=window), dtype=np.float64))
    for metric, total in sums.items():
        yield {"test_corruption": test_corruption, "split": "test", "metric": metric, "value": total / len(clean)}


def generator_rows(
    model: DenoisingModel, train: np.ndarray | tuple[np.ndarray, ...], test: np.ndarray | tuple[np.ndarray, ...]
) -> Iterator[dict]:
    """Measure the losses in nats per image on training and test images, and the number of active latent units.

    Args:
        model: compiled.
        train: float32 (N, H, W, C), as observed in training; or pairs (noisy, clean) of such arrays. Memory-mapped ones are read
            in pieces.
        test: (M, H, W, C), float32 or unsigned integers, uncorrupted; or pairs.
    """
    train, test = (images if isinstance(images, tuple) else (images,) for images in (train, test))
    for split, images in (("train", train), ("test", test)):
        losses = model.evaluate(pipelines.batches(images, BATCH_SIZE), verbose=0, return_dict=True)
        for metric in model.loss_names:
            yield {"split": split, "metric": metric, "value": float(losses[metric])}
    codes = (model.encode(train[0][piece]) for piece in files.pieces(len(train[0]), train[0][0].nbytes, BATCH_SIZE))
    active = int(np.sum(metrics.activity_of_pieces(codes) > 0.01))
    yield {"split": "train", "metric": "active_units", "value": float(active)}
