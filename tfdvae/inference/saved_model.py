"""Models that were loaded from a SavedModel of `tfdvae.export`."""

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf

from tfdvae import corruptions
from tfdvae._utils import files
from tfdvae.models import likelihoods
from tfdvae.models.inference_mixin import InferenceMixin

ABOUT = Path("assets.extra", "tfdvae.json")  # a place that TensorFlow keeps for what is no graph


class SavedModel(InferenceMixin):
    """A SavedModel of `export`, with the methods of the model that it was made from.

    It is pickled with its files, so that the folder is not needed where it is unpickled.

    Args:
        path: its folder.

    Raises:
        ValueError: not a SavedModel of tfdvae, or one that cannot be loaded.
        MemoryError, tf.errors.ResourceExhaustedError: memory ran out.
    """

    def __init__(self, path: str | Path):
        path = Path(path)
        if not (path / ABOUT).is_file():
            raise ValueError(
                f"`model` {path} is no SavedModel that tfdvae exported: it lacks {ABOUT}."
            )
        folder = path
        try:
            about = files.read_json(path / ABOUT)
            self.image_shape = tuple(about["image_shape"])
            self.code_shape = tuple(about["code_shape"])
            self.corruption = corruptions.parse(about["corruption"])
            self.likelihood = likelihoods.parse(about["likelihood"])
            self.white, self.background = about.get("white"), about.get("background")
            self.orientations = about.get("orientations")
            self.posterior_samples = about.get("posterior_samples")
            self.frames = about.get("frames")
            self._files = _read_files(path)
            with contextlib.ExitStack() as stack:
                if _is_pattern(path):
                    folder = stack.enter_context(_copied(self._files))
                self._loaded = tf.saved_model.load(str(folder))  # graphs live as long as it does
            # Version 0.1.0 did not write it; only variational models have this endpoint.
            self.variational = about.get("variational", hasattr(self._loaded, "posterior"))
            self.has_code = about.get("has_code", True)
            self.any_size = about.get("any_size", False)
            self._graphs = {"call": self._loaded.serve}
            if self.has_code:
                self._graphs |= {
                    "encode_images": self._loaded.encode,
                    "decode_codes": self._loaded.decode,
                }
            if self.variational:
                self._graphs["posterior"] = self._loaded.posterior
        except (MemoryError, tf.errors.ResourceExhaustedError):
            raise
        except Exception as error:  # what TensorFlow finds in the files may fail in any way
            reason = str(error).strip().partition("\n")[0].replace(str(folder), str(path))
            raise ValueError(
                f"`model` {path} is a damaged SavedModel: {type(error).__name__}: {reason}"
            ) from None

    def __reduce__(self) -> tuple[Any, ...]:
        return _from_files, (self._files,)

    @property
    def graphs(self) -> Mapping[str, Callable]:
        """The endpoints of the SavedModel, as `InferenceMixin` names them."""
        return self._graphs


def _read_files(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder by their paths below it."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@contextlib.contextmanager
def _copied(found: dict[str, bytes]) -> Iterator[Path]:
    """Yield a temporary folder with these files, one whose path is no pattern if there is any."""
    usual = tempfile.gettempdir()
    places = [place for place in (usual, "/tmp", "/var/tmp") if not _is_pattern(place)]
    place = next((place for place in places if os.access(place, os.W_OK)), usual)
    with tempfile.TemporaryDirectory(prefix="tfdvae-", dir=place) as folder:
        for name, content in found.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        yield Path(folder)


def _is_pattern(path: str | Path) -> bool:
    """Tell whether TensorFlow would take a path for a pattern and read files that match it."""
    return bool((set("*?[]\\") - {os.sep}) & set(str(path)))


def _from_files(found: dict[str, bytes]) -> SavedModel:
    """Return the SavedModel of these files, as it is unpickled."""
    with _copied(found) as folder:
        return SavedModel(folder)
