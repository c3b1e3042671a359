import re
import zipfile

import numpy as np
import pytest

import tfdvae
from tfdvae._utils import files, limits, records

KINDS = {"seconds": records.NUMBER, "name": str}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", "is damaged: it must hold an object; got a list"),
        ("null", "is damaged: it must hold an object; got null"),
        ("5", "is damaged: it must hold an object; got a number"),
        ('"a"', "is damaged: it must hold an object; got a text"),
        ("{", "is not valid JSON"),
        ("", "is not valid JSON"),
        ("{}", "is damaged: it lacks `seconds`"),
        ('{"seconds": 1}', "is damaged: it lacks `name`"),
        ('{"seconds": "1", "name": "a"}', "its `seconds` must be a number; got a text"),
        ('{"seconds": true, "name": "a"}', "its `seconds` must be a number; got bool"),
        ('{"seconds": 1, "name": null}', "its `name` must be a text; got null"),
        ('{"seconds": 1, "name": "a", "more": 1}', "its `more` must be a text or null; got a num"),
    ],
)
def test_an_object_of_another_shape_is_named_with_what_to_do(content, message, tmp_path):
    path = tmp_path / "stages.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=" is ") as error:
        records.read(path, KINDS, "Delete it.", {"more": (str, type(None))})
    assert str(error.value).startswith(f"{path} is ")
    assert message in str(error.value)
    assert str(error.value).endswith(" Delete it.")


def test_what_is_whole_is_returned(tmp_path):
    found = {"seconds": 1, "name": "a", "other": [1]}
    files.write_json(tmp_path / "a.json", found)
    assert records.read(tmp_path / "a.json", KINDS, "", {"more": str}) == found
    files.write_json(tmp_path / "a.json", [found, found])
    assert records.read_list(tmp_path / "a.json", KINDS, "") == [found, found]
    for wrong in ({}, [1], [found, {}]):
        files.write_json(tmp_path / "a.json", wrong)
        with pytest.raises(ValueError, match=r"a\.json is damaged: it .* Delete it"):
            records.read_list(tmp_path / "a.json", KINDS, "Delete it.")
    with pytest.raises(FileNotFoundError, match=r"b\.json is missing. Make it"):
        records.read(tmp_path / "b.json", KINDS, "Make it.")


@pytest.mark.parametrize("content", ["[]", "null", "true", '"5"', "{", "", "{}"])
def test_a_number_of_another_kind_is_named_with_what_to_do(content, tmp_path):
    (tmp_path / "steps.json").write_text("40")
    assert records.read_number(tmp_path / "steps.json", "") == 40
    (tmp_path / "steps.json").write_text(content)
    with pytest.raises(ValueError, match=r"steps\.json is .* Delete it\."):
        records.read_number(tmp_path / "steps.json", "Delete it.")


@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
def test_arrays_that_are_cut_off_or_altered(name, tmp_path):
    path, array = tmp_path / name, np.random.default_rng(0).random((20, 20))
    np.save(path, array) if name == "a.npy" else np.savez_compressed(path, x=array)
    assert records.damage(path) == ""
    whole = path.read_bytes()
    for content in (b"", b"x", whole[:-1], whole[: len(whole) // 2]):
        path.write_bytes(content)
        assert records.damage(path) != ""
    middle = len(whole) // 2
    path.write_bytes(whole[:middle] + b"damage" + whole[middle + 6 :])
    assert name == "a.npy" or records.damage(path) != ""
    path.unlink()
    assert "No such file" in records.damage(path)


def test_an_archive_that_would_fill_half_of_the_memory_is_not_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(2**20))
    assert records.archive_excess(tmp_path / "a.zip") == ""
    with limits.use(memory_bytes=2**21 - 1):
        assert "it would take" in records.archive_excess(tmp_path / "a.zip")
        assert records.archive_damage(tmp_path / "a.zip") == "", "one's own may be of any size"
    (tmp_path / "a.zip").write_bytes(b"x")
    assert records.archive_excess(tmp_path / "a.zip") == "File is not a zip file"


@pytest.mark.parametrize("error", [PermissionError(13, "no"), OSError(24, "open"), MemoryError()])
@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
def test_a_file_that_cannot_be_read_is_not_called_damaged(name, error, tmp_path, monkeypatch):
    def failing(*arguments, **settings):
        raise error

    np.save(tmp_path / "a.npy", np.zeros(3))
    np.savez(tmp_path / "a.npz", x=np.zeros(3))
    monkeypatch.setattr("builtins.open", failing)
    monkeypatch.setattr("io.open", failing)
    with pytest.raises(type(error)):
        records.damage(tmp_path / name)


def test_a_sealed_folder_is_as_it_was(tmp_path):
    (tmp_path / "a").write_text("one")
    records.check_seal(tmp_path, ["a"], "")  # without checksums
    records.seal(tmp_path)
    records.check_seal(tmp_path, ["a"], "")
    assert (tmp_path / records.SUMS).read_text().split() == [
        "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed",  # sha256sum
        "a",
    ]
    (tmp_path / "a").write_text("two")
    with pytest.raises(ValueError, match=r"a is damaged: it is not what SHA256SUMS .* Do this"):
        records.check_seal(tmp_path, ["a"], "Do this.")
    (tmp_path / "a").unlink()
    with pytest.raises(ValueError, match="a is damaged"):
        records.check_seal(tmp_path, ["a"], "")
    for content in ("", "7692c3ad", "7692c3ad  b\n"):
        (tmp_path / records.SUMS).write_text(content)
        with pytest.raises(ValueError, match=r"SHA256SUMS is damaged: it lacks a\. Do this"):
            records.check_seal(tmp_path, ["a"], "Do this.")


@pytest.mark.parametrize(
    ("found", "newer"),
    [("0.0.9", False), ("0.1.0", False), ("99.0", True), (None, False), (5, False), ("?", False)],
)
def test_what_a_newer_version_made_is_refused(found, newer, tmp_path):
    files.write_json(tmp_path / "environment.json", {"packages": {"tfdvae": found}})
    if newer:
        made = f"was made by tfdvae 99.0; this is tfdvae {tfdvae.__version__}"
        with pytest.raises(ValueError, match=re.escape(made)):
            records.check_maker(tmp_path)
    else:
        records.check_maker(tmp_path)


@pytest.mark.parametrize("content", ["[]", "{", '{"packages": 1}', "{}", None])
def test_where_the_version_is_unknown_nothing_is_refused(content, tmp_path):
    if content is not None:
        (tmp_path / "environment.json").write_text(content)
    records.check_maker(tmp_path)
