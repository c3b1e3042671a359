"""Denoised test images, which are made once and kept in the study's folder beside the views.

They lie in `denoised`, a file for each noise of training images, noise of test images and seed, so
that all classifiers of a seed share them. They do not depend on the classifier.
"""

from __future__ import annotations

import numpy as np

from tfdvae import corruptions
from tfdvae.experiment import evaluation
from tfdvae.inference.image_arrays import to_dtype
from tfdvae.inference.trained_model import TrainedModel
from tfdvae.studies.augmentation import kept_files, kept_views
from tfdvae.studies.augmentation.images import Images
from tfdvae.studies.augmentation.settings import AugmentationStudyConfig, file_name


def load(config: AugmentationStudyConfig, images: Images, test_noise: str, seed: int) -> np.ndarray:
    """Return test images with a noise, denoised by the model of the noisy training images.

    They are made where they are not kept, by the rules of `kept_views.load`, in 256 gray levels, as
    files of pictures have them.

    Args:
        config: settings of the study.
        images: of the study, with Gaussian noise of the training images.
        test_noise: of the test images, such as `gaussian:0.1` or `none`.
        seed: root seed.

    Returns:
        uint8 (M, H, W, C).

    Example:
        >>> load(config, images, "gaussian:0.1", seed=0).shape
        (10000, 28, 28, 1)
    """
    views_path = kept_views.path_of(config, str(images.noise), kept_views.DENOISER, seed)
    path = views_path.with_name(
        f"{file_name(str(images.noise))}-test-{file_name(test_noise)}-seed{seed}.npz"
    )
    settings = {
        "model": kept_views.digest_of(config, images, kept_views.DENOISER, seed),
        "test_noise": test_noise,
    }
    digest = kept_files.digest_of(settings, [images.held_out])

    def read() -> np.ndarray | None:
        kept = kept_files.read(path, digest, "images")
        return None if kept is None else kept["images"]

    def make() -> np.ndarray:
        model = kept_views.denoiser(config, images, seed)
        made = denoised(model, images.held_out, corruptions.parse(test_noise), seed)
        kept_files.write(path, {"images": made}, digest)
        return made

    return kept_files.once(path, read, make)


def denoised(
    model: TrainedModel, images: np.ndarray, noise: corruptions.Corruption, seed: int
) -> np.ndarray:
    """Return test images with their frozen noise, denoised, a batch at a time.

    Args:
        model: that denoises.
        images: uncorrupted test images, float32 (M, H, W, C) in [0, 1] or unsigned integers.
        noise: that they get.
        seed: root seed of it.

    Returns:
        uint8 (M, H, W, C).

    Example:
        >>> denoised(model, images.held_out, corruptions.Gaussian(0.1), seed=0)
    """
    size, made = evaluation.batch_size(images), []
    for start in range(0, len(images), size):
        noisy = evaluation.test_noise(images[start : start + size], noise, seed, start)
        made.append(to_dtype(np.clip(model.denoise(noisy), 0, 1), np.dtype(np.uint8)))
    return np.concatenate(made)
