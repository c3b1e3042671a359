import hashlib
import sys

import keras
import numpy as np
import pytest

from tfdvae.classifier import build, cnn, fingerprint, resnet
from tfdvae.training_sets.losses import change_loss, soft_labels


def test_published_parameters_and_layers():
    model = cnn((28, 28, 1), 10)
    assert model.count_params() == 1_658_890
    assert model.output_shape == (None, 10)
    assert float(model.optimizer.learning_rate) == pytest.approx(1e-3)


def test_reflect_padding_by_numpy():
    """First convolution of one image against a NumPy sum over the image padded with `reflect`."""
    model = cnn((6, 5, 2), 3)
    image = np.random.default_rng(0).random((6, 5, 2), dtype=np.float32)
    layer = model.get_layer("conv_1")
    kernel, bias = (weight.numpy() for weight in (layer.kernel, layer.bias))
    padded = np.pad(image, ((1, 1), (1, 1), (0, 0)), mode="reflect")
    expected = (
        np.array(
            [
                [np.einsum("ijc,ijco->o", padded[r : r + 3, c : c + 3], kernel) for c in range(5)]
                for r in range(6)
            ]
        )
        + bias
    )
    found = keras.Model(model.input, layer.output)(image[None]).numpy()[0]
    np.testing.assert_allclose(found, np.maximum(expected, 0), atol=1e-5)


def test_initial_weights_belong_to_the_seed():
    keras.utils.set_random_seed(1)
    first = cnn((4, 4, 1), 2, seed=3).get_weights()
    keras.utils.set_random_seed(2)
    again, other = cnn((4, 4, 1), 2, seed=3).get_weights(), cnn((4, 4, 1), 2, seed=4).get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])


@pytest.mark.parametrize(("size", "reached"), [(28, 7), (32, 8), (64, 8), (96, 12)])
def test_the_resnet_has_as_many_weights_for_images_of_any_size(size, reached):
    """By hand, weights of convolutions and normalizations: 288 + 128 at first; 2 x 9,216 + 256;
    18,432 + 36,864 + 512 and 2,112 for what is added; 73,728 + 147,456 + 1,024 and 8,320; 1,290.
    """
    model = resnet((size, size, 1), 10)
    assert model.count_params() == 416 + 18_688 + 57_920 + 230_528 + 1_290
    pooled = next(layer for layer in model.layers if "pooling" in layer.name)
    assert pooled.input.shape == (None, reached, reached, 128)
    assert model.output_shape == (None, 10)
    assert float(model.optimizer.learning_rate) == pytest.approx(1e-3)


@pytest.mark.parametrize("activation", [None, "softmax"])
def test_smoothed_labels_by_hand(activation):
    """Probabilities 1/4 and 3/4, label 1, of which 0.2 is spread: -0.1 ln 1/4 - 0.9 ln 3/4."""
    images = keras.Input((1, 1, 2))
    logits = keras.layers.Flatten()(images)
    outputs = keras.layers.Activation(activation)(logits) if activation else logits
    model = keras.Model(images, outputs)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=activation is None)
    model.compile("adam", loss if activation is None else "sparse_categorical_crossentropy")
    change_loss(model, 0.2)
    image = np.array([0, np.log(3)], np.float32).reshape(1, 1, 1, 2)
    found = model.evaluate(image, np.array([1]), verbose=0, return_dict=True)
    assert found["loss"] == pytest.approx(-0.1 * np.log(1 / 4) - 0.9 * np.log(3 / 4), rel=1e-5)
    assert found["accuracy"] == 1


@pytest.mark.parametrize("activation", [None, "softmax"])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_agreement_by_hand(activation, smoothing):
    """Probabilities 1/4 and 3/4 of an image, 1/2 and 1/2 of its second self."""
    images = keras.Input((1, 1, 2))
    logits = keras.layers.Flatten()(images)
    outputs = keras.layers.Activation(activation)(logits) if activation else logits
    model = keras.Model(images, outputs)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=activation is None)
    model.compile("adam", loss)
    change_loss(model, smoothing, agreement=4.0)
    two = np.array([0, np.log(3), 0, 0], np.float32).reshape(2, 1, 1, 2)
    found = model.evaluate(two, np.array([1, 1]), verbose=0, return_dict=True)
    first, second = np.array([0.25, 0.75]), np.array([0.5, 0.5])
    middle = (first + second) / 2
    divergence = sum(np.sum(side * np.log(side / middle)) for side in (first, second)) / 2
    targets = np.array([smoothing / 2, 1 - smoothing / 2])
    own = -np.mean([targets @ np.log(side) for side in (first, second)])
    assert found["loss"] == pytest.approx(own + 4 * divergence, rel=1e-4)


