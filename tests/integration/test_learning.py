"""The models learn from real images, and the published classifier learns in each precision."""

import keras
import numpy as np
import pytest

from tfdvae.classifier import cnn
from tfdvae.models import networks
from tfdvae.models.autoencoder import DAE
from tfdvae.models.variational import DVAE, VAE


@pytest.mark.parametrize(
    ("dtype", "shape"),
    [
        ("float32", (28, 28, 1)),
        ("float32", (2, 2, 1)),
        ("mixed_bfloat16", (7, 9, 3)),
        ("mixed_float16", (7, 9, 3)),
    ],
)
def test_the_classifier_learns_and_survives_saving(shape, dtype, tmp_path):
    labels = np.arange(60) % 3
    images = (
        np.random.default_rng(0).random((60, *shape), dtype=np.float32) * 0.3
        + labels[:, None, None, None] * 0.3
    )
    model = cnn(shape, 3, dtype=dtype)
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer) == (
        dtype == "mixed_float16"
    )
    history = model.fit(images, labels, epochs=15, batch_size=20, verbose=0).history
    assert history["accuracy"][-1] > 0.6
    logits = model.predict(images, verbose=0)
    assert logits.dtype == np.float32
    model.save(tmp_path / "c.keras")
    assert np.array_equal(
        keras.models.load_model(tmp_path / "c.keras").predict(images, verbose=0), logits
    )


def test_training_of_a_model_lowers_the_loss_of_real_images(digits):
    images = digits[0][:500]
    for cls in (DAE, VAE, DVAE):
        model = cls(*networks.mlp((28, 28, 1), 8, variational=cls.variational))
        model.compile(optimizer=keras.optimizers.Adam(3e-3))
        history = model.fit(images, batch_size=50, epochs=15, verbose=0).history
        assert history["loss"][-1] < 0.75 * history["loss"][0]
        error = np.mean((model.denoise(images) - images) ** 2)
        assert error < 0.6 * np.var(images - images.mean(axis=0)), "better than the mean image"
