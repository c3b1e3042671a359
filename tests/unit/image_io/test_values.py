import numpy as np
import pytest

from tfdvae.image_io import values
from tfdvae.image_io.decoding import Unsupported

FITTING = [
    ("int16", [0, 255], np.uint8),
    ("int16", [0, 256], np.uint16),
    ("int32", [0, 65535], np.uint16),
    ("uint64", [0, 1], np.uint8),
    ("float32", [0, 1], np.float32),
    ("float32", [0, 0.5], np.float32),
    ("float32", [0, np.nextafter(np.float32(1), np.float32(2))], np.float32),
    ("float16", [0, 1.001], np.float32),
    ("float64", [-1e-16, 1], np.float32),
    ("float64", [0, 2], np.uint8),
    ("float64", [0, 300], np.uint16),
]


@pytest.mark.parametrize(("dtype", "found", "expected"), FITTING)
def test_fitting_type(dtype, found, expected):
    stored = np.array(found, dtype)
    assert values.fitting_type(stored.dtype, [stored[:1], stored[1:]]) == expected


@pytest.mark.parametrize(
    ("dtype", "found", "message"),
    [
        ("int16", [-1, 7], "signed integers of 16 bits from -1 to 7"),
        ("uint32", [0, 65536], "integers of 32 bits from 0 to 65536"),
        ("float32", [0, 1.01], "floats of 32 bits from 0 to 1.00999"),
        ("float32", [-0.5, 1], "floats of 32 bits from -0.5 to 1"),
        ("float64", [0, np.nan], "NaN or infinite"),
        ("float64", [0, np.inf], "NaN or infinite"),
        ("float64", [0.5, 300], "from 0.5 to 300"),
        ("complex64", [0, 1], "must hold whole numbers or floats; got complex64"),
    ],
)
def test_values_that_are_no_images(dtype, found, message):
    with pytest.raises(Unsupported, match=message):
        values.fitting_type(np.dtype(dtype), [np.array(found, dtype)])


def test_an_excess_of_rounding_size_is_cut_off():
    found = values.cast(np.array([-1e-17, 0.5, np.nextafter(1, 2)]), np.dtype(np.float32))
    assert found.tolist() == [0, 0.5, 1]
    assert found.dtype == np.float32


def test_white_stays_white():
    eight = np.array([0, 51, 255], np.uint8)
    assert values.rescale(eight, np.dtype(np.uint16)).tolist() == [0, 51 * 257, 65535]
    assert values.rescale(eight, np.dtype(np.float32)).tolist() == [0, np.float32(0.2), 1]
    sixteen = np.array([0, 65535], np.uint16)
    assert values.rescale(sixteen, np.dtype(np.float32)).tolist() == [0, 1]
    assert values.rescale(sixteen, np.dtype(np.uint16)) is sixteen
