import json
import pickle
import sys

import numpy as np
import pytest
import tensorflow as tf

import tfdvae
from tests.helpers.models import make, make_unet
from tfdvae._utils import limits
from tfdvae.inference.onnx_model import ABOUT, OnnxModel

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("tf2onnx")

SHAPE = (8, 6, 1)
BATCH = np.random.default_rng(0).random((5, *SHAPE), dtype=np.float32)
CASES = {  # name: model, height and width of an image that it denoises
    "dae": (lambda: make("dae", "mlp", SHAPE), (8, 6)),
    "vae": (lambda: make("vae", "mlp", SHAPE), (8, 6)),
    "dvae": (lambda: make("dvae", "mlp", SHAPE), (8, 6)),
    "in tiles": (lambda: make("dae", "residual_conv", SHAPE), (21, 17)),
    "of any size": (lambda: make_unet(SHAPE), (5, 19)),
    "in color": (lambda: make("dae", "mlp", (8, 6, 3)), (8, 6)),
}


def exported(model, folder):
    """Return what `load` makes of the model itself, and of its ONNX file."""
    path = tfdvae.export(model, folder / "model.onnx", "onnx")
    return tfdvae.load(model), tfdvae.load(path)


def pictures(model, size, count=3):
    shape = (count, *size, model.image_shape[-1])
    return np.random.default_rng(1).random(shape, dtype=np.float32)


@pytest.mark.parametrize("name", CASES)
def test_a_loaded_onnx_file_denoises_as_its_model_does(name, tmp_path):
    build, size = CASES[name]
    own, loaded = exported(build(), tmp_path)
    images = pictures(own, size)
    assert loaded.image_shape == own.image_shape
    assert (loaded.tiles, loaded.any_size) == (own.tiles, own.any_size)
    np.testing.assert_allclose(loaded.denoise(images), own.denoise(images), atol=1e-5)
    np.testing.assert_allclose(loaded.anomaly_scores(images), own.anomaly_scores(images), atol=1e-5)
    for dtype in (np.uint8, np.uint16):
        whole = np.rint(images * np.iinfo(dtype).max).astype(dtype)
        made, expected = loaded.denoise(whole), own.denoise(whole)
        assert made.dtype == dtype
        scale = np.iinfo(dtype).max
        np.testing.assert_allclose(made / scale, expected / scale, atol=1e-2)
        assert np.mean(np.abs(made.astype(int) - expected) <= 1) > 0.9
    single = images[0, ..., 0] if own.image_shape[-1] == 1 else images[0]
    np.testing.assert_allclose(loaded.denoise(single), own.denoise(single), atol=1e-5)


def test_in_a_dataset_it_denoises_what_it_does_of_arrays(tmp_path):
    _, loaded = exported(make("dae", "mlp", SHAPE), tmp_path)
    labels = np.arange(5)
    dataset = tf.data.Dataset.from_tensor_slices((BATCH, labels)).batch(2)
    made = list(loaded.denoise(dataset).as_numpy_iterator())
    np.testing.assert_array_equal(np.concatenate([each for each, _ in made]), loaded.denoise(BATCH))
    np.testing.assert_array_equal(np.concatenate([each for _, each in made]), labels)
    mapped = tf.data.Dataset.from_tensor_slices(BATCH).map(loaded.denoise)
    assert mapped.element_spec.shape == SHAPE
    np.testing.assert_allclose(
        np.stack(list(mapped.as_numpy_iterator())), loaded.denoise(BATCH), atol=1e-6
    )


def test_missing_pixels_are_filled_in_as_by_its_model(tmp_path):
    own, loaded = exported(make("dae", "mlp", SHAPE), tmp_path)
    missing = np.zeros((5, 8, 6), bool)
    missing[:, 2:4] = True
    filled = loaded.impute(BATCH, missing)
    np.testing.assert_allclose(filled, own.impute(BATCH, missing), atol=1e-5)
    assert np.array_equal(filled[~missing], BATCH[~missing])


