"""Studies whose files are damaged: computed again, put together again, or refused by name."""

import json
import re
import shutil
import zipfile

import numpy as np
import pytest

import tfdvae
from tfdvae import csv_rows
from tfdvae._utils import files, limits, threads
from tfdvae.studies import dataset_info, runner
from tfdvae.studies.settings import StudyConfig

CELLS = ("a-0.1-seed0", "b")


@pytest.fixture(autouse=True)
def _threads(monkeypatch):
    """TensorFlow may work in this process already, with another number of threads."""
    monkeypatch.setattr(threads, "use_threads", lambda count: count)


class Study:
    """A study of two cells in a folder, each of two rows and some arrays."""

    def __init__(self, folder):
        self.folder, self.computed = folder, []

    def compute(self, cell, path):
        self.computed.append(cell)
        files.write_npz(path.parent / f"{cell}.npz", {"x": np.arange(99.0)})
        rows = [{"study": "mine", "run": cell, "step": step, "value": 0.125} for step in (1, 2)]
        csv_rows.write_rows(path, rows)

    def report(self, folder):
        files.write_npz(folder / "bootstrap.npz", {"x": np.arange(99.0)})

    def start(self, cells=CELLS, **settings):
        """Run the study, and return the cells that were computed."""
        self.computed = []
        config = StudyConfig(dataset="digits", threads=1, output=str(self.folder))
        runner.run_study(
            "mine", config, cells, settings, self.compute, self.report, in_process=True
        )
        return self.computed


@pytest.fixture
def study(tmp_path):
    """A finished study."""
    made = Study(tmp_path)
    assert made.start() == list(CELLS)
    return made


def cut(content):
    return content[: len(content) - 9]


def without_last_line(content):
    return b"".join(content.splitlines(True)[:-1])


def nothing(content):
    return b""


def other(content):
    return b"a,b\n1,2\n"


def wrong_number(content):
    return content.replace(b"0.125", b"0.1x5")


def of_another_cell(content):
    return content.replace(b"mine,b,", b"mine,c,")


DAMAGES = (cut, without_last_line, nothing, other, wrong_number)


def damaged(path, damage):
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    assert path.read_bytes() != whole
    return whole


@pytest.mark.parametrize("damage", DAMAGES)
def test_rows_of_all_cells_are_written_anew_from_those_of_each(damage, study, caplog):
    whole = damaged(study.folder / "rows.csv", damage)
    assert study.start() == []
    assert (study.folder / "rows.csv").read_bytes() == whole
    assert "rows.csv is damaged: " in caplog.text
    assert "It is written anew from the files in cells/." in caplog.text
    assert (study.folder / "rows.csv.damaged").read_bytes() == damage(whole)


@pytest.mark.parametrize("damage", DAMAGES)
def test_rows_that_are_all_that_is_left_are_refused_and_kept(damage, study):
    for path in (study.folder / "cells").iterdir():
        path.unlink()
    (study.folder / "cells").rmdir()
    assert study.start() == []  # as in a clone
    damaged(study.folder / "rows.csv", damage)
    before = (study.folder / "rows.csv").read_bytes()
    with pytest.raises(ValueError, match=r"rows\.csv is damaged: .*2 cells .* computed again\."):
        study.start()
    assert (study.folder / "rows.csv").read_bytes() == before
    (study.folder / "rows.csv").unlink()
    assert study.start() == list(CELLS)


def test_what_a_start_would_compute_is_told_and_nothing_changed(study, caplog):
    """Rows of a cell are cut off, and those of all cells with them."""
    for name in ("cells/b.csv", "rows.csv"):
        damaged(study.folder / name, without_last_line)
    config = StudyConfig(dataset="digits", threads=1, output=str(study.folder))
    before = contents(study.folder)
    with pytest.raises(ValueError, match=r"rows\.csv is damaged: .*1 cells .* computed again\."):
        runner.cells_to_compute("mine", config, CELLS, {})
    (study.folder / "rows.csv").unlink()
    assert runner.cells_to_compute("mine", config, ["c", *CELLS], {}) == ["c", "b"]
    assert "b.csv is damaged: it has 1 of the 2 rows of b. The cell is to be" in caplog.text
    before.pop(study.folder / "rows.csv")
    assert contents(study.folder) == before


