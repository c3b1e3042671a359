"""What is done to batches, against NumPy on arrays of a few pixels."""

import numpy as np
import pytest
import tensorflow as tf

from tfdvae import corruptions
from tfdvae.config.sets import SETS
from tfdvae.data import pipelines
from tfdvae.training_sets import batches

SEED = np.array([3, 4], np.int32)
LABELS = np.arange(400)


def test_an_image_is_mixed_with_one_of_its_views_by_a_random_strength():
    """An image is 0 and 1, its view k is k + 1 and 0, so that t (k + 1) and 1 - t come out."""
    images = np.tile(np.array([0, 1], np.float32).reshape(1, 2, 1, 1), (400, 1, 1, 1))
    views = np.zeros((400, 8, 2, 1, 1), np.float32)
    views[:, :, 0, 0, 0] = np.arange(1, 9)
    mixed, labels = batches.mix(SEED, images, views, LABELS)
    first, second = np.asarray(mixed)[:, :, 0, 0].T
    strength = 1 - second
    assert strength.min() >= 0
    assert strength.max() < 1
    assert np.mean(strength) == pytest.approx(0.5, abs=0.05)
    assert np.std(strength) == pytest.approx(12**-0.5, abs=0.03)
    numbers, counts = np.unique(np.rint(first / strength), return_counts=True)
    np.testing.assert_allclose(first, strength * np.rint(first / strength), atol=1e-5)
    np.testing.assert_array_equal(numbers, np.arange(1, 9))
    assert counts.min() > 25, "50 of each are expected"
    np.testing.assert_array_equal(labels, LABELS)


def test_each_image_gets_noise_of_its_own_strength():
    images = np.full((400, 12, 12, 1), 0.5, np.float32)
    noisy, labels = batches.fresh_noise(SEED, 0.2, images, LABELS)
    noise = np.asarray(noisy) - images
    strengths = noise.std(axis=(1, 2, 3))
    assert strengths.max() < 0.24
    assert strengths.min() < 0.01
    assert np.mean(strengths) == pytest.approx(0.1, abs=0.01)
    assert np.mean(noise) == pytest.approx(0, abs=0.002)
    np.testing.assert_array_equal(labels, LABELS)


def test_noise_to_remove_is_fresh_noise_with_what_was_before_it():
    """After the same geometry, and with weights where there are any."""
    images = np.random.default_rng(0).random((8, 12, 12, 1), dtype=np.float32)
    labels, weights = np.arange(8), np.linspace(1, 2, 8)
    plain, _ = batches.transform(SETS["fresh-noise"].batches, 0.2)(SEED, images, labels)
    step = batches.transform(SETS["restoring"].batches, 0.2)
    noisy, (kept, before), of_labels = step(SEED, images, labels, weights)
    np.testing.assert_array_equal(noisy, plain)
    np.testing.assert_array_equal(kept, labels)
    np.testing.assert_array_equal(of_labels, weights)
    still, _ = batches.transform(SETS["fresh-noise"].batches, 0.0)(SEED, images, labels)
    np.testing.assert_array_equal(before, still)
    assert len(step(SEED, images, labels)) == 2


def test_nothing_to_do():
    assert batches.transform((), 0.1) is None


def test_steps_follow_one_another():
    """The last one gets the first seed, as in results that were made before there were more."""
    images = np.random.default_rng(0).random((6, 8, 8, 1), dtype=np.float32)
    seeds = tf.unstack(tf.random.split(SEED, 2))
    moved = pipelines.classic_augmentation()(seeds[1], tf.constant(images))[0]
    expected = corruptions.parse("gaussian:0.1")(moved, seeds[0])
    (found,) = batches.transform(("classical", "noise"), 0.3)(SEED, tf.constant(images))
    np.testing.assert_array_equal(found, expected)


def test_shifts_leave_the_noise_as_it_is():
    """A shift by parts of a pixel would take means of neighbors, which are less noisy."""
    noise = np.random.default_rng(0).normal(0, 0.3, (40, 40, 40, 1)).astype(np.float32)
    (moved,) = batches.transform(("geometry",), 0.3)(SEED, tf.constant(noise))
    inside = np.asarray(moved)[:, 4:-4, 4:-4]
    assert np.std(inside, axis=(1, 2, 3)) == pytest.approx(0.3, abs=0.02)
    assert not np.array_equal(moved, noise)


