"""Denoised training images: how they are made, and that all classifiers share them."""

import dataclasses
import hashlib
import json
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from filelock import FileLock

import tfdvae
from tests.helpers.models import make_unet
from tfdvae import corruptions
from tfdvae._utils import files
from tfdvae.config.sets import SETS
from tfdvae.data import sources
from tfdvae.data.image_dataset import ImageDataset
from tfdvae.experiment import evaluation
from tfdvae.inference.trained_model import TrainedModel
from tfdvae.studies.augmentation import kept_tests, kept_views, study
from tfdvae.studies.augmentation.images import prepare
from tfdvae.studies.augmentation.settings import AugmentationStudyConfig
from tfdvae.training_sets import views

NOISE = "gaussian:0.2"


@pytest.fixture(scope="module")
def source(digits):
    images, labels = (np.asarray(array)[:120] for array in digits[:2])
    images = images[:, 10:18, 10:18]
    return ImageDataset.from_arrays(images[:100], labels[:100], images[100:], labels[100:])


def settings(folder, **changed):
    fixed = {"dataset": "digits", "n_train": 12, "threads": 1, "train_noise": (NOISE,)}
    return AugmentationStudyConfig(**fixed | {"output": str(folder)} | changed)


def loaded(config, source, seed=0, method="tv"):
    return kept_views.load(config, prepare(config, source, "noisy", seed, NOISE), method, seed)


def test_noise_of_another_image():
    """Images 10, 20, 30 with noise 1, 2, 3: each keeps what it shows and gets another's noise."""
    clean = np.array([10, 20, 30], np.float32).reshape(3, 1, 1, 1)
    noise = np.array([1, 2, 3], np.float32).reshape(3, 1, 1, 1)
    made = views.with_noise_of_another(clean + noise, clean, seed=0)
    got = (made - clean).ravel()
    assert sorted(got) == [1, 2, 3]
    assert not np.any(got == noise.ravel())
    again = views.with_noise_of_another(clean + noise, clean, seed=0)
    np.testing.assert_array_equal(made, again)


def test_noise_of_another_image_depends_on_the_seed():
    noise = np.arange(50, dtype=np.float32).reshape(50, 1, 1, 1)
    made = [views.with_noise_of_another(noise, 0 * noise, seed) for seed in (0, 1)]
    assert not np.array_equal(*made)


def test_views_are_made_once_and_shared(source, tmp_path):
    """Whatever the training set, and with the same bits where they are made again."""
    config = settings(tmp_path)
    first = loaded(config, source)
    assert first.images.shape == (12, 1, 8, 8, 1)
    assert first.network.startswith("weight=")
    path = tmp_path / "denoised" / "gaussian-0.2-tv-seed0.npz"
    assert path == kept_views.path_of(config, NOISE, "tv", 0)
    written = path.stat().st_mtime_ns
    again = loaded(config, source)
    assert path.stat().st_mtime_ns == written
    assert again.network == first.network
    np.testing.assert_array_equal(again.images, first.images)
    path.unlink()
    np.testing.assert_array_equal(loaded(config, source).images, first.images)
    other = loaded(config, source, seed=1)
    assert not np.array_equal(other.images, first.images)
    assert len(list(path.parent.glob("*.npz"))) == 2


def test_a_process_waits_for_what_another_one_makes(source, tmp_path):
    """The other one holds the lock, and then leaves views that say so."""
    config = settings(tmp_path)
    loaded(config, source)
    path = kept_views.path_of(config, NOISE, "tv", 0)
    with np.load(path) as arrays:
        made = dict(arrays) | {"network": np.array("of the other one")}
    path.unlink()
    with ThreadPoolExecutor(1) as pool, FileLock(path.with_suffix(".lock")):
        waiting = pool.submit(loaded, config, source)
        with pytest.raises(TimeoutError):
            waiting.result(1)
        files.write_npz(path, made)
    assert waiting.result().network == "of the other one"


