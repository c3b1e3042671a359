"""Denoises a folder on the machines of a Ray cluster, which share its files."""

import concurrent.futures
import os
import platform
from collections.abc import Sequence
from pathlib import Path

from tfdvae._utils import files
from tfdvae._utils.progress import bar
from tfdvae.computing.commands import Commands
from tfdvae.computing.ray_cluster import FEWER_AT_A_TIME, Cluster
from tfdvae.image_io import reader

_PARTS = 2  # for each place: where images differ, all are busy till near the end


def denoise(arguments: Sequence[str], source: Path, output: Path, cluster: Cluster) -> list[str]:
    """Denoise the files of a folder that are not there yet, and return notes on its images.

    Each part of the files is a command `tfdvae denoise --part` on one of the machines. A file is
    written in one step, so that of a machine that is lost only unfinished files are made again.
    Files that cannot be used are left to the caller.

    Args:
        arguments: of the command, but for `--part`.
        source: the folder, which all machines see.
        output: another, which all see and can write to.
        cluster: of the machines; it is left at the end.

    Raises:
        ChildProcessError: a part failed, or a machine does not see the folders.
    """
    count = min(len(reader.list_files(source)), _PARTS * cluster.places)
    notes: dict[str, None] = {}
    with (
        files.scratch_folder(output) as seen,
        bar("Denoising", count, unit="part") as progress,
        concurrent.futures.ThreadPoolExecutor(cluster.places) as pool,
    ):
        parts = [
            pool.submit(_compute, cluster, [*arguments, "--part", f"{number}/{count}"], seen)
            for number in range(1, count + 1)
        ]
        try:
            for done in concurrent.futures.as_completed(parts):
                notes |= dict.fromkeys(done.result())
                progress.update(1)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            cluster.stop()
    return list(notes)


def there(source: Path, output: Path) -> int:
    """Return how many files of a folder have a result."""
    return sum(os.path.exists(output / name) for name in reader.list_files(source))


def _compute(cluster: Cluster, arguments: list[str], seen: Path) -> list[str]:
    notes: list[str] = cluster.call(f"part {arguments[-1]}", _part, arguments, str(seen))
    return notes


def _part(arguments: list[str], seen: str) -> list[str]:
    """Run the command of a part on this machine, where it must find a folder within the output."""
    here = platform.node()
    if not Path(seen).is_dir():
        raise ChildProcessError(
            f"`output` {Path(seen).parent} is not seen by machine {here} of the cluster; it must "
            "lie where all machines find it."
        )
    return Commands(FEWER_AT_A_TIME).run(arguments, f"part {arguments[-1]} on machine {here}")
