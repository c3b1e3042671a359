import numpy as np
import pytest

from tfdvae.metrics import choice
from tfdvae.metrics.noise import NoiseEstimate

GAUSSIAN = {
    "slope": 0.0,
    "offset": 0.01,
    "level": 0.1,
    "floor": 0.1,
    "spread": 1.0,
    "correlation": 0.0,
    "clipped": 0.0,
}


@pytest.mark.parametrize(
    ("found", "given", "messages"),
    [
        ({}, 0.1, []),
        ({}, 0.081, []),
        ({}, 0.124, []),
        ({"floor": 0.06}, 0.05, []),
        ({}, 0.05, ["`noise` is 12.8 of 255, but the pictures look like 25.5 to 25.5."]),
        ({"floor": 0.06}, 0.2, ["`noise` is 51 of 255, but the pictures look like 15.3 to 25.5."]),
        (
            {"correlation": 0.4},
            0.1,
            ["as it is given, but the noise of neighboring pixels is corr"],
        ),
        ({"floor": 0.0}, 0.1, ["as it is given, but the pictures have no noise that could be rem"]),
        ({"clipped": 0.3}, 0.1, ["same everywhere, but the noise is clipped in 30% of the pixels"]),
        ({"spread": 5.0}, 0.1, ["same everywhere, but the noise is 5.0 times as strong at bright"]),
        (
            {"channel_correlation": 0.8, "level": 0.01, "floor": 0.01},
            0.1,
            ["channels share the noise (correlation 0.80)", "the pictures look like 2.55 to 2.55"],
        ),
    ],
)
def test_what_speaks_against_noise_that_was_given(found, given, messages):
    doubts = choice.doubts(NoiseEstimate(**{**GAUSSIAN, **found}), given)
    assert len(doubts) == len(messages)
    for doubt, message in zip(doubts, messages, strict=True):
        assert message in doubt
        assert doubt.startswith("`noise` is ")
        assert doubt.endswith(".")


def test_a_level_that_is_given_replaces_what_was_found():
    found = NoiseEstimate(0.1, -0.01, 0.3, 0.2, 4.0, 0.05, 0.2, 0.7)
    assert found.of_level(0.1) == NoiseEstimate(0.0, 0.1**2, 0.1, 0.1, 1.0, 0.05, 0.2, 0.7)
    np.testing.assert_allclose(found.of_level(0.1).variance(np.linspace(0, 1, 5)), 0.01)
