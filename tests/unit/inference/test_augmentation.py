import keras
import numpy as np
import pytest

from tfdvae.data import pipelines
from tfdvae.inference.augmentation import Augmenter
from tfdvae.models import networks
from tfdvae.models.autoencoder import DAE
from tfdvae.models.variational import DVAE, VAE

SHAPE = (5, 4, 1)
IMAGES = np.random.default_rng(0).random((30, *SHAPE), dtype=np.float32)
LABELS = np.repeat([0, 1, 4], [5, 10, 15])


def make(cls, **options):
    return cls(*networks.mlp(SHAPE, 2, variational=cls.variational), **options)


CASES = [
    (DAE, "reconstruction"),
    (VAE, "posterior"),
    (VAE, "prior"),
    (DVAE, "posterior"),
    (DVAE, "prior"),
]


def test_every_method_is_listed():
    assert {method for _, method in CASES} == {"posterior", "prior", "reconstruction"}


@pytest.mark.parametrize(("cls", "method"), CASES)
class TestContract:
    def test_shapes_labels_and_parents(self, cls, method):
        images, labels, parent_index = Augmenter(make(cls), method).generate(
            IMAGES, LABELS, per_image=3, seed=0
        )
        assert images.shape == (90, *SHAPE)
        assert images.dtype == np.float32
        assert images.min() >= 0
        assert images.max() <= 1
        assert labels.dtype == parent_index.dtype == np.int64
        assert np.array_equal(np.bincount(labels), 3 * np.bincount(LABELS))
        if method == "prior":
            assert (parent_index == -1).all()
        else:
            assert np.array_equal(np.bincount(parent_index), np.full(30, 3))
            assert np.array_equal(labels, LABELS[parent_index])

    def test_seed(self, cls, method):
        augmenter = Augmenter(make(cls), method)
        first, again, other = (
            augmenter.generate(IMAGES, LABELS, seed=seed).images for seed in (1, 1, 2)
        )
        assert np.array_equal(first, again)
        assert not np.array_equal(first, other)

    def test_every_image_is_new(self, cls, method):
        images = Augmenter(make(cls), method).generate(IMAGES, LABELS, per_image=3).images
        assert len(np.unique(images.reshape(90, -1), axis=0)) == 90

    def test_does_not_change_its_arguments(self, cls, method):
        images, labels = IMAGES.copy(), LABELS.copy()
        Augmenter(make(cls), method).generate(images, labels)
        assert np.array_equal(images, IMAGES)
        assert np.array_equal(labels, LABELS)

    @pytest.mark.parametrize(
        ("images", "labels", "options", "error"),
        [
            (IMAGES * 255, LABELS, {}, ValueError),
            (np.where(IMAGES > 0.9, np.nan, IMAGES), LABELS, {}, ValueError),
            (IMAGES[0], LABELS, {}, ValueError),
            (IMAGES, LABELS[:-1], {}, ValueError),
            (IMAGES, LABELS + 0.5, {}, TypeError),
            (IMAGES, LABELS, {"per_image": 0}, ValueError),
            (IMAGES, LABELS, {"per_image": 1.5}, TypeError),
            (IMAGES, LABELS, {"seed": -1}, ValueError),
        ],
    )
    def test_bad_input(self, cls, method, images, labels, options, error):
        with pytest.raises(error, match="must"):
            Augmenter(make(cls), method).generate(images, labels, **options)


def test_posterior_draws_have_the_posterior_mean_and_spread():
    """A decoder that returns the code's sum as every logit: 2,000 draws of one image against
    N(m1 + m2, s1^2 + s2^2).
    """
    code = keras.Input((2,))
    decoder = keras.Model(
        code, keras.layers.Reshape(SHAPE)(keras.layers.Dense(20, kernel_initializer="ones")(code))
    )
    model = VAE(networks.mlp(SHAPE, 2, variational=True)[0], decoder)
    mean, sigma = (part.numpy()[0] for part in model.posterior(IMAGES[:1]))
    made = (
        Augmenter(model)
        .generate(IMAGES[:1], LABELS[:1], per_image=2000)
        .images[:, 0, 0, 0]
        .astype(np.float64)
    )
    logits = np.log(made / (1 - made))
    spread = np.sqrt(np.sum(sigma**2))
    assert logits.mean() == pytest.approx(mean.sum(), abs=5 * spread / np.sqrt(2000))
    assert logits.std() == pytest.approx(spread, rel=5 / np.sqrt(4000))


def test_dvae_encodes_the_image_as_it_is_unless_told_otherwise():
    model = make(DVAE, corruption="masking:1")
    plain, corrupted = (
        Augmenter(model, corrupt_before_encoding=flag).generate(IMAGES, LABELS, 1).images
        for flag in (False, True)
    )
    vae = VAE(model.encoder, model.decoder)
    assert np.array_equal(plain, Augmenter(vae).generate(IMAGES, LABELS, 1).images)
    assert np.array_equal(
        corrupted, Augmenter(vae).generate(np.zeros_like(IMAGES), LABELS, 1).images
    ), "everything masked"


def test_dae_reconstructs_corrupted_images():
    model = make(DAE, corruption="gaussian:0.5")
    made = Augmenter(model).generate(IMAGES, LABELS, 2, seed=4)
    noisy = pipelines.freeze_noise(
        IMAGES, np.arange(30), model.corruption, 4, "augmentation/corruption/1"
    )
    assert np.array_equal(made.images[30:], model.denoise(noisy))


def test_prior_follows_the_codes_of_each_class(digits):
    """Codes of what was made: mean and covariance of each class near those of the aggregate
    posterior that was fitted.
    """
    images, labels = digits[0][:600], digits[1][:600]
    model = VAE(*networks.mlp((28, 28, 1), 2, variational=True))
    model.compile(optimizer=keras.optimizers.Adam(3e-3))
    model.fit(images, batch_size=50, epochs=8, verbose=0)
    made = Augmenter(model, "prior").generate(images, labels, per_image=5)
    means, made_means = (
        {c: codes[y == c].mean(axis=0) for c in range(10)}
        for codes, y in ((model.encode(images), labels), (model.encode(made.images), made.labels))
    )
    distances = np.array(
        [[np.linalg.norm(made_means[a] - means[b]) for b in range(10)] for a in range(10)]
    )
    assert np.mean(distances.argmin(axis=1) == np.arange(10)) >= 0.8, (
        "images of a class lie where the class lies"
    )


def test_refused():
    with pytest.raises(ValueError, match="a plain autoencoder makes no synthetic images"):
        Augmenter(make(DAE, corruption="none"))
    with pytest.raises(ValueError, match="`method` must be one of reconstruction"):
        Augmenter(make(DAE), "posterior")
    with pytest.raises(ValueError, match="Did you mean 'posterior'"):
        Augmenter(make(VAE), "postrior")
    with pytest.raises(ValueError, match="posterior samples of a DVAE"):
        Augmenter(make(VAE), corrupt_before_encoding=True)
    with pytest.raises(TypeError, match="`model` must be a DAE, VAE or DVAE; got Functional"):
        Augmenter(make(DAE).encoder)
    with pytest.raises(ValueError, match="for a map function"):
        Augmenter(make(VAE), "prior").map_function()
