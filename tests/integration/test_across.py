"""`benchmarks/across.py` tells what the report of a study tells, where both sets are in one."""

import numpy as np

from benchmarks import across
from tfdvae import csv_rows


def test_a_study_beside_itself():
    folder = "denoised_training"
    words, seeds, *leads = across.line("a", (folder, "denoised"), (folder, "fresh-noise"))
    assert (words, seeds) == ("a", "20 to 29")
    report = (across.RESULTS / folder / "report.md").read_text()
    for lead in leads:
        said = "(" + lead.replace(" (", " points, 95% interval ").replace(")", "; 10 seeds")
        assert said in report
    assert leads == ["+0.93 (+0.66 to +1.20)", "+0.53 (+0.39 to +0.68)"]


def test_two_studies_over_the_seeds_of_both():
    _, seeds, *leads = across.line(
        "a", ("denoised_sizes/assumed-1.3", "denoised"), ("denoised_training", "denoised")
    )
    assert seeds == "20 to 22"
    values = []
    for folder in ("denoised_sizes/assumed-1.3", "denoised_training"):
        rows = csv_rows.read_rows(across.RESULTS / folder / "rows.csv")
        values.append(
            [
                100 * float(row["value"])
                for row in sorted(rows, key=lambda row: row["seed"])
                if (row["augmentation"], row["metric"]) == ("denoised", "accuracy")
                and row["test_corruption"] == "none"
                and row["seed"] in ("20", "21", "22")
            ]
        )
    assert leads[0].startswith(f"{np.mean(np.subtract(*values)):+.2f} (")
    assert leads == ["-0.48 (-0.85 to -0.10)", "-0.25 (-0.42 to -0.09)"]


def test_a_set_beside_itself_leads_by_nothing():
    side = ("denoised_training", "clean-images")
    assert across.line("a", side, side)[2:] == ["+0.00 (+0.00 to +0.00)"] * 2


def test_the_table_is_that_of_the_studies():
    assert (across.RESULTS / "denoised_sizes" / "across.md").read_text() == across.table()
