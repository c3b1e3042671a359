import numpy as np
import pytest
from PIL import Image

from tfdvae._utils import limits
from tfdvae.classifying import images
from tfdvae.config.classify import ClassifyConfig
from tfdvae.data.image_dataset import ImageDataset


def config(dataset, **settings):
    return ClassifyConfig(dataset=str(dataset), output="out", **settings)


def written(folder, parts=("",), count=10):
    """Two classes whose images have the value of their number."""
    for part in parts:
        for label, name in enumerate(("a", "b")):
            (folder / part / name).mkdir(parents=True)
            for number in range(count):
                pixels = np.full((4, 4), 20 * label + number, np.uint8)
                Image.fromarray(pixels).save(folder / part / name / f"{number:02}.png")
    return folder


def values(found):
    return np.rint(255 * found.images[:, 0, 0, 0]).astype(int).tolist()


def test_all_images_are_learned_from_where_there_is_no_test_folder(tmp_path):
    found = images.load(config(written(tmp_path / "in")))
    assert found.test is None
    assert values(found.train) == [*range(10), *range(20, 30)]
    assert found.train.labels.tolist() == [0] * 10 + [1] * 10
    assert found.train.names == [f"{name}/{n:02}.png" for name in "ab" for n in range(10)]
    assert (found.class_names, found.dtype, found.scale) == (("a", "b"), "uint8", 255.0)
    assert found.fingerprint


def test_a_test_folder_is_kept_apart(tmp_path):
    found = images.load(config(written(tmp_path / "in", ("train", "test"))))
    assert len(found.train) == len(found.test) == 20
    assert found.train.names[0] == "train/a/00.png"
    assert found.test.names[-1] == "test/b/09.png"


def test_fewer_images_have_the_same_proportions_and_keep_their_names(tmp_path):
    found = images.load(config(written(tmp_path / "in"), n_train=6))
    assert np.bincount(found.train.labels).tolist() == [3, 3]
    for value, name in zip(values(found.train), found.train.names, strict=True):
        assert name == f"{'ab'[value // 20]}/{value % 20:02}.png"
    quick = images.load(config(tmp_path / "in", quick=True))  # there are fewer than 200
    assert len(quick.train) == 20
    with pytest.raises(ValueError, match="`n_train` must not exceed the 20 training images"):
        images.load(config(tmp_path / "in", n_train=21))


def test_groups_and_white(tmp_path):
    folder = written(tmp_path / "in")
    lines = [f"{name}/{n:02}.png,{n // 2}" for name in "ab" for n in range(10)]
    (tmp_path / "groups.csv").write_text("\n".join(["image,group", *lines]))
    found = images.load(config(folder, groups=str(tmp_path / "groups.csv"), white=51.0))
    assert found.train.units == 5
    assert (found.scale, found.white) == (51.0, 51)
    np.testing.assert_allclose(found.train.images[:, 0, 0, 0] * 51, [*range(10), *range(20, 30)])


def test_arrays_in_memory_are_told_apart():
    arrays = np.random.default_rng(0).integers(0, 255, (20, 4, 4), np.uint8)
    first, other = (
        images.load(config("arrays"), ImageDataset.from_arrays(each, np.arange(20) % 2))
        for each in (arrays, arrays // 2)
    )
    assert len(first.train) == 20
    assert first.fingerprint != other.fingerprint
    with pytest.raises(ValueError, match=r"`dataset` must have labels; got images without them."):
        images.load(config("arrays"), ImageDataset.from_arrays(arrays, None))


def test_images_that_memory_cannot_hold_are_refused(tmp_path):
    """20 images of 16 pixels and 4 bytes, twice, are 2,560 bytes."""
    folder = written(tmp_path / "in")
    with limits.use(memory_bytes=2559), pytest.raises(ValueError, match="`n_train` 20 would take"):
        images.load(config(folder))
