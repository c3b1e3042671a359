import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import tifffile
from PIL import Image

from tfdvae._utils import limits
from tfdvae.image_io import codec, overlap, reader, writer

GRAY = np.random.default_rng(0).integers(0, 256, (8, 6, 1), dtype=np.uint8)
COLOUR = np.random.default_rng(1).integers(0, 256, (8, 6, 3), dtype=np.uint8)
KINDS = {
    "gray.png": GRAY,
    "colour.png": COLOUR,
    "gray16.png": GRAY.astype(np.uint16) * 251,
    "colour16.png": COLOUR.astype(np.uint16) * 251,
    "gray.tif": GRAY,
    "colour.tiff": COLOUR,
    "gray16.tif": GRAY.astype(np.uint16) * 251,
    "colour16.tif": COLOUR.astype(np.uint16) * 251,
    "gray.bmp": GRAY,
    "colour.BMP": COLOUR,
}


def inverted(piece):
    images = piece.images
    return np.iinfo(images.dtype).max - images if images.dtype.kind == "u" else 1 - images


def rewrite(source, output, **options):
    return writer.rewrite(source, output, inverted, "Test", **options)


@pytest.mark.parametrize("name", KINDS)
def test_images_are_read_and_written_as_they_are(name, tmp_path):
    codec.write(tmp_path / name, KINDS[name])
    read = codec.read(tmp_path / name)
    assert read.dtype == KINDS[name].dtype
    assert np.array_equal(read, KINDS[name])
    with Image.open(tmp_path / name) as image:
        assert (
            image.format
            == {"png": "PNG", "tif": "TIFF", "tiff": "TIFF", "bmp": "BMP"}[
                name.rpartition(".")[2].lower()
            ]
        )


