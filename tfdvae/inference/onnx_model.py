"""Models that were loaded from an ONNX file of `tfdvae.export`, computed by ONNX Runtime."""

from __future__ import annotations

import json
import logging
import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tfdvae import corruptions
from tfdvae._utils import checks, limits, threads
from tfdvae.config.data import BACKGROUNDS, parse_level
from tfdvae.data.patches import ORIENTATIONS
from tfdvae.models import likelihoods
from tfdvae.models.inference_mixin import InferenceMixin

logger = logging.getLogger(__name__)

ABOUT = "tfdvae"
"""The key of what tfdvae says of the model in the metadata of an ONNX file."""


class OnnxModel(InferenceMixin):
    """An ONNX file of `export`, with the methods of its model that need denoised images alone.

    A small image is denoised several times as fast as by TensorFlow. It is computed on the CPU. The
    file has no decoder of codes, so that all else is refused. It is pickled with its file. In a
    graph, such as that of `Dataset.map`, TensorFlow calls it back.

    Args:
        file: the content of the file.
        name: of the model, for messages.

    Raises:
        ValueError: not an ONNX file of tfdvae, a damaged one, or packages of `tfdvae[onnx]` that
            are missing.
        MemoryError: memory ran out.

    Example:
        >>> OnnxModel(Path("denoiser.onnx").read_bytes()).denoise(images)
    """

    variational, has_code = False, False
    only_denoises = (
        "this model came from an ONNX file, which only denoises; load the model that it was "
        "exported from for all else."
    )

    def __init__(self, file: bytes, name: str = "the model"):
        self._file, self._name, self._session = file, name, _session(file, name)
        try:
            text = self._session.get_modelmeta().custom_metadata_map.get(ABOUT)
            about = None if text is None else json.loads(text)
            if about is not None:
                self._tell(about)
                self._check_graph()
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(
                f"{name} is damaged: what it says of the model cannot be used "
                f"({type(error).__name__}: {_first_line(error)})."
            ) from None
        if about is None:
            raise ValueError(
                f"{name} must be an ONNX file of `tfdvae export`; it says nothing of a model that "
                "denoises. A file of version 0.1.0 must be exported again."
            )

    @classmethod
    def read(cls, path: Path) -> OnnxModel:
        """Return the model of a file, with a NOTE where it asks for draws, which there are not.

        Raises:
            ValueError: as for the class, or a file that would fill half of the memory.
            OSError: the file cannot be read.
            MemoryError: memory ran out.
        """
        if (size := path.stat().st_size) > limits.memory() / 4:  # it is kept, and unpacked
            raise ValueError(
                f"`model` {path} has {size / 2**30:,.1f} GiB and would take more than half of the "
                "memory of this machine."
            )
        model = cls(path.read_bytes(), f"`model` {path}")
        if model.draws_asked_for is not None:
            logger.warning(
                "NOTE: an ONNX file has no posterior: images are what their mean codes are decoded "
                "to, and not means of %d draws.",
                model.draws_asked_for,
            )
        return model

    def __reduce__(self) -> tuple[Any, ...]:
        return OnnxModel, (self._file, self._name)

    def _tell(self, about: Mapping[str, Any]) -> None:
        """Take what the file says of the model, each value checked."""
        height, width, channels = _sizes("image_shape", about["image_shape"])
        self.image_shape = height, width, channels
        self.code_shape = _sizes("code_shape", about["code_shape"])
        self.any_size = about["any_size"] is True
        self.corruption = corruptions.parse(about["corruption"])
        self.likelihood = likelihoods.parse(about["likelihood"])
        self.white = parse_level(about.get("white"))
        if (background := about.get("background")) is not None:
            self.background = checks.choice("background", background, BACKGROUNDS)
        self.orientations = _count("orientations", about["orientations"], ORIENTATIONS)
        self.frames = _count("frames", about["frames"])
        self.draws_asked_for = _count("posterior_samples", about["posterior_samples"])

    def _check_graph(self) -> None:
        """Refuse a graph of other images than those that the file speaks of."""
        shapes = {
            each.name: [size if isinstance(size, int) else None for size in each.shape[1:]]
            for each in self._session.get_inputs()
            if each.type == "tensor(float)"
        }
        outputs = [each.name for each in self._session.get_outputs()]
        if shapes != {"images": list(self.taken_shape)} or "denoised" not in outputs:
            raise ValueError(
                f"its graph takes {shapes} and gives {', '.join(outputs)}, in place of images "
                f"{self.taken_shape} and `denoised`"
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
        try:
            made: np.ndarray = self._session.run(["denoised"], {"images": images})[0]
        except Exception as error:  # its own kinds, of which no other part of tfdvae knows
            raise _of_memory(error) or RuntimeError(
                f"{self._name} cannot be computed: {_first_line(error)}"
            ) from None
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
        raise _of_memory(error) or ValueError(
            f"{name} is no ONNX file, or a damaged one: {_first_line(error)}"
        ) from None


def _of_memory(error: Exception) -> MemoryError | None:
    """Return what ONNX Runtime raised as a MemoryError where memory ran out, else None."""
    if isinstance(error, MemoryError):
        return error
    ran_out = re.search(r"bad_alloc|bad allocation|failed to allocate", str(error), re.IGNORECASE)
    return MemoryError(_first_line(error)) if ran_out else None


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def _sizes(name: str, value: Any) -> tuple[int, ...]:
    """Return a shape as a tuple of one to three sizes."""
    if not isinstance(value, list) or not 1 <= len(value) <= 3:
        raise ValueError(f"{name} {value!r}")
    return tuple(checks.integer(name, size, 1) for size in value)


def _count(name: str, value: Any, most: float = math.inf) -> int | None:
    return None if value is None else checks.integer(name, value, 1, most)
