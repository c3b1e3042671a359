"""What is measured on a trained model or classifier: dictionaries with the fields of a row that the measure knows."""

from collections.abc import Iterable, Iterator

import keras
import numpy as np

from tfdvae import metrics
from tfdvae.corruptions import Corruption
from tfdvae.data import pipelines
from tfdvae.models.base import DenoisingModel
from tfdvae.reporting import statistics


def test_noise(images: np.ndarray, corruption: Corruption, seed: int) -> np.ndarray:
    """Return the test images with their frozen noise: a function of (seed, corruption, position), not clipped."""
    return pipelines.freeze_noise(images, np.arange(len(images)), corruption, seed, "test")


def classifier_rows(
    classifier: keras.Model, images: np.ndarray, labels: np.ndarray, corruptions: Iterable[Corruption], seed: int
) -> Iterator[dict]:
    """Measure accuracy, with its 95% Wilson interval over test images, under each corruption.

    Args:
        classifier: returns logits (N, classes).
        images: float32 (N, H, W, C) in [0, 1], uncorrupted.
        labels: int (N,).
        corruptions: what the images suffer, one after the other.
        seed: root seed of the frozen test noise.
    """
    for corruption in corruptions:
        logits = classifier.predict(test_noise(images, corruption, seed), batch_size=500, verbose=0)
        value = metrics.accuracy(logits, labels)
        low, high = statistics.wilson_interval(value, len(labels))
        for metric, number in (("accuracy", value), ("accuracy_low", low), ("accuracy_high", high)):
            yield {
                "test_corruption": "none" if corruption.level == 0 else str(corruption),
                "split": "test",
                "metric": metric,
                "value": number,
            }


def generator_rows(model: DenoisingModel, train: np.ndarray, test: np.ndarray) -> Iterator[dict]:
    """Measure the losses in nats per image on training and test images, and the number of active latent units.

    Args:
        model: compiled.
        train: float32 (N, H, W, C), as observed in training.
        test: float32 (M, H, W, C), uncorrupted.
    """
    for split, images in (("train", train), ("test", test)):
        losses = model.evaluate(images, batch_size=500, verbose=0, return_dict=True)
        for metric in model.loss_names:
            yield {"split": split, "metric": metric, "value": float(losses[metric])}
    active = int(np.sum(metrics.activity(model.encode(train)) > 0.01))
    yield {"split": "train", "metric": "active_units", "value": float(active)}


def denoising_rows(model: DenoisingModel, clean: np.ndarray, noisy: np.ndarray, test_corruption: str) -> Iterator[dict]:
    """Measure how much nearer to the clean images a model brings corrupted ones: means over images of PSNR and SSIM.

    `psnr_input` and `ssim_input` are those of the images given, `psnr` and `ssim` those of the model's output. SSIM needs images of
    11x11 pixels; smaller ones have none.

    Args:
        model: any.
        clean: float32 (N, H, W, C) in [0, 1].
        noisy: the same images, corrupted.
        test_corruption: name of the corruption.
    """
    measures = [("psnr", metrics.psnr)] + ([("ssim", metrics.ssim)] if min(clean.shape[1:3]) >= metrics.SSIM_WINDOW else [])
    for suffix, images in (("_input", noisy), ("", model.denoise(noisy))):
        for name, measure in measures:
            values = np.concatenate([measure(images[i : i + 500], clean[i : i + 500]) for i in range(0, len(clean), 500)])
            yield {
                "test_corruption": test_corruption,
                "split": "test",
                "metric": name + suffix,
                "value": float(values.mean(dtype=np.float64)),
            }
