"""Images that belong together stay together: from the CSV file to the parts of a source."""

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.helpers.processes import ROOT
from tfdvae.data import groups, sources, splits
from tfdvae.data.sources import npz
from tfdvae.image_io import codec

PATIENTS = 12  # of three images each: two of one class and one of the other


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def image(number):
    """An image that says its number, from 0 to 255."""
    return np.full((4, 4), number, np.uint8)


def write_groups(path, named):
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("image", "group"), *named.items()])
    return str(path)


def folder_held_out(path):
    named = {}
    for number in range(3 * PATIENTS):
        name = f"{'cats' if number % 2 else 'dogs'}/deep/{number:03d}.png"
        named[name] = f"p{number // 3}"
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image(number)).save(path / name)
    return path, named, {number: f"p{number // 3}" for number in range(3 * PATIENTS)}


def folder_of_parts(path):
    named = {}
    for number in range(24):
        split = "Testing" if number >= 18 else "Training"
        name = f"{split}/{'cats' if number % 2 else 'dogs'}/{number:03d}.png"
        named[name] = f"p{number // 3}"
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image(number)).save(path / name)
    return path, named, {number: f"p{number // 3}" for number in range(24)}


def file_held_out(path):
    count = 3 * PATIENTS
    np.savez(
        path.with_suffix(".npz"),
        x_train=np.stack(list(map(image, range(count)))),
        y_train=np.arange(count) % 2,
    )
    groups = {number: f"p{number // 3}" for number in range(count)}
    return (
        path.with_suffix(".npz"),
        {f"x_train/{number}": group for number, group in groups.items()},
        groups,
    )


def file_of_parts(path):
    images, labels = np.stack(list(map(image, range(24)))), np.arange(24) % 2
    named = dict(
        zip(
            ("train_images", "train_labels", "test_images", "test_labels"),
            (images[:18], labels[:18], images[18:], labels[18:]),
            strict=True,
        )
    )
    np.savez(path.with_suffix(".npz"), **named, val_images=images[:2])
    groups = {number: f"p{number // 3}" for number in range(24)}
    return (
        path.with_suffix(".npz"),
        {f"train_images/{n}" if n < 18 else f"test_images/{n - 18}": groups[n] for n in range(24)},
        groups,
    )


KINDS = [folder_held_out, folder_of_parts, file_held_out, file_of_parts]


@pytest.mark.parametrize("make", KINDS)
def test_groups_stay_with_their_images_and_on_one_side(make, tmp_path):
    path, named, groups = make(tmp_path / "a")
    csv_path = write_groups(tmp_path / "groups.csv", dict(reversed(named.items())))
    order = sorted(set(groups.values()))
    for _ in range(2):
        source = sources.load(str(path), groups=csv_path)
        for images, labels, numbers in (
            (source.train.images, source.train.labels, source.train.groups),
            (source.test.images, source.test.labels, source.test.groups),
        ):
            assert numbers.dtype == np.int64
            marks = images[:, 0, 0, 0]
            assert [order[number] for number in numbers] == [groups[mark] for mark in marks]
            assert [source.class_names[label] for label in labels] == [
                source.class_names[0 if mark % 2 == (path.is_dir()) else 1] for mark in marks
            ]
            assert set(labels) == {0, 1}
        assert not set(source.train.groups) & set(source.test.groups)
        assert len(source.train.images) + len(source.test.images) == len(groups)
        if "held_out" in make.__name__:
            assert 0.1 < len(source.test.images) / len(groups) < 0.3
    plain = sources.load(str(path))
    assert (plain.train.groups, plain.test.groups) == (None, None)
    assert plain.fingerprint != source.fingerprint


