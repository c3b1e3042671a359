"""How pixel values are meant: which of them is white, and what transparent parts show."""

import json

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

import tfdvae
from tests.helpers.cases import Case, table
from tests.helpers.models import make
from tfdvae.data import image_dataset, sources

RANDOM = np.random.default_rng(0)
INK = RANDOM.random((16, 8, 8)) < 0.5
DEEP = RANDOM.integers(0, 4096, (16, 8, 8), dtype=np.uint16)
DEEP[0, 0, 0] = 4095
TRAIN = ("--model", "dae", "--network", "mlp", "--epochs", 1, "--no-classifier", "--test-noise", 0)


def _save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".tif":
        tifffile.imwrite(path, pixels, photometric="minisblack")
    else:
        path.write_bytes(imagecodecs.png_encode(pixels))


def _classes(folder, images, suffix=".png"):
    """Two class folders with half of the images each."""
    for number, pixels in enumerate(images):
        _save(folder / "ab"[number % 2] / f"{number:02d}{suffix}", pixels)
    return folder


def _drawings(folder, dtype=np.uint8):
    """Black ink on nothing: the drawing is in the alpha channel alone."""
    opaque = np.iinfo(dtype).max
    images = np.zeros((*INK.shape, 4), dtype)
    images[..., 3] = INK * opaque
    return _classes(folder, images)


def _everything(dataset):
    return np.concatenate([dataset.train.images, dataset.test.images])


def _model(path, **of_files):
    model = make("dae", shape=(8, 8, 1))
    for name, value in of_files.items():
        setattr(model, name, value)
    model.save(path)
    return path


def _a_drawing_in_alpha(folder, command):
    dataset = sources.load(str(_drawings(folder / "icons")))
    images = _everything(dataset)
    assert set(np.unique(images)) == {0, 255}
    assert images.std(axis=(1, 2, 3)).min() > 50, "none is constant"
    assert "16 images have transparent parts, which are white now" in dataset.notice
    assert "the first a/00.png" in dataset.notice


def _a_background_that_is_given(folder, command):
    place = str(_drawings(folder / "icons", np.uint16))
    on_white = sources.load(place, background="white")
    assert on_white.notice == ""
    assert _everything(on_white).max() == 65535
    on_black = sources.load(place, background="black")
    assert not _everything(on_black).any()
    assert "16 of 16 images are constant" in on_black.notice


def _opaque_alpha(folder, command):
    pixels = RANDOM.integers(0, 256, (16, 8, 8, 4), np.uint8)
    pixels[..., 3] = 255
    dataset = sources.load(str(_classes(folder / "opaque", pixels)))
    assert dataset.notice == ""
    assert set(map(bytes, _everything(dataset))) == {bytes(x[..., :3].copy()) for x in pixels}


def _constant_images(folder, command):
    images = RANDOM.integers(0, 256, (16, 8, 8), np.uint8)
    images[[3, 4]] = 200
    notice = sources.load(str(_classes(folder / "scans", images))).notice
    assert "2 of 16 images are constant" in notice
    assert "a/04.png" in notice
    assert "b/03.png" in notice


def _denoise_drawings(folder, command):
    model, icons = _model(folder / "m.keras"), _drawings(folder / "icons")
    done = command("denoise", model, icons, "out")
    assert done.returncode == 0
    assert "NOTE: 16 images have transparent parts, which are white now" in done.stdout
    given = command("denoise", model, icons, "out2", "--background", "white")
    assert "NOTE" not in given.stdout
    own = command("denoise", _model(folder / "w.keras", background="white"), icons, "out3")
    assert "NOTE" not in own.stdout
    made = [Image.open(folder / out / "a" / "00.png") for out in ("out", "out2", "out3")]
    assert made[0].mode == "RGB", "alpha is dropped"
    assert np.array_equal(made[0], made[1])
    assert np.array_equal(made[0], made[2])
    expected = tfdvae.load(model).denoise(np.where(INK[0], 0, 255).astype(np.uint8))
    assert np.array_equal(np.asarray(made[0])[..., 0], expected)


