import zlib

import keras
import numpy as np
import pytest
import sklearn.metrics

from tests.helpers.models import IMAGES, SHAPE, make
from tfdvae.inference import anomaly, compression, imputation
from tfdvae.inference.trained_model import TrainedModel
from tfdvae.metrics import latent
from tfdvae.models import networks
from tfdvae.models.autoencoder import DAE

MISSING = np.random.default_rng(1).random(IMAGES.shape[:3]) < 0.3
CODES = np.random.default_rng(2).normal(size=(40, 3)).astype(np.float32)


def trained(images, corruption, latent_dim=16, epochs=25):
    model = DAE(
        *networks.mlp(images.shape[1:], latent_dim, variational=False), corruption=corruption
    )
    model.compile(optimizer=keras.optimizers.Adam(2e-3))
    model.fit(images, batch_size=64, epochs=epochs, verbose=0)
    return model


@pytest.fixture(scope="module")
def split(digits):
    """Real digits: images and labels to train on, and to test on."""
    images, labels = digits
    return images[:1000], labels[:1000], images[1000:], labels[1000:]


@pytest.fixture(scope="module")
def masked(split):
    return trained(split[0], "masking:0.5")


def test_anomaly_score_is_the_mean_squared_error_of_the_reconstruction():
    model = make("dae")
    scores = TrainedModel(model).anomaly_scores(IMAGES)
    assert scores.shape == (50,)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(
        scores,
        [np.mean((image - model.denoise(image[None])[0]) ** 2) for image in IMAGES],
        rtol=1e-4,
    )
    assert np.array_equal(scores, TrainedModel(model).anomaly_scores(IMAGES)), "nothing is drawn"
    assert np.array_equal(scores[:7], TrainedModel(model).anomaly_scores(IMAGES[:7])), (
        "a score does not depend on the other images"
    )


def test_a_model_of_one_digit_finds_the_others_anomalous(split):
    train, train_labels, test, labels = split
    model = trained(train[train_labels == 0], "gaussian:0.1", latent_dim=4, epochs=60)
    scores = TrainedModel(model).anomaly_scores(test)
    assert sklearn.metrics.roc_auc_score(labels != 0, scores) > 0.95
    assert TrainedModel(model).anomaly_scores(1 - test).min() > scores[labels == 0].max(), (
        "negatives are no digits at all"
    )


@pytest.mark.parametrize("holes", [np.nan, 0.9])
def test_imputation_leaves_known_pixels_and_does_not_look_at_missing_ones(holes):
    model = make("dae two copies")
    given = np.where(MISSING[..., None], np.float32(holes), IMAGES)
    filled = imputation.impute(model, given, MISSING)
    assert filled.dtype == np.float32
    assert np.array_equal(filled[~MISSING], IMAGES[~MISSING])
    expected = model.denoise(np.where(MISSING[..., None], np.float32(0), IMAGES))
    assert np.array_equal(filled[MISSING], expected[MISSING])
    assert np.isnan(given[MISSING]).all() == np.isnan(holes), "the images given are left alone"


def test_imputation_of_nothing_gives_the_images_back():
    assert np.array_equal(
        imputation.impute(make("dae"), IMAGES, np.zeros(MISSING.shape, bool)), IMAGES
    )


def test_imputation_of_real_digits_beats_the_mean_image(masked, split):
    train, _, test, _ = split
    missing = np.random.default_rng(0).random(test.shape[:3]) < 0.5
    errors = {
        name: np.mean((filled - test)[missing] ** 2)
        for name, filled in {
            "model": imputation.impute(masked, np.where(missing[..., None], np.nan, test), missing),
            "mean": np.broadcast_to(train.mean(axis=0), test.shape),
        }.items()
    }
    assert errors["model"] < 0.6 * errors["mean"]


