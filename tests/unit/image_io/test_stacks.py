import numpy as np
import pytest
import tifffile

from tfdvae._utils import limits
from tfdvae.image_io import codec, writer

STACK = np.random.default_rng(0).integers(0, 256, (10, 8, 6), np.uint8)
BLACK = {"photometric": "minisblack"}


def inverted(piece):
    return 255 - piece.images


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "in" / "b").mkdir(parents=True)
    for name in ("a", "b/c", "d"):
        tifffile.imwrite(tmp_path / "in" / f"{name}.tif", STACK, **BLACK)
    codec.write(tmp_path / "in" / "e.png", STACK[0, ..., None])
    return tmp_path


def rewrite(folder, function=inverted, **options):
    return writer.rewrite(folder / "in", folder / "out", function, "Test", **options)


def made(folder):
    return sorted(
        path.relative_to(folder / "out").as_posix()
        for path in (folder / "out").rglob("*")
        if path.is_file()
    )


@pytest.mark.parametrize("images", [1, 3, 10, 256])
def test_frames_come_in_pieces_and_are_put_together(images, folder):
    sizes, names = [], []

    def work(piece):
        sizes.append(len(piece.images))
        names.extend(piece.names)
        return inverted(piece)

    with limits.use(file_images=images):
        tally = rewrite(folder, work)
    assert (tally.done, tally.failed) == (31, [])
    assert max(sizes) <= images
    assert sorted(names)[:10] == [f"a.tif[{frame}]" for frame in range(10)]
    assert made(folder) == ["a.tif", "b/c.tif", "d.tif", "e.png"]
    for name in ("a", "b/c", "d"):
        assert np.array_equal(tifffile.imread(folder / "out" / f"{name}.tif"), 255 - STACK)


@pytest.mark.parametrize("images", [1, 4, 256])
def test_a_frame_that_fails_leaves_its_stack_undone_and_others_done(images, folder):
    def work(piece):
        if any(name == "b/c.tif[6]" for name in piece.names):
            raise ValueError("seven")
        return inverted(piece)

    with limits.use(file_images=images):
        tally = rewrite(folder, work)
    assert tally.failed == ["the image b/c.tif[6] cannot be processed: seven"]
    assert (tally.done, made(folder)) == (21, ["a.tif", "d.tif", "e.png"])


def test_a_stack_of_which_every_frame_fails_is_named_once(folder):
    def work(piece):
        if piece.stack == "a.tif":
            raise ValueError("never")
        return inverted(piece)

    assert rewrite(folder, work).failed == ["the image a.tif[0] cannot be processed: never"]


def test_what_is_there_is_kept(folder):
    (folder / "out").mkdir()
    (folder / "out" / "a.tif").write_text("mine")
    tally = rewrite(folder)
    assert (tally.done, tally.kept) == (21, 1)
    assert (folder / "out" / "a.tif").read_text() == "mine"
    assert rewrite(folder, overwrite=True).done == 31


def test_a_folder_of_that_name_stays(folder):
    (folder / "out" / "a.tif").mkdir(parents=True)
    (folder / "out" / "a.tif" / "mine").touch()
    tally = rewrite(folder, overwrite=True)
    assert tally.failed == ["the image a.tif cannot be processed: there is a folder of that name."]
    assert made(folder) == ["a.tif/mine", "b/c.tif", "d.tif", "e.png"]


def test_a_stack_whose_file_is_gone_fails_alone(folder):
    def work(piece):
        if piece.stack == "a.tif":
            (folder / "in" / "a.tif").unlink()
        return inverted(piece)

    tally = rewrite(folder, work)
    assert len(tally.failed) == 1
    assert tally.failed[0].startswith("the image a.tif cannot be processed: [Errno 2] No such file")
    assert (tally.done, made(folder)) == (21, ["b/c.tif", "d.tif", "e.png"])


def test_a_long_name(folder):
    long = 250 * "a" + ".tif"
    (folder / "in" / "a.tif").rename(folder / "in" / long)
    assert rewrite(folder).done == 31
    assert (folder / "out" / long).is_file()


def test_what_stops_the_work_leaves_no_part_of_a_stack(folder):
    def work(piece):
        if piece.names[0] == "b/c.tif[4]":
            raise KeyboardInterrupt
        return inverted(piece)

    with limits.use(file_images=2), pytest.raises(KeyboardInterrupt):
        rewrite(folder, work)
    assert not [name for name in made(folder) if name not in ("a.tif",)]
