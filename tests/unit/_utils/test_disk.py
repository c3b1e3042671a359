import errno
import os

import pytest
import tensorflow as tf

from tests.helpers.disk import full_disk, read_only_disks
from tfdvae._utils import disk, files


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "No space left on device"),
        (OSError(errno.EDQUOT, os.strerror(errno.EDQUOT)), "Disk quota exceeded"),
        (OSError(errno.EFBIG, os.strerror(errno.EFBIG)), "File too large"),
        (
            tf.errors.ResourceExhaustedError(None, None, "e/part; No space left on device"),
            "No space left on device",
        ),
        (RuntimeError("Can't write (errno = 27, message = 'File too large')"), "File too large"),
        (OSError(errno.EACCES, os.strerror(errno.EACCES)), ""),
        (tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor"), ""),
        (MemoryError(), ""),
    ],
)
def test_full_disks_are_told_from_other_errors(error, reason):
    assert disk.full(error) == reason


def test_a_file_that_finds_the_disk_full_is_named_and_the_earlier_one_kept(tmp_path):
    path = tmp_path / "a.csv"
    files.write_text(path, "earlier")
    with full_disk(10), pytest.raises(disk.DiskFull, match=r"the disk is full: .*/a\.csv cannot"):
        files.write_text(path, "n" * 11)
    assert path.read_text() == "earlier"
    assert list(tmp_path.iterdir()) == [path]


def test_the_outermost_name_is_told(tmp_path):
    def work():
        with disk.naming(tmp_path / "run"):
            files.write_text(tmp_path / "run" / "a.csv", "n" * 11)

    with full_disk(10), pytest.raises(disk.DiskFull, match="run cannot be written"):
        work()


def test_a_disk_that_can_be_read_alone_is_named(tmp_path):
    with read_only_disks() as read_only:
        read_only(tmp_path)
        with (
            pytest.raises(
                OSError, match=r"^run cannot be written \(Read-only file system\)\.$"
            ) as told,
            disk.naming("run"),
        ):
            files.write_text(tmp_path / "a.csv", "a")
    assert told.value.errno == errno.EROFS
    assert not list(tmp_path.iterdir())


def test_other_errors_pass(tmp_path):
    with pytest.raises(OSError, match="Permission denied") as error, disk.naming(tmp_path):
        raise PermissionError(errno.EACCES, "Permission denied")
    assert not isinstance(error.value, disk.DiskFull)


def test_room_is_required_before_a_file_is_written(tmp_path):
    disk.require(tmp_path / "a", 100)
    with full_disk(99), pytest.raises(OSError, match="File too large"):
        disk.require(tmp_path / "a", 100)
    with pytest.raises(OSError, match=r"No space|too large"):
        disk.require(tmp_path / "a", 2**60)
    assert not list(tmp_path.iterdir())
