"""TIFF stacks as microscopes, ImageJ and tifffile write them, and TIFF files of other numbers."""

import csv
import json

import numpy as np
import pytest
import tifffile

from tests.helpers.cases import Case, table
from tests.helpers.processes import peak_memory
from tfdvae.data import sources

RANDOM = np.random.default_rng(0)
STACK = RANDOM.integers(0, 256, (10, 28, 28), np.uint8)
COLOR = np.stack([STACK] * 3, axis=-1)
IMAGEJ = {"axes": "ZYX", "spacing": 2.5, "unit": "um", "Info": "taken on Monday"}
TRAINING = ("--model", "dae", "--network", "mlp", "--epochs", 1)


def written(pixels, **options):
    """A file of pixels, and what `denoise` makes of its frames."""

    def check(folder, command):
        tifffile.imwrite(folder / "in.tif", pixels, **options)
        frames = pixels if options.get("photometric") != "rgb" else pixels[..., 0]
        np.save(folder / "in.npy", np.asarray(frames).reshape(-1, 28, 28))
        for suffix in ("tif", "npy"):
            done = command("denoise", "clothing-denoiser", f"in.{suffix}", f"out.{suffix}")
            assert done.returncode == 0, done.stderr
        count = len(np.load(folder / "in.npy"))
        assert f"{count} image{'s' * (count > 1)} in out" in done.stdout
        made = tifffile.imread(folder / "out.tif")
        assert (made.shape, made.dtype) == (pixels.shape, pixels.dtype)
        expected = np.load(folder / "out.npy").reshape(frames.shape)
        if made.shape != frames.shape:
            expected = np.stack([expected] * 3, axis=-1)
        assert np.array_equal(made, expected)
        assert not np.array_equal(made, pixels)
        with tifffile.TiffFile(folder / "in.tif") as old, tifffile.TiffFile(out(folder)) as new:
            assert new.series[0].axes == old.series[0].axes
            assert new.series[0].kind == old.series[0].kind
            assert len(new.pages) == len(old.pages)
            assert new.byteorder == old.byteorder
            assert new.pages[0].compression == old.pages[0].compression
            assert new.imagej_metadata == old.imagej_metadata

    return check


def out(folder):
    return folder / "out.tif"


def _resolution(folder, command):
    tifffile.imwrite(folder / "in.tif", STACK, imagej=True, resolution=(3.2, 3.2), metadata=IMAGEJ)
    command("denoise", "clothing-denoiser", "in.tif", "out.tif")
    with tifffile.TiffFile(out(folder)) as made:
        assert made.imagej_metadata["spacing"] == 2.5
        assert made.imagej_metadata["unit"] == "um"
        assert made.imagej_metadata["Info"] == "taken on Monday"
        numerator, denominator = made.pages[0].tags["XResolution"].value
        assert numerator / denominator == pytest.approx(3.2)


def _ome(folder, command):
    metadata = {"axes": "TYX", "PhysicalSizeX": 0.1, "PhysicalSizeXUnit": "nm"}
    tifffile.imwrite(folder / "in.ome.tif", STACK, ome=True, metadata=metadata)
    command("denoise", "clothing-denoiser", "in.ome.tif", "out.tif")
    with tifffile.TiffFile(out(folder)) as made:
        assert (made.series[0].kind, made.series[0].axes) == ("ome", "TYX")
        assert 'PhysicalSizeX="0.1" PhysicalSizeXUnit="nm"' in made.ome_metadata


@table(
    Case("plain pages", "the stack denoised", written(STACK)),
    Case("plain pages without metadata", "the stack denoised", written(STACK, metadata=None)),
    Case("compressed pages", "the stack denoised", written(STACK, compression="zlib")),
    Case("one page, truncate=True", "the stack denoised", written(STACK, truncate=True)),
    Case("one page, volumetric=True", "the stack denoised", written(STACK, volumetric=True)),
    Case(
        "one page, volumetric and compressed",
        "the stack denoised",
        written(STACK, volumetric=True, compression="zlib"),
    ),
    Case("ImageJ", "the stack denoised", written(STACK, imagej=True)),
    Case(
        "ImageJ, one page",
        "the stack denoised",
        written(STACK.astype(np.uint16) * 257, imagej=True, truncate=True),
    ),
    Case("ImageJ, other end", "the stack denoised", written(STACK, imagej=True, byteorder=">")),
    Case(
        "ImageJ, time, depth",
        "the stack denoised",
        written(STACK.reshape(2, 5, 28, 28), imagej=True, metadata={"axes": "TZYX"}),
    ),
    Case("metadata of ImageJ", "kept", _resolution),
    Case("OME", "the stack denoised, metadata kept", _ome),
    Case("two axes", "the stack denoised", written(STACK.reshape(2, 5, 28, 28))),
    Case("one frame (1, H, W)", "its shape", written(STACK[:1])),
    Case("color", "the stack denoised", written(COLOR, photometric="rgb")),
    Case(
        "color in one page", "the stack denoised", written(COLOR, photometric="rgb", truncate=True)
    ),
)
def test_denoise(case, tmp_path, command):
    case.check(tmp_path, command)


