"""The folder of `tfdvae classify`: what it holds, and whether a command may go on in it."""

import dataclasses
import importlib.metadata
from pathlib import Path

from tfdvae._utils import files, records
from tfdvae.classifying.finding import KERAS_FILE
from tfdvae.classifying.images import Images
from tfdvae.config.classify import ClassifyConfig
from tfdvae.image_io import writer

SETTINGS = "settings.json"
IMAGES = "images.json"
"""Has the fingerprint of the images that were learned from."""

PRODUCTS = (KERAS_FILE, "predictions.csv", "report.html")
"""What a job that is done has left; where one of them is missing, it is done again."""

_OTHERS = ("saved_model", "classifier.onnx", "report.md", "figures", "checkpoints")
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
        ValueError: it holds a job of other settings or of a newer version, or lies within the
            dataset.
    """
    if Path(config.dataset).expanduser().exists():
        writer.check_apart(folder, False, {"dataset": config.dataset})
    known = folder / SETTINGS
    remedy = "Bring it back, or give a new folder."
    before = records.read(known, {}, remedy) if known.is_file() else {}
    if "classifier_steps" not in before:
        if folder.exists() and not (folder.is_dir() and _is_empty(folder)):
            raise FileExistsError(
                f"`output` {folder} is there and is not empty. Give a new folder."
            )
        return
    records.check_version(before.get("tfdvae"), folder)
    for name, value in settings(config).items() if _began(folder) else ():
        if before.get(name) != value:
            raise ValueError(
                f"`output` {folder} holds a classifier with `{name}` {before.get(name)}; got "
                f"{value}. Give a new folder."
            )


def begin(config: ClassifyConfig, images: Images, folder: Path) -> None:
    """Write by what the job is known again: its settings, its version and its images."""
    version = {"tfdvae": importlib.metadata.version("tfdvae")}
    files.write_json(folder / SETTINGS, version | settings(config))
    files.write_json(folder / IMAGES, {"fingerprint": images.fingerprint})


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
    return any((folder / name).exists() for name in (*PRODUCTS, *_OTHERS))


def is_complete(folder: Path) -> bool:
    """Tell whether nothing is left to do."""
    return not (folder / "checkpoints").exists() and not _missing(folder)


def describe_lost(folder: Path) -> str:
    """Say what is missing of a job that was done; empty where none was, or nothing is."""
    lost = _missing(folder)
    if (folder / "checkpoints").exists() or not lost or not _began(folder):
        return ""
    return (
        f"{folder} lacks {' and '.join(lost)}, which the job had left there: it is done again from "
        "the beginning, with the same settings."
    )


def _missing(folder: Path) -> list[str]:
    return [name for name in PRODUCTS if not (folder / name).is_file()]
