"""TIFF files with odd metadata, pages written one by one, masks and transparent stacks."""

import csv
import struct

import numpy as np
import pytest
import tifffile
from PIL import Image

from tests.helpers.cases import Case, table
from tests.helpers.processes import complaint
from tfdvae.data import sources

RANDOM = np.random.default_rng(0)
STACK = RANDOM.integers(0, 256, (4, 28, 28), np.uint8)
NO_ORDER = (
    '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image '
    'ID="Image:0"><Pixels ID="P:0" SizeX="28" SizeY="28" SizeC="1" SizeT="1" SizeZ="1" '
    'Type="uint8"></Pixels></Image></OME>'
)

NO_XML = "<?xml?><OME><Image OME>"


WRITTEN, LEFT_OUT = "NOTE: The images of ", "written, but metadata were left out, the first "


def described(path, description):
    text = description.encode() if isinstance(description, str) else description
    tifffile.imwrite(path, STACK[0], description=text, metadata=None, resolution=(7, 5))


def noted(make, *notes, description=None):
    """A file beside another; both are denoised as arrays are, and the NOTEs name the first."""

    def check(folder, command):
        (folder / "in").mkdir()
        make(folder / "in" / "a.tif")
        tifffile.imwrite(folder / "in" / "b.tif", STACK[1])
        np.save(folder / "in.npy", STACK[:2])
        done = command("denoise", "clothing-denoiser", "in", "out")
        assert done.returncode == 0, done.stderr
        command("denoise", "clothing-denoiser", "in.npy", "out.npy")
        for name, expected in zip("ab", np.load(folder / "out.npy"), strict=True):
            assert np.array_equal(tifffile.imread(folder / "out" / f"{name}.tif"), expected)
        assert done.stdout.count("metadata were left out") == len(notes)
        for note in notes:
            assert (
                f"{WRITTEN}1 TIFF file were {LEFT_OUT}a.tif: those of a.tif {note}" in done.stdout
            )
        if description is not None:
            with tifffile.TiffFile(folder / "out" / "a.tif") as made:
                assert made.pages[0].tags["ImageDescription"].value == description
                assert made.pages[0].resolution == (7, 5)

    return check


def with_text(text, *notes, kept=None):
    return noted(lambda path: described(path, text), *notes, description=kept)


def _no_denominator(path):
    tifffile.imwrite(path, STACK[0], resolution=(7, 7))
    data = path.read_bytes()
    assert data.count(struct.pack("<2I", 7, 1)) == 2
    path.write_bytes(data.replace(struct.pack("<2I", 7, 1), struct.pack("<2I", 7, 0)))


def _augment(folder, command):
    (folder / "in").mkdir()
    described(folder / "in" / "a.tif", "ImageJ=\nimages=x")
    tifffile.imwrite(folder / "in" / "b.tif", STACK[1])
    done = command("augment", "clothing-dvae", "in", "out", "--include-originals")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(f"{WRITTEN}1 TIFF file were {LEFT_OUT}a.tif: those of a.tif can") == 1
    made = sorted(path.name for path in (folder / "out").glob("*.tif"))
    assert made == [f"{n}{end}.tif" for n in "ab" for end in ("-synthetic1", "-synthetic2", "")]


def _many(folder, command):
    (folder / "in" / "b").mkdir(parents=True)
    for name in ("b/e", "d", "c", "a"):
        _no_denominator(folder / "in" / f"{name}.tif")
    done = command("denoise", "clothing-denoiser", "in", "out")
    assert done.stdout.count("NOTE: The images of ") == 1
    assert f"{WRITTEN}4 TIFF files were {LEFT_OUT}a.tif, b/e.tif, c.tif: those of " in done.stdout
    assert "those of a.tif cannot be written: Fraction(7, 0)." in done.stdout


