import hashlib
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tfdvae import csv_rows
from tfdvae._utils import chunks, files


def test_replacing_leaves_the_old_file_after_an_error(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail():
        with files.replacing(path) as temporary:
            temporary.write_text("half")
            assert path.read_text() == "old"
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_replacing_a_folder(tmp_path):
    for content in ("one", "two"):
        with files.replacing(tmp_path / "deep" / "folder") as temporary:
            temporary.mkdir()
            (temporary / content).touch()
    assert [path.name for path in (tmp_path / "deep" / "folder").iterdir()] == ["two"]


def test_an_old_folder_goes_only_when_the_new_one_is_there(tmp_path, monkeypatch):
    path = tmp_path / "folder"
    path.mkdir()
    (path / "old").touch()
    monkeypatch.setattr(files, "remove", lambda left: None)  # as if killed before the end
    with files.replacing(path) as temporary:
        temporary.mkdir()
        (temporary / "new").touch()
    assert [file.name for file in path.iterdir()] == ["new"]
    assert sorted(file.name for file in tmp_path.rglob("*")) == sorted(
        [next(tmp_path.glob(".tmp-*")).name, "folder", "new", "old"]
    )


def test_an_old_folder_comes_back_when_the_new_one_cannot_take_its_place(tmp_path):
    path = tmp_path / "folder"
    path.mkdir()
    (path / "old").touch()
    with pytest.raises(FileNotFoundError), files.replacing(path):
        pass  # nothing was written, so there is nothing to rename
    assert [file.name for file in path.iterdir()] == ["old"]
    assert list(tmp_path.iterdir()) == [path]


def test_remove_temporary(tmp_path):
    (tmp_path / "kept").touch()
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / ".tmp-1-x").mkdir()
    (tmp_path / "deep" / ".tmp-1-x" / "y").touch()
    (tmp_path / ".tmp-2-z").touch()
    files.remove_temporary(tmp_path)
    assert {path.name for path in tmp_path.rglob("*")} == {"kept", "deep"}


def test_rows_come_back_bit_for_bit(tmp_path):
    values = [0.1, 1 / 3, 1e-300, 123456789.123456789, 5.0]
    csv_rows.write_rows(
        tmp_path / "rows.csv", [{"metric": "loss", "seed": 3, "value": value} for value in values]
    )
    rows = csv_rows.read_rows(tmp_path / "rows.csv")
    assert [float(row["value"]) for row in rows] == values
    assert rows[0]["seed"] == "3"
    assert rows[0]["study"] == ""
    header = (
        "study,run,dataset,n_train,condition,model,network,corruption,target,augmentation,"
        "protocol,test_corruption,split,epoch,step,seed,metric,value,train_noise"
    )
    assert (tmp_path / "rows.csv").read_text().splitlines()[:2] == [
        header,
        f"{',' * 15}3,loss,0.10000000000000001,",
    ]


def test_rows_hold_no_formula_and_come_back(tmp_path):
    given = {"run": "=HYPERLINK(1)", "dataset": "@SUM", "metric": "'-x", "value": "-0.5"}
    csv_rows.write_rows(tmp_path / "rows.csv", [given])
    line = (tmp_path / "rows.csv").read_text().splitlines()[1]
    assert line == f",'=HYPERLINK(1),'@SUM{',' * 14}''-x,-0.5,"
    (row,) = csv_rows.read_rows(tmp_path / "rows.csv")
    assert {key: value for key, value in row.items() if value} == given
    csv_rows.write_rows(tmp_path / "again.csv", [row])
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "rows.csv").read_bytes()


def test_rows_without_the_column_that_was_added(tmp_path):
    """As 0.1.0 wrote them: the column is empty, and one cell too many is still refused."""
    header = ",".join(name for name in csv_rows.ROW_FIELDS if name != "train_noise")
    path = tmp_path / "rows.csv"
    path.write_text(f"{header}\n{',' * 16}loss,0.5\n")
    (row,) = csv_rows.read_rows(path)
    assert list(row) == csv_rows.ROW_FIELDS
    assert (row["metric"], row["value"], row["train_noise"]) == ("loss", "0.5", "")
    path.write_text(f"{header}\n{',' * 16}loss,0.5,more\n")
    with pytest.raises(ValueError, match="must have 18 cells a row; row 1 has more"):
        csv_rows.read_rows(path)


