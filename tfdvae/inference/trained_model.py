"""A trained model in everyday use: what `tfdvae.load` returns."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from tfdvae._utils import checks
from tfdvae.config.data import BACKGROUNDS, parse_level
from tfdvae.image_io.reading import Reading
from tfdvae.inference import anomaly, compression, graphs, imputation, tiles
from tfdvae.inference.augmentation import Augmenter, Synthetic, augment_lazily, labels_of_array
from tfdvae.inference.image_arrays import ImageFormat, note_scaled, to_dtype, to_unit
from tfdvae.inference.posterior import FromPosterior, Sampler
from tfdvae.inference.record import Record
from tfdvae.models.base import DenoisingModel
from tfdvae.models.inference_mixin import InferenceMixin

_MEASURED = {"any_size": True, "keep_dtype": False}  # of datasets: numbers, not images


class TrainedModel(FromPosterior):
    """A trained model that takes images as they come.

    Images are arrays (H, W), (N, H, W), (H, W, C) or (N, H, W, C) with the C of the model: uint8,
    uint16, or floats in [0, 1], which noise may exceed. Integers are scaled by the range of their
    type, and all by `white` where the model has one. An array of three dimensions is (N, H, W) for
    a model of gray images, unless it ends in 1, and (H, W, C) for one of color. Where images come
    out they have the type and shape of those that went in.

    Images may also be a `tf.data.Dataset` of images that the model takes, or of batches of them,
    alone or first in tuples, and then the result is a dataset; or a tensor, as in `Dataset.map`.

    Attributes:
        core: what computes: a `DAE`, `VAE` or `DVAE`, the graphs of a SavedModel, or an ONNX file.
        image_shape: (H, W, C) of the images that it was trained on.
        code_shape: shape of the code of one image.
        variational: whether codes are distributions, so that new images can be sampled.
        has_code: whether images can be encoded; a unet only maps images to images.
        any_size: whether images of any height and width can be denoised and scored.
        tiles: whether larger images can be denoised and scored as anomalies, in overlapping tiles:
            where codes keep their place in the image.
        format: shapes that arrays of its images may have.
        record: what was measured of it in its run, where that is known.
        white: what stands for white in images; None: the largest value of their type, of floats 1.
        background: what transparent parts of image files are put on; None: white.
        reading: how files of its images are read.

    Example:
        >>> model = tfdvae.load("clothing-dvae")
        >>> clean = model.denoise(pictures)
        >>> dataset.map(lambda images, labels: (model.denoise(images), labels))
    """

    def __init__(
        self,
        core: InferenceMixin,
        record: Record | None = None,
        white: float | None = None,
        background: str | None = None,
    ):
        self.core = core
        self.record = record or Record()
        self.white = parse_level(core.white if white is None else white)
        self.background = core.background if background is None else background
        self.reading = Reading(self.white, self.background or BACKGROUNDS[0])
        self.image_shape, self.code_shape = core.image_shape, core.code_shape
        self.variational = core.variational
        self.has_code, self.any_size = core.has_code, core.any_size
        self.tiles = len(core.code_shape) == 3
        self.format = ImageFormat(self.image_shape, self.tiles, self.any_size)
        self._denoise, self.sampler = tiles.Denoiser(core), Sampler(core)
        self._noted = False
        _ = core.graphs  # made once here, for commands use them from several threads

    @property
    def keras_model(self) -> DenoisingModel:
        """The Keras model: a layer from float images in [0, 1] to denoised ones.

        It can be a part of a model of your own, which saves and loads with it.

        Raises:
            ValueError: the model came from a SavedModel or an ONNX file, which has no Keras model.
        """
        self.core.require_whole()
        if not isinstance(self.core, DenoisingModel):
            raise ValueError(
                "a SavedModel has no Keras model; load the run folder or the .keras file."
            )
        return self.core

    def denoise(self, images: Any, samples: int | None = None, seed: int = 0) -> Any:
        """Return the denoised images.

        Arrays of other sizes are denoised where it `tiles` (larger ones) or takes `any_size`.

        Args:
            images: as for all methods.
            samples: draws of the posterior of a VAE or DVAE, whose mean is returned. Default: as
                many as the model asks for, else, and of a dataset, what its mean code decodes to.
            seed: of the draws.

        Raises:
            TypeError, ValueError: images of a wrong type, shape or range, or with NaN; no draws.
        """
        self.record.say_harm()
        if samples is None and graphs.is_lazy(images):
            return self._apply(images, self._denoise.in_graph, any_size=True)
        samples = self.core.posterior_samples if samples is None else samples
        made = None if samples is None else self.mean_and_spread(images, samples, seed)[0]
        array = checks.array("images", images, checks.IMPUTE_HINT)
        if made is None:
            made = self._denoise(self.batch(array, larger=True))
        return to_dtype(made, array.dtype, self.white).reshape(array.shape)

    def encode(self, images: Any) -> Any:
        """Return the code of each image, float32 (N, *code_shape), of a single image code_shape.

        Raises:
            TypeError, ValueError: images of a wrong type, shape or range, or with NaN.
        """
        self.core.require_code()
        self.record.say_empty_code()
        if graphs.is_lazy(images):
            return self._apply(images, self.core.graphs["encode_images"], keep_dtype=False)
        codes = self.core.encode(self.batch(images))
        return codes[0] if self.format.is_single(np.asarray(images)) else codes

    def decode(self, codes: Any) -> Any:
        """Return the image of each code (N, *code_shape), float32 (N, H, W, C) in [0, 1].

        Raises:
            ValueError: codes with NaN or of the wrong shape.
        """
        return self.core.decode(codes)

    def augment(
        self,
        images: Any,
        labels: Any = None,
        per_image: int = 2,
        seed: int = 0,
        method: str | None = None,
    ) -> Any:
        """Return labelled synthetic images, a `Synthetic` of images of the type that went in.

        Of a dataset it is a dataset of synthetic images, drawn afresh in each epoch, with what else
        its tuples hold, such as labels: one of each image, then another one of each, `per_image`
        times. The first epoch repeats with `seed`.

        Args:
            images: an array or a dataset.
            labels: whole numbers, one an image, of an array.
            per_image: synthetic images for each image.
            seed: root seed.
            method: as for `Augmenter`, of an array.

        Raises:
            TypeError, ValueError: images or labels that do not fit, a plain autoencoder, a method
                that the model does not have.
        """
        if graphs.is_lazy(images):
            return augment_lazily(self, images, labels, per_image, seed, method)
        array = checks.array("images", images, checks.IMPUTE_HINT)
        made: Synthetic = Augmenter(self, method).generate(
            self.batch(array), labels_of_array(labels), per_image, seed
        )
        flat = self.image_shape[-1] == 1 and array.ndim < 4 and array.shape[-1] != 1
        pictures = made.images[..., 0] if flat else made.images
        return made._replace(images=to_dtype(pictures, array.dtype, self.white))

    def anomaly_scores(self, images: Any) -> Any:
        """Return how badly the model reconstructs each image: the mean squared error, float32 (N,).

        It is at least 0, in squared units of the pixel range; higher is more anomalous. Nothing is
        injected. It is the squared error whatever the likelihood: the cross-entropy of a gray pixel
        is above 0 even where its reconstruction is perfect.

        Example:
            >>> sklearn.metrics.roc_auc_score(is_anomaly, model.anomaly_scores(images))

        Raises:
            TypeError, ValueError: images of a wrong type, shape or range, or with NaN.
        """
        self.record.say_empty_code()
        if graphs.is_lazy(images):
            return self._apply(images, self._scores, **_MEASURED)
        batch = self.batch(images, larger=True)
        return anomaly.reconstruction_errors(self._denoise(batch), batch)

    def _scores(self, batch: tf.Tensor) -> tf.Tensor:
        return tf.reduce_mean(tf.square(self._denoise.in_graph(batch) - batch), axis=(1, 2, 3))

    def detect(self, images: Any, normal: Any, false_positive_rate: float = 0.05) -> Any:
        """Return whether each image is anomalous, bool (N,).

        An image is where its score is above the one that few normal images exceed.

        Args:
            images: as for all methods.
            normal: images known to be normal, and not those that the model was trained on: an array
                or a dataset, whichever `images` are.
            false_positive_rate: the fraction of normal images that may exceed the threshold, in
                [0, 1].

        Raises:
            TypeError, ValueError: images or a fraction that do not fit.
        """
        checks.number("false_positive_rate", false_positive_rate, 0, 1)
        normal_scores = anomaly.scores_of_normal(self.anomaly_scores, normal)
        threshold = anomaly.threshold(normal_scores, false_positive_rate)
        if graphs.is_lazy(images):
            return self._apply(images, lambda x: self._scores(x) > threshold, **_MEASURED)
        return self.anomaly_scores(images) > threshold

    def impute(self, images: Any, missing: Any = None) -> Any:
        """Return the images with their missing pixels filled in; known pixels stay as they are.

        Missing pixels are set to 0 and the model reconstructs the image once. It is best with a
        model that injects `masking`, at a level not below the fraction missing.

        Args:
            images: as for all methods; of the model's size.
            missing: bool, one a pixel, (H, W) or (N, H, W). Default, and for a dataset: pixels that
                are NaN in any channel. The masked pixels of a masked array are missing too. Where
                no pixel is missing, the images are returned as they are, with a NOTE.

        Raises:
            TypeError, ValueError: images or `missing` that do not fit; no `missing` for integers
                that are no masked array; an image without a known pixel.
        """
        self.record.say_empty_code()
        if graphs.is_lazy(images):
            if missing is not None:
                raise ValueError(
                    "`missing` must be left out for a dataset, whose missing pixels are NaN."
                )
            return self._apply(
                images, lambda batch: imputation.fill(self.core, batch), may_be_nan=True
            )
        array = np.ma.asanyarray(images).data
        shaped = self.format.to_batch(array)
        known = ~imputation.missing_pixels(images, shaped, missing)
        batch = self.batch(np.where(known[..., None], shaped, shaped.dtype.type(0)))
        made = batch if known.all() else imputation.impute(self.core, batch, ~known)
        filled = to_dtype(made, array.dtype, self.white)
        return np.where(known[..., None], shaped, filled).reshape(array.shape)

    def compress(self, images: Any, bits: int) -> bytes:
        """Return images as their codes, quantized and entropy-coded.

        Args:
            images: an array.
            bits: 1 to 16, for each unit of the code.

        Returns:
            A stream that `decompress` of the same model turns into images (N, H, W, C). The weights
            of the model are not in it.

        Raises:
            TypeError, ValueError: images or bits that do not fit.

        Example:
            >>> restored = model.decompress(model.compress(images, bits=4))
        """
        self.core.require_code()
        return compression.compress_codes(self.core.encode(self.batch(images)), bits)

    def decompress(self, stream: bytes) -> np.ndarray:
        """Return the images of a stream of `compress`, float32 (N, H, W, C) in [0, 1].

        Raises:
            TypeError, ValueError: not such a stream, truncated or altered, or with codes of another
                shape than the model's.
        """
        return self.core.decode(compression.decompress_codes(stream))

    def batch(self, images: Any, larger: bool = False) -> np.ndarray:
        """Return an array of images as a float32 batch (N, H, W, C) in [0, 1].

        Args:
            images: an array of images of the model's size.
            larger: whether larger ones are accepted where the model `tiles`, or of `any_size`.

        Raises:
            TypeError: neither uint8 nor uint16 nor floats.
            ValueError: a shape that does not fit, floats with NaN or on another scale.
        """
        given = checks.array("images", images, checks.IMPUTE_HINT)
        shaped = self.format.to_batch(given, larger)
        self._noted = self._noted or note_scaled(shaped, self.white)
        unit = to_unit(shaped, self.white)
        if shaped.dtype.kind == "u":
            return unit
        return self.core.check_images("images", unit, any_size=True)

    def _apply(self, images: Any, function: Callable, **options: bool) -> Any:
        mapped = graphs.map_function(self.core, function, white=self.white, **options)
        return graphs.map_images(images, mapped)
