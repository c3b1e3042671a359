"""Models of a user: where they lie, and how they go to other processes."""

import contextlib
import multiprocessing
import os
import pickle
import shutil

import numpy as np
import pytest

import tfdvae
from tests.helpers.cases import Case, table
from tests.helpers.processes import ROOT

FIXTURES = ROOT / "tests" / "fixtures" / "0.1.0"
IMAGES = np.random.default_rng(0).random((3, 12, 12, 1), dtype=np.float32)
KINDS = ("saved_model", "m.keras", "run")


def _place(folder):
    """Copy the models of an earlier version into a folder, as each kind of `KINDS`."""
    (folder / "run").mkdir(parents=True)
    shutil.copytree(FIXTURES / "dvae-saved_model", folder / "saved_model")
    shutil.copy(FIXTURES / "dvae.keras", folder / "m.keras")
    shutil.copy(FIXTURES / "dvae.keras", folder / "run" / "generator.keras")


def _expected():
    with np.load(FIXTURES / "dvae.npz") as kept:
        return kept["images"], kept["denoised"]


def _loads_from(name):
    def check(folder, command):
        _place(folder / name)
        images, expected = _expected()
        for kind in KINDS:
            made = tfdvae.load(folder / name / kind).denoise(images)
            np.testing.assert_allclose(made, expected, atol=1e-5)
        np.save(folder / "x.npy", images)
        done = command("denoise", folder / name / "saved_model", "x.npy", "y.npy")
        assert done.returncode == 0, done.stderr

    return check


def _beside_what_the_name_matches(folder, command):
    """As a pattern `a?` matches `ab` too, which holds another model."""
    _place(folder / "a?")
    tfdvae.export(tfdvae.load("clothing-dvae"), folder / "ab" / "saved_model")
    images, expected = _expected()
    made = tfdvae.load(folder / "a?" / "saved_model").denoise(images)
    np.testing.assert_allclose(made, expected, atol=1e-5)


def _damaged(folder, command):
    _place(folder / "a[1]")
    (folder / "a[1]" / "saved_model" / "variables" / "variables.index").unlink()
    with pytest.raises(ValueError, match=r"a\[1\]/saved_model is a damaged SavedModel"):
        tfdvae.load(folder / "a[1]" / "saved_model")


def _exported(folder, command):
    model, place = tfdvae.load("clothing-dvae"), folder / "a[1] *ü" / "saved_model"
    tfdvae.export(model, place)
    images = np.random.default_rng(0).random((3, 28, 28, 1), dtype=np.float32)
    made = tfdvae.load(place).denoise(images)
    np.testing.assert_allclose(made, model.denoise(images), atol=1e-5)


def _temporary_folder_with_brackets(folder, command):
    (folder / "t[1]").mkdir()
    _place(folder / "a[1]")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tempfile.tempdir", str(folder / "t[1]"))
        tfdvae.load(folder / "a[1]" / "saved_model")
    assert not os.listdir(folder / "t[1]")


@table(
    *(
        Case(f"a folder {name}", "a model there is loaded", _loads_from(name))
        for name in ("a[1]", "[", "a*", "100%", "%20 #1", "größe 数")
    ),
    Case("folders a? and ab", "the model of a? is loaded from a?", _beside_what_the_name_matches),
    Case("a damaged model in a folder a[1]", "called damaged", _damaged),
    Case("export to a[1] *ü", "written and loaded", _exported),
    Case("TMPDIR=t[1] too", "loaded, nothing left", _temporary_folder_with_brackets),
)
def test_places(case, tmp_path, command):
    case.check(tmp_path, command)


def _pickled(kind):
    def check(folder, command):
        _place(folder / "models")
        model = tfdvae.load(folder / "models" / kind)
        shutil.rmtree(folder / "models")
        images, expected = _expected()
        again = pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(model))))
        np.testing.assert_allclose(again.denoise(images), expected, atol=1e-5)
        assert again.image_shape == model.image_shape

    return check


@table(
    *(Case(f"pickle, {kind}", "as before, the file may be gone", _pickled(kind)) for kind in KINDS)
)
def test_pickles(case, tmp_path, command):
    case.check(tmp_path, command)


def _mean(model, images):
    return float(model.denoise(images).mean())


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["saved_model", "m.keras"])
def test_a_model_works_in_a_pool_of_processes(kind, tmp_path):
    _place(tmp_path / "models")
    model, (images, expected) = tfdvae.load(tmp_path / "models" / kind), _expected()
    with contextlib.closing(multiprocessing.get_context("spawn").Pool(1)) as pool:
        found = pool.starmap(_mean, [(model, images)])
    assert found == [pytest.approx(expected.mean(), abs=1e-5)]
