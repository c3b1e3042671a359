"""Numbers that no machine can do: refused at once by the name of the setting, in a few words."""

import pytest

from tests.helpers.cases import Case, table
from tests.helpers.processes import complaint
from tfdvae._utils import limits
from tfdvae.cli import flags
from tfdvae.cli.registry import COMMANDS
from tfdvae.config import TrainConfig
from tfdvae.studies.registry import STUDIES

LONG = "1" + "0" * 400
DIGITS = ("--dataset", "digits", "--output", "out")
SMALL = (*DIGITS, "--n-train", "40", "--no-classifier")
PATHS = {
    **dict.fromkeys(("denoise", "augment", "encode", "impute"), ("model", "in", "out")),
    "detect": ("model", "in", "out", "--normal", "normal"),
    "sample": ("model", "out"),
    "inspect": ("in",),
    "train": (),
}
SETTINGS = {
    **{name: (COMMANDS.get(name).settings, words) for name, words in PATHS.items()},
    **{f"study {spec.name}": (spec.settings, ()) for spec in STUDIES},
}


def _number_flags(settings):
    """Return the flags that take numbers, each with values of 400 digits."""
    for name, kind in flags.types(settings).items():
        if name != "patience" and any(number in str(kind) for number in ("int", "float")):
            values = [LONG] * (2 if "tuple[int, int]" in str(kind) else 1)
            yield [f"--{name.replace('_', '-')}", *values]


@pytest.mark.parametrize("name", SETTINGS)
def test_a_number_of_400_digits_is_refused_in_a_few_words(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    settings, words = SETTINGS[name]
    for given in _number_flags(settings):
        with pytest.raises(SystemExit) as refused:
            flags.parse(settings, [*words, *given], prog=f"tfdvae {name}")
        told = capsys.readouterr().err
        assert refused.value.code == 2
        assert "must be" in told or "invalid" in told or "Error parsing" in told
        assert LONG not in told.replace(f"{given[0]} {LONG}", ""), told


@pytest.mark.parametrize("value", [10**400, -(10**400)])
@pytest.mark.parametrize("name", ["n_train", "epochs", "learning_rate", "beta", "seed", "patience"])
def test_a_number_of_400_digits_from_python_or_a_file(name, value):
    with pytest.raises(ValueError, match=f"`{name}` must be .*; got -?1000") as refused:
        TrainConfig.of(**{name: value})
    assert len(str(refused.value)) < 150


def _told(message, *words):
    def check(folder, command):
        with limits.use(memory_bytes=2**33):
            told = complaint(command(*words))
        assert message in told, told
        left = {path.name for path in folder.iterdir()} - {".cache"}
        assert left <= {"out"}
        assert not list(folder.rglob("*.keras"))

    return check


THREADS = "`threads` must be a finite number between 1 and 1024; got 1000000000"
NOT_FINITE = "weights became NaN or infinite at step 1; a smaller learning rate"


@table(
    Case(
        "--threads 1000000000 to train",
        "refused",
        _told(THREADS, "train", *DIGITS, "--threads", 10**9),
    ),
    Case(
        "--threads 1000000000 to denoise",
        "refused",
        _told(THREADS, "denoise", "clothing-denoiser", "in", "out", "--threads", 10**9),
    ),
    Case(
        "--threads 1000000000 to a study",
        "refused",
        _told(THREADS, "study", "noise", *DIGITS, "--threads", 10**9),
    ),
    Case(
        "--latent-dim 1000000000 to train",
        "refused with the memory that it takes",
        _told("training takes 5,752 GiB at least", "train", *DIGITS, "--latent-dim", 10**9),
    ),
    Case(
        "--latent-dim 1000000000 to a study",
        "refused with the memory that it takes",
        _told(
            "training takes 5,752 GiB at least",
            *("study", "augmentation", *DIGITS, "--quick", "--latent-dim", 10**9),
        ),
    ),
    Case(
        "--latent-samples 1000000000000",
        "refused with the memory that they take",
        _told(
            "`latent_samples` 1,000,000,000,000 would take 401 PB of memory",
            *("train", *DIGITS, "--latent-samples", 10**12),
        ),
    ),
    Case(
        "--corruption-samples 1000000000000",
        "refused with the memory that they take",
        _told(
            "`corruption_samples` 1,000,000,000,000 would take 401 PB of memory",
            *("train", *DIGITS, "--corruption-samples", 10**12),
        ),
    ),
    Case(
        "--learning-rate 1e308",
        "weights that are not finite are told, and not saved",
        _told(NOT_FINITE, "train", *SMALL, "--learning-rate", "1e308", "--epochs", 1),
    ),
)
def test_numbers(case, tmp_path, command):
    case.check(tmp_path, command)
