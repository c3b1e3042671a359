"""Datasets that are paths of the user's own, and which texts are paths."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tfdvae._utils import files, text
from tfdvae.data import duplicates, findings
from tfdvae.data import groups as grouping
from tfdvae.data.sources.base import Request, Source
from tfdvae.data.sources.tfds_builder import is_tfds_name
from tfdvae.image_io.listing import FORMATS, printable_path


def local_path(text: str) -> Path | None:
    """Return the path that a text is, or None where it is the name of a dataset.

    A path is absolute, starts with `.` or `~`, ends in `.npz`, or exists or has a `/` without being
    a name that TFDS knows. So a folder that is called like a dataset is meant by `./NAME`.
    """
    path = Path(text).expanduser()
    if path.is_absolute() or text.startswith(".") or text.endswith(".npz"):
        return path
    if (path.exists() or "/" in text) and not is_tfds_name(text):
        return path
    return None


class PathSource(Source):
    """Base of the sources that read what is at a path."""

    options = frozenset({"groups", "white"})
    rank = 1

    def path(self, request: Request) -> Path:
        """Return the absolute path that the request names."""
        return files.absolute(request.dataset)

    def check(self, request: Request) -> None:
        path = self.path(request)
        if text.utf8(path) != str(path):
            raise ValueError(
                f"`dataset` {printable_path(path)} must have a path in UTF-8, "
                "since results name it."
            )
        given = Path(request.dataset).expanduser()
        wanted = f"`dataset` {given} must be a folder of images or an .npz file"
        if not path.exists():
            raise FileNotFoundError(f"{wanted}; there is nothing of that name.")
        may_be_stack = FORMATS.get(path.suffix.lower()) == "TIFF"
        if not path.is_dir() and not (path.is_file() and (path.suffix == ".npz" or may_be_stack)):
            raise ValueError(f"{wanted}; it is neither.")
        if request.groups is not None:
            grouping.read(request.groups)


def with_findings(
    build: Callable[[Path], dict[str, Any]], name: Callable[[int], str]
) -> Callable[[Path], dict[str, Any]]:
    """Return a `build` of `cache.load_or_build` that also looks at the images that it wrote.

    Args:
        build: writes the arrays `images` and `rows` of both splits.
        name: from a position in the dataset, as `Split.rows` has it, to the name of the image.

    Returns:
        A function like `build`, whose `duplicates` is what `duplicates.describe` says, and whose
        `constant` is what `findings.constant_images` says.
    """

    def built(folder: Path) -> dict[str, Any]:
        def part(split: str) -> tuple[np.ndarray, Callable[[int], str]]:
            rows = np.load(folder / f"{split}_rows.npy")
            images = np.load(folder / f"{split}_images.npy", mmap_mode="r")
            return images, lambda row: name(int(rows[row]))

        info, parts = build(folder), (part("train"), part("test"))
        return info | {
            "constant": findings.constant_images(parts),
            "duplicates": duplicates.describe(*parts),
        }

    return built
