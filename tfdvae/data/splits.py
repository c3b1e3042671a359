"""Which images go where: functions of labels and a seed, in NumPy."""

import warnings
from collections.abc import Sequence

import numpy as np

from tfdvae._utils import checks, seeds


def stratified_subset(labels: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Return the sorted indices of a random subset with the class proportions of the whole.

    Class sizes are the proportional shares rounded by largest remainder, so that they add up to `count`.

    Args:
        labels: int (N,).
        count: size of the subset, 1 to N.
        seed: root seed; the stream is `subset`.

    Raises:
        ValueError: `count` is outside 1 to N.
    """
    checks.integer("n_train", count, 1)
    if count > len(labels):
        raise ValueError(
            f"`n_train` must not exceed the {len(labels)} training images there are; got {count}."
        )
    generator = seeds.generator(seed, "subset")
    order = generator.permutation(len(labels))
    classes, sizes = np.unique(labels, return_counts=True)
    shares = count * sizes / len(labels)
    taken = np.floor(shares).astype(int)
    by_remainder = np.argsort(taken - shares, kind="stable")
    taken[by_remainder[: count - taken.sum()]] += 1
    chosen = [order[labels[order] == c][:n] for c, n in zip(classes, taken, strict=True)]
    return np.sort(np.concatenate(chosen))


def hold_out(
    labels: np.ndarray, groups: np.ndarray | None = None, *, folds: int = 5, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Return the sorted indices of images to train on and of held-out ones, which are one in `folds` of each class.

    With groups, whole ones are held out, so that shares are only near to that: the first of the folds with images of each class inside
    and outside, or the first of all where there is none.

    Args:
        labels: int (N,).
        groups: int (N,), images of one number stay together; or None.
        folds: at least 2; fewer are made where there are fewer groups, or no class has as many images.
        seed: root seed.

    Raises:
        ValueError: a single group, or a single image of each class.
    """
    if groups is None:
        held_out = stratified_subset(labels, max(1, len(labels) // folds), seed)
        return np.setdiff1d(np.arange(len(labels)), held_out), held_out
    from sklearn.model_selection import StratifiedGroupKFold

    classes, sizes = np.unique(labels, return_counts=True)
    count = len(np.unique(groups))
    folds = min(folds, count, int(sizes.max()))
    if folds < 2:
        raise ValueError(
            f"`groups` must be two at least, and a class must have two images at least, so that some can be held out; "
            f"got {count} and {sizes.max()}."
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of classes with fewer images than folds
        found = list(
            StratifiedGroupKFold(folds, shuffle=True, random_state=seed).split(
                labels, labels, groups
            )
        )
    return next(
        (
            fold
            for fold in found
            if all(len(np.unique(labels[part])) == len(classes) for part in fold)
        ),
        found[0],
    )


def hold_out_test(
    labels: np.ndarray, groups: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the sorted indices of training and test images of a dataset without a test set: a fixed stratified fifth becomes one.

    Args:
        labels: int (N,).
        groups: int (N,), images of one number stay together; or None.

    Raises:
        ValueError: a single image, or a single group.
    """
    if len(labels) < 2:
        raise ValueError(
            "`dataset` must have two images at least, one to train on and one to test; got one."
        )
    return hold_out(labels, groups)


def check_classes(
    train_labels: np.ndarray,
    test_labels: np.ndarray,
    class_names: Sequence[str],
    held_out: bool,
    grouped: bool = False,
) -> None:
    """See that a classifier can be trained on a dataset and tested.

    Args:
        train_labels: int (N,).
        test_labels: int (M,).
        class_names: one name a class.
        held_out: the test images were held out of the training images, so that both count.
        grouped: this was done by whole groups, so that each class must be seen to have images in both.

    Raises:
        ValueError: fewer than two classes, a class with a single image, a class that is in the test set alone, or one that held-out groups
            leave without training or test images.
    """
    counts = np.bincount(train_labels, minlength=len(class_names))
    if held_out:
        counts = counts + np.bincount(test_labels, minlength=len(class_names))
    elif (unknown := np.setdiff1d(test_labels, train_labels)).size:
        raise ValueError(
            f"`dataset` must have training images of each class of the test images; there are none of class {unknown[0]}."
        )
    if (counts > 0).sum() < 2:
        raise ValueError(
            f"`dataset` must have two classes at least for a classifier; got {(counts > 0).sum()} (--no-classifier does without)."
        )
    if (single := np.flatnonzero(counts == 1)).size:
        names = ", ".join(str(class_names[label]) for label in single[:5]) + (
            ", ..." if len(single) > 5 else ""
        )
        raise ValueError(
            f"`dataset` must have two training images of each class at least; there is a single one of {names}."
        )
    if held_out and grouped:
        for part, labels in (("training", train_labels), ("test", test_labels)):
            if (empty := np.setdiff1d(np.flatnonzero(counts), labels)).size:
                raise ValueError(
                    f"`groups` leave class {class_names[empty[0]]} without {part} images: a fifth of all images was held out by whole groups. "
                    f"A class must be spread over more and smaller groups, or `dataset` have training and test images of its own."
                )
