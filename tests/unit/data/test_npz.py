import io
import zipfile

import numpy as np
import pytest

from tfdvae._utils import limits
from tfdvae.data import sources
from tfdvae.data.sources import npz

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (20, 4, 5), np.uint8)
COLOUR = RANDOM.integers(0, 65536, (20, 4, 5, 3), np.uint16)
UNIT = RANDOM.random((20, 4, 5, 1))
LABELS = np.arange(20) % 2
PARTS = ("train", "test", "val")
BAD = {
    value: np.where(np.arange(20)[:, None, None, None] == 7, value, UNIT)
    for value in (np.nan, np.inf, -0.01, 1.01, 255.0)
}


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "set.npz"


def whole(images=IMAGES, labels=LABELS):
    return {"x_train": images, "y_train": labels, "x_test": images[:6], "y_test": labels[:6]}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("names", ["keras", "medmnist"])
@pytest.mark.parametrize(
    "images",
    [IMAGES, IMAGES[..., None], COLOUR, UNIT, UNIT.astype(np.float16), np.asfortranarray(COLOUR)],
)
def test_arrays_as_they_are(images, names, save, path):
    """uint8 and uint16 as they are, floats as float32.

    A channel where there is none; labels of a column; other arrays left alone.
    """
    named = whole(images, LABELS[:, None].astype(np.uint8))
    if names == "medmnist":
        named = dict(
            zip(
                ("train_images", "train_labels", "test_images", "test_labels"),
                named.values(),
                strict=True,
            )
        )
    save(path, **named, val_images=np.zeros(3), comment=np.array("text"))
    found = npz.load_npz(path)
    expected = images if images.ndim == 4 else images[..., None]
    assert found.train.images.dtype == (np.float32 if images.dtype.kind == "f" else images.dtype)
    assert np.array_equal(found.train.images, expected.astype(found.train.images.dtype))
    assert np.array_equal(found.test.images, expected[:6].astype(found.train.images.dtype))
    assert np.array_equal(found.train.labels, LABELS)
    assert found.train.labels.dtype == np.int64
    assert found.class_names == ("0", "1")
    assert isinstance(found.train.images, np.memmap)


def test_a_stratified_fifth_is_held_out(path):
    np.savez(path, x_train=IMAGES, y_train=LABELS)
    found = npz.load_npz(path)
    assert np.array_equal(np.bincount(found.test.labels), [2, 2])
    together = np.concatenate([found.train.images, found.test.images])
    assert sorted(image.tobytes() for image in together) == sorted(
        image.tobytes() for image in IMAGES
    )
    for image, label in zip(together, [*found.train.labels, *found.test.labels], strict=True):
        assert LABELS[(IMAGES[..., None] == image).all(axis=(1, 2, 3)).argmax()] == label


def test_unlabelled(path):
    np.savez(path, x_train=IMAGES, x_test=IMAGES[:3])
    found = npz.load_npz(path, labelled=False)
    assert (found.class_names, list(found.test.labels)) == ((), [0, 0, 0])
    with pytest.raises(ValueError, match=r"lacks y_train, y_test; it holds x_train, x_test"):
        npz.load_npz(path)


@pytest.mark.parametrize(
    "labels", [np.ones((20, 2)), LABELS * 0.5, np.full(20, ""), LABELS[:3], LABELS * 1000]
)
def test_labels_that_cannot_be_used_do_not_stop_what_needs_none(labels, path):
    """Multi-label, empty text, numbers to regress on."""
    np.savez(path, **whole(labels=labels))
    for _ in range(2):
        found = npz.load_npz(path, labelled=False)
        assert (found.class_names, set(found.train.labels), set(found.test.labels)) == (
            (),
            {0},
            {0},
        )
    with pytest.raises((ValueError, TypeError)):
        npz.load_npz(path)


