"""Datasets that are paths of the user's own, and which texts are paths."""

from pathlib import Path

from tfdvae._utils import files, text
from tfdvae.data import groups as grouping
from tfdvae.data.sources.base import Request, Source
from tfdvae.data.sources.tfds_builder import is_tfds_name
from tfdvae.image_io.listing import printable_path


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

    options = frozenset({"groups"})
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
        if not path.is_dir() and not (path.is_file() and path.suffix == ".npz"):
            raise ValueError(f"{wanted}; it is neither.")
        if request.groups is not None:
            grouping.read(request.groups)
