import numpy as np
import pytest

from tests.helpers.noisy_pictures import CLEAN, gaussian, photons, shared, sharing_channels
from tfdvae.data import image_dataset
from tfdvae.metrics import noise, noise_refined, risk

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("level", [0.02, 0.1, 0.3])
def test_gaussian_noise(level):
    found = noise.estimate([gaussian(RANDOM, level) for _ in range(3)])
    assert found.level == pytest.approx(level, rel=0.03)
    assert found.floor == pytest.approx(level, rel=0.06)
    assert found.spread == pytest.approx(1, abs=0.1)
    assert abs(found.correlation) < 0.06
    assert found.clipped < 0.001


@pytest.mark.parametrize("count", [20, 200])
def test_noise_of_photons(count):
    """Its variance is the signal divided by the photons at white."""
    found = noise.estimate([photons(RANDOM, count) for _ in range(3)])
    assert found.slope == pytest.approx(1 / count, rel=0.1)
    assert found.level == pytest.approx(np.sqrt(CLEAN.mean() / count), rel=0.05)
    variance = found.variance(CLEAN)
    np.testing.assert_allclose(variance, CLEAN / count, atol=0.15 / count)


def test_noise_that_neighbors_share():
    found = noise.estimate([shared(RANDOM) for _ in range(3)])
    assert found.correlation > 0.2


@pytest.mark.parametrize("count", [15, 100])
def test_what_was_denoised_refines_the_estimate(count):
    """Texture is no noise any more, and few photons are as they are."""
    texture = 0.08 * RANDOM.standard_normal((32, 40)).repeat(4, 0).repeat(4, 1)[..., None]
    clean = np.clip(CLEAN + texture, 0.02, 1)
    noisy = [RANDOM.poisson(count * clean) / count for _ in range(4)]
    first = noise.estimate(noisy)
    blind = risk.probe(lambda images: np.broadcast_to(clean, images.shape), clean[None], 1.0)
    found, doubt = noise_refined.refine([(picture[None], blind) for picture in noisy], first)
    assert doubt == 0
    assert found.level == pytest.approx(np.sqrt(clean.mean() / count), rel=0.02)
    np.testing.assert_allclose(found.variance(clean), clean / count, atol=0.05 / count)
    assert (found.correlation, found.clipped) == (first.correlation, first.clipped)


@pytest.mark.parametrize("kept", [0.0, 0.1, 0.4])
@pytest.mark.parametrize("best", [False, True])
def test_a_refined_estimate_allows_for_the_noise_that_is_kept(kept, best):
    """The truth is one end of the doubt.

    It is the upper one of a denoiser that keeps a part of the noise and nothing else, and the lower
    one of the best denoiser, which is linear where the pictures are Gaussian numbers.
    """
    random = np.random.default_rng(0)
    clean = np.sqrt(0.01 * kept / (1 - kept)) * random.standard_normal((1, 600, 600, 1))
    noisy = clean + 0.1 * random.standard_normal(clean.shape)
    rest = 0 if best else (1 - kept) * clean
    probed = risk.probe(lambda images: kept * images + rest, noisy, 0.01)
    found, doubt = noise_refined.refine([(noisy, probed)], noise.estimate([noisy[0]]))
    end = 1 - doubt if best else 1 + doubt
    assert end * found.level**2 == pytest.approx(0.01, rel=0.02)
    assert doubt == pytest.approx(kept / (2 - kept), abs=1e-3)  # of 1 / (1 - r) and its square


def test_a_black_background_without_noise_does_not_count():
    """Fluorescence: black, and noise of photons where the signal is."""
    pictures = [photons(RANDOM, 200) for _ in range(3)]
    for picture in pictures:
        picture[:, :84] = 0
    found = noise.estimate(pictures)
    assert found.slope == pytest.approx(1 / 200, rel=0.15)
    assert found.spread < 20
    assert abs(found.correlation) < 0.1
    assert found.clipped < 0.1


def test_a_padding_that_is_neither_black_nor_white_does_not_count():
    pictures = [gaussian(RANDOM, 0.05) for _ in range(3)]
    for picture in pictures:
        picture[:, :90] = 0.5
    found = noise.estimate(pictures)
    assert found.level == pytest.approx(0.05, rel=0.06)
    assert abs(found.correlation) < 0.1