def test_labels_that_can_be_used_are_kept_for_synthetic_images(path):
    np.savez(path, **whole(labels=LABELS))
    found = npz.load_npz(path, labelled=False)
    assert found.class_names == ("0", "1")
    assert np.array_equal(found.train.labels, npz.load_npz(path).train.labels)


@pytest.mark.parametrize("shape", [(20, 4, 5), (20, 4, 5, 3)])
def test_big_endian(shape, path):
    images = RANDOM.integers(0, 65536, shape, np.uint16)
    np.savez(
        path,
        x_train=images.astype(">u2"),
        y_train=LABELS.astype(">i4"),
        x_test=images[:6],
        y_test=LABELS[:6],
    )
    found = npz.load_npz(path)
    assert found.train.images.dtype == np.uint16
    assert found.train.images.dtype.isnative
    assert np.array_equal(found.train.images, images.reshape(20, 4, 5, -1))
    assert np.array_equal(found.train.labels, LABELS)


def test_unpacked_once_until_the_file_changes(path, monkeypatch, tmp_path):
    def unpacked():
        return {file: file.stat().st_mtime_ns for file in tmp_path.joinpath("c").rglob("*.npy")}

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "c"))
    np.savez(path, **whole())
    first, before = npz.load_npz(path), unpacked()
    assert np.array_equal(npz.load_npz(path).train.images, first.train.images)
    assert unpacked() == before != {}
    np.savez(path, **whole(255 - IMAGES))
    changed = npz.load_npz(path)
    assert np.array_equal(changed.train.images[..., 0], 255 - IMAGES)
    assert changed.fingerprint != first.fingerprint
    assert unpacked() != before


def test_read_in_pieces(path):
    np.savez(path, x_train=UNIT, y_train=LABELS, x_test=UNIT[:6], y_test=LABELS[:6])
    with limits.use(piece_bytes=100):
        assert np.array_equal(npz.load_npz(path).train.images, UNIT.astype(np.float32))


@pytest.mark.parametrize(
    ("named", "error", "message"),
    [
        (
            {"a": IMAGES},
            ValueError,
            r"lacks x_train, y_train \(or the names train_images, .*\); it holds a",
        ),
        ({}, ValueError, "it holds no array"),
        (
            {"x_train": IMAGES},
            ValueError,
            "lacks y_train; it holds x_train. --no-classifier does without labels",
        ),
        ({"x_train": IMAGES, "y_train": LABELS, "x_test": IMAGES}, ValueError, "lacks y_test"),
        ({"x_train": IMAGES, "y_train": LABELS, "y_test": LABELS}, ValueError, "lacks x_test"),
        (
            whole() | {"x_train": IMAGES.astype(object)},
            ValueError,
            "x_train holds pickled Python objects, which are never loaded",
        ),
        (
            whole() | {"y_train": LABELS.astype(object)},
            ValueError,
            "y_train holds pickled Python objects",
        ),
        (
            whole(IMAGES.astype(np.int64)),
            TypeError,
            "x_train must be uint8, uint16 or floats in .*; got int64",
        ),
        (whole(IMAGES[:, 0]), ValueError, r"x_train must have shape .*; got \(20, 5\)"),
        (
            whole(np.moveaxis(COLOUR, -1, 1)),
            ValueError,
            r"x_train must have shape .*; got \(20, 3, 4, 5\)",
        ),
        (whole(IMAGES[:, :0]), ValueError, r"got \(20, 0, 5\)"),
        (
            whole() | {"x_test": IMAGES[:6, 1:]},
            ValueError,
            r"of one type and size; got x_train uint8 \(20, 4, 5, 1\) "
            r"and x_test uint8 \(6, 3, 5, 1\)",
        ),
        (whole() | {"x_test": UNIT[:6]}, ValueError, "of one type and size"),
        (
            whole() | {"y_train": LABELS[:-1]},
            ValueError,
            r"y_train` must have shape \(20,\), one label an image; got \(19,\)",
        ),
        (
            whole() | {"y_train": LABELS - 1},
            ValueError,
            "y_train` must be class numbers from 0; got -1",
        ),
        (
            whole() | {"y_train": LABELS * 0.5},
            TypeError,
            "y_train` must hold whole numbers; got dtype float64",
        ),
        (
            whole() | {"y_train": np.ones((20, 2), int)},
            ValueError,
            r"one label an image, \(N,\) or \(N, 1\); got \(20, 2\), which is multi-label",
        ),
        (
            whole() | {"y_train": LABELS * 1000},
            ValueError,
            "must be class numbers from 0; got 1000 with 20 images",
        ),
        (
            whole() | {"y_test": LABELS[:6] + 1},
            ValueError,
            "training images of each class of the test images; there are none of class 2",
        ),
        (
            whole() | {"y_train": LABELS * 0, "y_test": LABELS[:6] * 0},
            ValueError,
            "at least two classes",
        ),
        (
            whole() | {"y_train": np.where(np.arange(20) == 5, 2, LABELS)},
            ValueError,
            "there is a single one of 2",
        ),
        *[
            (
                whole(images),
                ValueError,
                r"x_train, of floats, must be finite and in \[0, 1\]; image 7 has "
                + ("NaN" if np.isnan(value) else "values from"),
            )
            for value, images in BAD.items()
        ],
        ({"x_train": IMAGES[:1], "y_train": LABELS[:1]}, ValueError, "at least two images"),
    ],
)
def test_refused(named, error, message, path, tmp_path):
    np.savez(path, **named)
    with pytest.raises(error, match=message) as caught:
        npz.load_npz(path)
    assert str(path) in str(caught.value) or "`dataset` must have" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "cache").rglob(".tmp-*")), "nothing half-written"


