"""Denoised training images, or draws of a DVAE, which are made once and kept in the study's folder.

They lie in `denoised`, a file for each noise, seed and method, so that all classifiers that need
them share them, whichever comes first. They do not depend on the classifier.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from pathlib import Path

import filelock
import numpy as np

import tfdvae
from tfdvae import corruptions
from tfdvae._utils import files
from tfdvae.metrics import choice
from tfdvae.studies import runner
from tfdvae.studies.augmentation.images import Images
from tfdvae.studies.augmentation.settings import AugmentationStudyConfig, file_name
from tfdvae.training_sets import views


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
    digest = _digest(config, images, method, seed)
    if (kept := _read(path, digest)) is not None:
        return kept
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.stem}-{digest[:8]}.unfinished")
    with filelock.FileLock(path.with_suffix(".lock")):
        if (kept := _read(path, digest)) is None:
            noise = told_noise(config, images)
            made = views.make(
                method, images.train, images.clean, noise, seed, config.denoiser_steps, unfinished
            )
            arrays = {"images": made.images.astype(np.float32), "network": np.array(made.network)}
            files.write_npz(path, arrays | {"digest": np.array(digest)})
            kept = views.Views(arrays["images"], made.network)
        files.remove_at_once(unfinished)
    return kept


def is_kept(config: AugmentationStudyConfig, images: Images, method: str, seed: int) -> bool:
    """Tell whether `load` finds the views in the study's folder."""
    path = path_of(config, str(images.noise), method, seed)
    return path.exists() and _read(path, _digest(config, images, method, seed)) is not None


def _digest(config: AugmentationStudyConfig, images: Images, method: str, seed: int) -> str:
    """Return a digest of all that the views depend on."""
    clean = views.METHODS[method].clean
    arrays = (images.train, images.clean) if clean else (images.train,)
    settings = {
        "tfdvae": tfdvae.__version__,
        "method": method,
        "noise": str(told_noise(config, images)),
        "seed": seed,
        "steps": config.denoiser_steps,
        "threads": runner.thread_count_of("augmentation", config),
        "images": [hashlib.sha256(each.tobytes()).hexdigest() for each in arrays],
    }
    return hashlib.sha256(json.dumps(settings).encode()).hexdigest()


def _read(path: Path, digest: str) -> views.Views | None:
    """Return the views in a file; None where it is missing, damaged or of other images."""
    try:
        with open(path, "rb") as file, np.load(file) as arrays:  # which np.load may not close
            if str(arrays["digest"]) == digest:
                return views.Views(arrays["images"], str(arrays["network"]))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        pass
    return None
