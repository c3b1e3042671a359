import re
from pathlib import Path

import numpy as np
import pytest

from tfdvae._utils import limits
from tfdvae.data import findings


@pytest.mark.parametrize(
    ("largest", "said"),
    [
        ({"uint8": 64}, None),
        ({"uint8": 255, "uint16": 16384, "float32": 0.25}, None),
        ({"uint8": 1}, "The largest value is 1 in uint8, where white is 255: .* --white 1 makes"),
        ({"uint8": 63}, "--white 63 makes"),
        ({"uint16": 255}, "--white 255 makes 8 bits the whole range"),
        ({"uint16": 1023}, "--white 1023 makes 10 bits"),
        ({"uint16": 3907}, "is 3,907 in uint16, where white is 65,535: .* --white 4095 makes 12 "),
        ({"uint16": 16383}, "--white 16383 makes 14 bits"),
        ({"uint16": 300}, "--white 1023 makes 10 bits the whole range, --white auto the largest"),
        ({"uint16": 5}, "--white 5 makes that"),
        ({"float32": 0.0625}, "is 0.0625 in float32, where white is 1: .* --white 0.0625"),
        ({"uint8": 0}, "these images are black"),
        ({"uint8": 255, "uint16": 4095}, "4,095 in uint16"),
    ],
)
def test_dark(largest, said):
    found = findings.dark(largest)
    if said is None:
        assert found == ""
    else:
        assert re.search(said, found)


def test_constant_images_are_counted_and_three_are_named():
    images = np.random.default_rng(0).integers(0, 256, (9, 4, 4, 3), np.uint8)
    images[[1, 4, 5, 8]] = [7, 8, 9]
    images[2, ..., 0] = 3
    parts = [(images, "train/{}".format), (images[:2], "test/{}".format)]
    with limits.use(piece_bytes=2 * images[0].nbytes):
        found = findings.constant_images(parts)
    assert found == (
        "5 of 11 images are constant, all their pixels equal, the first train/1, train/4, train/5."
    )
    assert findings.constant_images([(images[:1], str)]) == ""
    assert findings.constant_images([(images[1:2], str)]).startswith("1 of 1 images is constant")
    assert findings.constant_images([(images[:, :1, :1], str)]) == "", (
        "one pixel is always constant"
    )


def test_transparent():
    assert findings.transparent([], 0) == ""
    assert findings.transparent(["a.png"], 1) == (
        "1 image has transparent parts, which are white now (--background black makes them "
        "black), the first a.png."
    )
    assert findings.transparent(list("abcd"), 1200).startswith("1,200 images have")
    assert findings.transparent(list("abcd"), 1200).endswith("the first a, b, c.")


def test_names_stay_within_their_line():
    names = ["new\nline.png", "bell\a.png"]
    images = np.zeros((2, 4, 4, 1), np.uint8)
    for said in (
        findings.transparent(names, 2),
        findings.constant_images([(images, names.__getitem__)]),
    ):
        assert said.endswith("the first new\\nline.png, bell\\x07.png.")


def test_lost_metadata_are_told_with_one_reason():
    names = [Path(f"{name}.tif") for name in "abcd"]
    assert findings.lost(names, 4, "cannot be read: a\nb.") == (
        "The images of 4 TIFF files were written, but metadata were left out, the first a.tif, "
        "b.tif, c.tif: those of a.tif cannot be read: a\\nb."
    )
    assert findings.lost([], 0, "") == ""


@pytest.mark.parametrize(
    ("largest", "said"),
    [
        ({"uint16": 4000}, "value is 4,000 in uint16, where white is 65,535. PSNRs are of the"),
        ({"uint16": 4000}, "24 dB more"),
        ({"float32": 0.1}, "20 dB more"),
        ({"uint8": 64}, ""),
        ({"uint8": 0}, ""),
    ],
)
def test_small_range(largest, said):
    found = findings.small_range(largest)
    assert said in found
    assert bool(said) == bool(found)
