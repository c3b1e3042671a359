"""Draws of the posterior through the command line: `denoise --uncertainty`, `sample --around`."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest
import tifffile

import tfdvae
from tests.helpers.models import make, make_known_posterior
from tfdvae._utils import limits
from tfdvae.cli import main
from tfdvae.image_io import codec

IMAGES = np.random.default_rng(0).integers(100, 150, (9, 8, 6, 1), dtype=np.uint8)


@pytest.fixture(autouse=True)
def small_pieces():
    with limits.use(file_images=4, batch_images=4, piece_bytes=4 * IMAGES[0].nbytes):
        yield


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run a command in a folder with two models; return status, standard output and error."""
    monkeypatch.chdir(tmp_path)
    make_known_posterior().save("known.keras")
    make("dae", "mlp", (8, 6, 1)).save("dae.keras")

    def command(line):
        status = main.main(line.split())
        return status, *capsys.readouterr()

    return command


def write(name, image):
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    codec.write(Path(name), image)


def expected(images, samples):
    return tfdvae.load("known.keras").mean_and_spread(images, samples)


def test_maps_of_a_folder(run):
    for number, image in enumerate(IMAGES):
        write(f"in/{'ab'[number % 2]}/{number}.png", image)
    status, out, err = run("denoise known.keras in out --samples 3 --uncertainty maps")
    assert status == 0, err
    assert (status, "fractions of white, in maps" in out) == (0, True)
    mean, spread = expected(IMAGES, 3)
    for number in range(9):
        name = f"{'ab'[number % 2]}/{number}"
        made = codec.read(Path(f"out/{name}.png"))
        np.testing.assert_allclose(made, 255 * mean[number], atol=0.51)
        found = tifffile.imread(f"maps/{name}.tif")
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, spread[number, ..., 0], atol=1e-6)


def test_finished_maps_are_kept_and_missing_ones_made(run):
    for number, image in enumerate(IMAGES[:3]):
        write(f"in/{number}.png", image)
    line = "denoise known.keras in out --uncertainty maps"
    assert run(line)[0] == 0
    before = Path("maps/1.tif").read_bytes()
    os.remove("maps/1.tif")
    write("maps/2.tif", np.zeros((8, 6, 1), np.float32))
    status, out, _ = run(line)
    assert status == 0
    assert "NOTE: 2 maps that were there are kept; --overwrite replaces them." in out
    assert Path("maps/1.tif").read_bytes() == before
    assert not tifffile.imread("maps/2.tif").any()
    assert run(f"{line} --overwrite")[0] == 0
    np.testing.assert_allclose(
        tifffile.imread("maps/2.tif"), expected(IMAGES[2:3], 16)[1][0, ..., 0], atol=1e-6
    )


def test_maps_of_a_stack_and_of_colors(run):
    Path("in").mkdir()
    tifffile.imwrite("in/stack.tif", IMAGES[..., 0], photometric="minisblack")
    write("in/color.png", np.repeat(IMAGES[0], 3, axis=-1))  # gray in three channels
    assert run("denoise known.keras in out --samples 2 --uncertainty maps")[0] == 0
    _, spread = expected(IMAGES, 2)
    found = tifffile.imread("maps/stack.tif")
    assert (found.shape, found.dtype) == ((9, 8, 6), np.float32)
    np.testing.assert_allclose(found, spread[..., 0], atol=1e-6)
    color = tifffile.imread("maps/color.tif")
    np.testing.assert_allclose(color, np.repeat(spread[0], 3, axis=-1), atol=1e-6)


def test_maps_of_images_that_cannot_be_used_are_left_out(run):
    write("in/good.png", IMAGES[0])
    Path("in/broken.png").write_bytes(b"no")
    status, _, err = run("denoise known.keras in out --uncertainty maps")
    assert (status, err.count("broken.png cannot be read")) == (1, 1)
    assert [path.name for path in Path("maps").iterdir()] == ["good.tif"]