@table(
    Case("a description in UTF-8", "kept", with_text("Größe 5 µm", kept="Größe 5 µm")),
    Case(
        "a description in another code",
        "kept",
        with_text("Größe 5 µm".encode("cp1252"), kept="Größe 5 µm"),
    ),
    Case(
        "a unit of ImageJ that is not ASCII",
        "kept as ImageJ writes it",
        with_text(
            "ImageJ=1.53\nimages=1\nunit=µm\n",
            kept="ImageJ=1.11a\nimages=1\nhyperstack=true\nmode=grayscale\nunit=\\u00b5m",
        ),
    ),
    Case("a description in no code", "kept", with_text(b"a\x81b", kept=b"a\x81b")),
    Case(
        "a description of tifffile that is cut",
        "denoised, with a NOTE",
        with_text('{"shape": [28, 2', "cannot be read: invalid image description"),
    ),
    Case(
        "OME without DimensionOrder",
        "denoised, with a NOTE",
        with_text(NO_ORDER, "cannot be read: 'DimensionOrder'"),
    ),
    Case("OME that is no XML", "kept", with_text(NO_XML, kept=NO_XML)),
    Case(
        "ImageJ with images=x",
        "denoised, with a NOTE",
        with_text("ImageJ=\nimages=x", "cannot be read: '<'"),
    ),
    Case(
        "a resolution of 7/0",
        "denoised, with a NOTE",
        noted(_no_denominator, "cannot be written: Fraction(7, 0)"),
    ),
    Case("many files with a resolution of 7/0", "one NOTE counts them and names three", _many),
    Case("`augment`, ImageJ with images=x", "all images made, one NOTE", _augment),
)
def test_metadata(case, tmp_path, command):
    case.check(tmp_path, command)


def one_by_one(path, frames, ome=None, **options):
    with tifffile.TiffWriter(path, ome=ome) as file:
        for frame in frames:
            file.write(frame, **options)


def pages(frames, kind="shaped", series=1, **options):
    """A stack that was written page by page is denoised as an array is."""

    def check(folder, command):
        one_by_one(folder / "in.tif", frames, **options)
        np.save(folder / "in.npy", frames.reshape(-1, 28, 28))
        for suffix in ("tif", "npy"):
            done = command("denoise", "clothing-denoiser", f"in.{suffix}", f"out.{suffix}")
            assert done.returncode == 0, done.stderr
            assert f"{len(frames)} images in out.{suffix}" in done.stdout
        expected = np.load(folder / "out.npy")
        with tifffile.TiffFile(folder / "in.tif") as old, tifffile.TiffFile("out.tif") as new:
            assert len(new.pages) == len(frames)
            for page, frame in zip(new.pages, expected, strict=True):
                assert np.array_equal(page.asarray(), frame.reshape(page.shape))
            assert (new.series[0].kind, len(new.series)) == (kind, series)
            assert new.pages[0].compression == old.pages[0].compression
            assert new.pages[0].photometric == old.pages[0].photometric

    return check


def _metadata(folder, command):
    one_by_one(folder / "in.tif", STACK, metadata={"exposure": 3})
    assert command("denoise", "clothing-denoiser", "in.tif", "out.tif").returncode == 0
    with tifffile.TiffFile(folder / "out.tif") as made:
        assert made.shaped_metadata[0]["exposure"] == 3


def _appended(folder, command):
    for frame in STACK:
        tifffile.imwrite(folder / "in.tif", frame, append=True)
    found = sources.load(str(folder / "in.tif"), labelled=False)
    both = np.concatenate([found.train.images, found.test.images])[..., 0]
    assert sorted(both.sum(axis=(1, 2))) == sorted(STACK.sum(axis=(1, 2)))
    done = command("encode", "clothing-dvae", "in.tif", "out.npz")
    assert done.returncode == 0, done.stderr
    assert np.load("out.npz")["names"].tolist() == [f"in.tif[{frame}]" for frame in range(4)]


