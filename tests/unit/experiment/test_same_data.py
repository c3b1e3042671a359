"""A run goes on with the images and labels that it began with, or not at all."""

import dataclasses

import numpy as np
import PIL
import pytest

import tfdvae
from tfdvae._utils import limits
from tfdvae.config import TrainConfig
from tfdvae.data.image_dataset import ImageDataset
from tfdvae.experiment import prepare, same_data
from tfdvae.experiment.run import Run

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (40, 8, 6, 1), np.uint8)
LABELS = np.arange(40) % 3
OLD = {"packages": {"tfdvae": "0.1.0", "pillow": "9.5.0", "numpy": "1.26"}}


def dataset(images=IMAGES, labels=LABELS, names=("a", "b", "c")):
    return ImageDataset.from_arrays(images, labels, class_names=names, name="mine")


@pytest.fixture(params=[False, True], ids=["clean", "noisy"])
def run(request, tmp_path):
    """A run whose training images are prepared, and noisy in half of the tests."""
    settings = {"noisy_train": request.param, "train_noise": "gaussian:0.1"}
    begun = Run(TrainConfig.of(dataset="mine", n_train=20, **settings), tmp_path, dataset())
    prepare.prepare_data(begun)
    return begun


def now(run, **changed):
    return Run(run.config, run.folder, dataclasses.replace(run.dataset, **changed))


def part(split, **changed):
    return dataclasses.replace(split, **changed)


def one_pixel(split):
    images = split.images.copy()
    images[3, 1, 2] ^= 1
    return part(split, images=images)


def test_the_same_images_go_on(run):
    same_data.check(now(run), OLD | {"decoded": same_data.marks(run.dataset)})
    same_data.check(now(run), OLD)
    same_data.check(now(run), {})


def test_images_of_another_decoder_of_jpeg_go_on(run):
    images = np.clip(IMAGES.astype(int) + RANDOM.integers(-2, 3, IMAGES.shape), 0, 255)
    train = dataset(images.astype(np.uint8)).train
    same_data.check(now(run, train=train), OLD)


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        (lambda a: {"train": part(a.train, labels=a.train.labels[::-1])}, "its labels"),
        (lambda a: {"test": part(a.test, labels=1 - a.test.labels)}, "its labels"),
        (lambda a: {"test": part(a.test, labels=a.test.labels[1:])}, "its test images"),
        (lambda a: {"train": part(a.train, labels=a.train.labels[1:])}, "its training images"),
        (lambda a: {"class_names": ("a", "c", "b")}, "the names of its classes"),
        (lambda a: {"train": one_pixel(a.train)}, "the pixels of its training images"),
        (lambda a: {"test": one_pixel(a.test)}, "the pixels of its test images"),
        (
            lambda a: {"test": part(a.test, images=a.test.images[:, :6])},
            "the pixels of its test images",
        ),
    ],
    ids=[
        *("labels", "test labels", "test images", "training images", "classes", "a training pixel"),
        *("a test pixel", "size of test images"),
    ],
)
def test_what_was_recorded_must_be_the_same(run, changed, what):
    recorded = OLD | {"decoded": same_data.marks(run.dataset)}
    with pytest.raises(ValueError, match="is read differently") as raised:
        same_data.check(now(run, **changed(run.dataset)), recorded)
    assert str(raised.value) == (
        "`dataset` mine is read differently than when the run began (tfdvae 0.1.0, Pillow 9.5.0; "
        f"now tfdvae {tfdvae.__version__}, Pillow {PIL.__version__}): {what} differ. Begin a new "
        "run."
    )


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        (lambda a: part(a, labels=a.labels + 1), "the labels of its training images"),
        (lambda a: part(a, images=a.images[:9], labels=a.labels[:9]), "its training images"),
        (lambda a: part(a, images=255 - a.images), "the pixels of its training images"),
        (lambda a: part(a, images=a.images[:, :6]), "the pixels of its training images"),
    ],
    ids=["labels", "fewer", "pixels", "size"],
)
def test_without_a_record_the_kept_images_must_be_the_same(run, changed, what):
    with pytest.raises(ValueError, match=rf"{what} differ\. Begin a new run"):
        same_data.check(now(run, train=changed(run.dataset.train)), OLD)
    with pytest.raises(ValueError, match=r"\(with unknown versions; now tfdvae"):
        same_data.check(now(run, train=changed(run.dataset.train)), {})


def test_a_run_that_kept_no_images_yet_goes_on(tmp_path):
    config = TrainConfig.of(dataset="mine", n_train=20)
    same_data.check(Run(config, tmp_path, dataset(255 - IMAGES)), OLD)


def test_both_images_of_pairs_are_looked_at(tmp_path):
    given = dataset()
    noisy = part(given.train, noisy=255 - given.train.images)
    config = TrainConfig.of(
        dataset="mine", n_train=20, model="dae", noisy_dir="noisy", no_classifier=True
    )
    begun = Run(config, tmp_path, dataclasses.replace(given, train=noisy))
    prepare.prepare_data(begun)
    same_data.check(now(begun), OLD)
    for changed in ({"images": given.train.images // 2}, {"noisy": given.train.images}):
        with pytest.raises(ValueError, match="the pixels of its training images differ"):
            same_data.check(now(begun, train=part(noisy, **changed)), OLD)


@pytest.mark.parametrize("noisy", [False, True], ids=["images", "noisy images"])
def test_a_record_of_many_images_is_of_some_spread_evenly(noisy, monkeypatch):
    given = dataset()
    if noisy:
        given = dataclasses.replace(given, train=part(given.train, noisy=given.train.images // 2))
    monkeypatch.setattr(same_data, "DIGESTED", 3 * 48)  # of 32 training and 8 test images
    before = same_data.marks(given)
    for row in range(32):
        images = (given.train.noisy if noisy else given.train.images).copy()
        images[row] += 1
        train = part(given.train, **{"noisy" if noisy else "images": images})
        now = same_data.marks(dataclasses.replace(given, train=train))
        assert (now != before) == (row in (0, 15, 31))


DARK = np.where(IMAGES > 200, 3, 0).astype(np.uint8)  # standard deviation 0.005 of the range


@pytest.mark.parametrize(
    ("images", "changed"),
    [
        (DARK, DARK // 3),
        (DARK, DARK[::-1]),
        (DARK * 0 + 40, DARK * 0 + 41),
        (IMAGES // 8 + 100, IMAGES // 8 + 101),
    ],
    ids=["dark", "dark in another order", "constant", "a little brighter"],
)
def test_small_differences_count_where_images_vary_little(images, changed, tmp_path):
    begun = Run(TrainConfig.of(dataset="mine", n_train=20), tmp_path, dataset(images))
    prepare.prepare_data(begun)
    same_data.check(now(begun), OLD)
    with pytest.raises(ValueError, match="the pixels of its training images differ"):
        same_data.check(now(begun, train=dataset(changed).train), OLD)


def test_large_images_are_compared_one_by_one(tmp_path):
    begun = Run(TrainConfig.of(dataset="mine", n_train=20), tmp_path, dataset())
    prepare.prepare_data(begun)
    with limits.use(batch_bytes=1, piece_bytes=1):
        same_data.check(now(begun), OLD)
        for row in begun.data["index"]:
            images = begun.dataset.train.images.copy()
            images[row] = 255 - images[row]
            with pytest.raises(ValueError, match="the pixels of its training images differ"):
                same_data.check(now(begun, train=part(begun.dataset.train, images=images)), OLD)
