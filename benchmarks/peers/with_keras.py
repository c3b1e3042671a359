"""Keras as its examples train: a subclassed VAE with a `train_step`, arrays, and stock `fit`."""

import time
from functools import partial
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from worker import BATCH, NOISE, RATE, STEPS, Data, Task, serve


class Denoiser(keras.Model):
    """A DVAE, or a DAE, on the fully connected network."""

    def __init__(self, variational: bool):
        super().__init__()
        self.variational = variational
        dense = keras.layers.Dense
        units = 4 * (1 + variational)
        self.encoder = keras.Sequential(
            [keras.layers.Flatten(), dense(128, "relu"), dense(128, "relu"), dense(units)]
        )
        self.decoder = keras.Sequential(
            [dense(128, "relu"), dense(128, "relu"), dense(784), keras.layers.Reshape((28, 28, 1))]
        )
        self.loss_mean = keras.metrics.Mean(name="loss")

    def call(self, images):
        return tf.sigmoid(self.decoder(self.encoder(images)[:, :4]))

    def train_step(self, images):
        with tf.GradientTape() as tape:
            noisy = images + NOISE * tf.random.normal(tf.shape(images))
            codes, kl = self.encoder(noisy), 0.0
            if self.variational:
                mean, log_variance = tf.split(codes, 2, axis=1)
                kl = 0.5 * tf.reduce_sum(mean**2 + tf.exp(log_variance) - log_variance - 1, 1)
                codes = mean + tf.exp(0.5 * log_variance) * tf.random.normal(tf.shape(mean))
            losses = tf.nn.sigmoid_cross_entropy_with_logits(images, self.decoder(codes))
            loss = tf.reduce_mean(tf.reduce_sum(losses, (1, 2, 3)) + kl)
        gradients = tape.gradient(loss, self.trainable_weights)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_weights, strict=True))
        self.loss_mean.update_state(loss)
        return {"loss": self.loss_mean.result()}


def autoencoder(variational: bool, folder: Path, data: Data, threads: int) -> Task:
    _use(threads)
    model = Denoiser(variational)
    model.compile(optimizer=keras.optimizers.Adam(RATE))
    count = STEPS["mlp"] * BATCH
    images = np.resize(data.images, (count, *data.images.shape[1:]))

    def work() -> float:
        start = time.perf_counter()
        model.fit(images, batch_size=BATCH, verbose=0)
        return (time.perf_counter() - start) / STEPS["mlp"]

    return Task(work, lambda: model.predict(data.noisy, verbose=0))


def cnn(precision: str, folder: Path, data: Data, threads: int) -> Task:
    _use(threads)
    keras.mixed_precision.set_dtype_policy(precision)
    hidden = images = keras.Input((28, 28, 1))
    for channels in (32, 64):
        hidden = keras.ops.pad(hidden, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
        hidden = keras.layers.Conv2D(channels, 3, activation="relu")(hidden)
    hidden = keras.layers.Flatten()(keras.layers.MaxPooling2D()(hidden))
    for _ in range(3):
        hidden = keras.layers.Dense(128, "relu")(hidden)
    model = keras.Model(images, keras.layers.Dense(10, dtype="float32")(hidden))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(RATE), loss)
    rows = np.arange(STEPS["cnn"] * BATCH)

    def work() -> float:
        chosen = np.random.default_rng().choice(len(data.images), len(rows), replace=False)
        start = time.perf_counter()
        model.fit(data.images[chosen], data.labels[chosen], batch_size=BATCH, verbose=0)
        return (time.perf_counter() - start) / STEPS["cnn"]

    return Task(work, lambda: model.predict(data.noisy, verbose=0))


def _use(threads: int) -> None:
    keras.utils.set_random_seed(0)
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)


if __name__ == "__main__":
    serve(
        {
            "dvae-mlp": partial(autoencoder, True),
            "dae-mlp": partial(autoencoder, False),
            "cnn": partial(cnn, "float32"),
            "cnn-bfloat16": partial(cnn, "mixed_bfloat16"),
        }
    )
