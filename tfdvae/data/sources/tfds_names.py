"""Names of TFDS datasets, read from its files, since importing TFDS takes seconds."""

import difflib
import functools
import importlib.util
import os
import sys
from pathlib import Path

_NEAR = 0.8  # similarity from which a name is a misspelt one
_OTHER_FOLDERS = {"core", "scripts", "testing", "dummy_data", "__pycache__"}


@functools.cache
def listed() -> frozenset[str]:
    """Return names that TFDS has for sure: the most, and all of image-classification sets."""
    folder = _package()
    if folder is None:
        return frozenset()
    found = {path.name for path in folder.glob("datasets/*") if (path / "__init__.py").is_file()}
    return frozenset(found | {path.stem for path in folder.glob("url_checksums/*.txt")})


@functools.cache
def possible() -> frozenset[str]:
    """Return names that TFDS may have: those of its modules and folders."""
    found = set(listed())
    for _, folders, files in os.walk(_package() or os.devnull):
        folders[:] = [name for name in folders if name not in _OTHER_FOLDERS]
        found.update(folders)
        found.update(Path(name).stem for name in files)
    return frozenset(found)


def near_misses(name: str, others: tuple[str, ...] = ()) -> list[str]:
    """Return the names that a misspelt one may stand for; none where TFDS should be asked.

    Args:
        name: without configuration and version.
        others: names besides those of TFDS.

    Example:
        >>> near_misses("fashon_mnist")[0]
        'fashion_mnist'
        >>> near_misses("mnist")
        []
    """
    if tfds_is_imported() or name in possible() or _prepared(name):
        return []
    return difflib.get_close_matches(name.lower(), [*others, *listed()], n=3, cutoff=_NEAR)


def tfds_is_imported() -> bool:
    """Return whether TFDS can be asked at once; it may then know datasets of other packages too."""
    return "tensorflow_datasets" in sys.modules


def _package() -> Path | None:
    found = importlib.util.find_spec("tensorflow_datasets")
    return None if found is None or found.origin is None else Path(found.origin).parent


def _prepared(name: str) -> bool:
    """Return whether a prepared dataset of that name is on this machine, which needs no code."""
    folder = os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets"
    return (Path(folder).expanduser() / name).is_dir()