def test_probe_accuracy_by_hand():
    """Two classes on a line, apart at 0 by symmetry: 4 of 5 test points are on their side.

    The second feature says nothing.
    """
    codes = np.array([[-3.0, 7], [-2, 7], [-1, 7], [1, 7], [2, 7], [3, 7]])
    test = np.array([[-2.0, 7], [-0.5, 7], [0.5, 7], [9, 7], [-9, 7]])
    labels, test_labels = np.repeat([0, 1], 3), np.array([0, 0, 1, 1, 1])
    assert latent.probe_accuracy(codes, labels, test, test_labels) == pytest.approx(0.8)
    assert latent.probe_accuracy(
        codes.reshape(6, 1, 2), labels, test.reshape(5, 1, 2), test_labels
    ) == pytest.approx(0.8)


def test_probe_of_codes_of_real_digits(masked, split):
    train, train_labels, test, labels = split
    assert (
        latent.probe_accuracy(masked.encode(train), train_labels, masked.encode(test), labels)
        > 0.85
    )
    shuffled = np.random.default_rng(0).permutation(train_labels)
    assert latent.probe_accuracy(masked.encode(train), shuffled, masked.encode(test), labels) < 0.3


@pytest.mark.parametrize("bits", [1, 2, 3, 8, 9, 16])
@pytest.mark.parametrize("shape", [(40, 3), (40, 2, 2, 3), (1, 3)])
def test_codes_come_back_within_half_a_level(bits, shape):
    codes = np.random.default_rng(0).normal(size=shape).astype(np.float32) * np.array(
        [1e-3, 1, 1e3], np.float32
    )
    back = compression.decompress_codes(compression.compress_codes(codes, bits))
    assert back.shape == shape
    assert back.dtype == np.float32
    step = np.ptp(codes, axis=0) / (2**bits - 1)
    assert np.all(np.abs(back - codes) <= step / 2 + 1e-6 * np.abs(codes))
    assert np.array_equal(back.min(axis=0), codes.min(axis=0))
    assert back.max(axis=0) == pytest.approx(codes.max(axis=0), rel=1e-6), (
        "the ends of a unit are levels"
    )


def test_levels_by_hand():
    """Two bits over [0, 3]: levels 0, 1, 2, 3.

    Over [10, 40]: 10, 20, 30, 40. A unit that does not change stays as it is.
    """
    codes = np.array([[0, 10, 5], [0.4, 24, 5], [1.6, 26, 5], [3, 40, 5]])
    expected = [[0, 10, 5], [0, 20, 5], [2, 30, 5], [3, 40, 5]]
    np.testing.assert_allclose(
        compression.decompress_codes(compression.compress_codes(codes, 2)), expected
    )


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_the_stream_is_about_as_long_as_the_entropy_of_its_levels(bits):
    codes = np.random.default_rng(0).normal(size=(20_000, 8)).astype(np.float32)
    levels = np.rint((codes - codes.min(axis=0)) / np.ptp(codes, axis=0) * (2**bits - 1)).astype(
        int
    )
    shares = [np.bincount(unit)[np.bincount(unit) > 0] / len(unit) for unit in levels.T]
    entropy = sum(-np.sum(share * np.log2(share)) for share in shares)
    assert entropy < 8 * len(compression.compress_codes(codes, bits)) / len(codes) < 1.05 * entropy


def test_compression_of_real_digits(masked, split):
    test = split[2]
    compressed = TrainedModel(masked).compress(test, 6)
    assert isinstance(compressed, bytes)
    assert compressed == TrainedModel(masked).compress(test, 6)
    assert len(compressed) / len(test) < 16 * 6 / 8 + 1, (
        "6 bits for each of 16 units and a share of the header"
    )
    decoded = TrainedModel(masked).decompress(compressed)
    assert np.array_equal(decoded, masked.decode(compression.decompress_codes(compressed)))
    limit = np.mean((masked.denoise(test) - test) ** 2)
    errors = [
        np.mean(
            (TrainedModel(masked).decompress(TrainedModel(masked).compress(test, bits)) - test) ** 2
        )
        for bits in (1, 2, 4, 8)
    ]
    assert errors == sorted(errors, reverse=True)
    assert limit * 0.999 < errors[-1] < limit * 1.01


