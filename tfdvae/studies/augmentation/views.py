"""Denoised training images, or draws of a DVAE, which are made once and kept in the study's folder.

They lie in `denoised`, a file for each noise, seed and method, so that all classifiers that need
them share them, whichever comes first. They do not depend on the classifier.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import filelock
import numpy as np

import tfdvae
from tfdvae import corruptions
from tfdvae._utils import files, seeds
from tfdvae.inference.trained_model import TrainedModel
from tfdvae.models import posterior
from tfdvae.studies import filters, runner
from tfdvae.studies.augmentation.images import Images
from tfdvae.studies.augmentation.settings import AugmentationStudyConfig, file_name
from tfdvae.studies.noisy_alone.settings import CEILING, CLASSICAL, DVAE
from tfdvae.studies.noisy_alone.training import trained

DRAWS = 8
"""Views of an image that a DVAE draws; all others have one."""

CHOOSING = 100
"""Noisy images on which the parameters of a classical filter are chosen."""


@dataclass(frozen=True)
class Views:
    """Views of all training images.

    Attributes:
        images: float32 (N, K, H, W, C) in [0, 1].
        network: what made them, as rows have it: a network, or the parameters of a filter.
    """

    images: np.ndarray
    network: str


@dataclass(frozen=True)
class Method:
    """What makes views: a filter, or a model that learns from the images.

    Attributes:
        model: as rows have it: `dae`, `dvae` or the name of a filter, a key of `CLASSICAL`.
        objective: of a model, as rows have it; `clean`: it learns from the clean images.
        network: of a model.
    """

    model: str
    objective: str = ""
    network: str = ""


METHODS = {
    "recorrupted": Method("dae", "recorrupted", "unet"),
    "dvae": Method(DVAE, "recorrupted", "spatial_unet"),
    "clean_targets": Method("dae", CEILING, "unet"),
    **{name: Method(name) for name in ("non_local_means", "tv", "bm3d")},
}


def make(
    method: str,
    images: Images,
    noise: corruptions.Corruption,
    seed: int,
    steps: int,
    folder: Path,
) -> Views:
    """Return the views that a method makes of images: denoised ones, or draws of a DVAE.

    Args:
        method: key of `METHODS`.
        images: whose `train` is denoised.
        noise: that the method is told.
        seed: root seed of a model.
        steps: of its training.
        folder: of checkpoints, from the last of which the training goes on.
    """
    row = METHODS[method]
    if not row.objective:
        chosen, parameters = filter_for(row.model, images.train, noise.level)
        made = filters.filtered(images.train, chosen)
        return Views(made[:, None], filters.described(parameters))
    model = model_for(method, images, noise, seed, steps, folder)
    if row.model == DVAE:
        return Views(draws(model, images.train, seed), row.network)
    return Views(model.denoise(images.train)[:, None], row.network)


def draws(model: TrainedModel, images: np.ndarray, seed: int) -> np.ndarray:
    """Return draws of the posterior of each image, independent of those of the others.

    Those of `TrainedModel.sample_around` have the same random numbers for all images.

    Args:
        model: a DVAE.
        images: float32 (N, H, W, C).
        seed: root seed.

    Returns:
        float32 (N, DRAWS, H, W, C).
    """
    core, made = model.core, []
    for number in range(DRAWS):
        generator = seeds.generator(seed, f"view {number}")
        numbers = generator.standard_normal((len(images), *core.code_shape), np.float32)
        made.append(posterior.decoded(core, images, numbers))
    return np.stack(made, axis=1)


def model_for(
    method: str,
    images: Images,
    noise: corruptions.Corruption,
    seed: int,
    steps: int,
    folder: Path,
) -> TrainedModel:
    """Return the model of a method, trained on the images alone, or on their clean twins.

    Arguments are those of `make`.
    """
    row = METHODS[method]
    clean = row.objective == CEILING
    learned, objective = (images.clean, "observed") if clean else (images.train, row.objective)
    return trained(learned, objective, noise, seed, steps, folder, row.model)[0]


def filter_for(name: str, noisy: np.ndarray, level: float) -> tuple[filters.Filter, dict]:
    """Return a filter whose parameters were chosen without clean images, and these parameters.

    BM3D is told the noise; those of others have the least estimated error on a few images.

    Args:
        name: key of `CLASSICAL`.
        noisy: float32 (N, H, W, C).
        level: standard deviation of the noise, as it is told.
    """
    if name == "bm3d":
        build, _ = filters.FILTERS[CLASSICAL[name]]
        return build(level), {"sigma": level}
    return filters.least_risk_filter(CLASSICAL[name], noisy[:CHOOSING], level)


def told_noise(config: AugmentationStudyConfig, images: Images) -> corruptions.Corruption:
    """Return the noise that denoisers are told, which may be a wrong one."""
    return corruptions.Gaussian(config.assumed_noise * images.noise.level)


def path_of(config: AugmentationStudyConfig, noise: str, method: str, seed: int) -> Path:
    """Return the file of the views that a method makes of images with a noise."""
    folder = runner.study_folder("augmentation", config) / "denoised"
    return folder / f"{file_name(noise)}-{method}-seed{seed}.npz"


def load(config: AugmentationStudyConfig, images: Images, method: str, seed: int) -> Views:
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
            made = make(method, images, noise, seed, config.denoiser_steps, unfinished)
            arrays = {"images": made.images.astype(np.float32), "network": np.array(made.network)}
            files.write_npz(path, arrays | {"digest": np.array(digest)})
            kept = Views(arrays["images"], made.network)
        files.remove_at_once(unfinished)
    return kept


def with_noise_of_another(images: np.ndarray, denoised: np.ndarray, seed: int) -> np.ndarray:
    """Return denoised images, each with what was taken off another one, always the same.

    Args:
        images: noisy, float32 (N, H, W, C).
        denoised: the same images.
        seed: root seed of who gets whose noise; of two or more images none gets its own.

    Example:
        >>> with_noise_of_another(noisy, model.denoise(noisy), seed=0)
    """
    order = seeds.generator(seed, "noise of another").permutation(len(images))
    residuals = np.empty_like(images)
    residuals[order] = (images - denoised)[np.roll(order, 1)]
    return denoised + residuals


def is_kept(config: AugmentationStudyConfig, images: Images, method: str, seed: int) -> bool:
    """Tell whether `load` finds the views in the study's folder."""
    path = path_of(config, str(images.noise), method, seed)
    return path.exists() and _read(path, _digest(config, images, method, seed)) is not None


def _digest(config: AugmentationStudyConfig, images: Images, method: str, seed: int) -> str:
    """Return a digest of all that the views depend on."""
    clean = METHODS[method].objective == CEILING
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


def _read(path: Path, digest: str) -> Views | None:
    """Return the views in a file; None where it is missing, damaged or of other images."""
    try:
        with open(path, "rb") as file, np.load(file) as arrays:  # which np.load may not close
            if str(arrays["digest"]) == digest:
                return Views(arrays["images"], str(arrays["network"]))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        pass
    return None