def values(pixels, dtype, **options):
    """A stack whose numbers stand for images, denoised as these are."""

    def check(folder, command):
        tifffile.imwrite(folder / "in.tif", pixels.astype(dtype), **options)
        np.save(folder / "in.npy", pixels)
        for suffix in ("tif", "npy"):
            done = command("denoise", "clothing-denoiser", f"in.{suffix}", f"out.{suffix}")
            assert done.returncode == 0, done.stderr
        made = tifffile.imread(folder / "out.tif")
        assert made.dtype == dtype
        assert np.array_equal(made, np.load(folder / "out.npy").astype(dtype))

    return check


def refused(pixels, *messages, **options):
    """A file that is named, while the other of its folder is denoised."""

    def check(folder, command):
        (folder / "in").mkdir()
        tifffile.imwrite(folder / "in" / "a.tif", pixels, **options)
        tifffile.imwrite(folder / "in" / "b.tif", STACK)
        done = command("denoise", "clothing-denoiser", "in", "out")
        assert done.returncode == 1
        assert done.stderr.count("tfdvae: ") == 1
        for message in ("a.tif", *messages):
            assert message in done.stderr
        assert [path.name for path in (folder / "out").iterdir()] == ["b.tif"]
        assert command("denoise", "clothing-denoiser", "in/a.tif", "out.tif").returncode == 2

    return check


UNIT = (STACK / np.float32(255)).astype(np.float32)


@table(
    Case("float32 in [0, 1]", "denoised as float32", values(UNIT, np.float32)),
    Case("float64 in [0, 1]", "denoised as float64", values(UNIT, np.float64)),
    Case(
        "float16 in [0, 1]",
        "denoised as float16",
        values(UNIT.astype(np.float16).astype(np.float32), np.float16),
    ),
    Case("one float image", "denoised as float32", values(UNIT[0], np.float32)),
    Case("float32, whole numbers", "denoised as 8 bits", values(STACK, np.float32)),
    Case("int16 of 8 bits", "denoised as 8 bits", values(STACK, np.int16)),
    Case("int32 of 16 bits", "denoised as 16 bits", values(STACK.astype(np.uint16) * 257, "int32")),
    Case("one uint32 image", "denoised as 8 bits", values(STACK[0], np.uint32)),
    Case("negative", "named with the way out", refused(
        STACK.astype(np.int16) - 5, "signed integers of 16 bits from -5 to 250", ".npz")),
    Case("floats to 2.5", "named with the way out", refused(
        UNIT * np.float32(2.5), "floats of 32 bits from 0 to 2.5", ".npz")),
    Case("NaN", "named", refused(np.full((5, 28, 28), np.nan), "NaN or infinite")),
)  # fmt: skip
def test_numbers(case, tmp_path, command):
    case.check(tmp_path, command)


def _several_sizes(folder, command):
    (folder / "in").mkdir()
    with tifffile.TiffWriter(folder / "in" / "a.tif") as file:
        file.write(STACK[0])
        file.write(STACK[0, :14])
    done = command("encode", "clothing-dvae", "in", "out.npz")
    assert done.returncode == 2
    assert "a.tif must hold one image or one stack; got 2 of the sizes 28x28, 14x28" in done.stderr


def _pyramid(folder, command):
    with tifffile.TiffWriter(folder / "a.tif") as file:
        file.write(STACK[0], subifds=1)
        file.write(STACK[0, ::2, ::2], subfiletype=1)
    done = command("denoise", "clothing-denoiser", "a.tif", "out.tif")
    assert done.returncode == 2
    assert "it is a pyramid of 2" in done.stderr


def _frame_of_another_size(folder, command):
    """Every frame has that size: one message for the file."""
    small = STACK[:, :20]
    refused(small, "a.tif[0] cannot be processed", "20x28")(folder, command)


