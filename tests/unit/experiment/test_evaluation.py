import keras
import numpy as np
import pytest

from tests.helpers.models import IMAGES, make
from tfdvae import corruptions
from tfdvae._utils import limits
from tfdvae.data import pipelines
from tfdvae.experiment import evaluation
from tfdvae.inference.augmentation import Augmenter
from tfdvae.metrics import classification, image, latent_codes
from tfdvae.metrics.noise_of_pairs import SecondNoise


def test_accuracy():
    assert classification.accuracy(
        np.array([[0, 1], [2, 1], [0, 3]]), np.array([1, 1, 1])
    ) == pytest.approx(2 / 3)


def test_activity_is_the_variance_of_each_unit():
    codes = np.array([[0.0, 1, 5], [2, 1, 5], [4, 1, 5]])
    np.testing.assert_allclose(latent_codes.activity(codes), [8 / 3, 0, 0])
    np.testing.assert_allclose(latent_codes.activity(codes.reshape(3, 3, 1)), [8 / 3, 0, 0])


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
    classifiers = {"limited": brightness_classifier()}
    none, found = evaluation.rows_with_noise(None, classifiers, IMAGES, labels, tests, seed=0)
    rows = found["limited"]
    assert (none, list(found)) == ([], ["limited"])
    values = {(row["test_corruption"], row["metric"]): row["value"] for row in rows}
    assert len(rows) == 9
    assert {row["split"] for row in rows} == {"test"}
    assert values["none", "accuracy"] == 1
    assert values["masking:1", "accuracy"] == pytest.approx(np.mean(labels == 0)), (
        "black images look dark"
    )
    noisy = evaluation.test_noise(IMAGES, tests[2], 0).mean(axis=(1, 2, 3)) > 0.5
    assert values["gaussian:0.05", "accuracy"] == pytest.approx(np.mean(noisy == labels))
    for corruption in ("none", "masking:1", "gaussian:0.05"):
        assert (
            values[corruption, "accuracy_low"]
            <= values[corruption, "accuracy"]
            <= values[corruption, "accuracy_high"]
        )


@pytest.mark.parametrize("name", ["dae", "dvae"])
def test_generator_rows(name):
    model = make(name)
    rows = list(evaluation.generator_rows(model, IMAGES, IMAGES[:20]))
    assert [(row["split"], row["metric"]) for row in rows] == [
        *[("train", metric) for metric in model.loss_names],
        *[("test", metric) for metric in model.loss_names],
        ("train", "active_units"),
    ]
    assert rows[0]["value"] == pytest.approx(
        model.evaluate(IMAGES, batch_size=500, verbose=0, return_dict=True)["loss"]
    )
    assert rows[-1]["value"] == np.sum(model.encode(IMAGES).var(axis=0) > 0.01)


def test_pieces_change_nothing(monkeypatch):
    """Rows, synthetic images and activity: read three at a time as all at once."""
    model = make("dvae")
    codes = np.random.default_rng(0).normal(3, [0.05, 0.5, 2], (50, 3))
    np.testing.assert_allclose(
        latent_codes.activity_of_pieces(np.split(codes, [1, 20, 33])), codes.var(axis=0)
    )
    labels = np.arange(len(IMAGES)) % 2
    whole = [
        list(evaluation.generator_rows(model, IMAGES, IMAGES)),
        evaluation.rows_with_noise(
            None, {"a": brightness_classifier()}, IMAGES, labels, [corruptions.parse(0.1)], 0
        ),
    ]
    made = Augmenter(model).generate(IMAGES, labels)
    with limits.use(piece_bytes=1, evaluation_images=3):
        assert whole[1] == evaluation.rows_with_noise(
            None, {"a": brightness_classifier()}, IMAGES, labels, [corruptions.parse(0.1)], 0
        )
    with limits.use(piece_bytes=1, batch_images=3):
        again = Augmenter(model).generate(IMAGES, labels)
    np.testing.assert_allclose(again.images, made.images, atol=1e-6)
    assert np.array_equal(again.labels, made.labels)
    assert np.array_equal(again.parent_index, made.parent_index)


