"""Whether images written by `tfdvae augment` are worth as much to a classifier as those in memory.

python benchmarks/augmented_files.py --data-dir FOLDER

goes on where it was stopped, by the seeds that `rows.csv` holds (without the file all are trained),
and writes `report.md`, both in results/augmented_files. For each seed a DVAE learns from 5,000
images of Fashion-MNIST, with Gaussian noise of 0.1 and 8 bits a pixel. Its synthetic images are
written by `tfdvae augment`, beside the originals, and read back with
`keras.utils.image_dataset_from_directory`; or they are made and used in memory. The published CNN
is trained on both, for as many steps, in orders that differ, and tested on all test images.
"""

import argparse
import tempfile
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tfdvae import classifier, corruptions, csv_rows
from tfdvae._utils import files
from tfdvae._utils.threads import use_threads
from tfdvae.cli.commands.augment import augment
from tfdvae.config import AugmentConfig
from tfdvae.data import image_dataset, pipelines, sources, splits
from tfdvae.experiment import evaluation
from tfdvae.image_io import codec
from tfdvae.inference import image_arrays
from tfdvae.inference.augmentation import Augmenter
from tfdvae.metrics import classification, statistics
from tfdvae.reporting.document import Document, Paragraph, Table
from tfdvae.studies.augmentation.settings import AugmentationStudyConfig
from tfdvae.studies.augmentation.training import train_generator

ROOT = Path(__file__).parents[1]
SEEDS, COUNT, STEPS, DTYPE = range(10), 5000, 1200, "mixed_bfloat16"
WAYS = ("files", "memory")


def accuracy(
    model: keras.Model, batches: tf.data.Dataset, source: image_dataset.ImageDataset
) -> float:
    """Train on endless batches and return the accuracy on the test images in %."""
    model.fit(batches, epochs=1, steps_per_epoch=STEPS, shuffle=False, verbose=0)
    outputs = evaluation.classifier_outputs(model, source.test.images, corruptions.parse("none"), 0)
    return 100 * classification.accuracy(outputs, source.test.labels)


def both_ways(source: image_dataset.ImageDataset, seed: int) -> tuple[float, float]:
    """Return the accuracy after training on files, and on arrays."""
    index = splits.stratified_subset(np.asarray(source.train.labels), COUNT, seed)
    index = index[
        np.argsort(source.train.labels[index], kind="stable")
    ]  # as folders of classes are read
    noisy = pipelines.freeze_noise(
        image_dataset.to_unit(source.train.images[index]),
        index,
        corruptions.parse("gaussian:0.1"),
        seed,
        "observed",
    )
    stored, labels = (
        image_arrays.to_dtype(np.clip(noisy, 0, 1), np.dtype(np.uint8)),
        np.asarray(source.train.labels[index]),
    )
    images = image_dataset.to_unit(stored)
    generator, _ = train_generator(AugmentationStudyConfig(), images, "dvae", seed)

    made = Augmenter(generator).generate(images, labels, per_image=2, seed=seed)
    batches = pipelines.training_batches(
        ([images, made.images], [labels, made.labels]),
        classifier.BATCH_SIZE,
        seed,
        "classifier/dvae",
    )
    in_memory = accuracy(
        classifier.cnn(images.shape[1:], 10, seed=seed, dtype=DTYPE), batches, source
    )

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        generator.save(folder / "dvae.keras")
        for number, (image, label) in enumerate(zip(stored, labels, strict=True)):
            path = folder / "images" / str(label) / f"{number:04}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            codec.write(path, image)
        config = AugmentConfig(
            model=str(folder / "dvae.keras"),
            input=str(folder / "images"),
            output=str(folder / "more"),
            seed=seed,
            include_originals=True,
        )
        assert augment(config) == 0
        dataset = keras.utils.image_dataset_from_directory(
            folder / "more",
            color_mode="grayscale",
            image_size=(28, 28),
            batch_size=None,
            shuffle=True,
            seed=seed,
            verbose=False,
        )
        dataset = (
            dataset.map(lambda image, label: (image / 255, label))
            .cache()
            .shuffle(3 * COUNT, seed=seed)
            .repeat()
        )
        batches = dataset.batch(classifier.BATCH_SIZE, drop_remainder=True).prefetch(2)
        from_files = accuracy(
            classifier.cnn(images.shape[1:], 10, seed=seed, dtype=DTYPE), batches, source
        )
    return from_files, in_memory


def difference(found: list[list[float]], seeds: int) -> str:
    """Return the difference of the two ways over the first seeds."""
    lead = statistics.paired_difference(*(values[:seeds] for values in found))
    interval = f"95% interval {lead.low:+.2f} to {lead.high:+.2f}"
    return f"{lead.mean:+.2f} points ({interval}, {lead.count} seeds)"


def report(rows: list[dict]) -> Document:
    """Return the report of the seeds that were trained both ways."""
    pairs: dict[int, dict[str, float]] = {int(row["seed"]): {} for row in rows}
    for row in rows:
        pairs[int(row["seed"])][row["protocol"]] = float(row["value"])
    found = [[pair[way] for pair in pairs.values()] for way in WAYS]
    text = (
        f"{COUNT:,} noisy images of Fashion-MNIST and two synthetic ones of a DVAE for each; "
        f"published CNN, {STEPS:,} steps; accuracy in % on all test images without noise. "
        "By `python benchmarks/augmented_files.py --data-dir FOLDER`. Both ways have the same "
        "images and the same initial weights, and another order of the images."
    )
    table = Table(
        ["seed", "files of `tfdvae augment`", "in memory"],
        [[str(seed), *(f"{pair[way]:.2f}" for way in WAYS)] for seed, pair in pairs.items()],
    )
    leads = (
        f"Files minus memory: {difference(found, len(pairs))}. Seeds 5 to 9 were added after a "
        "look "
        f"at 0 to 4: {difference(found, 5)}; before that it was {difference(found, 4)}."
    )
    title = "Synthetic images from files and from memory"
    return Document(title, [Paragraph(text), table, Paragraph(leads)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir")
    arguments = parser.parse_args()
    use_threads(None)
    source = sources.load("fashion_mnist", arguments.data_dir)
    path = ROOT / "results" / "augmented_files" / "rows.csv"
    rows = csv_rows.read_rows(path) if path.exists() else []
    for seed in SEEDS:
        if str(seed) in {row["seed"] for row in rows}:
            continue
        fixed = {
            "study": "augmented_files",
            "run": f"seed{seed}",
            "dataset": source.name,
            "n_train": COUNT,
            "condition": "noisy",
            "model": "dvae",
            "test_corruption": "none",
            "split": "test",
            "seed": seed,
            "metric": "accuracy",
        }
        rows += [
            fixed | {"protocol": way, "value": value}
            for way, value in zip(WAYS, both_ways(source, seed), strict=True)
        ]
        csv_rows.write_rows(path, rows)
        rows = csv_rows.read_rows(path)
        print(f"seed {seed}: {rows[-2]['value']}, {rows[-1]['value']}", flush=True)
    text = report(rows).markdown()
    files.write_text(path.with_name("report.md"), text)
    print(text)


if __name__ == "__main__":
    main()