def _cut(folder, command):
    whole = folder / "whole.tif"
    tifffile.imwrite(whole, STACK, compression="zlib")
    (folder / "a.tif").write_bytes(whole.read_bytes()[:-100])
    (folder / "b.tif").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    for name in "ab":
        done = command("denoise", "clothing-denoiser", f"{name}.tif", "out.tif")
        assert done.returncode == 2
        assert f"{name}.tif" in done.stderr
        assert "cannot be read" in done.stderr
    assert not out(folder).exists()
    assert not list(folder.glob(".tmp*"))


def _as_png(folder, command):
    tifffile.imwrite(folder / "in.tif", STACK)
    done = command("denoise", "clothing-denoiser", "in.tif", "out.png")
    assert done.returncode == 2
    assert "a stack needs the suffix .tif or .tiff; got .png" in done.stderr


def _kept(folder, command):
    tifffile.imwrite(folder / "in.tif", STACK)
    out(folder).write_text("mine")
    assert command("denoise", "clothing-denoiser", "in.tif", "out.tif").returncode == 2
    assert out(folder).read_text() == "mine"
    done = command("denoise", "clothing-denoiser", "in.tif", "out.tif", "--overwrite")
    assert done.returncode == 0
    assert tifffile.imread(out(folder)).shape == STACK.shape


@table(
    Case("two sizes in a file", "named with both", _several_sizes),
    Case("a pyramid", "named", _pyramid),
    Case(
        "channels in a pixel",
        "named",
        refused(
            np.stack([STACK] * 2, -1),
            "1 or 3 channels a pixel; got 2",
            planarconfig="contig",
            photometric="minisblack",
        ),
    ),
    Case(
        "an axis of wavelengths",
        "named",
        refused(STACK, "its axes are lambda, height, width", metadata={"axes": "EYX"}),
    ),
    Case("frames of another size", "the file is named once", _frame_of_another_size),
    Case("a stack that is cut", "named, nothing written", _cut),
    Case("a stack to a PNG file", "refused", _as_png),
    Case("a result that exists", "kept without --overwrite", _kept),
)
def test_what_is_refused(case, tmp_path, command):
    case.check(tmp_path, command)


def _encode(folder, command):
    (folder / "in" / "b").mkdir(parents=True)
    tifffile.imwrite(folder / "in" / "a.tif", STACK[0])
    tifffile.imwrite(folder / "in" / "b" / "c.tif", STACK[1:4], photometric="minisblack")
    done = command("encode", "clothing-dvae", "in", "out.npz")
    assert done.returncode == 0, done.stderr
    found = np.load(folder / "out.npz")
    assert found["names"].tolist() == ["a.tif", "b/c.tif[0]", "b/c.tif[1]", "b/c.tif[2]"]
    assert len(np.unique(found["codes"], axis=0)) == 4


def _detect(folder, command):
    tifffile.imwrite(folder / "in.tif", STACK)
    done = command("detect", "clothing-dvae", "in.tif", "out.csv")
    assert done.returncode == 0, done.stderr
    with open(folder / "out.csv") as file:
        names = {row["image"] for row in csv.DictReader(file)}
    assert names == {f"in.tif[{frame}]" for frame in range(10)}


def _augment(folder, command):
    (folder / "in" / "cats").mkdir(parents=True)
    tifffile.imwrite(folder / "in" / "cats" / "a.tif", STACK[:2].astype(np.int32))
    done = command("augment", "clothing-dvae", "in", "out", "--per-image", 1, "--include-originals")
    assert done.returncode == 0, done.stderr
    with open(folder / "out" / "manifest.csv") as file:
        rows = {row["image"]: (row["source"], row["label"]) for row in csv.DictReader(file)}
    assert rows == {
        f"cats/a-frame{frame}{more}.tif": (f"cats/a.tif[{frame}]", "cats")
        for frame in (0, 1)
        for more in ("", "-synthetic1")
    }
    made = tifffile.imread(folder / "out" / "cats" / "a-frame1.tif")
    assert made.dtype == np.int32
    assert np.array_equal(made, STACK[1])


def _impute(folder, command):
    tifffile.imwrite(folder / "in.tif", STACK)
    mask = np.zeros_like(STACK)
    for frame in range(10):
        mask[frame, 10 + frame, 5:20] = 1
    tifffile.imwrite(folder / "mask.tif", mask)
    done = command("impute", "clothing-dvae", "in.tif", "out.tif", "--mask", "mask.tif")
    assert done.returncode == 0, done.stderr
    made = tifffile.imread(out(folder))
    assert np.array_equal(made[mask == 0], STACK[mask == 0])
    assert not np.array_equal(made[mask == 1], STACK[mask == 1])
    tifffile.imwrite(folder / "mask.tif", mask[:5])
    done = command("impute", "clothing-dvae", "in.tif", "other.tif", "--mask", "mask.tif")
    assert done.returncode == 2
    assert "must hold one image or a stack of 10; got a stack of 5" in done.stderr


