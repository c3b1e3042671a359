"""All training sets: what a classifier sees of each image. No TensorFlow is imported here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tfdvae import registry


@dataclass(frozen=True)
class TrainingSet:
    """A row of the table `SETS`.

    Attributes:
        words: what the classifier sees.
        batches: what is done to each batch, step by step; keys of `batches.transform`.
        views: what comes with the images, a key of `views.METHODS`; empty: nothing.
        start: what it begins with: `observed`, or `clean` images, or the denoised ones with the
            noise of one another (`shuffled`).
        copies: how often each image is there.
        ceiling: whether clean images are used, which nobody has who has noisy ones.
        control: whether sets with a model are compared with it, if both or none of them agree, and
            both or none are taught: a filter is in the model's place, or nothing, or more noise, or
            that of another image.
        teacher: the set that a first classifier is trained on, from which the classifier then
            learns; empty: it learns from the labels alone.
        made_by: the model whose synthetic images are added to it; empty: none are.
    """

    words: str
    batches: tuple[str, ...] = ()
    views: str = ""
    start: str = "observed"
    copies: int = 1
    ceiling: bool = False
    control: bool = False
    teacher: str = ""
    made_by: str = ""

    @property
    def needs_noise(self) -> bool:
        """Whether it is for training images with Gaussian noise of known strength."""
        return bool({"mix", "fresh noise", _REMOVED} & set(self.batches))

    @property
    def all_words(self) -> str:
        """What the classifier sees, with what follows where images are mixed."""
        return f"{self.words}, then flips, shifts, fresh noise" if self.mixes else self.words

    @property
    def mixes(self) -> bool:
        """Whether images are mixed with others."""
        return "mix" in self.batches

    @property
    def restoring(self) -> bool:
        """Whether the classifier is also to tell what an image was before its fresh noise."""
        return _REMOVED in self.batches

    @property
    def agreeing(self) -> bool:
        """Whether each image is seen twice in a batch, and the classifier is to say the same."""
        return _TWICE in self.batches


AGREEMENT = 4.0  # weight of the divergence where two of an image are to agree, which is in nats
RESTORING = 0.1  # weight of the squared error where noise is to be removed, over its variance
_FRESH = ("geometry", "fresh noise")
_MIXED = ("mix", *_FRESH)
_TWICE, _REMOVED = "twice", "noise to remove"
_ORIENTED = ("orientations",)

SETS = {
    "limited": TrainingSet("the images alone"),
    "duplicate": TrainingSet("the images three times", copies=3),
    "gaussian": TrainingSet("fresh noise of 0.1", ("noise",)),
    "classical": TrainingSet("flips, shifts, erasing", ("classical",)),
    "classical+gaussian": TrainingSet(
        "flips, shifts, erasing, fresh noise of 0.1", ("classical", "noise")
    ),
    "oriented": TrainingSet("mirrors and quarter turns", _ORIENTED),
    "oriented+light": TrainingSet(
        "mirrors, quarter turns, small changes of contrast and colors", (*_ORIENTED, "light")
    ),
    "oriented+vae": TrainingSet(
        "mirrors and quarter turns, also of synthetic images of a VAE", _ORIENTED, made_by="vae"
    ),
    "oriented+dvae": TrainingSet(
        "mirrors and quarter turns, also of synthetic images of a DVAE", _ORIENTED, made_by="dvae"
    ),
    "fresh-noise": TrainingSet("flips, shifts, fresh noise", _FRESH),
    "restoring": TrainingSet(
        "flips, shifts, fresh noise, which the classifier also learns to remove",
        ("geometry", _REMOVED),
    ),
    "agreeing": TrainingSet(
        "two that agree: flips, shifts, fresh noise", (_TWICE, *_FRESH), control=True
    ),
    "recorrupted": TrainingSet(
        "more noise, flips, shifts, fresh noise", ("fresh noise", *_FRESH), control=True
    ),
    "denoised": TrainingSet("mixed with its denoised self", _MIXED, "recorrupted"),
    "denoised-agreeing": TrainingSet(
        "two that agree: mixed with its denoised self", (_TWICE, *_MIXED), "recorrupted"
    ),
    "distilled": TrainingSet(
        "taught by a classifier: flips, shifts, fresh noise",
        _FRESH,
        control=True,
        teacher="fresh-noise",
    ),
    "denoised-distilled": TrainingSet(
        "taught by a classifier: mixed with its denoised self",
        _MIXED,
        "recorrupted",
        teacher="denoised",
    ),
    "denoised-shuffled": TrainingSet(
        "denoised, mixed with the noise of another image",
        _MIXED,
        "recorrupted",
        "shuffled",
        control=True,
    ),
    "denoised-non_local_means": TrainingSet(
        "mixed with itself after non-local means", _MIXED, "non_local_means", control=True
    ),
    "denoised-tv": TrainingSet(
        "mixed with itself after total variation", _MIXED, "tv", control=True
    ),
    "denoised-bm3d": TrainingSet("mixed with itself after BM3D", _MIXED, "bm3d", control=True),
    "dvae-views": TrainingSet("mixed with one of 8 draws of a DVAE", _MIXED, "dvae"),
    "denoised-clean-targets": TrainingSet(
        "mixed with itself, denoised by a model of clean images",
        _MIXED,
        "clean_targets",
        ceiling=True,
    ),
    "clean-images": TrainingSet(
        "clean images, flips, shifts, fresh noise", _FRESH, start="clean", ceiling=True
    ),
}
"""By name. Those that are mixed are also flipped, shifted and given fresh noise, as `fresh-noise`.