@pytest.mark.parametrize("name", ["dae", "dvae"])
@pytest.mark.parametrize("network", ["mlp", "residual_conv"])
def test_every_use_takes_every_model_with_a_code(name, network):
    shape = {"mlp": SHAPE, "residual_conv": (8, 6, 2)}[network]
    model, images = (
        make(name, network),
        np.random.default_rng(0).random((9, *shape), dtype=np.float32),
    )
    assert TrainedModel(model).anomaly_scores(images).shape == (9,)
    assert imputation.impute(model, images, np.zeros((9, *shape[:2]), bool)).shape == images.shape
    assert (
        TrainedModel(model).decompress(TrainedModel(model).compress(images, 4)).shape
        == images.shape
    )


def altered(stream, place):
    return stream[:place] + bytes([stream[place] ^ 1]) + stream[place + 1 :]


STREAM = compression.compress_codes(CODES, 4)
NAN = np.where(np.arange(120).reshape(40, 3) == 4, np.nan, CODES)
LABELS = np.arange(40) % 2
NO_PIXEL = np.stack([np.full(SHAPE[:2], number == 3) for number in range(50)])


@pytest.mark.parametrize(
    ("function", "arguments", "error", "message"),
    [
        (
            TrainedModel.anomaly_scores,
            (IMAGES[:, :5],),
            ValueError,
            "`images` must be 6x5, .*; got 5x5",
        ),
        (
            TrainedModel.anomaly_scores,
            (IMAGES * 255,),
            ValueError,
            r"`images` must be images scaled to \[0, 1\]",
        ),
        (TrainedModel.anomaly_scores, (IMAGES * np.nan,), ValueError, "`images` must be finite"),
        (
            imputation.impute,
            (IMAGES, MISSING.astype(int)),
            TypeError,
            "`missing` must be boolean; got dtype int64",
        ),
        (
            imputation.impute,
            (IMAGES, MISSING[..., None]),
            ValueError,
            r"`missing` must have shape \(N, H, W\).*got \(50, 6, 5, 1\)",
        ),
        (
            imputation.impute,
            (IMAGES, MISSING[:9]),
            ValueError,
            r"`missing` must have shape \(N, H, W\).*got \(9, 6, 5\)",
        ),
        (
            imputation.impute,
            (IMAGES[0], MISSING[0]),
            ValueError,
            r"for `images` \(N, H, W, C\); got \(6, 5\) for \(6, 5, 2\)",
        ),
        (
            imputation.impute,
            (IMAGES, NO_PIXEL),
            ValueError,
            "a known pixel in each image; image 3 has none",
        ),
        (imputation.impute, (IMAGES * np.nan, MISSING), ValueError, "`images` must be finite"),
        (
            imputation.impute,
            (IMAGES[:0], MISSING[:0]),
            ValueError,
            "`images` must hold at least one image",
        ),
        (
            TrainedModel.compress,
            (IMAGES, 0),
            ValueError,
            "`bits` must be a finite number between 1 and 16; got 0",
        ),
        (
            TrainedModel.compress,
            (IMAGES, 17),
            ValueError,
            "`bits` must be a finite number between 1 and 16; got 17",
        ),
        (TrainedModel.compress, (IMAGES, 2.5), TypeError, "`bits` must be a whole number; got 2.5"),
        (TrainedModel.compress, (IMAGES[:, :5], 4), ValueError, "`images` must be 6x5"),
        (
            TrainedModel.decompress,
            (compression.compress_codes(CODES[:, :2], 4),),
            ValueError,
            r"`codes` must have shape \(N, 3\); got \(40, 2\)",
        ),
        (TrainedModel.decompress, (STREAM[:-1],), ValueError, "`compressed` .* are truncated"),
        (
            TrainedModel.decompress,
            (STREAM[:20],),
            ValueError,
            "`compressed` .* 20 bytes are truncated",
        ),
        (TrainedModel.decompress, (b"",), ValueError, "`compressed` .* 0 bytes are truncated"),
        (
            TrainedModel.decompress,
            (STREAM + b"x",),
            ValueError,
            "`compressed` .* followed by other bytes",
        ),
        (
            TrainedModel.decompress,
            (altered(STREAM, len(STREAM) // 2),),
            ValueError,
            "`compressed` .* altered or no such stream",
        ),
        (
            TrainedModel.decompress,
            (b"no stream",),
            ValueError,
            "`compressed` .* altered or no such stream",
        ),
        (
            TrainedModel.decompress,
            (zlib.compress(b"another file"),),
            ValueError,
            "`compressed` .* holds something else",
        ),
        (
            TrainedModel.decompress,
            (np.zeros(3),),
            TypeError,
            "`compressed` must be bytes; got ndarray",
        ),
    ],
)
def test_bad_input(function, arguments, error, message):
    model = make("dae", compiled=False)
    with pytest.raises(error, match=message):
        function(model if function is imputation.impute else TrainedModel(model), *arguments)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            (CODES, LABELS, CODES[:, :2], LABELS),
            ValueError,
            "`test_codes` must have 3 features, as `train_codes` have; got 2",
        ),
        ((NAN, LABELS, CODES, LABELS), ValueError, "`train_codes` must be finite"),
        ((CODES, LABELS, NAN, LABELS), ValueError, "`test_codes` must be finite"),
        (
            (CODES[:, 0], LABELS, CODES, LABELS),
            ValueError,
            r"`train_codes` must have shape \(N, ...\).*got \(40,\)",
        ),
        (
            (CODES.astype(str), LABELS, CODES, LABELS),
            TypeError,
            "`train_codes` must hold real numbers; got dtype <U",
        ),
        ((CODES, LABELS[:9], CODES, LABELS), ValueError, r"`train_labels` must have shape \(40,\)"),
        ((CODES, LABELS, CODES, LABELS / 2), TypeError, "`test_labels` must hold whole numbers"),
        (
            (CODES, LABELS * 0 + 7, CODES, LABELS),
            ValueError,
            "two classes and 3 codes of each; got 40 of class 7 alone",
        ),
        (
            (CODES, np.arange(40) // 38, CODES, LABELS),
            ValueError,
            "two classes and 3 codes of each; got 2 of class 1",
        ),
    ],
)
def test_bad_input_of_the_probe(arguments, error, message):
    with pytest.raises(error, match=message):
        latent.probe_accuracy(*arguments)


