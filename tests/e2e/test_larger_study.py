"""A study with more seeds, training sets and noises has the rows of the smaller one."""

import pytest

from tests.helpers.processes import run_tfdvae
from tfdvae import csv_rows

pytestmark = pytest.mark.slow
FIXED = (
    "study augmentation --n-train 60 --epochs 2 --classifier-steps 4 --threads 1 "
    "--conditions noisy --protocols equal_steps"
)


def rows(folder, dataset, options):
    command = [*FIXED.split(), "--dataset", dataset, "--output", folder, *options.split()]
    done = run_tfdvae(*command)
    assert done.returncode == 0, done.stderr
    return csv_rows.read_rows(folder / "rows.csv")


def test_more_changes_no_row(small_digits, tmp_path):
    less = "--seeds 0 --sets limited --test-noise 0 0.1"
    small = rows(tmp_path / "small", small_digits, less)
    again = rows(
        tmp_path / "small", small_digits, "--seeds 0 1 --sets limited classical --test-noise 0 0.1"
    )
    other = rows(
        tmp_path / "other", small_digits, "--seeds 1 0 --sets dae limited --test-noise 0 0.1 0.3"
    )
    assert small, "there is something to compare"
    assert [row for row in again if row in small] == small
    assert [row for row in other if row in small] == small