def test_what_the_model_says_of_its_images_is_in_the_file(tmp_path):
    model = make_unet(SHAPE)
    model.white, model.background, model.orientations = 200.0, "black", 8
    own, loaded = exported(model, tmp_path)
    assert (loaded.white, loaded.background) == (200, "black")
    assert (loaded.core.orientations, loaded.core.frames) == (8, None)
    assert str(loaded.core.likelihood) == str(model.likelihood)
    images = 200 * pictures(own, (9, 7))
    np.testing.assert_allclose(loaded.denoise(images), own.denoise(images), atol=2e-3)
    lazily = loaded.denoise(tf.data.Dataset.from_tensors(images))
    np.testing.assert_allclose(next(iter(lazily)), own.denoise(images), atol=2e-3)
    again = tfdvae.load(loaded, white=100)
    assert again.white == 100


def test_it_is_pickled_with_its_file(tmp_path):
    _, loaded = exported(make("dae", "mlp", SHAPE), tmp_path)
    content = pickle.dumps(loaded)
    (tmp_path / "model.onnx").unlink()
    assert np.array_equal(pickle.loads(content).denoise(BATCH), loaded.denoise(BATCH))


def test_where_draws_were_asked_for_a_note_says_that_there_are_none(tmp_path, caplog):
    model = make("dvae", "mlp", SHAPE)
    model.posterior_samples = 4
    _, loaded = exported(model, tmp_path)
    assert "NOTE: an ONNX file has no posterior" in caplog.text
    assert "not means of 4 draws" in caplog.text
    mean_code = model.denoise(BATCH)
    np.testing.assert_allclose(loaded.denoise(BATCH), mean_code, atol=1e-5)


