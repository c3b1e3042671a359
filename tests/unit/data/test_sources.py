import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from tests.helpers.processes import ROOT
from tfdvae.data import image_dataset, sources
from tfdvae.data.sources import tfds_images


class Toy(tfds.core.GeneratorBasedBuilder):
    """Base of small datasets registered with TFDS for these tests.

    They are prepared and read as any of its own.
    """

    VERSION = tfds.core.Version("1.0.0")
    SHAPE, DTYPE, SPLITS, SIZES = (5, 6, 3), np.uint8, ("train", "test"), ((5, 6),)

    def _info(self):
        features = {
            "image": tfds.features.Image(shape=self.SHAPE, dtype=self.DTYPE),
            "label": tfds.features.ClassLabel(names=["cat", "dog"]),
        }
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(features), supervised_keys=("image", "label")
        )

    def _split_generators(self, manager):
        return {split: self._generate_examples(number) for number, split in enumerate(self.SPLITS)}

    def _generate_examples(self, number):
        generator = np.random.default_rng(number)
        for key in range(40):
            size = self.SIZES[key % len(self.SIZES)]
            image = generator.integers(
                0, np.iinfo(self.DTYPE).max, (*size, self.SHAPE[-1]), dtype=self.DTYPE
            )
            yield key, {"image": image, "label": key % 2}


class ToyRgb(Toy):
    pass


class ToySixteenBit(Toy):
    SHAPE, DTYPE = (5, 6, 1), np.uint16


class ToyWithoutTest(Toy):
    SPLITS = ("train",)


class ToyWithValidation(Toy):
    SPLITS = ("train", "validation")


class ToyFreeSize(Toy):
    SHAPE, SIZES = (None, None, 1), ((4, 4),)


class ToyMixedSizes(Toy):
    SHAPE, SIZES = (None, None, 1), ((4, 4), (5, 4))


class ToyWithoutTrain(Toy):
    SPLITS = ("test",)


class ToyUnlabelledTest(Toy):
    def _generate_examples(self, number):
        for key, example in super()._generate_examples(number):
            yield key, example | ({"label": -1} if number else {})


class ToyText(Toy):
    def _info(self):
        features = tfds.features.FeaturesDict(
            {"text": tfds.features.Text(), "label": tfds.features.ClassLabel(num_classes=2)}
        )
        return self.dataset_info_from_configs(features=features, supervised_keys=("text", "label"))


@pytest.fixture
def toy_home(tmp_path, monkeypatch, no_network):
    """TFDS keeps prepared datasets in a folder of the test's own, and so does tfdvae."""
    monkeypatch.setattr(tfds.core.constants, "DATA_DIR", str(tmp_path / "tfds"))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


TABLE = {
    "digits": (1438, 359, (28, 28, 1), np.uint8, 10),
    "toy_rgb": (40, 40, (5, 6, 3), np.uint8, 2),
    "toy_sixteen_bit": (40, 40, (5, 6, 1), np.uint16, 2),
    "toy_without_test": (32, 8, (5, 6, 3), np.uint8, 2),
    "toy_with_validation": (40, 40, (5, 6, 3), np.uint8, 2),
    "toy_free_size": (40, 40, (4, 4, 1), np.uint8, 2),
}


