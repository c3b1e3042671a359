"""Images that are there more than once: all copies stay in one part of the cross-validation."""

from __future__ import annotations

import re

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from tfdvae.data import duplicates

_NEAR = re.compile(r"([\d,]+) nearly equal")


def together(images: np.ndarray, groups: np.ndarray | None) -> tuple[np.ndarray | None, int]:
    """Return groups in which equal images are together. Constant images do not count.

    Groups that share equal images become one.

    Args:
        images: (N, H, W, C), of any type.
        groups: int (N,), or None.

    Returns:
        Groups, int64 (N,), or what was given where no image is there twice; and how many images
        are there more than once, all copies counted.

    Example:
        >>> images = np.random.default_rng(0).random((3, 8, 8, 1))
        >>> together(images[[0, 1, 0, 2]], None)
        (array([0, 1, 0, 2]), 2)
    """
    first: dict[int, int] = {}
    same = np.array(
        [
            row if digest is None else first.setdefault(digest, row)
            for row, digest in enumerate(duplicates.digests(images))
        ]
    )
    count = int((np.bincount(same)[same] > 1).sum())
    if not count:
        return groups, 0
    own = np.arange(len(same)) if groups is None else np.unique(groups, return_inverse=True)[1]
    # A graph of groups and of different images, with an edge for each image.
    nodes = int(own.max()) + 1 + len(same)
    edges = (own, own.max() + 1 + same)
    graph = coo_matrix((np.ones(len(same)), edges), shape=(nodes, nodes))
    component = connected_components(graph, directed=False)[1][own]
    return np.unique(component, return_inverse=True)[1].astype(np.int64), count


def describe(count: int) -> str:
    """Say how many images are there more than once; empty where none is."""
    if not count:
        return ""
    return (
        f"{count:,} images are there more than once; copies stay in one part of the "
        "cross-validation."
    )


def without_test_images(line: str) -> str:
    """Return a line of a dataset's notice for one that has no test images.

    What it says of copies among test images is left out; of nearly equal images it is said anew.
    """
    if not duplicates.is_said(line):
        return line
    if not (found := _NEAR.search(line)):
        return ""
    return (
        f"{found[1]} or more images are nearly equal to another: such images may be learned from "
        "and measured. Give images that belong together a group (--groups)."
    )
