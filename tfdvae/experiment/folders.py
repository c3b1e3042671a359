"""Run folders: of a new run and of one that goes on. TensorFlow is not imported."""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tfdvae._utils import files, records
from tfdvae.config import AUTO, INCIDENTAL, TrainConfig
from tfdvae.data import sources
from tfdvae.image_io import listing
from tfdvae.inference import shipped

_FREE = set(INCIDENTAL) - {"output"}  # settings that a resumed run may be given anew
_PATHS = ("dataset", "noisy_dir", "init_from")
_ENVIRONMENT: records.Kinds = {
    "started": str,
    "python": str,
    "platform": str,
    "processor": str,
    "packages": dict,
    "commit": (str, type(None)),
}
_MARKS: records.Kinds = {
    "notice": str,
    "data": str,
    "decoded": dict,
    "objective": str,
    "classifier_precision": str,
    "classifier_source": str,
}


def run_folder(config: TrainConfig) -> Path:
    """Return the folder of a new run: `output`, or one named by model, condition and time."""
    if config.run.output is not None:
        return Path(config.run.output).expanduser()
    now = time.strftime("%Y%m%d-%H%M%S")
    return Path("saved_models") / f"{config.generator.model}-{config.data.condition}-{now}"


def make_folder(folder: Path) -> None:
    """Make a run folder that can be written.

    Raises:
        OSError: it cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".lock").touch()
    except OSError as error:
        raise OSError(f"`output` {folder} cannot be written: {error.strerror}.") from error


def check_empty(folder: Path, allowed: Iterable[str] = ()) -> None:
    """Refuse a folder that holds another run or anything else.

    Args:
        folder: of the new run; it need not exist.
        allowed: names of files that may be in it, besides those that a start leaves that was
            killed at once.

    Raises:
        FileExistsError: saying what it is.
    """
    if (folder / "config.json").exists():
        raise FileExistsError(
            f"`output` {folder} holds another run. Give a new folder, or go on with that run: "
            f"--resume {folder}"
        )
    files.check_folder("output", folder)
    expected = {".lock", "environment.json", *allowed}
    if folder.exists() and any(
        path.name not in expected
        and not path.name.startswith(".tmp-")
        and not listing.is_litter(path.name)
        for path in folder.iterdir()
    ):
        raise FileExistsError(
            f"`output` {folder} is not empty, and is not a run folder. Give a new folder."
        )


def model_file(path: str) -> Path:
    """Return the file of the model that `init_from` names: a run folder or a `.keras` file.

    Raises:
        FileNotFoundError: there is none.
        ValueError: a newer version of tfdvae made the run.
    """
    file = Path(path).expanduser()
    records.check_maker(file)
    file = file / "generator.keras" if file.is_dir() else file
    if not file.is_file() and path in shipped.names():
        raise FileNotFoundError(
            f"`init_from` {path} comes with tfdvae; give its file, {shipped.file(path)}."
        )
    if not file.is_file():
        raise FileNotFoundError(
            f"`init_from` {path} must be a run folder with a generator.keras, or a .keras file."
        )
    return file


def recorded(folder: Path) -> dict[str, Any]:
    """Return what a run recorded as it began, its `environment.json`.

    Raises:
        FileNotFoundError: the folder holds no run.
        ValueError: the file is damaged.
    """
    if not (folder / "config.json").is_file():
        raise FileNotFoundError(f"`resume` {folder} is not a run folder: it has no config.json.")
    path = folder / "environment.json"
    return records.read(path, _ENVIRONMENT, "Bring it back, or begin a new run.", _MARKS)


def resumed_settings(asked: TrainConfig, given: Iterable[str]) -> TrainConfig:
    """Return the settings of the run that `asked.run.resume` names.

    Args:
        asked: settings that were asked for.
        given: names of those that were given, also with the value of their default: they must be
            the run's own, but for where its archives are and what is shown.

    Raises:
        FileNotFoundError: the folder holds no run.
        ValueError: another value than the run's was given, or `config.json` is not as a run
            writes it.
    """
    stored = TrainConfig.of_run(Path(str(asked.run.resume)).expanduser())
    ours, theirs = stored.settings(), asked.settings()
    names = set(theirs).intersection(given)
    for name in sorted(names.difference(_FREE)):
        if name == "white" and theirs[name] == "auto" and ours[name] is not None:
            continue  # it stands for the number that the run found
        if name == "classifier" and theirs[name] == AUTO:
            continue
        wanted, own = _absolute(name, theirs[name]), _absolute(name, ours[name])
        if wanted != own:
            raise ValueError(
                f"a resumed run keeps its own settings, and its `{name}` is {own!r}; "
                f"got {wanted!r}."
            )
    return stored.replace(**{name: theirs[name] for name in names.intersection(_FREE)})


def _absolute(name: str, value: Any) -> Any:
    """Return a setting as a run stores it: paths of images and models are absolute there."""
    is_path = name in _PATHS and value is not None
    if is_path and (name != "dataset" or sources.local(value) is not None):
        return str(files.absolute(value))
    return value
