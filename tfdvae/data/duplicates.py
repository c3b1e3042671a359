"""Images that are there twice, above all in train and in test: equal ones and nearly equal ones."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from tfdvae._utils import chunks, text
from tfdvae.image_io import pixels

NEAR = 0.05
"""Largest root mean square of the difference of near images, in standard deviations of one."""

SHOWN = 3
"""How many pairs are kept."""

_BLOCKS = 8  # a side
_NEAREST = 4  # training images of a piece that a test image is compared with pixel by pixel
_MOST_PAIRS = 2_000_000_000  # of means of blocks that are compared, some seconds
_TRAIN_ROWS, _TEST_ROWS = 16384, 1024
_SAID = re.compile(
    r"[\d,]+ of [\d,]+ (test|training) images? (are|is) (a training image|training images|equal) "
)


@dataclass(frozen=True)
class Duplicates:
    """How many images are there twice. Constant images do not count.

    Attributes:
        in_train: training images that are equal to an earlier one of these.
        in_test: test images that are equal to an earlier one of these.
        equal: test images that are equal to a training image.
        near: other test images that are nearly equal to a training image.
        compared: test images that were looked at for being near; fewer than all where these and the
            training images are very many.
        pairs: rows in train and in test of up to `SHOWN` of them, equal ones first.
    """

    in_train: int = 0
    in_test: int = 0
    equal: int = 0
    near: int = 0
    compared: int = 0
    pairs: tuple[tuple[int, int], ...] = ()


def digests(images: np.ndarray) -> Iterator[int | None]:
    """Yield what `pixels.digests` returns; memory-mapped images are read in pieces."""
    for piece in chunks.pieces(len(images), images[0].nbytes):
        yield from pixels.digests(images[piece])


def find(train: np.ndarray, test: np.ndarray) -> Duplicates:
    """Return which test images are also training images, and how many are twice on one side.

    Near are images whose difference has a root mean square of at most `NEAR` standard deviations of
    the test image, as after saving as JPEG again. Memory is bounded; 60,000 and 10,000 images of
    28x28 take some seconds.

    Args:
        train: (N, H, W, C), of any type.
        test: (M, H, W, C), of the same type.

    Example:
        >>> find(images, images[5:7] + 1).pairs
        ((5, 0), (6, 1))
    """
    first: dict[int, int] = {}
    in_train = 0
    for row, digest in enumerate(digests(train)):
        if digest is not None:
            in_train += first.setdefault(digest, row) != row
    others, equal = [], []
    seen: set[int] = set()
    in_test = 0
    for row, digest in enumerate(digests(test)):
        if digest is not None:
            in_test += digest in seen
            seen.add(digest)
        if digest in first:
            equal.append((first[digest], row))
        elif digest is not None:
            others.append(row)
    step = max(1, -(-len(others) * len(train) // _MOST_PAIRS))
    looked_at = np.array(others[::step], int)
    near = _near(train, test, looked_at)
    return Duplicates(
        in_train,
        in_test,
        len(equal),
        len(near),
        len(equal) + len(looked_at),
        tuple((equal + near)[:SHOWN]),
    )


def _near(train: np.ndarray, test: np.ndarray, rows: np.ndarray) -> list[tuple[int, int]]:
    """Return pairs of rows in train and in test, sorted by the latter, each of which is there once.

    The root mean square difference of two images is at least that of the means of their blocks, so
    that most pairs need not be compared pixel by pixel.
    """
    found: dict[int, int] = {}
    if not len(rows):
        return []
    deviations = np.concatenate(
        [test[part].std(axis=(1, 2, 3), dtype=np.float32) for part in _row_pieces(test, rows)]
    )
    limits = NEAR * deviations
    ours = np.concatenate([_means(test[part]) for part in _row_pieces(test, rows)])
    for start in range(0, len(train), _TRAIN_ROWS):
        piece = np.arange(start, min(start + _TRAIN_ROWS, len(train)))
        theirs = np.concatenate([_means(train[part]) for part in _row_pieces(train, piece)])
        for begin in range(0, len(rows), _TEST_ROWS):
            for position, nearest in _candidates(
                ours[begin : begin + _TEST_ROWS], theirs, limits[begin : begin + _TEST_ROWS]
            ):
                row = int(rows[begin + position])
                if row in found:
                    continue
                image, limit = test[row].astype(np.float32), limits[begin + position]
                for other in start + nearest:
                    difference = train[other].astype(np.float32) - image
                    if np.sqrt(np.mean(difference**2)) <= limit:
                        found[row] = int(other)
                        break
    return sorted(((other, row) for row, other in found.items()), key=lambda pair: pair[1])


def _row_pieces(images: np.ndarray, rows: np.ndarray) -> Iterator[np.ndarray]:
    for piece in chunks.pieces(len(rows), 4 * images[0].size):
        yield rows[piece]


def _means(images: np.ndarray) -> np.ndarray:
    """Return the means of blocks, weighted so that squared distances are means over pixels."""
    gray = images.astype(np.float32).mean(axis=-1)
    for axis in (1, 2):
        size = gray.shape[axis]
        edges = np.linspace(0, size, min(_BLOCKS, size) + 1).astype(int)
        widths = np.diff(edges).astype(np.float32)
        shape = [-1 if each == axis else 1 for each in range(3)]
        gray = np.add.reduceat(gray, edges[:-1], axis=axis) / np.sqrt(widths * size).reshape(shape)
    return gray.reshape(len(gray), -1)


def _candidates(
    ours: np.ndarray, theirs: np.ndarray, limits: np.ndarray
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the position of each row of `ours` that has near ones, and those, the nearest first."""
    center = theirs.mean(axis=0)
    ours, theirs = ours - center, theirs - center
    norms = np.square(ours).sum(axis=1)
    # Squared distances by one product of matrices, but for the norms of `ours`.
    others = np.column_stack([theirs, np.square(theirs).sum(axis=1)])
    distances = np.column_stack([-2 * ours, np.ones(len(ours), np.float32)]) @ others.T
    slack = 1e-5 * norms  # of rounding
    highest = limits**2 - norms + slack
    for position in np.flatnonzero(distances.min(axis=1) <= highest):
        row = distances[position]
        count = min(_NEAREST, len(row))
        nearest = np.argpartition(row, count - 1)[:count]
        nearest = nearest[np.argsort(row[nearest])]
        yield int(position), nearest[row[nearest] <= highest[position]]