def test_pictures_of_constant_blocks_alone_are_refused():
    with pytest.raises(ValueError, match="pictures must hold blocks of 8x8 pixels that are n"):
        noise.estimate([np.repeat(np.arange(16) // 8, 16).reshape(16, 16, 1) / 2])


def test_dark_pictures_of_12_bits_in_16_have_noise():
    dark = 1000 + 30 * RANDOM.standard_normal((6, 128, 128, 1)) + 200 * CLEAN[:, :128]
    found = noise.estimate(np.rint(dark).astype(np.uint16) / np.float32(65535))
    np.testing.assert_allclose(found.variance(dark / 65535), (30 / 65535) ** 2, rtol=0.15)


@pytest.mark.parametrize("part", [0.0, 0.8])
def test_noise_that_channels_share(part):
    found = noise.estimate([sharing_channels(RANDOM, part)])
    assert found.channel_correlation == pytest.approx(part, abs=0.08)


def test_gray_pictures_have_no_channels_that_share_noise():
    assert noise.estimate([gaussian(RANDOM, 0.1)]).channel_correlation == 0


def test_where_few_blocks_are_independence_cannot_be_checked():
    small = 0.5 + 0.1 * RANDOM.standard_normal((32, 32, 1))
    found = noise.estimate([small])
    assert np.isnan(found.correlation)


def test_no_more_pictures_are_read_than_are_looked_at():
    taken = []

    def pictures():
        for number in range(9):
            taken.append(number)
            yield RANDOM.random((1000, 1000, 1), np.float32)

    noise.estimate(pictures())
    assert len(taken) == 4


def test_clipped_noise_is_not_gaussian():
    dark = np.clip(0.05 + 0.1 * RANDOM.standard_normal((128, 128, 1)), 0, 1)
    found = noise.estimate([dark])
    assert found.clipped == pytest.approx(np.mean(dark == 0), abs=0.01)


def test_colors_and_sizes_may_differ_and_small_pictures_do_not_count():
    pictures = [np.repeat(CLEAN, 3, axis=-1), CLEAN[:40, :30], np.zeros((7, 100, 1))]
    noisy = [each + 0.1 * RANDOM.standard_normal(each.shape) for each in pictures]
    assert noise.estimate(noisy).level == pytest.approx(0.1, rel=0.03)
    with pytest.raises(ValueError, match="`pictures` must hold one of 8x8 pixels at least"):
        noise.estimate(noisy[2:])


def test_where_nothing_is_flat_the_correlation_is_unknown():
    clipped = RANDOM.integers(0, 2, (64, 64, 1)).astype(float)
    assert np.isnan(noise.estimate([clipped]).correlation)


def test_curves_show_what_the_estimate_rests_on():
    """A variance in proportion to the signal; a moving average of two pixels, whose
    neighbors have a correlation of a half and others none.
    """
    drawn = RANDOM.standard_normal((3, *CLEAN.shape))
    shown = noise.curves([CLEAN + np.sqrt(CLEAN / 50) * each for each in drawn])
    assert shown.signal.shape == shown.variance.shape
    assert np.all(np.diff(shown.signal) > 0)
    np.testing.assert_allclose(shown.variance, shown.signal / 50, rtol=0.5)  # of 320 values each
    assert np.mean(50 * shown.variance / shown.signal) == pytest.approx(1, abs=0.1)
    drawn = RANDOM.standard_normal((3, 256, 257, 1))
    averaged = [0.5 + 0.1 * (each[:, 1:] + each[:, :-1]) for each in drawn]
    sideways, down = noise.curves(averaged).correlations
    np.testing.assert_allclose(sideways, [0.5, 0, 0], atol=0.15)  # a surface is taken out
    np.testing.assert_allclose(down, 0, atol=0.15)
    few = noise.curves([gaussian(RANDOM, 0.1)[:16, :16]]).correlations
    assert np.isnan(few).all()


def test_the_line_in_words():
    found = noise.NoiseEstimate(0.04, -0.001, 0.1, 0.1, 1.0, 0.0, 0.0)
    assert found.line() == "10.2 x brightness - 65"


@pytest.mark.parametrize("count", [1, 9, 50, 1000])
def test_the_least_of_several_places_is_not_too_little_by_chance(count):
    found = [noise.estimate([RANDOM.standard_normal((8, 8 * count, 1))]).floor for _ in range(100)]
    assert np.mean(found) == pytest.approx(1, abs=0.06)


@pytest.mark.parametrize("level", [0.05, 0.1, 0.3])
def test_texture_of_small_images_hardly_counts(level, fashion):
    clean = image_dataset.to_unit(fashion.train.images[:2000])
    noisy = clean + level * RANDOM.standard_normal(clean.shape)
    assert noise.estimate(noisy).floor == pytest.approx(level, rel=0.03)


@pytest.mark.parametrize("kept", [-0.05, 0.0, 0.2])
def test_even_noise_is_refined_where_what_was_made_is_flat(kept):
    """Texture that was removed, and padding without noise, do not count."""
    random = np.random.default_rng(0)
    clean = np.full((1, 400, 400, 1), 0.5)
    clean[:, 200:, :, 0] += np.kron(random.standard_normal((50, 100)), np.ones((4, 4))) * 0.2
    lost = np.where(clean == 0.5, 0, 0.05 * random.standard_normal(clean.shape))
    noisy = clean + lost + 0.1 * random.standard_normal(clean.shape)
    noisy[:, :, 300:] = 0.3
    clean[:, :, 300:] = 0.3

    def denoise(images):
        made = clean + kept * (images - clean)
        made[:, :, 300:] = 0.3
        return made

    probed = risk.probe(denoise, noisy, np.array(0.01))
    first = noise.NoiseEstimate.gaussian(0.12)
    found, doubt = noise_refined.refine_even([(noisy, probed)], first)
    assert found.level == pytest.approx(0.1, rel=0.02)
    assert found.is_even
    assert doubt == pytest.approx(abs(kept) / 2, abs=1e-3)
