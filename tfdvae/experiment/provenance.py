"""The main job as a list of stages. A run killed at any moment goes on with the first stage that is not done."""

import importlib.metadata
import logging
import platform
import subprocess
import time
from pathlib import Path

import tfdvae

logger = logging.getLogger(__name__)

_PACKAGES = ("tfdvae", "tensorflow", "keras", "numpy", "tensorflow-datasets", "matplotlib", "scipy", "scikit-learn", "pillow", "tifffile",
             "imagecodecs")  # fmt: skip


def _tell_differences(recorded: dict) -> None:
    """Say where this machine is not the one on which a run began: the bits may then differ."""
    here = environment()
    for name in ("python", "processor", "packages", "commit"):
        if recorded.get(name) != here[name]:
            logger.warning(
                "NOTE: the run began with another `%s`; its results may differ in their last bits.",
                name,
            )


def environment() -> dict:
    """Return what a result depends on besides the settings: versions, processor, commit."""
    return {
        "started": time.strftime("%Y-%m-%d %H:%M:%S %z"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": _processor(),
        "packages": {name: importlib.metadata.version(name) for name in _PACKAGES},
        "commit": _commit(Path(tfdvae.__file__).parents[1]),
    }


def _commit(tree: Path) -> str | None:
    """Return the commit of a source tree; None for an installed package, or where there is no git."""
    try:
        git = subprocess.run(
            ["git", "-C", tree, "rev-parse", "--show-toplevel", "HEAD"],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    top, commit = git.stdout.splitlines()
    if Path(top) != tree.resolve():
        return None
    changed = subprocess.run(["git", "-C", tree, "diff", "--quiet", "HEAD"], check=False).returncode
    return f"{commit}-modified" if changed else commit


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")),
        platform.processor(),
    )
