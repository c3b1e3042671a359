"""Kill a run and a study at many moments, and show that nothing is lost and nothing is wrong.

    python -m tests.faults.kills --kills 40 --seed 0

Half of the kills are of a small `tfdvae train`, half of a small study with two workers. Half of
each come at random moments of the time that it takes undisturbed, a moment in each equal part of
it; the others come while a certain file is written. Each time the whole process group is sent
SIGKILL, the same job goes on to its end, and all its weights, rows and arrays must be, bit for
bit, those of a job that nobody disturbed. No temporary file and no process may be left.

What this does not show is a study that is killed alone, while the processes of its cells live on:
`test_no_cell_of_a_study_outlives_it` in `tests/e2e/test_faults.py` does.

`tests/faults/kills.log` gets a line for each kill: number, job, moment, stage, result. Started
again with the same arguments, the script goes on after the last line. The exit status is 1 where a
result is not `same`.
"""

import argparse
import hashlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from tests.helpers import small_digits
from tests.helpers.processes import ROOT

LOG = ROOT / "tests" / "faults" / "kills.log"
TRAIN = (
    "train --n-train 200 --noisy-train --sets limited dvae --epochs 24 --batch-size 10 "
    "--classifier-steps 110 --test-noise 0 0.1 --threads 2"
)
STUDY = (
    "study augmentation --n-train 60 --epochs 2 --classifier-steps 4 --seeds 0 1 --threads 1 "
    "--workers 2 --conditions noisy --sets limited dvae --protocols equal_steps "
    "--test-noise 0 0.1"
)
TRAIN_FILES = (  # of each stage one, and of the trainings also a later one
    "checkpoints/data",
    "checkpoints/generator/round-000005",
    "generator.keras",
    "augmentation",
    "checkpoints/classifier-limited/round-000001",
    "classifier-dvae.keras",
    "metrics.csv",
    "figures/*.png",
    "saved_model",
    "report.html",
)
STUDY_FILES = (
    "config.json",
    "cells/noisy-limited-equal_steps-seed0.csv",
    "cells/noisy-latent-dvae-seed1.csv",
    "cells/noisy-dvae-equal_steps-seed0.npz",
    "cells/noisy-dvae-equal_steps-seed1.csv",
    "environment.json",
    "rows.csv",
    "bootstrap.npz",
    "figures/*.png",
    "report.html",
)


@dataclass(frozen=True)
class Moment:
    """When a job is killed.

    Attributes:
        seconds: after its start; None where a file tells it.
        file: while this one is written, or as soon as it is there: a pattern below its folder.
    """

    seconds: float | None = None
    file: str = ""

    def __str__(self) -> str:
        return f"writing {self.file}" if self.file else f"after {self.seconds:.2f} s"

    def has_come(self, folder: Path, begun: float) -> bool:
        """Tell whether the job in a folder, begun at a time, is now to be killed."""
        if self.seconds is not None:
            return time.monotonic() - begun >= self.seconds
        parent, _, name = f"./{self.file}".rpartition("/")
        place = folder / parent
        return any(place.glob(f".tmp-*-{name}")) or any(place.glob(name))


