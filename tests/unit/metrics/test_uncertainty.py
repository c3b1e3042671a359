import numpy as np
import pytest

from tfdvae.metrics import uncertainty


def test_rank_correlation_by_hand():
    """Ranks 1 2 3 4 and 1 3 2 4: 1 - 6 (0 + 1 + 1 + 0) / (4 (16 - 1)) = 0.8."""
    spread = np.array([[0.1, 0.2], [0.3, 9.0]])
    errors = np.array([[0.0, -0.5], [0.4, -0.6]])  # their size counts, not their sign
    assert uncertainty.spread_error_correlation(spread, errors) == pytest.approx(0.8)
    assert uncertainty.spread_error_correlation(spread, -errors) == pytest.approx(0.8)
    assert uncertainty.spread_error_correlation(spread, 1 / spread) == pytest.approx(-1)


def test_what_is_the_same_everywhere_has_no_ranks():
    values = np.array([0.1, 0.2, 0.3])
    assert np.isnan(uncertainty.spread_error_correlation(np.full(3, 0.1), values))
    assert np.isnan(uncertainty.spread_error_correlation(values, np.zeros(3)))


def test_coverage_by_hand():
    spread = np.array([0.1, 0.1, 0.0, 0.0])
    errors = np.array([-0.195, 0.197, 0.0, 0.01])
    assert uncertainty.coverage(spread, errors) == 0.5
    assert uncertainty.coverage(spread, errors, within=2) == 0.75


def test_coverage_of_normal_errors():
    random = np.random.default_rng(0)
    spread = random.uniform(0.1, 2, 100_000)
    errors = spread * random.standard_normal(100_000)
    assert uncertainty.coverage(spread, errors) == pytest.approx(0.95, abs=0.003)  # 4 errors
    assert uncertainty.coverage(spread / 2, errors) == pytest.approx(0.673, abs=0.006)
