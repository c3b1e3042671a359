"""What every registered source obeys. A new source gets an entry in `EXAMPLES`."""

import numpy as np
import pytest
from PIL import Image

from tfdvae.data import sources
from tfdvae.data.sources.base import OPTIONS, find


def folder(path):
    for number in range(20):
        image = path / "images" / "ab"[number % 2] / f"{number}.png"
        image.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((6, 8), number, np.uint8)).save(image)
    return str(path / "images")


def npz(path):
    images = np.random.default_rng(0).random((20, 6, 8, 3), np.float32)
    np.savez(path / "a.npz", x_train=images, y_train=np.arange(20) % 2)
    return str(path / "a.npz")


EXAMPLES = {  # a text that each source accepts, made where it needs files
    "auto": lambda path: "auto",
    "digits": lambda path: "digits",
    "folder": folder,
    "npz": npz,
    "tfds": lambda path: "fashion_mnist",
}


@pytest.fixture
def text(name, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return EXAMPLES[name](tmp_path)


def test_every_source_is_tested():
    assert set(EXAMPLES) == set(sources.SOURCES.names())


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_text_finds_its_source(name, text):
    assert find(text).name == name
    assert find(text).description
    assert find(text).options <= set(OPTIONS)
    accepting = {source.name for source in sources.SOURCES if source.accepts(text)}
    assert accepting == {name, "tfds"}, "TFDS accepts any text and is asked last"


@pytest.mark.parametrize("name", EXAMPLES)
def test_options_of_other_sources_are_refused(name, text, tmp_path):
    values = {
        "noisy_dir": "x",
        "image_size": (4, 4),
        "skip_unreadable": True,
        "white": 4095,
        "background": "black",
        "groups": "x",
    }
    for option in OPTIONS:
        if option not in find(text).options:
            with pytest.raises(ValueError, match=f"`{option}` is for a `dataset` that is"):
                sources.check(text, **{option: values[option]})


@pytest.mark.parametrize("name", sorted(EXAMPLES.keys() - {"tfds", "auto"}))
def test_datasets(name, text):
    dataset, again = sources.load(text), sources.load(text)
    assert dataset.name == text
    assert sources.load(dataset.name).fingerprint == dataset.fingerprint
    assert bool(dataset.fingerprint) == (sources.local(text) is not None)
    assert len(set(dataset.class_names)) == len(dataset.class_names) > 1
    assert dataset.held_out
    kinds = set()
    for split, same in ((dataset.train, again.train), (dataset.test, again.test)):
        count = len(split.labels)
        kinds.add((split.images.dtype, split.images.shape[1:]))
        assert split.images.ndim == 4
        assert split.images.shape[0] == count > 0
        assert split.images.shape[-1] in (1, 3)
        assert split.images.dtype in (np.uint8, np.uint16, np.float32)
        assert (split.labels.dtype, split.labels.shape) == (np.int64, (count,))
        assert set(split.labels) == set(range(len(dataset.class_names)))
        assert np.array_equal(split.images, same.images)
        assert np.array_equal(split.labels, same.labels)
    assert len(kinds) == 1