def _impute_by_name(folder, command):
    for name in ("in", "masks"):
        (folder / name).mkdir()
    tifffile.imwrite(folder / "in" / "a.tif", STACK)
    mask = np.zeros((28, 28), np.uint8)
    mask[10:14] = 255
    tifffile.imwrite(folder / "masks" / "a.tif", mask)
    done = command("impute", "clothing-dvae", "in", "out", "--mask", "masks")
    assert done.returncode == 0, done.stderr
    made = tifffile.imread(folder / "out" / "a.tif")
    assert np.array_equal(made[:, mask == 0], STACK[:, mask == 0])
    assert not np.array_equal(made[:, 10:14], STACK[:, 10:14])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("layout", "most"), [({"truncate": True}, 10), ({"compression": "zlib"}, 40)]
)
def test_memory_does_not_grow_with_the_frames_of_a_stack(layout, most, tmp_path):
    """In MiB: one copy of all as floats would be 84 more; a page needs less than 1 KB."""
    peaks = []
    for count in (2_000, 30_000):
        frames = RANDOM.integers(0, 256, (count, 28, 28), np.uint8)
        tifffile.imwrite(tmp_path / "in.tif", frames, **layout)
        made = tmp_path / f"out{count}.tif"
        denoise = ("denoise", "clothing-dvae", tmp_path / "in.tif", made, "--threads", 2)
        peaks.append(peak_memory(*denoise))
        assert tifffile.imread(made).shape == frames.shape
    assert peaks[1] - peaks[0] < most, peaks


@table(
    Case("encode", "a code for each frame", _encode),
    Case("detect", "a score for each frame", _detect),
    Case("augment", "new images of each frame, each a file", _augment),
    Case("impute, a mask for each frame", "hidden pixels filled in", _impute),
    Case("impute, masks by name", "hidden pixels filled in", _impute_by_name),
)
def test_other_commands(case, tmp_path, command):
    case.check(tmp_path, command)


def stacks(folder, **counts):
    """Stacks by name, `__` standing for `/`; each frame has one value, different everywhere."""
    value = 0
    for name, count in counts.items():
        path = folder / f"{name.replace('__', '/')}.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        frames = np.arange(value, value + count, dtype=np.uint8)[:, None, None]
        pixels = np.broadcast_to(frames, (count, 8, 8))
        tifffile.imwrite(path, pixels, photometric="minisblack")
        value += count
    return folder


def parts(found):
    return [sorted(part.images[:, 0, 0, 0].tolist()) for part in (found.train, found.test)]


def _whole_files(folder, command):
    stacks(folder / "in", a__1=5, a__2=7, a__3=6, b__1=4, b__2=9)
    found = sources.load(str(folder / "in"))
    train, test = parts(found)
    assert sorted(train + test) == list(range(31))
    files = [range(5), range(5, 12), range(12, 18), range(18, 22), range(22, 31)]
    for file in files:
        assert set(file) <= set(train) or set(file) <= set(test)
    assert set(found.test.labels) == {0, 1}
    assert "5 files are stacks, whose 31 frames are an image each" in found.notice


def _one_stack(folder, command):
    found = sources.load(str(stacks(folder / "in", a=10)), labelled=False)
    train, test = parts(found)
    assert (len(train), len(test)) == (8, 2)
    assert test[1] == test[0] + 1
    assert "a.tif is the only file of its class" in found.notice
    assert "look better than on another stack" in found.notice


def _file(folder, command):
    stacks(folder, a=10)
    found = sources.load(str(folder / "a.tif"), labelled=False)
    assert sorted(map(len, parts(found))) == [2, 8]
    assert found.name == str(folder / "a.tif")
    with pytest.raises(ValueError, match="no labels; `tfdvae train --no-classifier` does without"):
        sources.load(str(folder / "a.tif"))
    tifffile.imwrite(folder / "a.tif", STACK[0])
    with pytest.raises(ValueError, match="at least two images"):
        sources.load(str(folder / "a.tif"), labelled=False)
    (folder / "noisy").mkdir()
    with pytest.raises(ValueError, match="must be a folder where `noisy_dir` is given"):
        sources.load(str(folder / "a.tif"), noisy_dir=str(folder / "noisy"))


