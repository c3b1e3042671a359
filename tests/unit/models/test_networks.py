"""The published convolutional networks, layer by layer."""

import keras
import numpy as np
import pytest

from tfdvae.models import networks
from tfdvae.models.autoencoder import DAE


def sizes(network):
    """Output sizes of the layers that have weights, and the names of the others that act."""
    return [
        (type(layer).__name__, layer.output.shape[1:])
        for layer in network.layers
        if layer.weights and "Normal" not in type(layer).__name__
    ]


def test_strided_conv_layers():
    encoder, decoder = networks.strided_conv((28, 28, 1), 4, variational=False)
    assert sizes(encoder) == [
        ("Conv2D", (14, 14, 8)),
        ("Conv2D", (7, 7, 16)),
        ("Conv2D", (3, 3, 32)),
        ("Dense", (128,)),
        ("Dense", (4,)),
    ]
    assert [shape for _, shape in sizes(decoder)] == [
        (128,),
        (288,),
        (7, 7, 16),
        (15, 15, 8),
        (29, 29, 1),
    ], "transposed ones before a row is cropped"
    assert (encoder.count_params() - 32, decoder.count_params() - 48) == (43_428, 43_697), (
        "batch normalisation's statistics apart"
    )


def test_pooled_conv_layers():
    encoder, decoder = networks.pooled_conv((28, 28, 1), variational=False)
    assert sizes(encoder) == [
        ("Conv2D", (28, 28, 32)),
        ("Conv2D", (12, 12, 64)),
        ("Conv2D", (4, 4, 128)),
    ]
    assert [shape for _, shape in sizes(decoder)] == [
        (6, 6, 64),
        (12, 12, 32),
        (26, 26, 1),
        (28, 28, 1),
    ]
    assert (encoder.count_params(), decoder.count_params()) == (93_568, 92_943)
    assert encoder.output_shape == (None, 2048)


@pytest.mark.parametrize(
    ("network", "fixed"), [("pooled_conv", False), ("pooled_conv_inference", True)]
)
def test_statistics_of_batch_normalisation(network, fixed, tmp_path):
    """As published they stay at 0 and 1, so that training and inference are one; scale and shift
    are trained all the same.
    """
    images = np.random.default_rng(0).random((8, 16, 16, 1), dtype=np.float32)
    model = DAE(*networks.build(network, (16, 16, 1), 4, variational=False))
    model.compile(optimizer="adam")
    before = [weight.numpy() for weight in model.weights]
    model.fit(images, batch_size=4, epochs=1, verbose=0)
    trained = {id(weight) for weight in model.trainable_variables}
    moved = {
        id(weight): not np.array_equal(old, weight)
        for old, weight in zip(before, model.weights, strict=True)
    }
    statistics = [id(weight) for weight in model.weights if id(weight) not in trained]
    assert len(statistics) == 12
    assert {moved[key] for key in statistics} == {not fixed}
    assert (
        sum(
            moved[id(weight)]
            for weight in model.trainable_variables
            if weight.name in ("gamma", "beta")
        )
        >= 10
    )
    same = np.allclose(
        model.encoder(images, training=True), model.encoder(images, training=False), atol=1e-6
    )
    assert same == fixed
    model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(
        loaded.encoder(images, training=True), model.encoder(images, training=True)
    )


def test_strided_conv_starts_as_torch_does():
    """Weights and biases uniform within 1 / sqrt(fan-in); for a transposed convolution torch
    counts the outputs.
    """
    encoder, decoder = networks.strided_conv((28, 28, 1), 4, variational=False)
    fans = {"encoder_1": 9, "encoder_2": 72, "encoder_3": 144, "encoder_4": 288, "code": 128}
    fans |= {"decoder_1": 4, "decoder_2": 128, "decoder_3": 9 * 16, "decoder_4": 9 * 8, "logits": 9}
    for name, fan_in in fans.items():
        layer = next(
            network.get_layer(name)
            for network in (encoder, decoder)
            if name in {layer.name for layer in network.layers if layer.weights}
        )
        bound = fan_in**-0.5
        kernel = layer.kernel.numpy()
        assert abs(kernel).max() <= bound
        assert kernel.std() == pytest.approx(
            bound / np.sqrt(3), rel=max(0.02, 2 / np.sqrt(kernel.size))
        )
        assert abs(layer.bias.numpy()).max() <= bound
        assert len(np.unique(layer.bias)) == layer.bias.shape[0]
    for layer in (*encoder.layers, *decoder.layers):
        if isinstance(layer, keras.layers.BatchNormalization):
            assert (layer.momentum, layer.epsilon) == (0.9, 1e-5)


def torch_transposed(image, kernel, bias, stride, padding, output_padding):
    """ConvTranspose2d of torch by its definition: (H, W, I), (k, k, O, I) -> (H', W', O)."""
    height, width, _ = image.shape
    size = kernel.shape[0]
    full = np.zeros(((height - 1) * stride + size, (width - 1) * stride + size, kernel.shape[2]))
    for row in range(height):
        for column in range(width):
            full[row * stride : row * stride + size, column * stride : column * stride + size] += (
                kernel @ image[row, column]
            )
    rows, columns = (
        (n - 1) * stride - 2 * padding + size + output_padding for n in (height, width)
    )
    return full[padding : padding + rows, padding : padding + columns] + bias