SET = (
    '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:{own}">{}</OME>'
)
IMAGE = (
    '<Image ID="Image:{0}"><Pixels ID="Pixels:{0}" DimensionOrder="XYZCT" Type="uint8" SizeX="28" '
    'SizeY="28" SizeZ="{1}" SizeC="1" SizeT="1" PhysicalSizeX="0.5"><Channel ID="Channel:{0}:0" '
    'SamplesPerPixel="1" Name="dye {0}"/>{2}</Pixels></Image>'
)
PART = (
    '<TiffData IFD="{0}" FirstZ="{1}" PlaneCount="1"><UUID FileName="{2}.ome.tif">urn:uuid:{2}'
    "</UUID></TiffData>"
)
POSITIONS = [
    IMAGE.format(number, 2, PART.format(0, 0, name) + PART.format(1, 1, name))
    for number, name in enumerate("ab")
]
DEPTHS = [IMAGE.format(0, 2, PART.format(0, 0, "a") + PART.format(0, 1, "b"))]


def ome_set(images, frames):
    """Files that hold the OME text of all of them; each is its own pages, alone or together."""

    def check(folder, command):
        (folder / "in").mkdir()
        for number, name in enumerate("ab"):
            one_by_one(
                folder / "in" / f"{name}.ome.tif",
                STACK[number * frames :][:frames],
                description=SET.format("".join(images), own=name).encode(),
                metadata=None,
            )
        np.save(folder / "in.npy", STACK[: 2 * frames])
        for name in ("in", "in.npy"):
            done = command("denoise", "clothing-denoiser", name, f"out{name[2:]}")
            assert done.returncode == 0, done.stderr
            assert f"{2 * frames} images in" in done.stdout
        expected = np.load(folder / "out.npy").reshape(2, frames, 28, 28)
        for number, name in enumerate("ab"):
            with tifffile.TiffFile(folder / "out" / f"{name}.ome.tif") as made:
                assert np.array_equal(made.asarray(), expected[number].squeeze())
                assert 'PhysicalSizeX="0.5"' in made.ome_metadata
                assert f'Name="dye {number * (len(images) > 1)}"' in made.ome_metadata
        found = sources.load(str(folder / "in"), labelled=False)
        both = np.concatenate([found.train.images, found.test.images])[..., 0]
        assert sorted(both.sum(axis=(1, 2))) == sorted(STACK[: 2 * frames].sum(axis=(1, 2)))

    return check


def _odd_file_of_a_set(folder, command):
    text = SET.format(DEPTHS[0], own="a").encode()
    with tifffile.TiffWriter(folder / "a.ome.tif") as file:
        file.write(STACK[0], description=text, metadata=None)
        file.write(STACK[1].astype(np.uint16), metadata=None)
    done = command("denoise", "clothing-denoiser", "a.ome.tif", "out.ome.tif")
    assert "a.ome.tif must hold one image or one stack; got 2 of 28x28" in complaint(done)


def _acquisition(folder, command):
    """Two files of an NDTiff acquisition of Micro-Manager; tifffile reads both from each."""
    tags = {256: 28, 257: 28, 258: 8, 259: 1, 262: 1, 273: 64, 277: 1, 278: 28, 279: 784}
    entries = b"".join(struct.pack("<2H2I", code, 4, 1, tags[code]) for code in tags)
    entries += struct.pack("<2H2I", 51123, 2, 8, 31)  # MicroManagerMetadata
    header = struct.pack("<2sH5I", b"II", 42, 64 + 784, 483729, 2, 2355492, 2) + b'{} {"a": 1}'
    index = b""
    (folder / "in").mkdir()
    for number in range(2):
        name = f"{number}.tif"
        pages = STACK[number].tobytes() + struct.pack("<H", 10) + entries + bytes(4)
        (folder / "in" / name).write_bytes(header.ljust(64, b"\0") + pages)
        axes = f'{{"time": {number}}}'.encode()
        index += struct.pack("<I", len(axes)) + axes + struct.pack("<I", len(name)) + name.encode()
        index += struct.pack("<8i", 64, 28, 28, 0, 0, 0, 0, 0)
    (folder / "in" / "NDTiff.index").write_bytes(index)
    assert tifffile.TiffFile(folder / "in" / "0.tif").series[0].shape == (2, 28, 28)
    np.save(folder / "in.npy", STACK[:2])
    for name in ("in", "in.npy"):
        done = command("denoise", "clothing-denoiser", name, f"out{name[2:]}")
        assert done.returncode == 0, done.stderr
    for number, expected in enumerate(np.load(folder / "out.npy")):
        assert np.array_equal(tifffile.imread(folder / "out" / f"{number}.tif"), expected)
    (folder / "in" / "1.tif").unlink()
    done = command("denoise", "clothing-denoiser", "in", "alone")
    assert (done.returncode, "NOTE" in done.stdout) == (0, False)
    assert (folder / "alone" / "0.tif").read_bytes() == (folder / "out" / "0.tif").read_bytes()


