"""What a report says about the dataset of a study, kept in the folder of the study."""

from __future__ import annotations

import dataclasses
import logging
from pathlib import Path

import numpy as np

from tfdvae._utils import files, records
from tfdvae.data import sources
from tfdvae.data.image_dataset import ImageDataset
from tfdvae.studies.settings import StudyConfig

logger = logging.getLogger(__name__)

FILE = "dataset.json"
_KINDS: records.Kinds = {
    "name": str,
    "class_names": list,
    "image_shape": list,
    "train_count": int,
    "test_count": int,
}
_LATER_KINDS: records.Kinds = {
    "test_groups": (int, type(None)),
    "notice": str,
    "test_classes": (int, type(None)),
}


@dataclasses.dataclass(frozen=True)
class DatasetInfo:
    """Facts about a dataset, so that a report can be written without its images.

    Attributes:
        name: of the dataset, of the folder or of the file, without the path.
        class_names: one name a class.
        image_shape: height, width and channels.
        train_count: all training images.
        test_count: test images.
        test_groups: groups of test images; None where images have no groups.
        notice: what the user must know of the dataset; often empty.
        test_classes: how many classes have test images; None where that is not known.
    """

    name: str
    class_names: tuple[str, ...]
    image_shape: tuple[int, int, int]
    train_count: int
    test_count: int
    test_groups: int | None = None
    notice: str = ""
    test_classes: int | None = None

    @classmethod
    def of(cls, dataset: ImageDataset) -> DatasetInfo:
        """Return the facts about a dataset."""
        groups = dataset.test.groups
        return cls(
            Path(dataset.name).name,
            tuple(dataset.class_names),
            dataset.train.images.shape[1:],
            len(dataset.train.labels),
            len(dataset.test.labels),
            None if groups is None else len(np.unique(groups)),
            dataset.notice,
            len(np.unique(dataset.test.labels)) if dataset.class_names else None,
        )

    @classmethod
    def read(cls, folder: Path) -> DatasetInfo:
        """Return the facts that the folder of a study holds.

        Raises:
            FileNotFoundError: there are none; starting the study again writes them.
            ValueError: the file is damaged.
        """
        path = folder / FILE
        if not path.exists():
            raise FileNotFoundError(
                f"{path} is missing; start the study again in this folder, which writes it."
            )
        remedy = "Delete it, and start the study again in this folder, which writes it."
        values = records.read(path, _KINDS, remedy, _LATER_KINDS)
        tuples = {name: tuple(values[name]) for name in ("class_names", "image_shape")}
        names = {field.name for field in dataclasses.fields(cls)}
        return cls(**{name: (values | tuples)[name] for name in values if name in names})

    def write(self, folder: Path) -> None:
        """Write the facts into the folder of a study."""
        files.write_json(folder / FILE, dataclasses.asdict(self))


def log_notice(dataset: ImageDataset) -> None:
    """Log what the user must know of a dataset, a NOTE for each line of its notice."""
    for line in dataset.notice.splitlines():
        logger.warning("NOTE: %s", line)


def log_local_notice(config: StudyConfig) -> None:
    """Log what the user must know of their own images, where a study loads them in its cells."""
    if config.cell is None and sources.local(config.dataset) is not None:
        log_notice(sources.load(config.dataset, config.data_dir))
