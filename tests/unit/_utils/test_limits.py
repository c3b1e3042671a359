import dataclasses

import pytest

from tfdvae._utils import chunks, limits


def test_limits_apply_within_the_block_alone():
    before = limits.current()
    assert before == limits.Limits()
    with limits.use(piece_bytes=100, batch_bytes=30) as inside:
        assert limits.current() is inside
        assert inside == dataclasses.replace(before, piece_bytes=100, batch_bytes=30)
        assert [piece.stop - piece.start for piece in chunks.pieces(25, 10)] == [10, 10, 5]
        assert chunks.batch_rows(10, 256) == 3
        with limits.use(piece_bytes=50):
            assert limits.current().batch_bytes == 30, "the others stay"
    assert limits.current() is before


def test_limits_are_restored_after_an_error():
    with pytest.raises(KeyError), limits.use(file_images=1):
        raise KeyError
    assert limits.current() == limits.Limits()


def test_unknown_limit():
    with pytest.raises(TypeError, match="pieces"), limits.use(pieces=1):
        pass


def test_memory():
    assert limits.memory() > 2**28
    with limits.use(memory_bytes=2**20):
        assert limits.memory() == 2**20