@pytest.mark.parametrize("name", TABLE)
def test_contract(name, toy_home):
    """What every source obeys: counts, shapes, types, the same at a second start."""
    n_train, n_test, shape, dtype, classes = TABLE[name]
    source, again = sources.load(name), sources.load(name)
    assert source.name == name
    assert source.notice == ""
    assert len(source.class_names) == classes
    for images, labels, count in (
        (source.train.images, source.train.labels, n_train),
        (source.test.images, source.test.labels, n_test),
    ):
        assert images.shape == (count, *shape)
        assert images.dtype == dtype
        assert labels.shape == (count,)
        assert labels.dtype == np.int64
        assert set(np.unique(labels)) == set(range(classes))
        unit = image_dataset.to_unit(images)
        assert unit.dtype == np.float32
        assert unit.min() >= 0
        assert 0.9 < unit.max() <= 1
    for first, second in ((source.train, again.train), (source.test, again.test)):
        assert np.array_equal(first.images, second.images)
        assert np.array_equal(first.labels, second.labels)
    train, test = (
        {image.tobytes() for image in np.asarray(images)}
        for images in (source.train.images, source.test.images)
    )
    assert not train & test or name == "digits"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("toy_mixed_sizes", "images of different sizes"),
        ("toy_without_train", "must have a split `train`"),
        ("toy_unlabelled_test", "split test, holds images without a label"),
        ("toy_text", "no image-classification set"),
        ("fashion_mnits", "Did you mean 'fashion_mnist'"),
        ("toy_rgb/nothing", "toy_rgb/nothing"),
    ],
)
def test_refused(name, message, toy_home, tmp_path):
    with pytest.raises(ValueError, match=message):
        sources.load(name)
    assert not list((tmp_path / "cache").rglob("*.npy")), "nothing half-written"


def test_digits_are_the_real_ones():
    import sklearn.datasets

    source = sources.load("digits")
    originals = sklearn.datasets.load_digits()
    assert np.array_equal(
        np.bincount(np.concatenate([source.train.labels, source.test.labels])),
        np.bincount(originals.target),
    )
    shrunk = (
        image_dataset.to_unit(source.train.images)[..., 0].reshape(-1, 7, 4, 7, 4).mean(axis=(2, 4))
    )
    assert shrunk.mean() == pytest.approx(originals.images.mean() / 16, abs=0.01)
    assert (
        np.abs(np.bincount(source.test.labels) / 359 - np.bincount(originals.target) / 1797).max()
        < 0.003
    )


def test_named_dataset_without_network_fails_within_seconds_and_is_not_replaced(toy_home):
    start = time.monotonic()
    with pytest.raises(
        sources.Unavailable, match=r"fashion_mnist is not on this machine.*--data-dir"
    ):
        sources.load("fashion_mnist")
    assert time.monotonic() - start < 20


def test_auto_without_network_says_so_and_takes_digits(toy_home):
    source = sources.load("auto")
    assert source.name == "digits"
    assert "fashion_mnist is not on this machine" in source.notice
    assert "--data-dir" in source.notice
    assert "digits" in source.notice


@pytest.mark.parametrize("name", ["auto", "fashion_mnist"])
def test_data_folder_missing_empty_or_incomplete(name, tmp_path, toy_home):
    with pytest.raises(FileNotFoundError, match="is not a folder"):
        sources.load(name, str(tmp_path / "none"))
    (tmp_path / "data").mkdir()
    with pytest.raises(
        FileNotFoundError,
        match=r"lacks t10k-images-idx3-ubyte.gz, .* of the official archives of fashion_mnist",
    ):
        sources.load(name, str(tmp_path / "data"))
    (tmp_path / "data" / "t10k-images-idx3-ubyte.gz").touch()
    with pytest.raises(FileNotFoundError, match=r"lacks t10k-labels"):
        sources.load(name, str(tmp_path / "data"))


def read_idx(path, header):
    with gzip.open(path) as file:
        return np.frombuffer(file.read(), np.uint8, offset=header)