def test_parts_of_a_folder_write_each_file_once(tmp_path):
    for number in range(7):
        place = tmp_path / "in" / "ab"[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        codec.write(place / f"{number}.png", GRAY)
    whole = rewrite(tmp_path / "in", tmp_path / "whole")
    counts = []
    for number in (2, 1, 3):
        tally = rewrite(tmp_path / "in", tmp_path / "out", part=(number, 3))
        counts.append((tally.done, tally.kept))
    assert counts == [(2, 0), (3, 0), (2, 0)]
    written = [
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.png")}
        for folder in (tmp_path / "whole", tmp_path / "out")
    ]
    assert written[0] == written[1]
    assert len(written[0]) == whole.done == 7
    assert rewrite(tmp_path / "in", tmp_path / "out", part=(8, 8)).done == 0


def test_an_image_whose_file_goes_meanwhile_fails_alone(tmp_path):
    (tmp_path / "in").mkdir()
    for name in ("a.tif", "b.tif"):
        tifffile.imwrite(tmp_path / "in" / name, GRAY[..., 0].astype(np.int32))

    def function(piece):
        (tmp_path / "in" / "a.tif").unlink()
        return piece.images

    tally = writer.rewrite(tmp_path / "in", tmp_path / "out", function, "Test")
    assert tally.done == 1
    assert [message.count("a.tif") > 0 for message in tally.failed] == [True]
    assert "its original cannot be read: No such file" in tally.failed[0]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["b.tif"]
    assert tifffile.imread(tmp_path / "out" / "b.tif").dtype == np.int32


def test_jpeg_is_written_as_jpeg_of_high_quality(tmp_path):
    smooth = np.tile(np.linspace(0, 255, 64, dtype=np.uint8)[:, None, None], (1, 64, 1))
    codec.write(tmp_path / "a.jpg", smooth)
    assert np.abs(codec.read(tmp_path / "a.jpg").astype(int) - smooth).max() <= 3


@pytest.mark.parametrize("name", ["a.jpg", "a.bmp"])
def test_formats_without_sixteen_bits(name, tmp_path):
    with pytest.raises(ValueError, match=r"\.png or \.tif for 16 bits"):
        codec.write(tmp_path / name, KINDS["gray16.png"])
    assert not list(tmp_path.iterdir())


def test_a_folder_is_rewritten_in_kind(tmp_path):
    for name, pixels in KINDS.items():
        path = tmp_path / "in" / ("a" if "gray" in name else "b/c") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        codec.write(path, pixels)
    (tmp_path / "in" / "notes.txt").write_text("left alone")
    tally = rewrite(tmp_path / "in", tmp_path / "out")
    assert (tally.done, tally.kept, tally.failed) == (len(KINDS), 0, [])
    made = {
        path.relative_to(tmp_path / "out").as_posix()
        for path in (tmp_path / "out").rglob("*")
        if path.is_file()
    }
    assert made == {f"{'a' if 'gray' in name else 'b/c'}/{name}" for name in KINDS}
    for name, pixels in KINDS.items():
        written = codec.read(tmp_path / "out" / ("a" if "gray" in name else "b/c") / name)
        assert written.dtype == pixels.dtype
        assert np.array_equal(written, np.iinfo(pixels.dtype).max - pixels)


def test_two_pieces_are_computed_at_once(tmp_path):
    for size in (5, 6):
        codec.write(tmp_path / f"{size}.png", np.full((size, size, 1), size, np.uint8))
    both = threading.Barrier(2, timeout=60)

    def work(piece):
        both.wait()
        return inverted(piece)

    assert writer.rewrite(tmp_path, tmp_path / "out", work, "Test").done == 2
    assert [codec.read(tmp_path / "out" / f"{size}.png")[0, 0, 0] for size in (5, 6)] == [250, 249]


def test_overlapped_results_are_in_order_and_an_error_ends_them():
    started, first_may_end = [], threading.Event()

    def work(item):
        started.append(item)
        if item == 0:
            assert first_may_end.wait(60)
        if item == 1:
            first_may_end.set()
        if item == 4:
            raise OSError("full")
        return 10 * item

    found = []
    with ThreadPoolExecutor(2) as pool, pytest.raises(OSError, match="full"):
        found.extend(overlap.map_ahead(range(100), work, pool, 2))
    assert found == [0, 10, 20, 30]
    assert max(started) <= 6


class Bar:
    """A progress bar that notes what it is told, and how many files were there."""

    def __init__(self, folder):
        self.folder, self.count, self.open = folder, 0, False

    def __enter__(self):
        self.open = True
        return self

    def __exit__(self, *_):
        self.open = False

    def update(self, count):
        self.count += count
        assert self.count <= len(list(self.folder.iterdir()))


@pytest.fixture
def pieces_of_one(tmp_path, monkeypatch):
    """Eight files, a piece each, and the bar."""
    (tmp_path / "in").mkdir()
    for number in range(8):
        codec.write(tmp_path / "in" / f"{number}.png", GRAY)
    bar = Bar(tmp_path / "out")
    monkeypatch.setattr(writer, "bar", lambda title, total: bar)
    with limits.use(file_images=1):
        yield bar


def test_the_bar_counts_what_is_written(pieces_of_one, tmp_path):
    assert rewrite(tmp_path / "in", tmp_path / "out").done == 8
    assert (pieces_of_one.count, pieces_of_one.open) == (8, False)


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
@pytest.mark.parametrize("place", ["compute", "write"])
def test_what_stops_the_work_leaves_the_rest_undone(
    error, place, pieces_of_one, tmp_path, monkeypatch
):
    begun = []

    def stop(*_):
        begun.append(0)
        raise error

    if place == "write":
        monkeypatch.setattr(codec, "write", stop)
    with pytest.raises(error):
        writer.rewrite(
            tmp_path / "in", tmp_path / "out", stop if place == "compute" else inverted, "Test"
        )
    assert 1 <= len(begun) <= 6
    assert not pieces_of_one.open
    assert not list((tmp_path / "out").glob("*.png"))


def test_ctrl_c_cancels_what_waits(pieces_of_one, tmp_path):
    begun, released = [], threading.Event()

    def work(piece):
        begun.append(piece.names[0])
        if len(begun) == 4:
            threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
            threading.Timer(1.5, released.set).start()
        if len(begun) > 2:
            assert released.wait(60)
        return inverted(piece)

    earlier = signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # a test run in the background inherits an ignored one
    try:
        with pytest.raises(KeyboardInterrupt):
            writer.rewrite(tmp_path / "in", tmp_path / "out", work, "Test")
    finally:
        signal.signal(signal.SIGINT, earlier)
    assert len(begun) == 4


def test_large_images_are_computed_one_at_a_time(pieces_of_one, tmp_path):
    running = threading.Semaphore(1)

    def work(piece):
        assert running.acquire(blocking=False)
        time.sleep(0.02)
        running.release()
        return inverted(piece)

    with limits.use(file_bytes=1):
        assert writer.rewrite(tmp_path / "in", tmp_path / "out", work, "Test").done == 8


def test_pixels_in_any_order_in_memory(tmp_path):
    for name, pixels in (
        ("flipped", GRAY[:, ::-1]),
        ("turned", COLOUR.swapaxes(0, 1)),
        ("first", COLOUR[..., :1]),
    ):
        codec.write(tmp_path / f"{name}.png", pixels)
        assert np.array_equal(codec.read(tmp_path / f"{name}.png"), pixels)


def test_an_image_too_wide_for_png_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"wide\.png cannot be written"):
        codec.write(tmp_path / "wide.png", np.zeros((1, 1_000_001, 1), np.uint8))
    assert not list(tmp_path.iterdir())