def test_noise_comes_after_shifts():
    """The pixels that a shift makes black are noisy too; nothing is erased."""
    images = tf.ones((50, 40, 40, 1))
    (moved,) = batches.transform(("geometry",), 0.2)(SEED, images)
    black = np.asarray(moved) == 0
    assert 0 < black.mean() < 0.3, "a tenth of height and of width at most"
    (noisy,) = batches.transform(("geometry", "fresh noise"), 0.2)(SEED, images)
    assert not np.any(np.asarray(noisy) == 0)


def test_twice_is_one_after_the_other():
    images, labels = np.arange(6, dtype=np.float32).reshape(3, 2), np.array([4, 5, 6])
    shown, own = batches.transform(("twice",), 0.2)(SEED, images, labels)
    np.testing.assert_array_equal(shown, [[0, 1], [2, 3], [4, 5], [0, 1], [2, 3], [4, 5]])
    np.testing.assert_array_equal(own, [4, 5, 6, 4, 5, 6])


def test_each_image_is_in_one_of_eight_orientations():
    """800 images: 100 each are expected, and 53 are five standard deviations fewer."""
    image = np.arange(9, dtype=np.float32).reshape(3, 3)
    turned = [np.rot90(each, turns) for each in (image, image.T) for turns in range(4)]
    images = np.tile(image[None, :, :, None], (800, 1, 1, 2))
    found, labels = batches.transform(("orientations",), 0.2)(SEED, images, np.arange(800))
    found = np.asarray(found)
    np.testing.assert_array_equal(found[..., 0], found[..., 1])
    counts = [(found[..., 0] == each).all(axis=(1, 2)).sum() for each in turned]
    assert sum(counts) == 800
    assert min(counts) > 53
    np.testing.assert_array_equal(labels, np.arange(800))


def test_images_that_are_not_square_keep_their_shape():
    """Mirrored or not, upside down or not: 200 of 800 each, and 138 are five deviations fewer."""
    image = np.arange(6, dtype=np.float32).reshape(2, 3)
    found = batches.orientations(SEED, np.tile(image[None, :, :, None], (800, 1, 1, 1)))[0]
    found = np.asarray(found)[..., 0]
    mirrored = (image, image[:, ::-1], image[::-1], image[::-1, ::-1])
    counts = [(found == each).all(axis=(1, 2)).sum() for each in mirrored]
    assert sum(counts) == 800
    assert min(counts) > 138


def test_light_changes_contrast_and_channels():
    """Two values of each channel tell both factors: their mean, and their distance over it."""
    images = np.tile(np.array([0.4, 0.6], np.float32).reshape(1, 2, 1, 1), (500, 1, 1, 3))
    found, labels = batches.transform(("light",), 0.2)(SEED, images, np.arange(500))
    low, high = np.moveaxis(np.asarray(found)[:, :, 0], 1, 0)
    channels = (low + high) / 2 / 0.5
    contrast = (high - low) / 0.2 / channels
    np.testing.assert_allclose(contrast, np.tile(contrast[:, :1], (1, 3)), atol=1e-4)
    for factors in (channels, contrast):
        assert 0.8 - 1e-4 <= factors.min() < 0.803
        assert 1.197 < factors.max() <= 1.2 + 1e-4
        assert factors.std() == pytest.approx(0.2 / 3**0.5, rel=0.08)
    assert abs(np.corrcoef(channels.T)[0, 1]) < 0.2
    np.testing.assert_array_equal(labels, np.arange(500))


@pytest.mark.parametrize("name", SETS)
def test_all_sets_have_steps_that_exist(name):
    """A set with views mixes them, and no other does."""
    row = SETS[name]
    assert (batches.transform(row.batches, 0.1) is None) == (row.batches == ())
    assert ("mix" in row.batches) == bool(row.views)
    assert row.start in ("observed", "clean", "shuffled")
