"""Which images go where: functions of labels and a seed, in NumPy."""

from collections.abc import Sequence

import numpy as np

from tfdvae import checks, seeds


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
        raise ValueError(f"`n_train` must not exceed the {len(labels)} training images there are; got {count}.")
    generator = seeds.generator(seed, "subset")
    order = generator.permutation(len(labels))
    classes, sizes = np.unique(labels, return_counts=True)
    shares = count * sizes / len(labels)
    taken = np.floor(shares).astype(int)
    by_remainder = np.argsort(taken - shares, kind="stable")
    taken[by_remainder[: count - taken.sum()]] += 1
    chosen = [order[labels[order] == c][:n] for c, n in zip(classes, taken, strict=True)]
    return np.sort(np.concatenate(chosen))


def hold_out_test(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the sorted indices of training and test images of a dataset without a test set: a fixed stratified fifth becomes one.

    Raises:
        ValueError: a single image.
    """
    if len(labels) < 2:
        raise ValueError("`dataset` must have two images at least, one to train on and one to test; got one.")
    test = stratified_subset(labels, max(1, len(labels) // 5), seed=0)
    return np.setdiff1d(np.arange(len(labels)), test), test


def check_classes(train_labels: np.ndarray, test_labels: np.ndarray, class_names: Sequence[str], held_out: bool) -> None:
    """See that a classifier can be trained on a dataset and tested.

    Args:
        train_labels: int (N,).
        test_labels: int (M,).
        class_names: one name a class.
        held_out: the test images were held out of the training images, so that both count.

    Raises:
        ValueError: fewer than two classes, a class with a single image, or a class that is in the test set alone.
    """
    counts = np.bincount(train_labels, minlength=len(class_names))
    if held_out:
        counts = counts + np.bincount(test_labels, minlength=len(class_names))
    elif (unknown := np.setdiff1d(test_labels, train_labels)).size:
        raise ValueError(f"`dataset` must have training images of each class of the test images; there are none of class {unknown[0]}.")
    if (counts > 0).sum() < 2:
        raise ValueError(
            f"`dataset` must have two classes at least for a classifier; got {(counts > 0).sum()} (--no-classifier does without)."
        )
    if (single := np.flatnonzero(counts == 1)).size:
        names = ", ".join(str(class_names[label]) for label in single[:5]) + (", ..." if len(single) > 5 else "")
        raise ValueError(f"`dataset` must have two training images of each class at least; there is a single one of {names}.")
