import numpy as np
import pytest

from tfdvae.data import duplicates

RANDOM = np.random.default_rng(0)
BYTES = RANDOM.integers(0, 256, (60, 12, 10, 1), np.uint8)


def smooth(count, size=16):
    """Images of a bright bar each, at different places."""
    ramp = np.linspace(0, 3, size)
    shifts = RANDOM.random((count, 2)) * 9
    rows = np.cos(ramp[None] * (1 + shifts[:, :1]) + shifts[:, 1:])
    return np.rint(127 + 60 * (rows[:, :, None] + rows[:, None, ::-1]))[..., None].astype(np.uint8)


@pytest.mark.parametrize(
    "images",
    [
        BYTES,
        BYTES.astype(np.uint16) * 257,
        BYTES.astype(np.float32) / 255,
        RANDOM.integers(0, 256, (60, 5, 7, 3), np.uint8),
        RANDOM.integers(0, 256, (60, 100, 90, 1), np.uint8),
    ],
    ids=["uint8", "uint16", "float32", "color", "large"],
)
def test_equal_images(images):
    found = duplicates.find(images[:50], np.concatenate([images[50:], images[[7, 3]]]))
    assert (found.equal, found.near, found.in_train) == (2, 0, 0)
    assert found.pairs == ((7, 10), (3, 11))


def test_near_images_and_those_that_are_not():
    """Noise of 4% of the deviation of an image is near, of 6% it is not."""
    images = smooth(40).astype(np.float32) / 255
    deviation = images.std(axis=(1, 2, 3), keepdims=True)
    noise = RANDOM.standard_normal(images.shape).astype(np.float32)
    noise /= np.sqrt(np.mean(noise**2, axis=(1, 2, 3), keepdims=True))
    for share, near in ((0.04, 5), (0.06, 0)):
        test = np.concatenate(
            [1 - images[30:], (images + share * deviation * noise)[[4, 1, 2, 9, 20]]]
        )
        found = duplicates.find(images[:30], test)
        assert (found.equal, found.near) == (0, near)
        if near:
            assert found.pairs == ((4, 10), (1, 11), (2, 12))


def test_images_that_differ_in_fine_detail_alone_are_not_near():
    """Their means of blocks are equal."""
    checks = np.indices((16, 16)).sum(axis=0) % 2 * np.float32(0.5) + 0.25
    found = duplicates.find(checks[None, ..., None], 1 - checks[None, ..., None])
    assert (found.equal, found.near) == (0, 0)


def test_a_shifted_image_is_another():
    images = RANDOM.integers(0, 256, (5, 28, 28, 1), np.uint8)
    assert duplicates.find(images, np.roll(images, 1, axis=1)).near == 0


def test_constant_images_do_not_count():
    images = np.repeat(np.arange(6, dtype=np.uint8), 64).reshape(6, 8, 8, 1)
    assert duplicates.find(images, images) == duplicates.Duplicates()


def test_duplicates_in_train():
    found = duplicates.find(BYTES[[0, 1, 0, 2, 1, 0]], BYTES[5:6])
    assert found == duplicates.Duplicates(in_train=3, compared=1)


def test_duplicates_in_test():
    found = duplicates.find(BYTES[:3], BYTES[[5, 0, 5, 6, 0, 5]])
    assert (found.in_train, found.in_test, found.equal) == (0, 3, 2)
    said = duplicates.describe((BYTES[:3], str), (BYTES[[5, 6, 5, 6]], str))
    assert said == "2 of 4 test images are equal to an earlier one."


def test_all_pairs_by_brute_force():
    """Among images of a few values that are often near."""
    base = smooth(6, 8)
    jitter = RANDOM.integers(-3, 4, (60, 8, 8, 1))
    images = np.clip(base[RANDOM.integers(0, 6, 60)].astype(int) + jitter, 0, 255).astype(np.uint8)
    train, test = images[:40], images[40:]
    rms = np.sqrt(np.mean((train[None].astype(float) - test[:, None]) ** 2, axis=(2, 3, 4)))
    expected = (rms <= 0.05 * test.std(axis=(1, 2, 3))[:, None]).any(axis=1).sum()
    found = duplicates.find(train, test)
    assert 0 < expected < 20
    assert found.equal + found.near == expected


def test_what_is_said():
    train = (BYTES[[0, 1, 2, 3, 3]], "a/{}.png".format)
    text = duplicates.describe(train, (BYTES[[9, 3, 1]], "b/{}.png".format))
    assert text == (
        "2 of 3 test images are training images too (2 equal), such as b/1.png and a/3.png, "
        "b/2.png and a/1.png: test scores are too good. Remove them from one side, or give images "
        "that belong together a group (--groups). 1 of 5 training images is equal to an earlier "
        "one."
    )
    assert duplicates.describe(train[:1] + train[1:], (BYTES[9:], str)).startswith("1 of 5")
    assert duplicates.describe((BYTES[:5], str), (BYTES[5:], str)) == ""