@pytest.mark.parametrize("shape", [(9, 8, 6), (9, 8, 6, 1), (8, 6)])
@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_maps_of_arrays_have_their_shapes(run, shape, suffix):
    images = IMAGES.ravel()[: np.prod(shape)].reshape(shape)
    if suffix == "npz":
        images = images if len(shape) > 2 else images[None]
        np.savez("in.npz", one=images, labels=np.arange(3))
    else:
        np.save("in.npy", images)
    line = f"denoise known.keras in.{suffix} out.{suffix} --samples 2 --uncertainty maps"
    assert run(line)[0] == 0
    found = np.load(f"maps/in.{suffix}")
    if suffix == "npz":
        assert list(found) == ["one"]
        found = found["one"]
    assert (found.shape, found.dtype) == (images.shape, np.float32)
    _, spread = expected(images, 2)
    np.testing.assert_allclose(found, spread.reshape(found.shape), atol=1e-6)
    before = Path(f"maps/in.{suffix}").read_bytes()
    assert run(f"{line.replace('2', '3')} --overwrite")[0] == 0
    assert Path(f"maps/in.{suffix}").read_bytes() != before


def test_images_whose_maps_would_have_one_name(run):
    for name in ("in/a.png", "in/a.bmp"):
        write(name, IMAGES[0])
    status, _, err = run("denoise known.keras in out --uncertainty maps")
    assert status == 2
    assert "`uncertainty` needs images that differ in more than the suffix; got a.bmp and a" in err
    assert not Path("out").exists()


@pytest.mark.parametrize("output", ["out", "out.npy", "out.npz"])
def test_clean_images_that_a_noisy_one_may_show(run, output):
    write("noisy.png", IMAGES[0])
    assert run(f"sample known.keras {output} --around noisy.png --count 3 --seed 4")[0] == 0
    drawn = tfdvae.load("known.keras").sample_around(IMAGES[:1], 3, seed=4)[0]
    if output == "out":
        names = [f"sample-{number:06d}.png" for number in range(3)]
        made = np.stack([codec.read(Path("out", name)) for name in names])
        assert made.dtype == np.uint8
        np.testing.assert_allclose(made, 255 * drawn, atol=0.51)
        with open("out/manifest.csv", newline="") as file:
            rows = list(csv.DictReader(file))
        assert [row["image"] for row in rows] == names
        assert {(row["source"], row["seed"], row["method"]) for row in rows} == {
            ("noisy.png", "4", "posterior")
        }
    else:
        made = np.load(output) if output == "out.npy" else np.load(output)["images"]
        np.testing.assert_allclose(made, drawn, atol=1e-6)
    assert run(f"sample known.keras {output} --around noisy.png")[0] == 2
    assert run(f"sample known.keras {output} --around noisy.png --count 1 --overwrite")[0] == 0


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_draws_have_the_bits_of_the_image(run, dtype):
    image = (IMAGES[0] / np.float32(255)).astype(np.float32)
    stored = np.rint(65535 * image).astype(np.uint16) if dtype == "uint16" else image
    write("noisy.tif", stored)
    assert run("sample known.keras out --around noisy.tif --count 1")[0] == 0
    suffix = "png" if dtype == "uint16" else "tif"
    made = codec.read(Path(f"out/sample-000000.{suffix}"))
    assert made.dtype == dtype
    drawn = tfdvae.load("known.keras").sample_around(image[None], 1)[0, 0]
    top = 65535 if dtype == "uint16" else 1
    np.testing.assert_allclose(made / top, drawn, atol=1e-4)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("sample dae.keras out --around noisy.png", "only a VAE or DVAE has a posterior"),
        ("sample known.keras out --around stack.tif", "must hold one image; got a stack of 9"),
        ("sample known.keras out --around color.png", "`around` must have 1 channel"),
    ],
)
def test_refused(run, line, message):
    write("noisy.png", IMAGES[0])
    write("color.png", np.concatenate([IMAGES[0], IMAGES[1], IMAGES[2]], axis=-1))
    tifffile.imwrite("stack.tif", IMAGES[..., 0], photometric="minisblack")
    status, _, err = run(line)
    assert status == 2
    assert message in err
    assert not Path("out").exists()