def test_what_a_killed_start_was_writing_is_removed(study):
    left = study.folder / "cells" / ".tmp-1-b.csv"
    for path in (left, study.folder / ".tmp-1-rows.csv"):
        path.write_text("study,run")
    assert study.start() == []
    assert not list(study.folder.rglob(".tmp-*"))


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def as_cloned(study):
    """Leave the rows and settings alone, as a repository of results has them."""
    shutil.rmtree(study.folder / "cells")
    (study.folder / "environment.json").unlink()


@pytest.mark.parametrize("damage", [cut, lambda content: content[:-75], wrong_number])
def test_rows_of_a_clone_that_was_added_to_are_refused_and_kept(damage, study):
    """The files in `cells` are then of the new cells alone."""
    as_cloned(study)
    assert study.start(cells=(*CELLS, "c")) == ["c"]
    damaged(study.folder / "rows.csv", damage)
    before = contents(study.folder)
    with pytest.raises(ValueError, match=r"rows\.csv is damaged: .* Bring it back, or move it"):
        study.start(cells=(*CELLS, "c"))
    assert contents(study.folder) == before


def test_nothing_is_changed_where_both_a_cell_and_all_rows_are_damaged(study):
    damaged(study.folder / "rows.csv", cut)
    damaged(study.folder / "cells" / "b.csv", cut)
    before = contents(study.folder)
    with pytest.raises(ValueError, match=r"rows\.csv is damaged: .*1 cells without a whole file"):
        study.start()
    assert contents(study.folder) == before


@pytest.mark.parametrize("damage", [*DAMAGES, of_another_cell])
@pytest.mark.parametrize("alone", [True, False])
def test_a_cell_with_damaged_rows_is_computed_again(damage, alone, study, caplog):
    whole = (study.folder / "rows.csv").read_bytes()
    before = damage(damaged(study.folder / "cells" / "b.csv", damage))
    if not alone:
        (study.folder / "rows.csv").unlink()
    assert study.start() == ["b"]
    assert "b.csv is damaged: " in caplog.text
    assert "The cell is computed again." in caplog.text
    assert (study.folder / "cells" / "b.csv.damaged").read_bytes() == before
    assert (study.folder / "cells" / "b.npz.damaged").exists()
    assert (study.folder / "rows.csv").read_bytes() == whole


@pytest.mark.parametrize("damage", [cut, nothing, other, lambda content: content[:-30] + b"?" * 30])
def test_a_cell_with_damaged_arrays_is_computed_again(damage, study, caplog):
    whole = (study.folder / "rows.csv").read_bytes()
    kept = damaged(study.folder / "cells" / f"{CELLS[0]}.npz", damage)
    assert study.start() == [CELLS[0]]
    assert f"{CELLS[0]}.npz is damaged: " in caplog.text
    assert len((study.folder / "cells" / f"{CELLS[0]}.npz").read_bytes()) == len(kept)
    assert (study.folder / "rows.csv").read_bytes() == whole


def test_a_damaged_cell_of_another_version_is_refused_and_kept(study):
    kept = json.loads((study.folder / "config.json").read_text()) | {"tfdvae": "0.0.1"}
    files.write_json(study.folder / "config.json", kept)
    assert study.start() == []
    whole = damaged(study.folder / "rows.csv", cut)
    assert study.start() == []  # all cells have their own files
    assert (study.folder / "rows.csv").read_bytes() == whole
    for name in ("b.npz", "b.csv"):
        damaged(study.folder / "cells" / name, cut)
        before = contents(study.folder)
        with pytest.raises(ValueError, match=r"b\.\w+ is damaged: .* The version that made the"):
            study.start()
        assert contents(study.folder) == before


def test_files_that_cannot_be_read_are_left_as_they_are(study, monkeypatch):
    before = contents(study.folder)

    def failing(*arguments, **settings):
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as patched:
        patched.setattr(zipfile, "ZipFile", failing)
        with pytest.raises(OSError, match="Too many open files"):
            study.start()
    assert contents(study.folder) == before
    with limits.use(memory_bytes=1):
        assert study.start() == [], "its own files may be of any size"


