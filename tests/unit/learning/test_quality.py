"""The estimate of the error beside the true one, for denoisers that are known."""

import logging

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from tfdvae import csv_rows
from tfdvae.learning import quality
from tfdvae.learning.held_out import Part
from tfdvae.metrics import noise

RANDOM = np.random.default_rng(0)
ROWS, COLUMNS = np.mgrid[:256, :256] / 256
CLEAN = (0.5 + 0.4 * np.sin(9 * ROWS) * np.cos(7 * COLUMNS))[..., None].astype(np.float32)


class Filter:
    """Stands for a trained model."""

    core = None

    def __init__(self, function):
        self.denoise = function


def smooth(images):
    return gaussian_filter(images, (0, 1.2, 1.2, 0))


def psnr(made, wanted):
    return -10 * np.log10(np.mean((made - wanted) ** 2))


def measured(tmp_path):
    rows = csv_rows.read_rows(tmp_path / "metrics.csv")
    return {row["metric"]: float(row["value"]) for row in rows}


@pytest.mark.parametrize("known", [True, False])
def test_the_estimate_is_the_truth(known, tmp_path):
    noisy = CLEAN + 0.1 * RANDOM.standard_normal(CLEAN.shape, np.float32)
    estimate = noise.NoiseEstimate(0, 0.01, 0.1, 0.1, 1, 0, 0) if known else noise.estimate([noisy])
    found = quality.measure(Filter(smooth), [Part(noisy, 64)], estimate, known, tmp_path)
    values = measured(tmp_path)
    true = psnr(smooth(noisy[None])[0, 64:], CLEAN[64:])
    # The variance of the noise is known to 2%, of which the error is a twelfth: 1 dB.
    assert values["psnr_estimated"] == pytest.approx(true, abs=0.3 if known else 1)
    assert values["psnr_estimated_low"] < true < values["psnr_estimated_high"]
    assert values["psnr_input_estimated"] == pytest.approx(20, abs=0.2)
    assert found.level == pytest.approx(0.1, rel=0.02)
    assert (found == estimate) == known


@pytest.mark.parametrize(
    ("kept", "deviation"), [(0, 0.7), (0, 1.0), (0.05, 1.0), (0.15, 1.0), (0.25, 1.0)]
)
def test_the_interval_covers_the_truth_whatever_noise_is_kept(kept, deviation, tmp_path):
    """A textured scene, and a denoiser that keeps a part of the noise."""
    random = np.random.default_rng(0)
    texture = random.standard_normal((64, 64)).repeat(4, 0).repeat(4, 1)[..., None]
    clean = (CLEAN + 0.06 * texture).astype(np.float32)

    def keep(images):
        return kept * images + (1 - kept) * gaussian_filter(images, (0, deviation, deviation, 0))

    covered = 0
    for _ in range(10):
        noisy = clean + 0.1 * random.standard_normal(clean.shape, np.float32)
        estimate = noise.estimate([noisy])
        quality.measure(Filter(keep), [Part(noisy, 128)], estimate, False, tmp_path)
        values, true = measured(tmp_path), psnr(keep(noisy[None])[0, 128:], clean[128:])
        assert values["psnr_estimated"] == pytest.approx(true, abs=2)
        assert values["psnr_estimated_high"] - values["psnr_estimated_low"] < 9
        covered += values["psnr_estimated_low"] <= true <= values["psnr_estimated_high"]
    assert covered >= 9


def test_a_model_that_removes_nothing_says_nothing_of_the_noise(tmp_path, caplog):
    noisy = CLEAN + 0.1 * RANDOM.standard_normal(CLEAN.shape, np.float32)
    estimate = noise.estimate([noisy])
    with caplog.at_level(logging.INFO, "tfdvae"):
        kept = quality.measure(Filter(lambda x: x), [Part(noisy)], estimate, False, tmp_path)
    assert kept == estimate
    assert "Estimated PSNR 20." in caplog.text


def test_harm_and_clipping_are_said(tmp_path, caplog):
    noisy = np.clip(CLEAN - 0.4 + 0.1 * RANDOM.standard_normal(CLEAN.shape, np.float32), 0, 1)
    estimate = noise.estimate([noisy])
    quality.measure(Filter(lambda x: 0 * x + 0.9), [Part(noisy)], estimate, False, tmp_path)
    assert "probably further from the truth" in caplog.text
    assert "% of the pixels are clipped" in caplog.text


