import numpy as np
import pytest
from PIL import Image

from tfdvae.reporting import class_plots

NAMES = ("a $b$ name", "_hidden", "n" * 60)


@pytest.mark.parametrize("classes", [2, 3, 25])
def test_confusion(classes, tmp_path):
    """Classes without images, and more of them than have their counts written."""
    counts = np.diag(np.arange(classes))
    names = [NAMES[number % 3] for number in range(classes)]
    class_plots.confusion(counts, names, "title", tmp_path / "a.png")
    assert Image.open(tmp_path / "a.png").size > (200, 200)


@pytest.mark.parametrize(("count", "channels"), [(1, 1), (7, 3)])
def test_captioned_images(count, channels, tmp_path, noise):
    captions = [f"{name}\nis this" for name in (NAMES * 3)[:count]]
    class_plots.captioned(noise(count, 6, 5, channels), captions, "title", tmp_path / "a.png")
    assert Image.open(tmp_path / "a.png").size > (100, 100)