def test_what_is_there_is_kept_without_overwrite(tmp_path):
    (tmp_path / "in").mkdir()
    for number in range(3):
        codec.write(tmp_path / "in" / f"{number}.png", GRAY)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "1.png").write_text("mine")
    tally = rewrite(tmp_path / "in", tmp_path / "out")
    assert (tally.done, tally.kept) == (2, 1)
    assert (tmp_path / "out" / "1.png").read_text() == "mine"
    assert rewrite(tmp_path / "in", tmp_path / "out", overwrite=True).done == 3
    assert np.array_equal(codec.read(tmp_path / "out" / "1.png"), 255 - GRAY)


def test_images_that_cannot_be_read_or_processed_are_named_and_the_others_done(tmp_path):
    (tmp_path / "in").mkdir()
    for number in range(600):
        codec.write(tmp_path / "in" / f"{number:03}.png", GRAY)
    (tmp_path / "in" / "100.png").write_bytes(b"no image")
    codec.write(tmp_path / "in" / "300.png", COLOUR)

    def gray_alone(piece):
        if piece.images.shape[-1] == 3:
            raise ValueError("colour")
        return inverted(piece)

    tally = writer.rewrite(tmp_path / "in", tmp_path / "out", gray_alone, "Test")
    assert tally.done == 598
    assert len(tally.failed) == 2
    assert any("100.png cannot be read" in message for message in tally.failed)
    assert any("300.png cannot be processed: colour" in message for message in tally.failed)
    assert len(list((tmp_path / "out").iterdir())) == 598


@pytest.mark.parametrize("shape", [(8, 6), (8, 6, 1), (8, 6, 3)])
def test_one_image_in_an_array(shape, tmp_path):
    image = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    np.save(tmp_path / "in.npy", image)
    assert rewrite(tmp_path / "in.npy", tmp_path / "out.npy").done == 1
    assert np.array_equal(np.load(tmp_path / "out.npy"), 255 - image)


@pytest.mark.parametrize("suffix", [".npz", ".npy"])
@pytest.mark.parametrize("shape", [(5, 8, 6), (5, 8, 6, 1), (700, 8, 6)])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
def test_arrays_are_rewritten_in_kind(suffix, shape, dtype, tmp_path):
    images = (
        np.random.default_rng(0).random(shape) * (1 if dtype.startswith("float") else 200)
    ).astype(dtype)
    labels = np.arange(shape[0])
    source, output = tmp_path / f"in{suffix}", tmp_path / f"out{suffix}"
    np.savez(
        source, x_train=images, y_train=labels, flat=labels[:, None].astype(np.uint8)
    ) if suffix == ".npz" else np.save(source, images)
    assert rewrite(source, output).done == len(images)
    found = np.load(output)
    made = found["x_train"] if suffix == ".npz" else found
    assert made.shape == shape
    assert made.dtype == dtype
    assert np.array_equal(made, (1 if dtype.startswith("float") else np.iinfo(dtype).max) - images)
    if suffix == ".npz":
        assert sorted(found) == ["flat", "x_train", "y_train"]
        assert np.array_equal(found["y_train"], labels)
    with pytest.raises(FileExistsError, match="exists; --overwrite replaces it"):
        rewrite(source, output)
    rewrite(source, output, overwrite=True)


