"""The folder of `tfdvae classify`: what it holds, and whether a command may go on in it."""

import dataclasses
from pathlib import Path

from tfdvae._utils import files, records
from tfdvae.classifying.finding import KERAS_FILE
from tfdvae.classifying.images import Images
from tfdvae.config.classify import ClassifyConfig
from tfdvae.image_io import writer

IMAGES = "images.json"
"""Has the fingerprint of the images that were learned from."""

_NOT_KEPT = ("output", "quick", "threads", "debug", "quiet", "data_dir")


def settings(config: ClassifyConfig) -> dict[str, object]:
    """Return the settings that the result depends on, as JSON has them."""
    values = {
        name: value for name, value in dataclasses.asdict(config).items() if name not in _NOT_KEPT
    }
    for name in ("n_train", "folds", "classifier_steps"):
        values[name] = config.chosen(name)
    local = Path(config.dataset).expanduser()
    values["dataset"] = str(files.absolute(local)) if local.exists() else config.dataset
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in values.items()
    }


def check(config: ClassifyConfig, folder: Path) -> None:
    """Refuse a folder that holds something else than this job, begun or done.

    Raises:
        FileExistsError: it is a file, or holds something else.
        ValueError: it holds a job of other settings, or lies within the dataset.
    """
    if Path(config.dataset).expanduser().exists():
        writer.check_apart(folder, False, {"dataset": config.dataset})
    known = folder / "settings.json"
    remedy = "Bring it back, or give a new folder."
    before = records.read(known, {}, remedy) if known.is_file() else {}
    if "classifier_steps" not in before:
        if folder.exists() and not (folder.is_dir() and _is_empty(folder)):
            raise FileExistsError(
                f"`output` {folder} is there and is not empty. Give a new folder."
            )
        return
    for name, value in settings(config).items() if _began(folder) else ():
        if before.get(name) != value:
            raise ValueError(
                f"`output` {folder} holds a classifier with `{name}` {before.get(name)}; got "
                f"{value}. Give a new folder."
            )


def check_images(folder: Path, images: Images) -> None:
    """Refuse to go on with other images than the job began with.

    Raises:
        ValueError: they are others.
    """
    known = folder / IMAGES
    if not (_began(folder) and known.is_file()):
        return
    before = records.read(known, {"fingerprint": str}, "Bring it back, or give a new folder.")
    if before["fingerprint"] != images.fingerprint:
        raise ValueError(
            f"`dataset` {images.title} has changed since the training in {folder} began. Give a "
            "new folder."
        )


def _is_empty(folder: Path) -> bool:
    """Tell whether a folder holds at most what a start that was refused left behind."""
    return all(path.name == ".lock" or files.is_temporary(path) for path in folder.iterdir())


def _began(folder: Path) -> bool:
    return (folder / "checkpoints").exists() or (folder / KERAS_FILE).exists()


def is_complete(folder: Path) -> bool:
    """Tell whether nothing is left to do."""
    done = (folder / KERAS_FILE, folder / "report.html")
    return all(path.is_file() for path in done) and not (folder / "checkpoints").exists()