@pytest.mark.parametrize("activation", [None, "softmax"])
def test_soft_labels_by_hand(activation):
    """Probabilities 1/4 and 3/4 where 0.6 and 0.4 are to be said, and the reverse."""
    images = keras.Input((1, 1, 2))
    logits = keras.layers.Flatten()(images)
    outputs = keras.layers.Activation(activation)(logits) if activation else logits
    model = keras.Model(images, outputs)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(activation is None))
    change_loss(model, soft=True)
    two = np.array([0, np.log(3), np.log(3), 0], np.float32).reshape(2, 1, 1, 2)
    targets = np.array([[0.6, 0.4], [0.6, 0.4]], np.float32)
    found = model.evaluate(two, targets, verbose=0, return_dict=True)
    first = -0.6 * np.log(1 / 4) - 0.4 * np.log(3 / 4)
    second = -0.6 * np.log(3 / 4) - 0.4 * np.log(1 / 4)
    assert found["loss"] == pytest.approx((first + second) / 2, rel=1e-5)
    assert found["accuracy"] == 0.5
    weighed = model.evaluate(two, targets, sample_weight=np.array([2.0, 0.0]), verbose=0)
    assert weighed[0] == pytest.approx(first, rel=1e-5)


def test_half_of_a_label_is_what_a_teacher_says():
    """Label 1 of three classes, as it is and with 0.3 of it spread."""
    said = np.array([[0.2, 0.2, 0.6]])
    plain, smoothed = (soft_labels(np.array([1]), said, part) for part in (0.0, 0.3))
    assert plain.dtype == "float32"
    assert plain[0] == pytest.approx([0.1, 0.6, 0.3])
    assert smoothed[0] == pytest.approx([0.15, 0.5, 0.35])


def test_labels_of_another_loss_are_not_smoothed():
    model = cnn((4, 4, 1), 2)
    model.compile("adam", "mse")
    with pytest.raises(ValueError, match=r"`label_smoothing` must be 0, not 0.1, .*; got mse"):
        change_loss(model, 0.1)
    with pytest.raises(ValueError, match=r"`sets` must hold none whose images .* got mse"):
        change_loss(model, agreement=4.0)
    with pytest.raises(ValueError, match=r"`sets` must hold none that a classifier teaches.* mse"):
        change_loss(model, soft=True)


def test_too_small():
    with pytest.raises(ValueError, match="image height and width"):
        cnn((1, 5, 1), 2)


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Write the user's module `mine` into the working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    return lambda code: (tmp_path / "mine.py").write_text(
        f"import keras\nfrom keras import layers\n\n{code}"
    )


def plain(
    shape="image_shape",
    last="layers.Dense(classes)",
    compiled="'sgd', keras.losses.SparseCategoricalCrossentropy(from_logits=True)",
):
    return f"""
def build(image_shape, classes):
    model = keras.Sequential([keras.Input({shape}), layers.Flatten(), layers.Dropout(0.5), {last}])
    model.compile({compiled})
    return model
"""


SUBCLASS = """
class Own(keras.Model):
    def __init__(self, classes):
        super().__init__()
        self.last = layers.Dense(classes, "softmax")

    def call(self, images):
        return self.last(layers.Flatten()(images))

def build(image_shape, classes):
    model = Own(classes)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model
"""
FUNCTIONAL = """
def build(image_shape, classes):
    images = keras.Input((None, None, image_shape[-1]))
    hidden = layers.BatchNormalization()(layers.Conv2D(4, 3)(images))
    model = keras.Model(images, layers.Dense(classes)(layers.GlobalAveragePooling2D()(hidden)))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    return model
"""
LATE = plain().replace("keras.Input(image_shape), ", "")


@pytest.mark.parametrize(
    "code",
    [plain(), SUBCLASS, FUNCTIONAL, LATE],
    ids=["sequential", "subclass", "functional", "built late"],
)
@pytest.mark.parametrize("classes", [2, 5])
def test_own_classifier_starts_from_weights_of_the_seed_and_learns(classes, code, own):
    own(code)
    keras.utils.set_random_seed(1)
    model = build("mine:build", (6, 5, 3), classes, 3)
    first = model.get_weights()
    keras.utils.set_random_seed(2)
    again, other = (build("mine:build", (6, 5, 3), classes, seed).get_weights() for seed in (3, 4))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))
    assert not any(variable.numpy().any() for variable in model.metrics_variables), (
        "the trial left nothing"
    )
    assert model.optimizer.iterations == 0
    labels = np.arange(40) % classes
    losses = model.fit(
        np.random.default_rng(0).random((40, 6, 5, 3)) + labels[:, None, None, None],
        labels,
        epochs=5,
        verbose=0,
    ).history["loss"]
    assert losses[-1] < losses[0]


def test_published_one_through_the_users_own_function(own):
    own("from tfdvae.classifier import cnn as build")
    assert build("mine:build", (4, 4, 1), 2, 0).name == "cnn"


@pytest.mark.parametrize(
    "code", ["", "import functools\nbuild = functools.partial(build)", "build = Own"]
)
def test_the_fingerprint_is_that_of_the_users_file(code, own, tmp_path):
    own(SUBCLASS + code)
    assert (
        fingerprint("mine:build") == hashlib.sha256((tmp_path / "mine.py").read_bytes()).hexdigest()
    )


