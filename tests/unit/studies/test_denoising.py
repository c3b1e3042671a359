import numpy as np
import pytest
import scipy.ndimage
import sklearn.linear_model

from tests.helpers.processes import run_tfdvae
from tfdvae import csv_rows
from tfdvae.metrics import image
from tfdvae.studies.denoising import report
from tfdvae.studies.denoising.settings import CLASSICAL
from tfdvae.training_sets import filters


@pytest.fixture(scope="module")
def pairs(digits):
    """Clean images, the same with Gaussian noise of 0.1, and 50 held out."""
    clean = digits[0][:400]
    noisy = clean + np.random.default_rng(0).normal(0, 0.1, clean.shape).astype(np.float32)
    return noisy[:350], clean[:350], noisy[350:], clean[350:]


@pytest.mark.parametrize("name", [name for name in filters.FILTERS if name != "BM3D"])
def test_best_filter_has_the_greatest_psnr_of_its_grid(name, pairs):
    noisy, clean = pairs[2][:10], pairs[3][:10]
    function, parameters = filters.best_filter(name, noisy, clean)
    make, grid = filters.FILTERS[name]
    best = image.psnr(filters.filtered(noisy, function), clean).mean()
    for key, values in grid.items():
        for value in values:
            other = image.psnr(
                filters.filtered(noisy, make(**(parameters | {key: value}))), clean
            ).mean()
            assert best >= other - 1e-6
    assert best > image.psnr(noisy, clean).mean() + 2


def test_filtered_goes_channel_by_channel(noise):
    images = noise(3, 6, 7, 2)
    make, _ = filters.FILTERS["gaussian filter"]
    output = filters.filtered(images, make(sigma=0.7))
    assert output.dtype == np.float32
    for number in range(3):
        for channel in range(2):
            expected = scipy.ndimage.gaussian_filter(
                images[number, :, :, channel], 0.7, mode="nearest"
            )
            np.testing.assert_allclose(output[number, :, :, channel], expected, atol=1e-6)


def test_linear_denoiser_is_the_wiener_filter():
    """For x ~ N(m, C) and white noise of variance v the best linear estimate is m + C (C + v)^-1
    (y - m).
    """
    generator = np.random.default_rng(0)
    factor, mean, variance = 0.05 * generator.normal(size=(4, 4)), np.full(4, 0.5), 0.01
    clean = mean + generator.normal(size=(60_000, 4)) @ factor.T
    noisy = clean + generator.normal(0, np.sqrt(variance), clean.shape)
    shaped = [array.reshape(-1, 2, 2, 1).astype(np.float32) for array in (noisy, clean)]
    denoise = filters.linear_denoiser(*shaped, *(array[:1000] for array in shaped))
    covariance = factor @ factor.T
    expected = mean + (noisy[:50] - mean) @ np.linalg.solve(
        covariance + variance * np.eye(4), covariance
    )
    np.testing.assert_allclose(
        denoise(shaped[0][:50]).reshape(-1, 4), np.clip(expected, 0, 1), atol=0.01
    )


def test_linear_denoiser_chooses_its_penalty_on_held_out_images(pairs):
    """From 100 noisy images of 784 pixels least squares almost copies its input; a large penalty
    does better.
    """
    noisy, clean, held_out = pairs[0][:100], pairs[1][:100], pairs[2:]
    denoise = filters.linear_denoiser(noisy, clean, *held_out)
    best = image.psnr(denoise(held_out[0]), held_out[1]).mean()
    for penalty in (1, 30, 300, 3000):
        other = sklearn.linear_model.Ridge(penalty).fit(
            noisy.reshape(100, -1), clean.reshape(100, -1)
        )
        output = (
            np.clip(other.predict(held_out[0].reshape(50, -1)), 0, 1)
            .reshape(held_out[0].shape)
            .astype(np.float32)
        )
        assert best >= image.psnr(output, held_out[1]).mean() - 1e-4