def _every_verb_on_drawings(folder, command):
    model, icons = _model(folder / "m.keras"), _drawings(folder / "icons")
    on_white = _classes(folder / "white", np.where(INK, 0, 255).astype(np.uint8))
    for verb, end in (("encode", ".npz"), ("detect", ".csv")):
        for name, given in (("icons", icons), ("white", on_white)):
            assert command(verb, model, given, f"{name}{end}").returncode == 0
        assert (folder / f"icons{end}").read_bytes() == (folder / f"white{end}").read_bytes()
    done = command("detect", model, on_white, "w.csv", "--normal", icons)
    assert "NOTE: 16 images have transparent parts" in done.stdout
    for name, given in (("made", icons), ("made-white", on_white)):
        assert command("augment", model, given, name).returncode == 0
    first = "a/00-synthetic1.png"
    made = np.asarray(Image.open(folder / "made" / first))
    assert np.array_equal(made[..., 0], Image.open(folder / "made-white" / first))


def _twelve_bits_unsaid(folder, command):
    notice = sources.load(str(_classes(folder / "deep", DEEP))).notice
    assert "4,095 in uint16, where white is 65,535" in notice
    assert "--white 4095" in notice


def _ones_and_zeros_unsaid(folder, command):
    notice = sources.load(str(_classes(folder / "bits", INK.astype(np.uint8)))).notice
    assert "The largest value is 1 in uint8" in notice
    assert "--white 1 " in notice


def _dark_arrays_unsaid(folder, command):
    np.savez(folder / "a.npz", x_train=DEEP, y_train=np.arange(16) % 2)
    notice = sources.load(str(folder / "a.npz")).notice
    assert "4,095 in uint16" in notice
    assert "--white 4095" in notice


def _twelve_bits(folder, command):
    place = str(_classes(folder / "deep", DEEP))
    expected = DEEP.astype(float) / 4095
    for white in (4095, "auto"):
        dataset = sources.load(place, white=white)
        assert dataset.white == 4095
        assert dataset.notice == ""
        images = image_dataset.to_unit(_everything(dataset))[..., 0]
        assert np.abs(np.sort(images, axis=0) - np.sort(expected, axis=0)).max() < 1e-5


def _ones_and_zeros(folder, command):
    dataset = sources.load(str(_classes(folder / "bits", INK.astype(np.uint8))), white=1)
    images = _everything(dataset)
    assert images.dtype == np.uint8
    assert set(np.unique(images)) == {0, 255}


def _arrays_of_any_white(folder, command):
    labels = np.arange(16) % 2
    for name, array, white in (
        ("deep", DEEP, 4095),
        ("bits", INK.astype(np.uint8), 1),
        ("floats", DEEP.astype(np.float32), 4095),
        ("big", DEEP.astype(">u2"), 4095),
    ):
        np.savez(folder / f"{name}.npz", x_train=array, y_train=labels)
        dataset = sources.load(str(folder / f"{name}.npz"), white=white)
        assert dataset.notice == ""
        found = image_dataset.to_unit(_everything(dataset))
        assert found.max() == 1
        in_memory = tfdvae.ImageDataset.from_arrays(array, labels, white="auto")
        assert in_memory.white == white
        assert np.array_equal(_everything(in_memory), _everything(dataset))
        in_memory.save(folder / "saved.npz")
        again = sources.load(str(folder / "saved.npz"))
        assert again.white == white
        assert again.notice == ""
        assert np.array_equal(
            _everything(again), found if name == "floats" else _everything(dataset)
        )


def _too_low_a_white(folder, command):
    images = DEEP.copy()
    images[3, 0, 0] = 5000
    place = _classes(folder / "deep", images)
    done = command("train", "--dataset", place, "--white", 4095, "--output", "run", *TRAIN)
    assert done.returncode == 2
    assert "b/03.png" in done.stderr
    assert "5,000, above the white of 4,095" in done.stderr
    assert not (folder / "run").exists()
    np.savez(folder / "a.npz", x_train=images, y_train=np.arange(16) % 2)
    with pytest.raises(ValueError, match=r"`white` of 4,095; image 3 has 5,000"):
        sources.load(str(folder / "a.npz"), white=4095)
    model = _model(folder / "m.keras", white=4095)
    done = command("denoise", model, place, "out")
    assert done.returncode == 1
    assert (
        "03.png cannot be processed: `images` must not exceed the `white` of 4,095; got 5,000"
        in (done.stderr)
    )
    assert "15 images" in done.stdout


