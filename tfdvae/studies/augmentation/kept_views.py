"""Denoised training images, or draws of a DVAE, which are made once and kept in the study's folder.

They lie in `denoised`, a file for each noise, seed and method, so that all classifiers that need
them share them, whichever comes first. They do not depend on the classifier. Beside those of the
method `DENOISER` is the model that made them.
"""

from __future__ import annotations

import dataclasses
from functools import partial
from pathlib import Path

import numpy as np

import tfdvae
from tfdvae import corruptions
from tfdvae._utils import files
from tfdvae.inference import keras_files
from tfdvae.inference.trained_model import TrainedModel
from tfdvae.metrics import choice
from tfdvae.studies import runner
from tfdvae.studies.augmentation import kept_files
from tfdvae.studies.augmentation.images import Images
from tfdvae.studies.augmentation.settings import AugmentationStudyConfig, file_name
from tfdvae.training_sets import views

DENOISER = "recorrupted"
"""The method whose model is kept, for it denoises test images too."""


def told_noise(config: AugmentationStudyConfig, images: Images) -> corruptions.Corruption:
    """Return the noise that denoisers are told: a multiple of the true one, or an estimate.

    Args:
        config: settings of the study.
        images: of the study, with Gaussian noise; the estimate is from the noisy ones alone.

    Raises:
        ValueError: the noise cannot be estimated, or looks like no Gaussian noise.

    Example:
        >>> told_noise(config, images)
        Gaussian(level=0.26)
    """
    if isinstance(config.assumed_noise, str):
        instead = "Give a factor instead."
        level = choice.gaussian_level(images.train, "assumed_noise", unknown=instead, other=instead)
        return corruptions.Gaussian(min(level, corruptions.Gaussian.highest_level))
    return corruptions.Gaussian(config.assumed_noise * images.noise.level)


def path_of(config: AugmentationStudyConfig, noise: str, method: str, seed: int) -> Path:
    """Return the file of the views that a method makes of images with a noise."""
    folder = runner.study_folder("augmentation", config) / "denoised"
    return folder / f"{file_name(noise)}-{method}-seed{seed}.npz"


def load(config: AugmentationStudyConfig, images: Images, method: str, seed: int) -> views.Views:
    """Return the views that a method makes of the training images; made where they are not kept.

    A process that needs what another one is making waits for it. A damaged file is made anew, and
    so is one of other images or settings.

    Args:
        config: settings of the study.
        images: of the study, with Gaussian noise.
        method: key of `METHODS`.
        seed: root seed.

    Example:
        >>> load(config, images, "recorrupted", seed=0).images.shape
        (5000, 1, 28, 28, 1)
    """
    path = path_of(config, str(images.noise), method, seed)
    read = partial(_read, path, digest_of(config, images, method, seed))
    return kept_files.once(path, read, partial(_make, config, images, method, seed))


def denoiser(config: AugmentationStudyConfig, images: Images, seed: int) -> TrainedModel:
    """Return the model that made the views of `DENOISER`; where it is not kept, both are made.

    It has learned from the noisy training images alone.

    Args:
        config: settings of the study.
        images: of the study, with Gaussian noise.
        seed: root seed.

    Example:
        >>> denoiser(config, images, seed=0).denoise(noisy)
    """
    path = path_of(config, str(images.noise), DENOISER, seed)

    def read() -> TrainedModel | None:
        if not has_denoiser(config, images, seed):
            return None
        return TrainedModel(keras_files.load(path.with_suffix(".keras"), "model"))

    def make() -> TrainedModel:
        model = _make(config, images, DENOISER, seed).model
        assert model is not None
        return model

    return kept_files.once(path, read, make)


def is_kept(config: AugmentationStudyConfig, images: Images, method: str, seed: int) -> bool:
    """Tell whether `load` finds the views in the study's folder."""
    path = path_of(config, str(images.noise), method, seed)
    return path.exists() and _read(path, digest_of(config, images, method, seed)) is not None


def has_denoiser(config: AugmentationStudyConfig, images: Images, seed: int) -> bool:
    """Tell whether `denoiser` finds the model in the study's folder, just as it was written."""
    path = path_of(config, str(images.noise), DENOISER, seed)
    model = path.with_suffix(".keras")
    if not (path.exists() and model.exists()):
        return False
    kept = kept_files.read(path, digest_of(config, images, DENOISER, seed), "model")
    return kept is not None and str(kept["model"]) == files.sha256(model)


def digest_of(config: AugmentationStudyConfig, images: Images, method: str, seed: int) -> str:
    """Return a digest of all that the views and their model depend on."""
    clean = views.METHODS[method].clean
    settings = {
        "tfdvae": tfdvae.__version__,
        "method": method,
        "noise": str(told_noise(config, images)),
        "seed": seed,
        "steps": config.denoiser_steps,
        "threads": runner.thread_count_of("augmentation", config),
    }
    return kept_files.digest_of(
        settings, (images.train, images.clean) if clean else (images.train,)
    )


def _make(config: AugmentationStudyConfig, images: Images, method: str, seed: int) -> views.Views:
    """Make views and keep them, those of `DENOISER` with their model."""
    path = path_of(config, str(images.noise), method, seed)
    digest = digest_of(config, images, method, seed)
    unfinished = path.with_name(f"{path.stem}-{digest[:8]}.unfinished")
    noise = told_noise(config, images)
    made = views.make(
        method, images.train, images.clean, noise, seed, config.denoiser_steps, unfinished
    )
    arrays = {"images": made.images.astype(np.float32), "network": np.array(made.network)}
    if method == DENOISER and made.model is not None:
        model = path.with_suffix(".keras")
        with files.replacing(model) as temporary:
            made.model.keras_model.save(temporary)
        arrays["model"] = np.array(files.sha256(model))
    kept_files.write(path, arrays, digest)
    files.remove_at_once(unfinished)
    return dataclasses.replace(made, images=arrays["images"])


def _read(path: Path, digest: str) -> views.Views | None:
    """Return the views in a file; None where it is missing, damaged or of other images."""
    kept = kept_files.read(path, digest, "images", "network")
    return None if kept is None else views.Views(kept["images"], str(kept["network"]))