def test_rows_outside_the_schema(tmp_path):
    with pytest.raises(ValueError, match="colour"):
        csv_rows.write_rows(tmp_path / "rows.csv", [{"colour": 1}])
    assert not list(tmp_path.iterdir())
    for content in (b"a,b\n1,2\n", b"", b"\n"):
        (tmp_path / "other.csv").write_bytes(content)
        with pytest.raises(ValueError, match="must have the columns study,"):
            csv_rows.read_rows(tmp_path / "other.csv")
    (tmp_path / "other.csv").write_bytes(b"\x80\n")
    with pytest.raises(ValueError, match=r"other\.csv must be a CSV file of UTF-8 text"):
        csv_rows.read_rows(tmp_path / "other.csv")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("1,", "have 19 cells a row; row 2 has more"),
        ("1\n", "have 19 cells a row; row 2 has fewer"),
        ("," * 16 + "loss,0.5.,\n", "have a number as the value of each row; row 2 has '0.5.'"),
        ('"' + "a" * 200_000 + '"', "be a CSV file; in line 3: field larger"),
    ],
)
def test_rows_that_are_damaged(damage, message, tmp_path):
    csv_rows.write_rows(tmp_path / "rows.csv", [{"metric": "loss", "value": 1.0}] * 2)
    lines = (tmp_path / "rows.csv").read_text().splitlines()
    (tmp_path / "rows.csv").write_text("\n".join([*lines[:-1], damage + lines[-1]]))
    with pytest.raises(ValueError, match=f"rows.csv must {message}"):
        csv_rows.read_rows(tmp_path / "rows.csv")


def test_rows_without_a_value_are_as_they_were_written(tmp_path):
    csv_rows.write_rows(tmp_path / "rows.csv", [{"run": "a"}])
    (row,) = csv_rows.read_rows(tmp_path / "rows.csv")
    assert (row["run"], row["value"]) == ("a", "")


def test_a_last_line_without_its_end_is_whole_where_its_last_cell_is_empty(tmp_path):
    """As an editor leaves it. Any other cell may have lost its last characters."""
    path = tmp_path / "rows.csv"
    csv_rows.write_rows(path, [{"metric": "loss", "value": 0.125}])
    whole = csv_rows.read_rows(path)
    path.write_bytes(path.read_bytes().rstrip())
    assert csv_rows.read_rows(path) == whole
    header = ",".join(csv_rows.ROW_FIELDS)
    for content in (
        f"{header}\n{',' * 16}loss,0.125,gauss",
        header,
        header.removesuffix(",train_noise"),
        f"{header.removesuffix(',train_noise')}\n{',' * 16}loss,0.12",
        f"{header.removesuffix(',train_noise')}\n{',' * 16}loss,",
    ):
        path.write_text(content)
        with pytest.raises(ValueError, match=r"must end with a line break; .* may be cut off"):
            csv_rows.read_rows(path)


def test_a_damaged_file_gets_a_name_of_its_own(tmp_path):
    names = []
    for _ in range(3):
        names.append(files.damaged_name(tmp_path / "rows.csv").name)
        (tmp_path / names[-1]).touch()
    assert names == ["rows.csv.damaged", "rows.csv.damaged-2", "rows.csv.damaged-3"]


def test_broken_json_is_named(tmp_path):
    for content in (b'{"a": ', b"", b"\x80", b"[" * 100_000):
        (tmp_path / "config.json").write_bytes(content)
        with pytest.raises(ValueError, match=r"config\.json is not valid JSON"):
            files.read_json(tmp_path / "config.json")


def test_sha256(tmp_path):
    (tmp_path / "x").write_bytes(b"tfdvae")
    assert files.sha256(tmp_path / "x") == hashlib.sha256(b"tfdvae").hexdigest()


def test_absolute_keeps_the_name_of_a_linked_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "blobs").mkdir()
    (tmp_path / "blobs" / "5f3a").touch()
    (tmp_path / "set.npz").symlink_to("blobs/5f3a")
    (tmp_path / "linked").symlink_to("blobs")
    assert (
        files.absolute("blobs/../set.npz")
        == files.absolute("linked/../set.npz")
        == tmp_path / "set.npz"
    )
    assert files.absolute("linked") == files.absolute("blobs/.") == tmp_path / "blobs"
    assert files.absolute("..") == tmp_path.parent


def test_lock_holds_against_another_process_and_ends_with_it(tmp_path):
    code = (
        "from tfdvae._utils import files; from pathlib import Path; import time\n"
        f"with files.locked(Path({str(tmp_path)!r})): print(1, flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    try:
        process.stdout.readline()
        with (
            pytest.raises(BlockingIOError, match="another process is writing"),
            files.locked(tmp_path),
        ):
            pass
    finally:
        process.kill()
        process.wait()
    with files.locked(tmp_path):
        pass


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.int64])
def test_array_written_in_pieces(dtype, tmp_path):
    """What NumPy reads, memory-mapped too, whatever the pieces were."""
    whole = np.random.default_rng(0).integers(0, 200, (103, 4, 5)).astype(dtype)
    with chunks.array_writer(tmp_path / "a.npy") as append:
        for start, stop in ((0, 1), (1, 1), (1, 60), (60, 103)):
            append(whole[start:stop])
    for mode in (None, "r"):
        read = np.load(tmp_path / "a.npy", mmap_mode=mode)
        assert read.dtype == dtype
        assert np.array_equal(read, whole)
    assert (tmp_path / "a.npy").stat().st_size % 64 == whole.nbytes % 64, (
        "no more than header and values"
    )


def test_rows_of_another_kind(tmp_path):
    with chunks.array_writer(tmp_path / "a.npy") as append:
        append(np.zeros((2, 3), np.uint8))
        for rows in (np.zeros((2, 4), np.uint8), np.zeros((2, 3), np.uint16)):
            with pytest.raises(ValueError, match=r"rows must be uint8 of shape \(3,\); got"):
                append(rows)