def test_arrays_in_the_order_of_fortran(tmp_path):
    images = np.asfortranarray(np.random.default_rng(0).random((5, 8, 6)))
    np.save(tmp_path / "in.npy", images)
    rewrite(tmp_path / "in.npy", tmp_path / "out.npy")
    np.testing.assert_allclose(np.load(tmp_path / "out.npy"), 1 - images)


def test_one_image(tmp_path):
    codec.write(tmp_path / "in.png", GRAY)
    rewrite(tmp_path / "in.png", tmp_path / "made" / "out.tif")
    assert np.array_equal(codec.read(tmp_path / "made" / "out.tif"), 255 - GRAY)
    np.save(tmp_path / "in.npy", GRAY[..., 0])
    rewrite(tmp_path / "in.npy", tmp_path / "out.npy")
    assert np.array_equal(np.load(tmp_path / "out.npy"), 255 - GRAY[..., 0])


@pytest.mark.parametrize("overwrite", [False, True])
def test_what_is_no_file_is_neither_replaced_nor_taken_for_a_result(overwrite, tmp_path):
    (tmp_path / "in").mkdir()
    for number in range(3):
        codec.write(tmp_path / "in" / f"{number}.png", GRAY)
    tifffile.imwrite(tmp_path / "in" / "stack.tif", np.stack([GRAY[..., 0]] * 2))
    (tmp_path / "out" / "0.png").mkdir(parents=True)
    for name in ("1.png", "stack.tif"):
        os.mkfifo(tmp_path / "out" / name)
    tally = rewrite(tmp_path / "in", tmp_path / "out", overwrite=overwrite)
    assert (tally.done, tally.kept) == (1, 0)
    for name, kind in (
        ("0.png", "a folder"),
        ("1.png", "a pipe or a device"),
        ("stack.tif", "a pipe or a device"),
    ):
        said = [message for message in tally.failed if name in message]
        assert len(said) == 1
        assert f"there is {kind} of that name" in said[0]
    assert (tmp_path / "out" / "0.png").is_dir()
    assert (tmp_path / "out" / "1.png").is_fifo()
    assert (tmp_path / "out" / "stack.tif").is_fifo()
    assert codec.read(tmp_path / "out" / "2.png").shape == GRAY.shape


def test_a_file_that_cannot_be_written_is_named_and_the_others_done(tmp_path):
    (tmp_path / "in").mkdir()
    for number in range(4):
        codec.write(tmp_path / "in" / f"{number}.png", KINDS["gray16.png"])
    (tmp_path / "in" / "2.png").rename(tmp_path / "in" / "2.jpg")  # a PNG file, whatever its name
    (tmp_path / "out" / "1.png").mkdir(parents=True)
    (tmp_path / "out" / "1.png" / "mine").touch()
    tally = rewrite(tmp_path / "in", tmp_path / "out", overwrite=True)
    assert tally.done == 2
    assert len(tally.failed) == 2
    assert any("there is a folder of that name" in message for message in tally.failed)
    assert any(
        "must have the suffix .png or .tif for 16 bits" in message for message in tally.failed
    )
    assert (tmp_path / "out" / "1.png" / "mine").exists()


