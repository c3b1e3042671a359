"""A study that is killed loses nothing; `tests/faults/kills.py` kills one, and a run, at many
moments, and `test_faults.py` kills runs.
"""

import numpy as np
import pytest

from tests.faults import kills

pytestmark = pytest.mark.slow


def test_killed_and_resumed_gives_the_same_bits(tmp_path):
    log = tmp_path / "kills.log"
    assert kills.run(tmp_path, ["study"], 1, 0, log), log.read_text()
    assert [line.split()[:2] for line in log.read_text().splitlines()[2:]] == [["1", "study"]]


def test_moments_cover_the_whole_time_and_every_file(tmp_path):
    job = kills.Job("train", (), kills.TRAIN_FILES, tmp_path)
    moments = job.moments(20, 3, 50.0)
    assert moments == job.moments(20, 3, 50.0)
    assert moments != job.moments(20, 4, 50.0)
    assert {moment.file for moment in moments[1::2]} == set(kills.TRAIN_FILES)
    tenths = [int(moment.seconds // 5) for moment in moments[::2]]
    assert tenths == list(range(10))


def test_what_differs_is_told(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    np.save(folder / "a.npy", np.arange(3))
    before = kills.results(folder)
    np.save(folder / "a.npy", np.arange(3)[::-1])
    assert list(before) == ["a.npy"]
    assert kills.results(folder) != before