def describe(
    train: tuple[np.ndarray, Callable[[int], str]], test: tuple[np.ndarray, Callable[[int], str]]
) -> str:
    """Say which test images are also training images, and what is twice on one side.

    Args:
        train: training images (N, H, W, C), and a function from a row to the name of the image.
        test: the same of test images.

    Example:
        >>> describe((images, "x_train/{}".format), (images[:2], "x_test/{}".format))
        '2 of 2 test images are training images too (x_test/0 is x_train/0, ...): scores ...'
    """
    found = find(train[0], test[0])
    said = []
    if found.equal or found.near:
        kinds = [f"{found.equal:,} equal"] * bool(found.equal)
        kinds += [f"{found.near:,} nearly equal"] * bool(found.near)
        total = len(test[0])
        several = found.equal + found.near > 1
        are = "are training images" if several else "is a training image"
        among = "" if found.compared == total else f", of {found.compared:,} that were compared"
        names = ((test[1](row), train[1](other)) for other, row in found.pairs)
        pairs = ", ".join(" and ".join(map(text.name, pair)) for pair in names)
        said.append(
            f"{found.equal + found.near:,} of {total:,} test images {are} too "
            f"({' and '.join(kinds)}{among}), such as {pairs}: test scores are too good. Remove "
            "them from one side, or give images that belong together a group (--groups)."
        )
    for name, count, images in (
        ("training", found.in_train, train[0]),
        ("test", found.in_test, test[0]),
    ):
        if count:
            are = "are" if count > 1 else "is"
            said.append(
                f"{count:,} of {len(images):,} {name} images {are} equal to an earlier one."
            )
    return " ".join(said)


def is_said(line: str) -> bool:
    """Return whether `describe` said a line."""
    return _SAID.match(line) is not None
