"""Where images come from: any TFDS image-classification set, or the embedded digits.

Decoded images are kept as memory-mapped arrays in the user's cache folder (`$XDG_CACHE_HOME/tfdvae` or what the
platform uses instead), so that the second start does not decode them again.
"""

import contextlib
import io
import json
import queue
import re
import tempfile
import threading
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import platformdirs

from tfdvae import checks, files
from tfdvae.config import data_folder
from tfdvae.data import splits

DEFAULT = "fashion_mnist"
_ARRAYS = ("train_images", "train_labels", "test_images", "test_labels")


class Unavailable(ConnectionError):
    """A dataset is neither on this machine nor can it be downloaded; the message says why and what to do."""


@dataclass(frozen=True)
class Source:
    """A labelled image dataset.

    Attributes:
        name: the dataset really used, as the command line takes it.
        class_names: one name a class.
        train_images, test_images: unsigned integers (N, H, W, C), memory-mapped where they come from the cache.
        train_labels, test_labels: int64 (N,).
        notice: why `auto` did not take its first choice; empty where it did or where the dataset was named.
    """

    name: str
    class_names: tuple[str, ...]
    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    notice: str = ""


def to_unit(images: np.ndarray) -> np.ndarray:
    """Return unsigned integer images as float32 in [0, 1]."""
    return images.astype(np.float32) / np.float32(np.iinfo(images.dtype).max)


def load(name: str = "auto", data_dir: str | None = None) -> Source:
    """Return a dataset.

    Args:
        name: `auto`, `digits`, or a name that TFDS knows, with configuration or version where it has them
            (`cifar10`, `mnist:3.0.1`). `auto` is Fashion-MNIST where it can be had, otherwise digits, with a notice. A
            named dataset is never replaced.
        data_dir: folder with the dataset's official archives, or with a folder of its name that holds them. Default:
            TFDVAE_DATA_DIR. Their SHA-256 must be those that TFDS has on record.

    Raises:
        ValueError: unknown name; a dataset without one image and one label an example; images of different sizes; an
            archive that is corrupted or truncated.
        FileNotFoundError: the data folder or an archive is missing.
        Unavailable: the dataset cannot be downloaded.
    """
    check(name, data_dir)
    folder = data_folder(data_dir)
    if name == "digits":
        return _digits()
    if name != "auto":
        return _tfds(name, folder)
    try:
        return _tfds(DEFAULT, folder)
    except Unavailable as error:
        digits = _digits()
        return Source(**{**vars(digits), "notice": f"{error} Going on with the embedded `digits` dataset instead of {DEFAULT}."})


def check(name: str, data_dir: str | None) -> None:
    """Refuse a misspelt dataset or a missing data folder, without importing TensorFlow.

    Raises:
        ValueError: TFDS knows no such dataset; the nearest names are suggested.
        FileNotFoundError: the data folder is missing.
    """
    folder = data_folder(data_dir)
    if folder is not None and not folder.is_dir():
        raise FileNotFoundError(f"`data_dir` {folder} is not a folder.")
    if name not in ("auto", "digits"):
        with _quiet_tfds():
            _builder(name)


def _digits() -> Source:
    """The 1,797 real digits of scikit-learn (8x8, 17 grey levels), resized to 28x28; a fixed fifth is the test set."""
    import scipy.ndimage
    import sklearn.datasets

    data = sklearn.datasets.load_digits()
    zoomed = scipy.ndimage.zoom(data.images / 16.0, (1, 3.5, 3.5), order=1, mode="nearest", grid_mode=True)
    images = np.rint(np.clip(zoomed, 0, 1) * 255).astype(np.uint8)[..., None]
    labels = data.target.astype(np.int64)
    return Source("digits", tuple(map(str, data.target_names)), *_hold_out_test(images, labels))


