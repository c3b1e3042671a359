"""Which images go where: functions of labels and a seed, in NumPy."""

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


def hold_out_test(images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, ...]:
    """Split a dataset that comes without a test set: a fixed stratified fifth becomes one.

    Returns:
        Training images, training labels, test images, test labels.
    """
    test = stratified_subset(labels, max(1, len(labels) // 5), seed=0)
    train = np.setdiff1d(np.arange(len(labels)), test)
    return images[train], labels[train], images[test], labels[test]
