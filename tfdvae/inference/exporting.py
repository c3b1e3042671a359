"""Models for those who have no tfdvae: SavedModels for plain TensorFlow, and ONNX files."""

import json
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

import tfdvae
from tfdvae._utils import checks, files
from tfdvae.config import EXPORT_FORMATS
from tfdvae.inference import onnx_model
from tfdvae.inference.model_files import is_saved_model
from tfdvae.inference.saved_model import ABOUT
from tfdvae.inference.trained_model import TrainedModel
from tfdvae.models.base import DenoisingModel


def export(
    model: DenoisingModel | TrainedModel, path: str | Path, format: str = "saved_model"
) -> Path:
    """Write a model for use without tfdvae and return its path.

    Images are float32 (N, H, W, C) in [0, 1], with any N.

    - `saved_model`: a folder with these endpoints: `serving_default` (images -> denoised images),
      of a model with a code `encode` (images -> codes) and `decode` (codes -> images), and for a
      VAE or DVAE `posterior` (images -> mean and standard deviation of q(z | image)) and `sample`
      (n: int32 scalar, seed: int32 (2,) -> n images; the same seed gives the same images).
    - `onnx`: a file with the input `images` and the outputs `denoised` and `codes`, which
      `tfdvae.load` takes too, for denoising alone. It needs the packages of `tfdvae[onnx]`.

    Args:
        model: a `DAE`, `VAE` or `DVAE`, or what `tfdvae.load` returns.
        path: an earlier export of that format is replaced.
        format: `saved_model` or `onnx`.

    Raises:
        FileExistsError: there is something else at `path`.
        TypeError: another kind of model, or a path that is none.
        ValueError: unknown format, an ONNX file without the suffix .onnx, packages of
            `tfdvae[onnx]` that are missing, or a model that was loaded from a SavedModel.

    Example:
        >>> tfdvae.export(tfdvae.load("clothing-dvae"), "saved_model")
    """
    if not isinstance(path, (str, Path)):
        raise TypeError(f"`path` must be text or a Path; got {type(path).__name__}.")
    path = Path(checks.text("path", str(path))).expanduser()
    checks.choice("format", format, EXPORT_FORMATS)
    if format == "onnx" and path.suffix.lower() != ".onnx":
        raise ValueError(f"`path` {path} must have the suffix .onnx.")
    white, background = getattr(model, "white", None), getattr(model, "background", None)
    if isinstance(model, TrainedModel):
        model = model.keras_model
    if not isinstance(model, DenoisingModel):
        raise TypeError(
            "`model` must be a DAE, VAE or DVAE, or what `tfdvae.load` returns; "
            f"got {type(model).__name__}."
        )
    if path.exists() and not (is_saved_model(path) if format == "saved_model" else path.is_file()):
        wanted = "SavedModel" if format == "saved_model" else ".onnx file"
        raise FileExistsError(f"`path` {path} exists and is no {wanted}; nothing was written.")
    about = _describe(model, white=white, background=background)
    if format == "onnx":
        _export_onnx(model, path, about)
    else:
        _export_saved_model(model, path, about)
    return path


def _describe(model: DenoisingModel, **of_files: Any) -> dict[str, Any]:
    """Return what `tfdvae.load` has to know of a model, as JSON can hold it."""
    return {
        "tfdvae": tfdvae.__version__,
        "model": type(model).__name__,
        "variational": model.variational,
        "has_code": model.has_code,
        "any_size": model.any_size,
        "image_shape": model.image_shape,
        "code_shape": model.code_shape,
        "corruption": str(model.corruption),
        "likelihood": str(model.likelihood),
        "orientations": model.orientations,
        "posterior_samples": model.posterior_samples,
        "frames": model.frames,
        **{name: value for name, value in of_files.items() if value is not None},
    }


def _export_saved_model(model: DenoisingModel, path: Path, about: dict[str, Any]) -> None:
    images = tf.TensorSpec((None, *model.taken_shape), tf.float32, name="images")
    codes = tf.TensorSpec((None, *model.taken_code_shape), tf.float32, name="codes")
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serve", lambda images: model(images, training=False), [images])
    if model.has_code:
        archive.add_endpoint("encode", model.encode_images, [images])
        archive.add_endpoint("decode", model.decode_codes, [codes])
    if model.variational:
        archive.add_endpoint("posterior", model.posterior, [images])
        archive.add_endpoint(
            "sample",
            model.sample_images,
            [tf.TensorSpec((), tf.int32, name="n"), tf.TensorSpec((2,), tf.int32, name="seed")],
        )
    with files.replacing(path) as temporary:
        archive.write_out(str(temporary), verbose=False)
        files.write_json(temporary / ABOUT, about)


def _export_onnx(model: DenoisingModel, path: Path, about: dict[str, Any]) -> None:
    try:
        import onnx
        import tf2onnx
    except ImportError as error:
        raise ValueError(
            f"`format` onnx needs packages that are not installed ({error}): "
            'pip install "tfdvae[onnx]".'
        ) from None

    @tf.function(
        input_signature=[tf.TensorSpec((None, *model.taken_shape), tf.float32, name="images")]
    )
    def graph(images: tf.Tensor) -> dict[str, Any]:
        codes = model.encode_images(images)
        made = {"denoised": model.decode_codes(codes)}
        if model.has_code:
            made["codes"] = codes
        return {name: _kept_in_shape(values, images) for name, values in made.items()}

    made, _ = tf2onnx.convert.from_function(graph, input_signature=graph.input_signature)
    onnx.helper.set_model_props(made, {onnx_model.ABOUT: json.dumps(about)})
    with files.replacing(path) as temporary:
        onnx.save(made, str(temporary))


def _kept_in_shape(values: tf.Tensor, images: tf.Tensor) -> tf.Tensor:
    """Return values (N, ...) as they are, as an output that tf2onnx keeps in shape.

    It makes of the last transposition of images with one channel a reshape and a squeeze, and at
    times, depending on the order of its optimizers, loses the squeeze where nothing comes after.
    What comes after is a reshape to the shape that there is; its N is that of the images (N, H, W,
    C), or the reshape would be seen to do nothing and be left out too.
    """
    return tf.reshape(values, tf.concat([tf.shape(images)[:1], tf.shape(values)[1:]], 0))