def damaged(how):
    file = io.BytesIO()
    np.savez(file, **whole())
    content = file.getvalue()
    match how:
        case "truncated":
            return content[: len(content) // 2]
        case "empty":
            return b""
        case "text":
            return b"not a zip"
        case "flipped":
            return content[:400] + bytes([content[400] ^ 1]) + content[401:]
        case "array cut":
            return rezipped(content, lambda array: array[:-5])
        case "no array":
            return rezipped(content, lambda array: b"hello")
        case "header":
            return rezipped(content, lambda array: array.replace(b"}", b"(", 1))
        case "lzma" | "bzip2":
            packed = rezipped(
                content,
                lambda array: array,
                zipfile.ZIP_LZMA if how == "lzma" else zipfile.ZIP_BZIP2,
            )
            return packed[:60] + bytes(byte ^ 255 for byte in packed[60:100]) + packed[100:]


def rezipped(content, change, packing=zipfile.ZIP_STORED):
    """The same archive, whole by itself, with the content of each array changed."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(file, "w", packing) as new:
        for name in old.namelist():
            new.writestr(name, change(old.read(name)))
    return file.getvalue()


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("truncated", "is no .npz file, or a truncated or damaged one"),
        ("empty", "is no .npz file"),
        ("text", "is no .npz file"),
        ("flipped", "damaged"),
        ("array cut", "x_train is truncated"),
        ("no array", "x_train is no array"),
        ("header", "x_train is no array"),
        ("lzma", "damaged"),
        ("bzip2", "damaged"),
    ],
)
def test_damaged_files(how, message, path, tmp_path):
    path.write_bytes(damaged(how))
    with pytest.raises(ValueError, match=message):
        npz.load_npz(path)
    assert not list((tmp_path / "cache").rglob("*.npy"))
    assert not list((tmp_path / "cache").rglob("*.raw"))


def test_a_users_own_array_called_examined_hides_nothing(path):
    dates = np.array(["2024-05-01", "2024-05-02"])
    images = IMAGES.copy()
    images[3] = 7
    np.savez(path, **whole(images), examined=dates, notice=np.array("From a scanner."))
    own, constant = npz.load_npz(path).notice.splitlines()[:2]
    assert own == "From a scanner."
    assert "constant" in constant


def test_a_saved_dataset_that_was_dark_is_not_with_a_white(path):
    images = RANDOM.integers(0, 4000, (20, 4, 5), np.uint16)
    images[3] = 7
    np.savez(path, x_train=images, y_train=LABELS)
    found = npz.load_npz(path)
    dark, constant = found.notice.splitlines()
    assert "--white 4095" in dark
    found.save(path.with_name("saved.npz"))
    again = npz.load_npz(path.with_name("saved.npz"), white=4095)
    assert again.notice == constant
    again.save(path.with_name("again.npz"))
    assert npz.load_npz(path.with_name("again.npz")).notice == constant


def test_retinamnist(retinamnist):
    """Real data as MedMNIST distributes it: 1,080 fundus photographs to train on, 400 to test.

    Its 120 for validation are left alone until they are asked for.
    """
    found = npz.load_npz(retinamnist)
    assert found.validation is None
    asked = sources.load(str(retinamnist), validation=True)
    with np.load(retinamnist) as stored:
        assert np.array_equal(found.train.images, stored["train_images"])
        assert np.array_equal(found.train.labels, stored["train_labels"][:, 0])
        assert np.array_equal(found.test.images, stored["test_images"])
        assert np.array_equal(asked.validation.images, stored["val_images"])
        assert np.array_equal(asked.validation.labels, stored["val_labels"][:, 0])
    assert found.class_names == tuple("01234")


def medmnist(**changed):
    """Return ten training, six test and four validation images as MedMNIST names them."""
    parts = {"train": slice(0, 10), "test": slice(10, 16), "val": slice(16, 20)}
    arrays = {f"{part}_images": IMAGES[rows] for part, rows in parts.items()}
    arrays |= {f"{part}_labels": LABELS[rows][:, None] + 1 for part, rows in parts.items()}
    return arrays | changed


def test_validation_images_have_the_classes_of_the_others(path):
    """Labels 1 and 2 are the classes 0 and 1, and a white of 300 is that of these images too."""
    np.savez(path, **medmnist())
    found = sources.load(str(path), validation=True)
    np.testing.assert_array_equal(found.validation.images, IMAGES[16:, ..., None])
    np.testing.assert_array_equal(found.validation.labels, LABELS[16:])
    deep = {f"{part}_images": medmnist()[f"{part}_images"].astype(np.uint16) for part in PARTS}
    np.savez(path, **medmnist(**deep))
    found = sources.load(str(path), white=255, validation=True)
    assert found.validation.images.dtype == np.uint16
    np.testing.assert_array_equal(found.validation.images, 257 * deep["val_images"][..., None])


def test_a_file_without_validation_images(path):
    np.savez(path, **whole())
    assert sources.load(str(path), validation=True).validation is None


def test_validation_images_of_groups_are_left_alone(path, tmp_path):
    """They may be of the patients that training images are of."""
    np.savez(path, **medmnist())
    rows = [f"train_images/{row},{row}" for row in range(10)]
    rows += [f"test_images/{row},{10 + row}" for row in range(6)]
    (tmp_path / "groups.csv").write_text("\n".join(["image,group", *rows]))
    groups = str(tmp_path / "groups.csv")
    assert sources.load(str(path), groups=groups, validation=True).validation is None


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"val_images": IMAGES[16:, :3]}, "val_images uint8 .4, 3, 5, 1."),
        ({"val_images": IMAGES[16:].astype(np.uint16)}, "val_images uint16"),
        ({"val_labels": LABELS[:3]}, "`val_labels` must have shape"),
        ({"val_labels": np.full(4, 3)}, "of the validation images; there are none of class 3"),
    ],
)
def test_validation_images_that_do_not_fit(changed, message, path):
    np.savez(path, **medmnist(**changed))
    assert sources.load(str(path)).validation is None
    with pytest.raises(ValueError, match=message):
        sources.load(str(path), validation=True)
