"""Whether `FusedAdam` in place of Keras's Adam, whose last bits differ, changes what comes out.

python benchmarks/optimizer.py --data-dir FOLDER [--seeds N]

For each seed the DVAE of the main job learns from 5,000 noisy images, with each optimizer, and the
CNN is trained for 300 steps on these images and two synthetic ones of each. Test images have the
same noise of 0.1. Differences are means over seeds with 95% t intervals.
"""

import argparse
import tempfile
from functools import partial
from pathlib import Path

import keras
import numpy as np

from tfdvae import classifier, corruptions
from tfdvae.config import TrainConfig
from tfdvae.data import image_dataset, pipelines, sources, splits
from tfdvae.experiment import evaluation, training
from tfdvae.inference.augmentation import Augmenter
from tfdvae.metrics import classification, image, statistics
from tfdvae.models import build

NOISE = "gaussian:0.1"
STEPS = 300
OPTIMIZERS = {"Keras": keras.optimizers.Adam, "fused": build.FusedAdam}


def outcome(optimizer: str, seed: int, images, labels, test) -> dict[str, float]:
    """Return what a model, and a classifier with its images, reach on the test images."""
    build.FusedAdam = OPTIMIZERS[optimizer]
    model = build.build_generator(
        TrainConfig.of(model="dvae", noisy_train=True, seed=seed), images.shape[1:], 39
    )
    assert type(model.optimizer) is OPTIMIZERS[optimizer]
    batches = partial(pipelines.training_batches, (images,), 128, seed, "generator")
    with tempfile.TemporaryDirectory() as folder:
        training.fit(model, batches, 60 * 39, 39, Path(folder) / "kept", f"{optimizer} {seed}")
    noisy = evaluation.test_noise(test.images, corruptions.parse(NOISE), seed)
    denoised = model.denoise(noisy)
    made = Augmenter(model).generate(images, labels, 2, seed)
    sets = [images, made.images], [labels, made.labels]
    cnn = classifier.cnn(images.shape[1:], 10, seed=seed)
    cnn.fit(
        pipelines.training_batches(sets, 128, seed, "classifier"), steps_per_epoch=STEPS, verbose=0
    )
    logits = evaluation.classifier_outputs(cnn, test.images, corruptions.parse(NOISE), seed)
    clean = image_dataset.to_unit(test.images)
    return {
        "PSNR of denoised test images, dB": float(image.psnr(denoised, clean).mean()),
        "accuracy on test images, points": 100 * classification.accuracy(logits, test.labels),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", required=True)
    parser.add_argument("--seeds", type=int, default=10)
    arguments = parser.parse_args()
    source = sources.load("fashion_mnist", arguments.data_dir)
    train = source.train
    found: dict[str, list[dict[str, float]]] = {name: [] for name in OPTIMIZERS}
    for seed in range(arguments.seeds):
        chosen = splits.stratified_subset(np.asarray(train.labels), 5000, seed)
        images = pipelines.freeze_noise(
            image_dataset.to_unit(train.images[chosen]),
            chosen,
            corruptions.parse(NOISE),
            seed,
            "observed",
        )
        labels = np.asarray(train.labels)[chosen]
        for name, outcomes in found.items():
            outcomes.append(outcome(name, seed, images, labels, source.test))
            print(seed, name, outcomes[-1], flush=True)
    for measure in found["Keras"][0]:
        by = {name: np.array([each[measure] for each in found[name]]) for name in found}
        mean, half = statistics.mean_and_half_width(list(by["fused"] - by["Keras"]))
        print(
            f"{measure}: Keras {by['Keras'].mean():.2f}, fused {by['fused'].mean():.2f}, "
            f"difference {mean:+.3f} +/- {half:.3f}, {arguments.seeds} seeds"
        )


if __name__ == "__main__":
    main()
