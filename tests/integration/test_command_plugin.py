"""A command of another package, registered through an entry point."""

import os
import subprocess
import sys

import pytest

from tests.helpers.processes import ROOT

MODULE = '''
import dataclasses
import logging
from pathlib import Path

import tyro

import tfdvae


@dataclasses.dataclass(frozen=True)
class CountConfig:
    """Count the files of a folder."""

    folder: tyro.conf.Positional[str]
    """The folder."""
    suffix: str = ".png"
    """Ending of the names."""
    quiet: bool = False
    """Show errors alone."""


@tfdvae.register_command("count", CountConfig, resumes="Count again.")
def count(config: CountConfig) -> int:
    found = list(Path(config.folder).glob(f"*{config.suffix}"))
    if not found:
        raise ValueError(f"`folder` {config.folder} holds no {config.suffix} file.")
    if len(found) == 3:
        raise KeyboardInterrupt
    logging.getLogger("tfdvae").info("%d files", len(found))
    return 1 if len(found) == 2 else 0
'''


@pytest.fixture
def run(tmp_path):
    (tmp_path / "counting.py").write_text(MODULE)
    info = tmp_path / "counting-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: counting\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[tfdvae]\ncount = counting\n")
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH"), str(ROOT)]))

    def command(*arguments):
        done = subprocess.run(
            [sys.executable, "-m", "tfdvae", *arguments],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    return command


def test_a_command_of_another_package(run, tmp_path):
    assert "Count the files of a folder." in run("--help")[1]
    assert "--suffix" in run("count", "--help")[1]
    status, _, err = run("count", ".")
    assert (status, "holds no .png file" in err, "Traceback" in err) == (2, True, False)
    (tmp_path / "a.png").touch()
    assert run("count", ".") == (0, "1 files\n", "")
    assert run("count", ".", "--quiet") == (0, "", "")
    (tmp_path / "b.png").touch()
    assert run("count", ".") == (1, "2 files\n", "")
    (tmp_path / "c.png").touch()
    status, _, err = run("count", ".")
    assert (status, "stopped. Count again." in err) == (130, True)
    status, _, err = run("cuont", ".")
    assert (status, "Did you mean 'count'" in err) == (2, True)


def test_a_package_that_cannot_be_imported_is_named(run, tmp_path):
    (tmp_path / "counting.py").write_text("import nothing_of_that_name")
    status, _, err = run("count", ".")
    assert (status, "the plugin count (counting) of tfdvae cannot be imported" in err) == (2, True)


def test_a_package_cannot_take_the_name_of_a_command(run, tmp_path):
    (tmp_path / "counting.py").write_text(MODULE.replace('"count"', '"train"'))
    _, out, err = run("--help")
    told = "the plugin count (counting) of tfdvae cannot be imported: there is a command called"
    assert f"{told} 'train' already; choose another name." in out + err
    assert "Count the files of a folder." not in out
    assert "--noisy-train" in run("train", "--help")[1]
    status, _, err = run("trian")
    assert (status, told in err) == (2, True)


def test_a_package_that_cannot_be_imported_does_not_hide_others(tmp_path):
    (tmp_path / "broken.py").write_text("import nothing_of_that_name")
    (tmp_path / "counting.py").write_text(MODULE)
    info = tmp_path / "counting-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: counting\nVersion: 1.0\n")
    points = "[tfdvae]\nbroken = broken\ncount = counting\nwrong = broken:nothing\n"
    (info / "entry_points.txt").write_text(points)
    code = (
        "from tfdvae._utils.registry import load_plugins\n"
        "from tfdvae.cli.registry import COMMANDS\n"
        "try:\n    load_plugins()\nexcept ImportError as error:\n    print(error)\n"
        "print('count' in COMMANDS)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])},
        capture_output=True,
        text=True,
        check=True,
    )
    message, found = done.stdout.splitlines()
    assert message == (
        "the plugin broken (broken) of tfdvae cannot be imported: No module named "
        "'nothing_of_that_name'; nor can wrong (broken:nothing)"
    )
    assert found == "True"


@pytest.mark.parametrize(
    "arguments", [("--help",), ("networks",), ("study", "list"), ("count", ".")]
)
def test_commands_work_beside_a_package_that_cannot_be_imported(arguments, run, tmp_path):
    (tmp_path / "broken.py").write_text("raise RuntimeError('too old')")
    points = "[tfdvae]\nbroken = broken\ncount = counting\n"
    (tmp_path / "counting-1.0.dist-info" / "entry_points.txt").write_text(points)
    (tmp_path / "a.png").touch()
    status, out, err = run(*arguments)
    assert (status, err) == (0, "")
    note = "NOTE: the plugin broken (broken) of tfdvae cannot be imported: too old\n"
    assert out.count(note) == 1
    assert len(out) > len(note)