@pytest.mark.parametrize("make", KINDS)
def test_decoded_anew_only_where_groups_change_what_is_held_out(make, tmp_path):
    path, named, _ = make(tmp_path / "a")
    other = {name: f"q{index // 6}" for index, name in enumerate(named)}  # two patients are one
    renamed = {name: f"patient {group}" for name, group in named.items()}
    if "parts" in make.__name__:
        other = {
            name: f"{name.startswith(('Test', 'test'))}{index % 5}"
            for index, name in enumerate(named)
        }
    counts, marks = [], []
    for given in (None, named, renamed, other, named):
        marks.append(
            sources.load(
                str(path), groups=given and write_groups(tmp_path / "g.csv", given)
            ).fingerprint
        )
        counts.append(len(list((tmp_path / "cache").rglob("info.json"))))
    assert counts == ([1, 1, 1, 1, 1] if "parts" in make.__name__ else [1, 2, 2, 3, 3])
    assert marks[1] == marks[4]
    assert len(set(marks)) == 4


@pytest.mark.parametrize("left", [0, 50], ids=["no header", "a header alone"])
@pytest.mark.parametrize("make", [folder_held_out, folder_of_parts])
def test_an_image_that_is_left_out_moves_no_group(make, left, tmp_path):
    path, named, groups = make(tmp_path / "a")
    csv_path = write_groups(tmp_path / "groups.csv", named)
    before = sources.load(str(path), groups=csv_path)
    broken = [before.train.images[3, 0, 0, 0], before.test.images[0, 0, 0, 0]]
    for number in broken:
        broken_path = next(path.rglob(f"{number:03d}.png"))
        broken_path.write_bytes(broken_path.read_bytes()[:left])
    with pytest.raises(codec.Unreadable):
        sources.load(str(path), groups=csv_path)
    source = sources.load(str(path), groups=csv_path, skip_unreadable=True)
    assert "2 images were skipped" in source.notice
    order = sorted(set(groups.values()))
    for part in ("train", "test"):
        marks, earlier = (
            getattr(source, part).images[:, 0, 0, 0],
            getattr(before, part).images[:, 0, 0, 0],
        )
        assert list(marks) == [mark for mark in earlier if mark not in broken]
        assert [order[number] for number in getattr(source, part).groups] == [
            groups[mark] for mark in marks
        ]


def test_pairs_have_groups_too(tmp_path):
    path, named, groups = folder_held_out(tmp_path / "a")
    folder_held_out(tmp_path / "b")
    source = sources.load(
        str(path),
        noisy_dir=str(tmp_path / "b"),
        labelled=False,
        groups=write_groups(tmp_path / "g.csv", named),
    )
    order = sorted(set(groups.values()))
    assert [order[number] for number in source.test.groups] == [
        groups[mark] for mark in source.test.noisy[:, 0, 0, 0]
    ]
    assert not set(source.train.groups) & set(source.test.groups)


