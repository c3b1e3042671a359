"""The output folder of `tfdvae denoise --learn`: what it may hold, and what was begun in it."""

import dataclasses
import logging
from pathlib import Path
from typing import Any

from tfdvae._utils import files, processor, records
from tfdvae.config import AUTO
from tfdvae.config.learn import LearnConfig
from tfdvae.image_io import writer
from tfdvae.learning import pictures

logger = logging.getLogger(__name__)

_EARLIER = {"frames": 1, "precision": "float32"}  # what versions had that did not write it
_REMEDY = "Bring it back, or give a new folder."


def began(folder: Path) -> bool:
    """Tell whether something was learned, for which settings and pictures are fixed."""
    return (folder / "model.keras").exists() or (folder / "checkpoints" / "training").exists()


def is_complete(folder: Path) -> bool:
    """Tell whether nothing is left but to denoise."""
    needed = [folder / "model.keras", folder / "report.html"]
    return all(path.exists() for path in needed) and not (folder / "checkpoints").exists()


def note_change(source: Path, folder: Path) -> None:
    """Say that the pictures are not those that the model learned from, where it is so."""
    known = folder / "learned.json"
    if not known.exists():
        return
    learned = pictures.read_learned(known)
    if learned["fingerprint"] != pictures.fingerprint(source):
        logger.warning(
            "NOTE: %s has changed since the model began to learn from %s of it. It learns from no "
            "others, and denoises what is missing in %s. Give a new folder to learn again.",
            source,
            counted(learned["pictures"]),
            folder / "denoised",
        )


def counted(pictures: int) -> str:
    """Return a number of pictures in words.

    Example:
        >>> counted(1)
        '1 picture'
    """
    return f"{pictures:,} {'picture' if pictures == 1 else 'pictures'}"


def with_precision(config: LearnConfig, folder: Path) -> LearnConfig:
    """Return settings with the precision of the training: where it began, what it began with."""
    if config.precision == AUTO and began(folder) and (folder / "settings.json").is_file():
        known = _known(folder)["precision"]
        return dataclasses.replace(config, precision=known)
    chosen = processor.chosen_precision(config.precision, processor.has_bfloat16())
    return dataclasses.replace(config, precision=chosen)


def _known(folder: Path) -> dict[str, Any]:
    """Return the settings of what was begun in a folder."""
    return _EARLIER | records.read(folder / "settings.json", {}, _REMEDY)


def settings(config: LearnConfig) -> dict[str, object]:
    """Return the settings that the result depends on."""
    return {
        "learn": str(files.absolute(config.learn)),
        "objective": config.objective,
        "noise": config.noise,
        "time": config.time,
        "patch_size": config.patch_size,
        "frames": config.frames,
        "seed": config.seed,
        "precision": config.precision,
    }


def check(config: LearnConfig, folder: Path) -> None:
    """Refuse a folder that holds something else than this job, begun or done.

    Raises:
        FileExistsError, ValueError: saying what it is.
    """
    if not Path(config.learn).expanduser().exists():
        raise FileNotFoundError(f"`learn` {config.learn} does not exist.")
    writer.check_apart(folder, False, {"learn": config.learn})
    files.check_writable("output", folder)
    known = folder / "settings.json"
    if began(folder) and known.is_file():
        before = _known(folder)
        for name, value in settings(config).items():
            if before.get(name) != value:
                raise ValueError(
                    f"`output` {folder} holds what was learned {_told(name, before.get(name))}; "
                    f"this is {_told(name, value)}. Give a new folder."
                )
    elif folder.exists() and not (known.is_file() or _is_empty(folder)):
        raise FileExistsError(f"`output` {folder} is there and is not empty. Give a new folder.")


def _told(name: str, value: object) -> str:
    return f"without `{name}`" if value is None else f"with `{name}` {value}"


def _is_empty(folder: Path) -> bool:
    """Tell whether a folder holds at most what a start that was killed at once left behind."""
    return folder.is_dir() and all(
        path.name == ".lock" or files.is_temporary(path) for path in folder.iterdir()
    )
