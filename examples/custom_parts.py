"""A network of my own in Keras, and a corruption of my own.

python examples/custom_parts.py
"""

# %% A corruption: rows of the image are lost.
import keras
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits

import tfdvae
from tfdvae.corruptions import Corruption


@tfdvae.register_corruption
class LostRows(Corruption):
    """Each row of the image is set to 0 with probability `level`."""

    kind = "lost_rows"
    unit = "expected fraction of rows set to 0"
    reference = "this example"

    def _apply(self, tf, images, seed):
        shape = tf.shape(images)
        kept = tf.random.stateless_uniform((shape[0], shape[1], 1, 1), seed) >= self.level
        return tf.where(kept, images, tf.zeros_like(images))


# %% A network: any Keras models. The encoder of a DVAE has two outputs, the decoder gives logits.
def encoder_and_decoder(units: int) -> tuple[keras.Model, keras.Model]:
    """Return an encoder and a decoder for images of 16x16 pixels."""
    images = keras.Input((16, 16, 1))
    hidden = keras.layers.Conv2D(16, 3, strides=2, padding="same", activation="relu")(images)
    hidden = keras.layers.Flatten()(hidden)
    mean, log_variance = keras.layers.Dense(units)(hidden), keras.layers.Dense(units)(hidden)
    code = keras.Input((units,))
    hidden = keras.layers.Dense(8 * 8 * 16, activation="relu")(code)
    hidden = keras.layers.Reshape((8, 8, 16))(hidden)
    logits = keras.layers.Conv2DTranspose(1, 3, strides=2, padding="same")(hidden)
    return keras.Model(images, [mean, log_variance]), keras.Model(code, logits)


# %% Train.
keras.utils.set_random_seed(0)
digits, labels = load_digits(return_X_y=True)
clean = digits.reshape(-1, 8, 8, 1).repeat(2, axis=1).repeat(2, axis=2).astype(np.float32) / 16
model = tfdvae.DVAE(*encoder_and_decoder(16), corruption="lost_rows:0.2", seed=0)
model.compile(optimizer=keras.optimizers.Adam(2e-3))
model.fit(clean[:1500], epochs=15, batch_size=64, verbose=0)

# %% Restore lost rows of images that it has not seen.
damaged = LostRows(0.2)(clean[1500:], tf.constant([0, 1])).numpy()
restored = model.denoise(damaged)
for name, images in (("damaged", damaged), ("restored", restored)):
    print(f"mean squared error, {name}: {np.square(images - clean[1500:]).mean():.4f}")

# %% Save, load, and make labelled synthetic images.
model.save("custom_parts.keras")
x, y, parent_index = tfdvae.Augmenter("custom_parts.keras").generate(
    clean[:10], labels[:10], per_image=2, seed=0
)
print(f"{len(x)} synthetic images of the digits {y.tolist()}")