def test_cells_without_rows_or_values_are_whole(study):
    path = study.folder / "cells" / "c.csv"
    csv_rows.write_rows(path, [])
    csv_rows.write_rows(study.folder / "cells" / "d.csv", [{"study": "mine", "run": "d"}])
    before = path.read_bytes()
    for _ in range(2):
        assert study.start(cells=(*CELLS, "c", "d")) == []
    assert path.read_bytes() == before


@pytest.mark.parametrize(("count", "computed"), [(1, []), (2, []), (3, ["b"])])
def test_only_fewer_rows_than_were_counted_are_damage(count, computed, study):
    """A cell that was computed alone since then is not counted anew."""
    path = study.folder / "environment.json"
    (start,) = files.read_json(path)
    files.write_json(path, [start | {"rows": {"b": count}}])
    (study.folder / "rows.csv").unlink()
    assert study.start() == computed


@pytest.mark.parametrize("rows", [5, [], None, {"b": "2"}, {"b": 1.5}, {"b": True}])
def test_counts_of_another_shape_are_named_with_what_to_do(rows, study):
    path = study.folder / "environment.json"
    (start,) = files.read_json(path)
    files.write_json(path, [start | {"rows": rows}])
    with pytest.raises(ValueError, match=r"environment\.json is damaged: its `rows` must .* Bring"):
        study.start()
    del start["rows"]
    files.write_json(path, [start])
    assert study.start() == []


@pytest.mark.parametrize("damage", [cut, nothing, other])
def test_arrays_of_all_cells_are_made_anew_or_refused(damage, study, caplog):
    damaged(study.folder / "bootstrap.npz", damage)
    assert study.start() == []
    assert "bootstrap.npz is damaged: " in caplog.text
    with np.load(study.folder / "bootstrap.npz") as arrays:
        assert len(arrays["x"]) == 99
    for path in (study.folder / "cells").iterdir():
        path.unlink()
    damaged(study.folder / "bootstrap.npz", damage)
    with pytest.raises(ValueError, match=r"bootstrap\.npz is damaged: .* Bring it back, or move"):
        study.start()


OTHERS = ["[]", "null", "5", "{", "", '"a"', '{"threads": "1"}', '[{"seconds": 1}]']


@pytest.mark.parametrize(
    ("name", "content"),
    [
        *(("config.json", content) for content in OTHERS),
        *(("environment.json", content) for content in OTHERS[1:]),
    ],
)
def test_records_of_another_shape_are_named_with_what_to_do(name, content, study):
    (study.folder / name).write_text(content)
    with pytest.raises(ValueError, match=rf"{name} is (damaged|not valid JSON): .*Bring it back"):
        study.start()


def test_settings_that_are_gone_are_not_taken_for_those_of_no_study(study):
    (study.folder / "config.json").write_text("{}")
    with pytest.raises(ValueError, match="holds a study with other settings"):
        study.start()


@pytest.mark.parametrize("content", OTHERS)
def test_facts_of_another_shape_are_named_with_what_to_do(content, tmp_path):
    (tmp_path / "dataset.json").write_text(content)
    with pytest.raises(ValueError, match=r"dataset\.json is .* Delete it, and start the study"):
        dataset_info.DatasetInfo.read(tmp_path)


def test_a_study_of_a_newer_version_is_refused_with_both(study):
    kept = json.loads((study.folder / "config.json").read_text()) | {"tfdvae": "99.0"}
    files.write_json(study.folder / "config.json", kept)
    made = f"was made by tfdvae 99.0; this is tfdvae {tfdvae.__version__}"
    with pytest.raises(ValueError, match=re.escape(made)):
        study.start()


def test_a_study_whose_folder_is_removed_says_so(tmp_path):
    made = Study(tmp_path / "study")
    made.compute = lambda cell, path: (Study.compute(made, cell, path), shutil.rmtree(made.folder))
    with pytest.raises(FileNotFoundError):
        made.start()
    made.compute = lambda cell, path: (
        shutil.rmtree(made.folder, ignore_errors=True),
        Study.compute(made, cell, path),
    )
    with pytest.raises(FileNotFoundError, match="study was removed, or emptied, while it was"):
        made.start()
    assert not (made.folder / "rows.csv").exists()


def test_the_record_of_a_start_counts_the_rows_of_each_cell(study):
    (start,) = files.read_json(study.folder / "environment.json")
    assert start["rows"] == dict.fromkeys(CELLS, 2)
