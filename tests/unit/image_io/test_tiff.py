"""Layouts of TIFF files; what commands do with them is in `integration/inputs/test_stacks.py`."""

import struct
import tracemalloc

import numpy as np
import pytest
import tifffile

from tfdvae.image_io import codec, opening
from tfdvae.image_io.tiff import TiffImages
from tfdvae.image_io.tiff_writing import LikeTiff

RANDOM = np.random.default_rng(0)
GRAY = RANDOM.integers(0, 256, (4, 6, 8), np.uint8)
COLOR = RANDOM.integers(0, 256, (4, 6, 8, 3), np.uint8)
OPAQUE = np.concatenate([COLOR, np.full_like(GRAY[..., None], 255)], axis=-1)
BLACK = {"photometric": "minisblack"}
RGB = {"photometric": "rgb"}
COLORS = RANDOM.integers(0, 65536, (3, 256), np.uint16)

LAYOUTS = {
    "pages": (GRAY, BLACK, GRAY),
    "no metadata": (GRAY, BLACK | {"metadata": None}, GRAY),
    "one page": (GRAY, BLACK | {"truncate": True}, GRAY),
    "volume": (GRAY, BLACK | {"volumetric": True}, GRAY),
    "tiled and compressed volume": (
        GRAY,
        BLACK | {"volumetric": True, "tile": (2, 16, 16), "compression": "zlib"},
        GRAY,
    ),
    "ImageJ": (GRAY, {"imagej": True}, GRAY),
    "two axes": (GRAY.reshape(2, 2, 6, 8), BLACK, GRAY),
    "16 bits, other byte order": (GRAY * np.uint16(257), BLACK | {"byteorder": ">"}, None),
    "white is 0": (GRAY, {"photometric": "miniswhite"}, 255 - GRAY),
    "one bit": (GRAY > 127, BLACK, (GRAY > 127) * np.uint8(255)),
    "one bit, white is 0": (
        GRAY > 127,
        {"photometric": "miniswhite"},
        (GRAY < 128) * np.uint8(255),
    ),
    "color": (COLOR, RGB, COLOR),
    "color by color": (
        np.ascontiguousarray(np.moveaxis(COLOR, -1, 1)),
        RGB | {"planarconfig": "separate"},
        COLOR,
    ),
    "alpha": (OPAQUE, RGB | {"extrasamples": ["unassalpha"]}, COLOR),
    "palette": (
        GRAY,
        {"photometric": "palette", "colormap": COLORS},
        np.moveaxis((COLORS >> 8).astype(np.uint8)[:, GRAY], 0, -1),
    ),
    "turned": (GRAY, BLACK | {"extratags": [(274, 3, 1, 6, True)]}, np.rot90(GRAY, -1, (1, 2))),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_frame_is_read(name, tmp_path):
    pixels, options, expected = LAYOUTS[name]
    tifffile.imwrite(tmp_path / "a.tif", pixels, **options)
    expected = pixels if expected is None else expected
    with codec.ImageFile(tmp_path / "a.tif") as file:
        assert file.count == 4
        found = np.stack([file.read(index) for index in range(4)])
        assert found[0].shape == (file.kind.height, file.kind.width, 1 if file.kind.gray else 3)
    assert found.dtype == expected.dtype
    assert np.array_equal(found, expected.reshape(found.shape))


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_stack_is_written_like_another(name, tmp_path):
    pixels, options, _ = LAYOUTS[name]
    tifffile.imwrite(tmp_path / "a.tif", pixels, **options)
    like = LikeTiff(tmp_path / "a.tif", {})
    with codec.ImageFile(tmp_path / "a.tif") as file:
        frames = np.stack([file.read(index) for index in range(4)])
    like.write(tmp_path / "b.tif", like.rows(frames))
    with codec.ImageFile(tmp_path / "b.tif") as file:
        assert np.array_equal(np.stack([file.read(index) for index in range(4)]), frames)
    if name not in ("alpha", "palette", "turned"):
        assert tifffile.imread(tmp_path / "b.tif").shape == pixels.shape


def test_one_frame_of_a_stack_is_an_image(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", GRAY.astype(np.int32), resolution=(50, 25), **BLACK)
    like = LikeTiff(tmp_path / "a.tif", {})
    like.write(tmp_path / "b.tif", like.rows(GRAY[:1, ..., None]))
    made = tifffile.TiffFile(tmp_path / "b.tif")
    assert (made.series[0].shape, made.series[0].dtype) == ((6, 8), np.int32)
    assert made.pages[0].resolution == (50, 25)


def test_metadata_that_cannot_be_written_lose_no_image(tmp_path, monkeypatch):
    tifffile.imwrite(tmp_path / "a.tif", GRAY, imagej=True)
    lost = {}
    like = LikeTiff(tmp_path / "a.tif", lost)
    whole = tifffile.imwrite

    def refusing(path, images, **options):
        if options.get("imagej"):
            raise ValueError("no such metadata")
        whole(path, images, **options)

    monkeypatch.setattr(tifffile, "imwrite", refusing)
    like.write(tmp_path / "b.tif", like.rows(GRAY[..., None]))
    assert np.array_equal(tifffile.imread(tmp_path / "b.tif"), GRAY)
    assert lost == {tmp_path / "a.tif": "cannot be written: no such metadata"}


def test_what_tifffile_cannot_write_in_any_way_is_a_value_error(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", GRAY[0])
    with pytest.raises(ValueError, match="M"):  # the type of times, which tifffile has no code for
        LikeTiff(tmp_path / "a.tif", {}).write(
            tmp_path / "b.tif", np.zeros((1, 6, 8), "datetime64[s]")
        )


@pytest.mark.parametrize("error", [MemoryError(), OSError(24, "Too many open files")])
def test_want_of_memory_or_files_is_no_matter_of_metadata(error, tmp_path, monkeypatch):
    tifffile.imwrite(tmp_path / "a.tif", GRAY[0])
    like, calls = LikeTiff(tmp_path / "a.tif", {}), []

    def failing(path, images, **options):
        calls.append(path)
        raise error

    monkeypatch.setattr(tifffile, "imwrite", failing)
    with pytest.raises(type(error)):
        like.write(tmp_path / "b.tif", GRAY[:1])
    assert len(calls) == 1


def test_an_error_without_words_is_told_by_its_type(tmp_path, monkeypatch):
    tifffile.imwrite(tmp_path / "a.tif", GRAY[0])
    like = LikeTiff(tmp_path / "a.tif", {})

    def failing(path, images, **options):
        raise KeyError

    monkeypatch.setattr(tifffile, "imwrite", failing)
    with pytest.raises(ValueError, match="KeyError"):
        like.write(tmp_path / "b.tif", GRAY[:1])


def test_metadata_of_many_images_are_noted_once(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", GRAY[0], resolution=(7, 7))
    data = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(data.replace(struct.pack("<2I", 7, 1), bytes([7, *[0] * 7])))
    lost = {}
    like = LikeTiff(tmp_path / "a.tif", lost)
    for name in ("b.tif", "c.tif"):
        like.write(tmp_path / name, like.rows(GRAY[:1, ..., None]))
        assert np.array_equal(tifffile.imread(tmp_path / name), GRAY[0])
    assert lost == {tmp_path / "a.tif": "cannot be written: Fraction(7, 0)"}


def test_text_of_imagej_that_is_not_ascii_is_kept(tmp_path):
    metadata = {"unit": "um", "Info": "5 µm", "Labels": ["µ", "b", "c", "d"], "loop": True}
    tifffile.imwrite(tmp_path / "a.tif", GRAY, imagej=True, metadata=metadata)
    data = (tmp_path / "a.tif").read_bytes().replace(b"unit=um", b"unit=\xb5m")  # as older ImageJ
    (tmp_path / "a.tif").write_bytes(data)
    like = LikeTiff(tmp_path / "a.tif", {})
    like.write(tmp_path / "b.tif", like.rows(GRAY[..., None]))
    with tifffile.TiffFile(tmp_path / "a.tif") as old, tifffile.TiffFile(tmp_path / "b.tif") as new:
        assert old.imagej_metadata["unit"] == "µm"
        assert new.imagej_metadata == old.imagej_metadata | {"unit": r"\u00b5m"}


@pytest.mark.parametrize("pixels", [GRAY, GRAY[:, None], COLOR, np.moveaxis(COLOR, -1, 1).copy()])
@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"metadata": None}])
def test_pages_that_were_written_one_by_one_are_a_stack(pixels, options, tmp_path):
    planar = {"planarconfig": "separate"} if pixels.shape[1] == 3 else {}
    photometric = RGB | planar if 3 in pixels.shape else BLACK
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for page in pixels:
            file.write(page, **photometric, **options)
    expected = COLOR if 3 in pixels.shape else GRAY[..., None]
    with codec.ImageFile(tmp_path / "a.tif") as file:
        assert np.array_equal(np.stack([file.read(index) for index in range(4)]), expected)
    like = LikeTiff(tmp_path / "a.tif", {})
    like.write(tmp_path / "b.tif", like.rows(255 - expected))
    with codec.ImageFile(tmp_path / "b.tif") as file:
        assert np.array_equal(np.stack([file.read(index) for index in range(4)]), 255 - expected)
    with tifffile.TiffFile(tmp_path / "b.tif") as file:
        assert len(file.pages) == 4


def stacked(folder, pages, lost=None):
    """Return a stack that is written like pages with options, opened by tifffile."""
    with tifffile.TiffWriter(folder / "a.tif") as file:
        for page, options in zip(GRAY, pages, strict=True):
            file.write(page, **options)
    return written_again(folder / "a.tif", {} if lost is None else lost)


def written_again(path, lost):
    like = LikeTiff(path, lost)
    like.write(path.with_name("b.tif"), like.rows(GRAY[..., None]))
    with codec.ImageFile(path.with_name("b.tif")) as file:
        assert np.array_equal(np.stack([file.read(index) for index in range(4)])[..., 0], GRAY)
    return tifffile.TiffFile(path.with_name("b.tif"))


@pytest.mark.parametrize("axes", ["YX", "TCYX"])
def test_axes_of_a_page_are_not_those_of_a_stack(axes, tmp_path):
    metadata = {"axes": axes, "exposure": 3}
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for page in GRAY:
            file.write(page.reshape(6, 8) if axes == "YX" else page[None, None], metadata=metadata)
    with written_again(tmp_path / "a.tif", {}) as made:
        assert (made.series[0].shape, made.shaped_metadata[0]["exposure"]) == ((4, 6, 8), 3)


OF_A_SET = (
    '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:{}">'
    + "".join(
        f'<Image ID="Image:{name}"><Pixels ID="P:{name}" DimensionOrder="XYZCT" Type="uint8" '
        f'SizeX="8" SizeY="6" SizeZ="4" SizeC="1" SizeT="1" PhysicalSizeX="0.{size}">'
        '<Channel ID="C:0" SamplesPerPixel="1"/><TiffData IFD="0" PlaneCount="4">'
        f'<UUID FileName="{name}.tif">urn:uuid:{name}</UUID></TiffData></Pixels></Image>'
        for name, size in (("c", 5), ("d", 7), ("A", 9))
    )
    + "</OME>"
)


@pytest.mark.parametrize(("uuid", "size"), [("d", "0.7"), ("gone", "0.9")])
def test_a_file_of_an_ome_set_is_known_by_its_uuid_then_by_its_name(uuid, size, tmp_path):
    """It is called a.tif, and its pages have descriptions and resolutions of their own."""
    lost, texts = {}, [OF_A_SET.format(uuid), "second", "third", "fourth"]
    pages = [
        {"description": text, "metadata": None, "resolution": (7 + number, 5)}
        for number, text in enumerate(texts)
    ]
    with stacked(tmp_path, pages, lost) as made:
        assert lost == {}
        assert made.ome_metadata.count("PhysicalSizeX=") == 1
        assert f'PhysicalSizeX="{size}"' in made.ome_metadata


def test_a_file_that_the_text_of_its_ome_set_does_not_know_gets_no_sizes(tmp_path):
    text = OF_A_SET.format("gone").replace("A.tif", "b.tif")
    with stacked(
        tmp_path, [{"description": text, "metadata": None}, *3 * [{"metadata": None}]]
    ) as made:
        assert "PhysicalSizeX" not in made.ome_metadata
        assert made.series[0].shape == (4, 6, 8)


def test_a_description_of_a_later_page_that_is_cut_is_a_text(tmp_path):
    cut, lost = '{"shape": [4, 28, 3', {}
    pages = [{"description": text, "metadata": None} for text in ("a", "b", cut, "d")]
    with stacked(tmp_path, pages, lost) as made:
        made.pages.useframes = False
        assert [made.pages[index].description for index in range(4)] == ["a", "b", cut, "d"]
    assert lost == {}


def test_metadata_that_cannot_be_understood_are_left_out(tmp_path):
    deep = '{"shape": ' + 100_000 * "["
    pages = [{"description": text, "metadata": None} for text in ("a", "b", deep, "d")]
    lost = {}
    with stacked(tmp_path, pages, lost):
        assert lost[tmp_path / "a.tif"].startswith("cannot be read: maximum recursion depth")


def test_a_resolution_of_the_first_page_alone_is_that_of_the_stack_or_of_no_other(tmp_path):
    for texts in (("", "", "", ""), ("a", "b", "c", "d")):
        pages = [{"description": text or None, "metadata": None} for text in texts]
        with tifffile.TiffWriter(tmp_path / "a.tif") as file:
            for page, options in zip(GRAY, pages, strict=True):
                file.write(page, **options, resolution=(7, 5))
        with tifffile.TiffFile(tmp_path / "a.tif") as file:
            file.pages.useframes = False
            tags = [file.pages[index].tags[code] for index in (1, 2, 3) for code in (282, 283)]
        data = bytearray((tmp_path / "a.tif").read_bytes())
        for tag in tags:  # private ones that nobody knows
            data[tag.offset : tag.offset + 2] = struct.pack("<H", 65000 + tag.code)
        (tmp_path / "a.tif").write_bytes(data)
        with written_again(tmp_path / "a.tif", {}) as made:
            made.pages.useframes = False
            found = [made.pages[index].resolution for index in range(4)]
            assert found == ([(7, 5)] + 3 * [(7, 5) if texts[0] == "" else (1, 1)])


def test_many_pages_that_were_written_one_by_one_need_little_memory(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for _ in range(300):
            file.write(GRAY[0])
    with TiffImages(tmp_path / "a.tif"):  # what is loaded once
        pass
    tracemalloc.start()
    try:
        with TiffImages(tmp_path / "a.tif") as images:
            assert images.count == 300
            assert tracemalloc.get_traced_memory()[0] < 300 * 1024
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "second",
    [
        {"photometric": "miniswhite"},
        {"photometric": "palette", "colormap": COLORS},
        {"extratags": [(274, 3, 1, 6, True)]},
    ],
)
def test_pages_that_are_read_otherwise_are_no_stack(second, tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(GRAY[0], **BLACK)
        file.write(GRAY[1], **(BLACK | second))
    with pytest.raises(codec.Unreadable, match="must hold one image or one stack; got 2 of 6x8"):
        codec.ImageFile(tmp_path / "a.tif")


@pytest.mark.parametrize(
    ("fourth", "options"),
    [
        (GRAY[3].astype(np.uint16), BLACK),
        (GRAY[3, :3], BLACK),
        (COLOR[3], RGB),
        (GRAY[3], {"photometric": "miniswhite"}),
        (GRAY[3], BLACK | {"extratags": [(274, 3, 1, 6, True)]}),
    ],
)
@pytest.mark.parametrize("count", [4, 9])
def test_a_page_among_others_that_is_read_otherwise_is_seen(count, fourth, options, tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for number in range(count):
            page, kind = (fourth, options) if number == 3 else (GRAY[0], BLACK)
            file.write(page, metadata=None, **kind)
    with pytest.raises(codec.Unreadable, match=r"must hold (pages of one|one image or one)"):
        codec.ImageFile(tmp_path / "a.tif")


def test_the_strips_of_each_page_are_read_in_their_own_order(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for page in GRAY:
            file.write(page, rowsperstrip=3)
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        tag = file.pages[1].tags["StripOffsets"]
        first, second = tag.value
        data = bytearray((tmp_path / "a.tif").read_bytes())
        size = tag.valuebytecount // 2
        offsets = data[tag.valueoffset :][: 2 * size]
    data[tag.valueoffset : tag.valueoffset + 2 * size] = offsets[size:] + offsets[:size]
    data[first : first + 24], data[second : second + 24] = (
        data[second : second + 24],
        data[first : first + 24],
    )
    (tmp_path / "a.tif").write_bytes(data)
    with codec.ImageFile(tmp_path / "a.tif") as file:
        assert np.array_equal(np.stack([file.read(index) for index in range(4)])[..., 0], GRAY)


def test_ome_that_is_no_xml_hides_no_page(tmp_path):
    text = "<?xml?><OME><Image OME>"
    tifffile.imwrite(tmp_path / "a.tif", GRAY, description=text, metadata=None, **BLACK)
    with codec.ImageFile(tmp_path / "a.tif") as file:
        assert np.array_equal(np.stack([file.read(index) for index in range(4)])[..., 0], GRAY)
    like = LikeTiff(tmp_path / "a.tif", {})
    like.write(tmp_path / "b.tif", like.rows(GRAY[..., None]))
    assert (tmp_path / "b.tif").read_bytes() == (tmp_path / "a.tif").read_bytes()


def test_floats_are_rounded_where_the_file_has_integers(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", GRAY.astype(np.int16), **BLACK)
    rows = LikeTiff(tmp_path / "a.tif", {}).rows(np.full((1, 6, 8, 1), 2.7, np.float32))
    assert (rows == 3).all()


@pytest.mark.parametrize(
    ("stored", "made", "highest"),
    [("int16", "uint16", 32767), ("int8", "uint8", 127), ("float16", "uint16", 65504)],
)
def test_values_above_those_of_the_type_are_its_largest(stored, made, highest, tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.full((6, 8), 100, stored))
    like = LikeTiff(tmp_path / "a.tif", {})
    images = np.array([7, np.iinfo(made).max], made).reshape(1, 1, 2, 1)
    assert like.rows(images).ravel().tolist() == [7, highest]


def test_a_stack_is_read_a_frame_at_a_time(tmp_path):
    """The last frames are cut away; the first can be read still."""
    tifffile.imwrite(tmp_path / "a.tif", GRAY, metadata=None, compression="zlib", **BLACK)
    with TiffImages(tmp_path / "a.tif") as images:
        last = images.file.pages[3].dataoffsets[0]
    whole = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(whole[:last] + bytes(20) + whole[last + 20 :])
    with codec.ImageFile(tmp_path / "a.tif") as file:
        assert np.array_equal(file.read(2)[..., 0], GRAY[2])
        with pytest.raises(codec.Unreadable, match=r"a\.tif\[3\] cannot be read"):
            file.read(3)


def test_a_stack_is_no_single_image(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", GRAY, **BLACK)
    with pytest.raises(codec.Unreadable, match=r"must hold one image; got a stack of 4\."):
        codec.read(tmp_path / "a.tif")
    assert codec.count(tmp_path / "a.tif") == 4


def test_what_tifffile_cannot_open_pillow_may(tmp_path, monkeypatch):
    tifffile.imwrite(tmp_path / "a.tif", GRAY[0])
    monkeypatch.setattr(tifffile, "TiffFile", None)
    assert isinstance(opening.open_images(tmp_path / "a.tif"), opening.StillImage)
    assert np.array_equal(codec.read(tmp_path / "a.tif")[..., 0], GRAY[0])


@pytest.mark.parametrize("compression", ["zstd", "webp", "jpegxl", "lerc"])
def test_compressions_that_pillow_may_lack(compression, tmp_path):
    options = {"compressionargs": {"lossless": True}} if compression == "webp" else {}
    tifffile.imwrite(
        tmp_path / "a.tif", np.tile(COLOR[0], (4, 4, 1)), compression=compression, **RGB, **options
    )
    assert np.array_equal(codec.read(tmp_path / "a.tif"), np.tile(COLOR[0], (4, 4, 1)))
