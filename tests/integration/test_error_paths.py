"""All that a user may get wrong ends in a short message that says what, and leaves nothing."""

import re

import numpy as np
import pytest

import tfdvae
from tests.helpers.error_paths import CALLS, COMMANDS, IMAGES, SLOWER, write_files
from tfdvae import corruptions, csv_rows
from tfdvae.cli import main
from tfdvae.data import sources
from tfdvae.metrics import classification, image
from tfdvae.models import networks


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    write_files(folder)
    return folder


@pytest.fixture(scope="module")
def names(files):
    """What the calls know."""
    encoder, decoder = networks.build("mlp", (8, 6, 1), 3, variational=True)
    return {
        "tfdvae": tfdvae,
        "np": np,
        "corruptions": corruptions,
        "csv_rows": csv_rows,
        "sources": sources,
        "classification": classification,
        "image": image,
        "networks": networks,
        "images": IMAGES,
        "labels": np.arange(12) % 3,
        "dvae": tfdvae.load(files / "dvae.keras"),
        "dae": tfdvae.load(files / "dae.keras"),
        "encoder": encoder,
        "decoder": decoder,
    }


@pytest.fixture(autouse=True)
def nothing_is_left(files, monkeypatch, no_network):
    """Work among the files, of which none is added, removed or written."""
    monkeypatch.chdir(files)
    before = states(files)
    yield
    assert states(files) == before


def states(folder):
    """Return size and time of writing of each file below a folder, and the folders."""
    found = {}
    for path in folder.rglob("*"):
        state = path.lstat()
        found[path] = None if path.is_dir() else (state.st_size, state.st_mtime_ns)
    return found


def check(line, words, capsys):
    try:
        status = main.main(line.split())
    except SystemExit as end:
        status = end.code
    shown = re.sub(r"[\s│╭╮╰╯─]+", " ", capsys.readouterr().err)
    assert (status, "Traceback" in shown) == (2, False), shown
    assert words in re.sub(r" ?-{5,} ?", " ", shown)


@pytest.mark.parametrize(("line", "words"), COMMANDS)
def test_a_wrong_command_is_told(line, words, capsys):
    check(line, words, capsys)


@pytest.mark.slow
@pytest.mark.parametrize(("line", "words"), SLOWER)
def test_a_wrong_file_is_told(line, words, capsys):
    check(line, words, capsys)


@pytest.mark.parametrize(("call", "error", "words"), CALLS)
def test_a_wrong_call_is_told(call, error, words, names):
    with pytest.raises(error, match=re.escape(words)):
        eval(call, names)


def test_the_table_is_long():
    assert len({row[0] for row in (*COMMANDS, *SLOWER, *CALLS)}) >= 400