def test_names_that_are_no_text_and_names_with_commas(tmp_path):
    named = {}
    for number in range(8):
        name = f"{'ab'[number % 2]}/x,\udcff {number}.png"
        (tmp_path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image(number)).save(tmp_path / "set" / name)
        named[name.replace("\udcff", "\\xff")] = f"Ä {number // 2}"
    source = sources.load(str(tmp_path / "set"), groups=write_groups(tmp_path / "g.csv", named))
    assert list(source.train.groups) == [mark // 2 for mark in source.train.images[:, 0, 0, 0]]


FILES = {
    "as it should be": (b"image,group\na,1\nb,2\n", {"a": "1", "b": "2"}),
    "Excel's": (b"\xef\xbb\xbfgroup,age,image\r\n 1 ,50,a\r\n1,60,b\r\n\r\n", {"a": "1", "b": "1"}),
    "quoted": (b'image,group\n"a,\nb","1 ""x"""\n', {"a,\nb": '1 "x"'}),
    "no column": (
        b"image,patient\na,1\n",
        "must have the columns image and group, once each; got image, patient",
    ),
    "twice a column": (b"image,group,group\na,1,2\n", "once each; got image, group, group"),
    "semicolons": (b"image;group\na;1\n", "once each; got image;group"),
    "empty": (b"", "once each; got none"),
    "empty group": (
        b"image,group\na,1\nb, \n",
        "line 3: it must have an image and its group; got 'b' and ''",
    ),
    "empty image": (
        b"image,group\n,1\n",
        "line 2: it must have an image and its group; got '' and '1'",
    ),
    "short line": (b"image,group\na\n", "line 2: it must have 2 fields"),
    "long line": (b"image,group\na,b,1\n", "line 2: it must have 2 fields"),
    "duplicate": (
        b"image,group\na,1\nb,1\na,1\n",
        "line 4: duplicate image a; each must have one line",
    ),
    "not UTF-8": (b"image,group\na,\xff\n", "must be a CSV file in UTF-8: .*0xff"),
    "UTF-16": ("image,group\na,1\n".encode("utf-16"), "must be a CSV file in UTF-8"),
    "NUL": (b"image,group\na,\x001\n", "must be a CSV file in UTF-8: it holds the character NUL"),
    "open quote": (
        b'image,group\na,"1\nb,2\n',
        "must be a CSV file in UTF-8: unexpected end of data",
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_files(name, tmp_path):
    content, expected = FILES[name]
    path = tmp_path / "groups.csv"
    path.write_bytes(content)
    if isinstance(expected, dict):
        assert groups.read(path) == expected
        return
    with pytest.raises(ValueError, match=expected) as caught:
        sources.check(str(tmp_path), None, groups=str(path))
    assert str(caught.value).startswith(f"`groups` {path}")
    assert "\n" not in str(caught.value)


def test_files_that_are_not_there(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"`groups` must be a CSV file; there is no .*none.csv"
    ):
        sources.check(str(tmp_path), None, groups=str(tmp_path / "none.csv"))
    with pytest.raises(ValueError, match=r"`groups` must be a CSV file; .* is no file"):
        sources.check(str(tmp_path), None, groups=str(tmp_path))
    for name in ("auto", "digits", "fashion_mnist"):
        with pytest.raises(
            ValueError,
            match="`groups` is for a `dataset` that is a folder of images or an .npz file; "
            f".* with {name}",
        ):
            sources.load(name, groups=write_groups(tmp_path / "g.csv", {"a": "1"}))


def test_checked_without_tensorflow(tmp_path):
    path = write_groups(tmp_path / "g.csv", {"a": "1"})
    code = f"""
import sys
from tfdvae.data import sources
sources.check({str(tmp_path)!r}, None, groups={path!r})
assert "tensorflow" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


@pytest.mark.parametrize("make", KINDS)
def test_groups_that_do_not_fit_the_images(make, tmp_path):
    path, named, _ = make(tmp_path / "a")
    first, *others = named

    def refused(groups, message):
        with pytest.raises(ValueError, match=message):
            sources.load(str(path), groups=write_groups(tmp_path / "g.csv", groups))
        assert not list((tmp_path / "cache").rglob("*.npy")), "said before anything is decoded"

    refused(
        {name: named[name] for name in others},
        rf"`groups` must name each image of `dataset` and no other; it lacks 1 \({first}\)\.",
    )
    refused(named | {"x": "p1", "a": "p1"}, r"no other; it names unknown images: 2 \(a, x\)")
    refused(
        {f"./{name}": group for name, group in named.items()},
        r"it lacks \d+ \(.*, \.\.\.\) and names unknown images: \d+ \(\./",
    )
    if "parts" in make.__name__:
        refused(
            named | {list(named)[-1]: "p0"},
            "`groups` must each be in train or in test; p0 has 3 images in train and 1 in test.$",
        )
        refused(
            dict.fromkeys(named, "p") | {first: "q", list(named)[-1]: "q"},
            "p has 17 images in train and 5 in test; 1 more are in both",
        )
    else:
        refused(dict.fromkeys(named, "p"), "`groups` must be at least two")
        by_class = {name: str(number % 2) for number, name in enumerate(sorted(named, key=digits))}
        refused(
            by_class,
            "`groups` leave class (cats|dogs|0|1) without (training|test) images: "
            ".* more and smaller groups, or `dataset`",
        )


def digits(name):
    return int("".join(filter(str.isdigit, name)))


def test_a_class_without_readable_test_images(tmp_path):
    path, named, _ = folder_held_out(tmp_path / "a")
    csv_path = write_groups(tmp_path / "g.csv", named)
    source = sources.load(str(path), groups=csv_path)
    for number in source.test.images[source.test.labels == 0][:, 0, 0, 0]:
        next(path.rglob(f"{number:03d}.png")).write_bytes(b"broken")
    with pytest.raises(ValueError, match="`groups` leave class cats without test images"):
        sources.load(str(path), groups=csv_path, skip_unreadable=True)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("pure", [True, False], ids=["a class for each group", "mixed"])
def test_hold_out_by_group_is_near_to_a_fifth_of_each_class(pure, seed):
    generator = np.random.default_rng(seed)
    groups = np.repeat(np.arange(60), generator.integers(1, 20, 60))
    labels = generator.integers(0, 3, 60)[groups] if pure else generator.integers(0, 3, len(groups))
    train, held_out = splits.hold_out(labels, groups, seed=seed)
    assert np.array_equal(np.sort(np.concatenate([train, held_out])), np.arange(len(labels)))
    assert np.array_equal(held_out, np.sort(held_out))
    assert not set(groups[train]) & set(groups[held_out])
    assert np.abs(np.bincount(labels[held_out]) / np.bincount(labels) - 0.2).max() < 0.08
    assert np.array_equal(splits.hold_out(labels, groups, seed=seed)[1], held_out)
    assert not np.array_equal(splits.hold_out(labels, groups, seed=seed + 1)[1], held_out)
    shuffled = generator.permutation(len(labels))
    assert (
        abs(
            len(splits.hold_out(labels[shuffled], groups[shuffled], seed=seed)[1]) / len(labels)
            - 0.2
        )
        < 0.05
    )


def test_hold_out_without_groups_is_a_stratified_subset():
    labels = np.arange(100) % 4
    train, held_out = splits.hold_out(labels, folds=4, seed=7)
    assert np.array_equal(held_out, splits.stratified_subset(labels, 25, 7))
    assert np.array_equal(train, np.setdiff1d(np.arange(100), held_out))


@pytest.mark.parametrize("seed", range(8))
def test_a_rare_class_is_on_both_sides_where_a_fold_allows_it(seed):
    """Class 1 has two groups, so at most two of five folds can be held out."""
    groups = np.repeat(np.arange(20), 4)
    labels = np.isin(groups, [3, 11]).astype(int)
    for part in splits.hold_out(labels, groups, seed=seed):
        assert set(labels[part]) == {0, 1}


@pytest.mark.parametrize("groups", [[0, 0, 0, 0], [0, 1, 2, 3]])
def test_hold_out_of_too_little(groups):
    labels = np.array([0, 0, 1, 1]) if len(set(groups)) == 1 else np.arange(4)
    with pytest.raises(
        ValueError, match="`groups` must be at least two, and a class must have at least two images"
    ):
        splits.hold_out(labels, np.array(groups))


def test_few_images_by_group():
    """No class has five images, and scikit-learn would refuse five folds."""
    train, held_out = splits.hold_out_test(np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1]))
    assert (len(train), len(held_out)) == (2, 2)


def test_retinamnist_by_group(retinamnist, tmp_path):
    """Real photographs.

    1,080 in groups of four, its own test images apart, each in a group of its own.
    """
    named = {f"train_images/{row}": f"p{row // 4}" for row in range(1080)} | {
        f"test_images/{row}": f"t{row}" for row in range(400)
    }
    source = sources.load(str(retinamnist), groups=write_groups(tmp_path / "g.csv", named))
    assert np.array_equal(np.unique(source.train.groups, return_counts=True)[1], np.full(270, 4))
    assert len(set(source.test.groups)) == 400
    assert np.array_equal(source.train.images, npz.load_npz(Path(retinamnist)).train.images)
    labels, groups = source.train.labels, source.train.groups
    train, validation = splits.hold_out(labels, groups, folds=5, seed=1)
    assert not set(groups[train]) & set(groups[validation])
    assert np.abs(np.bincount(labels[validation]) / np.bincount(labels) - 0.2).max() < 0.05
