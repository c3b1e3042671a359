"""A study with more seeds, training sets or noises has the rows of the smaller one."""

import pytest

from tests.helpers.processes import run_tfdvae
from tfdvae import csv_rows

pytestmark = pytest.mark.slow
FIXED = (
    "study augmentation --n-train 60 --epochs 2 --classifier-steps 4 --threads 1 "
    "--conditions noisy --protocols equal_steps --other-noise masking:0.1"
)


@pytest.fixture(scope="module")
def rows(small_digits, tmp_path_factory):
    folder = tmp_path_factory.mktemp("studies")

    def computed(options):
        output = folder / options.replace(" ", "")
        command = [*FIXED.split(), "--dataset", small_digits, "--output", output]
        done = run_tfdvae(*command, *options.split())
        assert done.returncode == 0, done.stderr
        return csv_rows.read_rows(output / "rows.csv")

    return computed


def test_more_changes_no_row(rows):
    small = rows("--seeds 0 --sets limited --test-noise 0 0.1")
    assert len(small) > 20
    more = rows("--seeds 1 0 --sets limited dae --test-noise 0 0.1 0.3")
    assert [row for row in small if row not in more] == []
