"""Layers that the networks use and Keras does not have."""

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="tfdvae", name="InferenceBatchNormalization")
class InferenceBatchNormalization(keras.layers.BatchNormalization):
    """Batch normalization that is in inference mode also while training.

    Scale and shift are trained; the statistics stay at 0 and 1.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        return super().call(inputs, training=False, mask=mask)


@keras.saving.register_keras_serializable(package="tfdvae", name="PadToMultiple")
class PadToMultiple(keras.layers.Layer):
    """Repeats the last row and column until height and width are multiples of a number.

    Args:
        multiple: of pixels.
        **kwargs: of `keras.layers.Layer`.

    Example:
        >>> PadToMultiple(4)(np.zeros((1, 27, 28, 3), np.float32)).shape
        TensorShape([1, 28, 28, 3])
    """

    def __init__(self, multiple: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.multiple = multiple

    def call(self, inputs: Any) -> Any:
        for axis in (1, 2):
            size = tf.shape(inputs)[axis]
            # Of numbers above 0: ONNX rounds quotients of others otherwise.
            padded = (size + self.multiple - 1) // self.multiple * self.multiple
            places = tf.minimum(tf.range(padded), size - 1)
            inputs = tf.gather(inputs, places, axis=axis)
        return inputs

    def compute_output_shape(self, input_shape: Any) -> tuple:
        """Return the shape; unknown sizes stay unknown."""
        count, height, width, channels = input_shape
        sizes = (
            None if size is None else -(-size // self.multiple) * self.multiple
            for size in (height, width)
        )
        return (count, *sizes, channels)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, as JSON can hold them."""
        return {**super().get_config(), "multiple": self.multiple}


@keras.saving.register_keras_serializable(package="tfdvae", name="CropLike")
class CropLike(keras.layers.Layer):
    """Takes two tensors of images and cuts the first to the height and width of the second."""

    def call(self, inputs: Any) -> Any:
        padded, images = inputs
        shape = tf.shape(images)
        return padded[:, : shape[1], : shape[2]]

    def compute_output_shape(self, input_shape: Any) -> tuple:
        """Return the shape of the second, with the channels of the first."""
        padded, images = input_shape
        return (*images[:3], padded[3])
