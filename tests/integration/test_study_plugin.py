"""A study of another package, found by its entry point, from the command line and from Python."""

import numpy as np
import pytest

import tfdvae
from tests.helpers.processes import ROOT, run_tfdvae
from tfdvae import csv_rows

PLUGIN = '''
import dataclasses
from functools import partial

from tfdvae import register_study
from tfdvae import csv_rows
from tfdvae.studies.settings import StudyConfig


def compute(config, cell, path):
    value = config.scale * int(cell.removeprefix("seed"))
    csv_rows.write_rows(path, [{"study": "mine", "run": cell, "metric": "double", "value": value}])


def write_report(folder):
    from tfdvae.reporting.document import Document, Table

    rows = csv_rows.read_rows(folder / "rows.csv")
    Document("Mine", [Table(["run", "value"], [[row["run"], row["value"]] for row in rows])]).write(
        folder
    )


def run(config):
    from tfdvae.studies import runner

    cells = [f"seed{seed}" for seed in config.seeds]
    settings = {"scale": config.scale}
    return runner.run_study("mine", config, cells, settings, partial(compute, config))


@register_study("mine", function=run, report="mine:write_report")
@dataclasses.dataclass(frozen=True)
class MineConfig(StudyConfig):
    """Double the seeds."""

    dataset: str = "digits"
    """Not used."""
    scale: int = 2
    """Factor."""
'''


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """A folder on PYTHONPATH that looks like an installed package."""
    (tmp_path / "site" / "mine-1.0.dist-info").mkdir(parents=True)
    (tmp_path / "site" / "mine.py").write_text(PLUGIN)
    info = tmp_path / "site" / "mine-1.0.dist-info"
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[tfdvae]\nmine = mine\n")
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}:{tmp_path / 'site'}")


@pytest.mark.usefixtures("plugin")
@pytest.mark.slow
def test_a_study_of_another_package(tmp_path):
    assert "mine          Double the seeds." in run_tfdvae("study", "list").stdout
    folder = tmp_path / "out"
    process = run_tfdvae(
        "study", "mine", "--seeds", "3", "--scale", "5", "--threads", "1", "--output", folder
    )
    assert process.returncode == 0, process.stderr
    assert [row["value"] for row in csv_rows.read_rows(folder / "rows.csv")] == ["15"]
    assert "| seed3 | 15 |" in (folder / "report.md").read_text()
    assert "15</td>" in (folder / "report.html").read_text()


@pytest.mark.slow
def test_a_quick_study_of_arrays_from_python(tmp_path):
    random = np.random.default_rng(0)
    labels = np.arange(60) % 2
    images = (random.random((60, 12, 12)) / 2 + labels[:, None, None] / 2).astype(np.float32)
    data = tfdvae.ImageDataset.from_arrays(images, labels)
    settings = {
        "output": tmp_path / "out",
        "quick": True,
        "sets": ["limited", "classical"],
        "seeds": [0, 1],
        "classifier_steps": 3,
        "other_noise": ["masking:0.1"],
        "test_noise": ["0"],
    }
    folder = tfdvae.study("augmentation", dataset=data, **settings)
    assert folder == tmp_path / "out"
    rows = csv_rows.read_rows(folder / "rows.csv")
    assert {row["dataset"] for row in rows} == {"dataset.npz"}
    assert {row["augmentation"] for row in rows} == {"limited", "classical"}
    assert "## Verdict" in (folder / "report.md").read_text()
    written = (folder / "rows.csv").read_bytes()
    assert tfdvae.study("augmentation", dataset=data, **settings) == folder
    assert (folder / "rows.csv").read_bytes() == written
    others = tfdvae.ImageDataset.from_arrays(1 - images, labels)
    with pytest.raises(ValueError, match="holds a study of other images"):
        tfdvae.study("augmentation", dataset=others, **settings)
