import logging
import os
import subprocess
import sys

import pytest

from tests.helpers.processes import ROOT
from tfdvae import csv_rows
from tfdvae.inference.record import Record

ROWS = [
    {"network": "mlp", "test_corruption": "gaussian:0.1", "metric": "psnr_input", "value": 20.0},
    {"network": "mlp", "test_corruption": "gaussian:0.1", "metric": "psnr", "value": 16.9},
    {"network": "mlp", "metric": "active_units", "value": 0.0},
]


def told(record, caplog):
    """Return what is logged when everything is said twice."""
    caplog.clear()
    for _ in range(2):
        record.say_harm()
        record.say_empty_code()
    assert {entry.levelno for entry in caplog.records} <= {logging.WARNING}
    return [entry.getMessage() for entry in caplog.records]


@pytest.mark.parametrize("name", ["generator.keras", "saved_model"])
def test_a_model_in_its_run_is_known_and_told_of_once(name, tmp_path, caplog):
    csv_rows.write_rows(tmp_path / "metrics.csv", ROWS)
    said = told(Record.beside(tmp_path / name, True, 4), caplog)
    assert [text[:31] for text in said] == [
        "NOTE: Denoising with this model",
        "NOTE: The code carries nothing:",
    ]
    assert len(told(Record.beside(tmp_path / name, False, 4), caplog)) == 1


def test_elsewhere_nothing_is_known(tmp_path, caplog):
    assert told(Record(), caplog) == []
    assert told(Record.beside(tmp_path / "generator.keras", True, 4), caplog) == []
    csv_rows.write_rows(tmp_path / "metrics.csv", ROWS)
    assert told(Record.beside(tmp_path / "other.keras", True, 4), caplog) == []
    (tmp_path / "metrics.csv").write_text("image,score\n")
    assert told(Record.beside(tmp_path / "generator.keras", True, 4), caplog) == []


DAMAGE = {  # of the last row, which ends with active_units,0, and a line feed
    "a cell too many": lambda text: text[:-1] + ",1\n",
    "a cell too few": lambda text: text[: text.rindex(",")] + "\n",
    "a field too long": lambda text: text + "a" * 200_000 + "\n",
    "a value that is no number": lambda text: text[:-2] + "x,\n",
    "an infinite value": lambda text: text[:-3] + "inf,\n",
    "NaN": lambda text: text[:-3] + "nan,\n",
    "a null character": lambda text: text[:-3] + "\0,\n",
    "another encoding": lambda text: text + "\xe9\n",
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_of_damaged_rows_nothing_is_known(damage, tmp_path, caplog):
    path = tmp_path / "metrics.csv"
    csv_rows.write_rows(path, ROWS)
    assert path.read_text().endswith(",active_units,0,\n")
    path.write_text(DAMAGE[damage](path.read_text()), encoding="latin-1")
    assert told(Record.beside(tmp_path / "generator.keras", True, 4), caplog) == []


def test_where_a_plugin_cannot_be_imported_nothing_is_known(tmp_path):
    """Its networks may be what the rows name."""
    csv_rows.write_rows(tmp_path / "metrics.csv", [row | {"network": "gone"} for row in ROWS])
    info = tmp_path / "broken-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[tfdvae]\nbroken = broken\n")
    (tmp_path / "broken.py").write_text("import nothing_of_that_name")
    code = (
        "from pathlib import Path\n"
        "from tfdvae.inference.record import Record\n"
        "Record.beside(Path('generator.keras'), True, 4).say_harm()"
    )
    subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])},
        check=True,
    )
