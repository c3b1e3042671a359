"""Adam in one operation for each variable."""

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="tfdvae", name="FusedAdam")
class FusedAdam(keras.optimizers.Adam):
    """`keras.optimizers.Adam`, computed by the operation that TensorFlow has for it.

    Keras writes the same step with some ten operations for each variable, which take a fifth of the
    time of a small network (`benchmarks/steps.py`). Results differ in the last bits. State and
    settings are those of Keras; with `amsgrad` it is computed by Keras.

    Example:
        >>> model.compile(optimizer=FusedAdam(1e-3))
    """

    def update_step(self, gradient: tf.Tensor, variable: Any, learning_rate: tf.Tensor) -> None:
        """Change a variable and its two moments, as Kingma and Ba (2015) do."""
        if self.amsgrad:
            super().update_step(gradient, variable, learning_rate)
            return
        dtype = tf.as_dtype(variable.dtype)
        step = tf.cast(self.iterations + 1, dtype)
        index = self._get_variable_index(variable)
        updated = (variable, self._momentums[index], self._velocities[index])
        handles = (
            (each.value if isinstance(each, keras.Variable) else each).handle for each in updated
        )
        tf.raw_ops.ResourceApplyAdam(
            **dict(zip(("var", "m", "v"), handles, strict=True)),
            beta1_power=tf.pow(tf.cast(self.beta_1, dtype), step),
            beta2_power=tf.pow(tf.cast(self.beta_2, dtype), step),
            lr=tf.cast(learning_rate, dtype),
            beta1=tf.cast(self.beta_1, dtype),
            beta2=tf.cast(self.beta_2, dtype),
            epsilon=tf.cast(self.epsilon, dtype),
            grad=tf.cast(tf.convert_to_tensor(gradient), dtype),
        )
