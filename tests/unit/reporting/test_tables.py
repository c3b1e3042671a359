from tfdvae.reporting import tables


def test_accuracy_table():
    rows = [
        {
            "augmentation": augmentation,
            "test_corruption": corruption,
            "metric": metric,
            "value": str(value + shift),
        }
        for augmentation, shift in (("limited", 0.0), ("dvae", 0.01))
        for corruption in ("none", "gaussian:0.1")
        for metric, value in (
            ("accuracy", 0.8),
            ("accuracy_low", 0.75),
            ("accuracy_high", 0.85),
            ("loss", 3.0),
        )
    ]
    assert tables.accuracy_table(rows).markdown().splitlines() == [
        "| trained on | no noise | 10% |",
        "|---|---|---|",
        "| limited | 80.00 (75.00 to 85.00) | 80.00 (75.00 to 85.00) |",
        "| limited + DVAE | 81.00 (76.00 to 86.00) | 81.00 (76.00 to 86.00) |",
    ]


def test_psnr_table():
    rows = [
        {"metric": metric, "test_corruption": test, "value": value}
        for test, values in (("none", (48.13, 30)), ("gaussian:0.1", (20.0, 26.789)))
        for metric, value in zip(("psnr_input", "psnr"), values, strict=True)
    ]
    assert tables.psnr_table(rows).markdown().splitlines() == [
        "| images | no noise | 10% |",
        "|---|---|---|",
        "| as given |  | 20.00 |",
        "| denoised | 30.00 | 26.79 |",
    ]
