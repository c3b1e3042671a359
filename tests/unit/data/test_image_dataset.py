import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest

from tfdvae import ImageDataset
from tfdvae.data import sources
from tfdvae.data.image_dataset import Split

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (20, 4, 5), np.uint8)
LABELS = np.arange(20) % 2


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def equal(first, second):
    """The same images, labels and names; not the same fingerprint."""
    return first.class_names == second.class_names and all(
        np.array_equal(a.images, b.images)
        and a.images.dtype == b.images.dtype
        and np.array_equal(a.labels, b.labels)
        for a, b in ((first.train, second.train), (first.test, second.test))
    )


KINDS = {
    "gray": (IMAGES, LABELS),
    "with_channel": (IMAGES[..., None], LABELS[:, None]),
    "colour": (np.stack([IMAGES] * 3, axis=-1), LABELS),
    "sixteen_bit": (IMAGES.astype(">u2"), LABELS.astype(np.uint8)),
    "floats": (IMAGES / 255, LABELS),
    "lists": ((IMAGES / 255).tolist(), LABELS.tolist()),
    "test": (IMAGES, LABELS, IMAGES[:6], LABELS[:6]),
    "named": (IMAGES, LABELS, None, None, ["ant", "Hündin, ä 犬"]),
    "more_names": (IMAGES, LABELS, IMAGES[:6], LABELS[:6], ("a", "b", "c")),
    "unlabelled": (IMAGES, None),
    "unlabelled_test": (IMAGES, None, IMAGES[:6]),
    # Of class 2 the held-out fifth takes one of two images.
    "small_class": (IMAGES, np.repeat([0, 1, 2], [2, 16, 2])),
}


@pytest.mark.parametrize("kind", KINDS)
def test_arrays_are_what_the_file_of_them_holds(kind, tmp_path):
    arrays = KINDS[kind]
    dataset = ImageDataset.from_arrays(*arrays)
    named = zip(("x_train", "y_train", "x_test", "y_test"), arrays, strict=False)
    given = {name: np.asarray(array) for name, array in named if array is not None}
    np.savez(tmp_path / "raw.npz", **given)
    raw = sources.load(str(tmp_path / "raw.npz"), labelled=arrays[1] is not None)
    if len(arrays) == 5:
        assert dataset.class_names == tuple(arrays[4])
        assert raw.class_names == ("0", "1")
        raw = dataclasses.replace(raw, class_names=dataset.class_names)
    assert equal(dataset, raw)
    assert dataset.held_out == raw.held_out == (len(arrays) < 3 or arrays[2] is None)
    dataset.save(tmp_path / "saved.npz")
    saved = sources.load(str(tmp_path / "saved.npz"), labelled=arrays[1] is not None)
    assert equal(saved, dataset)
    assert saved.held_out == dataset.held_out
    assert [path.name for path in tmp_path.glob(".tmp*")] == []


def test_a_file_that_holds_the_same_is_left_alone(tmp_path):
    path = tmp_path / "a.npz"
    ImageDataset.from_arrays(IMAGES, LABELS).save(path)
    os.utime(path, (0, 0))
    fingerprint = sources.load(str(path)).fingerprint
    ImageDataset.from_arrays(IMAGES, LABELS).save(path)
    assert path.stat().st_mtime == 0
    ImageDataset.from_arrays(255 - IMAGES, LABELS).save(path)
    assert sources.load(str(path)).fingerprint != fingerprint


def test_a_path_may_begin_with_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    ImageDataset.from_arrays(IMAGES, LABELS).save("~/mine.npz")
    assert (tmp_path / "mine.npz").is_file()


def test_datasets_of_any_source_can_be_saved(tmp_path):
    digits = sources.load("digits")
    digits.save(tmp_path / "digits.npz")
    assert equal(sources.load(str(tmp_path / "digits.npz")), digits)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            (IMAGES.astype(int), LABELS),
            TypeError,
            "`train_images` must be uint8, uint16 or floats in",
        ),
        ((IMAGES[0], LABELS), ValueError, "`train_images` must have shape"),
        ((IMAGES / 200, LABELS), ValueError, "`train_images`, of floats, must be finite and in"),
        ((IMAGES, LABELS[:-1]), ValueError, r"`train_labels` must have shape \(20,\)"),
        ((IMAGES, LABELS * 0.5), TypeError, "`train_labels` must hold whole numbers"),
        (
            (IMAGES, np.ones((20, 2), int)),
            ValueError,
            "`train_labels` must hold one label an image",
        ),
        (
            (IMAGES, LABELS * 1000),
            ValueError,
            "`train_labels` must be class numbers from 0; got 1000",
        ),
        ((IMAGES, LABELS, IMAGES[:6]), ValueError, "`test_labels` must be given where"),
        ((IMAGES, LABELS, None, LABELS), ValueError, "`test_labels` must be given where"),
        (
            (IMAGES, LABELS, IMAGES[:6, 1:], LABELS[:6]),
            ValueError,
            "training and test images of one type and size",
        ),
        ((IMAGES, LABELS, IMAGES[:6], LABELS[:6] + 1), ValueError, "there are none of class 2"),
        ((IMAGES, LABELS * 0), ValueError, "at least two classes"),
        (
            (IMAGES, LABELS, None, None, ["a"]),
            ValueError,
            "`class_names` must have one name for each of the 2",
        ),
        (
            (IMAGES, LABELS, None, None, ["a", "a"]),
            ValueError,
            "`class_names` must be different names",
        ),
        ((IMAGES, LABELS, None, None, [1, 2]), TypeError, "`class_names` must be text"),
        ((IMAGES, None, None, None, ["a", "b"]), ValueError, "`class_names` must be given with"),
    ],
)
def test_arrays_that_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        ImageDataset.from_arrays(*arguments)


def test_what_a_file_cannot_hold(tmp_path):
    dataset = ImageDataset.from_arrays(IMAGES, LABELS)
    with pytest.raises(ValueError, match=r"`path` must have the suffix .npz; got .*a.npy"):
        dataset.save(tmp_path / "a.npy")
    grouped = ImageDataset("a", ("0", "1"), Split(IMAGES, LABELS, groups=LABELS), dataset.test)
    with pytest.raises(ValueError, match="noisy images or groups cannot be saved"):
        grouped.save(tmp_path / "a.npz")
    assert not Path(tmp_path / "a.npz").exists()


@pytest.mark.parametrize(
    "names", [np.array(["a", "b"], object), np.array([b"a", b"b"]), np.ones(3)]
)
def test_class_names_that_are_no_text_are_ignored_with_a_notice(names, tmp_path):
    np.savez(tmp_path / "a.npz", x_train=IMAGES, y_train=LABELS, class_names=names)
    dataset = sources.load(str(tmp_path / "a.npz"))
    assert dataset.class_names == ("0", "1")
    assert "`class_names` of" in dataset.notice
    assert "is ignored" in dataset.notice


def test_too_few_class_names_in_a_file(tmp_path):
    np.savez(tmp_path / "a.npz", x_train=IMAGES, y_train=LABELS, class_names=np.array(["a"]))
    with pytest.raises(
        ValueError, match=r"a.npz: class_names must have one name for each of the 2"
    ):
        sources.load(str(tmp_path / "a.npz"))


def test_hints_are_for_python():
    with pytest.raises(ValueError, match=r"got 1 \(train_labels=None and, .* do without\)"):
        ImageDataset.from_arrays(IMAGES, LABELS * 0)
