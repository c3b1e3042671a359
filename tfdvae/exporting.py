"""SavedModels that plain TensorFlow loads, where tfdvae is not installed."""

from pathlib import Path

import keras
import tensorflow as tf

from tfdvae import files
from tfdvae.models.base import DenoisingModel


def export(model: DenoisingModel, path: str | Path) -> Path:
    """Write a SavedModel with one endpoint for each verb.

    Endpoints: `serving_default` (images -> denoised images), `encode` (images -> codes), `decode` (codes -> images), and for a
    VAE or DVAE `sample` (n: int32 scalar, seed: int32 (2,) -> n images; the same seed gives the same images). Images are float32
    (N, H, W, C) in [0, 1], with any N.

    Args:
        model: `DAE`, `VAE` or `DVAE`.
        path: folder; one that is there is replaced if it is a SavedModel.

    Raises:
        FileExistsError: there is something else at `path`.
    """
    path = Path(path)
    if path.exists() and not (path / "saved_model.pb").exists():
        raise FileExistsError(f"`path` {path} exists and is no SavedModel; nothing was written.")
    images = tf.TensorSpec((None, *model.image_shape), tf.float32, name="images")
    codes = tf.TensorSpec((None, *model.code_shape), tf.float32, name="codes")
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serve", lambda images: model(images, training=False), [images])
    archive.add_endpoint("encode", model.encode_images, [images])
    archive.add_endpoint("decode", model.decode_codes, [codes])
    if model.variational:
        archive.add_endpoint(
            "sample", model.sample_images, [tf.TensorSpec((), tf.int32, name="n"), tf.TensorSpec((2,), tf.int32, name="seed")]
        )
    with files.replacing(path) as temporary:
        archive.write_out(str(temporary), verbose=False)
    return path
