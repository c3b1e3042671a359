"""Which files of a folder a command takes: litter, other formats, names in forms of Unicode."""

import csv
import unicodedata

import numpy as np
import pytest
from PIL import Image

from tests.helpers.cases import Case, table
from tests.helpers.models import make
from tfdvae.data import sources

LITTER = (
    "__MACOSX/a.png", "._a.png", ".DS_Store", "Thumbs.db", "desktop.ini", ".thumbnails/a.png",
    ".ipynb_checkpoints/a.png", "$RECYCLE.BIN/desktop.ini", "System Volume Information/a.png",
    "@eaDir/a.png/SYNOPHOTO_THUMB_M.jpg", "lost+found/a.png", "#recycle/a.png", "found.000/a.png",
)  # fmt: skip
RANDOM = np.random.default_rng(0)
COMPOSED, DECOMPOSED = (unicodedata.normalize(form, "Größe é") for form in ("NFC", "NFD"))
TRAINING = ("--model", "dae", "--network", "mlp", "--no-classifier", "--epochs", 1)


def image(size=28):
    return RANDOM.integers(0, 256, (size, size), np.uint8)


def save(path, pixels=None, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image() if pixels is None else pixels).save(path, **options)
    return path


def classes(folder, count=6):
    for name in ("cats", "dogs"):
        for number in range(count):
            save(folder / name / f"{number}.png")
    return folder


def add_litter(folder):
    for below in ("", "cats/"):
        for name in LITTER:
            path = folder / below / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"no image")


def _load_with_litter(folder, command):
    add_litter(classes(folder / "in"))
    found = sources.load(str(folder / "in"))
    assert found.notice == ""
    assert found.class_names == ("cats", "dogs")
    assert len(found.train.labels) + len(found.test.labels) == 12


def _study_with_litter(folder, command):
    add_litter(classes(folder / "in"))
    done = command("study", "augmentation", "--dataset", "in", "--dry-run")
    assert done.returncode == 0, done.stderr


def _denoise_with_litter(folder, command):
    add_litter(classes(folder / "in"))
    done = command("denoise", "clothing-denoiser", "in", "out")
    assert done.returncode == 0, done.stderr
    assert "12 images in out" in done.stdout
    assert "NOTE" not in done.stdout


def _groups_with_litter(folder, command):
    add_litter(classes(folder / "in"))
    with open(folder / "groups.csv", "w", newline="", encoding="utf-8") as file:
        rows = [(f"{name}/{row}.png", row) for name in ("cats", "dogs") for row in range(6)]
        rows += [(f"cats/{name}", "a") for name in LITTER]  # as of a list of all files
        csv.writer(file).writerows([("image", "group"), *rows])
    found = sources.load(str(folder / "in"), groups=str(folder / "groups.csv"))
    assert not set(found.train.groups) & set(found.test.groups)


def _augment_into_litter(folder, command):
    classes(folder / "in", 1)
    (folder / "out").mkdir()
    (folder / "out" / ".DS_Store").touch()
    done = command("augment", "clothing-dvae", "in", "out", "--per-image", 1)
    assert done.returncode == 0, done.stderr
    assert (folder / "out" / ".DS_Store").exists()


def _train_into_litter(folder, command):
    (folder / "run").mkdir()
    (folder / "run" / "desktop.ini").touch()
    (folder / "images.npz").write_bytes(b"")
    done = command("train", "--dataset", "images.npz", "--output", "run")
    assert "is not empty" not in done.stderr


def _only_litter(folder, command):
    add_litter(classes(folder / "in"))
    (folder / "in" / "mice" / "@eaDir").mkdir(parents=True)
    save(folder / "in" / "mice" / "@eaDir" / "a.png")
    done = command("train", "--dataset", "in", *TRAINING)
    assert done.returncode == 2
    assert "in/mice holds no images" in done.stderr


def _thumbnails(folder, command):
    classes(folder / "in")
    for path in sorted((folder / "in").rglob("*.png")):
        save(path.parent / "@eaDir" / path.name / "SYNOPHOTO_THUMB_M.png", np.asarray(image(8)))
    found = sources.load(str(folder / "in"))
    assert found.train.images.shape[1:] == (28, 28, 1)