OWN_REFUSED = {
    "no colon": ("", "mine", ValueError, "`classifier` must be module:function, .*; got 'mine'"),
    "no name": ("", "mine:", ValueError, "must be module:function"),
    "no module": (
        "",
        "own_nothing:build",
        ValueError,
        "there is no module own_nothing, neither in .* nor installed",
    ),
    "no submodule": ("", "mine.deep:build", ValueError, r"there is no module mine\.deep"),
    "relative": ("", ".deep:build", ValueError, "importing .deep raised"),
    "import inside": (
        "import own_nothing",
        "mine:build",
        ValueError,
        "importing mine raised ModuleNotFoundError: No module named 'own_nothing'",
    ),
    "name inside": (
        "from keras import nothing",
        "mine:build",
        ValueError,
        "importing mine raised ImportError: cannot import name 'nothing'",
    ),
    "syntax": ("def build(:", "mine:build", ValueError, "importing mine raised SyntaxError"),
    "misspelt": (
        "def build(a, b): pass",
        "mine:biuld",
        ValueError,
        "`classifier` must be one of mine:build; got .* Did you mean 'mine:build'",
    ),
    "no function": ("build = 3", "mine:build", TypeError, "mine:build must be a function; got int"),
    "raises": (
        "def build(a, b): raise KeyError('no such layer')",
        "mine:build",
        ValueError,
        r"mine:build\(\(6, 5, 3\), 4\) raised KeyError: 'no such layer'",
    ),
    "arguments": (
        "def build(a): pass",
        "mine:build",
        ValueError,
        r"raised TypeError: build\(\) takes 1 positional argument",
    ),
    "nothing": (
        "def build(a, b): pass",
        "mine:build",
        TypeError,
        "must return a keras.Model; got builtins.NoneType",
    ),
    "layer": (
        "def build(a, b): return layers.Dense(b)",
        "mine:build",
        TypeError,
        "must return a keras.Model; got keras.*Dense",
    ),
    "not compiled": (
        plain().replace("model.compile", "print"),
        "mine:build",
        ValueError,
        "must return a compiled model",
    ),
    "other size": (
        plain(shape="(8, 5, 3)"),
        "mine:build",
        ValueError,
        r"must take images \(None, 6, 5, 3\); got a model of \(None, 8, 5, 3\)",
    ),
    "flat": (plain(shape="(90,)"), "mine:build", ValueError, r"got a model of \(None, 90\)"),
    "batch": (
        plain(shape="batch_shape=(32, 6, 5, 3)"),
        "mine:build",
        ValueError,
        r"got a model of \(32, 6, 5, 3\)",
    ),
    "late size": (
        LATE.replace("layers.Flatten()", "layers.Conv2D(2, 9)"),
        "mine:build",
        ValueError,
        "must take images .*; it raised ValueError: Computed output size",
    ),
    "deep size": (
        SUBCLASS.replace("layers.Flatten()(images)", "layers.Reshape((7,))(images)"),
        "mine:build",
        ValueError,
        "must take images .*; it raised ValueError: The total size",
    ),
    "one output": (
        plain(last="layers.Dense(1)"),
        "mine:build",
        ValueError,
        r"one output a class \(None, 4\); got \(None, 1\)",
    ),
    "maps": (
        plain().replace("layers.Flatten(), ", ""),
        "mine:build",
        ValueError,
        r"got \(None, 6, 5, 4\)",
    ),
    "one-hot": (
        plain(compiled="'adam', 'categorical_crossentropy'"),
        "mine:build",
        ValueError,
        "loss that takes class numbers, .*; it raised ValueError: Arguments `target`",
    ),
    "squares": (
        plain(compiled="'adam', 'mse'"),
        "mine:build",
        ValueError,
        "loss that takes class numbers",
    ),
    "no loss": (
        plain(compiled=""),
        "mine:build",
        ValueError,
        "loss that takes class numbers, .* No loss to compute",
    ),
    "two inputs": (
        """
def build(image_shape, classes):
    images = [keras.Input(image_shape), keras.Input(image_shape)]
    model = keras.Model(images, layers.Dense(classes)(layers.Flatten()(layers.Add()(images))))
    model.compile("adam", "sparse_categorical_crossentropy")
    return model
""",
        "mine:build",
        ValueError,
        r"got a model of \(None, 6, 5, 3\) and \(None, 6, 5, 3\)",
    ),
    "two outputs": (
        SUBCLASS.replace(
            "return self.last(layers.Flatten()(images))",
            "return [self.last(layers.Flatten()(images)), images]",
        ),
        "mine:build",
        ValueError,
        "one output a class .*; got a list of outputs",
    ),
}


@pytest.mark.parametrize("case", OWN_REFUSED)
def test_own_classifier_refused(case, own):
    code, text, error, message = OWN_REFUSED[case]
    own(code)
    with pytest.raises(error, match=message) as caught:
        build(text, (6, 5, 3), 4, 0)
    assert "`classifier`" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "\x1b" not in str(caught.value)


def test_squares_of_two_classes_are_refused(own):
    """Two images, two labels and two outputs would fit each other without an error."""
    own(plain(compiled="'adam', 'mse'"))
    with pytest.raises(ValueError, match="loss that takes class numbers"):
        build("mine:build", (6, 5, 3), 2, 0)
