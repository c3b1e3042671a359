"""Image-classification sets of TensorFlow Datasets (TFDS), decoded once.

TFDS downloads or reads the official archives, checks their checksums and prepares the dataset. Decoded images are kept as
memory-mapped arrays in the user's place folder, so that the second start neither prepares nor decodes.
"""

import contextlib
import io
import json
import logging
import os
import queue
import re
import tempfile
import threading
import urllib.parse
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tfdvae._utils import checks, chunks, files, progress
from tfdvae.data import cache, splits
from tfdvae.data.image_dataset import ImageDataset

logger = logging.getLogger(__name__)

_WAY_OUT = "Connect to the network, or put its official archives in a folder and give --data-dir (or TFDVAE_DATA_DIR)."


class Unavailable(ConnectionError):
    """A dataset is neither on this machine nor can it be downloaded; the message says why and what to do."""


def load_tfds(name: str, folder: Path | None) -> ImageDataset:
    """Return a dataset of TFDS; arguments and errors as in `sources.load`."""
    found = builder(name)
    place = cache.folder(found.info.full_name)
    with cache.lock(place), _quiet():
        archives = {}
        if folder is not None:
            folder, archives = _find_archives(folder, found)
            _verify(archives, place / "verified.json")
        decoded = cache.read(place)
        if decoded is None:
            _check_features(found)
            cache.remove_left(place)
            _prepare(name, found, folder, place)
            _verify(archives, place / "verified.json")
            decoded = cache.read(place)
    return ImageDataset(
        name, tuple(decoded.info["class_names"]), decoded.train, decoded.test
    )


def known(name: str) -> bool:
    """Tell whether TFDS has a dataset of that name, whatever its configuration or version."""
    import tensorflow_datasets as tfds

    return re.split("[:/]", name)[0] in tfds.list_builders(with_community_datasets=False)


def builder(name: str, **options):
    """Return the TFDS builder of a dataset.

    Raises:
        ValueError: TFDS has no such dataset (the nearest names are suggested), or cannot make it.
    """
    import tensorflow_datasets as tfds

    try:
        with _quiet():
            return tfds.builder(name, **options)
    except tfds.core.registered.DatasetNotFoundError:
        plain = re.split("[:/]", name)[0]
        checks.choice(
            "dataset", plain, ["auto", "digits", *tfds.list_builders(with_community_datasets=False)]
        )
        raise
    except (ValueError, RuntimeError, AssertionError, KeyError, ImportError) as error:
        raise ValueError(
            f"`dataset` {name!r} is not a dataset that TFDS can make: {_first_line(error)}"
        ) from None


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """TFDS reports progress and expected misses through absl; only its errors matter here."""
    from absl import logging

    before = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        logging.set_verbosity(before)


def _check_features(found) -> None:
    import tensorflow_datasets as tfds

    keys = found.info.supervised_keys or ()
    features = [found.info.features[key] for key in keys if isinstance(key, str)]
    wanted = (tfds.features.Image, tfds.features.ClassLabel)
    if len(features) != 2 or not all(map(isinstance, features, wanted)):
        raise ValueError(
            f"`dataset` {found.name} is no image-classification set: an example must hold one image and one class label."
        )
    image = features[0]
    if image.np_dtype not in (np.uint8, np.uint16):
        raise ValueError(
            f"`dataset` {found.name} holds images of type {np.dtype(image.np_dtype)}; uint8 or uint16 expected."
        )


def _find_archives(folder: Path, found) -> tuple[Path, dict[Path, set[str]]]:
    """Return the folder that holds the archives of a dataset, and each archive with the checksums that TFDS has for its name.

    TFDS lists the archives of all configurations of a dataset together: where there are several, those that are missing
    may be another configuration's.
    """
    if (folder / found.name).is_dir():
        folder = folder / found.name
    checksums = defaultdict(set)
    for info in (found.url_infos or {}).values():
        if info.filename:
            checksums[info.filename].add(info.checksum)
    missing = sorted(archive for archive in checksums if not (folder / archive).is_file())
    if missing and (len(found.BUILDER_CONFIGS) < 2 or len(missing) == len(checksums)):
        raise FileNotFoundError(
            f"`data_dir` {folder} lacks {', '.join(missing)} of the official archives of {found.name}."
        )
    return folder, {
        folder / archive: expected
        for archive, expected in sorted(checksums.items())
        if archive not in missing
    }


def _verify(archives: dict[Path, set[str]], record: Path) -> None:
    """Compare checksums; those of files that did not change since they were last compared are remembered in `record`."""
    try:
        verified = files.read_json(record)
    except (OSError, ValueError):
        verified = {}
    seen = {}
    for path, expected in archives.items():
        status = path.stat()
        state = [status.st_size, status.st_mtime_ns, *sorted(expected)]
        seen[str(path.resolve())] = state
        if verified.get(str(path.resolve())) == state:
            continue
        checksum = files.sha256(path)
        if checksum not in expected:
            raise ValueError(
                f"{path} is corrupted or truncated: {status.st_size:,} bytes with SHA-256 {checksum[:16]}..., "
                f"expected {' or '.join(known[:16] for known in sorted(expected))}.... Download it again."
            )
    if record.parent.is_dir() and not seen.items() <= verified.items():
        files.write_json(record, {**verified, **seen})


