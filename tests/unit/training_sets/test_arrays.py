"""The arrays of training sets: where each begins, and what it is mixed with."""

import numpy as np
import pytest

from tfdvae.config.sets import SETS
from tfdvae.training_sets.arrays import of_set

NOISY = np.arange(6, dtype=np.float32).reshape(3, 2, 1, 1)
CLEAN = NOISY - 10
SEEN = NOISY[:, None] + 100
LABELS = np.array([2, 0, 1])


@pytest.mark.parametrize("name", SETS)
def test_where_each_begins_and_what_comes_with_it(name):
    row = SETS[name]
    seen = SEEN if row.views else None
    arrays, transform = of_set(row, NOISY, LABELS, 0.1, 0, seen, CLEAN)
    assert len(arrays) == (3 if row.views else 2)
    assert all(len(parts) == row.copies for parts in (arrays[0], arrays[-1]))
    more, _ = of_set(row, NOISY, LABELS, 0.1, 0, seen, CLEAN, (SEEN[:, 0], LABELS[:1]))
    assert [len(parts) for parts in (more[0], more[-1])] == [row.copies + 1] * 2
    np.testing.assert_array_equal(more[0][-1], SEEN[:, 0])
    np.testing.assert_array_equal(more[-1][-1], LABELS[:1])
    assert all(part is LABELS for part in arrays[-1])
    if row.views:
        assert arrays[1][0] is SEEN
    begun = {"observed": NOISY, "clean": CLEAN}
    if row.start != "shuffled":
        assert all(part is begun[row.start] for part in arrays[0])
    else:  # the denoised image, 100 above, with what was taken off another one, -100
        np.testing.assert_array_equal(arrays[0][0], NOISY)
    assert (transform is None) == (not row.batches)
