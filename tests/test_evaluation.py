import keras
import numpy as np
import pytest

from tests.models.test_contract import IMAGES, make
from tfdvae import corruptions, evaluation, metrics


def test_accuracy():
    assert metrics.accuracy(np.array([[0, 1], [2, 1], [0, 3]]), np.array([1, 1, 1])) == pytest.approx(2 / 3)


def test_activity_is_the_variance_of_each_unit():
    codes = np.array([[0.0, 1, 5], [2, 1, 5], [4, 1, 5]])
    np.testing.assert_allclose(metrics.activity(codes), [8 / 3, 0, 0])
    np.testing.assert_allclose(metrics.activity(codes.reshape(3, 3, 1)), [8 / 3, 0, 0])


def test_test_noise_is_frozen_for_each_image_and_level():
    gaussian = corruptions.parse(0.1)
    noisy = evaluation.test_noise(IMAGES, gaussian, 0)
    assert np.array_equal(noisy[:7], evaluation.test_noise(IMAGES[:7], gaussian, 0))
    assert not np.array_equal(noisy, evaluation.test_noise(IMAGES, gaussian, 1))
    assert np.array_equal(evaluation.test_noise(IMAGES, corruptions.parse("none"), 0), IMAGES)


def brightness_classifier():
    """Says 1 where the mean of an image exceeds a half."""
    images = keras.Input((6, 5, 2))
    mean = keras.layers.Reshape((1,))(keras.ops.mean(images, axis=(1, 2, 3)))
    return keras.Model(images, keras.ops.concatenate([0.5 - mean, mean - 0.5], axis=1))


def test_classifier_rows():
    labels = (IMAGES.mean(axis=(1, 2, 3)) > 0.5).astype(int)
    tests = [corruptions.parse(text) for text in ("none", "masking:1", "gaussian:0.05")]
    rows = list(evaluation.classifier_rows(brightness_classifier(), IMAGES, labels, tests, seed=0))
    values = {(row["test_corruption"], row["metric"]): row["value"] for row in rows}
    assert len(rows) == 9
    assert {row["split"] for row in rows} == {"test"}
    assert values["none", "accuracy"] == 1
    assert values["masking:1", "accuracy"] == pytest.approx(np.mean(labels == 0)), "black images look dark"
    noisy = evaluation.test_noise(IMAGES, tests[2], 0).mean(axis=(1, 2, 3)) > 0.5
    assert values["gaussian:0.05", "accuracy"] == pytest.approx(np.mean(noisy == labels))
    for corruption in ("none", "masking:1", "gaussian:0.05"):
        assert values[corruption, "accuracy_low"] <= values[corruption, "accuracy"] <= values[corruption, "accuracy_high"]


@pytest.mark.parametrize("name", ["dae", "dvae"])
def test_generator_rows(name):
    model = make(name)
    rows = list(evaluation.generator_rows(model, IMAGES, IMAGES[:20]))
    assert [(row["split"], row["metric"]) for row in rows] == [
        *[("train", metric) for metric in model.loss_names], *[("test", metric) for metric in model.loss_names], ("train", "active_units"),
    ]  # fmt: skip
    assert rows[0]["value"] == pytest.approx(model.evaluate(IMAGES, batch_size=500, verbose=0, return_dict=True)["loss"])
    assert rows[-1]["value"] == np.sum(model.encode(IMAGES).var(axis=0) > 0.01)
