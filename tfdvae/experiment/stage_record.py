"""`stages.json`: which stages of a run are done, and the checksums of what they left."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tfdvae._utils import files, records

_READ_LATER = (".keras", ".json", ".csv", ".npy")  # of what a stage leaves


def read(record: Path) -> dict[str, Any]:
    """Return what `stages.json` says of the stages that are done."""
    if not record.exists():
        return {}
    remedy = "Delete it: the same command then does the stages again."
    done = records.read(record, {}, remedy)
    kinds: records.Kinds = {"seconds": records.NUMBER, "summary": str}
    for stage in done.values():
        records.check(stage, kinds, record, remedy, {"sha256": dict})
    return done


def sums(folder: Path, outputs: Iterable[str]) -> dict[str, str]:
    """Return the checksums of those files that a stage leaves and a later one reads."""
    found = [path for output in outputs for path in (folder / output, *(folder / output).glob("*"))]
    read = [path for path in found if path.suffix in _READ_LATER and path.is_file()]
    return {path.relative_to(folder).as_posix(): files.sha256(path) for path in read}


def check(folder: Path, stage: dict[str, Any]) -> None:
    """Refuse files of a finished stage that are not as it left them.

    Raises:
        ValueError: naming the file.
    """
    for output, sum_ in stage.get("sha256", {}).items():
        path = folder / output
        what = f"the folder {path.parent}" if path.suffix == ".npy" else "it"
        if not path.is_file() or files.sha256(path) != sum_:
            raise ValueError(
                f"{path} is damaged: it is not as the run left it. Delete {what}: the same command "
                "then makes it again."
            )
