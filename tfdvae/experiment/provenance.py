"""What a result depends on besides the settings: versions, processor, commit."""

import importlib.metadata
import logging
import platform
import subprocess
import time
from pathlib import Path
from typing import Any

import tfdvae

logger = logging.getLogger(__name__)

PACKAGES = (
    "tfdvae",
    "tensorflow",
    "keras",
    "numpy",
    "tensorflow-datasets",
    "matplotlib",
    "scipy",
    "scikit-learn",
    "pillow",
    "tifffile",
    "imagecodecs",
)


def environment() -> dict[str, Any]:
    """Return time, versions, platform, processor and commit, as `environment.json` has them."""
    return {
        "started": time.strftime("%Y-%m-%d %H:%M:%S %z"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": processor(),
        "packages": {name: importlib.metadata.version(name) for name in PACKAGES},
        "commit": commit(Path(tfdvae.__file__).parents[1]),
    }


def note_differences(recorded: dict[str, Any]) -> None:
    """Log a note for each thing that is not what it was when a run began: bits may then differ.

    Args:
        recorded: the `environment` of that time.
    """
    here = environment()
    for name in ("python", "processor", "packages", "commit"):
        if recorded.get(name) != here[name]:
            logger.warning(
                "NOTE: the run began with another `%s`; its results may differ in their last bits.",
                name,
            )


def commit(tree: Path) -> str | None:
    """Return the commit of a source tree; None for an installed package or where git is missing."""
    try:
        git = subprocess.run(
            ["git", "-C", tree, "rev-parse", "--show-toplevel", "HEAD"],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    top, found = git.stdout.splitlines()
    if Path(top) != tree.resolve():
        return None
    changed = subprocess.run(["git", "-C", tree, "diff", "--quiet", "HEAD"], check=False).returncode
    return f"{found}-modified" if changed else found


def processor() -> str:
    """Return the type of this machine's processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")),
        platform.processor(),
    )
