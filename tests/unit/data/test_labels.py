import unicodedata

import numpy as np
import pytest

from tfdvae.data.labels import GivenLabels, to_classes

COMPOSED, DECOMPOSED = (unicodedata.normalize(form, "é") for form in ("NFC", "NFD"))


def classes(train, test=None, names=None):
    parts = {"train": train} | ({} if test is None else {"test": test})
    given = {
        part: GivenLabels(f"`y_{part}`", np.asarray(labels), len(labels))
        for part, labels in parts.items()
    }
    return to_classes(given, names)


@pytest.mark.parametrize(
    ("train", "labels", "names"),
    [
        ([0, 1, 1], [0, 1, 1], ("0", "1")),
        ([[0], [1], [1]], [0, 1, 1], ("0", "1")),
        (np.array([0, 1, 1], np.uint64), [0, 1, 1], ("0", "1")),
        (np.array([0, 1, 1], ">i2"), [0, 1, 1], ("0", "1")),
        ([0.0, 1.0, 1.0], [0, 1, 1], ("0", "1")),
        ([False, True, True], [0, 1, 1], ("0", "1")),
        ([1, 2, 1], [0, 1, 0], ("1", "2")),
        ([0, 2, 2], [0, 1, 1], ("0", "2")),
        (np.eye(3)[[0, 2, 1]], [0, 2, 1], ("0", "1", "2")),
        (np.eye(2, dtype=bool)[[0, 1, 1]], [0, 1, 1], ("0", "1")),
        (np.eye(9, dtype=int)[[3, 8, 3]], [0, 1, 0], ("3", "8")),
        (["dog", "cat", "dog"], [1, 0, 1], ("cat", "dog")),
        (np.array(["10", "9", "9"]), [0, 1, 1], ("10", "9")),
        (np.array([["b"], ["a"], ["a"]]), [1, 0, 0], ("a", "b")),
        (np.array(["é", "a", "a"]).astype(object), [1, 0, 0], ("a", "é")),
        (np.char.encode(["é", "a", "a"]), [1, 0, 0], ("a", "é")),
        (np.array(["b", "a", "a"], np.dtypes.StringDType()), [1, 0, 0], ("a", "b")),
    ],
)
def test_labels_of_all_kinds(train, labels, names):
    found = classes(train)
    assert found.labels["train"].dtype == np.int64
    assert found.labels["train"].tolist() == labels
    assert found.names == names
    left_out = not isinstance(names[0], str) or np.asarray(train).dtype.kind in "OSTU"
    assert bool(found.notice) == (not left_out and names != tuple(map(str, range(len(names)))))


def test_numbers_that_leave_out_some_are_told():
    found = classes([1, 2, 3, 3], [3, 1])
    assert found.labels["test"].tolist() == [2, 0]
    assert found.notice == (
        "`y_train` leaves out the class number 0: the classes are those of the labels 1, 2, 3"
    )
    assert "numbers 0, 1, 2, 3, 4, ...: " in classes([7, 8] * 9).notice


def test_class_names_keep_their_numbers():
    found = classes([0, 2, 2], [2], ["a", "b", "c", "d"])
    assert found.labels["train"].tolist() == [0, 2, 2]
    assert (found.names, found.notice) == (("a", "b", "c", "d"), "")


def test_class_names_of_labels_from_1():
    found = classes([1, 2, 2], [2], ["a", "b"])
    assert (found.labels["train"].tolist(), found.labels["test"].tolist()) == ([0, 1, 1], [1])
    assert found.names == ("a", "b")
    assert "leaves out the class number 0" in found.notice


def test_class_names_give_the_order_of_text():
    assert classes(["a", "b"], names=["b", "x", "a"]).labels["train"].tolist() == [2, 0]


def test_text_in_several_forms_of_unicode():
    found = classes([COMPOSED, "a"], [DECOMPOSED])
    assert found.labels["test"].tolist() == [1]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([0, 1, 0.5],), TypeError, "`y_train` must hold whole .*float64, such as 0.5"),
        (([0, 1, np.nan],), TypeError, "whole numbers; got dtype float64, such as nan"),
        (([0, 1e30],), TypeError, r"whole numbers; .* such as 1e\+30"),
        (([0, 1j],), TypeError, "whole numbers; got dtype complex128"),
        (([0, -1],), ValueError, "must be class numbers from 0; got -1"),
        (
            (np.array([0, 2**63], np.uint64),),
            ValueError,
            "`y_train` must be class numbers from 0; got 9223372036854775808",
        ),
        (([0, 1], np.array([2**64 - 1], np.uint64)), ValueError, "`y_test` must .*18446744073"),
        (([0, 1000],), ValueError, "must be class numbers from 0; got 1000 with 2 images"),
        (([[1, 1], [0, 1]],), ValueError, "`y_train` must hold one label .* is multi-label"),
        (([[0, 0], [0, 1]],), ValueError, "multi-label; columns of labels must be one-hot"),
        (([[0.5, 0.5], [0, 1]],), ValueError, "multi-label"),
        (([["a", "b"], ["a", "b"]],), ValueError, "multi-label"),
        ((np.zeros((3, 0)),), ValueError, r"one label an image, .* got \(3, 0\)"),
        ((np.zeros((3, 1, 1), int),), ValueError, r"must have shape \(3,\).* got \(3, 1, 1\)"),
        ((np.full((3, 1, 1), "a"),), ValueError, r"must have shape \(3,\).* got \(3, 1, 1\)"),
        ((np.array(["2020-01-01"] * 3, "M8[D]"),), TypeError, "whole numbers; got dtype datetime"),
        ((["a", " "],), ValueError, "must name a class for each image; that of image 1 is empty"),
        ((np.array([b"\xff", b"a"]),), TypeError, "must be text in UTF-8"),
        ((["a", "b"], [0]), TypeError, "`y_train` and `y_test` must be of one kind; got text and"),
        ((["a", "b"], ["c"]), ValueError, "none of class c"),
        (([1, 3, 3, 1], [2]), ValueError, "training images of each class .* none of class 2"),
        ((["a", "b"], None, ["a", "c"]), ValueError, "must name each label of `y_train`.* no b"),
        (([1, 3, 3, 3], None, ["a", "c"]), ValueError, "one name for each of the 4 classes"),
        (([0, 1], None, ["a"]), ValueError, "`class_names` must have one name for each of the 2"),
        (([0, 1], None, ["a", "a"]), ValueError, "must be different names; got a, a"),
        (([0, 1], None, [["a", "b"]]), ValueError, r"one name a class, \(K,\); got \(1, 2\)"),
        (([0, 1], None, [1, 2]), TypeError, "`class_names` must be text"),
    ],
)
def test_labels_that_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        classes(*arguments)