def _verbs_of_twelve_bits(folder, command):
    deep = _classes(folder / "deep", DEEP)
    eight = _classes(folder / "eight", (DEEP // 16).astype(np.uint8))
    model = _model(folder / "m.keras", white=4095)
    done = command("denoise", model, deep, "out")
    assert "NOTE" not in done.stdout
    made = imagecodecs.png_decode((folder / "out" / "a" / "00.png").read_bytes())
    assert made.dtype == np.uint16
    assert 1000 < made.mean() < 3000
    assert np.array_equal(made, tfdvae.load(model).denoise(DEEP[0]))
    assert command("denoise", model, eight, "out8").returncode == 0
    made8 = np.asarray(Image.open(folder / "out8" / "a" / "00.png"))
    assert np.abs(made8 / 255 - made / 4095).max() < 0.02
    np.save(folder / "deep.npy", DEEP)
    assert command("denoise", model, "deep.npy", "out.npy").returncode == 0
    assert np.array_equal(np.load(folder / "out.npy")[0], made)
    plain = command("denoise", _model(folder / "n.keras"), deep, "dark")
    assert "NOTE: The largest value is 4,095 in uint16" in plain.stdout
    command("denoise", folder / "n.keras", deep, "given", "--white", 4095)
    given = imagecodecs.png_decode((folder / "given" / "a" / "00.png").read_bytes())
    assert np.array_equal(given, made)


def _numbers_of_files(folder, command):
    """TIFF files of types that do not say what white is."""
    for dtype in (np.float32, np.int32, np.int16):
        name = np.dtype(dtype).name
        place = _classes(folder / name, DEEP.astype(dtype), ".tif")
        dataset = sources.load(str(place), white=4095)
        images = image_dataset.to_unit(_everything(dataset))[..., 0]
        np.testing.assert_allclose(np.sort(images, axis=0), np.sort(DEEP / 4095, axis=0), atol=1e-5)
        model = _model(folder / "m.keras", white=4095)
        assert command("encode", model, place, f"{name}.npz").returncode == 0
        with np.load(folder / f"{name}.npz") as found:
            expected = tfdvae.load(model).encode(DEEP[::2])
            np.testing.assert_allclose(found["codes"][:8], expected, atol=1e-5)
        assert command("denoise", model, place, f"out-{name}").returncode == 0
        made = tifffile.imread(folder / f"out-{name}" / "a" / "00.tif")
        assert made.dtype == dtype
        expected = tfdvae.load(model).denoise(DEEP[0])
        np.testing.assert_allclose(made, expected, atol=1)


def _floats_above_one(folder, command):
    np.savez(folder / "a.npz", x_train=DEEP.astype(np.float32), y_train=np.arange(16) % 2)
    done = command("train", "--dataset", "a.npz", "--output", "run", *TRAIN)
    assert done.returncode == 2
    assert "must be finite and in [0, 1]" in done.stderr
    assert "`white` says which value is white" in done.stderr


def _named_sources(folder, command):
    done = command("train", "--dataset", "digits", "--white", 16, "--output", "run")
    assert done.returncode == 2
    assert "`white` is for a `dataset` that is a folder of images or an .npz file" in done.stderr
    done = command("train", "--dataset", "digits", "--background", "black", "--output", "run")
    assert "`background` is for a `dataset` that is a folder of images" in done.stderr


def _no_level(folder, command):
    place = _classes(folder / "deep", DEEP)
    for given, message in (("0", "above 0; got 0"), ("bright", "or auto; got 'bright'")):
        done = command("train", "--dataset", place, "--white", given)
        assert done.returncode == 2
        assert f"`white` must be a {'finite ' * (given == '0')}number" in done.stderr
        assert message in done.stderr
    _classes(folder / "black", np.zeros((16, 8, 8), np.uint8))
    done = command("train", "--dataset", "black", "--white", "auto", "--output", "run", *TRAIN)
    assert done.returncode == 2
    assert "`white` auto needs images that are not black" in done.stderr


def _masks(folder, command):
    """What a mask marks does not depend on alpha, as before."""
    model = _model(folder / "m.keras")
    _save(folder / "in.png", (INK[0] * np.uint8(200)))
    marked = np.zeros((8, 8, 4), np.uint8)
    marked[2:4, ..., :3] = 255
    Image.fromarray(marked).save(folder / "mask.png")
    assert command("impute", model, "in.png", "out.png", "--mask", "mask.png").returncode == 0
    out = np.asarray(Image.open(folder / "out.png"))
    assert np.array_equal(out[4:], INK[0][4:] * 200)


@table(
    Case("a drawing in alpha alone", "on white, with a NOTE", _a_drawing_in_alpha),
    Case("--background", "as given, without a NOTE", _a_background_that_is_given),
    Case("opaque alpha", "dropped without a word", _opaque_alpha),
    Case("constant images", "a NOTE with count and names", _constant_images),
    Case("denoise of transparent images", "on white, RGB out, with a NOTE", _denoise_drawings),
    Case("every verb on transparent images", "as if they were on white", _every_verb_on_drawings),
    Case("masks with alpha", "marked by their colors alone", _masks),
)
def test_transparency(case, tmp_path, command):
    case.check(tmp_path, command)


@table(
    Case("12 bits in 16", "a NOTE with the way out", _twelve_bits_unsaid),
    Case("0 and 1 in uint8", "a NOTE with the way out", _ones_and_zeros_unsaid),
    Case("a dark .npz file", "a NOTE with the way out", _dark_arrays_unsaid),
    Case("12 bits and --white 4095 or auto", "the whole range", _twelve_bits),
    Case("0 and 1 and --white 1", "black and white", _ones_and_zeros),
    Case("arrays with a white", "the whole range, kept when saved", _arrays_of_any_white),
    Case("values above --white", "named with the value; verbs do the others", _too_low_a_white),
    Case("denoise of 12 bits", "12 bits in 16 come out", _verbs_of_twelve_bits),
    Case("TIFF files of floats or signed integers", "read with --white", _numbers_of_files),
    Case("floats above 1", "refused with the way out", _floats_above_one),
    Case("--white with a named dataset", "refused by name", _named_sources),
    Case("--white 0, bright, or of black images", "refused by name", _no_level),
)
def test_white(case, tmp_path, command):
    case.check(tmp_path, command)


def _a_run_of_twelve_bits(folder, command):
    place = _classes(folder / "deep", DEEP)
    done = command("train", "--dataset", place, "--white", "auto", "--output", "run", *TRAIN)
    assert done.returncode == 0, done.stderr
    settings = json.loads((folder / "run" / "config.json").read_text())
    assert settings["white"] == 4095
    assert settings["background"] is None
    for model in ("run", folder / "run" / "saved_model", folder / "run" / "generator.keras"):
        loaded = tfdvae.load(model)
        assert loaded.white == 4095
        assert 1000 < loaded.denoise(DEEP).mean() < 3000
    again = command("train", "--resume", "run", "--white", "auto")
    assert again.returncode == 0, again.stderr
    other = command("train", "--resume", "run", "--white", 255)
    assert other.returncode == 2
    assert "its `white` is 4095; got 255" in other.stderr
    dataset = tfdvae.ImageDataset.from_arrays(DEEP, np.arange(16) % 2)
    run = tfdvae.train(
        dataset=dataset,
        white=4095,
        output=folder / "arrays",
        model="dae",
        network="mlp",
        epochs=1,
        no_classifier=True,
        test_noise=("0",),
    )
    assert tfdvae.load(run).white == 4095
    tfdvae.train(resume=run)


def _a_run_on_black(folder, command):
    icons = _drawings(folder / "icons")
    flags = ("--background", "black", "--output", "run", *TRAIN)
    done = command("train", "--dataset", icons, *flags)
    assert done.returncode == 0, done.stderr
    assert "transparent" not in done.stdout
    assert json.loads((folder / "run" / "config.json").read_text())["background"] == "black"
    done = command("denoise", "run", icons, "out")
    assert "transparent" not in done.stdout
    made = np.asarray(Image.open(folder / "out" / "a" / "00.png"))
    assert np.array_equal(made, tfdvae.load("run").denoise(np.zeros((8, 8, 3), np.uint8)))


@pytest.mark.slow
@table(
    Case("a run with --white auto", "its model and resuming know the level", _a_run_of_twelve_bits),
    Case("a run with --background black", "its model uses it too", _a_run_on_black),
)
def test_runs(case, tmp_path, command):
    case.check(tmp_path, command)