@pytest.mark.parametrize(
    ("count", "row_bytes", "multiple", "lengths"),
    [
        (10, 2**26, 1, [1] * 10),
        (10, 2**24, 1, [4, 4, 2]),
        (10, 2**24, 3, [3, 3, 3, 1]),
        (10, 2**30, 4, [4, 4, 2]),
        (10, 1, 1, [10]),
        (0, 1, 1, []),
    ],
)
def test_pieces(count, row_bytes, multiple, lengths):
    pieces = chunks.pieces(count, row_bytes, multiple)
    assert [piece.stop - piece.start for piece in pieces] == lengths
    assert np.array_equal(
        np.concatenate([np.arange(count)[piece] for piece in pieces] or [[]]), np.arange(count)
    )


@pytest.mark.parametrize(
    ("shape", "rows"),
    [
        ((28, 28, 1), 500),
        ((32, 32, 3), 500),
        ((64, 64, 1), 500),
        ((128, 128, 3), 42),
        ((512, 512, 3), 2),
        ((4096, 4096, 3), 1),
    ],
)
def test_batches_of_large_images_are_small(shape, rows):
    """At most 8 MiB a batch; pieces end where batches do, and hold at most 64 MiB or one image."""
    row_bytes = 4 * math.prod(shape)
    assert chunks.batch_rows(row_bytes, 500) == rows
    lengths = {piece.stop - piece.start for piece in chunks.pieces(100_000, row_bytes, rows)[:-1]}
    assert all(length % rows == 0 for length in lengths)
    assert max(lengths) * row_bytes <= max(2**26, row_bytes)


def test_files_that_are_being_written_are_not_listed(tmp_path):
    files.write_text(tmp_path / "b.csv", "whole")
    files.write_text(tmp_path / "a.csv", "whole")
    with files.replacing(tmp_path / "c.csv") as temporary:
        temporary.write_text("")
        assert [path.name for path in files.completed_files(tmp_path, "*.csv")] == [
            "a.csv",
            "b.csv",
        ]


def test_what_is_no_file_is_not_taken_for_one(tmp_path):
    (tmp_path / "a.csv").touch()
    (tmp_path / "link.csv").symlink_to(tmp_path / "a.csv")
    for name in ("a.csv", "link.csv", "new.csv"):
        files.check_plain("output", tmp_path / name)
    os.mkfifo(tmp_path / "pipe.csv")
    for path, kind in (
        (tmp_path, "a folder"),
        (tmp_path / "pipe.csv", "a pipe or a device"),
        (Path("/dev/null"), "a pipe or a device"),
    ):
        with pytest.raises(FileExistsError, match=f"`output` {path} is {kind}; a file is needed"):
            files.check_plain("output", path)


def test_what_is_no_folder_is_not_taken_for_one(tmp_path):
    (tmp_path / "a").touch()
    for path in (tmp_path, tmp_path / "new"):
        files.check_folder("output", path)
    for path, kind in ((tmp_path / "a", "a file"), (Path("/dev/null"), "a pipe or a device")):
        message = f"`output` {path} is {kind}; a folder is needed, as here\\.$"
        with pytest.raises(FileExistsError, match=message):
            files.check_folder("output", path, ", as here")


def test_a_path_that_cannot_be_written_is_refused_by_name(tmp_path):
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "file", tmp_path / "new", tmp_path / "new" / "below"):
        files.check_writable("output", path)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    with pytest.raises(OSError, match=r"`output` .*/file/below cannot be written: Not a directory"):
        files.check_writable("output", tmp_path / "file" / "below")


@pytest.mark.parametrize("compressed", [False, True])
def test_arrays_replace_a_file_in_one_step(compressed, tmp_path):
    path = tmp_path / "new" / "a.npz"
    for count in (3, 4):
        files.write_npz(path, {"codes": np.arange(count)}, compressed)
    with np.load(path) as arrays:
        assert arrays["codes"].tolist() == [0, 1, 2, 3]

    class Broken:
        def __array__(self, *arguments, **options):
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        files.write_npz(path, {"codes": np.zeros(5), "labels": Broken()}, compressed)
    with np.load(path) as arrays:
        assert arrays["codes"].tolist() == [0, 1, 2, 3]
    assert [entry.name for entry in path.parent.iterdir()] == ["a.npz"]


def test_a_folder_is_removed_as_a_whole_or_left_under_a_temporary_name(tmp_path, monkeypatch):
    folder = tmp_path / "checkpoints"
    (folder / "pictures").mkdir(parents=True)

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("shutil.rmtree", interrupted)
        with pytest.raises(KeyboardInterrupt):
            files.remove_at_once(folder)
    assert not folder.exists()
    (left,) = tmp_path.iterdir()
    assert files.is_temporary(left)
    files.remove_temporary(tmp_path)
    assert list(tmp_path.iterdir()) == []
    files.remove_at_once(folder)  # which is not there
