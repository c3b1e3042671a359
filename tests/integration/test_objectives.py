"""Models that learn from noisy images alone, through the command line."""

import functools
import json
import shutil
from types import SimpleNamespace

import keras
import numpy as np
import pytest

import tfdvae
from tests.helpers.models import make_unet
from tests.helpers.processes import TINY
from tfdvae import csv_rows
from tfdvae.cli import main
from tfdvae.image_io import codec

NOISE = ["--noisy-train", "--train-noise", "0.2", "--test-noise", "0", "0.2", "--threads", "2"]
UNET = [*TINY, *NOISE, "--model", "dae", "--network", "unet", "--objective"]


@pytest.fixture
def command(capsys):
    """Run `tfdvae` in this process; return its status, standard output and error."""

    def run(*arguments):
        capsys.readouterr()
        status = main.main(list(map(str, arguments)))
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return SimpleNamespace(status=status, out=out, err=err)

    return run


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A function that returns the folder of a run with an objective."""

    @functools.cache
    def run(objective):
        folder = tmp_path_factory.mktemp("objectives") / "run"
        # A classifier beside a model that makes no images for it.
        more = [] if objective == "masked" else ["--no-classifier"]
        arguments = [*UNET, objective, *more, "--quiet", "--output", str(folder)]
        assert main.main(["train", *arguments]) == 0
        return folder

    return run


@pytest.mark.slow
@pytest.mark.parametrize(
    ("objective", "corruption"),
    [
        ("masked", "none"),
        ("recorrupted", "gaussian:0.2"),
        ("paired", "none"),
    ],
)
def test_a_unet_learns_from_noisy_images_alone(objective, corruption, trained, command, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(trained(objective), run)
    stored = json.loads((run / "config.json").read_text())
    names = ("objective", "network", "likelihood", "corruption")
    assert [stored[name] for name in names] == [objective, "unet", "linear:1.0", corruption]
    assert (run / "report.html").is_file()
    assert not list(run.rglob("codes.tsv")), "no explorer"
    rows = csv_rows.read_rows(run / "metrics.csv")
    assert {(row["target"], row["network"], row["corruption"]) for row in rows} == {
        (objective, "unet", corruption)
    }
    assert {row["metric"] for row in rows} >= {"loss", "psnr", "psnr_input"}
    assert "active_units" not in {row["metric"] for row in rows}
    assert (run / "augmentation").exists() == (objective == "recorrupted")
    silent = "A dae without a corruption makes no synthetic images"
    assert (silent in (run / "summary.md").read_text()) == (objective != "recorrupted")
    weights = keras.models.load_model(run / "generator.keras").get_weights()
    for made in ("generator.keras", "report.html"):
        (run / made).unlink()
    shutil.rmtree(run / "checkpoints" / "generator")
    assert command("train", "--resume", run).status == 0
    assert (run / "report.html").is_file()
    again = keras.models.load_model(run / "generator.keras").get_weights()
    assert all(np.array_equal(*pair) for pair in zip(weights, again, strict=True))


@pytest.fixture
def pictures(tmp_path):
    """A folder of pictures of several sizes."""
    folder, random = tmp_path / "pictures", np.random.default_rng(0)
    folder.mkdir()
    for number, size in enumerate([(8, 8), (5, 21), (40, 30)]):
        codec.write(folder / f"{number}.png", random.integers(0, 256, (*size, 1), np.uint8))
    return folder


@pytest.mark.slow
def test_a_folder_of_images_of_any_size_is_denoised_and_scored(trained, pictures, command):
    run = trained("masked")
    made = pictures.with_name("made")
    assert command("denoise", run, pictures, made).status == 0
    model = tfdvae.load(run)
    for path in sorted(pictures.glob("*.png")):
        expected = model.denoise(codec.read(path))
        assert np.array_equal(codec.read(made / path.name), expected)
    scores = pictures.with_name("scores.csv")
    assert command("detect", run, pictures, scores).status == 0
    assert len(scores.read_text().splitlines()) == 4
    assert command("export", run, "--output", pictures.with_name("exported")).status == 0
    assert not tfdvae.load(pictures.with_name("exported")).has_code


@pytest.mark.parametrize(
    ("verb", "message"),
    [
        ("encode", "this model has no code: its network, such as unet, maps images to images"),
        ("sample", "only a VAE or DVAE has a prior to be sampled"),
        ("augment", "nor does a dae without a corruption"),
    ],
)
def test_what_a_unet_cannot_do_is_said_at_once(verb, message, pictures, command, tmp_path):
    make_unet().save(tmp_path / "unet.keras")
    output = pictures.with_name("output.npz" if verb == "encode" else "output")
    given = [] if verb == "sample" else [pictures]
    done = command(verb, tmp_path / "unet.keras", *given, output)
    assert (done.status, message in done.err) == (2, True), done.err
    assert not output.exists()


def test_pairs_of_pixels_with_a_network_for_one_size_are_refused_before_anything_is_written(
    command, tmp_path
):
    arguments = ["--model", "dae", "--objective", "paired", "--output", tmp_path / "run"]
    done = command("train", *TINY, *arguments)
    assert done.status == 2
    assert "it needs networks for images of any size, such as unet" in done.err
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_dvae_that_hides_pixels_makes_synthetic_images(command, tmp_path):
    arguments = ["--model", "dvae", "--objective", "masked", "--likelihood", "gaussian:0.2"]
    arguments += ["--no-classifier", "--output", tmp_path / "run"]
    done = command("train", *TINY, *NOISE, *arguments)
    assert done.status == 0, done.err
    assert (tmp_path / "run" / "augmentation" / "images.npy").is_file()