REFUSED = {
    "encode": lambda model: model.encode(BATCH),
    "decode": lambda model: model.decode(np.zeros((1, 4))),
    "compress": lambda model: model.compress(BATCH, 4),
    "augment": lambda model: model.augment(BATCH, np.zeros(5, int)),
    "sample": lambda model: model.core.sample(2),
    "uncertainty": lambda model: model.core.uncertainty(BATCH),
    "draws": lambda model: model.denoise(BATCH, samples=2),
    "Augmenter": tfdvae.Augmenter,
    "keras_model": lambda model: model.keras_model,
    "export": lambda model: tfdvae.export(model, "other"),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("kind", ["dae", "dvae"])
def test_all_else_is_refused(kind, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _, loaded = exported(make(kind, "mlp", SHAPE), tmp_path)
    with pytest.raises(ValueError, match="this model came from an ONNX file, which only denoises"):
        REFUSED[name](loaded)
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]


def test_images_that_do_not_fit_are_refused_as_by_its_model(tmp_path):
    own, loaded = exported(make("dae", "mlp", SHAPE), tmp_path)
    for images in (BATCH[:, :5], BATCH + np.nan, 300 * BATCH, BATCH > 0, BATCH[:0]):
        with pytest.raises((TypeError, ValueError)) as expected:
            own.denoise(images)
        with pytest.raises(expected.type) as found:
            loaded.denoise(images)
        assert str(found.value) == str(expected.value)


def with_metadata(path, **metadata):
    """Write an ONNX file again with other metadata."""
    content = onnx.load(str(path))
    del content.metadata_props[:]
    onnx.helper.set_model_props(content, metadata)
    onnx.save(content, str(path))


def told(**changes):
    """Return what changes what a file says of its model."""

    def change(path):
        content = onnx.load(str(path))
        about = json.loads(content.metadata_props[0].value)
        with_metadata(path, **{ABOUT: json.dumps(about | changes)})

    return change


def with_other_output(path):
    content = onnx.load(str(path))
    del content.graph.output[:]
    name = content.graph.node[-1].output[0]
    content.graph.node[-1].output[0] = "other"
    assert name in ("denoised", "codes")
    content.graph.output.append(
        onnx.helper.make_tensor_value_info("other", onnx.TensorProto.FLOAT, None)
    )
    onnx.save(content, str(path))


DAMAGE = {
    "empty": (lambda path: path.write_bytes(b""), "is no ONNX file, or a damaged one"),
    "text": (lambda path: path.write_text("images"), "is no ONNX file, or a damaged one"),
    "truncated": (
        lambda path: path.write_bytes(path.read_bytes()[:900]),
        "is no ONNX file, or a damaged one",
    ),
    "of another program": (with_metadata, "must be an ONNX file of `tfdvae export`"),
    "no JSON": (lambda path: with_metadata(path, **{ABOUT: "{"}), "is damaged: what it says"),
    "no shape": (lambda path: with_metadata(path, **{ABOUT: "{}"}), "KeyError: 'image_shape'"),
    "a list": (lambda path: with_metadata(path, **{ABOUT: "[]"}), "is damaged: what it says"),
    "deep": (lambda path: with_metadata(path, **{ABOUT: "[" * 100_000}), "is damaged: what it"),
    "another shape": (told(image_shape=[8, 7, 1]), r"in place of images \(8, 7, 1\)"),
    "another kind": (told(any_size=True), r"in place of images \(None, None, 1\)"),
    "two sizes": (told(image_shape=[8, 6]), "is damaged: what it says"),
    "no numbers": (told(code_shape=["a"]), "`?code_shape`?"),
    "no size": (told(image_shape=[0, 6, 1]), "`image_shape` must be .* at least 1; got 0"),
    "orientations": (told(orientations=9), "`orientations` must be"),
    "frames": (told(frames="3"), "`frames` must be"),
    "white": (told(white="x"), "`white` must be"),
    "background": (told(background="blue"), "`background` must be"),
    "draws": (told(posterior_samples=0), "`posterior_samples` must be"),
    "corruption": (told(corruption="rain:1"), "rain"),
    "likelihood": (told(likelihood=3), "is damaged: what it says"),
    "no denoised images": (with_other_output, "gives `?other`?"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_file_is_refused(name, tmp_path):
    path = tfdvae.export(make("dae", "mlp", SHAPE), tmp_path / "model.onnx", "onnx")
    damage, message = DAMAGE[name]
    damage(path)
    with pytest.raises(ValueError, match=message) as found:
        tfdvae.load(path)
    assert str(found.value).startswith(f"`model` {path}")
    assert "\n" not in str(found.value)


def test_where_memory_runs_out_no_file_is_called_damaged(tmp_path, monkeypatch):
    path = tfdvae.export(make("dae", "mlp", SHAPE), tmp_path / "model.onnx", "onnx")

    def failing(*arguments, **settings):
        raise RuntimeError("bad allocation")

    monkeypatch.setattr(onnxruntime, "InferenceSession", failing)
    with pytest.raises(MemoryError):
        tfdvae.load(path)


def test_a_failure_while_it_computes_is_one_line(tmp_path, monkeypatch):
    _, loaded = exported(make("dae", "mlp", SHAPE), tmp_path)
    for images in (tf.zeros((1, 3, 3, 1)), tf.zeros((1, 8, 6, 2))):
        with pytest.raises(RuntimeError, match=r"^`model` .*model.onnx cannot be computed: .+$"):
            loaded.core.graphs["call"](images)


def test_a_picture_is_denoised_in_parts_as_by_its_model(tmp_path):
    own, loaded = exported(make_unet(SHAPE), tmp_path)
    images = pictures(own, (150, 90), count=1)
    with limits.use(whole_pixels=6000):
        made = loaded.denoise(images)
        np.testing.assert_allclose(made, own.denoise(images), atol=1e-5)
    np.testing.assert_allclose(made, loaded.denoise(images), atol=1e-5)


def test_a_file_that_would_take_half_of_the_memory_is_refused(tmp_path):
    path = tfdvae.export(make("dae", "mlp", SHAPE), tmp_path / "model.onnx", "onnx")
    with (
        limits.use(memory_bytes=3 * path.stat().st_size),
        pytest.raises(ValueError, match="more than half of the memory of this machine"),
    ):
        tfdvae.load(path)


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    path = tfdvae.export(make("dae", "mlp", SHAPE), tmp_path / "model.onnx", "onnx")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ValueError, match=r'needs packages .* pip install "tfdvae\[onnx\]"'):
        OnnxModel.read(path)