@pytest.mark.parametrize("damage", ["cut", "changed", "empty", "text"])
def test_damaged_views_are_made_again(damage, source, tmp_path):
    config = settings(tmp_path)
    first = loaded(config, source)
    path = kept_views.path_of(config, NOISE, "tv", 0)
    content = bytearray(path.read_bytes())
    place = content.index(first.images.tobytes()[:64])
    content[place + 100] ^= 1
    damaged = {
        "cut": path.read_bytes()[: len(content) // 2],
        "changed": bytes(content),
        "empty": b"",
        "text": b"no archive",
    }
    path.write_bytes(damaged[damage])
    np.testing.assert_array_equal(loaded(config, source).images, first.images)
    with np.load(path) as arrays:
        np.testing.assert_array_equal(arrays["images"], first.images)


@pytest.mark.parametrize("changed", [{"n_train": 20}, {"assumed_noise": 0.1}])
def test_views_of_other_settings_are_made_again(changed, source, tmp_path):
    first = loaded(settings(tmp_path), source)
    other = loaded(settings(tmp_path, **changed), source)
    assert not np.array_equal(other.images, first.images)
    np.testing.assert_array_equal(loaded(settings(tmp_path), source).images, first.images)


def test_views_of_an_unreadable_kind_are_made_again(source, tmp_path):
    """An archive without what is expected in it."""
    config = settings(tmp_path)
    first = loaded(config, source)
    files.write_npz(kept_views.path_of(config, NOISE, "tv", 0), {"digest": np.array("none")})
    np.testing.assert_array_equal(loaded(config, source).images, first.images)


def test_a_denoiser_may_be_told_a_wrong_noise(source, tmp_path):
    config = settings(tmp_path, assumed_noise=1.3)
    images = prepare(config, source, "noisy", 0, NOISE)
    assert kept_views.told_noise(config, images) == corruptions.Gaussian(0.26)
    assert kept_views.told_noise(settings(tmp_path), images) == corruptions.Gaussian(0.2)


@pytest.mark.parametrize("level", [0.1, 0.3])
def test_a_denoiser_may_be_told_what_the_noisy_images_tell(level, tmp_path):
    """The estimate is near the true noise, another for each seed, and sees no clean image."""
    source = sources.load("digits")
    noise = f"gaussian:{level}"
    config = settings(tmp_path, assumed_noise="auto", n_train=600, train_noise=(noise,))
    found = []
    for seed in (0, 1):
        images = prepare(config, source, "noisy", seed, noise)
        told = kept_views.told_noise(config, images)
        assert told.level == pytest.approx(level, rel=0.05)
        blind = dataclasses.replace(images, clean=np.zeros_like(images.clean))
        assert kept_views.told_noise(config, blind) == told
        found.append(told)
    assert found[0] != found[1]


def test_images_that_do_not_tell_their_noise_are_refused(source, tmp_path):
    """A dozen of 8x8 pixels without noise."""
    config = settings(tmp_path, assumed_noise="auto")
    images = prepare(config, source, "noisy", 0, NOISE)
    clean = dataclasses.replace(images, train=images.clean)
    with pytest.raises(ValueError, match=r"`assumed_noise` auto .* Give a factor instead"):
        kept_views.told_noise(config, clean)


def test_bm3d_is_named_where_it_is_missing(source, tmp_path, monkeypatch):
    """Before any cell is computed, and where it is used."""
    monkeypatch.setitem(sys.modules, "bm3d", None)
    config = settings(tmp_path, sets=("limited", "denoised-bm3d"), conditions=("noisy",))
    with pytest.raises(ValueError, match=r"BM3D needs a package .* pip install bm3d"):
        study.check(config, source)
    with pytest.raises(ValueError, match="pip install bm3d"):
        views.filter_for("bm3d", np.zeros((1, 8, 8, 1), np.float32), 0.1)


@pytest.fixture
def untrained(monkeypatch):
    """Views are made by a small U-Net with random weights; the methods are listed."""
    made = []

    def make(method, noisy, *_):
        model = TrainedModel(make_unet(noisy.shape[1:]))
        made.append(method)
        return views.Views(model.denoise(noisy)[:, None], "unet", model)

    monkeypatch.setattr(views, "make", make)
    return made


def test_the_model_is_kept_beside_the_views(source, tmp_path, untrained):
    """It is the one that made them."""
    config = settings(tmp_path)
    images = prepare(config, source, "noisy", 0, NOISE)
    kept = kept_views.load(config, images, "recorrupted", 0)
    assert (tmp_path / "denoised" / "gaussian-0.2-recorrupted-seed0.keras").exists()
    assert kept_views.has_denoiser(config, images, 0)
    model = kept_views.denoiser(config, images, 0)
    np.testing.assert_allclose(model.denoise(images.train), kept.images[:, 0], atol=1e-6)
    assert untrained == ["recorrupted"]


@pytest.mark.parametrize("lacking", ["file", "older", "other", "damaged"])
def test_a_model_that_is_not_kept_is_made_again_with_the_views(
    lacking, source, tmp_path, untrained
):
    """Folders of earlier versions have views alone, whose digest is the same."""
    config = settings(tmp_path)
    images = prepare(config, source, "noisy", 0, NOISE)
    path = kept_views.path_of(config, NOISE, "recorrupted", 0)
    first = kept_views.load(config, images, "recorrupted", 0)
    model = path.with_suffix(".keras")
    if lacking == "file":
        model.unlink()
    elif lacking == "older":
        with np.load(path) as arrays:
            older = {name: array for name, array in arrays.items() if name != "model"}
        files.write_npz(path, older)
    elif lacking == "other":
        other = settings(tmp_path, denoiser_steps=1)
        kept_views.load(other, images, "recorrupted", 0)
    else:
        model.write_bytes(model.read_bytes()[:-1])
    assert not kept_views.has_denoiser(config, images, 0)
    again = kept_views.load(config, images, "recorrupted", 0)
    np.testing.assert_array_equal(again.images, first.images)
    made = kept_views.denoiser(config, images, 0)
    kept = kept_views.load(config, images, "recorrupted", 0)
    np.testing.assert_allclose(made.denoise(images.train), kept.images[:, 0], atol=1e-6)
    assert kept_views.has_denoiser(config, images, 0)
    assert len(untrained) == (3 if lacking == "other" else 2)


def test_the_digest_of_views_is_that_of_earlier_versions(source, tmp_path):
    """By hand; a folder that was begun before is then gone on with."""
    config = settings(tmp_path)
    images = prepare(config, source, "noisy", 0, NOISE)
    told = {
        "tfdvae": tfdvae.__version__,
        "method": "tv",
        "noise": NOISE,
        "seed": 0,
        "steps": 2400,
        "threads": 1,
        "images": [hashlib.sha256(images.train.tobytes()).hexdigest()],
    }
    loaded(config, source)
    with np.load(kept_views.path_of(config, NOISE, "tv", 0)) as arrays:
        assert str(arrays["digest"]) == hashlib.sha256(json.dumps(told).encode()).hexdigest()


def test_test_images_are_denoised_once_for_all_classifiers_of_a_seed(source, tmp_path, untrained):
    """By the model of the views, from their frozen noise, in 256 gray levels."""
    config = settings(tmp_path)
    images = prepare(config, source, "noisy", 0, NOISE)
    found = kept_tests.load(config, images, "gaussian:0.1", 0)
    path = tmp_path / "denoised" / "gaussian-0.2-test-gaussian-0.1-seed0.npz"
    written = path.stat().st_mtime_ns
    np.testing.assert_array_equal(kept_tests.load(config, images, "gaussian:0.1", 0), found)
    assert path.stat().st_mtime_ns == written
    assert untrained == ["recorrupted"]
    noisy = evaluation.test_noise(source.test.images, corruptions.Gaussian(0.1), 0)
    expected = 255 * np.clip(kept_views.denoiser(config, images, 0).denoise(noisy), 0, 1)
    assert (found.dtype, found.shape) == ("uint8", (20, 8, 8, 1))
    np.testing.assert_allclose(found, expected, atol=0.51)
    clean = kept_tests.load(config, images, "none", 0)
    assert not np.array_equal(clean, found)
    other = dataclasses.replace(images, held_out=images.held_out[::-1])
    assert not np.array_equal(kept_tests.load(config, other, "none", 0), clean)
    np.testing.assert_array_equal(kept_tests.load(config, images, "none", 0), clean)


def test_all_methods_are_those_of_sets():
    assert {row.views for row in SETS.values() if row.views} == set(views.METHODS)
