import os
import warnings
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.helpers.image_files import (
    COLOUR,
    COLOUR16,
    GRAY,
    GRAY16,
    both,
    huge_png,
    pillow,
    png16,
    tiff,
    unlabelled,
    write,
)
from tfdvae.data.sources.folder import load_folder
from tfdvae.image_io import codec


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_one_kind_for_all(tmp_path):
    """One image in colour makes all so, one of 16 bits too.

    8-bit values times 257 cover the same range.
    """
    found = both(unlabelled(write(tmp_path / "a", a=GRAY, b=COLOUR)))
    assert np.array_equal(
        np.sort(found, axis=0),
        np.sort(np.stack([np.repeat(GRAY[..., None], 3, -1), COLOUR]), axis=0),
    )
    found = unlabelled(write(tmp_path / "b", train__a=GRAY, test__b=png16(GRAY16)))
    assert np.array_equal(found.train.images[0, ..., 0], GRAY.astype(np.uint16) * 257)
    assert np.array_equal(found.test.images[0, ..., 0], GRAY16)


def test_resized_by_means_where_a_pixel_covers_whole_ones(tmp_path):
    """A linear filter of twice the width.

    An inner pixel of a third is the mean weighted 1, 2, 3, 2, 1 over nine.
    """
    ramp = np.tile(np.arange(0, 180, 20, np.uint8), (9, 1))
    wide = np.tile(np.arange(0, 180, 20), (9, 1)).astype(np.uint16) * 100
    found = unlabelled(write(tmp_path / "a", train__a=ramp, test__b=ramp[:6]), image_size=(3, 3))
    weights = [Fraction(weight, 9) for weight in (1, 2, 3, 2, 1)]
    middle = sum(
        weight * value for weight, value in zip(weights, ramp[0, 2:7].tolist(), strict=True)
    )
    assert found.train.images[0, 1, 1, 0] == round(middle) == 80
    assert found.test.images.shape == (1, 3, 3, 1)
    found = unlabelled(write(tmp_path / "b", a=png16(wide), b=png16(wide)), image_size=(9, 3))
    assert abs(int(found.train.images[0, 4, 1, 0]) - 8000) <= 1
    assert found.train.images.shape == (1, 9, 3, 1)


def classes(folder, **counts):
    for name, count in counts.items():
        for number in range(count):
            write(
                folder,
                **{f"{name}__{number:02d}": np.full((4, 4), 10 * number + len(name), np.uint8)},
            )
    return folder


def test_folders_are_classes_and_a_stratified_fifth_is_held_out(tmp_path):
    found = load_folder(classes(tmp_path / "a", dog=10, ants__deep=20))
    assert found.class_names == ("ants", "dog")
    assert np.array_equal(np.bincount(found.train.labels), [16, 8])
    assert np.array_equal(np.bincount(found.test.labels), [4, 2])
    for part in ("train", "test"):
        marks = getattr(found, part).images[:, 0, 0, 0] % 10
        assert np.array_equal(np.where(marks == 3, 1, 0), getattr(found, part).labels), (
            "images stay with their labels"
        )


def test_train_and_test_folders_and_what_is_left_alone(tmp_path):
    folder = classes(tmp_path / "a", train__dog=3, train__ant=2, test__dog=2, val__dog=2)
    for left in (
        "train/dog/.hidden.png",
        "train/dog/notes.txt",
        ".DS_Store",
        "train/.ipynb_checkpoints/a.png",
    ):
        (folder / left).parent.mkdir(exist_ok=True)
        (folder / left).write_text("no image")
    found = load_folder(folder)
    assert found.class_names == ("ant", "dog")
    assert (list(found.train.labels), list(found.test.labels)) == ([0, 0, 1, 1, 1], [1, 1])


@pytest.mark.parametrize(
    ("train", "test"), [("Train", "Test"), ("training", "testing"), ("TRAIN", "Testing")]
)
def test_other_names_of_train_and_test(train, test, tmp_path):
    """As MNIST in PNG files has them; folders with validation images beside them are left alone."""
    folder = classes(
        tmp_path / "a",
        **{f"{train}__dog": 3, f"{train}__ant": 2, f"{test}__dog": 2, "Val__dog": 2, "dev__x": 1},
    )
    found = load_folder(folder)
    assert found.class_names == ("ant", "dog")
    assert (list(found.train.labels), list(found.test.labels)) == ([0, 0, 1, 1, 1], [1, 1])


