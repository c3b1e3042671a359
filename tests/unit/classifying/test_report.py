"""The report of `tfdvae classify`, of predictions that are made up."""

import numpy as np
import pytest

from tfdvae.classifying import report
from tfdvae.classifying.choosing import Gain
from tfdvae.classifying.images import Images, Labelled
from tfdvae.classifying.outcome import Outcome, Predictions

NAMES = ("healthy", "sick")


def of(found, count=20):
    """Predictions of two classes, of whose first so many images are found, of the second all."""
    labels = np.repeat([0, 1], count)
    images = np.random.default_rng(0).random((2 * count, 8, 8, 1), np.float32)
    names = [f"{number:02}.png" for number in range(2 * count)]
    said = np.where(np.arange(2 * count) < found, 0, 1)
    return Predictions(Labelled(images, labels, names, None), 0.2 + 0.6 * np.eye(2)[said])


@pytest.mark.parametrize("with_test", [False, True])
def test_a_class_that_is_mostly_missed_is_told_below_the_box(with_test, tmp_path):
    """As in a trial on pneumonia, where 35 of 100 healthy images were found."""
    held_out, test = of(7), of(4) if with_test else None
    images = Images(
        "X-rays",
        NAMES,
        held_out.images,
        test.images if test else None,
        "uint8",
        255.0,
        None,
        "",
        "",
    )
    outcome = Outcome(
        images,
        [Gain("classical", 0.69, 0.75, -0.15, 0.03)],
        "limited",
        held_out,
        held_out.probabilities,
        held_out.probabilities,
        test,
        1.0,
        5,
        100,
        None,
        "a small network",
        False,
    )
    report.write(tmp_path, outcome, {"dataset": "xrays"}, "accuracy", quick=True)
    lines = [line for line in (tmp_path / "report.md").read_text().splitlines() if line]
    box = next(number for number, line in enumerate(lines) if line.startswith("> "))
    held = "- **Warning: healthy is found less often than not**: 7 of 20 images."
    tested = "- **Warning: healthy is hardly ever found**: 4 of 20 images."
    assert lines[box + 1] == (tested if with_test else held)
    assert [line for line in lines if "Warning" in line] == [tested, held][1 - with_test :]
