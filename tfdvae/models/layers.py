"""Layers that the networks use and Keras does not have."""

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="tfdvae", name="InferenceBatchNormalization")
class InferenceBatchNormalization(keras.layers.BatchNormalization):
    """Batch normalization that is in inference mode also while training.

    Scale and shift are trained; the statistics stay at 0 and 1.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        return super().call(inputs, training=False, mask=mask)