def _stack_of_a_class(folder, command):
    found = sources.load(
        str(stacks(folder / "in", a=10, b=10).rename(folder / "x")), labelled=False
    )
    assert sorted(map(len, parts(found))) == [10, 10]
    found = sources.load(str(stacks(folder / "classes", a__1=10, b__1=10)))
    assert np.bincount(found.test.labels).tolist() == [2, 2]


def _groups(folder, command):
    stacks(folder / "in", a=2, b=2, c=2)
    rows = ["a.tif,anna", "b.tif,anna", "c.tif[0],carl", "c.tif[1],cleo"]
    (folder / "groups.csv").write_text("\n".join(["image,group", *rows]))
    found = sources.load(str(folder / "in"), labelled=False, groups=str(folder / "groups.csv"))
    train, test = parts(found)
    assert sorted(train + test) == list(range(6))
    assert {0, 1, 2, 3} <= set(train) or {0, 1, 2, 3} <= set(test)
    assert ({4} <= set(train)) != ({5} <= set(train))


def _pairs(folder, command):
    stacks(folder / "clean", a=6, b=6)
    stacks(folder / "noisy", a=6, b=6)
    found = sources.load(str(folder / "clean"), noisy_dir=str(folder / "noisy"), labelled=False)
    assert np.array_equal(found.train.images, found.train.noisy)
    tifffile.imwrite(folder / "noisy" / "b.tif", np.zeros((5, 8, 8), np.uint8))
    with pytest.raises(ValueError, match=r"b\.tif holds 6 and b\.tif holds 5"):
        sources.load(str(folder / "clean"), noisy_dir=str(folder / "noisy"), labelled=False)


def _train(folder, command):
    for name in ("a", "b"):
        (folder / "in" / name).mkdir(parents=True)
        for number in range(2):
            tifffile.imwrite(folder / "in" / name / f"{number}.tif", STACK, truncate=True)
    done = command("train", "--dataset", "in", "--output", "run", "--no-classifier", *TRAINING)
    assert done.returncode == 0, done.stderr
    assert "NOTE: 4 files are stacks, whose 40 frames are an image each" in done.stdout
    assert json.loads((folder / "run" / "config.json").read_text())


def _numbers_of_a_folder(folder, command):
    """One scale for all files: the darkest has values below 256, the brightest above."""
    (folder / "in").mkdir()
    for number, highest in enumerate((200, 4095, 1000, 90)):
        image = np.linspace(0, highest, 64).round().reshape(8, 8).astype(np.int32)
        tifffile.imwrite(folder / "in" / f"{number}.tif", image)
    found = sources.load(str(folder / "in"), labelled=False)
    both = np.concatenate([found.train.images, found.test.images])
    assert both.dtype == np.uint16
    assert sorted(both.max(axis=(1, 2, 3))) == [90, 200, 1000, 4095]


def _floats_of_a_folder(folder, command):
    (folder / "in").mkdir()
    for number in range(3):
        tifffile.imwrite(folder / "in" / f"{number}.tif", UNIT[number])
    tifffile.imwrite(folder / "in" / "3.tif", STACK[3])
    found = sources.load(str(folder / "in"), labelled=False)
    both = np.concatenate([found.train.images, found.test.images])[..., 0]
    assert both.dtype == np.float32
    assert np.array_equal(np.sort(both.mean(axis=(1, 2))), np.sort(UNIT[:4].mean(axis=(1, 2))))


def _floats_of_two_scales(folder, command):
    (folder / "in").mkdir()
    tifffile.imwrite(folder / "in" / "a.tif", UNIT[0])
    tifffile.imwrite(folder / "in" / "b.tif", STACK[0].astype(np.float32))
    with pytest.raises(ValueError, match=r"a\.tif holds the one, b\.tif the other"):
        sources.load(str(folder / "in"), labelled=False)


@table(
    Case("stacks in class folders", "whole files are held out, of each class", _whole_files),
    Case("one stack", "a block of its frames is held out", _one_stack),
    Case("one stack as --dataset", "a block of its frames is held out", _file),
    Case("a stack for each class", "a block of each is held out", _stack_of_a_class),
    Case("groups of stacks and frames", "the groups that are given", _groups),
    Case("clean and noisy stacks", "pairs of frames", _pairs),
    Case("train", "a model and a note", _train),
    Case("int32 files of a folder", "one scale for all", _numbers_of_a_folder),
    Case("float and 8-bit files", "floats in [0, 1]", _floats_of_a_folder),
    Case("floats of two scales", "refused", _floats_of_two_scales),
)
def test_training(case, tmp_path, command):
    case.check(tmp_path, command)
