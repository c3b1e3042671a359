"""Studies and folders on a Ray cluster of two machines, which are two nodes on this one."""

import importlib.util

import numpy as np
import pytest

from tests.helpers.processes import ROOT, run_tfdvae
from tests.helpers.requirements import lacking
from tfdvae import csv_rows
from tfdvae.image_io import codec

pytestmark = pytest.mark.slow
PLUGIN = '''
import dataclasses
import os
import time
from functools import partial

from tfdvae import csv_rows, register_study
from tfdvae.studies.settings import StudyConfig


def compute(config, cell, path):
    if config.marks:
        open(os.path.join(config.marks, f"{cell}-{os.getppid()}"), "x").close()
    time.sleep(config.wait)
    if cell == f"seed{config.broken}":
        raise ValueError("`broken` is broken.")
    row = {"study": "slow", "run": cell, "metric": "double", "value": 2 * int(cell[4:])}
    csv_rows.write_rows(path, [row])


def write_report(folder):
    (folder / "report.md").write_text("done")


def run(config):
    from tfdvae.studies import runner

    cells = [f"seed{seed}" for seed in config.seeds]
    return runner.run_study("slow", config, cells, {}, partial(compute, config))


@register_study("slow", function=run, report="slow_study:write_report")
@dataclasses.dataclass(frozen=True)
class SlowConfig(StudyConfig):
    """Double the seeds slowly."""

    dataset: str = "digits"
    """Not used."""
    wait: float = 0.0
    """Seconds."""
    broken: int = -1
    """The seed whose cell fails."""
    marks: str | None = None
    """A folder in which each start of a cell leaves a file."""
'''


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """Two nodes with a core each, which find the study as an installed package."""
    if importlib.util.find_spec("ray") is None:
        lacking("ray is missing: pip install -e '.[ray]'")
    from ray.cluster_utils import Cluster

    info = tmp_path / "site" / "slow_study-1.0.dist-info"
    info.mkdir(parents=True)
    (tmp_path / "site" / "slow_study.py").write_text(PLUGIN)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: slow-study\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[tfdvae]\nslow = slow_study\n")
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}:{tmp_path / 'site'}")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    made.add_node(num_cpus=1)
    yield made
    made.shutdown()


def study(folder, *options, cluster=None, **how):
    where = [] if cluster is None else ["--executor", "ray", "--address", cluster.address]
    fixed = ("--seeds", *range(4), "--threads", 1, "--output", folder)
    return run_tfdvae("study", "slow", *fixed, *where, *options, **how)


def test_a_machine_is_lost_in_the_middle(cluster, tmp_path):
    """Each cell ends up in the rows once, with the values of a study on this machine alone."""
    alone = study(tmp_path / "alone")
    assert alone.returncode == 0, alone.stderr
    marks = tmp_path / "marks"
    marks.mkdir()

    def lose_a_machine():
        started = [path.name.rpartition("-") for path in marks.iterdir()]
        if len({parent for _, _, parent in started}) >= 2 and len(cluster.list_all_nodes()) == 2:
            cluster.remove_node(cluster.worker_nodes.copy().pop(), allow_graceful=False)
        return False

    options = ("--wait", 3, "--marks", marks)
    done = study(tmp_path / "ray", *options, cluster=cluster, stop_when=lose_a_machine)
    assert done.returncode == 0, done.stderr
    assert len(cluster.list_all_nodes()) == 1
    assert len(list(marks.iterdir())) == 5, "the cell of the machine that was lost began twice"
    rows = [csv_rows.read_rows(tmp_path / name / "rows.csv") for name in ("alone", "ray")]
    assert rows[0] == rows[1]
    assert [row["value"] for row in rows[1]] == ["0", "2", "4", "6"]
    assert (tmp_path / "ray" / "report.md").read_text() == "done"


