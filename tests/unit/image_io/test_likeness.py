import struct

import numpy as np
import pytest
import tifffile

from tfdvae.image_io import codec
from tfdvae.image_io.likeness import Likeness

IMAGE = np.arange(48, dtype=np.uint8).reshape(6, 8, 1)


def test_a_tiff_file_gives_type_and_metadata(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", IMAGE[..., 0].astype(np.int32), resolution=(50, 25))
    like = Likeness(tmp_path / "a.tif", {})
    for name in ("b.tif", "c.tif"):
        codec.write(tmp_path / name, IMAGE, like)
        with tifffile.TiffFile(tmp_path / name) as made:
            assert (made.series[0].dtype, made.pages[0].resolution) == (np.int32, (50, 25))


def test_a_file_of_another_format_gives_nothing(tmp_path):
    codec.write(tmp_path / "a.png", IMAGE)
    lost = {}
    codec.write(tmp_path / "b.tif", IMAGE, Likeness(tmp_path / "a.png", lost))
    assert np.array_equal(codec.read(tmp_path / "b.tif"), IMAGE)
    assert lost == {}


def test_a_file_that_tifffile_cannot_read_is_noted(tmp_path):
    tifffile.imwrite(
        tmp_path / "a.tif", IMAGE[..., 0], description="ImageJ=\nimages=x", metadata=None
    )
    lost = {}
    like = Likeness(tmp_path / "a.tif", lost)
    for name in ("b.tif", "c.tif"):
        codec.write(tmp_path / name, IMAGE, like)
        assert np.array_equal(codec.read(tmp_path / name), IMAGE)
    assert list(lost) == [tmp_path / "a.tif"]
    assert lost[tmp_path / "a.tif"].startswith("cannot be read: ")


def test_nothing_is_written_like_a_file_that_is_gone(tmp_path):
    """Its type would be lost, not its metadata alone."""
    like = Likeness(tmp_path / "gone.tif", {})
    reason = r"b\.tif cannot be written: its original cannot be read: No such file or directory\."
    with pytest.raises(ValueError, match=reason):
        codec.write(tmp_path / "b.tif", IMAGE, like)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("options", [{}, {"description": "ImageJ=\nimages=x", "metadata": None}])
def test_nothing_is_noted_of_an_image_that_is_not_written(options, tmp_path):
    """The metadata of one file cannot be read, those of the other not be written."""
    tifffile.imwrite(tmp_path / "a.tif", IMAGE[..., 0], resolution=(7, 7), **options)
    data = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(data.replace(struct.pack("<2I", 7, 1), bytes([7, *[0] * 7])))
    (tmp_path / "b.tif").mkdir()
    lost = {}
    like = Likeness(tmp_path / "a.tif", lost)
    with pytest.raises(ValueError, match="there is a folder of that name"):
        codec.write(tmp_path / "b.tif", IMAGE, like)
    assert lost == {}
    codec.write(tmp_path / "c.tif", IMAGE, like)
    assert list(lost) == [tmp_path / "a.tif"]


def test_nothing_is_read_for_another_format(tmp_path):
    lost = {}
    codec.write(tmp_path / "b.png", IMAGE, Likeness(tmp_path / "gone.tif", lost))
    assert lost == {}
