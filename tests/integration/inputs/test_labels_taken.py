"""Labels as users have them: which numbers, one-hot rows and texts are classes."""

import numpy as np
from PIL import Image

import tfdvae
from tests.helpers.cases import Case, table
from tfdvae.config import TrainConfig
from tfdvae.data import sources
from tfdvae.experiment import preflight

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (30, 12, 12), np.uint8)
NUMBERS = np.arange(30) % 3
NAMES = np.array(["cat", "dog", "mouse"])


def loaded(folder, labels, **more):
    """Return the data set of a file and of the same arrays, which are equal."""
    np.savez(folder / "in.npz", x_train=IMAGES, y_train=labels, **more)
    found = sources.load(str(folder / "in.npz"))
    arrays = tfdvae.ImageDataset.from_arrays(IMAGES, labels, class_names=more.get("class_names"))
    assert arrays.class_names == found.class_names
    assert np.array_equal(arrays.train.labels, found.train.labels)
    assert np.array_equal(arrays.test.labels, found.test.labels)
    return found


def classes(found):
    """Return the name of the class of each image, in the order of `IMAGES`."""
    rows = np.concatenate([found.train.rows, found.test.rows])
    labels = np.concatenate([found.train.labels, found.test.labels])
    return np.array(found.class_names)[labels[np.argsort(rows)]].tolist()


