import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.helpers.models import make
from tfdvae.corruptions import KINDS, parse
from tfdvae.data import pipelines
from tfdvae.data.patches import training_patches
from tfdvae.models import training_data

IMAGES = np.random.default_rng(0).random((23, 6, 5, 1), dtype=np.float32)
INDEX = np.arange(100, 123)


@pytest.mark.parametrize("kind", [kind for kind in KINDS.names() if kind != "none"])
def test_frozen_noise_belongs_to_the_image(kind):
    """Neither the subset nor the order nor the size of the set changes the noise of an image."""
    corruption = KINDS.get(kind)(0.7)
    whole = pipelines.freeze_noise(IMAGES, INDEX, corruption, 0, "observed")
    order = np.random.default_rng(1).permutation(23)[:9]
    assert np.array_equal(
        pipelines.freeze_noise(IMAGES[order], INDEX[order], corruption, 0, "observed"), whole[order]
    )


def test_frozen_noise_differs_by_image_seed_purpose_and_level():
    same = np.full((3, 8, 8, 1), 0.5, np.float32)
    arguments = [(0, "observed", 0.1), (1, "observed", 0.1), (0, "test", 0.1), (0, "observed", 0.2)]
    noises = [
        (pipelines.freeze_noise(same, np.arange(3), parse(level), seed, purpose) - same) / level
        for seed, purpose, level in arguments
    ]
    flat = np.concatenate(noises).reshape(12, -1)
    correlation = np.corrcoef(flat) - np.eye(12)
    assert abs(correlation).max() < 0.55, "12 independent draws of 64 numbers each"


def test_frozen_noise_is_one_draw_per_index():
    """Pixel statistics over images, not only within one.

    2,000 images of one pixel, five standard errors.
    """
    values = (
        pipelines.freeze_noise(
            np.full((2000, 1, 1, 1), 0.5, np.float32), np.arange(2000), parse(0.1), 0, "test"
        )
        - 0.5
    )
    assert abs(values.mean()) < 5 * 0.1 / np.sqrt(2000)
    assert values.std() == pytest.approx(0.1, rel=0.08)


def take(count, first_step=0, batch_size=5, seed=0, transform=None, arrays=(IMAGES, INDEX)):
    batches = pipelines.training_batches(arrays, batch_size, seed, "test", first_step, transform)
    return list(batches.take(count).as_numpy_iterator())


def test_an_epoch_visits_each_image_at_most_once_and_epochs_differ():
    batches = take(8)
    assert [len(index) for _, index in batches] == [5] * 8
    epochs = [np.concatenate([index for _, index in batches[i : i + 4]]) for i in (0, 4)]
    assert all(len(set(epoch)) == 20 for epoch in epochs)
    assert not np.array_equal(*epochs)
    assert len(set(np.concatenate([index for _, index in take(40)]))) == 23, "who sits out changes"


def test_images_stay_with_their_labels():
    for images, index in take(10):
        assert np.array_equal(images, IMAGES[index - 100])


@pytest.mark.parametrize(
    ("transform", "starts"),
    [(None, (1, 3, 4, 7, 12)), (pipelines.classic_augmentation(), (3, 7))],
)
def test_can_start_at_any_step(transform, starts):
    whole = take(15, transform=transform)
    for first in starts:
        for (x, y), (other_x, other_y) in zip(
            whole[first:], take(15 - first, first, transform=transform), strict=True
        ):
            assert np.array_equal(x, other_x), first
            assert np.array_equal(y, other_y), first


def test_seeds_give_orders_of_their_own_and_the_global_seed_none():
    tf.random.set_seed(1)
    first = take(4)
    tf.random.set_seed(2)
    assert all(np.array_equal(a[1], b[1]) for a, b in zip(first, take(4), strict=True))
    assert not all(np.array_equal(a[1], b[1]) for a, b in zip(first, take(4, seed=1), strict=True))


def test_fewer_images_than_a_batch():
    batches = take(3, batch_size=100)
    assert [len(index) for _, index in batches] == [23] * 3
    assert pipelines.steps_per_epoch(23, 100) == 1
    assert pipelines.steps_per_epoch(23, 5) == 4


def test_one_array_gives_plain_batches():
    assert take(1, arrays=(IMAGES,))[0].shape == (5, 6, 5, 1)


def augmented(images, **options):
    return pipelines.classic_augmentation(**options)((3, 4), tf.constant(images))[0].numpy()


def test_flips_mirror_half_of_the_images():
    images = np.random.default_rng(0).random((400, 3, 4, 1), dtype=np.float32)
    flipped = augmented(images, flips=True, shifts=0, erasing=False)
    mirrored = [np.array_equal(f, i[:, ::-1]) for f, i in zip(flipped, images, strict=True)]
    same = [np.array_equal(f, i) for f, i in zip(flipped, images, strict=True)]
    assert all(np.logical_xor(mirrored, same))
    assert np.mean(mirrored) == pytest.approx(0.5, abs=5 * 0.5 / 20)


