"""How the training images of `denoised` should be mixed with their denoised selves.

python benchmarks/mixes.py --data-dir FOLDER --seeds 100 101

An image y becomes (1 - t) y + t d, where d is the denoised one; in the training set t is random in
[0, 1]. Here it is drawn otherwise. Fashion-MNIST, 2,000 images with noise of 0.2, development
seeds, all else as in the study. Accuracy is of 10,000 validation images, as noisy as the training
images and at each of the five test noises.

Rows go to results/development/mixes/seed-S.csv as they come, and are kept by the next start; the
table of all of them to table.md beside them.
"""

import argparse
import csv
import dataclasses
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import numpy as np
import tensorflow as tf

from tfdvae import corruptions
from tfdvae._utils import files, threads
from tfdvae.data import sources
from tfdvae.experiment import evaluation
from tfdvae.metrics import classification
from tfdvae.reporting.document import Document, Paragraph, Table
from tfdvae.studies.augmentation import training
from tfdvae.studies.augmentation.images import Images, prepare
from tfdvae.studies.augmentation.settings import AugmentationStudyConfig
from tfdvae.training_sets import batches

FOLDER = Path(__file__).parents[1] / "results" / "development" / "mixes"
NOISE = "gaussian:0.2"  # of the training images
TEST_NOISES = ("none", "gaussian:0.05", "gaussian:0.1", "gaussian:0.15", NOISE)
OBSERVED = "observed"  # of validation images as noisy as the training images
CONFIG = AugmentationStudyConfig(
    conditions=("noisy",),
    train_noise=(NOISE,),
    n_train=2000,
    sets=("fresh-noise", "denoised"),
    reference="fresh-noise",
    protocols=("equal_steps",),
    schedule="cosine",
    label_smoothing=0.1,
    classifier_steps=2340,
    precision="bfloat16",
    development=True,
    threads=1,
)

Strength = Callable[[tf.Tensor], tf.Tensor]  # t, of random numbers in [0, 1)


@dataclasses.dataclass(frozen=True)
class Row:
    """A training set: its name in the study, and how t is drawn."""

    training_set: str = "denoised"
    strength: Strength = tf.identity


ROWS = {
    "not mixed: `fresh-noise`": Row("fresh-noise"),
    "t in [0, 1]: `denoised`": Row(),
    "t in [0.5, 1]": Row(strength=lambda numbers: 0.5 + numbers / 2),
    "t = 0 or 1, as often": Row(strength=tf.round),
    "t = 0.5": Row(strength=lambda numbers: 0.5 * tf.ones_like(numbers)),
    "t = 1: denoised images alone": Row(strength=tf.ones_like),
}


def mix(strength: Strength) -> batches.Step:
    """Return `batches.mix` for one view of each image, with strengths that are drawn otherwise."""

    def step(seed: tf.Tensor, images: tf.Tensor, views: tf.Tensor, *others: tf.Tensor) -> tuple:
        own = tf.random.split(seed, 2)[0]
        part = strength(tf.random.stateless_uniform([tf.shape(images)[0], 1, 1, 1], own))
        return ((1 - part) * images + part * views[:, 0], *others)

    return step


def accuracies(
    config: AugmentationStudyConfig, row: Row, noisy: Images, clean: Images, seed: int
) -> dict[str, float]:
    """Return the accuracy at each noise of a classifier that learned from a training set.

    Args:
        config: settings of the study; `output` is where denoised images are kept.
        row: of `ROWS`.
        noisy: training images, and validation images as noisy as they are.
        clean: the same images without noise.
        seed: root seed.
    """
    config = dataclasses.replace(config, development=False)  # no learning curve
    with mock.patch.object(batches, "mix", mix(row.strength)):
        model, _, _ = training.train_classifier(
            config, noisy, row.training_set, "equal_steps", seed
        )
    measure = classification.parse("accuracy")

    def accuracy(images: np.ndarray, noise: str) -> float:
        outputs = evaluation.classifier_outputs(model, images, corruptions.parse(noise), seed)
        return measure(classification.probabilities(outputs), noisy.held_out_labels)

    shown = {noise: accuracy(clean.held_out, noise) for noise in TEST_NOISES}
    return {OBSERVED: accuracy(noisy.held_out, "none")} | shown


def read(path: Path) -> list[dict[str, str]]:
    """Return the rows of a file, none where it is missing."""
    if not path.exists():
        return []
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def table(rows: list[dict[str, str]]) -> Document:
    """Return the means over the seeds, of each row that has all of them."""
    seeds = sorted({row["seed"] for row in rows})
    body = []
    for name in ROWS:
        of_name = [row for row in rows if row["mix"] == name]
        if {row["seed"] for row in of_name} != set(seeds):
            continue
        means = [
            np.mean([float(row[noise]) for row in of_name for noise in noises])
            for noises in ((OBSERVED,), TEST_NOISES[:1], TEST_NOISES)
        ]
        body.append([name, *(f"{100 * mean:.2f}" for mean in means)])
    text = (
        f"Accuracy of 10,000 validation images, %, mean of seeds {', '.join(seeds)}, by "
        "`benchmarks/mixes.py`: as noisy as the training images, clean, and over five noises."
    )
    head = ["(1 - t) y + t d", "as noisy", "clean", "five noises"]
    return Document("Mixes of noisy and denoised images", [Paragraph(text), Table(head, body)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[100, 101])
    arguments = parser.parse_args()
    threads.use_threads(CONFIG.threads)
    dataset = sources.load("fashion_mnist", arguments.data_dir)
    FOLDER.mkdir(parents=True, exist_ok=True)
    config = dataclasses.replace(CONFIG, output=str(FOLDER))
    for seed in arguments.seeds:
        noisy = prepare(config, dataset, "noisy", seed, NOISE)
        clean = prepare(config, dataset, "clean", seed)
        path = FOLDER / f"seed-{seed}.csv"
        for name, row in ROWS.items():
            rows = read(path)
            if name in [each["mix"] for each in rows]:
                continue
            found = accuracies(config, row, noisy, clean, seed)
            texts = {noise: f"{value:.6g}" for noise, value in found.items()}
            rows.append({"mix": name, "seed": str(seed)} | texts)
            with files.replacing(path) as temporary, open(temporary, "w", newline="") as file:
                writer = csv.DictWriter(file, rows[0])
                writer.writeheader()
                writer.writerows(rows)
            print(name, texts, flush=True)
    written = table([row for path in sorted(FOLDER.glob("seed-*.csv")) for row in read(path)])
    files.write_text(FOLDER / "table.md", written.markdown())
    print(written.markdown())


if __name__ == "__main__":
    main()