def _prepare(name: str, found, folder: Path | None, place: Path) -> None:
    """Let TFDS prepare the dataset, and keep it decoded."""
    import tensorflow_datasets as tfds

    try:
        if folder is not None:
            logger.info("Preparing %s from %s (once)", found.name, folder)
            with tempfile.TemporaryDirectory(
                dir=place.parent, prefix=".tmp-", suffix=f"={place.name}"
            ) as prepared:
                local = builder(name, data_dir=prepared)
                config = tfds.download.DownloadConfig(manual_dir=folder)
                with _silent(tfds):
                    local.download_and_prepare(
                        download_dir=Path(prepared) / "downloads", download_config=config
                    )
                _decode(local, place)
            return
        if not found.is_prepared():
            _check_reachable(found)
            logger.info("Downloading %s (once)", found.name)
            with contextlib.nullcontext() if progress.visible() else _silent(tfds):
                found.download_and_prepare()
    except tfds.download.download_manager.NonMatchingChecksumError as error:
        raise Unavailable(
            f"an archive of {found.name} is not the official one: {_first_line(error)} {_WAY_OUT}"
        ) from error
    except Unavailable:
        raise
    except (OSError, tfds.download.DownloadError) as error:
        raise Unavailable(
            f"{found.name} could not be prepared: {_first_line(error)} {_WAY_OUT}"
        ) from error
    except (AssertionError, ImportError) as error:
        raise ValueError(
            f"`dataset` {found.name} needs more than TFDS does by itself: {_first_line(error)}"
        ) from error
    logger.info("Decoding %s (once)", found.name)
    _decode(found, place)


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__


@contextlib.contextmanager
def _silent(tfds) -> Iterator[None]:
    """TFDS speaks of a download and shows bars for one even where it only reads archives from a folder."""
    shown = (
        tfds.core.utils.tqdm_utils.is_progress_bar_enabled()
        if hasattr(tfds.core.utils.tqdm_utils, "is_progress_bar_enabled")
        else True
    )
    tfds.disable_progress_bar()
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        if shown:
            tfds.enable_progress_bar()


def _check_reachable(found, seconds: float = 8.0) -> None:
    """Ask the first archive's server for an answer, so that a missing network is told in seconds, not in minutes of retries."""
    import requests

    url = next(iter(found.url_infos or ()), None)
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
            f"{found.name} is not on this machine and its server {host} cannot be reached ({type(error).__name__}). {_WAY_OUT}"
        )


def _decode(found, place: Path) -> None:
    """Write all images and labels of a prepared dataset as arrays to the place, in the order in which TFDS keeps them."""
    names = found.info.splits
    if "train" not in names:
        raise ValueError(
            f"`dataset` {found.name} must have a split `train`; it has {', '.join(names)}."
        )
    test = next((name for name in ("test", "validation") if name in names), None)
    with files.replacing(place) as temporary:
        temporary.mkdir()
        for part, split in (("train", "train"), ("test", test)):
            if split:
                labels = _read_split(found, split, temporary / f"{part}_images.npy")
                if labels.min() < 0:
                    raise ValueError(
                        f"`dataset` {found.name}, split {split}, holds images without a label."
                    )
                np.save(temporary / f"{part}_labels.npy", labels)
        if not test:
            labels = np.load(temporary / "train_labels.npy")
            os.replace(temporary / "train_images.npy", temporary / "all.npy")
            images = np.load(temporary / "all.npy", mmap_mode="r")
            for part, rows in zip(("train", "test"), splits.hold_out_test(labels), strict=True):
                np.save(temporary / f"{part}_labels.npy", labels[rows])
                with chunks.array_writer(temporary / f"{part}_images.npy") as append:
                    for piece in chunks.pieces(len(rows), images[0].nbytes):
                        append(images[rows[piece]])
            del images
            (temporary / "all.npy").unlink()
        label_key = found.info.supervised_keys[1]
        info = {"tfds": found.info.full_name, "class_names": found.info.features[label_key].names}
        (temporary / "info.json").write_text(json.dumps(info, indent=2))


def _read_split(found, split: str, path: Path) -> np.ndarray:
    """Write the images of a split to `path` and return its labels."""
    import tensorflow as tf

    count = found.info.splits[split].num_examples
    images, labels, done = None, np.zeros(count, np.int64), 0
    batches = (
        found.as_dataset(split=split, as_supervised=True, shuffle_files=False)
        .batch(1000)
        .prefetch(2)
    )
    sizes = ValueError(
        f"`dataset` {found.name} holds images of different sizes; one size is needed."
    )
    try:
        for image_batch, label_batch in batches.as_numpy_iterator():
            if images is None:
                images = np.lib.format.open_memmap(
                    path, "w+", image_batch.dtype, (count, *image_batch.shape[1:])
                )
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
        raise ValueError(
            f"`dataset` {found.name}, split {split}, holds {done} images; {count} expected."
        )
    images.flush()
    return labels
