"""Studies from Python."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tfdvae._utils import checks, files, records
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
            `quick=True`. The folder `output` of images in memory is by default
            `results/NAME-arrays`.

    Returns:
        The folder of the study, with `rows.csv`, `report.md` and `report.html`.

    Raises:
        ValueError: no such study or setting, settings that do not fit, or results of other
            settings or images in the folder.
        TypeError: a value of the wrong type.
        FileExistsError: `output` is a file.
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
    make = spec.settings.of_quick if values.get("quick") else spec.settings
    if not isinstance(dataset, ImageDataset):
        if not isinstance(dataset, (str, Path, type(None))):
            raise TypeError(
                "`dataset` must be a name, a path or a tfdvae.ImageDataset; got "
                f"{type(dataset).__name__}."
            )
        given = {} if dataset is None else {"dataset": str(dataset)}
        return spec.run(make(**values | given))
    folder = Path(values.get("output") or f"results/{name}-arrays").expanduser()
    path = files.absolute(folder / DATASET_FILE)
    config = make(**values | {"output": str(folder), "dataset": str(path)})
    with _kept(dataset, path):
        return spec.run(config)


@contextlib.contextmanager
def _kept(dataset: ImageDataset, path: Path) -> Iterator[None]:
    """Write a dataset into the folder of a study; remove it where the study then leaves nothing.

    Raises:
        ValueError: the folder holds a study of other images, or the dataset cannot be saved.
        FileExistsError: the folder is a file.
        BlockingIOError: another process works in the folder.
    """
    folder = path.parent
    files.check_folder("output", folder)
    if path.exists() or (folder / "config.json").exists():
        _check_same(dataset, path)
    made, written = not folder.exists(), not path.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        if written:
            with files.locked(folder):
                dataset.save(path)
        yield
    finally:
        if written and {entry.name for entry in folder.iterdir()} <= {DATASET_FILE, ".lock"}:
            files.remove(path)
            files.remove(folder / ".lock")
            if made:
                folder.rmdir()


def _check_same(dataset: ImageDataset, path: Path) -> None:
    """Refuse a folder that holds a study of other images than those of a dataset.

    Raises:
        ValueError: it does.
    """
    given = {"x_train": dataset.train.images, "x_test": dataset.test.images}
    if dataset.class_names:
        given |= {"y_train": dataset.train.labels, "y_test": dataset.test.labels}
    same = path.exists()
    if same and (reason := records.damage(path)):
        raise ValueError(
            f"{path} is damaged: {reason}. Delete it: the same call with the same images writes it "
            "again."
        )
    if same:
        with np.load(path) as kept:
            same = all(key in kept and np.array_equal(kept[key], given[key]) for key in given)
    if not same:
        raise ValueError(
            f"`output` {path.parent} holds a study of other images. Give another folder."
        )
