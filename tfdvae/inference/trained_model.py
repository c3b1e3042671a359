"""A trained model in everyday use: `tfdvae.load(path)` and what it does with images as they come."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf

from tfdvae._utils import checks
from tfdvae.inference import anomaly, augmentation, imputation, tiles
from tfdvae.models.base import DenoisingModel
from tfdvae.models.inference_mixin import Verbs


def augmenter(model: "str | Path | TrainedModel", seed: int = 0) -> Callable:
    """Return a function for `tf.data.Dataset.map` that puts a synthetic image in the place of each image, drawn afresh each time.

    Of a VAE or DVAE it is a decoded draw of q(z | image), of a DAE the reconstruction of the corrupted image. Elements are images or tuples
    that begin with images, (H, W, C) or (N, H, W, C), uint8, uint16 or floats in [0, 1]; all else, such as labels, stays as it is.

    Args:
        model: as for `load`, or what it returns.
        seed: of a generator of its own; draws repeat where `map` runs one call at a time.

    Raises:
        FileNotFoundError, ValueError: as in `load`; a plain autoencoder.
    """
    from tfdvae.inference.loading import load

    loaded = model if isinstance(model, TrainedModel) else load(model)
    augmentation.Augmenter(loaded.verbs)
    generator = tf.random.Generator.from_seed(checks.integer("seed", seed, 0, 2**63 - 1))

    def draw(images):
        noise_seed = generator.make_seeds(1)[:, 0]
        return augmentation.draw(loaded.verbs, images, tf.cast(noise_seed, tf.int32))

    return loaded.mapped(draw)


class TrainedModel:
    """A trained model with verbs on images as they come.

    Images are arrays (H, W), (N, H, W), (H, W, C) or (N, H, W, C) with the C of the model, uint8, uint16 or floats in [0, 1] which noise may exceed,
    or a `tf.data.Dataset` of images of the model's size or batches of them, alone or first in tuples. Where images come out they have the type and shape
    of those that went in. An array of three dimensions is (N, H, W) for a model of gray images, unless it ends in 1, and (H, W, C) for one of colour.

    Attributes:
        verbs: the model itself: `DAE`, `VAE`, `DVAE`, or the graphs of a SavedModel.
        image_shape: (H, W, C) of the images that it was trained on.
    """

    def __init__(self, verbs: Verbs):
        self.verbs = verbs
        self.image_shape = verbs.image_shape
        _ = verbs.graphs  # made once here, for the commands use them from several threads

    @property
    def layer(self) -> DenoisingModel:
        """The model as a Keras layer, from float images in [0, 1] to denoised ones, for a model of your own, which saves and loads with it.

        Raises:
            ValueError: it came from a SavedModel, which has no Keras layer.
        """
        if not isinstance(self.verbs, DenoisingModel):
            raise ValueError(
                "a SavedModel has no Keras layer; load the run folder or the .keras file."
            )
        return self.verbs

    @property
    def tiled(self) -> bool:
        """Whether images larger than the model's can be denoised, in overlapping tiles: where codes keep their place in the image."""
        return len(self.verbs.code_shape) == 3

    def denoise(self, images):
        """Return the denoised images.

        Larger ones than the model's are denoised in overlapping tiles where the network is convolutional.

        Raises:
            TypeError, ValueError: images of a wrong type, shape or range, or with NaN.
        """
        if isinstance(images, tf.data.Dataset):
            return images.map(self.mapped(self.verbs.graphs["call"]), tf.data.AUTOTUNE)
        array = np.asarray(images)
        return to_kind(self._denoise(self.batch(array, larger=True)), array.dtype).reshape(
            array.shape
        )

    def _denoise(self, images: np.ndarray) -> np.ndarray:
        if images.shape[1:] == self.image_shape:
            return self.verbs.denoise(images)
        return np.stack(
            [
                tiles.apply(self.verbs.denoise, image, self.image_shape[:2], self.verbs.batch_rows)
                for image in images
            ]
        )

    def encode(self, images):
        """Return the code of each image, float32 (N, ...), of a single image (...).

        Raises:
            TypeError, ValueError: images of a wrong type, shape or range, or with NaN.
        """
        if isinstance(images, tf.data.Dataset):
            return images.map(
                self.mapped(self.verbs.graphs["encode_images"], in_kind=False), tf.data.AUTOTUNE
            )
        codes = self.verbs.encode(self.batch(images))
        return codes[0] if self._single(np.asarray(images)) else codes

    def decode(self, codes) -> np.ndarray:
        """Return the image of each code, float32 (N, H, W, C) in [0, 1]."""
        return self.verbs.decode(codes)

    def sample(self, count: int, seed: int = 0) -> np.ndarray:
        """Return `count` new images of a VAE or DVAE, float32 (count, H, W, C) in [0, 1]; the same seed gives the same images.

        Raises:
            ValueError: a model without a prior.
        """
        return self.verbs.sample(count, seed)

    def augment(
        self, images, labels=None, per_image: int = 2, seed: int = 0, method: str | None = None
    ):
        """Return labelled synthetic images: (images, labels, source), images of the type of those that went in.

        Of a dataset it is a dataset of synthetic images, drawn afresh in each epoch, with what else its tuples hold, such as labels: one of each
        image, then another one of each, `per_image` times. The first epoch repeats with `seed`.

        Args:
            images: as for `denoise`.
            labels: whole numbers, one an image, of an array.
            per_image: synthetic images for each image.
            seed: root seed.
            method: as for `Augmenter`, of an array.

        Raises:
            TypeError, ValueError: images or labels that do not fit, a plain autoencoder, a method that the model does not have.
        """
        if isinstance(images, tf.data.Dataset):
            if labels is not None or method is not None:
                raise ValueError(
                    "`labels` and `method` must be left out for a dataset, whose labels are in its tuples."
                )
            return images.repeat(checks.integer("per_image", per_image, 1)).map(
                augmenter(self, seed)
            )
        array = np.asarray(images)
        made = augmentation.Augmenter(self.verbs, method).generate(
            self.batch(array), np.atleast_1d(labels), per_image, seed
        )
        flat = self.image_shape[-1] == 1 and array.ndim < 4 and array.shape[-1] != 1
        return made._replace(
            images=to_kind(made.images[..., 0] if flat else made.images, array.dtype)
        )

    def anomaly_scores(self, images):
        """Return how badly the model reconstructs each image: mean squared error, float32 (N,); see `tfdvae.inference.anomaly`."""
        if isinstance(images, tf.data.Dataset):
            return images.map(self.mapped(self._scores, in_kind=False), tf.data.AUTOTUNE)
        batch = self.batch(images, larger=True)
        return anomaly.reconstruction_errors(self._denoise(batch), batch)

    def _scores(self, batch: tf.Tensor) -> tf.Tensor:
        return tf.reduce_mean(tf.square(self.verbs.graphs["call"](batch) - batch), axis=(1, 2, 3))

    def detect(self, images, normal, false_positive_rate: float = 0.05):
        """Return whether each image is anomalous, bool (N,) or a dataset of them: whether its score is above the one that few normal images exceed.

        Args:
            images: as for `denoise`.
            normal: images known to be normal, and not those that the model was trained on: an array or a dataset, whichever `images` are.
            false_positive_rate: the fraction of normal images that may exceed the threshold, in [0, 1].

        Raises:
            TypeError, ValueError: images or a fraction that do not fit.
        """
        checks.number("false_positive_rate", false_positive_rate, 0, 1)
        try:
            found = self.anomaly_scores(normal)
        except (TypeError, ValueError) as error:
            raise type(error)(str(error).replace("`images`", "`normal`")) from None
        if isinstance(normal, tf.data.Dataset):
            if normal.cardinality() == tf.data.INFINITE_CARDINALITY:
                raise ValueError("`normal` must come to an end; got an endless dataset.")
            elements = (
                element[0] if isinstance(element, tuple) else element
                for element in found.as_numpy_iterator()
            )
            found = np.concatenate([np.zeros(0, np.float32), *map(np.atleast_1d, elements)])
        threshold = anomaly.threshold(found, false_positive_rate)
        if isinstance(images, tf.data.Dataset):
            return images.map(
                self.mapped(lambda batch: self._scores(batch) > threshold, in_kind=False),
                tf.data.AUTOTUNE,
            )
        return self.anomaly_scores(images) > threshold

    def impute(self, images, missing=None):
        """Return the images with their missing pixels filled in.

        Args:
            images: as for `denoise`.
            missing: bool, one a pixel, (H, W) or (N, H, W). Default, and for a dataset: pixels that are NaN in any channel.

        Raises:
            TypeError, ValueError: images or `missing` that do not fit; integer images without `missing`.
        """
        if isinstance(images, tf.data.Dataset):
            if missing is not None:
                raise ValueError(
                    "`missing` must be left out for a dataset, whose missing pixels are NaN."
                )
            return images.map(self.mapped(self._fill, with_missing=True), tf.data.AUTOTUNE)
        array = np.asarray(images)
        shaped = self._shaped(array)
        self._check_size(shaped.shape[1:], larger=False)
        if missing is None:
            if array.dtype.kind != "f":
                raise ValueError(
                    f"`missing` is needed for images of {array.dtype}, which have no NaN."
                )
            missing = np.isnan(shaped).any(axis=-1)
        missing = np.asarray(missing)
        missing = (
            np.broadcast_to(missing, shaped.shape[:3])
            if missing.shape == shaped.shape[1:3]
            else missing
        )
        if missing.shape != shaped.shape[:3]:
            raise ValueError(
                f"`missing` must have shape (H, W) or (N, H, W) for `images` {array.shape}; got {missing.shape}."
            )
        batch = self.batch(np.where(missing[..., None], shaped.dtype.type(0), shaped))
        made = to_kind(imputation.impute(self.verbs, batch, missing), array.dtype)
        return np.where(missing[..., None], made, shaped).reshape(array.shape)

    def _fill(self, batch: tf.Tensor) -> tf.Tensor:
        missing = tf.reduce_any(tf.math.is_nan(batch), axis=-1, keepdims=True)
        return tf.where(missing, self.verbs.graphs["call"](tf.where(missing, 0.0, batch)), batch)

    def batch(self, images, larger: bool = False) -> np.ndarray:
        """Return images as a float32 batch (N, H, W, C) in [0, 1], which noise of floats may exceed; integers are scaled by their whole range.

        Args:
            images: an array of images of the model's size.
            larger: larger ones are welcome where the network is convolutional.

        Raises:
            TypeError: neither uint8 nor uint16 nor floats.
            ValueError: a shape that is none of images of this model, floats with NaN or on another scale.
        """
        shaped = self._shaped(np.asarray(images))
        self._check_size(shaped.shape[1:], larger)
        if shaped.dtype in (np.uint8, np.uint16):
            return shaped.astype(np.float32) / np.iinfo(shaped.dtype).max
        return self.verbs.checked("images", shaped, any_size=True)

    def _single(self, array: np.ndarray) -> bool:
        """Tell whether an array is one image."""
        if self.image_shape[-1] > 1:
            return array.ndim == 3
        return array.ndim == 2 or (array.ndim == 3 and array.shape[-1] == 1 < self.image_shape[1])

    def refuse_flattened(self, shape: tuple[int, ...]) -> None:
        """Refuse rows of flattened images, which what may be one image (H, W) or (H, W, 1) is if it is as wide as an image has values or pixels.

        Raises:
            ValueError: saying how to shape it.
        """
        height, width, channels = self.image_shape
        if tuple(shape[:2]) == (height, width) or shape[1] not in (
            height * width,
            height * width * channels,
        ):
            return
        wide = (
            " One image of that width is images[None]."
            if channels == 1 and self.tiled and shape[0] >= height
            else ""
        )
        raise ValueError(
            f"`images` must not be flattened; got {shape[0]:,} rows of {shape[1]:,} values. "
            f"images.reshape(-1, {height}, {width}, {shape[1] // (height * width)}) shapes them.{wide}"
        )

    def _shaped(self, array: np.ndarray) -> np.ndarray:
        """Return images as (N, H, W, C)."""
        channels = self.image_shape[-1]
        if array.dtype not in (np.uint8, np.uint16) and array.dtype.kind != "f":
            raise TypeError(
                f"`images` must be uint8, uint16 or floats in [0, 1]; got {array.dtype}."
            )
        if array.ndim == 3 and channels == 1 and array.shape[-1] == 3 < self.image_shape[1]:
            raise ValueError(
                f"`images` must have 1 channel, as the model has; got one of shape {array.shape}."
            )
        if array.ndim == 2 or (array.ndim == 3 and self._single(array) and array.shape[-1] == 1):
            self.refuse_flattened(array.shape)
        if self._single(array):
            array = array[None]
        if array.ndim == 3 and channels == 1:
            array = array[..., None]
        if array.ndim != 4:
            wanted = (
                "(H, W), (N, H, W) or (N, H, W, 1)"
                if channels == 1
                else f"(H, W, {channels}) or (N, H, W, {channels})"
            )
            raise ValueError(f"`images` must have shape {wanted}; got {array.shape}.")
        return array

    def _check_size(self, shape: tuple[int, ...], larger: bool) -> None:
        height, width, channels = self.image_shape
        if shape[2] != channels:
            raise ValueError(
                f"`images` must have {channels} channel{'s' if channels > 1 else ''}, as the model has; got {shape[2]}."
            )
        if shape[:2] == (height, width):
            return
        got = f"`images` must be {height}x{width}, as those that the model was trained on; got {shape[0]}x{shape[1]}."
        if not larger or shape[0] < height or shape[1] < width:
            raise ValueError(got)
        if not self.tiled:
            raise ValueError(
                f"{got} A convolutional network would take larger ones, in tiles; the codes of this one have no place in the image."
            )

    def mapped(
        self, function: Callable, in_kind: bool = True, with_missing: bool = False
    ) -> Callable:
        """Return a function for `tf.data.Dataset.map` that applies a function of float32 batches to images, alone or first in a tuple.

        Args:
            function: tensor float32 (N, H, W, C) -> tensor (N, ...).
            in_kind: what comes out are images, of the type of those that went in.
            with_missing: pixels may be NaN.
        """
        height, width, channels = self.image_shape
        low, high = (
            (-8, 9) if self.verbs.likelihood.kind == "bernoulli" else (-10, 10)
        )  # as in `checks.images`, and so the mean

        def of_images(images, *others):
            if not tf.is_tensor(images):
                raise TypeError(
                    f"a dataset must hold images alone or first in tuples; got {type(images).__name__}: map it to tuples."
                )
            flat = (
                channels == 1
                and images.shape.rank in (2, 3)
                and images.shape[-2:].as_list() == [height, width]
            )
            batch = images[..., None] if flat else images
            if batch.shape.rank not in (3, 4) or not batch.shape[-3:].is_compatible_with(
                self.image_shape
            ):
                raise ValueError(
                    f"a dataset must hold images {self.image_shape} or batches of them; got elements of shape {images.shape}."
                )
            if batch.dtype not in (tf.uint8, tf.uint16) and not batch.dtype.is_floating:
                raise TypeError(
                    f"a dataset must hold images of uint8, uint16 or floats in [0, 1]; got {batch.dtype.name}."
                )
            unbatched = batch.shape.rank == 3
            batch = tf.ensure_shape(batch[None] if unbatched else batch, (None, *self.image_shape))
            unit = tf.cast(batch, tf.float32) / (1 if batch.dtype.is_floating else batch.dtype.max)
            known = tf.where(with_missing & tf.math.is_nan(unit), 0.0, unit)
            mean = tf.reduce_mean(known)
            fits = (known >= low) & (known <= high)
            if self.verbs.likelihood.kind == "bernoulli":
                fits &= (mean >= -0.1) & (mean <= 1.1)
            wanted = "images must be finite and scaled to [0, 1], which noise may exceed"
            with tf.control_dependencies([tf.debugging.Assert(tf.reduce_all(fits), [wanted])]):
                made = function(unit)
            made = made[0] if unbatched else made
            if in_kind:
                made = made[..., 0] if flat else made
                made = tf.cast(
                    made if images.dtype.is_floating else tf.round(made * images.dtype.max),
                    images.dtype,
                )
            return (made, *others) if others else made

        return of_images


def to_kind(images: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Return float images in [0, 1] as another type, of integers over their whole range."""
    if dtype.kind == "f":
        return images.astype(dtype, copy=False)
    return np.rint(images * np.iinfo(dtype).max).astype(dtype)