def test_strided_conv_transposes_as_torch_does():
    _, decoder = networks.strided_conv((28, 28, 1), 4, variational=False)
    layer = decoder.get_layer("logits")
    before, after = keras.Model(decoder.input, layer.input), decoder
    code = np.random.default_rng(0).normal(size=(1, 4)).astype(np.float32)
    expected = torch_transposed(
        before(code).numpy()[0].astype(np.float64),
        layer.kernel.numpy(),
        layer.bias.numpy(),
        2,
        1,
        1,
    )
    assert expected.shape == (28, 28, 1)
    np.testing.assert_allclose(after(code).numpy()[0], expected, atol=1e-5)


def test_strided_conv_pads_as_torch_does():
    encoder, _ = networks.strided_conv((12, 12, 1), 4, variational=False)
    layer = encoder.get_layer("encoder_1")
    image = np.random.default_rng(0).random((12, 12, 1)).astype(np.float32)
    padded = np.pad(image[..., 0], 1)
    kernel = layer.kernel.numpy()[:, :, 0]
    expected = (
        np.array(
            [
                [
                    np.tensordot(padded[2 * r : 2 * r + 3, 2 * c : 2 * c + 3], kernel, 2)
                    for c in range(6)
                ]
                for r in range(6)
            ]
        )
        + layer.bias.numpy()
    )
    np.testing.assert_allclose(
        keras.Model(encoder.input, layer.output)(image[None]).numpy()[0], expected, atol=1e-5
    )


@pytest.mark.parametrize(
    ("network", "size", "nearest"),
    [
        ("strided_conv", 30, "28 and 36"),
        ("strided_conv", 7, "12"),
        ("strided_conv", 32, "28 and 36"),
        ("pooled_conv", 30, "28 and 32"),
        ("pooled_conv", 12, "16"),
        ("pooled_conv_inference", 30, "28 and 32"),
        ("residual_conv", 7, "6 and 8"),
        ("slim_residual_conv", 7, "6 and 8"),
    ],
)
def test_sizes_that_do_not_fit(network, size, nearest):
    with pytest.raises(
        ValueError, match=rf"network {network} must have images .* got {size}. Nearest: {nearest}\."
    ) as caught:
        networks.build(network, (28, size, 1), 4, variational=True)
    assert "multiples of" in str(caught.value)
    assert str(caught.value).count("network") == 1
    for fitting in map(int, nearest.split(" and ")):
        assert networks.build(network, (28, fitting, 3), 4, variational=True)[1].output_shape == (
            None,
            28,
            fitting,
            3,
        )


GRAY = (28, 28, 1)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        (
            ((28, 28), 4),
            {},
            ValueError,
            r"`image_shape` must be .*got \(28, 28\)\. .*\(28, 28, 1\)",
        ),
        (((1, 28, 28, 1), 4), {}, ValueError, r"`image_shape` must be \(H, W, C\); got \(1, 28"),
        ((28, 4), {}, TypeError, r"`image_shape` must be \(H, W, C\); got 28 \(int\)"),
        (("28x28", 4), {}, TypeError, r"`image_shape` must be \(H, W, C\); got '28x28'"),
        (((None, 28, 1), 4), {}, TypeError, "`image_shape` must be a whole number; got None"),
        (
            (GRAY, 4),
            {"output": 3},
            TypeError,
            "`output` is no argument of network mlp, which takes v",
        ),
        ((GRAY, 4), {"sead": 3}, TypeError, "`sead` is no .* Did you mean `seed`"),
        ((GRAY, 4), {"variational": 3}, TypeError, "`variational` must be True, .* got 3"),
        ((GRAY, 4), {"seed": -1}, ValueError, "`seed` must be .* at least 0|between 0 and"),
        ((GRAY, 4), {"seed": "a"}, TypeError, "`seed` must be a whole number"),
        ((GRAY, 0), {}, ValueError, "`latent_dim` must be"),
    ],
)
def test_arguments_are_refused_by_name(arguments, options, error, message):
    with pytest.raises(error, match=message):
        networks.build("mlp", *arguments, **{"variational": False, **options})


def test_a_network_must_be_told_whether_it_is_variational():
    with pytest.raises(TypeError, match=r"`variational` must be True, .*; got nothing"):
        networks.build("mlp", GRAY, 4)


@pytest.mark.parametrize("network", ["mlp", "strided_conv", "pooled_conv", "residual_conv"])
def test_a_shape_without_channels_called_directly(network):
    with pytest.raises(ValueError, match=r"`image_shape` must be \(H, W, C\); got \(28, 28\)"):
        getattr(networks, network)((28, 28), 4, variational=False)
