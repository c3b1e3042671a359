"""The models that come with tfdvae, on real images."""

import numpy as np
import onnxruntime
import pytest
import tensorflow as tf

import tfdvae
from tfdvae.config import EXPORT_FORMATS
from tfdvae.data import image_dataset
from tfdvae.inference import shipped
from tfdvae.inference.exporting import export


@pytest.mark.parametrize("name", shipped.names())
@pytest.mark.parametrize("format", EXPORT_FORMATS)
def test_exported_shipped_models_give_the_same_on_real_images(name, format, fashion, tmp_path):
    """1,000 test images, within 1e-5 of the pixel range; codes within 1e-4 of their own, which
    reach 10 and more.
    """
    model = tfdvae.load(name).keras_model
    images = image_dataset.to_unit(fashion.test.images[:1000])
    path = export(model, tmp_path / ("model.onnx" if format == "onnx" else "model"), format)
    if format == "onnx":
        denoised, codes = onnxruntime.InferenceSession(str(path)).run(
            ["denoised", "codes"], {"images": images}
        )
    else:
        loaded = tf.saved_model.load(path)
        denoised, codes = loaded.serve(images).numpy(), loaded.encode(images).numpy()
    np.testing.assert_allclose(denoised, model.denoise(images), atol=1e-5)
    np.testing.assert_allclose(codes, model.encode(images), atol=1e-4, rtol=1e-4)
