from pathlib import Path

import pytest

from tfdvae.studies import cell_names


@pytest.mark.parametrize(
    ("name", "seed"),
    [("corrupted-none-seed0.npz", 0), ("clean-vae-seed12.csv", 12), ("classical-masking-0.5", 0)],
)
def test_seed(name, seed):
    assert cell_names.seed_of(Path("cells") / name) == seed


def test_first_seed_is_by_number():
    paths = [Path(f"a-seed{seed}.npz") for seed in (10, 9, 100)]
    assert cell_names.of_first_seed(paths) == paths[1]
    assert cell_names.of_first_seed([]) is None