def test_a_cell_that_fails_is_named_and_the_others_are_kept(cluster, tmp_path):
    done = study(tmp_path / "ray", "--broken", 3, cluster=cluster)
    assert done.returncode != 0
    assert "cell seed3 failed with status 2" in done.stderr
    assert "`broken` is broken." in done.stderr
    assert "Traceback" not in done.stderr
    again = study(tmp_path / "ray", cluster=cluster)
    assert again.returncode == 0, again.stderr
    assert len(csv_rows.read_rows(tmp_path / "ray" / "rows.csv")) == 4


def test_refused(cluster, tmp_path):
    for options, message in {
        ("--address", "127.0.0.1:1"): "`address` 127.0.0.1:1 is no Ray cluster",
        ("--threads", 64): "`threads` must be at most 1, the cores of the largest machine",
    }.items():
        output = tmp_path / options[0]
        fixed = ("--executor", "ray", "--output", output)
        given = options if "--address" in options else (*options, "--address", cluster.address)
        done = run_tfdvae("study", "slow", *fixed, *given)
        assert (done.returncode, "Traceback" in done.stderr) == (2, False), done.stderr
        assert message in done.stderr
        assert not (output / "rows.csv").exists()


def test_a_folder_is_denoised_though_a_machine_is_lost(cluster, tmp_path):
    """Each image is once in the output, as this machine alone makes it."""
    noise = np.random.default_rng(0)
    for number in range(40):
        place = tmp_path / "in" / "ab"[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        codec.write(place / f"{number}.png", noise.integers(0, 256, (28, 28, 1), dtype=np.uint8))
    (tmp_path / "in" / "broken.png").write_text("no image")

    def denoise(output, *options, **how):
        return run_tfdvae(
            *("denoise", "clothing-denoiser", tmp_path / "in", tmp_path / output, *options), **how
        )

    def lose_a_machine():
        if any((tmp_path / "ray").rglob("*.png")) and len(cluster.list_all_nodes()) == 2:
            cluster.remove_node(cluster.worker_nodes.copy().pop(), allow_graceful=False)
        return False

    alone = denoise("alone", "--threads", 1)
    options = ("--executor", "ray", "--address", cluster.address)
    done = denoise("ray", *options, stop_when=lose_a_machine)
    assert len(cluster.list_all_nodes()) == 1
    for process, output, unit in ((alone, "alone", "images"), (done, "ray", "files")):
        assert process.returncode == 1, process.stderr
        told = f"40 {unit} in {tmp_path / output}\n"
        assert process.stdout.endswith(told)  # Ray tells of losses before
        assert process.stderr.count("broken.png cannot be read") == 1
        assert "Traceback" not in process.stderr
    assert "the cluster left" not in done.stderr, "made on this machine in its place"
    written = [
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.png")}
        for folder in (tmp_path / "alone", tmp_path / "ray")
    ]
    assert written[0] == written[1]
    assert len(written[0]) == 40
    again = denoise("ray", "--executor", "ray", "--address", "127.0.0.1:1")
    assert again.returncode == 2, "the broken one is missing, so that the cluster is needed"
    (tmp_path / "in" / "broken.png").unlink()
    again = denoise("ray", "--executor", "ray", "--address", "127.0.0.1:1")
    assert again.returncode == 0, again.stderr
    assert "0 files in" in again.stdout
    assert "40 already there" in again.stdout


def test_a_part_without_an_image_that_can_be_used_stops_no_other(cluster, tmp_path):
    """Each file is a part of its own here; paths are relative, and begin with a hyphen."""
    (tmp_path / "-in").mkdir()
    codec.write(tmp_path / "-in" / "a.png", np.full((28, 28, 1), 9, np.uint8))
    (tmp_path / "-in" / "b.png").write_text("no image")
    options = ("--executor", "ray", "--address", cluster.address, "--debug")
    done = run_tfdvae(
        *("denoise", *options, "--", "clothing-denoiser", "-in", "-out"), cwd=tmp_path
    )
    assert (done.returncode, done.stderr.count("b.png cannot be read")) == (1, 1), done.stderr
    assert "1 file in -out" in done.stdout
    assert "the cluster left" not in done.stderr
    assert [path.name for path in (tmp_path / "-out").glob("*")] == ["a.png"]