def _from_one(folder, command):
    found = loaded(folder, NUMBERS + 1)
    assert classes(found) == (NUMBERS + 1).astype(str).tolist()
    assert found.class_names == ("1", "2", "3")
    assert "leaves out the class number 0" in found.notice
    done = command("study", "augmentation", "--dataset", "in.npz", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("NOTE: `dataset` ") == 1


def _with_a_gap(folder, command):
    found = loaded(folder, NUMBERS * 2)
    assert found.class_names == ("0", "2", "4")
    assert "leaves out the class numbers 1, 3: " in found.notice


def _from_one_with_names(folder, command):
    found = loaded(folder, NUMBERS + 1, class_names=NAMES)
    assert classes(found) == NAMES[NUMBERS].tolist()


def _more_names(folder, command):
    names = np.array(["cat", "dog", "mouse", "owl", "pig"])
    found = loaded(folder, NUMBERS * 2, class_names=names)
    assert found.class_names == tuple(names)
    assert classes(found) == names[NUMBERS * 2].tolist()
    assert found.notice == ""


def _missing_in_training(folder, command):
    arrays = {"x_train": IMAGES, "y_train": NUMBERS * 2, "x_test": IMAGES, "y_test": NUMBERS}
    np.savez(folder / "in.npz", **arrays)
    done = command("train", "--dataset", "in.npz")
    assert done.returncode == 2
    assert "there are none of class 1" in done.stderr


def _one_hot(folder, command):
    for labels in (np.eye(3)[NUMBERS], np.eye(3, dtype=bool)[NUMBERS], np.eye(3, dtype="u1")):
        found = loaded(folder, labels if len(labels) == 30 else labels[NUMBERS])
        assert classes(found) == NUMBERS.astype(str).tolist()
        assert found.notice == ""


def _multi_label(folder, command):
    np.savez(folder / "in.npz", x_train=IMAGES, y_train=RANDOM.integers(0, 2, (30, 14)))
    done = command("train", "--dataset", "in.npz")
    assert done.returncode == 2
    assert "got (30, 14), which is multi-label" in done.stderr
    assert "must be one-hot: a single 1 in each row, otherwise 0." in " ".join(done.stderr.split())


def _text(folder, command):
    for labels in (NAMES[NUMBERS], np.char.encode(NAMES[NUMBERS]), NAMES[NUMBERS][:, None]):
        found = loaded(folder, labels)
        assert found.class_names == ("cat", "dog", "mouse")
        assert classes(found) == NAMES[NUMBERS].tolist()
        assert found.notice == ""


def _floats(folder, command):
    assert classes(loaded(folder, NUMBERS.astype(np.float32))) == NUMBERS.astype(str).tolist()
    np.savez(folder / "in.npz", x_train=IMAGES, y_train=NUMBERS / 4)
    done = command("train", "--dataset", "in.npz")
    assert done.returncode == 2
    assert "must hold whole numbers; got dtype float64, such as 0.25" in done.stderr


def _wrapping(folder, command):
    for value in (2**63, 2**64 - 1, 2**64 - 2**31):
        labels = NUMBERS.astype(np.uint64)
        labels[5] = value
        np.savez(folder / "in.npz", x_train=IMAGES, y_train=labels)
        done = command("train", "--dataset", "in.npz")
        assert done.returncode == 2
        assert f"`y_train` must be class numbers from 0; got {value}." in done.stderr


def _notice_of_arrays(folder, command):
    dataset = tfdvae.ImageDataset.from_arrays(IMAGES, NUMBERS + 1)
    assert "`train_labels` leaves out the class number 0" in dataset.notice
    dataset.save(folder / "out.npz")
    found = sources.load(str(folder / "out.npz"))
    assert found.class_names == ("1", "2", "3")
    assert dataset.notice in found.notice.splitlines()


def _augmented(folder, command):
    images = RANDOM.integers(0, 256, (6, 28, 28), np.uint8)
    for labels in (np.eye(3)[NUMBERS[:6]], NAMES[NUMBERS[:6]], NUMBERS[:6] + 1):
        np.savez(folder / "in.npz", x_train=images, y_train=labels)
        done = command(
            "augment", "clothing-dvae", "in.npz", "out.npz", "--per-image", 2, "--overwrite"
        )
        assert done.returncode == 0, done.stderr
        assert np.array_equal(np.load(folder / "out.npz")["y_train"], np.concatenate([labels] * 2))


@table(
    Case("labels 1 to 3", "three classes with a NOTE, for train and study", _from_one),
    Case("labels 0, 2 and 4", "three classes with a NOTE", _with_a_gap),
    Case("labels 1 to 3 and three names", "named in order", _from_one_with_names),
    Case("labels 0, 2 and 4 and five names", "each its own name", _more_names),
    Case("a label of test images alone", "refused by its number", _missing_in_training),
    Case("one-hot rows", "the classes", _one_hot),
    Case("multi-label rows", "refused", _multi_label),
    Case("text", "class names in the order of the alphabet", _text),
    Case("floats", "taken if whole", _floats),
    Case("labels of 2^63 and more", "refused, never wrapped", _wrapping),
    Case("labels 1 to 3 in memory", "the NOTE stays with the saved data set", _notice_of_arrays),
    Case("one-hot, text and numbers, augment", "copied as they are", _augmented),
)
def test_labels(case, tmp_path, command):
    case.check(tmp_path, command)


def _rare(folder, command):
    labels = np.repeat([0, 1, 2], [120, 120, 3])
    images = RANDOM.integers(0, 256, (243, 8, 8), np.uint8)
    np.savez(folder / "in.npz", x_train=images, y_train=labels)
    for row, label in enumerate(labels):
        path = folder / "in" / f"class{label}" / f"{row}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(images[row]).save(path)
    arrays = tfdvae.ImageDataset.from_arrays(images, labels)
    for found in (sources.load("in.npz"), sources.load("./in"), arrays):
        assert np.bincount(found.test.labels).tolist() == [24, 24, 1]
        assert np.bincount(found.train.labels).tolist() == [96, 96, 2]
        assert found.notice == ""


def _none_in_test(folder, command):
    test = {"x_test": 255 - IMAGES[:9], "y_test": NUMBERS[:9] % 2}
    np.savez(folder / "in.npz", x_train=IMAGES, y_train=NUMBERS, **test)
    done = command("study", "augmentation", "--dataset", "in.npz", "--metric", "auc", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "NOTE: there are no test images of 2: " in done.stdout
    assert (
        "such as auc and balanced_accuracy, are then means over 2 of the 3 classes\n" in done.stdout
    )


@table(
    Case("120, 120 and 3 images of a class", "one of each is held out at least", _rare),
    Case("a class without test images", "a NOTE says over how many the auc is", _none_in_test),
)
def test_rare_classes(case, tmp_path, command):
    case.check(tmp_path, command)


def test_a_subset_without_a_class_is_told():
    images = RANDOM.integers(0, 256, (243, 8, 8), np.uint8)
    dataset = tfdvae.ImageDataset.from_arrays(images, np.repeat([0, 1, 2], [120, 120, 3]))
    told = preflight.note_subset(TrainConfig.of(n_train=20), dataset).notice
    assert told.startswith("the 20 training images of `n_train` have none of 2")
    assert preflight.note_subset(TrainConfig.of(n_train=194), dataset).notice == ""
    without = TrainConfig.of(n_train=20, no_classifier=True)
    assert preflight.note_subset(without, dataset).notice == ""
