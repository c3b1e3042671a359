import logging
import resource

import numpy as np
import pytest
import tifffile
from PIL import Image

from tfdvae.learning import pictures

RANDOM = np.random.default_rng(0)


def random(*shape):
    return RANDOM.integers(0, 256, shape, np.uint8)


def write(folder, **images):
    folder.mkdir(exist_ok=True)
    for name, image in images.items():
        Image.fromarray(image).save(folder / f"{name}.png")
    return folder


def decoded(source, tmp_path):
    pictures.decode(source, tmp_path / "kept")
    return pictures.load(tmp_path / "kept")


def test_pictures_of_any_size_and_type_are_what_they_were(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    images = [
        random(20, 30),
        RANDOM.integers(0, 65536, (16, 17), np.uint16),
        RANDOM.random((18, 16), np.float32),
        random(40, 16),
    ]
    for number, image in enumerate(images):
        tifffile.imwrite(folder / f"{number}.tif", image)
    found = decoded(folder, tmp_path)
    assert [picture.name for picture in found] == ["0.tif", "1.tif", "2.tif", "3.tif"]
    for picture, image in zip(found, images, strict=True):
        assert picture.values.dtype == image.dtype
        assert np.array_equal(picture.values[..., 0], image)


def test_gray_pictures_stored_in_color_are_gray(tmp_path):
    gray = random(20, 20)
    folder = write(tmp_path / "in", a=gray, b=np.stack([gray] * 3, axis=-1))
    found = decoded(folder, tmp_path)
    assert all(np.array_equal(picture.values, gray[..., None]) for picture in found)


def test_gray_pictures_stored_in_color_are_left_out_among_others_in_color(tmp_path, caplog):
    gray = np.stack([random(20, 20)] * 3, axis=-1)
    folder = write(tmp_path / "in", a=random(20, 20, 3), b=gray, c=gray)
    with caplog.at_level(logging.WARNING, "tfdvae"):
        assert [picture.name for picture in decoded(folder, tmp_path)] == ["a.png"]
    assert "not learned from 2 pictures: the first b.png: it is gray" in caplog.text


def test_gray_and_color_are_refused_and_nothing_is_kept(tmp_path):
    folder = write(tmp_path / "in", a=random(20, 20), b=random(20, 20, 3))
    with pytest.raises(ValueError, match=r"one number of channels; got 1 in a.png and 3 in b.png"):
        pictures.decode(folder, tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


def test_many_pictures_need_few_open_files(tmp_path):
    np.save(tmp_path / "in.npy", random(1500, 16, 16))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        found = decoded(tmp_path / "in.npy", tmp_path)
        total = sum(int(picture.values.sum(dtype=int)) for picture in found)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert total == np.load(tmp_path / "in.npy").sum(dtype=int)


def test_pictures_are_decoded_again_where_the_input_changed(tmp_path):
    folder = write(tmp_path / "in", a=random(20, 20))
    decoded(folder, tmp_path)
    time = (tmp_path / "kept/index.json").stat().st_mtime_ns
    decoded(folder, tmp_path)
    assert (tmp_path / "kept/index.json").stat().st_mtime_ns == time
    new = random(24, 24)
    write(folder, a=new, b=new)
    found = decoded(folder, tmp_path)
    assert [picture.values.shape for picture in found] == [(24, 24, 1)] * 2
    assert np.array_equal(found[0].values[..., 0], new)


def test_small_pictures_are_told_once(tmp_path, caplog):
    folder = write(tmp_path / "in", a=random(8, 9), b=random(8, 8), c=random(16, 16))
    with caplog.at_level(logging.WARNING, "tfdvae"):
        assert len(decoded(folder, tmp_path)) == 1
    assert caplog.text.count("NOTE") == 1
    assert (
        "not learned from 2 pictures: the first a.png: pictures to learn from must be 16x16 at "
        "least; it has 8x9." in caplog.text
    )


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (RANDOM.random((2, 20, 20)) * 4095, "`learn` must be images scaled to .0, 1.*to 40"),
        (RANDOM.random((2, 20, 20)) + 1, "scaled to .0, 1.*with mean 1.[45]"),
        (np.sin(np.arange(800) / 9).reshape(2, 20, 20), "more than noise explains"),
        (
            np.full((2, 20, 20), [[[0.5]], [[np.nan]]]),
            "`learn` must be finite; in/1 has values that are NaN",
        ),
    ],
)
def test_arrays_that_no_model_takes(array, message, tmp_path):
    np.save(tmp_path / "in.npy", array)
    with pytest.raises(ValueError, match=message):
        pictures.decode(tmp_path / "in.npy", tmp_path / "kept")


def test_a_thumbnail_does_not_make_all_patches_small(caplog):
    large, small, constant = (
        pictures.Picture(name, values)
        for name, values in (
            ("large", random(128, 128, 1)),
            ("small", random(16, 90, 1)),
            ("constant", np.zeros((200, 200, 1), np.uint8)),
        )
    )
    with caplog.at_level(logging.WARNING, "tfdvae"):
        assert pictures.usable([small, large, constant], 64) == [large]
    assert "not learned from 1 picture: small: it is smaller than 64x64" in caplog.text
    assert "not learned from 1 picture: constant: it is constant" in caplog.text
    assert pictures.usable([small] * 12 + [large], 64) == [small] * 12 + [large]


def test_a_sample_is_spread_over_all_pictures():
    many = [pictures.Picture("", np.full((600, 700, 1), number, np.uint8)) for number in range(40)]
    found = pictures.sample(many, 2_000_000)
    assert sum(part.size for part in found) <= 2_000_000
    assert {part.shape for part in found} == {(512, 512, 1)}
    assert [part[0, 0, 0] for part in found] == [0, 6, 12, 18, 24, 30, 36]
    assert pictures.sample(many[:2], 2_000_000)[0].shape == (600, 700, 1)