def test_shifts_move_the_image_by_at_most_a_tenth_and_fill_with_0():
    images = np.zeros((300, 41, 41, 1), np.float32)
    images[:, 20, 20] = 1
    shifted = augmented(images, flips=False, shifts=0.1, erasing=False)
    weights = shifted[..., 0] / shifted.sum(axis=(1, 2, 3))[:, None, None]
    places = (
        np.einsum("nij,i->n", weights, np.arange(41.0)),
        np.einsum("nij,j->n", weights, np.arange(41.0)),
    )
    for place in places:
        assert abs(place - 20).max() <= 4.1 + 1e-3
        assert abs(place - 20).max() > 3
    assert shifted.min() == 0
    bright = augmented(
        np.ones((300, 41, 41, 1), np.float32), flips=False, shifts=0.1, erasing=False
    )
    assert (bright[:, 0] == 0).any(), "what comes in is 0"


def test_erasing_hits_half_of_the_images():
    erased = augmented(np.ones((1000, 20, 20, 1), np.float32), flips=False, shifts=0, erasing=True)
    assert (erased == 0).any(axis=(1, 2, 3)).mean() == pytest.approx(
        0.5, abs=5 * 0.5 / np.sqrt(1000)
    )


def test_classic_augmentation_keeps_labels_and_draws_anew_each_step():
    (first, labels), (second, _) = take(
        2, batch_size=23, transform=pipelines.classic_augmentation()
    )
    assert sorted(labels) == list(INDEX)
    assert first.shape == (23, 6, 5, 1)
    assert not np.array_equal(first, second)


def test_fit_takes_the_pipeline_without_a_warning(recwarn):
    model = keras.Sequential(
        [keras.Input((6, 5, 1)), keras.layers.Flatten(), keras.layers.Dense(1)]
    )
    model.compile("sgd", "mse")
    model.fit(
        pipelines.training_batches((IMAGES, INDEX), 5, 0, "x"),
        steps_per_epoch=4,
        epochs=2,
        shuffle=False,
        verbose=0,
    )
    assert not [warning for warning in recwarn if "keras" in str(warning.filename)]


def mapped(folder, array, name):
    np.save(folder / f"{name}.npy", array)
    return np.load(folder / f"{name}.npy", mmap_mode="r")


@pytest.mark.parametrize("drop_remainder", [True, False])
def test_memory_maps_and_parts_give_the_batches_of_the_whole_in_memory(drop_remainder, tmp_path):
    parts = [
        mapped(tmp_path, IMAGES[:7], "a"),
        mapped(tmp_path, IMAGES[7:8], "b"),
        mapped(tmp_path, IMAGES[8:], "c"),
    ]
    expected = pipelines.training_batches(
        (IMAGES, INDEX), 5, 0, "x", 3, drop_remainder=drop_remainder
    )
    for images in (parts, mapped(tmp_path, IMAGES, "d"), [IMAGES[:7], IMAGES[7:]]):
        batches = pipelines.training_batches(
            (images, [INDEX[:9], INDEX[9:]]), 5, 0, "x", 3, drop_remainder=drop_remainder
        )
        assert batches.element_spec == expected.element_spec
        for ours, theirs in zip(
            batches.take(9).as_numpy_iterator(), expected.take(9).as_numpy_iterator(), strict=True
        ):
            assert all(map(np.array_equal, ours, theirs))


def test_batches_in_order(tmp_path):
    stored = np.rint(IMAGES * 255).astype(np.uint8)
    pairs = list(pipelines.batches((mapped(tmp_path, stored, "a"), IMAGES), 10).as_numpy_iterator())
    assert [len(batch) for batch, _ in pairs] == [10, 10, 3]
    assert np.array_equal(np.concatenate([batch for batch, _ in pairs]), stored / np.float32(255))
    assert np.array_equal(np.concatenate([batch for _, batch in pairs]), IMAGES)
    assert len(pipelines.batches((IMAGES,), 10)) == 3
    assert next(iter(pipelines.batches((IMAGES,), 10))).shape == (10, 6, 5, 1)


def test_no_dataset_of_ours_is_tuned(tmp_path):
    """Who leaves a tuned one may wait for a thread that sleeps."""
    np.save(tmp_path / "images.npy", IMAGES)
    made = [
        pipelines.training_batches((IMAGES,), 4, 0, "test"),
        pipelines.training_batches((np.load(tmp_path / "images.npy", "r"),), 4, 0, "test"),
        pipelines.batches((IMAGES,), 4),
        training_patches(list(IMAGES), 4, 2, 0, "test"),
        training_data.checked(
            make("dae", "mlp", IMAGES.shape[1:]), tf.data.Dataset.from_tensors(IMAGES)
        ),
    ]
    assert [dataset.options().autotune.enabled for dataset in made] == [False] * len(made)


def test_what_a_dataset_says_of_its_tuning_holds():
    options = tf.data.Options()
    options.autotune.enabled = True
    dataset = tf.data.Dataset.range(3).with_options(options)
    assert pipelines.ending_at_once(dataset).options().autotune.enabled
    assert list(pipelines.ending_at_once(dataset).as_numpy_iterator()) == [0, 1, 2]
