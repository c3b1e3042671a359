"""Files of a run or a study that are damaged: named, with what to do next; never used as they are.

A run that was told what to delete then makes the same again.
"""

import dataclasses
import json
import shutil
import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import tfdvae
from tests.helpers.cases import Case, table
from tests.helpers.processes import complaint
from tfdvae._utils import limits
from tfdvae.cli import main as cli
from tfdvae.config.learn import LearnConfig
from tfdvae.inference import keras_files

SETTINGS = ("--n-train", "40", "--epochs", "2", "--network", "mlp", "--test-noise", "0")
OTHER_JSON = (b"[]", b"null", b"5", b"{", b"", b"\x80\x04\x95", b"[" * 100_000, b'{"a": 1}')


@pytest.fixture(scope="module")
def finished(small_digits, tmp_path_factory):
    """A finished run."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    settings = (*SETTINGS, "--classifier-steps", "2", "--output", str(folder))
    assert cli.main(["train", "--dataset", str(small_digits), *settings]) == 0
    return folder


@pytest.fixture
def run(finished, tmp_path):
    """A copy of the finished run, which lacks what its last stage leaves."""
    shutil.copytree(finished, tmp_path / "run")
    (tmp_path / "run" / "report.md").unlink()
    return tmp_path / "run"


def _cut(content):
    return content[: len(content) // 2]


def _altered(content):
    middle = len(content) // 2
    return (
        content[:middle]
        + bytes(255 - x for x in content[middle : middle + 9])
        + content[middle + 9 :]
    )


def _without_last_line(content):
    return b"".join(content.splitlines(True)[:-1])


def _content(kind):
    return lambda content: kind


def _refused(name, remedy, *damages):
    """The file is named, and what to do; nothing is changed."""

    def check(folder, command):
        path = folder / "run" / name
        whole = path.read_bytes()
        for damage in damages:
            path.write_bytes(damage(whole))
            before = {p: p.read_bytes() for p in (folder / "run").rglob("*") if p.is_file()}
            told = complaint(command("train", "--resume", "run"))
            assert f"run/{name} is" in told or f"settings in run/{name} cannot be" in told, told
            assert remedy in told, told
            after = {p: p.read_bytes() for p in (folder / "run").rglob("*") if p.is_file()}
            assert after == before

    return check


def _made_again(name, deleted, *damages):
    """The file is named; once what is told is deleted, the run makes the same again."""

    def check(folder, command):
        metrics = (folder / "run" / "metrics.csv").read_bytes()
        remedy = f"Delete the folder run/{deleted}:" if deleted != name else "Delete it:"
        _refused(name, remedy, *damages)(folder, command)
        path = folder / "run" / deleted
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        done = command("train", "--resume", "run")
        assert done.returncode == 0, done.stderr
        assert (folder / "run" / "metrics.csv").read_bytes() == metrics

    return check


def _interrupted(check):
    """As if the training of the generative model was killed after its last epoch."""

    def begun(folder, command):
        (folder / "run" / "generator.keras").unlink()
        path = folder / "run" / "stages.json"
        stages = json.loads(path.read_text())
        del stages["generator"]
        path.write_text(json.dumps(stages, indent=2) + "\n")
        check(folder, command)

    return begun


ROUND = "checkpoints/generator/round-000002"
OTHERS = [_content(content) for content in OTHER_JSON]
HISTORIES = [
    _content(json.dumps(history).encode())
    for history in (
        [],
        [{"epoch": 1, "step": 3, "loss": 1.0}],
        [{"epoch": 1, "step": 3, "loss": 1.0}, {"epoch": 1, "step": 6, "loss": 1.0}],
        [{"epoch": 1, "step": 3, "loss": 1.0}, {"epoch": 2, "step": 6, "loss": "1.0"}],
    )
]
BEGIN_ANEW = "Bring it back, or begin a new run."


@table(
    Case("config.json of another shape", "named", _refused("config.json", BEGIN_ANEW, *OTHERS)),
    Case(
        "environment.json of another shape",
        "named",
        _refused("environment.json", BEGIN_ANEW, *OTHERS),
    ),
    Case(
        "stages.json of another shape",
        "named",
        _refused("stages.json", "Delete it:", *OTHERS, _content(b'{"data": {"seconds": "1"}}')),
    ),
    Case(
        "a history of another shape",
        "named",
        _refused("checkpoints/generator.json", "Delete it:", *OTHERS, *HISTORIES),
    ),
    Case(
        "a history in a checkpoint of another shape",
        "named",
        _interrupted(
            _refused(
                f"{ROUND}/history.json",
                "Delete the folder run/checkpoints/generator:",
                *OTHERS,
                *HISTORIES,
            )
        ),
    ),
    Case(
        "weights in a checkpoint cut off or altered",
        "named; deleted, the run trains to the same weights",
        _interrupted(
            _made_again(
                f"{ROUND}/weights.npz", "checkpoints/generator", _cut, _content(b""), _altered
            )
        ),
    ),
    Case(
        "checksums of a checkpoint cut off or empty",
        "named",
        _interrupted(
            _refused(
                f"{ROUND}/SHA256SUMS",
                "Delete the folder run/checkpoints/generator:",
                _cut,
                _content(b""),
            )
        ),
    ),
    Case(
        "generator.keras cut off, altered, or something else",
        "named; deleted, made again",
        _made_again("generator.keras", "generator.keras", _cut, _content(b""), _altered),
    ),
    Case(
        "the classifier cut off or altered",
        "named",
        _refused("classifier-limited.keras", "Delete it:", _cut, _content(b""), _altered),
    ),
    Case(
        "metrics.csv cut off",
        "named; deleted, made again",
        _made_again("metrics.csv", "metrics.csv", _cut, _without_last_line, _content(b"a,b\n")),
    ),
    Case(
        "synthetic images cut off or altered",
        "named",
        _refused("augmentation/images.npy", "Delete the folder", _cut, _content(b""), _altered),
    ),
)
def test_runs(case, run, command):
    case.check(run.parent, command)


def _as_earlier_versions_left_it(run):
    """Remove the checksums."""
    stages = json.loads((run / "stages.json").read_text())
    for stage in stages.values():
        del stage["sha256"]
    (run / "stages.json").write_text(json.dumps(stages))
    for path in run.rglob("SHA256SUMS"):
        path.unlink()


@pytest.mark.parametrize(
    ("name", "needed_for"),
    [
        ("generator.keras", "metrics.csv"),
        ("classifier-limited.keras", "metrics.csv"),
        ("checkpoints/generator.json", "metrics.csv"),
        ("augmentation/images.npy", "classifier-dvae.keras"),
        ("checkpoints/data/images.npy", "metrics.csv"),
        (f"{ROUND}/weights.npz", "generator.keras"),
        (f"{ROUND}/history.json", "generator.keras"),
    ],
)
def test_a_run_without_checksums_names_a_file_that_is_cut_off(name, needed_for, run, command):
    _as_earlier_versions_left_it(run)
    (run / needed_for).unlink()
    (run / name).write_bytes(_cut((run / name).read_bytes()))
    told = complaint(command("train", "--resume", "run"))
    assert name in told
    assert "Delete" in told


def test_a_run_without_checksums_goes_on(run, command):
    _as_earlier_versions_left_it(run)
    assert command("train", "--resume", "run").stdout.count("done before") == 8


def _newer(run):
    path = run / "environment.json"
    recorded = json.loads(path.read_text())
    recorded["packages"]["tfdvae"] = "999.1"
    path.write_text(json.dumps(recorded))
    (run / "config.json").write_text('{"a setting of 999.1": 1}')


@pytest.mark.parametrize(
    "arguments",
    [
        ("train", "--resume", "run"),
        ("denoise", "run", "in.npy", "out.npy"),
        ("train", "--dataset", "digits", "--init-from", "run"),
    ],
)
def test_a_run_of_a_newer_version_is_refused_with_both_versions(arguments, run, command):
    _newer(run)
    np.save("in.npy", np.zeros((2, 12, 12, 1), np.float32))
    told = complaint(command(*arguments))
    assert f"run was made by tfdvae 999.1; this is tfdvae {tfdvae.__version__}" in told


def _model(damage, message):
    def check(folder, command):
        damage(folder / "run")
        np.save(folder / "x.npy", np.zeros((2, 12, 12, 1), np.float32))
        told = complaint(command("denoise", "run", "x.npy", "y.npy"))
        assert "run" in told
        assert message in told, told

    return check


def _keras(damage):
    def damaged(run):
        (run / "generator.keras").write_bytes(damage((run / "generator.keras").read_bytes()))

    return damaged


def _saved_model(name, damage):
    def damaged(run):
        (run / "generator.keras").unlink()
        for path in (run / "saved_model").iterdir():
            shutil.move(path, run / path.name)
        (run / name).write_bytes(damage((run / name).read_bytes()))

    return damaged


def _bomb(run):
    """A small `.keras` file that says that it takes a terabyte once it is unpacked."""
    path = run / "generator.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model.weights.h5", b"")
    member = bytearray(path.read_bytes())
    place = member.index(b"PK\x01\x02") + 24  # of the size, in the directory at the end
    member[place : place + 4] = (2**32 - 2).to_bytes(4, "little")
    path.write_bytes(bytes(member))


@table(
    Case("a .keras file cut off", "named", _model(_keras(_cut), "is no zip file")),
    Case("a .keras file altered", "named", _model(_keras(_altered), "Bad CRC-32")),
    Case(
        "a SavedModel with its graph cut off",
        "called damaged",
        _model(_saved_model("saved_model.pb", _cut), "is a damaged SavedModel"),
    ),
    Case(
        "a SavedModel with its graph empty",
        "called damaged",
        _model(_saved_model("saved_model.pb", _content(b"")), "is a damaged SavedModel"),
    ),
    Case(
        "a SavedModel with its weights cut off",
        "called damaged",
        _model(
            _saved_model("variables/variables.data-00000-of-00001", _cut), "is a damaged SavedModel"
        ),
    ),
)
def test_models(case, run, command):
    case.check(run.parent, command)


def test_a_model_that_would_fill_the_memory_is_refused_unread(run, command):
    _bomb(run)
    np.save("x.npy", np.zeros((2, 12, 12, 1), np.float32))
    with limits.use(memory_bytes=2**32):
        told = complaint(command("denoise", "run", "x.npy", "y.npy"))
    assert "generator.keras is no model that can be loaded: it would take 4.0 GiB once it" in told


def test_a_model_of_the_run_itself_may_take_more_than_half_of_the_memory(run, command):
    path = run / "generator.keras"
    with zipfile.ZipFile(path) as archive:
        size = sum(member.file_size for member in archive.infolist())
    with limits.use(memory_bytes=size):
        assert keras_files.load(path, "generator", compiled=True, hint=keras_files.AGAIN).optimizer
        with pytest.raises(ValueError, match=r"it would take .* once it is unpacked"):
            tfdvae.load(run)


@pytest.mark.parametrize(
    "error", [MemoryError(), tf.errors.ResourceExhaustedError(None, None, "OOM")]
)
def test_where_memory_runs_out_no_model_is_called_damaged(error, run, monkeypatch):
    def failing(*arguments, **settings):
        raise error

    monkeypatch.setattr(keras.models, "load_model", failing)
    monkeypatch.setattr(tf.saved_model, "load", failing)
    for path in (run, run / "saved_model"):
        with pytest.raises(type(error)):
            tfdvae.load(path)


def _learned(name, content, message):
    """A folder of `denoise --learn` that was finished, but for the model."""

    def check(folder, command):
        (folder / "in").mkdir()
        Image.fromarray(np.zeros((64, 64), np.uint8)).save(folder / "in" / "a.png")
        config = dataclasses.asdict(LearnConfig(learn="in", output="out"))
        known = ("objective", "noise", "time", "patch_size", "frames", "seed")
        settings = {key: config[key] for key in known} | {"learn": str(folder / "in")}
        (folder / "out").mkdir()
        (folder / "out" / "settings.json").write_text(json.dumps(settings))
        for other in ("model.keras", "report.html"):
            (folder / "out" / other).touch()
        (folder / "out" / name).write_bytes(content)
        told = complaint(command("denoise", "--learn", "in", "out"))
        assert f"out/{name} is" in told, told
        assert message in told, told

    return check


@table(
    *(
        Case(
            f"settings.json of what was learned: {content[:12]!r}",
            "named",
            _learned("settings.json", content, "Bring it back, or give a new folder."),
        )
        for content in OTHER_JSON[:-1]
    ),
    *(
        Case(
            f"learned.json: {content[:12]!r}",
            "named",
            _learned("learned.json", content, "Delete it: the input is then not compared"),
        )
        for content in OTHER_JSON
    ),
    Case(
        "an empty model.keras",
        "named; deleted, it learns again",
        _learned("model.keras", b"", "it is no zip file, as .keras files are, or a damaged one."),
    ),
)
def test_what_was_learned(case, tmp_path, command):
    case.check(tmp_path, command)
