import hashlib

import numpy as np
import tensorflow as tf

from tfdvae._utils import seeds


def test_stream_is_the_documented_hash():
    expected = int(hashlib.sha256(b"7/observed").hexdigest()[:8], 16) >> 1
    assert seeds.stream(7, "observed") == expected


def test_streams_differ_by_root_and_purpose():
    numbers = {seeds.stream(root, purpose) for root in range(50) for purpose in ("a", "b", "c")}
    assert len(numbers) == 150
    assert all(0 <= number < 2**31 for number in numbers)


def test_pair_of_a_tensor_has_one_seed_an_element():
    pairs = seeds.pair(3, "x", tf.range(4)).numpy()
    assert pairs.dtype == np.int32
    assert np.array_equal(pairs, [[seeds.stream(3, "x"), i] for i in range(4)])
    assert np.array_equal(seeds.pair(3, "x", 2).numpy(), pairs[2])


def test_generator_leaves_the_global_one_alone():
    np.random.seed(0)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first, second = (seeds.generator(1, "x").random(3) for _ in range(2))
    assert np.array_equal(first, second)
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002