def _own_metadata(folder, command):
    """Descriptions and resolutions of pages, of which tifffile keeps those of the first alone."""
    for metadata in (None, {"exposure": 3}):
        with tifffile.TiffWriter(folder / "in.tif") as file:
            for number, frame in enumerate(STACK):
                given = {"description": f"page {number}", "resolution": (7 + number, 5)}
                file.write(frame, metadata=metadata, **given)
        done = command("denoise", "clothing-denoiser", "in.tif", "out.tif", "--overwrite")
        assert done.returncode == 0, done.stderr
        with tifffile.TiffFile("in.tif") as old, tifffile.TiffFile("out.tif") as new:
            assert len(new.pages) == len(old.pages) == 4
            for page, made in zip(old.pages, new.pages, strict=True):
                page, made = (one if hasattr(one, "tags") else one.aspage() for one in (page, made))
                assert made.description == page.description
                assert made.description1 == page.description1
                assert made.resolution == page.resolution


def unlike(first, second):
    """Two pages that are no stack."""

    def check(folder, command):
        with tifffile.TiffWriter(folder / "in.tif") as file:
            for frame, options in zip(STACK, (first, second), strict=False):
                file.write(frame.astype(options.pop("dtype", np.uint8)), **options)
        done = command("denoise", "clothing-denoiser", "in.tif", "out.tif")
        assert "in.tif must hold one image or one stack; got 2 of 28x28" in complaint(done)
        assert not (folder / "out.tif").exists()

    return check


def _two_stacks(folder, command):
    one_by_one(folder / "in.tif", [STACK, STACK], photometric="minisblack")
    done = command("denoise", "clothing-denoiser", "in.tif", "out.tif")
    assert "must hold one image or one stack; got 2 of 4x28x28" in complaint(done)


def _cut_between_pages(folder, command):
    (folder / "in").mkdir()
    one_by_one(folder / "whole.tif", STACK, compression="zlib", metadata=None)
    with tifffile.TiffFile(folder / "whole.tif") as whole:
        end = whole.pages[2].offset
    (folder / "in" / "a.tif").write_bytes((folder / "whole.tif").read_bytes()[:end])
    tifffile.imwrite(folder / "in" / "b.tif", STACK, photometric="minisblack")
    done = command("denoise", "clothing-denoiser", "in", "out")
    assert done.returncode == 1
    assert "a.tif cannot be read: invalid page offset" in done.stderr
    assert [path.name for path in (folder / "out").iterdir()] == ["b.tif"]
    with pytest.raises(ValueError, match=r"a\.tif cannot be read: invalid page offset"):
        sources.load(str(folder / "in"), labelled=False)