def test_large_images_are_taken_a_few_at_a_time(monkeypatch):
    """No batch has more rows than its bytes allow: of losses, tasks, classifiers, new images."""
    seen, model, classifier = [], make("dvae"), brightness_classifier()
    for name in ("encode_images", "decode_codes", "posterior", "call"):
        graph = model.graphs[name]
        model.graphs[name] = lambda batch, graph=graph: seen.append(len(batch)) or graph(batch)
    batches = pipelines.batches
    monkeypatch.setattr(
        pipelines, "batches", lambda arrays, size: seen.append(size) or batches(arrays, size)
    )
    noise, labels = [corruptions.parse(0.1)], np.arange(len(IMAGES)) % 2
    size = IMAGES[0].nbytes
    with limits.use(batch_bytes=7 * size, piece_bytes=15 * size):
        list(evaluation.generator_rows(model, IMAGES, IMAGES))
        evaluation.rows_with_noise(
            model, {"a": classifier}, IMAGES, np.zeros_like(labels), noise, 0
        )
        for method in ("posterior", "prior"):
            for piece in Augmenter(model, method).pieces(IMAGES, labels):
                assert len(piece.images) <= 14
        assert max(seen) == 7
        model.denoise(IMAGES, batch_size=20)
    assert max(seen) == 20, "who gives a batch size gets it"


def test_denoising_rows():
    """PSNR by its formula, 10 log10(1 / mean squared error), mean over images, read in pieces."""
    model = make("dae")
    clean, noisy = IMAGES, evaluation.test_noise(IMAGES, corruptions.parse("gaussian:0.3"), 0)
    values = {
        row["metric"]: row["value"]
        for row in evaluation.denoising_rows(model, clean, noisy, "gaussian:0.3")
    }
    assert set(values) == {"psnr_input", "psnr"}, "no SSIM of images smaller than its window"
    for metric, images in (("psnr_input", noisy), ("psnr", model.denoise(noisy))):
        assert values[metric] == pytest.approx(
            np.mean(-10 * np.log10(np.square(images - clean).mean(axis=(1, 2, 3)))), rel=1e-5
        )
    noise = [corruptions.parse("gaussian:0.3")]
    with limits.use(piece_bytes=1, evaluation_images=3):
        again, _ = evaluation.rows_with_noise(model, {}, IMAGES, np.arange(0), noise, 0)
    assert {row["metric"]: row["value"] for row in again} == pytest.approx(values, rel=1e-5)
    assert {row["test_corruption"] for row in again} == {"gaussian:0.3"}


def test_estimated_rows_of_pairs_against_the_clean_images():
    """The distance from a second noisy image, less its noise, is that from the clean one."""
    random, model = np.random.default_rng(0), make("dae")
    clean = random.uniform(0.3, 0.7, (4000, *IMAGES.shape[1:])).astype(np.float32)
    first, second = (
        (clean + random.normal(0, level, clean.shape)).astype(np.float32) for level in (0.2, 0.1)
    )
    found = SecondNoise(0.01, 0.0002)
    values = {
        row["metric"]: row["value"]
        for row in evaluation.estimated_rows_of_pairs(model, first, second, found)
    }
    for metric, images in (("psnr_input_", first), ("psnr_", model.denoise(first))):
        truth = -10 * np.log10(np.square(images - clean).mean())
        assert values[f"{metric}estimated"] == pytest.approx(truth, abs=0.05)
    low, high = (values[f"psnr_estimated_{end}"] for end in ("low", "high"))
    assert low < values["psnr_estimated"] < high
    assert not list(evaluation.estimated_rows_of_pairs(model, clean, clean, found))


def test_ssim_and_psnr_of_equal_images():
    images = np.random.default_rng(0).random((3, 12, 11, 2), dtype=np.float32)
    assert image.ssim(images, images) == pytest.approx([1, 1, 1])
    assert image.psnr(images, images) == pytest.approx([20 * np.log10(255)] * 3), (
        "not infinite: one image would hide all others"
    )
    np.testing.assert_array_less(image.ssim(1 - images, images), 0.5)


def test_psnr_of_another_peak_and_of_equal_images_without_a_best():
    """20 log10 of peak over root mean squared error: 10 dB for 1 / sqrt(10), 20 dB for 0.2 of 2."""
    images = np.zeros((2, 4, 4, 1), np.float32)
    error = images + np.float32(0.1**0.5)
    np.testing.assert_allclose(image.psnr(error, images), 10, rtol=1e-5)
    np.testing.assert_allclose(image.psnr(images + np.float32(0.2), images, peak=2), 20, rtol=1e-5)
    assert np.isinf(image.psnr(images, images, best=None)).all()
    assert image.psnr(error, images, best=None).dtype == np.float32
