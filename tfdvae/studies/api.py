"""Studies from Python."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from tfdvae._utils import checks, files
from tfdvae.data.image_dataset import ImageDataset
from tfdvae.studies.registry import STUDIES

DATASET_FILE = "dataset.npz"  # in the folder of a study, images that were given in memory


def study(name: str, *, dataset: str | Path | ImageDataset | None = None, **settings: Any) -> Path:
    """Run a study, as `tfdvae study NAME` does, or go on with one that was stopped.

    Cells are computed in processes of their own, unless the study is a quick one.

    Args:
        name: of the study, as `tfdvae study list` shows them.
        dataset: name, folder or `.npz` file, as the setting `dataset`; or images and labels in
            memory, which are then kept in the folder of the study as `dataset.npz`.
        **settings: of the study by the names of its flags, such as `seeds=(0, 1)`, `epochs=2` or
            `quick=True`.

    Returns:
        The folder of the study, with `rows.csv`, `report.md` and `report.html`.

    Raises:
        ValueError: no such study or setting, settings that do not fit, or results of other
            settings or images in the folder.
        TypeError: a value of the wrong type.
        FileNotFoundError, tfdvae.data.sources.Unavailable: no such dataset.
        BlockingIOError: another process works in the folder.
        ChildProcessError: a cell failed. Finished cells are kept.

    Example:
        >>> data = tfdvae.ImageDataset.from_arrays(images, labels)
        >>> folder = tfdvae.study("augmentation", dataset=data, quick=True, output="results/mine")
    """
    spec = STUDIES.get(name)
    names = [field.name for field in dataclasses.fields(spec.settings)]
    for setting in settings:
        checks.choice(f"setting of study {name}", setting, names)
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()
    }
    if isinstance(dataset, ImageDataset):
        values.setdefault("output", f"results/{name}")
        folder = Path(values["output"]).expanduser()
        values["dataset"] = str(_keep_dataset(dataset, folder))
    elif dataset is not None:
        values["dataset"] = str(dataset)
    make = spec.settings.of_quick if values.get("quick") else spec.settings
    return spec.run(make(**values))


def _keep_dataset(dataset: ImageDataset, folder: Path) -> Path:
    """Write a dataset into the folder of a study and return the absolute path of the file.

    Raises:
        ValueError: the folder holds a study of other images.
    """
    path = files.absolute(folder / DATASET_FILE)
    if path.exists():
        given = {"x_train": dataset.train.images, "x_test": dataset.test.images}
        if dataset.class_names:
            given |= {"y_train": dataset.train.labels, "y_test": dataset.test.labels}
        with np.load(path) as kept:
            same = all(key in kept and np.array_equal(kept[key], given[key]) for key in given)
        if not same:
            raise ValueError(
                f"`output` {folder} holds a study of other images. Give another folder."
            )
    folder.mkdir(parents=True, exist_ok=True)
    dataset.save(path)
    return path
