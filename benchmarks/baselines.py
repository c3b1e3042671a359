"""Whether the reference of denoised training sets is as strong as training makes it.

python benchmarks/baselines.py --data-dir FOLDER

The published CNN learns from `fresh-noise` as it is, and by what is known to help small data sets:
mixup, erasing, averaged weights. Accuracy on validation images, development seeds 100 and 101, all
else as chosen before: 2,340 steps, a rate that falls to 0, smoothed labels. Rows and reports go to
results/development/fresh-noise/.
"""

import argparse
import random
import subprocess
import sys
from pathlib import Path

import keras
import tensorflow as tf

from tfdvae import classifier

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "results" / "development" / "fresh-noise"
MANNERS = ("plain", "mixup", "erasing", "averaging")
SHARES = 0.2  # both parameters of the Beta distribution
ERASED = 0.5  # part of the images
KEPT = 0.99  # of the averaged weights at each step
OPTIONS = (
    "--development --conditions noisy --train-noise gaussian:0.2 --sets fresh-noise "
    "--reference fresh-noise --protocols equal_steps --n-train 2000 --schedule cosine "
    "--label-smoothing 0.1 --classifier-steps 2340 --test-noise 0 0.05 0.1 0.15 0.2 "
    "--seeds 100 101 --threads 1"
)


def plain(image_shape: tuple[int, int, int], classes: int) -> keras.Model:
    """Return the published CNN with other initial weights for each seed of the study."""
    seed = random.randrange(2**31)  # the study has set the state: all four begin with the same
    return classifier.cnn(image_shape, classes, seed=seed, dtype="mixed_bfloat16")


class Mixup(keras.Model):
    """Learns from pairs of images, mixed as their labels are.

    Source: Zhang et al. 2018, "mixup: Beyond Empirical Risk Minimization".
    """

    def train_step(self, data: tuple[tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
        images, labels = data
        count = tf.shape(images)[0]
        share = keras.random.beta((count,), SHARES, SHARES, seed=self.draws)
        order = tf.argsort(keras.random.uniform((count,), seed=self.draws))
        wide = share[:, None, None, None]
        images = wide * images + (1 - wide) * tf.gather(images, order)
        others = tf.gather(labels, order)
        with tf.GradientTape() as tape:
            said = self(images, training=True)
            loss = self.compute_loss(y=labels, y_pred=said, sample_weight=share)
            loss += self.compute_loss(y=others, y_pred=said, sample_weight=1 - share)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        for metric in self.metrics:
            metric.update_state(*([loss] if metric.name == "loss" else [labels, said]))
        return self.get_metrics_result()


def mixup(image_shape: tuple[int, int, int], classes: int) -> keras.Model:
    """Return `plain`, trained with mixup."""
    given = plain(image_shape, classes)
    model = Mixup(given.input, given.output)
    model.draws = keras.random.SeedGenerator(0)
    return _compiled(model, given)


def erasing(image_shape: tuple[int, int, int], classes: int) -> keras.Model:
    """Return `plain` behind a layer that erases a rectangle of half of the images."""
    given = plain(image_shape, classes)
    images = keras.Input(image_shape)
    erased = keras.layers.RandomErasing(
        (ERASED, ERASED), fill_value=0.0, value_range=(0, 1), seed=0
    )(images)
    return _compiled(keras.Model(images, given(erased)), given)


class Averaged(keras.Model):
    """Answers with a moving average of the weights that it learns."""

    def __init__(self, learner: keras.Model):
        super().__init__()
        self.learner, self.average = learner, keras.models.clone_model(learner)
        self.average.set_weights(learner.get_weights())
        self.average.trainable = False

    def call(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        return (self.learner if training else self.average)(images, training=training)

    def train_step(self, data: tuple[tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
        logs = super().train_step(data)
        for average, weight in zip(self.average.weights, self.learner.weights, strict=True):
            average.assign(KEPT * average + (1 - KEPT) * weight)
        return logs


def averaging(image_shape: tuple[int, int, int], classes: int) -> keras.Model:
    """Return `plain` with averaged weights."""
    given = plain(image_shape, classes)
    model = Averaged(given)
    model.build((None, *image_shape))
    return _compiled(model, given)


def _compiled(model: keras.Model, given: keras.Model) -> keras.Model:
    """Return a model, compiled as another one is."""
    optimizer = keras.optimizers.Adam(classifier.LEARNING_RATE)
    model.compile(optimizer, given.loss, metrics=["accuracy"])
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", required=True)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    for manner in MANNERS:
        command = [sys.executable, "-m", "tfdvae", "study", "augmentation", *OPTIONS.split()]
        command += ["--classifier", f"benchmarks.baselines:{manner}"]
        command += ["--data-dir", arguments.data_dir, "--workers", str(arguments.workers)]
        subprocess.run([*command, "--output", str(FOLDER / manner)], check=True, cwd=ROOT)


if __name__ == "__main__":
    main()
