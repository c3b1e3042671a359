import numpy as np
import pytest
from PIL import Image

from tfdvae._utils import limits
from tfdvae.classifying import images
from tfdvae.config.classify import ClassifyConfig
from tfdvae.data.image_dataset import ImageDataset, Split


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


def test_names_are_places_in_the_arrays_where_there_are_no_test_images(tmp_path):
    """Each image has a value of its own, by which its place is found."""
    arrays = {"x_train": np.zeros((20, 8, 8), np.uint8), "y_train": np.arange(20) % 2}
    arrays["x_train"] += np.arange(20, dtype=np.uint8)[:, None, None]
    np.savez(tmp_path / "images.npz", **arrays)
    given = ImageDataset.from_arrays(*arrays.values())
    for found in (
        images.load(config("arrays"), given),
        images.load(config(tmp_path / "images.npz")),
    ):
        places = np.rint(found.train.images[:, 0, 0, 0] * 255).astype(int)
        assert found.train.names == [f"train/{place}" for place in places]
        assert places.tolist() == list(range(20))


def test_images_that_memory_cannot_hold_are_refused(tmp_path):
    """20 images of 16 pixels and 4 bytes, twice, are 2,560 bytes."""
    folder = written(tmp_path / "in")
    with limits.use(memory_bytes=2559), pytest.raises(ValueError, match="`n_train` 20 would take"):
        images.load(config(folder))


def test_memory_is_asked_for_the_chosen_images_alone(tmp_path):
    """6 images are 768 bytes, where the 20 of the folder are 2,560."""
    folder = written(tmp_path / "in")
    with limits.use(memory_bytes=800):
        assert len(images.load(config(folder, n_train=6)).train) == 6
    with limits.use(memory_bytes=767), pytest.raises(ValueError, match="`n_train` 6 would take"):
        images.load(config(folder, n_train=6))


def test_equal_images_are_one_group_and_no_test_images_are_spoken_of(tmp_path):
    folder = tmp_path / "in"
    pixels = np.random.default_rng(0).integers(0, 256, (10, 4, 4), np.uint8)
    for name in "ab":
        (folder / name).mkdir(parents=True)
        for number in range(10):  # a: each image twice; b: others, each once
            image = pixels[number // 2] if name == "a" else 255 - pixels[number]
            Image.fromarray(image).save(folder / name / f"{number:02}.png")
    found = images.load(config(folder))
    assert found.train.groups[:10].tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert found.train.units == 15
    assert "10 images are there more than once; copies stay in one part" in found.notice
    assert "test image" not in found.notice
    assert "equal to an earlier one" not in found.notice


def test_a_class_of_one_group_is_named(tmp_path):
    folder = written(tmp_path / "in")
    lines = [f"a/{n:02}.png,{n}" for n in range(10)] + [f"b/{n:02}.png,anna" for n in range(10)]
    (tmp_path / "groups.csv").write_text("\n".join(["image,group", *lines]))
    found = images.load(config(folder, groups=str(tmp_path / "groups.csv")))
    assert found.train.units == 11
    assert "all images of b are of one group" in found.notice
    np.savez(tmp_path / "in.npz", x_train=found.train.images, y_train=found.train.labels)
    lines = [f"x_train/{n},{min(n, 10)}" for n in range(20)]
    (tmp_path / "rows.csv").write_text("\n".join(["image,group", *lines]))
    arrays = images.load(config(tmp_path / "in.npz", groups=str(tmp_path / "rows.csv")))
    assert "all images of 1 are of one group" in arrays.notice


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (1, "b.tif is the only file of its class, so that it is cut into blocks"),
        (2, "Frames of one stack are never learned from and measured at once."),
    ],
)
def test_stacks_are_not_said_to_be_held_out(files, said, tmp_path):
    random = np.random.default_rng(0)
    for name in "ab":
        (tmp_path / "in" / name).mkdir(parents=True)
        for number in range(files if name == "b" else 2):
            frames = [
                Image.fromarray(each) for each in random.integers(0, 256, (6, 4, 4), np.uint8)
            ]
            path = tmp_path / "in" / name / f"{name}{number or ''}.tif"
            frames[0].save(path, save_all=True, append_images=frames[1:])
    found = images.load(config(tmp_path / "in"))
    assert said in found.notice
    assert "held out" not in found.notice
    assert "test image" not in found.notice


@pytest.mark.parametrize(
    "change",
    [
        {"dtype": np.uint16},
        {"shape": (20, 2, 8, 1)},
        {"groups": np.arange(20)},
        {"white": 200.0},
        {"held_out": False},
    ],
    ids=lambda change: next(iter(change)),
)
def test_all_that_is_learned_from_is_in_the_fingerprint(change):
    def dataset(dtype=np.uint8, shape=(20, 4, 4, 1), groups=None, white=None, held_out=True):
        train = np.zeros(320, np.uint8).view(dtype)[: 320 // np.dtype(dtype).itemsize]
        train = train.reshape((20, 4, 2, 1) if dtype is np.uint16 else shape)
        part = Split(train, np.arange(20) % 2, groups=groups)
        return ImageDataset("x", ("a", "b"), part, part, "", "same", held_out, white)

    marks = [images.load(config("x"), each).fingerprint for each in (dataset(), dataset(**change))]
    assert marks[0] != marks[1]
    assert marks[0] == images.load(config("x"), dataset()).fingerprint
