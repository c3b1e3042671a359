"""Digits so small that whole runs and studies take less time."""

from pathlib import Path

import numpy as np


def write(path: Path) -> None:
    """Write an .npz file of 400 digits to train on and 100 to test on, of 12x12 pixels."""
    from tfdvae.data import sources

    source = sources.load("digits")
    np.savez(
        path,
        x_train=source.train.images[:400, 2:-2:2, 2:-2:2],
        y_train=source.train.labels[:400],
        x_test=source.test.images[:100, 2:-2:2, 2:-2:2],
        y_test=source.test.labels[:100],
    )
