import numpy as np
import pytest
import tifffile

from tests.helpers.models import make_unet
from tfdvae._utils import limits
from tfdvae.image_io import reader
from tfdvae.inference.on_disk import rewriting, stack_frames
from tfdvae.inference.on_disk.channels import to_model_channels
from tfdvae.inference.trained_model import TrainedModel

FRAMES = np.random.default_rng(0).integers(0, 256, (7, 16, 12), np.uint8)
NEAR = [(1, 0, 1), (0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (4, 5, 6), (5, 6, 5)]
WINDOWS = np.stack([np.moveaxis(FRAMES[list(near)], 0, -1) for near in NEAR])


@pytest.fixture(scope="module")
def model():
    """A model of three gray frames."""
    core = make_unet((16, 12, 3))
    core.frames = 3
    return TrainedModel(core)


def write(folder, kind):
    path = folder / f"stack.{kind}"
    if kind == "tif":
        tifffile.imwrite(path, FRAMES)
    elif kind == "npy":
        np.save(path, FRAMES)
    else:
        np.savez(path, stack=FRAMES)
    return path


@pytest.mark.parametrize("at_once", [1, 2, 4, 100])
@pytest.mark.parametrize("kind", ["tif", "npy", "npz"])
def test_neighbors_come_from_other_pieces_too(kind, at_once, model, tmp_path):
    path = write(tmp_path, kind)
    found = []
    with (
        limits.use(file_images=at_once),
        stack_frames.of_model(model, path, tmp_path / "out") as images_of,
    ):
        for piece in reader.pieces(path, "Reading", reader.Tally(), tmp_path):
            found += list(images_of(piece))
    np.testing.assert_array_equal(found, WINDOWS)


@pytest.mark.parametrize("kind", ["tif", "npy"])
def test_the_frame_in_the_middle_is_what_is_written(kind, model, tmp_path):
    (tmp_path / "in").mkdir()
    path = write(tmp_path / "in", kind)
    source, output = (path, tmp_path / path.name)
    if kind == "tif":
        source, output = tmp_path / "in", tmp_path / "out"
    tally = rewriting.denoise(model, source, output)
    assert tally.done == 7
    made = tifffile.imread(output / path.name) if kind == "tif" else np.load(output)
    np.testing.assert_array_equal(made, model.denoise(WINDOWS)[..., 1])


def test_frames_that_are_gray_in_color(model, tmp_path):
    tifffile.imwrite(tmp_path / "color.tif", np.repeat(FRAMES[..., None], 3, axis=-1))
    rewriting.denoise(model, tmp_path / "color.tif", tmp_path / "out.tif")
    made = tifffile.imread(tmp_path / "out.tif")
    expected = np.repeat(model.denoise(WINDOWS)[..., 1:2], 3, axis=-1)
    np.testing.assert_array_equal(made, expected)


def test_what_is_no_stack_is_told_of(model, tmp_path):
    (tmp_path / "in").mkdir()
    tifffile.imwrite(tmp_path / "in/one.tif", FRAMES[0])
    tifffile.imwrite(tmp_path / "in/two.tif", FRAMES[:2])
    write(tmp_path / "in", "tif")
    tally = rewriting.denoise(model, tmp_path / "in", tmp_path / "out")
    assert tally.done == 7
    assert len(tally.failed) == 2
    assert all("3 neighboring frames need a stack of as many" in each for each in tally.failed)
    assert "got 1" in tally.failed[0]


def test_other_tasks_refuse_the_model(model):
    piece = reader.Piece(["a"], FRAMES[:1, ..., None])
    with pytest.raises(ValueError, match="takes 3 neighboring frames of a stack, and can only den"):
        to_model_channels(piece, model)
