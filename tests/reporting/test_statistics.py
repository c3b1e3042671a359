import pytest

from tfdvae.reporting import statistics


def test_wilson_interval_by_its_formula():
    """(p + z^2/2n +- z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n) with z = 1.959964, for 80 of 100."""
    z, p, n = 1.959964, 0.8, 100
    centre, half = p + z**2 / (2 * n), z * (p * (1 - p) / n + z**2 / (4 * n**2)) ** 0.5
    expected = ((centre - half) / (1 + z**2 / n), (centre + half) / (1 + z**2 / n))
    assert statistics.wilson_interval(p, n) == pytest.approx(expected, abs=1e-6)


def test_wilson_interval_stays_within_0_and_1():
    assert statistics.wilson_interval(0, 10)[0] == 0
    assert statistics.wilson_interval(1, 10)[1] == 1


@pytest.mark.parametrize(
    ("corruption", "label"), [("none", "no noise"), ("gaussian:0.025", "2.5%"), ("masking:0.5", "masking:0.5"), ("gaussian:1", "100%")]
)
def test_noise_label(corruption, label):
    assert statistics.noise_label(corruption) == label


def test_accuracy_table():
    rows = [
        {"augmentation": augmentation, "test_corruption": corruption, "metric": metric, "value": str(value + shift)}
        for augmentation, shift in (("limited", 0.0), ("dvae", 0.01))
        for corruption in ("none", "gaussian:0.1")
        for metric, value in (("accuracy", 0.8), ("accuracy_low", 0.75), ("accuracy_high", 0.85), ("loss", 3.0))
    ]
    assert statistics.accuracy_table(rows).splitlines() == [
        "| trained on | no noise | 10% |",
        "|---|---|---|",
        "| limited | 80.00 (75.00 to 85.00) | 80.00 (75.00 to 85.00) |",
        "| limited + DVAE | 81.00 (76.00 to 86.00) | 81.00 (76.00 to 86.00) |",
    ]


def test_prediction_interval():
    """Mean 2, standard deviation 1, three values: 2 -+ 4.302653 * sqrt(1 + 1/3)."""
    assert statistics.prediction_interval([1, 2, 3]) == pytest.approx((2 - 4.302653 * (4 / 3) ** 0.5, 2 + 4.302653 * (4 / 3) ** 0.5))
    assert statistics.prediction_interval([1]) == (float("-inf"), float("inf"))


def test_psnr_table():
    rows = [
        {"metric": metric, "test_corruption": test, "value": value}
        for test, values in (("none", (48.13, 30)), ("gaussian:0.1", (20.0, 26.789)))
        for metric, value in zip(("psnr_input", "psnr"), values, strict=True)
    ]
    assert statistics.psnr_table(rows).splitlines() == [
        "| images | no noise | 10% |",
        "|---|---|---|",
        "| as given |  | 20.00 |",
        "| denoised | 30.00 | 26.79 |",
    ]
