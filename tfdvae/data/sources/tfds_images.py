"""Image-classification sets of TensorFlow Datasets (TFDS), decoded once.

TFDS downloads or reads the official archives, checks their checksums and prepares the dataset.
Decoded images are kept as memory-mapped arrays in the user's cache folder, so that the second start
neither prepares nor decodes.
"""

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from tfdvae._utils import files
from tfdvae.data import cache
from tfdvae.data.image_dataset import ImageDataset
from tfdvae.data.sources import tfds_builder, tfds_prepare
from tfdvae.data.sources.base import Request, Source, register_source


@register_source
class TfdsSource(Source):
    """Any image-classification set that TFDS knows; it is asked last, since it accepts any text."""

    name = "tfds"
    description = "the name of a TFDS dataset"
    rank = 2

    def accepts(self, text: str) -> bool:
        return True

    def check(self, request: Request) -> None:
        tfds_builder.check(request.dataset)

    def load(self, request: Request) -> ImageDataset:
        builder, folder = tfds_builder.make_builder(request.dataset), request.archives

        def work(place: Path) -> cache.Decoded:
            found, archives = folder, dict[Path, set[str]]()
            if folder is not None:
                found, archives = find_archives(folder, builder)
                verify_archives(archives, place / "verified.json")
            if (decoded := cache.read(place)) is not None:
                return decoded
            _check_features(builder)
            cache.remove_left(place)
            tfds_prepare.prepare(request.dataset, builder, found, place)
            verify_archives(archives, place / "verified.json")
            return cache.read_back(place)

        with tfds_builder.errors_only():
            decoded = cache.use(builder.info.full_name, work)
        return ImageDataset(
            request.dataset,
            tuple(decoded.info["class_names"]),
            decoded.train,
            decoded.test,
            held_out=decoded.info.get("held_out", False),
        )


def _check_features(builder: Any) -> None:
    """Refuse a dataset whose examples are not one image and one class label."""
    import tensorflow_datasets as tfds

    keys = builder.info.supervised_keys or ()
    features = [builder.info.features[key] for key in keys if isinstance(key, str)]
    wanted = (tfds.features.Image, tfds.features.ClassLabel)
    if len(features) != 2 or not all(map(isinstance, features, wanted)):
        raise ValueError(
            f"`dataset` {builder.name} is no image-classification set: "
            "an example must hold one image and one class label."
        )
    dtype = features[0].np_dtype
    if dtype not in (np.uint8, np.uint16):
        raise ValueError(
            f"`dataset` {builder.name} holds images of type {np.dtype(dtype)}; "
            "uint8 or uint16 expected."
        )


def find_archives(folder: Path, builder: Any) -> tuple[Path, dict[Path, set[str]]]:
    """Return the folder of a dataset's archives, and the checksums that each may have.

    TFDS lists the archives of all configurations of a dataset together: where there are several
    configurations, missing archives may belong to another one.
    """
    if (folder / builder.name).is_dir():
        folder = folder / builder.name
    checksums: defaultdict[str, set[str]] = defaultdict(set)
    for info in (builder.url_infos or {}).values():
        if info.filename:
            checksums[info.filename].add(info.checksum)
    missing = sorted(archive for archive in checksums if not (folder / archive).is_file())
    if missing and (len(builder.BUILDER_CONFIGS) < 2 or len(missing) == len(checksums)):
        raise FileNotFoundError(
            f"`data_dir` {folder} lacks {', '.join(missing)} "
            f"of the official archives of {builder.name}."
        )
    return folder, {
        folder / archive: expected
        for archive, expected in sorted(checksums.items())
        if archive not in missing
    }


def verify_archives(archives: dict[Path, set[str]], record: Path) -> None:
    """Compare the checksums of archives with those that TFDS has on record.

    Args:
        archives: the SHA-256 that each may have.
        record: JSON file that remembers the size and time of archives that were compared, so that
            unchanged ones are not read again. It is written if its folder exists.

    Raises:
        ValueError: an archive is damaged.
    """
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
            valid = " or ".join(each[:16] for each in sorted(expected))
            raise ValueError(
                f"{path} is corrupted or truncated: {status.st_size:,} bytes with SHA-256 "
                f"{checksum[:16]}..., expected {valid}.... Download it again."
            )
    if record.parent.is_dir() and not seen.items() <= verified.items():
        files.write_json(record, {**verified, **seen})
