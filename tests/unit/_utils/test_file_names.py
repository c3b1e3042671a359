from pathlib import Path

import pytest

from tfdvae._utils import file_names


def test_names_that_fit_are_kept():
    for name in ("a.png", "n" * 160, "ö" * 80):
        assert file_names.short(name) == name


@pytest.mark.parametrize(
    ("name", "end"),
    [("n" * 161, ""), ("n" * 300 + ".keras", ".keras"), ("ö" * 300, ""), ("n." + "s" * 300, "")],
)
def test_short_names_differ_where_the_names_do(name, end):
    shorter = file_names.short(name)
    assert len(shorter.encode()) <= 160
    assert shorter.startswith(name[:2])
    assert shorter.endswith(end)
    assert shorter != file_names.short(f"x{name}")
    assert shorter == file_names.short(name)


def test_names_that_a_file_system_does_not_take(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = ["a.png", "n" * 255, "n" * 256, "a/" + "ö" * 128, "/".join(["d" * 200] * 21)]
    found = file_names.too_long(Path("missing/out"), names)
    assert list(found) == names[2:]
    Path("a").mkdir()
    for name, reason in found.items():
        with pytest.raises(OSError, match="too long"):
            Path(name).touch()
        assert "at most" in reason
    for name in names[:2]:
        Path(name).touch()
    assert "4,095" in found[names[-1]]
