"""Subsets and held-out images: pure functions of labels, groups and a seed."""

import warnings
from collections.abc import Sequence

import numpy as np

from tfdvae._utils import checks, seeds, text


def stratified_subset(labels: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Return the indices of a random subset with the class proportions of the whole.

    Class sizes are the proportional shares, rounded by largest remainder so that they add up to
    `count`.

    Args:
        labels: int (N,).
        count: size of the subset, 1 to N.
        seed: root seed; the stream is `subset`.

    Returns:
        int (count,), sorted.

    Raises:
        ValueError: `count` is outside 1 to N.

    Example:
        >>> len(stratified_subset(np.arange(100) % 4, 20, seed=0))
        20
    """
    checks.integer("n_train", count, 1)
    if count > len(labels):
        raise ValueError(
            f"`n_train` must not exceed the {len(labels)} training images; got {count}."
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
    """Return the indices of training images and of held-out ones, one in `folds` of each class.

    With groups, whole groups are held out, so that the shares are only near to that. Of the folds,
    the first one is held out that leaves images of each class on both sides, or the first of all
    where there is none such.

    Args:
        labels: int (N,).
        groups: int (N,), images of one number stay together; or None.
        folds: at least 2. With groups, there are fewer where there are fewer groups or no class has
            as many images.
        seed: root seed.

    Returns:
        Two sorted arrays of int.

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
            "`groups` must be at least two, and a class must have at least two images, "
            f"so that some can be held out; got {count} and {sizes.max()}."
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of classes with fewer images than folds
        splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seeds.of_32_bits(seed))
        found = list(splitter.split(labels, labels, groups))

    def has_all_classes(indices: np.ndarray) -> bool:
        return len(np.unique(labels[indices])) == len(classes)

    whole = next((fold for fold in found if all(map(has_all_classes, fold))), None)
    return whole or hold_out_of_each_class(labels, groups, folds=folds, seed=seed) or found[0]


