"""The classifier for those who have no tfdvae: a SavedModel and an ONNX file."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfdvae._utils import files
from tfdvae.classifying import model as models
from tfdvae.classifying.model import About

logger = logging.getLogger(__name__)

ONNX_FILE, SAVED_MODEL = "classifier.onnx", "saved_model"


def saved_model(model: keras.Model, about: About, path: Path) -> None:
    """Write a SavedModel with these endpoints.

    - `serve`, which is also `serving_default`: pixels, float32 (N, H, W, C), -> probabilities.
    - `serve_uint8`, `serve_uint16`: the same of pixels of these types, whose white is their largest
      value; where the classifier has a `white` of its own, of the type it was trained on alone.
    - `class_names`: nothing -> text (K,).

    Args:
        model: as `model.served` returns it.
        about: the classifier.
        path: of the folder, which is replaced.
    """
    archive = keras.export.ExportArchive()
    archive.track(model)

    def of_type(name: str) -> Any:
        shape = (None, *about.image_shape[:2], None)
        return [tf.TensorSpec(shape, name, name="pixels")]

    def endpoint(factor: float) -> Any:
        def probabilities(pixels: tf.Tensor) -> tf.Tensor:
            return model(factor * tf.cast(pixels, tf.float32), training=False)

        return probabilities

    archive.add_endpoint("serve", endpoint(1.0), of_type("float32"))
    for name in ("uint8", "uint16"):
        if about.white is None:
            factor = about.scale / np.iinfo(name).max
            archive.add_endpoint(f"serve_{name}", endpoint(factor), of_type(name))
        elif name == about.dtype:
            archive.add_endpoint(f"serve_{name}", endpoint(1.0), of_type(name))
    names = list(about.class_names)
    archive.add_endpoint("class_names", lambda: tf.constant(names), [])
    with files.replacing(path) as temporary:
        archive.write_out(str(temporary), verbose=False)
        files.write_text(temporary / models.ABOUT_SAVED, models.to_json(about))


def onnx(model: keras.Model, about: About, path: Path) -> bool:
    """Write an ONNX file with the input `pixels` and the output `probabilities`.

    Its metadata have `class_names`, a JSON list. Where packages are missing, a NOTE says so.

    Args:
        model: as `model.served` returns it.
        about: the classifier.
        path: of the file, which is replaced.

    Returns:
        Whether it was written.
    """
    try:
        import onnx as onnx_package
        import tf2onnx
    except ImportError:
        logger.warning(
            'NOTE: %s needs packages that are not installed: pip install "tfdvae[onnx]". The same '
            "command then writes it.",
            path.name,
        )
        return False
    signature = [tf.TensorSpec((None, *about.image_shape), tf.float32, name="pixels")]

    @tf.function(input_signature=signature)
    def graph(pixels: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"probabilities": model(pixels, training=False)}

    made, _ = tf2onnx.convert.from_function(graph, input_signature=signature)
    about_it = {"class_names": json.dumps(about.class_names)}
    onnx_package.helper.set_model_props(made, about_it)
    with files.replacing(path) as temporary:
        onnx_package.save(made, str(temporary))
    return True
