import pytest

from tfdvae.config.learn import LearnConfig


@pytest.mark.parametrize(
    ("time", "seconds"), [(None, None), ("90s", 90), ("10m", 600), ("1.5h", 5400), (" 2 m ", 120)]
)
def test_time(time, seconds):
    assert LearnConfig(learn="in", output="out", time=time).seconds == seconds


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"time": "10"}, ValueError, "`time` must be a number above 0 and s, m or h"),
        ({"time": "0s"}, ValueError, "`time` must be a number above 0"),
        ({"time": "-1m"}, ValueError, "`time` must be a number above 0"),
        ({"noise": 0.0}, ValueError, r"`noise` must be .* \(above 0\); got 0"),
        ({"noise": 25.0}, ValueError, "`noise` must be .*; got 25"),
        ({"objective": "observed"}, ValueError, "`objective` must be one of"),
        ({"objective": "mask"}, ValueError, "Did you mean 'masked'"),
        ({"patch_size": 30}, ValueError, "`patch_size` must be a multiple of 4, .*; got 30"),
        ({"patch_size": 12}, ValueError, "`patch_size` must be .*; got 12"),
        ({"patch_size": 1024}, ValueError, "`patch_size` must be .*; got 1024"),
        ({"patch_size": 64.0}, TypeError, "`patch_size`"),
        ({"frames": 2}, ValueError, "`frames` must be odd, as many before as after; got 2"),
        ({"frames": 0}, ValueError, "`frames` must be .*; got 0"),
        ({"frames": 17}, ValueError, "`frames` must be .*; got 17"),
        ({"seed": -1}, ValueError, "`seed`"),
        ({"threads": 0}, ValueError, "`threads`"),
        ({"learn": ""}, ValueError, "`learn`"),
    ],
)
def test_refused(settings, error, message):
    with pytest.raises(error, match=message):
        LearnConfig(**{"learn": "in", "output": "out", **settings})
