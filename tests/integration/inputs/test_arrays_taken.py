"""Which arrays of a file a command takes, and as what: names, byte orders."""

import io
import zipfile

import numpy as np

import tfdvae
from tests.helpers.cases import Case, table
from tests.helpers.processes import complaint
from tfdvae.data import sources

RANDOM = np.random.default_rng(0)
HOSTILE = ("x", "./x", "../x", "../../x", "/x", "a\\x", "..\\x", "a/x", "C:x", "x.npy", "file", "")


def images(count=2, dtype=np.uint8):
    return RANDOM.integers(0, 256, (count, 28, 28)).astype(dtype)


def write(path, named):
    """Write an `.npz` file; the names are a list of pairs, for one may come twice."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in named:
            buffer = io.BytesIO()
            np.save(buffer, array)
            archive.writestr(f"{name}.npy", buffer.getvalue())
    return path


def _names(folder, command):
    given = {name: images() for name in HOSTILE}
    (folder / "deep" / "deeper").mkdir(parents=True)
    write(folder / "in.npz", given.items())
    before = {path for path in folder.rglob("*") if ".cache" not in path.parts}
    done = command("denoise", "clothing-denoiser", "in.npz", "deep/deeper/out.npz")
    assert done.returncode == 0, done.stderr
    assert {path for path in folder.rglob("*") if ".cache" not in path.parts} - before == {
        folder / "deep" / "deeper" / "out.npz"
    }
    model = tfdvae.load("clothing-denoiser")
    with zipfile.ZipFile(folder / "deep" / "deeper" / "out.npz") as archive:
        assert sorted(archive.namelist()) == sorted(f"{name}.npy" for name in HOSTILE)
        for name, array in given.items():
            made = np.load(io.BytesIO(archive.read(f"{name}.npy")))
            assert np.array_equal(made, model.denoise(array)), name


def _encoded_names(folder, command):
    write(folder / "in.npz", [(name, images(1)) for name in HOSTILE])
    done = command("encode", "clothing-dvae", "in.npz", "codes.npz")
    assert done.returncode == 0, done.stderr
    found = np.load(folder / "codes.npz")
    assert found["names"].tolist() == [f"{name}/0" for name in sorted(HOSTILE)]
    assert len(found["codes"]) == len(HOSTILE)


def _twice(folder, command):
    write(folder / "in.npz", [("x", images()), ("x", images())])
    done = command("denoise", "clothing-denoiser", "in.npz", "out.npz")
    assert done.returncode == 2
    assert "in.npz" in done.stderr
    assert "two of its arrays are called 'x'" in done.stderr
    assert not (folder / "out.npz").exists()


def _twice_in_training(folder, command):
    labels = np.arange(20) % 2
    arrays = [("x_train", images(20)), ("y_train", labels), ("y_train", 1 - labels)]
    write(folder / "in.npz", arrays)
    done = command("train", "--dataset", "in.npz")
    assert done.returncode == 2
    assert "two of its arrays are called 'y_train'" in done.stderr


def _zipped_by_macos(folder, command):
    labels = np.arange(20) % 2
    write(folder / "in.npz", [("x_train", images(20)), ("y_train", labels)])
    with zipfile.ZipFile(folder / "in.npz", "a") as archive:
        archive.writestr("__MACOSX/._x_train.npy", b"no array")
    assert len(sources.load(str(folder / "in.npz")).train.images) == 16
    done = command("denoise", "clothing-denoiser", "in.npz", "out.npz")
    assert done.returncode == 0, done.stderr
    assert sorted(np.load(folder / "out.npz")) == ["x_train", "y_train"]


@table(
    Case("names such as x, ./x, ../x, /x, a\\x", "each is itself, beside nothing", _names),
    Case("such names, encode", "each is itself", _encoded_names),
    Case("a name twice, denoise", "refused by name", _twice),
    Case("a name twice, train", "refused by name", _twice_in_training),
    Case("__MACOSX in an .npz file", "as if it were not there", _zipped_by_macos),
)
def test_names(case, tmp_path, command):
    case.check(tmp_path, command)


def swapped(array):
    """The array in the byte order that this machine does not have."""
    return array.astype(array.dtype.newbyteorder("S"))


def several():
    return [
        RANDOM.integers(0, 65536, (3, 28, 28), np.uint16),
        RANDOM.random((3, 28, 28), np.float32),
        RANDOM.random((3, 28, 28)),
    ]


def _in_python(folder, command):
    model = tfdvae.load("clothing-dvae")
    mask = RANDOM.random((28, 28)) < 0.2
    for array in several():
        other = swapped(array)
        for made, expected in (
            (model.denoise(other), model.denoise(array)),
            (model.encode(other), model.encode(array)),
            (model.anomaly_scores(other), model.anomaly_scores(array)),
            (model.impute(other, mask), model.impute(array, mask)),
            (model.augment(other, np.arange(3)).images, model.augment(array, np.arange(3)).images),
        ):
            assert np.array_equal(made, expected)


def _in_files(folder, command):
    for number, array in enumerate(several()[::2]):
        for name, given in (("native", array), ("swapped", swapped(array))):
            np.savez(folder / f"{name}.npz", images=given, labels=np.arange(3))
            for verb, model in (("denoise", "clothing-denoiser"), ("augment", "clothing-dvae")):
                done = command(verb, model, f"{name}.npz", f"{name}-{verb}-{number}.npz")
                assert done.returncode == 0, done.stderr
        for ending in ("denoise-{}.npz", "augment-{}.npz"):
            first, second = (
                np.load(folder / f"{name}-{ending.format(number)}")["images"]
                for name in ("native", "swapped")
            )
            assert np.array_equal(first, second)


def _in_a_dataset(folder, command):
    labels = np.arange(20) % 2
    for number, array in enumerate(
        (RANDOM.integers(0, 65536, (20, 9, 9), np.uint16), RANDOM.random((20, 9, 9)))
    ):
        expected = tfdvae.ImageDataset.from_arrays(array, labels)
        np.savez(folder / f"{number}.npz", x_train=swapped(array), y_train=swapped(labels))
        for found in (
            tfdvae.ImageDataset.from_arrays(swapped(array), swapped(labels)),
            sources.load(str(folder / f"{number}.npz")),
        ):
            assert found.train.images.dtype.isnative
            assert np.array_equal(found.train.images, expected.train.images)
            assert np.array_equal(found.train.labels, expected.train.labels)


def _of_no_shape(folder, command):
    for shape in ((4, 100), (4,), (4, 5, 28, 28, 1), (4, 5, 28, 28, 2, 2)):
        np.savez(folder / "in.npz", images=np.zeros(shape, np.uint8), labels=np.arange(4))
        told = complaint(command("augment", "clothing-dvae", "in.npz", "out.npz"))
        assert "images, row 0: `images` must " in told


@table(
    Case("arrays of no images, augment", "refused, the shape named", _of_no_shape),
)
def test_shapes(case, tmp_path, command):
    case.check(tmp_path, command)


@table(
    Case("uint16 and floats of the other byte order, Python", "the same results", _in_python),
    Case("uint16 and floats of the other byte order, files", "the same results", _in_files),
    Case("uint16 and floats of the other byte order, data set", "the same images", _in_a_dataset),
)
def test_byte_orders(case, tmp_path, command):
    case.check(tmp_path, command)