@table(
    Case("pages cut off at the start of one", "named, the others done", _cut_between_pages),
    Case("pages", "the stack denoised", pages(STACK)),
    Case("pages (1, H, W), compressed", "denoised", pages(STACK[:, None], compression="zlib")),
    Case("pages of OME", "denoised, images of OME", pages(STACK, kind="ome", series=4, ome=True)),
    Case("metadata of pages", "kept", _metadata),
    Case("pages with descriptions and resolutions", "kept", _own_metadata),
    Case("an OME set, positions in files", "each file its own", ome_set(POSITIONS, 2)),
    Case("an OME set, depths in files", "each file its own", ome_set(DEPTHS, 1)),
    Case("an acquisition in several files", "each file its own, alone too", _acquisition),
    Case("pages of two types in a file of an OME set", "named", _odd_file_of_a_set),
    Case("pages that were appended", "frames of a stack to each command", _appended),
    Case("pages of two types", "named", unlike({}, {"dtype": np.uint16})),
    Case("black as 0 and as 255", "named", unlike({}, {"photometric": "miniswhite"})),
    Case("two stacks of a shape", "named", _two_stacks),
)
def test_page_by_page(case, tmp_path, command):
    case.check(tmp_path, command)


def _text_as_mask(folder, command):
    Image.fromarray(STACK[0]).save(folder / "a.png")
    (folder / "mask.txt").write_text("10 14\n")
    done = command("impute", "clothing-dvae", "a.png", "out.png", "--mask", "mask.txt")
    assert "the image mask.txt cannot be read: it is no PNG" in complaint(done)
    assert not (folder / "out.png").exists()


def _transparent_stack_as_mask(folder, command):
    """Transparent pixels mark nothing, as in a mask of one image."""
    tifffile.imwrite(folder / "in.tif", STACK, photometric="minisblack")
    mask = np.zeros((4, 28, 28, 4), np.uint8)
    mask[:, 5:9] = 255
    tifffile.imwrite(
        folder / "mask.tif", mask, photometric="rgb", extrasamples=["unassalpha"], metadata=None
    )
    done = command("impute", "clothing-dvae", "in.tif", "out.tif", "--mask", "mask.tif")
    assert done.returncode == 0, done.stderr
    made = tifffile.imread(folder / "out.tif")
    marked = mask[..., 0] > 0
    assert np.array_equal(made[~marked], STACK[~marked])
    assert not np.array_equal(made[marked], STACK[marked])


def _transparent_stack(folder, command):
    (folder / "in").mkdir()
    pixels = np.stack([STACK, STACK[::-1]], axis=-1)
    options = {
        "photometric": "minisblack",
        "planarconfig": "contig",
        "extrasamples": ["unassalpha"],
    }
    tifffile.imwrite(folder / "in" / "a.tif", pixels, **options)
    tifffile.imwrite(folder / "in" / "b.tif", pixels[:3], **options)
    expected = "2 images have transparent parts"
    assert expected in sources.load(str(folder / "in"), labelled=False).notice
    done = command("encode", "clothing-dvae", "in", "out.npz")
    assert f"NOTE: {expected}" in done.stdout
    assert "the first a.tif, b.tif." in done.stdout


def _frames_to_augment(folder, command):
    """The stack is opened as often for many frames as for few."""
    opened = []
    whole = tifffile.TiffFile

    def opening(path, *given, **options):
        opened.append(path)
        return whole(path, *given, **options)

    counts = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tifffile, "TiffFile", opening)
        for frames in (2, 4):
            (folder / f"in{frames}").mkdir()
            tifffile.imwrite(
                folder / f"in{frames}" / "a.tif", STACK[:frames], photometric="minisblack"
            )
            opened.clear()
            out = f"out{frames}"
            done = command("augment", "clothing-dvae", f"in{frames}", out, "--include-originals")
            assert done.returncode == 0, done.stderr
            counts.append(len(opened))
            with open(folder / out / "manifest.csv") as file:
                assert len(list(csv.DictReader(file))) == 3 * frames
    assert counts[0] == counts[1] > 0


@table(
    Case("a text file as mask", "named", _text_as_mask),
    Case("a mask of transparent frames", "marks by its colors", _transparent_stack_as_mask),
    Case("transparent stacks", "a NOTE counts and names each once", _transparent_stack),
    Case("`augment`, a stack", "its metadata are read once", _frames_to_augment),
)
def test_masks_and_stacks(case, tmp_path, command):
    case.check(tmp_path, command)