def test_links_are_followed(tmp_path):
    write(tmp_path / "elsewhere", a=GRAY, b=GRAY)
    classes(tmp_path / "a", dog__deep=1, ant=2)
    (tmp_path / "a" / "dog" / "linked").symlink_to(tmp_path / "elsewhere")
    assert len(both(load_folder(tmp_path / "a", image_size=(6, 8)))) == 5
    (tmp_path / "a" / "dog" / "loop").symlink_to(tmp_path / "a")
    with pytest.raises(
        ValueError,
        match=r"`dataset` must hold no link to a folder that the link is in; got .*dog/loop",
    ):
        load_folder(tmp_path / "a")


def test_a_folder_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    """Root may read everything, so a refusal stands for that of the operating system."""
    folder = classes(tmp_path / "a", dog__closed=2, ant=2)
    listing = os.scandir

    def refuse(path="."):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return listing(path)

    monkeypatch.setattr(os, "scandir", refuse)
    monkeypatch.setattr(os, "listdir", lambda path: [entry.name for entry in refuse(path)])
    with pytest.raises(PermissionError, match=r"Permission denied: .*closed"):
        load_folder(folder, image_size=(4, 4))


def test_links_to_nothing_and_names_that_are_no_text(tmp_path):
    folder = write(tmp_path / "a", a=GRAY, b=GRAY)
    (folder / "link.png").symlink_to(tmp_path / "nothing.png")
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff\xfe.png")).write_bytes(b"broken")
    Path(os.fsdecode(os.fsencode(folder) + b"/\xe9.png")).write_bytes(
        (folder / "a.png").read_bytes()
    )
    with pytest.raises(codec.Unreadable, match=r"(link|xfe)\.png cannot be read"):
        unlabelled(folder)
    found = unlabelled(folder, skip_unreadable=True)
    assert len(both(found)) == 3
    assert found.notice.startswith("2 images were skipped.")
    found.notice.encode()


def test_unlabelled(tmp_path):
    found = unlabelled(write(tmp_path / "a", **{f"i{n}": GRAY for n in range(10)}))
    assert found.class_names == ()
    assert (list(found.train.labels), list(found.test.labels)) == ([0] * 8, [0] * 2)


def test_decoded_once_until_something_changes(tmp_path, monkeypatch):
    folder = classes(tmp_path / "a", dog=3, ant=3)
    first = load_folder(folder)
    assert isinstance(first.train.images, np.memmap)
    with monkeypatch.context() as patch:
        patch.setattr("tfdvae.image_io.codec.ImageFile.read_as", None)
        assert np.array_equal(load_folder(folder).train.images, first.train.images)
    write(folder, dog__00=np.full((4, 4), 200, np.uint8))
    changed = load_folder(folder)
    assert 200 in both(changed)
    assert changed.fingerprint != first.fingerprint
    assert load_folder(folder, image_size=(2, 2)).train.images.shape[1:] == (2, 2, 1)


def test_pairs_stay_together(tmp_path):
    images = {f"deep__i{n}": np.full((4, 4), 10 * n, np.uint8) for n in range(10)}
    clean, noisy = (
        write(tmp_path / "clean", **images),
        write(tmp_path / "noisy", **{name: image + 1 for name, image in images.items()}),
    )
    (noisy / "deep" / "i3.png").rename(noisy / "deep" / "i3.tif")
    found = unlabelled(clean, noisy=noisy)
    assert (len(found.train.images), len(found.test.images)) == (8, 2)
    for part in ("train", "test"):
        assert np.array_equal(getattr(found, part).images + 1, getattr(found, part).noisy)
    (noisy / "deep" / "i3.tif").write_bytes(b"broken")
    found = unlabelled(clean, noisy=noisy, skip_unreadable=True)
    assert 30 not in both(found), "with a noisy image its clean one goes"
    assert len(found.train.noisy) == len(found.train.images)


def test_pairs_in_train_and_test(tmp_path):
    folders = [
        write(tmp_path / name, train__a=GRAY, train__b=GRAY, test__c=COLOUR, val__d=GRAY)
        for name in ("clean", "noisy")
    ]
    found = unlabelled(folders[0], noisy=folders[1])
    assert found.train.images.shape == found.train.noisy.shape == (2, 6, 8, 3)
    assert found.test.noisy.shape == (1, 6, 8, 3)