@table(
    Case("litter of all systems, data set", "as if it were not there", _load_with_litter),
    Case("litter of all systems, study", "as if it were not there", _study_with_litter),
    Case("litter of all systems, denoise", "as if it were not there", _denoise_with_litter),
    Case("litter of all systems, groups", "as if it were not there", _groups_with_litter),
    Case("an output that holds .DS_Store, augment", "it is empty", _augment_into_litter),
    Case("an output that holds desktop.ini, train", "it is empty", _train_into_litter),
    Case("a class folder with @eaDir alone", "refused like an empty one", _only_litter),
    Case("thumbnails in @eaDir", "not trained on", _thumbnails),
)
def test_litter(case, tmp_path, command):
    case.check(tmp_path, command)


def _load_beside_other_formats(folder, command):
    classes(folder / "in")
    for name in ("cats/a.heic", "cats/b.heic", "dogs/deep/c.svg"):
        (folder / "in" / name).parent.mkdir(exist_ok=True)
        (folder / "in" / name).touch()
    (folder / "in" / "cats" / "notes.txt").touch()
    notice = sources.load(str(folder / "in")).notice
    assert "images of `dataset` left out, since they are none of .png, " in notice
    assert notice.endswith(": 3 (2 in cats, 1 in dogs), the first cats/a.heic")


