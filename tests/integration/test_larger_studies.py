"""A study with more seeds, noises or models has the rows of the smaller one.

`tests/e2e/test_larger_study.py` has the rows of the study of augmentation, as a command.
"""

import dataclasses

import numpy as np
import pytest

from tfdvae import csv_rows
from tfdvae.data.image_dataset import ImageDataset
from tfdvae.studies.augmentation.cells import list_cells as augmentation_cells
from tfdvae.studies.augmentation.settings import AugmentationStudyConfig
from tfdvae.studies.denoising.cells import list_cells as denoising_cells
from tfdvae.studies.denoising.settings import DenoisingStudyConfig
from tfdvae.studies.few_labels.cells import list_cells as few_labels_cells
from tfdvae.studies.few_labels.settings import FewLabelsStudyConfig
from tfdvae.studies.noise.settings import NoiseStudyConfig
from tfdvae.studies.noise.study import list_cells as noise_cells
from tfdvae.studies.noisy_alone.cells import list_cells as noisy_alone_cells
from tfdvae.studies.noisy_alone.settings import NoisyAloneConfig
from tfdvae.studies.uses.cells import list_cells as uses_cells
from tfdvae.studies.uses.settings import UsesStudyConfig

A, B, C, D = "gaussian:0.2", "masking:0.5", "speckle:0.5", "uniform:0.3"
DENOISING = DenoisingStudyConfig(seeds=(0,), corruptions=(A, B), unseen=(C,), epochs=1)
ALONE = NoisyAloneConfig(
    seeds=(0,), noises=(A,), objectives=("masked",), n_train=30, steps=1, precision="float32"
)


@pytest.fixture(scope="module")
def dataset(digits):
    images, labels = (np.asarray(array)[:80] for array in digits[:2])
    images = images[:, 2:-2:2, 2:-2:2]
    return ImageDataset.from_arrays(images[:60], labels[:60], images[60:], labels[60:])


def rows(cell, *given, folder):
    """The rows that a cell writes, without what it took to compute them."""
    cell(*given, folder / "cell.csv")
    found = csv_rows.read_rows(folder / "cell.csv")
    return [row for row in found if row["metric"] != "training_seconds"]


def told(cells):
    """Cells as text: what computes each one, with all its arguments but settings and data."""
    return {name: repr(cell) for name, cell in cells.items()}.items()


def test_cells_of_the_study_of_augmentation():
    """More of all that a folder does not fix."""
    fixed = {"conditions": ("noisy",), "protocols": ("equal_steps",)}
    small = AugmentationStudyConfig(seeds=(0,), sets=("limited", "dvae"), **fixed)
    more = AugmentationStudyConfig(
        seeds=(1, 0),
        sets=("limited", "fresh-noise", "dae", "dvae"),
        conditions=("clean", "noisy"),
        protocols=("equal_epochs", "equal_steps"),
        train_noise=(A, "gaussian:0.1"),
    )
    assert told(augmentation_cells(small)) < told(augmentation_cells(more))


def test_cells_of_the_noise_study():
    """Beside these, what a cell computes depends on the epochs alone, which a folder fixes."""
    small = noise_cells(NoiseStudyConfig(seeds=(0,), targets=("corrupted",)))
    more = noise_cells(NoiseStudyConfig(seeds=(1, 0), targets=("observed", "corrupted")))
    assert small.items() < more.items()


def test_cells_of_the_study_on_few_labels():
    """What a cell computes depends on no other number of labels, method or seed."""
    small = FewLabelsStudyConfig(seeds=(0,), n_labels=(100,), methods=("dae", "supervised"))
    more = dataclasses.replace(small, seeds=(1, 0), n_labels=(500, 100), methods=("pca", "dae"))
    more = dataclasses.replace(more, methods=(*more.methods, "supervised"))
    assert told(few_labels_cells(small)) < told(few_labels_cells(more))


def test_cells_of_the_study_of_uses(dataset, tmp_path):
    """JPEG files are measured once, whichever seed comes first."""
    small, more = (
        uses_cells(UsesStudyConfig(seeds=seeds, uses=uses), 10)
        for seeds, uses in (
            ((0,), ("compression", "anomaly-one")),
            ((1, 0), ("probe", "anomaly-one", "compression")),
        )
    )
    first, second = (rows(cells.pop("jpeg"), dataset, folder=tmp_path) for cells in (small, more))
    assert len(first) == 21
    assert first == second
    assert told(small) < told(more)


@pytest.mark.slow
def test_cells_of_the_denoising_study(dataset, tmp_path):
    """The blind model learns from all corruptions: with one more it is another model. It alone is
    tested on what the settings say.
    """
    more = DenoisingStudyConfig(seeds=(1, 0), corruptions=(D, A, B), unseen=(C,), epochs=1)
    assert {name for name, _ in told(denoising_cells(DENOISING)) - told(denoising_cells(more))} == {
        "blind-seed0"
    }
    more = dataclasses.replace(DENOISING, seeds=(1, 0), unseen=(D, C))
    first, second = (
        rows(denoising_cells(config)["blind-seed0"], config, dataset, folder=tmp_path)
        for config in (DENOISING, more)
    )
    assert [row for row in first if row not in second] == []
    assert {row["test_corruption"] for row in second if row not in first} == {D}


@pytest.mark.slow
def test_cells_of_the_study_of_noisy_images_alone(dataset, tmp_path):
    more = dataclasses.replace(
        ALONE, seeds=(1, 0), noises=(C, A), objectives=("recorrupted", "masked")
    )
    assert told(noisy_alone_cells(ALONE)) < told(noisy_alone_cells(more))
    first, second = (
        rows(
            noisy_alone_cells(config)["gaussian-0.2-masked-seed0"], config, dataset, folder=tmp_path
        )
        for config in (ALONE, more)
    )
    assert len(first) > 1
    assert first == second
