"""What images are mixed with: what a denoiser makes of each, or draws of a DVAE."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from tfdvae import corruptions
from tfdvae._utils import seeds
from tfdvae.config.sets import CLASSICAL
from tfdvae.inference.trained_model import TrainedModel
from tfdvae.models import posterior
from tfdvae.training_sets import filters
from tfdvae.training_sets.denoisers import trained

DRAWS = 8
"""Views of an image that a DVAE draws; all others have one."""

CHOOSING = 100
"""Noisy images on which the parameters of a classical filter are chosen."""

_CLEAN = "clean"


@dataclass(frozen=True)
class Views:
    """Views of all training images.

    Attributes:
        images: float32 (N, K, H, W, C) in [0, 1].
        network: what made them, as rows have it: a network, or the parameters of a filter.
        model: that made them; None for a filter.
    """

    images: np.ndarray
    network: str
    model: TrainedModel | None = None


@dataclass(frozen=True)
class Method:
    """What makes views: a filter, or a model that learns from the images.

    Attributes:
        model: as rows have it: `dae`, `dvae` or the name of a filter, a key of `CLASSICAL`.
        objective: of a model, as rows have it; `clean`, for one that learns from clean images.
        network: of a model.
    """

    model: str
    objective: str = ""
    network: str = ""

    @property
    def clean(self) -> bool:
        """Whether it learns from the clean images."""
        return self.objective == _CLEAN


METHODS = {
    "recorrupted": Method("dae", "recorrupted", "unet"),
    "dvae": Method("dvae", "recorrupted", "spatial_unet"),
    "clean_targets": Method("dae", _CLEAN, "unet"),
    **{name: Method(name) for name in ("non_local_means", "tv", "bm3d")},
}


def count_of(method: str) -> int:
    """Return how many views of each image a method makes.

    Args:
        method: key of `METHODS`.

    Example:
        >>> count_of("recorrupted"), count_of("dvae")
        (1, 8)
    """
    return DRAWS if METHODS[method].model == "dvae" else 1


@dataclass(frozen=True)
class Maker:
    """What makes the views of a method, trained or chosen.

    Attributes:
        of: given images (N, H, W, C), returns their views, float32 (N, K, H, W, C). Pieces of all
            images one after the other have the draws that all of them at once have.
        network: as `Views` has it.
        model: likewise.
    """

    of: Callable[[np.ndarray], np.ndarray]
    network: str
    model: TrainedModel | None = None


def make(
    method: str,
    noisy: np.ndarray,
    clean: np.ndarray | None,
    noise: corruptions.Corruption,
    seed: int,
    steps: int,
    folder: Path,
) -> Views:
    """Return the views that a method makes of images: denoised ones, or draws of a DVAE.

    Arguments are those of `maker`.
    """
    made_by = maker(method, noisy, clean, noise, seed, steps, folder)
    return Views(made_by.of(noisy), made_by.network, made_by.model)


def maker(
    method: str,
    noisy: np.ndarray,
    clean: np.ndarray | None,
    noise: corruptions.Corruption,
    seed: int,
    steps: int,
    folder: Path,
) -> Maker:
    """Return what makes the views of a method, after its model was trained, if it has one.

    Args:
        method: key of `METHODS`.
        noisy: what is denoised, float32 (N, H, W, C).
        clean: the same images before their noise, for a method that learns from them.
        noise: that the method is told.
        seed: root seed of a model.
        steps: of its training.
        folder: of checkpoints, from the last of which the training goes on.
    """
    row = METHODS[method]
    if not row.objective:
        chosen, parameters = filter_for(row.model, noisy, noise.level)
        return Maker(
            lambda images: filters.filtered(images, chosen)[:, None], filters.described(parameters)
        )
    learned = clean if row.clean else noisy
    assert learned is not None
    model = model_for(method, learned, noise, seed, steps, folder)
    if row.model == "dvae":
        return Maker(partial(_drawn, model, _generators(seed)), row.network, model)
    return Maker(lambda images: model.denoise(images)[:, None], row.network, model)


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
    return _drawn(model, _generators(seed), images)


def _generators(seed: int) -> list[np.random.Generator]:
    return [seeds.generator(seed, f"view {number}") for number in range(DRAWS)]


def _drawn(
    model: TrainedModel, generators: Sequence[np.random.Generator], images: np.ndarray
) -> np.ndarray:
    core, made = model.core, []
    for generator in generators:
        numbers = generator.standard_normal((len(images), *core.code_shape), np.float32)
        made.append(posterior.decoded(core, images, numbers))
    return np.stack(made, axis=1)


def model_for(
    method: str,
    images: np.ndarray,
    noise: corruptions.Corruption,
    seed: int,
    steps: int,
    folder: Path,
) -> TrainedModel:
    """Return the model of a method, trained on the noisy images alone, or on their clean twins.

    Args:
        method: key of `METHODS`.
        images: noisy or, where the method is `clean`, clean ones; float32 (N, H, W, C).
        noise: that the method is told.
        seed: root seed.
        steps: of the training.
        folder: of checkpoints, from the last of which the training goes on.
    """
    row = METHODS[method]
    objective = "observed" if row.clean else row.objective
    return trained(images, objective, noise, seed, steps, folder, row.model)[0]


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
