"""What all models share: checks of the networks, noise, training and test step, saving."""

from functools import cached_property

import keras
import numpy as np
import tensorflow as tf

if keras.backend.backend() != "tensorflow":
    raise ImportError(
        f"tfdvae needs Keras on TensorFlow; got the backend {keras.backend.backend()}. Set KERAS_BACKEND=tensorflow."
    )

from tfdvae import corruptions
from tfdvae._utils import checks, seeds
from tfdvae.config import TARGETS
from tfdvae.data import pipelines
from tfdvae.models import likelihoods
from tfdvae.models.inference_mixin import InferenceMixin


class DenoisingModel(InferenceMixin, keras.Model):
    """Base of `DAE`, `VAE` and `DVAE`: an encoder, a decoder and the corruption that it injects into its own input.

    `fit` and `evaluate` take images alone, float (N, H, W, C) in [0, 1], as an array or a `tf.data.Dataset` of
    batches; the model then corrupts them afresh at each step and reconstructs its `target`. Given pairs (input,
    target), it uses them as they are and injects nothing. `compile` takes no loss and no metrics: the loss is the
    model's own, in nats per image (but for the likelihood `mse`). `predict` and a call return reconstructions in [0, 1].

    Noise is keyed by (seed, `optimizer.iterations`), so a resumed run draws the same numbers. In `evaluate` it is keyed
    by the number of images seen before, so each evaluation with one batch size draws the same.

    Encoder and decoder are any Keras models. Those that do not begin with a `keras.Input` (subclassed ones) need
    `image_shape=(H, W, C)`, and to be saved with the model they must be serializable by themselves.
    """

    variational: bool
    loss_names: tuple[str, ...]

    def __init__(
        self,
        encoder,
        decoder,
        corruption,
        target,
        likelihood,
        corruption_samples,
        seed,
        image_shape=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.corruption = corruptions.parse(corruption)
        self.target = checks.choice("target", target, TARGETS)
        self.likelihood = likelihoods.parse(likelihood)
        self.corruption_samples = checks.integer("corruption_samples", corruption_samples, 1)
        self.seed = checks.integer("seed", seed, 0, 2**63 - 1)
        self.image_shape, self.code_shape = _check_networks(
            encoder, decoder, self.variational, image_shape
        )
        self.encoder = encoder
        self.decoder = decoder
        if self.compute_dtype != "float16" and any(
            layer.compute_dtype == "float16"
            for network in (encoder, decoder)
            for layer in _all_layers(network)
        ):
            raise ValueError(
                "`dtype` must be mixed_float16 where the networks are, so that the loss is scaled; got "
                + self.dtype_policy.name
                + "."
            )
        self.trackers = {name: keras.metrics.Mean(name=name) for name in self.loss_names}
        self.built = True

    def losses_per_image(self, inputs, target, seed, step, training):
        """Return the losses of each image: a dictionary of float32 (N,), named as in `loss_names`.

        Args:
            inputs: float (N, H, W, C).
            target: float (N, H, W, C) if pairs were given, else None.
            seed: int32 (2,).
            step: optimiser steps taken, or None outside training.
            training: passed on to the networks.
        """
        raise AssertionError("every model defines it")

    def corrupt(self, inputs, target, seed):
        """Return the corrupted copies of each image and their targets, float32 (N * corruption_samples, H, W, C)."""
        inputs = tf.cast(inputs, tf.float32)
        if target is not None:
            return inputs, tf.cast(target, tf.float32)
        copies = tf.repeat(inputs, self.copies(target), axis=0)
        corrupted = self.corruption(copies, seed)
        return corrupted, corrupted if self.target == "corrupted" else copies

    def copies(self, target) -> int:
        """Corrupted copies of each image: one where pairs are given, for then nothing is injected."""
        return 1 if target is not None else self.corruption_samples

    @cached_property
    def graphs(self) -> dict[str, tf.types.experimental.PolymorphicFunction]:
        """`call`, `encode_images`, `decode_codes`, and for a variational model `posterior`: graphs of any number of images or codes, float32, traced once."""
        taken = {
            "call": self.image_shape,
            "encode_images": self.image_shape,
            "decode_codes": self.code_shape,
        }
        if self.variational:
            taken["posterior"] = self.image_shape
        return {
            name: tf.function(getattr(self, name), [tf.TensorSpec((None, *shape), tf.float32)])
            for name, shape in taken.items()
        }

    @property
    def metrics(self):
        return list(self.trackers.values())

    def train_step(self, data):
        inputs, target = self._unpack(data)
        step = self.optimizer.iterations
        with tf.GradientTape() as tape:
            losses = self.losses_per_image(
                inputs, target, seeds.pair(self.seed, "training", step), step, training=True
            )
            loss = tf.reduce_mean(losses["loss"])
            if self.losses:
                loss += tf.cast(tf.add_n(self.losses), tf.float32)
            scaled = self.optimizer.scale_loss(loss)
        self.optimizer.apply(
            tape.gradient(scaled, self.trainable_variables), self.trainable_variables
        )
        return self._track(losses)

    def test_step(self, data):
        inputs, target = self._unpack(data)
        seen = self.trackers["loss"].count
        losses = self.losses_per_image(
            inputs, target, seeds.pair(self.seed, "test", seen), None, training=False
        )
        return self._track(losses)

    def _track(self, losses):
        regularization = tf.cast(tf.add_n(self.losses), tf.float32) if self.losses else 0.0
        for name, tracker in self.trackers.items():
            tracker.update_state(losses[name] + regularization if name == "loss" else losses[name])
        return {name: tracker.result() for name, tracker in self.trackers.items()}

    def _unpack(self, data):
        if self.loss is not None or self._compile_metrics is not None:
            raise ValueError(
                "compile with an optimizer alone: the loss and the metrics are the model's own."
            )
        inputs, target, weights = keras.utils.unpack_x_y_sample_weight(data)
        if weights is not None:
            raise ValueError("sample weights are not supported.")
        for name, images in (("x", inputs), ("y", target)):
            if images is not None and not images.dtype.is_floating:
                raise TypeError(
                    f"`{name}` must hold floating point images in [0, 1]; got {images.dtype.name}."
                )
            if images is not None and not tf.TensorShape(images.shape).is_compatible_with(
                (None, *self.image_shape)
            ):
                hint = (
                    " Labels are not used: give the images alone, or pairs of (input, target) images."
                    if name == "y"
                    else ""
                )
                raise ValueError(
                    f"`{name}` must hold images of shape (N, {', '.join(map(str, self.image_shape))}); got {tuple(images.shape)}.{hint}"
                )
        return inputs, target

    def fit(self, x=None, y=None, batch_size=None, epochs=1, **kwargs):
        """Train as `keras.Model.fit` does. Arrays are checked, and shuffled by the model's seed, not by a global generator.

        An epoch of an array holds full batches alone; the images left over are others in each epoch.

        Args:
            x: float (N, H, W, C) in [0, 1], or a `tf.data.Dataset` of batches of images or of (input, target) pairs.
            y: target images for an array `x`, which noise may then exceed; none to reconstruct `x` itself.
            batch_size: images a step for an array; 32 by default.
            epochs: as in Keras.
            **kwargs: all else that `keras.Model.fit` takes, but `validation_split`: give `validation_data`.

        Raises:
            ValueError: images with NaN, of the wrong shape or outside [0, 1]; a loss or metrics given to `compile`.
        """
        if batch_size is not None:
            checks.integer("batch_size", batch_size, 1)
        if _is_array(x):
            if kwargs.get("validation_split"):
                raise ValueError(
                    "`validation_split` is not supported; hold images out and give them as `validation_data`."
                )
            arrays = self._check_arrays(x, y)
            x, y = arrays if len(arrays) == 2 else (arrays[0], None)
            if kwargs.get("shuffle", True) and self.compiled:
                batch_size = batch_size or 32
                steps = kwargs.get("steps_per_epoch") or pipelines.steps_per_epoch(
                    len(x), batch_size
                )
                x = pipelines.training_batches(
                    arrays, batch_size, self.seed, "fit", first_step=int(self.optimizer.iterations)
                )
                y, batch_size = None, None
                kwargs |= {"shuffle": False, "steps_per_epoch": steps}
        elif isinstance(x, tf.data.Dataset):
            self._check_first_batch(x)
            kwargs.setdefault("shuffle", False)
        return super().fit(x, y, batch_size=batch_size, epochs=epochs, **kwargs)

    def evaluate(self, x=None, y=None, batch_size=None, **kwargs):
        """Return the losses as `keras.Model.evaluate` does; arrays are checked as in `fit`, but noise may exceed [0, 1]."""
        if _is_array(x):
            arrays = self._check_arrays(x, y, noisy=True)
            x, y = arrays if len(arrays) == 2 else (arrays[0], None)
        elif isinstance(x, tf.data.Dataset) and not kwargs.get("_use_cached_eval_dataset"):
            self._check_first_batch(x)
        return super().evaluate(x, y, batch_size, **kwargs)

    def predict(self, x, batch_size=None, **kwargs):
        """Return reconstructions as `keras.Model.predict` does; arrays are checked as in `evaluate`."""
        return super().predict(self.check_images("x", x) if _is_array(x) else x, batch_size, **kwargs)

    def _check_first_batch(self, data):
        """Refuse images of a wrong type, shape or range before work starts; later batches are not looked at.

        The dataset is iterated once more for it, as it is in every epoch.
        """
        for batch in data.take(1):
            for name, images in zip(("x", "y"), self._unpack(batch), strict=True):
                if images is not None:
                    self.check_images(f"first batch of {name}", images)

    def _check_arrays(self, x, y, noisy=False):
        if y is None:
            return (self.check_images("x", x, "noisy" if noisy else "unit"),)
        x = self.check_images("x", x)
        if np.ndim(y) != 4:
            raise ValueError(
                f"`y` must be target images like `x`; got shape {np.shape(y)}. Labels are not used: leave `y` out."
            )
        y = self.check_images("y", y, "unit")
        if len(x) != len(y):
            raise ValueError(f"`x` and `y` must hold as many images; got {len(x)} and {len(y)}.")
        return x, y

    def call(self, inputs, training=False):
        """Return reconstructions, float32 (N, H, W, C) in [0, 1]; nothing is injected and nothing drawn."""
        return self.decode_codes(self.encode_images(inputs, training=training), training=training)

    def encode_images(self, images, training=False):
        """Return the code of each image as a tensor, float32 (N, *code_shape); for a variational model the posterior mean."""
        return tf.cast(self.encoder(images, training=training), tf.float32)

    def decode_codes(self, codes, training=False):
        """Return the decoded images as a tensor, float32 (N, H, W, C) in [0, 1]."""
        return self.likelihood.mean(self.decoder(codes, training=training))

    def get_config(self):
        return {
            **super().get_config(),
            "encoder": keras.saving.serialize_keras_object(self.encoder),
            "decoder": keras.saving.serialize_keras_object(self.decoder),
            "corruption": str(self.corruption),
            "target": self.target,
            "likelihood": str(self.likelihood),
            "corruption_samples": self.corruption_samples,
            "seed": self.seed,
            "image_shape": list(self.image_shape),
        }

    @classmethod
    def from_config(cls, config):
        networks = {
            name: keras.saving.deserialize_keras_object(config[name])
            for name in ("encoder", "decoder")
        }
        return cls(**{**config, **networks})


def mean_over_copies(values, copies: int):
    """Return the mean over `copies` consecutive values, (N * copies,) -> (N,)."""
    return values if copies == 1 else tf.reduce_mean(tf.reshape(values, (-1, copies)), axis=1)


def _is_array(x) -> bool:
    return isinstance(x, (np.ndarray, list)) or tf.is_tensor(x)


def _check_networks(
    encoder, decoder, variational: bool, image_shape
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return (image shape, code shape) of networks that fit each other.

    Raises:
        TypeError: not Keras models.
        ValueError: unknown shapes, shapes that do not fit, or a decoder that ends in a sigmoid.
    """
    for name, network in (("encoder", encoder), ("decoder", decoder)):
        if not isinstance(network, keras.Model):
            raise TypeError(f"`{name}` must be a keras.Model; got {type(network).__name__}.")
    if image_shape is None:
        taken = getattr(encoder, "input_shape", None)
        if taken is None:
            raise ValueError(
                "`encoder` must have a known input: begin it with a keras.Input, or give `image_shape`."
            )
        if not _is_shape(taken) or len(taken) != 4:
            raise ValueError(
                f"`encoder` must take one input of images (N, H, W, C) of a fixed size with any N; it takes {taken}."
            )
        image_shape = taken[1:]
    image_shape = tuple(checks.integer("image_shape", size, 1) for size in image_shape)
    if len(image_shape) != 3:
        raise ValueError(f"`image_shape` must be (H, W, C); got {image_shape}.")
    outputs = encoder(keras.Input(image_shape))
    listed = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    if (
        isinstance(outputs, dict)
        or len(listed) != 1 + variational
        or len({output.shape for output in listed}) != 1
    ):
        wanted = (
            "a list of two outputs of one shape, mean and log-variance"
            if variational
            else "one output, the code"
        )
        shapes = keras.tree.map_structure(lambda output: output.shape, outputs)
        raise ValueError(f"`encoder` must have {wanted}; it has {shapes}.")
    code_shape = listed[0].shape
    if not _is_shape(code_shape):
        raise ValueError(f"`encoder` must give codes of a fixed size; it gives {code_shape}.")
    taken = getattr(decoder, "input_shape", code_shape)
    if taken != code_shape:
        raise ValueError(
            f"`decoder` must take the encoder's code, of shape {code_shape}; it takes {taken}."
        )
    returned = getattr(decoder(keras.Input(code_shape[1:])), "shape", None)
    if returned != (None, *image_shape):
        raise ValueError(
            f"`decoder` must return logits of the shape of the images, {(None, *image_shape)}; it returns {returned}."
        )
    if _ends_in_sigmoid(decoder):
        raise ValueError("`decoder` must return logits: leave out its final sigmoid.")
    return image_shape, code_shape[1:]


def _is_shape(shape) -> bool:
    """Tell a shape with any number of rows and sizes that are known from a structure of shapes."""
    return (
        isinstance(shape, tuple)
        and shape[:1] == (None,)
        and all(isinstance(size, int) for size in shape[1:])
    )


def _all_layers(network: keras.Model):
    for layer in network.layers:
        yield layer
        if isinstance(layer, keras.Model):
            yield from _all_layers(layer)


_MOVING = (
    keras.layers.Reshape,
    keras.layers.Flatten,
    keras.layers.Permute,
    keras.layers.Cropping2D,
)


def _ends_in_sigmoid(network: keras.Model) -> bool:
    """Follow the output of a functional or sequential model back through layers that only move values."""
    if not getattr(network, "outputs", None):
        return False
    tensor = network.outputs[0]
    while True:
        operation, node, _ = tensor._keras_history
        activation = getattr(operation, "activation", None)
        if activation is keras.activations.sigmoid or type(operation).__name__ == "Sigmoid":
            return True
        if isinstance(operation, keras.Model):
            return _ends_in_sigmoid(operation)
        linear = (
            isinstance(operation, keras.layers.Activation)
            and activation is keras.activations.linear
        )
        if not linear and not isinstance(operation, _MOVING):
            return False
        tensor = operation._inbound_nodes[node].input_tensors[0]