@dataclass(frozen=True)
class Job:
    """What is killed.

    Attributes:
        name: `train` or `study`.
        arguments: of `tfdvae`, without data and folder.
        files: that are watched.
        work: a folder for this job.
    """

    name: str
    arguments: tuple[str, ...]
    files: tuple[str, ...]
    work: Path

    def command(self, folder: Path) -> list[str]:
        """Return the command that begins the job in a folder, or goes on with it."""
        arguments = [*self.arguments, "--dataset", str(self.work / "digits.npz")]
        arguments += ["--output", str(folder)]
        if self.name == "train" and (folder / "config.json").exists():
            arguments = ["train", "--resume", str(folder)]
        return [sys.executable, "-u", "-m", "tfdvae", *arguments]

    def moments(self, count: int, seed: int, seconds: float) -> list[Moment]:
        """Return the moments of so many kills, given the seconds that the job takes undisturbed."""
        random = np.random.default_rng([seed, len(self.files[0])])
        timed = (count + 1) // 2
        parts = (np.arange(timed) + random.random(timed)) / timed
        watched = [self.files[index] for index in random.permutation(len(self.files))]
        listed = []
        for number in range(count):
            file = watched[number // 2 % len(watched)]
            late = Moment(seconds=float(parts[number // 2] * seconds))
            listed.append(Moment(file=file) if number % 2 else late)
        return listed


def jobs(work: Path) -> dict[str, Job]:
    """Return both jobs by name; their data are written into their folders below `work`."""
    listed = {"train": (TRAIN, TRAIN_FILES), "study": (STUDY, STUDY_FILES)}
    made = {}
    for name, (arguments, watched) in listed.items():
        (work / name).mkdir(parents=True, exist_ok=True)
        if not (work / name / "digits.npz").exists():
            small_digits.write(work / name / "digits.npz")
        made[name] = Job(name, tuple(arguments.split()), watched, work / name)
    return made


def start(command: list[str], log: Path) -> subprocess.Popen:
    """Start a command as a process group of its own; a file gets what it says."""
    with open(log, "ab") as out:
        return subprocess.Popen(
            command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
        )


def finish(command: list[str], log: Path, timeout: float = 900) -> int | None:
    """Run a command to its end and return its status; None where it takes too long."""
    process = start(command, log)
    try:
        return process.wait(timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return None


def kill(command: list[str], folder: Path, moment: Moment, log: Path) -> bool:
    """Start a command and kill its process group at a moment; False where it ended before."""
    begun = time.monotonic()
    process = start(command, log)
    while process.poll() is None:
        if moment.has_come(folder, begun):
            os.killpg(process.pid, signal.SIGKILL)
            return process.wait() == -signal.SIGKILL
        time.sleep(0.0005)
    return False


def alive(folder: Path, seconds: float = 10) -> list[str]:
    """Return the command lines of processes that work in a folder after so many seconds."""
    deadline = time.monotonic() + seconds
    while (found := list(_command_lines(folder))) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def _command_lines(folder: Path):
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_text(errors="replace").split("\0")
        except OSError:  # it has ended
            continue
        if str(folder) in words:
            yield " ".join(words)


def stage(log: Path) -> str:
    """Return the stage that a run was in, or the cell that a study had computed last."""
    found = re.findall(r"^\[(\d+/\d+)\] ([^\s;:]+)(?!.*done before)", log.read_text(), re.M)
    return " ".join(found[-1]) if found else "start"


def results(folder: Path) -> dict[str, str]:
    """Return a hash of every model's weights, of every table and of every array, by its file."""
    readers: dict[str, Callable[[Path], bytes]] = {
        ".keras": lambda path: _datasets(zipfile.ZipFile(path).read("model.weights.h5")),
        ".index": _saved_model,
        ".npz": _arrays,
        ".npy": Path.read_bytes,
        ".csv": Path.read_bytes,
    }
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(readers[path.suffix](path)).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.suffix in readers
    }


def _datasets(content: bytes) -> bytes:
    found: list[bytes] = []
    with h5py.File(io.BytesIO(content)) as file:
        file.visititems(
            lambda name, item: (
                found.extend([name.encode(), item[()].tobytes()])
                if isinstance(item, h5py.Dataset)
                else None
            )
        )
    return b"".join(found)


def _saved_model(index: Path) -> bytes:
    """Keras numbers the variables of a SavedModel in any order."""
    import tensorflow as tf

    reader = tf.train.load_checkpoint(str(index.with_suffix("")))
    names = set(reader.get_variable_to_shape_map()) - {"_CHECKPOINTABLE_OBJECT_GRAPH"}
    return b"".join(sorted(np.asarray(reader.get_tensor(name)).tobytes() for name in names))


def _arrays(path: Path) -> bytes:
    with np.load(path) as arrays:
        return b"".join(name.encode() + arrays[name].tobytes() for name in sorted(arrays.files))


def fingerprint() -> str:
    """Return what changes with the code of the package."""
    digest = hashlib.sha256()
    for path in sorted((ROOT / "tfdvae").rglob("*.py")):
        digest.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def undisturbed(job: Job) -> tuple[float, dict[str, str]]:
    """Return the seconds and the results of a job that nobody disturbs; it is done once."""
    record = job.work / "undisturbed.json"
    if not record.exists():
        folder = job.work / "undisturbed"
        shutil.rmtree(folder, ignore_errors=True)
        begun = time.monotonic()
        status = finish(job.command(folder), job.work / "undisturbed.log")
        seconds = time.monotonic() - begun
        if status != 0:
            raise SystemExit(f"{job.name} failed: {(job.work / 'undisturbed.log').read_text()}")
        record.write_text(json.dumps([seconds, results(folder)]))
    seconds, found = json.loads(record.read_text())
    return seconds, found


def judge(job: Job, folder: Path, log: Path, expected: dict[str, str]) -> str:
    """Go on with a job that was killed and return `same`, or all that is wrong."""
    wrong = [f"lives on: {line}" for line in alive(folder)]
    status = finish(job.command(folder), log)
    if status != 0:
        last = log.read_text().strip().rpartition("\n")[2]
        return "; ".join([*wrong, f"status {status}: {last}"])
    found = results(folder)
    names = sorted({*found, *expected})
    wrong += [f"differs: {name}" for name in names if found.get(name) != expected.get(name)]
    wrong += [f"left: {path.relative_to(folder)}" for path in sorted(folder.rglob(".tmp-*"))]
    wrong += [f"lives on: {line}" for line in alive(folder)]
    return "; ".join(wrong) or "same"


def trial(job: Job, moment: Moment, expected: dict[str, str]) -> tuple[str, str, str]:
    """Kill a job at a moment, go on with it, and return moment, stage and result.

    Where the job was faster than the moment, it is killed a tenth earlier.
    """
    folder, log = job.work / "killed", job.work / "killed.log"
    while True:
        shutil.rmtree(folder, ignore_errors=True)
        log.write_text("")
        if kill(job.command(folder), folder, moment, log):
            break
        if moment.seconds is None:
            return str(moment), stage(log), "ended before it was killed"
        moment = Moment(seconds=0.9 * moment.seconds)
    cut_off = ", cut off" if any(folder.rglob(".tmp-*")) else ""
    where = stage(log)
    return f"{moment}{cut_off}", where, judge(job, folder, log, expected)


def run(work: Path, names: list[str], kills: int, seed: int, log: Path) -> bool:
    """Do what is not yet in the log; tell whether all results are `same`.

    Args:
        work: folder for runs and studies, some megabytes.
        names: jobs to kill, `train` or `study` or both.
        kills: in all; the first job gets the odd one.
        seed: of the moments.
        log: gets a line for each kill.

    Raises:
        SystemExit: the log is of other arguments or other code, or a job fails undisturbed.
    """
    code = fingerprint()
    header = f"# {kills} kills of {' and '.join(names)}, seed {seed}, tfdvae {code}"
    if not log.exists():
        log.write_text(f"{header}\n# number, job, moment, stage, result\n")
    lines = log.read_text().splitlines()
    if lines[0] != header:
        raise SystemExit(f"{log} is of other arguments or code: {lines[0]}")
    done = {int(line.split()[0]) for line in lines[2:]}
    made, number = jobs(work / code), 0
    for place, name in enumerate(names):
        job, count = made[name], (kills + len(names) - 1 - place) // len(names)
        numbers = range(number + 1, number + count + 1)
        number += count
        if done.issuperset(numbers):
            continue
        seconds, expected = undisturbed(job)
        for each, moment in zip(numbers, job.moments(count, seed, seconds), strict=True):
            if each in done:
                continue
            when, where, result = trial(job, moment, expected)
            line = f"{each:3} {name:5} {when:58} {where:38} {result}"
            with open(log, "a") as file:
                file.write(f"{line}\n")
            print(line, flush=True)
    return all(line.endswith(" same") for line in log.read_text().splitlines()[2:])


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kills", type=int, default=40, metavar="N")
    parser.add_argument("--seed", type=int, default=0, metavar="S")
    parser.add_argument("--log", type=Path, default=LOG, metavar="FILE")
    parser.add_argument(
        "--work", type=Path, help="folder for what is run; default: one in the temporary folder"
    )
    alone = parser.add_mutually_exclusive_group()
    alone.add_argument("--train-only", action="store_true")
    alone.add_argument("--study-only", action="store_true")
    given = parser.parse_args()
    if given.kills < 2:
        parser.error("--kills must be 2 or more")
    names = [] if given.study_only else ["train"]
    names += [] if given.train_only else ["study"]
    work = given.work or Path(tempfile.gettempdir()) / "tfdvae-kills"
    return 0 if run(work.resolve(), names, given.kills, given.seed, given.log) else 1


if __name__ == "__main__":
    sys.exit(main())
