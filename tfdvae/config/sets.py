"""All training sets: what a classifier sees of each image. No TensorFlow is imported here."""

from __future__ import annotations

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
        control: whether sets with a model are compared with it, if both or none of them agree: a
            filter is in the model's place, or nothing, or more noise, or that of another image.
        made_by: the model whose synthetic images are added to it; empty: none are.
    """

    words: str
    batches: tuple[str, ...] = ()
    views: str = ""
    start: str = "observed"
    copies: int = 1
    ceiling: bool = False
    control: bool = False
    made_by: str = ""

    @property
    def needs_noise(self) -> bool:
        """Whether it is for training images with Gaussian noise of known strength."""
        return bool({"mix", "fresh noise"} & set(self.batches))

    @property
    def agreeing(self) -> bool:
        """Whether each image is seen twice in a batch, and the classifier is to say the same."""
        return _TWICE in self.batches


AGREEMENT = 4.0  # weight of the divergence where two of an image are to agree, which is in nats
_FRESH = ("geometry", "fresh noise")
_MIXED = ("mix", *_FRESH)
_TWICE = "twice"
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
of them twice, so that a step takes as many forward passes.
"""

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


def is_control(name: str, of: str) -> bool:
    """Tell whether a set with a model, `of`, is compared with this one."""
    return name in SETS and SETS[name].control and SETS[name].agreeing == SETS[of].agreeing


def is_denoised(name: str) -> bool:
    """Tell whether a set mixes images with what a model of the noisy ones made of each."""
    row = SETS.get(name)
    return row is not None and bool(row.views) and not (row.control or row.ceiling)


def is_ceiling(name: str) -> bool:
    """Tell whether a set uses clean images, so that its gain is no finding but a limit."""
    return name in SETS and SETS[name].ceiling
