"""The noise of the images of a folder or file, and what `denoise --learn` would make of it."""

import json

import numpy as np
import pytest

from tfdvae.inspection import noise, report
from tfdvae.inspection.scan import scan

RANDOM = np.random.default_rng(0)
ROWS, COLUMNS = np.mgrid[:96, :128] / 32
CLEAN = 0.5 + 0.4 * np.sin(2 * ROWS) * np.cos(COLUMNS)
SMOOTHED = CLEAN + 0.1 * np.kron(RANDOM.standard_normal((4, 48, 64)), np.ones((2, 2)))


def look(folder, images):
    np.save(folder / "a.npy", images)
    return scan(folder / "a.npy", folder)


def test_photons(tmp_path):
    """50 photons at white: the variance is the brightness divided by 50."""
    found = look(tmp_path, RANDOM.poisson(50 * CLEAN, (4, 96, 128)) / 50)
    values = report.to_values(found, {}, [])["noise"]
    assert values["slope"] == pytest.approx(1 / 50, rel=0.1)
    assert values["level"] == pytest.approx(np.sqrt(CLEAN.mean() / 50), rel=0.05)
    assert values["objective"] == "masked"
    assert "as strong at bright places" in values["reason"]
    assert abs(values["correlation"]) < 0.06
    assert values["channel_correlation"] == 0
    text = report.to_text(found, {})
    assert f"standard deviation {255 * values['level']:.3g} of 255 on average" in text
    assert f"correlation {values['correlation']:.2f} of neighboring pixels" in text
    assert "channels" not in text
    assert f"pixels at an end        {100 * values['clipped']:.3g}% have" in text


def test_noise_that_channels_share(tmp_path):
    shared = CLEAN[..., None] * [0.9, 1, 0.8] + 0.05 * RANDOM.standard_normal((4, 96, 128, 1))
    values = report.to_values(look(tmp_path, shared), {}, [])["noise"]
    assert values["channel_correlation"] > 0.9
    assert values["objective"] == "masked"
    text = report.to_text(scan(tmp_path / "a.npy", tmp_path), {})
    assert f"{values['channel_correlation']:.2f} of the channels of a pixel" in text


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (SMOOTHED, "noise of neighboring pixels is correlated"),
        (np.full((2, 64, 64), 0.5), "holds no picture of 16x16 or more that is not constant"),
        (RANDOM.random((5, 12, 12)), "holds no picture of 16x16 or more"),
        (np.rint(255 * CLEAN).astype(np.uint8), "no noise that could be removed"),
    ],
)
def test_what_cannot_be_learned_from(images, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        noise.objective(look(tmp_path, images))


def test_what_is_not_known_is_null(tmp_path):
    """A picture of four blocks has no flat places."""
    found = look(tmp_path, RANDOM.random((1, 16, 16)))
    values = report.to_values(found, {}, [])
    assert values["noise"]["correlation"] is None
    json.dumps(values, allow_nan=False)
    assert "correlation unknown (no flat places)" in report.to_text(found, {})


def test_the_figure(tmp_path):
    noise.draw(look(tmp_path, SMOOTHED), tmp_path / "noise.png")
    assert (tmp_path / "noise.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="`figure` needs an image of 16x16 or more"):
        noise.draw(look(tmp_path, np.zeros((2, 32, 32))), tmp_path / "none.png")
    assert not (tmp_path / "none.png").exists()


def test_pictures_that_are_many_or_large_are_looked_at_in_part(tmp_path):
    found = look(tmp_path, RANDOM.random((1001, 32, 32)).astype(np.float32))
    assert len(found.sample) == 167, "every sixth"
    found = look(tmp_path, RANDOM.random((2, 1450, 1450), np.float32))
    assert {each.shape for each in found.sample} == {(1414, 1414, 1)}, "4 million pixels in all"
