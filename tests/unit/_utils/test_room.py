import pytest

from tfdvae._utils import limits, room


@pytest.mark.parametrize(
    ("bytes_", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (3.92e18, "3.92 EB"), (10**40, "1e+16 YB")],
)
def test_size(bytes_, text):
    assert room.size(bytes_) == text


def test_disk(tmp_path):
    folder = tmp_path / "not" / "there"
    room.check_disk("count", 1, folder, 1)
    with pytest.raises(
        ValueError, match=r"`count` 7 would take about 1 YB in .*there, where .* fre"
    ):
        room.check_disk("count", 7, folder, 10**24)
    assert room.on_disk(1, folder) == room.on_disk(0, folder) >= 1
    assert room.on_disk(10**6 + 1, folder) > 10**6


def test_memory():
    with limits.use(memory_bytes=1000):
        room.check_memory("count", 1, 1000)
        with pytest.raises(
            ValueError, match=r"`count` 2 would take 1 kB of memory; .* 1 kB\. Less"
        ):
            room.check_memory("count", 2, 1001, " Less.")