def test_pairs_have_nothing_to_do_with_validation_images_nor_with_how_train_is_written(tmp_path):
    write(tmp_path / "clean", train__a=GRAY, train__b=GRAY, test__c=GRAY, val__d=GRAY)
    write(tmp_path / "noisy", Train__a=255 - GRAY, Train__b=255 - GRAY, testing__c=255 - GRAY)
    found = unlabelled(tmp_path / "clean", noisy=tmp_path / "noisy")
    assert (len(found.train.noisy), len(found.test.noisy)) == (2, 1)
    assert np.array_equal(found.test.noisy, 255 - found.test.images)


def cut(save):
    """The first two thirds of a file."""

    def write_cut(path):
        save(path)
        content = path.read_bytes()
        path.write_bytes(content[: len(content) * 2 // 3])

    return write_cut


def raw(content):
    return lambda path: path.write_bytes(content)


UNREADABLE = {
    "empty.png": (raw(b""), "cannot be read"),
    "text.jpg": (raw(b"hello"), "cannot be read"),
    "huge.png": (
        raw(huge_png(60_000, 60_000)),
        "has 3,600,000,000 pixels, more than 50,000,000",
    ),
    "large.png": (raw(huge_png(10_000, 5_001)), "10000x5001 pixels, more than 50,000,000"),
    "whole.png": (
        lambda path: path.write_bytes(huge_png(10_000, 5_001, bytes(10_001 * 5_001))),
        "10000x5001 pixels, more than 50,000,000",
    ),
    "cut.png": (cut(pillow(COLOUR)), "cannot be read"),
    "cut16.png": (cut(png16(COLOUR16)), "cannot be read"),
    "cut.jpg": (cut(pillow(np.tile(COLOUR, (20, 20, 1)))), "cannot be read"),
    "cut.bmp": (cut(pillow(COLOUR)), "cannot be read"),
    "cut.tif": (cut(pillow(COLOUR)), "cannot be read"),
    "cut16.tif": (cut(tiff(COLOUR16, photometric="rgb")), "cannot be read"),
    "float.tif": (
        tiff(GRAY / np.float32(100)),
        r"floats of 32 bits from \S+ to 2\.\d+. Integers from 0 to 65,535 and floats from 0 to 1",
    ),
    "signed.tif": (tiff(GRAY16.astype(np.int16)), r"holds signed integers of 16 bits from -\d+ to"),
    "nan.tif": (tiff(np.full((6, 8), np.nan)), "has values that are NaN or infinite"),
    "complex.tif": (
        tiff(GRAY.astype(np.complex64)),
        "must hold whole numbers or floats; got complex64",
    ),
    "cut_stack.tif": (cut(tiff(np.stack([GRAY] * 9), compression="zlib")), "cannot be read"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_unreadable_images_are_named_or_left_out(name, tmp_path, capfd):
    save, message = UNREADABLE[name]
    size = (120, 160) if name == "cut.jpg" else (6, 8)
    folder = write(tmp_path / "a", **{f"i{n}": np.full(size, n, np.uint8) for n in range(9)})
    save(folder / name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(codec.Unreadable, match=message) as caught:
            unlabelled(folder)
        assert name in str(caught.value)
        assert "--skip-unreadable" in str(caught.value)
        assert not list((tmp_path / "cache").rglob("*.npy")), "nothing half-written"
        found = unlabelled(folder, skip_unreadable=True)
    assert sorted(both(found)[:, 0, 0, 0].astype(int) % 256) == list(range(9)), (
        "n or, beside a header of 16 bits, 257 n"
    )
    assert found.notice.startswith("1 image was skipped.")
    assert name in found.notice
    with pytest.raises(codec.Unreadable, match=name):
        unlabelled(folder)
    with pytest.raises(codec.Unreadable, match=message):
        codec.read(folder / name)
    assert "Traceback" not in capfd.readouterr().err


def test_a_class_that_loses_its_images_is_seen(tmp_path):
    folder = classes(tmp_path / "a", dog=3, ant=2)
    (folder / "ant" / "00.png").write_bytes(b"")
    for _ in range(2):
        with pytest.raises(ValueError, match="there is a single one of ant"):
            load_folder(folder, skip_unreadable=True)


def test_nothing_that_can_be_read(tmp_path):
    with pytest.raises(ValueError, match="has no image that can be read"):
        unlabelled(write(tmp_path / "a", a=raw(b""), b=raw(b"")), skip_unreadable=True)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ({}, "holds no images"),
        ({"dog__a": GRAY, "b": GRAY}, r"holds images beside folders \(b.png, dog\)"),
        (
            {"a": GRAY, "b": GRAY},
            "class folders, so no labels; `tfdvae train --no-classifier` does without",
        ),
        ({"dog__a": GRAY, "dog__b": GRAY, "ant__a": GRAY}, "there is a single one of ant"),
        ({"dog__a": GRAY, "dog__b": GRAY}, "at least two classes for a classifier; got 1"),
        (
            {"dog__a": GRAY, "dog__b": GRAY, "ant__a": GRAY, "ant__b": GRAY.T},
            r"different sizes: .* has .* and .* has .*. Give --image-size",
        ),
        (
            {"train__dog__a": GRAY, "val__dog__a": GRAY},
            "must hold train and test, or a folder for each class; got train, val alone",
        ),
        (
            {"train__dog__a": GRAY, "test__dog__a": GRAY, "dog__a": GRAY},
            "nothing beside train and test; got dog",
        ),
        (
            {"train__dog__a": GRAY, "test__dog__a": GRAY, "Training__dog__a": GRAY},
            "must hold one folder for train; got Training and train",
        ),
        (
            {"train__dog__a": GRAY, "train__dog__b": GRAY, "test__dgo__a": GRAY},
            "a class in test that is not in train: dgo",
        ),
        (
            {"train__dog__a": GRAY, "test__a": GRAY},
            "class folders in train and in test, or in neither",
        ),
    ],
)
def test_folders_that_are_refused(images, message, tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(ValueError, match=message):
        load_folder(write(tmp_path / "a", **images))
    assert not list((tmp_path / "cache").rglob("*.npy"))


def test_an_empty_class_folder(tmp_path):
    folder = classes(tmp_path / "a", dog=2, ant=2)
    (folder / "cat").mkdir()
    with pytest.raises(ValueError, match="cat holds no images"):
        load_folder(folder)


@pytest.mark.parametrize(
    ("clean", "noisy", "message"),
    [
        (
            {"a": GRAY, "b": GRAY},
            {"a": GRAY},
            "`noisy_dir` must have an image for each one of `dataset`; it lacks 1: b",
        ),
        (
            {"a": GRAY},
            {"a": GRAY, "b": GRAY, "c": GRAY, "d": GRAY, "e": GRAY},
            "`dataset` must have .*; it lacks 4: b, c, d, ...",
        ),
        ({}, {"a": GRAY}, "`dataset` .* holds no images"),
        ({"a": GRAY}, {}, "`noisy_dir` .* holds no images"),
        ({"a": GRAY, "b": GRAY}, {"a": GRAY, "b": GRAY.T}, "different sizes"),
        ({"a": GRAY}, {"a": GRAY}, "at least two images"),
    ],
)
def test_pairs_that_are_refused(clean, noisy, message, tmp_path):
    for name, images in (("clean", clean), ("noisy", noisy)):
        (tmp_path / name).mkdir()
        write(tmp_path / name, **images)
    with pytest.raises(ValueError, match=message):
        unlabelled(tmp_path / "clean", noisy=tmp_path / "noisy")


def test_two_images_of_one_name_in_pairs(tmp_path):
    for name in ("clean", "noisy"):
        write(tmp_path / name, a=GRAY, b=GRAY)
    Image.fromarray(GRAY).save(tmp_path / "clean" / "a.bmp")
    with pytest.raises(ValueError, match=r"one image of a name; got a.* and a"):
        unlabelled(tmp_path / "clean", noisy=tmp_path / "noisy")


def test_real_photographs_written_as_files(fashion, tmp_path):
    """200 images of Fashion-MNIST as PNG files in class folders.

    What is read is what was written.
    """
    images, labels = fashion.test.images[:200], fashion.test.labels[:200]
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        write(
            tmp_path / "a",
            **{
                f"train__{label}__{number:03d}": image[..., 0],
                f"test__{label}__{number:03d}": image[..., 0],
            },
        )
    found = load_folder(tmp_path / "a")
    order = np.argsort(labels, kind="stable")
    for part in ("train", "test"):
        assert np.array_equal(getattr(found, part).images, images[order])
        assert np.array_equal(getattr(found, part).labels, labels[order])