def test_fashion_mnist_holds_what_the_archives_hold(fashion, archives):
    for part, prefix in (("train", "train"), ("test", "t10k")):
        images = read_idx(archives / f"{prefix}-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28, 1)
        labels = read_idx(archives / f"{prefix}-labels-idx1-ubyte.gz", 8)
        stored, stored_labels = (
            getattr(fashion, part).images,
            getattr(fashion, part).labels,
        )
        assert stored.shape == images.shape

        def key(x, y):
            return np.sort(x.reshape(len(x), -1).astype(np.int64) @ np.arange(1, 785) * 10 + y)

        assert np.array_equal(key(stored, stored_labels), key(images, labels)), (
            "the same labelled images in another order"
        )
    assert fashion.class_names[9] == "Ankle boot"


def test_auto_takes_the_data_folder_and_then_the_cache(fashion, archives, monkeypatch):
    assert sources.load("auto", str(archives)).name == "fashion_mnist"
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("TFDVAE_DATA_DIR")
    cached = sources.load("auto")
    assert (cached.name, cached.notice) == ("fashion_mnist", "")


def test_a_folder_with_a_folder_for_each_dataset(fashion, archives, tmp_path):
    (tmp_path / "fashion_mnist").symlink_to(archives)
    assert sources.load("fashion_mnist", str(tmp_path)).train.images.shape == (60000, 28, 28, 1)


@pytest.mark.parametrize("decoded", [True, False])
@pytest.mark.parametrize("damage", ["truncated", "corrupted"])
def test_damaged_archive_is_named_even_where_the_dataset_is_decoded(
    damage, decoded, fashion, archives, tmp_path, monkeypatch
):
    if not decoded:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for path in archives.glob("*.gz"):
        shutil.copyfile(path, tmp_path / path.name)
    damaged = tmp_path / "t10k-labels-idx1-ubyte.gz"
    content = bytearray(damaged.read_bytes())
    if damage == "corrupted":
        content[1000] ^= 1
    damaged.write_bytes(content if damage == "corrupted" else content[:1000])
    with pytest.raises(ValueError, match=r"t10k-labels-idx1-ubyte.gz is corrupted or truncated"):
        sources.load("auto", str(tmp_path))


def test_second_start_needs_no_tensorflow_and_no_decoding(fashion, archives):
    """What makes it quick.

    Arrays are mapped, neither TensorFlow nor TFDS's preparation is touched.
    """
    code = f"""
import sys, numpy
from tfdvae.data import sources
source = sources.load("fashion_mnist", {str(archives)!r})
assert isinstance(source.train.images, numpy.memmap)
assert "tensorflow" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, env=os.environ)


@pytest.mark.parametrize("damage", ["train_images.npy", "test_labels.npy", "info.json", "missing"])
def test_damaged_cache_is_made_again(damage, toy_home, tmp_path, caplog):
    first = np.array(sources.load("toy_rgb").train.images)
    cache = next((tmp_path / "cache").rglob("info.json")).parent
    if damage == "missing":
        (cache / "train_labels.npy").unlink()
    else:
        (cache / damage).write_bytes((cache / damage).read_bytes()[:-100])
    assert np.array_equal(sources.load("toy_rgb").train.images, first)
    assert ("is damaged" in caplog.text) == (damage != "missing")


def test_left_over_temporary_folders_are_removed(toy_home, tmp_path):
    sources.load("toy_rgb")
    cache = next((tmp_path / "cache").rglob("info.json")).parent
    shutil.rmtree(cache)
    others = {".tmp-1-another_toy_rgb-1.0.0", ".tmp-abc=another_toy_rgb-1.0.0"}
    for name in (
        f".tmp-1-{cache.name}",
        f".tmp-1-old-{cache.name}",
        f".tmp-a_bc={cache.name}",
        *others,
    ):
        (cache.parent / name).mkdir()
    sources.load("toy_rgb")
    assert {path.name for path in cache.parent.iterdir()} - {f"{cache.name}.lock"} == {
        cache.name,
        *others,
    }


def test_broken_record_of_checksums_counts_as_none(fashion, archives):
    record = next(Path(os.environ["XDG_CACHE_HOME"]).rglob("verified.json"))
    record.write_text("{")
    assert sources.load("fashion_mnist", str(archives)).name == "fashion_mnist"
    assert len(json.loads(record.read_text())) == 4


def test_archives_of_several_configurations(tmp_path):
    """As for TFDS's cmaterdb: one file name with a checksum for each configuration.

    And archives that only some need.
    """
    content = [b"one", b"two"]
    urls = {
        str(i): SimpleNamespace(filename="a.npz", checksum=hashlib.sha256(c).hexdigest())
        for i, c in enumerate(content)
    }
    urls["2"] = SimpleNamespace(filename="b.npz", checksum="0")
    found = SimpleNamespace(name="set", url_infos=urls, BUILDER_CONFIGS=[1, 2])
    for each in content:
        (tmp_path / "a.npz").write_bytes(each)
        folder, archives = tfds_images.find_archives(tmp_path, found)
        tfds_images.verify_archives(archives, tmp_path / "cache" / "verified.json")
        assert (folder, list(archives)) == (tmp_path, [tmp_path / "a.npz"])
    (tmp_path / "a.npz").write_bytes(b"three")
    with pytest.raises(ValueError, match=r"a.npz is corrupted or truncated: 5 bytes"):
        tfds_images.verify_archives(archives, tmp_path / "verified.json")
    (tmp_path / "a.npz").unlink()
    with pytest.raises(FileNotFoundError, match=r"lacks a.npz, b.npz"):
        tfds_images.find_archives(tmp_path, found)


def test_labels_are_as_tfds_gives_them(toy_home):
    source = sources.load("toy_rgb")
    pairs = list(
        tfds.load(
            "toy_rgb", split="train", as_supervised=True, shuffle_files=False
        ).as_numpy_iterator()
    )
    assert np.array_equal(source.train.images, np.stack([image for image, _ in pairs]))
    assert list(source.train.labels) == [label for _, label in pairs]
    assert tf.executing_eagerly()


def test_a_name_that_tfds_knows_is_no_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("fashion_mnist", "digits", "auto", "mine"):
        (tmp_path / name).mkdir()
    for name in (
        "fashion_mnist",
        "digits",
        "auto",
        "cmaterdb/bangla",
        "mnist:3.0.1",
        "fashion_mnits",
    ):
        assert sources.local(name) is None
    for name in ("./fashion_mnist", "mine", "mine/deep", str(tmp_path), "~", "a.npz", "../a.npz"):
        assert sources.local(name) == Path(name).expanduser()


def test_own_images_as_a_source(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    images = np.random.default_rng(0).random((10, 4, 5, 3))
    np.savez("a.npz", x_train=images, y_train=np.arange(10) % 2)
    source = sources.load("a.npz")
    assert (source.name, source.class_names, source.notice) == (
        str(tmp_path / "a.npz"),
        ("0", "1"),
        "",
    )
    assert source.fingerprint
    assert source.train.noisy is None
    assert image_dataset.to_unit(source.train.images) is source.train.images, (
        "floats are in [0, 1] already"
    )


def test_a_linked_file_keeps_its_name(tmp_path, monkeypatch):
    """The name of a dataset can be loaded again, even if a link leads to a file without suffix."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    np.savez(
        tmp_path / "blob.npz", x_train=np.zeros((10, 4, 4), np.uint8), y_train=np.arange(10) % 2
    )
    (tmp_path / "blob.npz").rename(tmp_path / "5f3a")
    (tmp_path / "set.npz").symlink_to("5f3a")
    source = sources.load(str(tmp_path / "set.npz"))
    assert source.name == str(tmp_path / "set.npz")
    assert sources.load(source.name).fingerprint == source.fingerprint


def test_noisy_images_that_are_the_clean_ones(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").symlink_to("a")
    for noisy in ("a", "b"):
        with pytest.raises(
            ValueError, match="`noisy_dir` must be another folder than `dataset`; got"
        ):
            sources.check(str(tmp_path / "a"), None, noisy_dir=str(tmp_path / noisy))


def test_too_few_images_of_a_folder_are_seen_before_any_is_read(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "a").mkdir()
    for number in range(10):
        (tmp_path / "a" / f"{number}.png").write_bytes(b"broken")
    with pytest.raises(
        ValueError, match=r"`n_train` must not exceed the 8 training images of .*a; got 9"
    ):
        sources.load(str(tmp_path / "a"), labelled=False, n_train=9)


def test_a_folder_whose_name_is_no_text_is_refused(tmp_path):
    folder = tmp_path / os.fsdecode(b"bad\xff")
    folder.mkdir()
    with pytest.raises(ValueError, match=r"`dataset` .*bad\\xff must have a path in UTF-8"):
        sources.check(str(folder), None)
