"""How strong the fresh noise of the reference of denoised training sets should be.

python benchmarks/strengths.py --data-dir FOLDER

The published CNN learns from the noisy images, flipped and shifted as those of `fresh-noise`, with
noise of random strength in [0, S] times that of the training images; S = 0 is flips and shifts
alone. Accuracy on validation images, development seeds 100 and 101, all else as chosen before:
2,340 steps, a rate that falls to 0, smoothed labels. Rows and reports go to
results/development/fresh-noise/strength-S/.
"""

import argparse
import subprocess
import sys
from pathlib import Path

import keras
import tensorflow as tf

from benchmarks import baselines
from tfdvae import classifier
from tfdvae.training_sets import batches

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "results" / "development" / "fresh-noise"
LEVEL = 0.2  # of the training images
STRENGTHS = {"none": 0, "half": 0.5, "once": 1, "double": 2}


class FreshNoise(keras.layers.Layer):
    """Flips, shifts and fresh noise up to `level`, in training alone; images (N, H, W, C)."""

    def __init__(self, level: float):
        super().__init__(dtype="float32")
        self.step = batches.transform(("geometry", "fresh noise"), level)
        self.draws = keras.random.SeedGenerator(0)

    def call(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        if not training:
            return images
        (changed,) = self.step(tf.cast(self.draws.next(), tf.int32), images)
        return changed


def of_strength(strength: float, image_shape: tuple[int, int, int], classes: int) -> keras.Model:
    """Return the published CNN behind `FreshNoise`; all strengths begin with the same weights."""
    given = baselines.plain(image_shape, classes)
    images = keras.Input(image_shape)
    model = keras.Model(images, given(FreshNoise(strength * LEVEL)(images)))
    optimizer = keras.optimizers.Adam(classifier.LEARNING_RATE)
    model.compile(optimizer, given.loss, metrics=["accuracy"])
    return model


def none(image_shape: tuple[int, int, int], classes: int) -> keras.Model:
    """Return the CNN that learns from flips and shifts alone."""
    return of_strength(0, image_shape, classes)


def half(image_shape: tuple[int, int, int], classes: int) -> keras.Model:
    """Return the CNN that learns with up to half of the noise."""
    return of_strength(0.5, image_shape, classes)


def once(image_shape: tuple[int, int, int], classes: int) -> keras.Model:
    """Return the CNN that learns with up to as much noise, as from `fresh-noise`."""
    return of_strength(1, image_shape, classes)


def double(image_shape: tuple[int, int, int], classes: int) -> keras.Model:
    """Return the CNN that learns with up to twice the noise."""
    return of_strength(2, image_shape, classes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", required=True)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    options = baselines.OPTIONS.replace("fresh-noise", "limited").split()
    for name, strength in STRENGTHS.items():
        command = [sys.executable, "-m", "tfdvae", "study", "augmentation", *options]
        command += ["--classifier", f"benchmarks.strengths:{name}"]
        command += ["--data-dir", arguments.data_dir, "--workers", str(arguments.workers)]
        folder = FOLDER / f"strength-{strength}"
        subprocess.run([*command, "--output", str(folder)], check=True, cwd=ROOT)


if __name__ == "__main__":
    main()
