"""What all models share: networks, noise, training and test step."""

import abc
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import keras
import tensorflow as tf

from tfdvae import corruptions
from tfdvae._utils import checks, seeds
from tfdvae.config.objective import OBJECTIVES, check_likelihood, check_noise
from tfdvae.models import likelihoods, network_checks, objectives, training_data
from tfdvae.models.keras_api import ImageModel

# Attributes that say how it is used:
OF_USE = ("white", "background", "orientations", "posterior_samples", "frames")


class DenoisingModel(ImageModel):
    """Base of `DAE`, `VAE` and `DVAE`: an encoder, a decoder and the corruption that it injects.

    `fit` and `evaluate` take images alone, float (N, H, W, C) in [0, 1], as an array or a
    `tf.data.Dataset` of batches; the model then corrupts them afresh at each step and learns by its
    `objective`. Given pairs (input, target), it uses them as they are and injects nothing.
    `compile` takes no loss and no metrics: the loss is the model's own, in nats per image (but for
    the likelihood `mse`). `predict` and a call return reconstructions in [0, 1].

    Noise is keyed by (seed, `optimizer.iterations`), so that a resumed run draws the same numbers.
    In `evaluate` it is keyed by the number of images seen before, so that each evaluation with one
    batch size draws the same.

    Encoder and decoder are any Keras models. Those that do not begin with a `keras.Input`
    (subclassed ones) need `image_shape=(H, W, C)`, and to be saved with the model they must be
    serializable by themselves.

    A model of another package derives from `DAE`, `VAE`, `DVAE` or this class, which needs
    `variational`, `loss_names` and `losses_per_image`.

    Args:
        encoder: Keras model from images (N, H, W, C) to one code, or to mean and log-variance.
        decoder: Keras model from a code to logits (N, H, W, C).
        corruption: what is injected, `kind:level` or `none`.
        objective: what is reconstructed, and from what; see `objectives.draw`.
        likelihood: `bernoulli`, `gaussian:SIGMA`, `linear:SIGMA` or `mse`.
        corruption_samples: corrupted copies of each image in a step.
        seed: root seed of all noise.
        image_shape: (H, W, C); by default that of the encoder's input.
        **kwargs: of `keras.Model`: `name`, `dtype`, `trainable`.

    Raises:
        TypeError, ValueError: networks that do not fit, or settings out of range.
    """

    variational: bool
    loss_names: tuple[str, ...]

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        corruption: str | corruptions.Corruption,
        objective: str,
        likelihood: str | likelihoods.Likelihood,
        corruption_samples: int,
        seed: int,
        image_shape: tuple[int, int, int] | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.corruption = corruptions.parse(corruption)
        self.supports_jit = self.corruption.compiles  # read by `compile`
        self.objective = checks.choice("objective", objective, OBJECTIVES)
        check_noise(self.objective, self.corruption)
        self.likelihood = likelihoods.parse(likelihood)
        check_likelihood(self.objective, self.likelihood.kind)
        self.corruption_samples = checks.integer("corruption_samples", corruption_samples, 1)
        self.seed = checks.integer("seed", seed, 0, 2**63 - 1)
        self.image_shape, self.code_shape = network_checks.check_networks(
            encoder, decoder, self.variational, image_shape
        )
        self.encoder = encoder
        self.decoder = decoder
        self.has_code = not network_checks.is_identity(decoder)
        self.any_size = network_checks.keep_any_size(encoder, decoder, self.image_shape[-1])
        self._check_objective()
        if self.compute_dtype != "float16" and any(
            layer.compute_dtype == "float16"
            for network in (encoder, decoder)
            for layer in network_checks.all_layers(network)
        ):
            raise ValueError(
                "`dtype` must be mixed_float16 where the networks are, so that the loss is scaled; "
                f"got {self.dtype_policy.name}."
            )
        self.trackers = {name: keras.metrics.Mean(name=name) for name in self.loss_names}
        # The networks are built. `build` of Keras would forbid derived classes new variables.
        self.built = True

    def _check_objective(self) -> None:
        if not self.has_code and not isinstance(self.likelihood, likelihoods.Linear):
            raise ValueError(
                "`likelihood` must be linear:SIGMA with a network without a code, such as unet, "
                f"which returns images themselves; got {self.likelihood}."
            )
        height, width, _ = self.image_shape
        if self.objective == "paired" and not (self.any_size and min(height, width) > 1):
            raise ValueError(
                "`objective` paired learns from images of half the height and width: it needs "
                "networks for images of any size, such as unet, and images of 2x2 pixels at least; "
                f"got {height}x{width} and networks for "
                f"{'any size' if self.any_size else 'that size alone'}."
            )

    @abc.abstractmethod
    def losses_per_image(
        self,
        inputs: tf.Tensor,
        target: tf.Tensor | None,
        seed: tf.Tensor,
        step: tf.Tensor | None,
        training: bool,
    ) -> dict[str, tf.Tensor]:
        """Return the losses of each image: a dictionary of float32 (N,), named as in `loss_names`.

        Args:
            inputs: float (N, H, W, C).
            target: float (N, H, W, C) if pairs were given, else None.
            seed: int32 (2,).
            step: optimizer steps taken, or None outside training.
            training: passed on to the networks.
        """

    def corrupt(
        self, inputs: tf.Tensor, target: tf.Tensor | None, seed: tf.Tensor
    ) -> objectives.Sample:
        """Return corrupted copies of each image, and what they are to become.

        Both are float32 (N * corruption_samples, H, W, C), under `paired` of half the height and
        width; pairs that were given are returned as they are.
        """
        inputs = tf.cast(inputs, tf.float32)
        if target is not None:
            return objectives.Sample(inputs, tf.cast(target, tf.float32))
        copies = repeated(inputs, self.copies(target))
        return objectives.draw(self.objective, copies, self.corruption, seed)

    def copies(self, target: tf.Tensor | None) -> int:
        """Return how many corrupted copies of each image a step has.

        One where pairs are given, for then nothing is injected.
        """
        return 1 if target is not None else self.corruption_samples

    @cached_property
    def graphs(self) -> Mapping[str, Callable]:
        """The graphs of `InferenceMixin`, each traced once for any number of rows."""
        taken = {
            "call": self.taken_shape,
            "encode_images": self.image_shape,
            "decode_codes": self.taken_code_shape,
        }
        if self.variational:
            taken["posterior"] = self.taken_shape
        return {
            name: tf.function(getattr(self, name), [tf.TensorSpec((None, *shape), tf.float32)])
            for name, shape in taken.items()
        }

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """The means of the losses."""
        return list(self.trackers.values())

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """Take one step of the optimizer and return the means of the losses so far."""
        inputs, target = training_data.unpack(self, data)
        step = counter = self.optimizer.iterations
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        if replicas > 1:  # each draws noise of its own
            number = tf.distribute.get_replica_context().replica_id_in_sync_group
            counter = tf.cast(step, tf.int32) * replicas + number
        with tf.GradientTape() as tape:
            losses = self.losses_per_image(
                inputs, target, seeds.pair(self.seed, "training", counter), step, training=True
            )
            loss = tf.reduce_mean(losses["loss"])
            if self.losses:
                loss += tf.cast(tf.add_n(self.losses), tf.float32)
            if replicas > 1:  # the optimizer sums their gradients
                loss /= replicas
            scaled = self.optimizer.scale_loss(loss)
        self.optimizer.apply(
            tape.gradient(scaled, self.trainable_variables), self.trainable_variables
        )
        return self._track(losses)

    def test_step(self, data: Any) -> dict[str, tf.Tensor]:
        """Return the means of the losses so far."""
        inputs, target = training_data.unpack(self, data)
        seen = self.trackers["loss"].count
        losses = self.losses_per_image(
            inputs, target, seeds.pair(self.seed, "test", seen), None, training=False
        )
        return self._track(losses)

    def _track(self, losses: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        regularization = tf.cast(tf.add_n(self.losses), tf.float32) if self.losses else 0.0
        for name, tracker in self.trackers.items():
            tracker.update_state(losses[name] + regularization if name == "loss" else losses[name])
        return {name: tracker.result() for name, tracker in self.trackers.items()}

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Return reconstructions, float32 (N, H, W, C) in [0, 1]; nothing is injected or drawn."""
        return self.decode_codes(self.encode_images(inputs, training=training), training=training)

    def encode_images(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Return the code of each image as a tensor, float32 (N, *code_shape).

        For a variational model it is the posterior mean.
        """
        return tf.cast(self.encoder(images, training=training), tf.float32)

    def decode_codes(self, codes: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Return the decoded images as a tensor, float32 (N, H, W, C) in [0, 1]."""
        return self.likelihood.mean(self.decoder(codes, training=training))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments, and what is said of its use, for JSON."""
        return {
            **super().get_config(),
            **{name: value for name in OF_USE if (value := getattr(self, name)) is not None},
            "encoder": keras.saving.serialize_keras_object(self.encoder),
            "decoder": keras.saving.serialize_keras_object(self.decoder),
            "corruption": str(self.corruption),
            "objective": self.objective,
            "likelihood": str(self.likelihood),
            "corruption_samples": self.corruption_samples,
            "seed": self.seed,
            "image_shape": list(self.image_shape),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "DenoisingModel":
        """Return the model that `get_config` described, with new weights."""
        networks = {
            name: keras.saving.deserialize_keras_object(config[name])
            for name in ("encoder", "decoder")
        }
        arguments = {name: value for name, value in config.items() if name not in OF_USE}
        if "target" in arguments:  # of 0.1.0
            arguments["objective"] = arguments.pop("target")
        model = cls(**{**arguments, **networks})
        for name in OF_USE:
            setattr(model, name, config.get(name))
        return model


def repeated(values: tf.Tensor, copies: int) -> tf.Tensor:
    """Return each of the values `copies` times in a row, (N, ...) -> (N * copies, ...)."""
    return values if copies == 1 else tf.repeat(values, copies, axis=0)


def mean_over_copies(values: tf.Tensor, copies: int) -> tf.Tensor:
    """Return the mean over `copies` consecutive values, (N * copies,) -> (N,)."""
    return values if copies == 1 else tf.reduce_mean(tf.reshape(values, (-1, copies)), axis=1)