def rows_of_a_study():
    def row(**fields):
        return (
            dict.fromkeys(csv_rows.ROW_FIELDS, "")
            | {"dataset": "digits", "n_train": "438", "metric": "psnr"}
            | fields
        )

    for seed in range(3):
        for test, value in (("gaussian:0.1", 27 + 0.1 * seed), ("masking:0.5", 20), ("none", 40)):
            for kind, model in (
                ("own", test if test != "none" else "gaussian:0.1"),
                ("blind", "gaussian:0.1,masking:0.5"),
            ):
                yield row(
                    seed=str(seed),
                    augmentation=kind,
                    corruption=model,
                    model="dae",
                    test_corruption=test,
                    value=str(value),
                )
                yield row(
                    seed=str(seed),
                    augmentation=kind,
                    corruption=model,
                    model="dae",
                    test_corruption=test,
                    value="12",
                    metric="psnr_input",
                )
        yield row(
            seed=str(seed),
            augmentation="blind",
            corruption="gaussian:0.1,masking:0.5",
            model="dae",
            test_corruption="speckle:0.5",
            value="21",
        )
    for test in ("gaussian:0.1", "masking:0.5", "speckle:0.5"):
        yield row(model="linear", test_corruption=test, value="22")
        for name, value in (("median", 23), ("wavelet", 25)):
            yield row(model=name, network="sigma=0.1", test_corruption=test, value=str(value))


def test_report(tmp_path):
    """Mean 27.1 of 27.0, 27.1, 27.2: half width 4.3027 * 0.1 / sqrt(3) = 0.248; 25 is the best
    classical, 22 the linear one.
    """
    csv_rows.write_rows(tmp_path / "rows.csv", rows_of_a_study())
    report.write(tmp_path)
    text = (tmp_path / "report.md").read_text()
    assert "| gaussian:0.1 | wavelet 25.00 | +2.10 ± 0.25 | +2.10 ± 0.25 | +5.10 ± 0.25 |" in text
    assert "| masking:0.5 | wavelet 25.00 | -5.00 ± 0.00 | -5.00 ± 0.00 | -2.00 ± 0.00 |" in text
    assert "| speckle:0.5 | wavelet 25.00 |  | -4.00 ± 0.00 |  |" in text
    assert "| corrupted | 12.00 | 12.00 |" in text
    assert "| own model | 27.10 ± 0.25 | 20.00 ± 0.00 |" in text


@pytest.mark.slow
def test_study_through_the_command_line(small_digits, tmp_path):
    study = (
        "study",
        "denoising",
        "--dataset",
        small_digits,
        "--epochs",
        "1",
        "--threads",
        "1",
        "--seeds",
        "0",
        "--output",
        tmp_path,
        "--corruptions",
        "gaussian:0.1",
        "masking:0.5",
        "--unseen",
        "speckle:0.5",
    )
    process = run_tfdvae(*study)
    assert process.returncode == 0, process.stderr
    rows = csv_rows.read_rows(tmp_path / "rows.csv")
    names = {row["model"] for row in rows}
    assert names == {"dae", "linear", *CLASSICAL}
    tested = {
        (row["augmentation"], row["test_corruption"]) for row in rows if row["model"] == "dae"
    }
    assert tested == {("own", "gaussian:0.1"), ("own", "masking:0.5"), ("own", "none")} | {
        ("blind", test) for test in ("gaussian:0.1", "masking:0.5", "speckle:0.5", "none")
    }
    value = {
        (row["model"], row["test_corruption"]): float(row["value"])
        for row in rows
        if row["metric"] == "psnr"
    }
    given = {
        row["test_corruption"]: float(row["value"]) for row in rows if row["metric"] == "psnr_input"
    }
    for test in ("gaussian:0.1", "masking:0.5"):
        assert value["linear", test] > given[test] + 3
    assert (tmp_path / "figures" / "seen.png").exists()
    again = run_tfdvae(*study[:6], *study[8:])  # the threads of the folder go on
    assert "9 cells, 9 done before" in again.stdout
    other = run_tfdvae(*study[:5], "3", *study[6:])
    assert other.returncode == 2
    assert "holds a study with" in other.stderr
