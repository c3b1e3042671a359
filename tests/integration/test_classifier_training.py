"""The published classifier in each precision: it learns, and a file keeps it."""

import keras
import numpy as np
import pytest

from tfdvae.classifier import cnn


@pytest.mark.parametrize(
    ("dtype", "shape"),
    [
        ("float32", (28, 28, 1)),
        ("float32", (2, 2, 1)),
        ("mixed_bfloat16", (7, 9, 3)),
        ("mixed_float16", (7, 9, 3)),
    ],
)
def test_learns_and_survives_saving(shape, dtype, tmp_path):
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