def _study_beside_other_formats(folder, command):
    classes(folder / "in")
    (folder / "in" / "dogs" / "a.heic").touch()
    done = command("study", "augmentation", "--dataset", "in", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert ": 1 (1 in dogs), the first dogs/a.heic\n" in done.stdout


def _other_formats_in_train_and_test(folder, command):
    classes(folder / "in" / "train")
    classes(folder / "in" / "test", 2)
    classes(folder / "in" / "val", 2)
    for name in ("train/cats/a.heic", "test/cats/b.avif", "val/cats/c.heic"):
        (folder / "in" / name).touch()
    notice = sources.load(str(folder / "in")).notice
    assert ": 2 (1 in test/cats, 1 in train/cats), the first test/cats/b.avif" in notice


def _other_formats_among_noisy_images(folder, command):
    for name in ("clean", "noisy"):
        for number in range(4):
            save(folder / name / f"{number}.png")
    (folder / "noisy" / "a.heic").touch()
    found = sources.load(str(folder / "clean"), noisy_dir=str(folder / "noisy"), labelled=False)
    assert "images of `noisy_dir` left out" in found.notice
    assert ": 1 (1 in .), the first a.heic" in found.notice


def _class_of_another_format(folder, command):
    classes(folder / "in")
    (folder / "in" / "mice").mkdir()
    (folder / "in" / "mice" / "a.heic").touch()
    done = command("train", "--dataset", "in", *TRAINING)
    assert done.returncode == 2
    assert "in/mice holds no images (" in done.stderr
    assert "it holds 1 of other formats, such as a.heic" in done.stderr


def _behind_a_link(folder, command):
    classes(folder / "in", 1)
    (folder / "elsewhere").mkdir()
    (folder / "elsewhere" / "a.heic").touch()
    save(folder / "elsewhere" / "b.png")
    (folder / "in" / "cats" / "linked").symlink_to(folder / "elsewhere")
    done = command("denoise", "clothing-denoiser", "in", "out")
    assert done.returncode == 0, done.stderr
    assert "3 images in out" in done.stdout
    assert ": 1, the first in/cats/linked/a.heic\n" in done.stdout


@table(
    Case(".heic and .svg in classes", "counted by class, one named", _load_beside_other_formats),
    Case(".heic in a class, study", "counted by class, one named", _study_beside_other_formats),
    Case("other formats in train, test, val", "val not counted", _other_formats_in_train_and_test),
    Case("other formats in --noisy-dir", "named", _other_formats_among_noisy_images),
    Case("a class of .heic alone", "refused, and named", _class_of_another_format),
    Case(".heic behind a linked folder, denoise", "named", _behind_a_link),
)  # fmt: skip
def test_other_formats(case, tmp_path, command):
    case.check(tmp_path, command)


def _formats_in_a_class(folder, command):
    pixels = {name: image() for name in ("a.webp", "b.gif", "c.pgm", "d.png", "e.bmp", "f.tif")}
    for name, picture in pixels.items():
        save(folder / "in" / "cats" / name, picture, **{"lossless": True} if "webp" in name else {})
    for suffix in ("jfif", "jpe", "JPG"):
        save(folder / "in" / "dogs" / f"a.{suffix}", format="JPEG")
    found = sources.load(str(folder / "in"))
    assert found.notice == ""
    images = np.concatenate([found.train.images, found.test.images])
    assert len(images) == 9
    for name, picture in pixels.items():
        assert (images == picture[..., None]).all(axis=(1, 2, 3)).sum() == 1, name


def _formats_denoised(folder, command):
    suffixes = ("webp", "gif", "jfif", "jpe", "ppm", "pgm")
    for suffix in suffixes:
        options = {"format": "JPEG"} if suffix in ("jfif", "jpe") else {}
        save(folder / "in" / f"a.{suffix}", **options)
    done = command("denoise", "clothing-denoiser", "in", "out")
    assert done.returncode == 0, done.stderr
    for suffix in suffixes:
        with (
            Image.open(folder / "in" / f"a.{suffix}") as given,
            Image.open(folder / "out" / f"a.{suffix}") as made,
        ):
            assert (made.format, made.size) == (given.format, given.size)


def _animated(folder, command):
    frames = [Image.fromarray(image()) for _ in range(3)]
    for suffix in ("gif", "webp"):
        save(folder / "in" / f"still.{suffix}")
        frames[0].save(folder / "in" / f"moving.{suffix}", save_all=True, append_images=frames[1:])
    done = command("denoise", "clothing-denoiser", "in", "out")
    assert done.returncode == 1
    assert "2 images in out" in done.stdout
    for suffix in ("gif", "webp"):
        assert f"moving.{suffix} must hold one image; got 3" in done.stderr


def _color_gif(folder, command):
    save(folder / "in" / "a.gif", RANDOM.integers(0, 256, (28, 28, 3), np.uint8))
    save(folder / "in" / "b.png")
    done = command("encode", "clothing-dvae", "in", "codes.npz")
    assert "as the model has; got 3" in done.stderr
    assert len(sources.load(str(folder / "in"), labelled=False).train.images) == 1


def _color_gif_as_output(folder, command):
    make("dvae", "mlp", (12, 9, 3)).save(folder / "model.keras")
    for suffix in ("gif", "webp", "png"):
        save(folder / "in" / f"a.{suffix}", RANDOM.integers(0, 256, (12, 9, 3), np.uint8))
    for verb, *options in (("denoise",), ("augment", "--per-image", 1)):
        done = command(verb, "model.keras", "in", verb, *options)
        assert done.returncode == 1, done.stderr
        assert f"2 images in {verb}" in done.stdout
        assert "a.gif" in done.stderr
        assert "GIF files hold 256 colors alone; PNG, WebP and BMP files hold all" in done.stderr
        assert len(list((folder / verb).glob("a*.*"))) == 2


def _deep_pgm(folder, command):
    (folder / "in").mkdir()
    (folder / "in" / "a.pgm").write_bytes(b"P5\n28 28\n65535\n" + bytes(28 * 28 * 2))
    (folder / "in" / "b.ppm").write_bytes(b"P6\n28 28\n1023\n" + bytes(28 * 28 * 6))
    save(folder / "in" / "c.png")
    done = command("denoise", "clothing-denoiser", "in", "out")
    assert done.returncode == 1
    assert "1 image in out" in done.stdout
    for name in ("a.pgm", "b.ppm"):
        assert f"{name} must have 8 bits a channel, being a PNM file" in done.stderr


@table(
    Case("one class in nine formats and suffixes", "all are read", _formats_in_a_class),
    Case("WebP, GIF, .jfif, .jpe, .ppm, .pgm, denoise", "same name and format", _formats_denoised),
    Case("an animated GIF and WebP beside still ones", "refused by name", _animated),
    Case("a GIF in color", "read", _color_gif),
    Case("a GIF in color, denoise and augment", "refused, the others done", _color_gif_as_output),
    Case("PNM of 16 bits", "refused by name, never cut to 8 bits", _deep_pgm),
)
def test_formats(case, tmp_path, command):
    case.check(tmp_path, command)


def _pairs(folder, command):
    for name in (COMPOSED, "b", "c", "d"):
        save(folder / "clean" / f"{name}.png")
        save(folder / "noisy" / f"{unicodedata.normalize('NFD', name)}.png")
    found = sources.load(str(folder / "clean"), noisy_dir=str(folder / "noisy"), labelled=False)
    assert len(found.train.images) + len(found.test.images) == 4


def _masks(folder, command):
    save(folder / "in" / f"{COMPOSED}.png")
    mask = np.zeros((28, 28), np.uint8)
    mask[3:5, 3:5] = 255
    save(folder / "masks" / f"{DECOMPOSED}.png", mask)
    done = command("impute", "clothing-dvae", "in", "out", "--mask", "masks")
    assert done.returncode == 0, done.stderr
    given, made = (
        np.asarray(Image.open(folder / name / f"{COMPOSED}.png")) for name in ("in", "out")
    )
    changed = given != made
    assert changed.any()
    assert not changed[mask == 0].any()


def _groups(folder, command):
    for row in range(6):
        save(folder / "in" / f"{DECOMPOSED}{row}.png")
    with open(folder / "groups.csv", "w", newline="", encoding="utf-8") as file:
        rows = [(f"{COMPOSED}{row}.png", row // 2) for row in range(6)]
        csv.writer(file).writerows([("image", "group"), *rows])
    found = sources.load(str(folder / "in"), groups=str(folder / "groups.csv"), labelled=False)
    assert not set(found.train.groups) & set(found.test.groups)


def _class_folders(folder, command):
    for split, name in (("train", COMPOSED), ("test", DECOMPOSED)):
        for row in range(2):
            save(folder / "in" / split / name / f"{row}.png")
            save(folder / "in" / split / "x" / f"{row}.png")
    found = sources.load(str(folder / "in"))
    assert found.class_names == (COMPOSED, "x")
    assert found.test.labels.tolist().count(0) == 2


def _two_files(folder, command):
    first, second = image(), image()
    save(folder / "in" / f"{COMPOSED}.png", first)
    save(folder / "in" / f"{DECOMPOSED}.png", second)
    done = command("denoise", "clothing-denoiser", "in", "out")
    assert done.returncode == 0, done.stderr
    assert len(list((folder / "out").iterdir())) == 2
    save(folder / "noisy" / f"{DECOMPOSED}.png", second)
    save(folder / "noisy" / f"{COMPOSED}.png", first)
    found = sources.load(str(folder / "in"), noisy_dir=str(folder / "noisy"), labelled=False)
    for split in (found.train, found.test):
        assert np.array_equal(split.images, split.noisy)


@table(
    Case("--noisy-dir in decomposed Unicode", "pairs of the same letters", _pairs),
    Case("--mask in decomposed Unicode", "the mask of the same letters", _masks),
    Case("--groups in composed Unicode", "images of the same letters", _groups),
    Case("a class of train and test in two forms", "one class", _class_folders),
    Case("two files that differ in the form alone", "two images", _two_files),
)
def test_unicode_forms(case, tmp_path, command):
    case.check(tmp_path, command)


@pytest.mark.slow
def test_a_run_on_a_folder_with_litter_and_other_formats(tmp_path, command):
    add_litter(classes(tmp_path / "in"))
    (tmp_path / "in" / "cats" / "a.heic").touch()
    done = command("train", "--dataset", "in", "--output", "run", *TRAINING)
    assert done.returncode == 0, done.stderr
    notes = done.stdout[: done.stdout.index("Run folder")]
    told = [line for line in notes.splitlines() if "NOTE" in line]
    assert ["left out" in line for line in told] == [True, False]
    assert "look noisy" in told[1], "their pixels are drawn at random"
    assert ": 1 (1 in cats), the first cats/a.heic\n" in done.stdout
    assert "1 in cats" in (tmp_path / "run" / "summary.md").read_text()


@pytest.mark.parametrize("name", ["noise", "denoising", "uses"])
def test_every_study_names_what_it_leaves_out(name, tmp_path, command):
    """A folder with other settings ends it before anything is computed."""
    classes(tmp_path / "in")
    (tmp_path / "in" / "cats" / "a.heic").touch()
    wrong = tmp_path / "out" / "config.json"
    wrong.parent.mkdir()
    wrong.write_text('{"dataset": "another"}')
    done = command("study", name, "--dataset", "in", "--output", "out")
    assert done.returncode == 2
    assert ": 1 (1 in cats), the first cats/a.heic\n" in done.stdout