@pytest.mark.parametrize(
    ("codes", "bits", "error", "message"),
    [
        (NAN, 4, ValueError, "`codes` must be finite"),
        (CODES[:0], 4, ValueError, "`codes` must have shape"),
        (CODES * 1j, 4, TypeError, "`codes` must hold real numbers"),
        (CODES, True, TypeError, "`bits` must be a whole number"),
    ],
)
def test_bad_codes(codes, bits, error, message):
    with pytest.raises(error, match=message):
        compression.compress_codes(codes, bits)


@pytest.mark.parametrize(
    ("rate", "above"), [(0, 0), (0.1, 1), (0.19, 1), (0.3, 3), (0.35, 3), (1, 9)]
)
def test_threshold_is_exceeded_by_so_many_normal_images(rate, above):
    scores = np.array([5, 3, 8, 1, 9, 2, 7, 4, 10, 6], np.float32)
    found = anomaly.threshold(scores, rate)
    assert (scores > found).sum() == above
    assert found == pytest.approx(np.sort(scores)[-1 - above], rel=2e-5)


def test_threshold_of_scores_alike_and_of_none():
    assert not (np.full(40, 0.5) > anomaly.threshold(np.full(40, 0.5), 0.5)).any()
    with pytest.raises(ValueError, match="at least one image"):
        anomaly.threshold(np.zeros(0), 0.05)
    with pytest.raises(
        ValueError, match="`false_positive_rate` must be a finite number between 0 and 1; got -1"
    ):
        anomaly.threshold(np.ones(3), -1)
