"""The folder of a new run, and the model that it starts from. TensorFlow is not imported."""

import time
from collections.abc import Iterable
from pathlib import Path

from tfdvae.config import TrainConfig


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
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"`output` {folder} is a file; a folder is needed.")
    expected = {".lock", "environment.json", *allowed}
    if folder.exists() and any(
        path.name not in expected and not path.name.startswith(".tmp-") for path in folder.iterdir()
    ):
        raise FileExistsError(
            f"`output` {folder} is not empty, and is not a run folder. Give a new folder."
        )


def model_file(path: str) -> Path:
    """Return the file of the model that `init_from` names: a run folder or a `.keras` file.

    Raises:
        FileNotFoundError: there is none.
    """
    file = Path(path).expanduser()
    file = file / "generator.keras" if file.is_dir() else file
    if not file.is_file():
        raise FileNotFoundError(
            f"`init_from` {path} must be a run folder with a generator.keras, or a .keras file."
        )
    return file