With every use of an image y, y becomes (1 - t) y + t d, where d is one of its views and t is random
in [0, 1]; then it is mirrored or not and shifted; then it gets Gaussian noise of random strength,
at most that of the training images. Where two are to agree, a batch has half as many images, each
of them twice, so that a step takes as many forward passes. A teacher is trained first, for as many
steps, which come on top.
"""

RECOMMENDED = ("fresh-noise", "denoised")
"""What the main job adds where the images have Gaussian noise: the recipe, and all of it but the
model (`results/denoised_training`)."""

SMOOTHING = 0.1
"""Part of each label that the main job spreads over all classes for sets with fresh noise, whose
classifiers it trains with a rate that falls to 0 (chosen in `results/development/fresh-noise`)."""

PUBLISHED = ("limited", "duplicate", "gaussian", "classical", "classical+gaussian")
"""Those of the study of clean and noisy images, which are measured by default."""


CLASSICAL = {
    "non_local_means": "non-local means",
    "tv": "total variation",
    "wavelet": "wavelet",
    "bm3d": "BM3D",
}
"""Rows name classical filters so; values are keys of `training_sets.filters.FILTERS`."""


def names(plugins: bool = True) -> tuple[str, ...]:
    """Return what classifiers can be trained on: all `SETS`, and models that make images.

    Args:
        plugins: whether models of other packages are among them.
    """
    made = (name for name, spec in registry.MODELS.items(plugins) if spec.generates)
    return tuple(dict.fromkeys((*SETS, *made)))


def default_names() -> tuple[str, ...]:
    """Return those that are measured unless others are asked for."""
    return (*PUBLISHED, *(name for name in names(plugins=False) if name not in SETS))


def needs_noise(name: str) -> bool:
    """Tell whether a set is for training images with Gaussian noise of known strength."""
    return name in SETS and SETS[name].needs_noise


def generator_of(name: str) -> str:
    """Return the model whose synthetic images are in a training set; empty where there are none.

    Example:
        >>> generator_of("dvae"), generator_of("oriented+dvae"), generator_of("oriented")
        ('dvae', 'dvae', '')
    """
    if name in SETS:
        return SETS[name].made_by
    return name if registry.generates(name) else ""


def view_methods(names: Iterable[str]) -> tuple[str, ...]:
    """Return what makes the images that those of training sets are mixed with, each once.

    Example:
        >>> view_methods(("limited", "denoised", "denoised-agreeing"))
        ('recorrupted',)
    """
    rows = [SETS[name] for name in names if name in SETS]
    return tuple(dict.fromkeys(row.views for row in rows if row.views))


def learned_views(names: Iterable[str]) -> tuple[str, ...]:
    """Return those of `view_methods` that a model makes, which is trained first.

    Example:
        >>> learned_views(("denoised", "denoised-tv"))
        ('recorrupted',)
    """
    return tuple(name for name in view_methods(names) if name not in CLASSICAL)


def has_equal_epochs(name: str) -> bool:
    """Tell whether a training set is measured under equal epochs.

    The others have as many images as `limited`, so that equal epochs are equal steps, but for those
    with synthetic images in all orientations, which are measured under equal steps alone.
    """
    return name in ("limited", "duplicate") or registry.generates(name)


def is_control(name: str, of: str) -> bool:
    """Tell whether a set with a model, `of`, is compared with this one."""
    if name not in SETS or not SETS[name].control:
        return False
    row, other = SETS[name], SETS[of]
    return (row.agreeing, bool(row.teacher)) == (other.agreeing, bool(other.teacher))


def is_taught(name: str) -> bool:
    """Tell whether a classifier on this set learns from another one that is trained before it."""
    return name in SETS and bool(SETS[name].teacher)


def is_denoised(name: str) -> bool:
    """Tell whether a set mixes images with what a model of the noisy ones made of each."""
    row = SETS.get(name)
    return row is not None and bool(row.views) and not (row.control or row.ceiling)


def is_ceiling(name: str) -> bool:
    """Tell whether a set uses clean images, so that its gain is no finding but a limit."""
    return name in SETS and SETS[name].ceiling
