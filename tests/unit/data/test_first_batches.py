"""What the pipelines give first is what it was when `tests/fixtures/first_batches.json` was made.

A change here changes the results of everybody who repeats a run. To make the file anew, after a
change that is meant and is in the changelog: `python -m tests.unit.data.test_first_batches`.
"""

import json

import numpy as np

from tests.helpers.processes import ROOT
from tfdvae.corruptions import KINDS
from tfdvae.data import patches, pipelines, splits

FILE = ROOT / "tests" / "fixtures" / "first_batches.json"
IMAGES = np.tile(np.linspace(0.2, 0.8, 36, dtype=np.float32).reshape(1, 6, 6, 1), (8, 1, 1, 1))
NUMBERS = np.arange(8)


def first(dataset, count=3):
    return [batch for _, batch in zip(range(count), dataset, strict=False)]


def found():
    """Return numbers of each pipeline by its name; those of pixels are floats."""
    numbered = pipelines.training_batches((IMAGES, NUMBERS), 3, 7, "fixture")
    changed = pipelines.training_batches(
        (IMAGES, NUMBERS), 3, 7, "fixture", transform=pipelines.classic_augmentation()
    )
    picture = np.arange(144, dtype=np.float32).reshape(12, 12, 1) / 144
    cut = patches.training_patches([picture, picture[:, ::-1]], 4, 3, 7, "fixture")
    values = {
        "order of images": [batch[1].numpy().tolist() for batch in first(numbered, 5)],
        "subset": splits.stratified_subset(np.arange(40) % 4, 12, 7).tolist(),
        "augmented": [batch[0].numpy()[:, 2, 2, 0].tolist() for batch in first(changed)],
        "patches": [batch.numpy()[:, 0, :, 0].tolist() for batch in first(cut)],
    }
    for kind in KINDS.names():
        if kind != "none":
            noisy = pipelines.freeze_noise(IMAGES, NUMBERS, KINDS.get(kind)(0.5), 7, "fixture")
            values[f"noise {kind}"] = noisy[:3, ::2, 3, 0].tolist()
    return values


def test_first_batches_are_those_of_before():
    made, expected = found(), json.loads(FILE.read_text())
    assert made.keys() == expected.keys()
    for name, values in made.items():
        np.testing.assert_allclose(values, expected[name], atol=1e-5, err_msg=name)


if __name__ == "__main__":
    FILE.write_text(json.dumps(found(), indent=1) + "\n")