def test_pictures_without_noise_have_no_estimate(tmp_path):
    estimate = noise.NoiseEstimate(0, 0, 0, 0, 1, 0, 1)
    assert quality.measure(Filter(smooth), [Part(CLEAN)], estimate, False, tmp_path) == estimate
    assert csv_rows.read_rows(tmp_path / "metrics.csv") == []
    assert quality.describe({}) == "Estimated PSNR: none, for the pictures show no noise."
    assert quality.findings({}, estimate) == []


def test_even_noise_is_estimated_on_fewer_or_more_parts_than_the_error(tmp_path):
    random = np.random.default_rng(0)
    noisy = CLEAN + 0.1 * random.standard_normal(CLEAN.shape, np.float32)
    parts = [Part(noisy[:64, :128]) for _ in range(3)]
    true = psnr(smooth(noisy[None, :64, :128])[0], CLEAN[:64, :128])
    for of_all in ([Part(noisy)], [Part(noisy)] * 5):
        estimate = noise.NoiseEstimate(0, 0.012, 0.11, 0.11, 1.2, 0, 0)
        found = quality.measure(Filter(smooth), parts, estimate, False, tmp_path, of_all=of_all)
        assert found.level == pytest.approx(0.1, rel=0.02)
        assert found.spread == 1.2
        values = measured(tmp_path)
        assert values["psnr_estimated_low"] < true < values.get("psnr_estimated_high", np.inf)


def test_small_parts_have_no_interval(tmp_path):
    noisy = (CLEAN + 0.1 * RANDOM.standard_normal(CLEAN.shape, np.float32))[:40, :40]
    estimate = noise.NoiseEstimate(0, 0.01, 0.1, 0.1, 1, 0, 0)
    quality.measure(Filter(smooth), [Part(noisy)], estimate, True, tmp_path)
    rows = csv_rows.read_rows(tmp_path / "metrics.csv")
    assert [row["metric"] for row in rows] == ["psnr_input_estimated", "psnr_estimated"]
    assert "interval unknown" in quality.describe({r["metric"]: float(r["value"]) for r in rows})


def test_an_error_that_is_lost_in_the_noise_is_the_cause_that_is_named(tmp_path, caplog):
    noisy = CLEAN + 0.1 * RANDOM.standard_normal(CLEAN.shape, np.float32)
    estimate = noise.NoiseEstimate(0, 0.04, 0.2, 0.2, 1, 0, 0)
    with caplog.at_level(logging.INFO, "tfdvae"):
        quality.measure(Filter(smooth), [Part(noisy, 64)], estimate, True, tmp_path)
    assert "none, for the error that is left is too small beside the noise" in caplog.text


def test_padding_has_no_noise_and_does_not_count(tmp_path):
    noisy = CLEAN + 0.1 * RANDOM.standard_normal(CLEAN.shape, np.float32)
    padded = np.concatenate([noisy, np.full_like(noisy, 0.5)], axis=1)
    estimate = noise.NoiseEstimate(0, 0.01, 0.1, 0.1, 1, 0, 0)
    quality.measure(Filter(smooth), [Part(padded)], estimate, True, tmp_path)
    true = psnr(smooth(padded[None])[0, :, :256], CLEAN)
    # With the padding there would be none: its errors are estimated as those of the noise, below 0.
    assert measured(tmp_path)["psnr_estimated"] == pytest.approx(true, abs=1)
    assert measured(tmp_path)["psnr_input_estimated"] == pytest.approx(20)


@pytest.mark.parametrize(
    ("first", "last", "top"), [(0, None, 344), (100, 1100, 344), (64, 320, 64)]
)
def test_the_middle_of_a_part_is_measured_with_what_surrounds_it(first, last, top, tmp_path):
    seen = []

    def look(images):
        seen.append(images)
        return images

    rows = np.arange(1200, dtype=np.float32)[:, None, None] / 1200
    picture = np.broadcast_to(rows, (1200, 800, 1)) + np.arange(800)[:, None] / 1e6
    estimate = noise.NoiseEstimate(0, 0.01, 0.1, 0.1, 1, 0, 0)
    quality.measure(Filter(look), [Part(picture, first, last)], estimate, True, tmp_path)
    middle, above = 144 + np.arange(512), min(64, top)
    height = min(512, (last or 1200) - first)
    expected = picture[top - above : top + height + 64, middle]
    np.testing.assert_allclose(seen[0][0], expected, atol=1e-6)
