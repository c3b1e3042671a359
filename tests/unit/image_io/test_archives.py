import io
import zipfile

import numpy as np
import pytest

from tfdvae.image_io import archives


def archive_of(*names):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number, name in enumerate(names):
            buffer = io.BytesIO()
            np.save(buffer, np.array(number))
            archive.writestr(name, buffer.getvalue())
    return zipfile.ZipFile(file)


def test_arrays_are_found_by_their_names_as_they_are():
    found = archives.array_members(archive_of("x.npy", "./x.npy", "../x.npy", "notes.txt"))
    assert list(found) == ["x", "./x", "../x"]


def test_what_macos_adds_is_no_array():
    found = archives.array_members(archive_of("x.npy", "__MACOSX/._x.npy", "a/._y.npy"))
    assert list(found) == ["x"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_arrays_of_one_name_are_refused():
    with pytest.raises(zipfile.BadZipFile, match="two of its arrays are called 'x'"):
        archives.array_members(archive_of("x.npy", "y.npy", "x.npy"))


def test_unpacked_into_the_folder_alone(tmp_path):
    names = ["../../x", "/x", "x", "a/x"]
    found = archives.unpack_arrays(archive_of(*(f"{name}.npy" for name in names)), tmp_path / ".")
    assert {path.parent for path in found.values()} == {tmp_path}
    assert {name: int(np.load(path)) for name, path in found.items()} == {
        name: number for number, name in enumerate(names)
    }
