import pytest

from tfdvae.metrics import findings


def psnr(network="mlp", **levels):
    """Return rows of mean PSNR by test corruption: (before, after)."""
    return [
        {
            "network": network,
            "test_corruption": tested.replace("_", ":", 1).replace("_", "."),
            "metric": metric,
            "value": str(value),
        }
        for tested, pair in levels.items()
        for metric, value in zip(("psnr_input", "psnr"), pair, strict=True)
    ]


def active(count):
    return [{"metric": "active_units", "value": f"{float(count):.17g}"}]


def test_harm_is_told_for_each_level_with_its_numbers():
    rows = psnr(gaussian_0_025=(32.04, 16.87), gaussian_0_1=(20.0, 16.85), gaussian_0_4=(8, 12))
    told = findings.harm(rows)
    assert "32.0 and 16.9 dB at 2.5%, 20.0 and 16.9 dB at 10%. " in told
    assert "40%" not in told
    assert "--recipe conv-dae" in told
    assert "tfdvae recipes" in told


@pytest.mark.parametrize(
    "rows",
    [
        [],
        active(0),
        psnr(gaussian_0_1=(20.0, 25.0)),
        psnr(gaussian_0_1=(20.0, 20.0)),
        psnr(none=(48.1, 16.9)),
        [{"network": "mlp", "test_corruption": "none", "metric": "accuracy", "value": "0.5"}],
        psnr(gaussian_0_1=(20.0, 16.0))[1:],
    ],
)
def test_no_harm(rows):
    assert findings.harm(rows) == ""


def test_harm_of_pairs_and_of_other_corruptions():
    assert "20.0 and 19.0 dB of the test images" in findings.harm(psnr(observed=(20, 19)))
    assert "dB at masking:0.5" in findings.harm(psnr(masking_0_5=(20, 19)))


@pytest.mark.parametrize(("network", "advice"), [("mlp", "--recipe"), ("gone", "--recipe")])
def test_advice(network, advice):
    assert advice in findings.harm(psnr(network, gaussian_0_1=(20, 19)))


def test_what_is_a_convolutional_denoiser_already_is_not_told_to_become_one():
    told = findings.harm(psnr("residual_conv", gaussian_0_1=(20, 19)))
    assert "--recipe" not in told
    assert "`--epochs`" in told


@pytest.mark.parametrize(
    ("corruption", "target", "told"),
    [
        ("gaussian:0.1", "observed", True),
        ("masking:0.5", "corrupted", True),
        ("gaussian:0.1", "recorrupted", False),
        ("none", "masked", False),
        ("none", "paired", False),
        ("none", "observed", False),
    ],
)
@pytest.mark.parametrize("network", ["residual_conv", "unet"])
def test_a_corruption_is_no_advice_where_none_helps(network, corruption, target, told):
    """With hidden pixels and pairs of images there can be none, and recorrupted has the noise."""
    fields = {"corruption": corruption, "target": target}
    rows = [row | fields for row in psnr(network, gaussian_0_1=(20, 19))]
    assert ("`--corruption`" in findings.harm(rows)) == told
    assert "`--epochs`" in findings.harm(rows)


def test_harm_that_is_estimated_is_told_as_an_estimate():
    rows = psnr(observed=(20.04, 19.0))
    for row in rows:
        row["metric"] += "_estimated"
    told = findings.harm(rows)
    assert "probably does harm" in told
    assert "Estimated PSNR before and after: 20.0 and 19.0 dB of the test images." in told
    assert findings.harm([*rows[:1], rows[1] | {"value": "21"}]) == ""


@pytest.mark.parametrize(
    ("count", "units", "told"),
    [
        (0, 4, "carries nothing: 0 of 4 latent units"),
        (0, 0, "carries nothing: 0 latent units"),
    ],
)
def test_an_empty_code(count, units, told):
    found = findings.empty_code(active(count), units)
    assert told in found
    assert "`--beta`" in found
    assert "`--beta-warmup`" in found


@pytest.mark.parametrize(
    ("count", "units"), [(1, 4), (4, 4), (4, 32), (1, 9), (7, 0), (1, 10), (3, 32), (12, 128)]
)
def test_a_code_that_carries_something(count, units):
    assert findings.empty_code(active(count), units) == ""


def test_rows_without_active_units():
    assert findings.empty_code(psnr(gaussian_0_1=(20, 19)), 4) == ""
