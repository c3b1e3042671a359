import logging

import pytest

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