def test_one_image_that_cannot_be_processed_does_not_take_others_along(tmp_path):
    (tmp_path / "in").mkdir()
    for number in range(10):
        codec.write(tmp_path / "in" / f"{number}.png", np.full_like(GRAY, number))

    def function(piece):
        if (piece.images == 7).any():
            raise ValueError("seven")
        return piece.images

    tally = writer.rewrite(tmp_path / "in", tmp_path / "out", function, "Test")
    assert (tally.done, tally.failed) == (9, ["the image 7.png cannot be processed: seven"])
    assert codec.read(tmp_path / "out" / "8.png").max() == 8


def test_long_names_compressed_arrays_and_another_order_of_bytes(tmp_path):
    (tmp_path / "in").mkdir()
    name = 250 * "a" + ".png"
    codec.write(tmp_path / "in" / name, GRAY)
    assert rewrite(tmp_path / "in", tmp_path / "out").done == 1
    np.savez_compressed(tmp_path / "in.npz", x=np.zeros((500, 8, 6), ">u2"))
    rewrite(tmp_path / "in.npz", tmp_path / "out.npz")
    assert (tmp_path / "out.npz").stat().st_size < 2000
    assert (np.load(tmp_path / "out.npz")["x"] == 65535).all()


def objects(folder):
    np.save(folder / "in.npy", np.array([{}]), allow_pickle=True)


def cut(folder):
    np.savez(folder / "whole.npz", x=np.zeros((50, 8, 6), np.uint8))
    (folder / "in.npz").write_bytes((folder / "whole.npz").read_bytes()[:900])


BAD = {
    "nothing": (lambda folder: None, "in", "out", FileNotFoundError, "does not exist"),
    "no array": (lambda folder: None, "in.npy", "out.npy", FileNotFoundError, "does not exist"),
    "an empty folder": (
        lambda folder: (folder / "in").mkdir(),
        "in",
        "out",
        ValueError,
        "holds no images",
    ),
    "text": (
        lambda folder: (folder / "in.txt").touch(),
        "in.txt",
        "out.png",
        ValueError,
        "must be a folder, an image",
    ),
    "labels alone": (
        lambda folder: np.savez(folder / "in.npz", y=np.arange(3)),
        "in.npz",
        "out.npz",
        ValueError,
        r"must hold images.*it holds y int64 \(3,\)",
    ),
    "an image alone in an .npz file": (
        lambda folder: np.savez(folder / "in.npz", x=np.zeros((8, 6))),
        "in.npz",
        "out.npz",
        ValueError,
        r"floats \(N, H, W\) or \(N, H, W, C\); it holds x",
    ),
    "Python objects": (
        objects,
        "in.npy",
        "out.npy",
        ValueError,
        "is no file of NumPy arrays, or a damaged one",
    ),
    "a cut file": (
        cut,
        "in.npz",
        "out.npz",
        ValueError,
        "is no file of NumPy arrays, or a damaged one",
    ),
    "another kind": (
        lambda folder: np.save(folder / "in.npy", np.zeros((8, 6))),
        "in.npy",
        "out.png",
        ValueError,
        r"must have the suffix \.npy",
    ),
    "a file": (
        lambda folder: ((folder / "in").mkdir(), (folder / "out").touch()),
        "in",
        "out",
        FileExistsError,
        "is a file; a folder is needed",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_rewritten(case, tmp_path):
    prepare, source, output, error, message = BAD[case]
    prepare(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(error, match=message):
        rewrite(tmp_path / source, tmp_path / output)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_tally_counts_images_and_keeps_the_names_of_the_first(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (60, 4, 4), np.uint8)
    images[10:20] = 7
    images[30:40] = images[30]
    np.save(tmp_path / "a.npy", images)
    tally = reader.Tally()
    with limits.use(file_images=7):
        pieces = list(reader.pieces(tmp_path / "a.npy", "Reading", tally, tmp_path))
    assert tally.read == 60
    assert (tally.constant.count, tally.constant.first) == (10, ["a/10", "a/11", "a/12"])
    assert (tally.equal.count, tally.equal.first) == (9, ["a/31", "a/32", "a/33"])
    digests = [digest for piece in pieces for digest in piece.digests]
    assert len(digests) == 60
    assert len(set(digests)) == 42
    assert pieces[1].one(3).digests == [None]