def hold_out_of_each_class(
    labels: np.ndarray, groups: np.ndarray, *, folds: int = 5, seed: int = 0
) -> tuple[np.ndarray, np.ndarray] | None:
    """Hold out whole groups of each class, one in `folds` of its images and at least one group.

    The largest group of a class is not held out.

    Args:
        labels: int (N,).
        groups: int (N,), images of one number stay together.
        folds: at least 2.
        seed: root seed.

    Returns:
        The indices of training images and of held-out ones, sorted; None where a group has several
        classes, or a class a single group.

    Example:
        >>> train, test = hold_out_of_each_class(np.zeros(9, int), np.array([0] * 8 + [1]))
        >>> test
        array([8])
    """
    generator = seeds.generator(seed, "groups")
    held_out: list[int] = []
    for label in np.unique(labels):
        names, sizes = np.unique(groups[labels == label], return_counts=True)
        if len(names) < 2 or np.isin(groups[labels != label], names).any():
            return None
        order = generator.permutation(len(names))
        order = order[order != sizes.argmax()]
        before = np.cumsum(sizes[order]) - sizes[order]
        held_out += names[order[before < max(1, sizes.sum() // folds)]].tolist()
    chosen = np.isin(groups, held_out)
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)


def hold_out_test(
    labels: np.ndarray, groups: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices of training and test images of a dataset that has no test set.

    A fixed stratified fifth becomes the test set, and an image of each class that would have none
    in it, if it has two images at least.

    Args:
        labels: int (N,).
        groups: int (N,), images of one number stay together; or None.

    Returns:
        Two sorted arrays of int.

    Raises:
        ValueError: a single image, or a single group.
    """
    if len(labels) < 2:
        raise ValueError(
            "`dataset` must have at least two images, one to train on and one to test; got one."
        )
    train, test = hold_out(labels, groups)
    if groups is not None:
        return train, test
    # A fifth of all may have none of a rare class.
    classes, sizes = np.unique(labels, return_counts=True)
    rare = np.setdiff1d(classes[sizes > 1], labels[test])
    order = seeds.generator(0, "rare classes").permutation(len(labels))
    test = np.sort(np.concatenate([test, *(order[labels[order] == each][:1] for each in rare)]))
    return np.setdiff1d(train, test), test


def check_classes(
    train_labels: np.ndarray,
    test_labels: np.ndarray,
    class_names: Sequence[str],
    held_out: bool,
    grouped: bool = False,
    without: str = "--no-classifier does without",
    part: str = "test",
) -> None:
    """Refuse a dataset on which a classifier cannot be trained and tested.

    Args:
        train_labels: int (N,).
        test_labels: int (M,).
        class_names: one name a class.
        held_out: the test images were held out of the training images, so that both count.
        grouped: whole groups were held out, so that a class may have images on one side only.
        without: what does without classes, for messages.
        part: what the test images are called in them.

    Raises:
        ValueError: fewer than two classes, a class with a single image, a class of test images that
            has no training images, or one that held-out groups leave without training or test
            images.
    """
    counts = np.bincount(train_labels, minlength=len(class_names))
    if held_out:
        counts = counts + np.bincount(test_labels, minlength=len(class_names))
    elif (unknown := np.setdiff1d(test_labels, train_labels)).size:
        raise ValueError(
            f"`dataset` must have training images of each class of the {part} images; "
            f"there are none of class {unknown[0]}."
        )
    if (counts > 0).sum() < 2:
        raise ValueError(
            f"`dataset` must have at least two classes for a classifier; got {(counts > 0).sum()} "
            f"({without})."
        )
    if (single := np.flatnonzero(counts == 1)).size:
        raise ValueError(
            "`dataset` must have at least two training images of each class; "
            f"there is a single one of {_listed(single, class_names)}."
        )
    if held_out and grouped:
        for part, labels in (("training", train_labels), ("test", test_labels)):
            if (empty := np.setdiff1d(np.flatnonzero(counts), labels)).size:
                lacking = text.name(class_names[empty[0]])
                raise ValueError(
                    f"`groups` leave class {lacking} without {part} images: a fifth of all images "
                    "was held out by whole groups. A class must be spread over more and smaller "
                    "groups, or `dataset` have training and test images of its own."
                )


def describe_absent(
    train_labels: np.ndarray, test_labels: np.ndarray, class_names: Sequence[str]
) -> str:
    """Say which classes of the training images have no test images; empty where all have some.

    Args:
        train_labels: int (N,).
        test_labels: int (M,).
        class_names: one name a class.

    Example:
        >>> describe_absent(np.array([0, 1, 2]), np.array([0, 1, 1]), "abc")
        'there are no test images of c: scores say nothing of it, and ...'
    """
    absent, classes = np.setdiff1d(train_labels, test_labels), len(np.unique(train_labels))
    if not absent.size:
        return ""
    return (
        f"there are no test images of {_listed(absent, class_names)}: scores say nothing of them, "
        "and scores that are a mean over classes, such as auc and balanced_accuracy, are then "
        f"means over {classes - len(absent):,} of the {classes:,} classes"
    )


def describe_subset(labels: np.ndarray, count: int, class_names: Sequence[str]) -> str:
    """Say which classes `stratified_subset` of any seed leaves out; empty where it leaves out none.

    Args:
        labels: int (N,), of all training images.
        count: size of the subset.
        class_names: one name a class.
    """
    absent = np.setdiff1d(labels, labels[stratified_subset(labels, count, seed=0)])
    if not absent.size:
        return ""
    return (
        f"the {count:,} training images of `n_train` have none of {_listed(absent, class_names)}, "
        "which the classifier never sees; more images would have some"
    )


def _listed(labels: np.ndarray, class_names: Sequence[str], shown: int = 5) -> str:
    names = ", ".join(text.name(str(class_names[label])) for label in labels[:shown])
    return f"{names}, ..." if len(labels) > shown else names
