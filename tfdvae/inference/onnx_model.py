"""Models that were loaded from an ONNX file of `tfdvae.export`, computed by ONNX Runtime."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tfdvae import corruptions
from tfdvae._utils import limits, threads
from tfdvae.models import likelihoods
from tfdvae.models.inference_mixin import InferenceMixin

logger = logging.getLogger(__name__)

ABOUT = "tfdvae"
"""The key of what tfdvae says of the model in the metadata of an ONNX file."""


class OnnxModel(InferenceMixin):
    """An ONNX file of `export`, with the methods that denoise of the model that it was made from.

    A small image is denoised several times as fast as by TensorFlow. The file has no decoder of
    codes, so that all else is refused. It is pickled with its file. In a graph, such as that of
    `Dataset.map`, TensorFlow calls it back.

    Args:
        file: the content of the file.
        name: of the model, for messages.

    Raises:
        ValueError: not an ONNX file of tfdvae, a damaged one, or packages of `tfdvae[onnx]` that
            are missing.

    Example:
        >>> OnnxModel(Path("denoiser.onnx").read_bytes()).denoise(images)
    """

    variational, has_code = False, False
    only_denoises = (
        "this model came from an ONNX file, which only denoises; load the run folder or the .keras "
        "file that it was made from for all else."
    )

    def __init__(self, file: bytes, name: str = "the model"):
        self._file, self._session = file, _session(file, name)
        text = self._session.get_modelmeta().custom_metadata_map.get(ABOUT)
        if text is None:
            raise ValueError(
                f"{name} must be an ONNX file that tfdvae exported, in a version later than 0.1.0; "
                "it says nothing of a model of tfdvae. Export the model again."
            )
        try:
            self._tell(json.loads(text))
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"{name} is damaged: what it says of the model cannot be used "
                f"({type(error).__name__}: {error})."
            ) from None

    @classmethod
    def read(cls, path: Path) -> OnnxModel:
        """Return the model of a file.

        Raises:
            ValueError: as for the class, or a file that would fill half of the memory.
            OSError: the file cannot be read.
        """
        if (size := path.stat().st_size) > limits.memory() / 2:
            raise ValueError(
                f"`model` {path} has {size / 2**30:,.1f} GiB, more than half of the memory of this "
                "machine."
            )
        return cls(path.read_bytes(), f"`model` {path}")

    def __reduce__(self) -> tuple[Any, ...]:
        return OnnxModel, (self._file,)

    def _tell(self, about: Mapping[str, Any]) -> None:
        self.image_shape = tuple(about["image_shape"])
        self.code_shape = tuple(about["code_shape"])
        self.any_size = about["any_size"]
        self.corruption = corruptions.parse(about["corruption"])
        self.likelihood = likelihoods.parse(about["likelihood"])
        self.white, self.background = about.get("white"), about.get("background")
        self.orientations, self.frames = about["orientations"], about["frames"]
        if (draws := about["posterior_samples"]) is not None:
            logger.warning(
                "NOTE: an ONNX file has no posterior: images are what their mean codes are decoded "
                "to, and not means of %s draws.",
                draws,
            )

    @property
    def graphs(self) -> Mapping[str, Callable]:
        """What denoises, as `InferenceMixin` names it."""
        return {"call": self._call}

    def _call(self, images: tf.Tensor) -> tf.Tensor:
        """Return the denoised images, float32 (N, H, W, C), in a graph or outside."""
        if not tf.is_symbolic_tensor(images):
            return tf.constant(self._run(images.numpy()))
        made = tf.numpy_function(self._run, [images], tf.float32, stateful=False)
        return tf.ensure_shape(made, images.shape)

    def _run(self, images: np.ndarray) -> np.ndarray:
        made: np.ndarray = self._session.run(["denoised"], {"images": images})[0]
        return made


def _session(file: bytes, name: str) -> Any:
    """Return what computes the content of a file, with as many threads as TensorFlow has."""
    try:
        import onnxruntime
    except ImportError as error:
        raise ValueError(
            f'{name} needs packages that are not installed ({error}): pip install "tfdvae[onnx]".'
        ) from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = (
        tf.config.threading.get_intra_op_parallelism_threads() or threads.cores()
    )
    options.log_severity_level = 4  # what fails is raised too
    try:
        return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # a file may hold anything
        reason = str(error).strip().partition("\n")[0]
        raise ValueError(f"{name} is no ONNX file, or a damaged one: {reason}") from None
