"""Models that were loaded from a SavedModel of `tfdvae.export`."""

from collections.abc import Callable, Mapping
from pathlib import Path

import tensorflow as tf

from tfdvae import corruptions
from tfdvae._utils import files
from tfdvae.models import likelihoods
from tfdvae.models.inference_mixin import InferenceMixin

ABOUT = Path("assets.extra", "tfdvae.json")  # a place that TensorFlow keeps for what is no graph


def is_saved_model(path: Path) -> bool:
    """Tell whether a folder is a SavedModel of TensorFlow."""
    return (path / "saved_model.pb").is_file()


class SavedModel(InferenceMixin):
    """A SavedModel of `export`, with the methods of the model that it was made from.

    Args:
        path: its folder.

    Raises:
        ValueError: not a SavedModel of tfdvae, or one that cannot be loaded.
    """

    def __init__(self, path: str | Path):
        path = Path(path)
        if not (path / ABOUT).is_file():
            raise ValueError(
                f"`model` {path} is no SavedModel that tfdvae exported: it lacks {ABOUT}."
            )
        try:
            about = files.read_json(path / ABOUT)
            self.image_shape = tuple(about["image_shape"])
            self.code_shape = tuple(about["code_shape"])
            self.corruption = corruptions.parse(about["corruption"])
            self.likelihood = likelihoods.parse(about["likelihood"])
            self._loaded = tf.saved_model.load(str(path))  # the graphs live as long as it does
            # Version 0.1.0 did not write it; only variational models have this endpoint.
            self.variational = about.get("variational", hasattr(self._loaded, "posterior"))
            self._graphs = {
                "call": self._loaded.serve,
                "encode_images": self._loaded.encode,
                "decode_codes": self._loaded.decode,
            }
            if self.variational:
                self._graphs["posterior"] = self._loaded.posterior
        except (
            OSError,
            KeyError,
            TypeError,
            ValueError,
            AttributeError,
            tf.errors.OpError,
        ) as error:
            reason = str(error).strip().partition("\n")[0]
            raise ValueError(
                f"`model` {path} is a damaged SavedModel: {type(error).__name__}: {reason}"
            ) from None

    @property
    def graphs(self) -> Mapping[str, Callable]:
        """The endpoints of the SavedModel, as `InferenceMixin` names them."""
        return self._graphs
