"""Preparing a dataset with TensorFlow Datasets (TFDS), and decoding it into the cache."""

import contextlib
import errno
import io
import logging
import os
import queue
import tempfile
import threading
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tfdvae._utils import chunks, disk, files, progress
from tfdvae.data import splits
from tfdvae.data.sources import tfds_builder
from tfdvae.data.sources.base import Unavailable

logger = logging.getLogger(__name__)

_UNWRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR)
_WHAT_TO_DO = (
    "Connect to the network, or put its official archives in a folder and give --data-dir "
    "(or TFDVAE_DATA_DIR)."
)


def prepare(name: str, builder: Any, folder: Path | None, place: Path) -> None:
    """Let TFDS prepare a dataset, and write it decoded into the cache.

    Args:
        name: of the dataset, as `make_builder` takes it.
        builder: of the dataset.
        folder: with the official archives; None: TFDS downloads them.
        place: folder of the cache.

    Raises:
        Unavailable: the archives cannot be downloaded, or are not the official ones.
        ValueError: TFDS cannot prepare the dataset by itself, or it is no set of labelled images of
            one size.
    """
    import tensorflow_datasets as tfds

    try:
        if folder is not None:
            logger.info("Preparing %s from %s (once)", builder.name, folder)
            with tempfile.TemporaryDirectory(
                dir=place.parent, prefix=".tmp-", suffix=f"={place.name}"
            ) as prepared:
                local = tfds_builder.make_builder(name, data_dir=prepared)
                config = tfds.download.DownloadConfig(manual_dir=folder)
                with _silent():
                    local.download_and_prepare(
                        download_dir=Path(prepared) / "downloads", download_config=config
                    )
                _decode(local, place)
            return
        if not builder.is_prepared():
            _check_reachable(builder)
            logger.info("Downloading %s (once)", builder.name)
            with contextlib.nullcontext() if progress.visible() else _silent():
                builder.download_and_prepare()
    except tfds.download.download_manager.NonMatchingChecksumError as error:
        raise Unavailable(
            f"an archive of {builder.name} is not the official one: "
            f"{tfds_builder.first_line(error)} {_WHAT_TO_DO}"
        ) from error
    except Unavailable:
        raise
    except (OSError, tfds.download.DownloadError) as error:
        if disk.full(error):
            raise
        if isinstance(error, OSError) and error.errno in _UNWRITABLE and folder is None:
            raise Unavailable(
                f"TFDS cannot write {builder.name} to its own folder, and TFDS_DATA_DIR names "
                f"another one: {tfds_builder.first_line(error)}."
            ) from error
        raise Unavailable(
            f"{builder.name} could not be prepared: {tfds_builder.first_line(error)} {_WHAT_TO_DO}"
        ) from error
    except (AssertionError, ImportError) as error:
        raise ValueError(
            f"`dataset` {builder.name} needs more than TFDS does by itself: "
            f"{tfds_builder.first_line(error)}"
        ) from error
    logger.info("Decoding %s (once)", builder.name)
    _decode(builder, place)


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Hide TFDS's messages and bars, which speak of a download even where it reads archives."""
    import tensorflow_datasets as tfds

    bars = tfds.core.utils.tqdm_utils
    enabled = getattr(bars, "is_progress_bar_enabled", lambda: True)()
    tfds.disable_progress_bar()
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        if enabled:
            tfds.enable_progress_bar()


def _check_reachable(builder: Any, seconds: float = 8.0) -> None:
    """Ask the first archive's server for an answer.

    So a missing network is reported in seconds, not after minutes of retries.
    """
    import requests

    url = next(iter(builder.url_infos or ()), None)
    if url is None:
        return
    answers: queue.Queue[Exception | None] = queue.Queue()

    def ask() -> None:
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
            f"{builder.name} is not on this machine and its server {host} cannot be reached "
            f"({type(error).__name__}). {_WHAT_TO_DO}"
        )


def _decode(builder: Any, place: Path) -> None:
    """Write all images and labels of a prepared dataset into the cache, in the order of TFDS.

    The test images are those of the split `test`, else of `validation`, else a held-out fifth.
    """
    names = builder.info.splits
    if "train" not in names:
        raise ValueError(
            f"`dataset` {builder.name} must have a split `train`; it has {', '.join(names)}."
        )
    test = next((name for name in ("test", "validation") if name in names), None)
    label_key = builder.info.supervised_keys[1]
    info = {
        "tfds": builder.info.full_name,
        "class_names": builder.info.features[label_key].names,
        "held_out": test is None,
    }
    with files.replacing(place) as temporary:
        temporary.mkdir()
        _write_split(builder, "train", temporary, "train")
        if test is not None:
            _write_split(builder, test, temporary, "test")
        else:
            _hold_out_test(temporary)
        files.write_json(temporary / "info.json", info)


def _hold_out_test(folder: Path) -> None:
    """Divide the training images that are in a folder into training and test images."""
    labels = np.load(folder / "train_labels.npy")
    os.replace(folder / "train_images.npy", folder / "all.npy")
    images = np.load(folder / "all.npy", mmap_mode="r")
    for part, rows in zip(("train", "test"), splits.hold_out_test(labels), strict=True):
        np.save(folder / f"{part}_labels.npy", labels[rows])
        with chunks.array_writer(folder / f"{part}_images.npy") as append:
            for piece in chunks.pieces(len(rows), images[0].nbytes):
                append(images[rows[piece]])
    del images
    (folder / "all.npy").unlink()


def _write_split(builder: Any, split: str, folder: Path, part: str) -> None:
    """Write images and labels of a split of TFDS as those of `part`, `train` or `test`."""
    import tensorflow as tf

    count = builder.info.splits[split].num_examples
    images, labels, done = None, np.zeros(count, np.int64), 0
    batches = (
        builder.as_dataset(split=split, as_supervised=True, shuffle_files=False)
        .batch(1000)
        .prefetch(2)
    )
    sizes = ValueError(
        f"`dataset` {builder.name} holds images of different sizes; one size is needed."
    )
    try:
        for image_batch, label_batch in batches.as_numpy_iterator():
            if images is None:
                shape = (count, *image_batch.shape[1:])
                images = np.lib.format.open_memmap(
                    folder / f"{part}_images.npy", "w+", image_batch.dtype, shape
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
            f"`dataset` {builder.name}, split {split}, holds {done} images; {count} expected."
        )
    images.flush()
    if labels.min() < 0:
        raise ValueError(f"`dataset` {builder.name}, split {split}, holds images without a label.")
    np.save(folder / f"{part}_labels.npy", labels)