def _hold_out_test(images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, ...]:
    """Split off a fixed stratified fifth, for datasets that come without a test set."""
    test = splits.stratified_subset(labels, max(1, len(labels) // 5), seed=0)
    train = np.setdiff1d(np.arange(len(labels)), test)
    return images[train], labels[train], images[test], labels[test]


def _tfds(name: str, folder: Path | None) -> Source:
    with _quiet_tfds():
        builder = _builder(name)
        archives = {info.filename: info.checksum for info in (builder.url_infos or {}).values() if info.filename}
        cache = platformdirs.user_cache_path("tfdvae") / "datasets" / re.sub(r"[^\w.-]", "-", f"{builder.info.full_name}")
        if folder is not None:
            folder = _archive_folder(folder, builder.name, archives)
            _verify(folder, archives, cache)
        if not (cache / "info.json").exists():
            _check_features(builder)
            _prepare(name, builder, folder, archives, cache)
    info = files.read_json(cache / "info.json")
    arrays = {array: np.load(cache / f"{array}.npy", mmap_mode="r") for array in _ARRAYS}
    return Source(name, tuple(info["class_names"]), **arrays)


@contextlib.contextmanager
def _quiet_tfds() -> Iterator[None]:
    """TFDS reports progress and expected misses through absl; only its errors matter here."""
    from absl import logging

    before = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        logging.set_verbosity(before)


def _builder(name: str, **options):
    import tensorflow_datasets as tfds

    try:
        return tfds.builder(name, **options)
    except tfds.core.registered.DatasetNotFoundError:
        plain = re.split("[:/]", name)[0]
        checks.choice("dataset", plain, ["auto", "digits", *tfds.list_builders(with_community_datasets=False)])
        raise
    except (ValueError, RuntimeError, AssertionError, KeyError) as error:
        raise ValueError(f"`dataset` {name!r} is not a dataset that TFDS can make: {str(error).splitlines()[0]}") from None


def _check_features(builder) -> None:
    import tensorflow_datasets as tfds

    keys = builder.info.supervised_keys or ()
    features = [builder.info.features[key] for key in keys if isinstance(key, str)]
    wanted = (tfds.features.Image, tfds.features.ClassLabel)
    if len(features) != 2 or not all(map(isinstance, features, wanted)):
        raise ValueError(f"`dataset` {builder.name} is no image-classification set: an example must hold one image and one class label.")
    image = features[0]
    if image.np_dtype not in (np.uint8, np.uint16):
        raise ValueError(f"`dataset` {builder.name} holds images of type {np.dtype(image.np_dtype)}; uint8 or uint16 expected.")


def _archive_folder(folder: Path, name: str, archives: dict[str, str]) -> Path:
    if (folder / name).is_dir():
        folder = folder / name
    missing = sorted(archive for archive in archives if not (folder / archive).is_file())
    if missing:
        raise FileNotFoundError(f"`data_dir` {folder} lacks {', '.join(missing)} of the official archives of {name}.")
    return folder


def _verify(folder: Path, archives: dict[str, str], cache: Path) -> None:
    """Compare checksums; those of files that did not change since they were last compared are remembered."""
    record = cache / "verified.json"
    verified = files.read_json(record) if record.exists() else {}
    seen = {}
    for archive, checksum in sorted(archives.items()):
        path = (folder / archive).resolve()
        status = path.stat()
        seen[str(path)] = [status.st_size, status.st_mtime_ns, checksum]
        if verified.get(str(path)) == seen[str(path)]:
            continue
        found = files.sha256(path)
        if found != checksum:
            raise ValueError(
                f"{path} is corrupted or truncated: {status.st_size:,} bytes with SHA-256 {found[:16]}..., expected {checksum[:16]}.... Download it again."
            )
    if (cache / "info.json").exists() and not seen.items() <= verified.items():
        files.write_json(record, {**verified, **seen})


def _prepare(name: str, builder, folder: Path | None, archives: dict[str, str], cache: Path) -> None:
    """Let TFDS prepare the dataset, and keep it decoded."""
    import tensorflow_datasets as tfds

    cache.parent.mkdir(parents=True, exist_ok=True)
    if folder is not None:
        print(f"Preparing {builder.name} from {folder} (once)", flush=True)
        with tempfile.TemporaryDirectory(dir=cache.parent, prefix=".tmp-tfds-") as prepared:
            local = _builder(name, data_dir=prepared)
            config = tfds.download.DownloadConfig(manual_dir=folder, verify_ssl=True)
            with _silent(tfds):
                local.download_and_prepare(download_dir=Path(prepared) / "downloads", download_config=config)
            _decode(local, cache)
        _verify(folder, archives, cache)
        return
    if not builder.is_prepared():
        _check_reachable(builder)
        print(f"Downloading {builder.name} (once)", flush=True)
        try:
            builder.download_and_prepare()
        except (OSError, tfds.download.DownloadError) as error:
            raise Unavailable(f"{builder.name} could not be downloaded ({error}). {_WAY_OUT}") from error
        except tfds.download.download_manager.NonMatchingChecksumError as error:
            raise ValueError(f"an archive of {builder.name} arrived corrupted: {str(error).splitlines()[0]}") from error
    print(f"Decoding {builder.name} (once)", flush=True)
    _decode(builder, cache)


_WAY_OUT = "Connect to the network, or put its official archives in a folder and give --data-dir (or TFDVAE_DATA_DIR)."


@contextlib.contextmanager
def _silent(tfds) -> Iterator[None]:
    """TFDS speaks of a download and shows bars for one even where it only reads archives from a folder."""
    tfds.disable_progress_bar()
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        tfds.enable_progress_bar()


def _check_reachable(builder, seconds: float = 8.0) -> None:
    """Ask the first archive's server for an answer, so that a missing network is told in seconds, not in minutes of retries."""
    import requests

    url = next(iter(builder.url_infos or ()), None)
    if url is None:
        return
    answers: queue.Queue = queue.Queue()

    def ask():
        try:
            requests.head(url, timeout=seconds)
            answers.put(None)
        except requests.RequestException as error:
            answers.put(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        error = answers.get(timeout=seconds)
    except queue.Empty:
        error = TimeoutError(f"no answer in {seconds:g} s")
    if error is not None:
        host = urllib.parse.urlsplit(url).hostname
        raise Unavailable(
            f"{builder.name} is not on this machine and its server {host} cannot be reached ({type(error).__name__}). {_WAY_OUT}"
        )


def _decode(builder, cache: Path) -> None:
    """Write all images and labels of a prepared dataset as arrays to the cache, in the order in which TFDS keeps them."""
    names = builder.info.splits
    if "train" not in names:
        raise ValueError(f"`dataset` {builder.name} must have a split `train`; it has {', '.join(names)}.")
    test = next((name for name in ("test", "validation") if name in names), None)
    with files.replacing(cache) as temporary:
        temporary.mkdir()
        for part, split in (("train", "train"), ("test", test)):
            if split:
                images, labels = _read_split(builder, split, temporary / f"{part}_images.npy")
                np.save(temporary / f"{part}_labels.npy", labels)
                del images
        if not test:
            images = np.load(temporary / "train_images.npy")
            labels = np.load(temporary / "train_labels.npy")
            for array, value in zip(_ARRAYS, _hold_out_test(images, labels), strict=True):
                np.save(temporary / f"{array}.npy", value)
        label_key = builder.info.supervised_keys[1]
        info = {"tfds": builder.info.full_name, "class_names": builder.info.features[label_key].names}
        (temporary / "info.json").write_text(json.dumps(info, indent=2))


def _read_split(builder, split: str, path: Path) -> tuple[np.ndarray, np.ndarray]:
    import tensorflow as tf

    count = builder.info.splits[split].num_examples
    images, labels, done = None, np.zeros(count, np.int64), 0
    batches = builder.as_dataset(split=split, as_supervised=True, shuffle_files=False).batch(1000).prefetch(2)
    sizes = ValueError(f"`dataset` {builder.name} holds images of different sizes; one size is needed.")
    try:
        for image_batch, label_batch in batches.as_numpy_iterator():
            if images is None:
                images = np.lib.format.open_memmap(path, "w+", image_batch.dtype, (count, *image_batch.shape[1:]))
            if image_batch.shape[1:] != images.shape[1:]:
                raise sizes
            images[done : done + len(image_batch)] = image_batch
            labels[done : done + len(image_batch)] = label_batch
            done += len(image_batch)
    except tf.errors.InvalidArgumentError as error:
        if "different shapes" in str(error):
            raise sizes from None
        raise
    if images is None or done != count:
        raise ValueError(f"`dataset` {builder.name}, split {split}, holds {done} images; {count} expected.")
    images.flush()
    return images, labels
