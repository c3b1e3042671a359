"""The methods of `keras.Model` that people call, with checks before any work starts."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

if keras.backend.backend() != "tensorflow":
    raise ImportError(
        f"tfdvae needs Keras on TensorFlow; got the backend {keras.backend.backend()}. "
        "Set KERAS_BACKEND=tensorflow."
    )

from tfdvae._utils import checks
from tfdvae.data import pipelines
from tfdvae.models import training_data
from tfdvae.models.inference_mixin import InferenceMixin


class ImageModel(InferenceMixin, keras.Model):
    """A Keras model of images with a loss of its own; see `DenoisingModel`.

    Attributes:
        encoder: Keras model from images to a code.
        decoder: Keras model from a code to logits.
        seed: root seed of all noise and of the order of images in `fit`.
    """

    encoder: keras.Model
    decoder: keras.Model
    seed: int

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: None = None,
        loss_weights: None = None,
        metrics: None = None,
        weighted_metrics: None = None,
        **kwargs: Any,
    ) -> None:
        """Configure training as `keras.Model.compile` does.

        Args:
            optimizer: a Keras optimizer or its name.
            loss: must be left out.
            loss_weights: must be left out.
            metrics: must be left out.
            weighted_metrics: must be left out.
            **kwargs: all else that `keras.Model.compile` takes.

        Raises:
            ValueError: a loss or metrics.
        """
        if any(given is not None for given in (loss, loss_weights, metrics, weighted_metrics)):
            raise ValueError(
                "compile with an optimizer alone: the loss and the metrics are the model's own."
            )
        super().compile(optimizer, **kwargs)

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile the model as it was when it was saved; Keras calls this as it loads a file."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        validation_split: float = 0.0,
        **kwargs: Any,
    ) -> keras.callbacks.History:
        """Train as `keras.Model.fit` does.

        Arrays are checked, and shuffled by the model's seed, not by a global generator. An epoch of
        an array holds full batches alone; the images left over are others in each epoch.
        `validation_data` are checked alike, before training.

        Args:
            x: float (N, H, W, C) in [0, 1], or a `tf.data.Dataset` of batches of images or of
                (input, target) pairs. Each batch of a dataset is checked as it comes, the first
                one before training starts; of a generator types and shapes alone are checked.
            y: target images for an array `x`, which noise may then exceed; none to reconstruct `x`
                itself.
            batch_size: images a step for an array; 32 by default.
            epochs: as in Keras.
            validation_split: fraction of the images of an array, its last ones, that are held out
                for validation unless there is `validation_data`.
            **kwargs: all else that `keras.Model.fit` takes, such as `validation_data`: arrays or a
                dataset, of images, which noise may exceed, or of (input, target) pairs.

        Returns:
            The history of losses, means over each epoch.

        Raises:
            TypeError: integers; floats in [0, 1] are needed.
            ValueError: images with NaN, of the wrong shape or outside [0, 1] ([-10, 10] with the
                likelihoods gaussian:SIGMA and mse); labels or weights; a `validation_split` of a
                dataset.

        Example:
            >>> model.compile(optimizer="adam")
            >>> model.fit(images, epochs=60, validation_split=0.1)
        """
        for name in ("class_weight", "sample_weight"):
            if kwargs.get(name) is not None:
                raise ValueError(f"`{name}` must be left out: all images count alike.")
        if batch_size is not None:
            checks.integer("batch_size", batch_size, 1)
        training_data.refuse_structure(x)
        if kwargs.get("validation_data") is not None:
            kwargs["validation_data"] = training_data.check_validation(
                self, kwargs["validation_data"]
            )
        if training_data.is_array(x):
            arrays = training_data.check_arrays(self, x, y)
            if validation_split and kwargs.get("validation_data") is None:
                arrays, kwargs["validation_data"] = training_data.split(arrays, validation_split)
            x, y = arrays if len(arrays) == 2 else (arrays[0], None)
            if kwargs.get("shuffle", True) and self.compiled:
                batch_size = batch_size or 32
                steps = kwargs.get("steps_per_epoch") or pipelines.steps_per_epoch(
                    len(x), batch_size
                )
                x = pipelines.training_batches(
                    arrays, batch_size, self.seed, "fit", first_step=int(self.optimizer.iterations)
                )
                rows = kwargs.get("validation_batch_size") or batch_size
                y, batch_size = None, None
                kwargs |= {
                    "shuffle": False,
                    "steps_per_epoch": steps,
                    "validation_batch_size": rows,
                }
        elif validation_split:
            raise ValueError(
                "`validation_split` is for arrays; hold images out of the dataset, such as by "
                "dataset.take(count), and give them as `validation_data`."
            )
        elif isinstance(x, tf.data.Dataset):
            x = training_data.checked(self, x)
            kwargs.setdefault("shuffle", False)
        return super().fit(x, y, batch_size=batch_size, epochs=epochs, **kwargs)

    def evaluate(
        self, x: Any = None, y: Any = None, batch_size: int | None = None, **kwargs: Any
    ) -> Any:
        """Return the losses as `keras.Model.evaluate` does.

        Arrays are checked as in `fit`, but noise may exceed [0, 1].
        """
        if kwargs.get("_use_cached_eval_dataset"):  # the `validation_data` of `fit`
            return super().evaluate(x, y, batch_size, **kwargs)
        training_data.refuse_structure(x)
        if training_data.is_array(x):
            arrays = training_data.check_arrays(self, x, y, noisy=True)
            x, y = arrays if len(arrays) == 2 else (arrays[0], None)
        elif isinstance(x, tf.data.Dataset):
            x = training_data.checked(self, x)
        return super().evaluate(x, y, batch_size, **kwargs)

    def predict(self, x: Any, batch_size: int | None = None, **kwargs: Any) -> np.ndarray:
        """Return reconstructions as `keras.Model.predict` does; arrays and datasets are checked.

        Of a dataset of tuples the first of each is taken.
        """
        training_data.refuse_structure(x)
        if training_data.is_array(x):
            x = self.check_images("x", x)
        elif isinstance(x, tf.data.Dataset):
            x = training_data.checked(self, x, with_targets=False)
        return super().predict(x, batch_size, **kwargs)

    def train_on_batch(self, x: Any, y: Any = None, **kwargs: Any) -> Any:
        """Take a step as `keras.Model.train_on_batch` does; arrays are checked as in `fit`."""
        return super().train_on_batch(*training_data.check_arrays(self, x, y), **kwargs)

    def test_on_batch(self, x: Any, y: Any = None, **kwargs: Any) -> Any:
        """Return losses as `keras.Model.test_on_batch` does, checked as in `evaluate`."""
        return super().test_on_batch(*training_data.check_arrays(self, x, y, True), **kwargs)

    def predict_on_batch(self, x: Any) -> np.ndarray:
        """Return what `keras.Model.predict_on_batch` does; arrays are checked as in `predict`."""
        return super().predict_on_batch(self.check_images("x", x))

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Return reconstructions of float images in [0, 1]; integers are refused, not scaled.

        Values are not checked, so that the model can be a layer of another one.
        """
        if isinstance(inputs, np.ndarray):
            inputs = checks.array("inputs", inputs, checks.IMPUTE_HINT)
        if hasattr(inputs, "dtype") and "int" in keras.backend.standardize_dtype(inputs.dtype):
            raise TypeError(
                f"`inputs` must be floating point images in [0, 1]; got {inputs.dtype}. Scale "
                "integers first, such as images / 255; `tfdvae.load(model).denoise` scales them."
            )
        return super().__call__(inputs, *args, **kwargs)

    def summary(self, *args: Any, **kwargs: Any) -> None:
        """Print a summary as `keras.Model.summary` does.

        Networks whose names Keras made are called encoder and decoder in it.
        """
        with _own_names(encoder=self.encoder, decoder=self.decoder):
            super().summary(*args, **kwargs)

    def save(self, filepath: str | Path, overwrite: bool = True, **kwargs: Any) -> None:
        """Save the model as a `.keras` file, as `keras.Model.save` does.

        Raises:
            ValueError: another suffix; such a file could not be loaded again.
        """
        if Path(filepath).suffix != ".keras":
            raise ValueError(
                f"`filepath` must end in .keras; got {filepath}. `save_weights` saves the weights "
                "alone, `tfdvae.export` a SavedModel or an ONNX file."
            )
        if self.compiled:  # else Keras warns, as it loads a model that was not fitted
            self.optimizer.build(self.trainable_variables)
        super().save(filepath, overwrite=overwrite, **kwargs)

    def export(
        self,
        filepath: str | Path,
        format: str = "tf_saved_model",
        verbose: bool | None = None,
        input_signature: Any = None,
        **kwargs: Any,
    ) -> None:
        """Export reconstruction for inference as `keras.Model.export` does.

        `tfdvae.export` writes a SavedModel that also encodes, decodes and samples, and that
        `tfdvae.load` takes.

        Args:
            filepath: folder or file.
            format: as in Keras.
            verbose: as in Keras.
            input_signature: by default float32 (N, H, W, C) with any N.
            **kwargs: all else that `keras.Model.export` takes.
        """
        if input_signature is None:
            shape = (None, *self.image_shape)
            input_signature = [keras.InputSpec("float32", shape, name="images")]
        super().export(str(filepath), format, verbose, input_signature, **kwargs)


@contextmanager
def _own_names(**networks: keras.Model) -> Iterator[None]:
    """Give networks with automatic names other ones within the block."""
    kept = {name: network.name for name, network in networks.items()}
    automatic = {}
    for name, network in networks.items():
        kind = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(network).__name__).lower()
        automatic[name] = re.fullmatch(rf"{re.escape(kind)}(_\d+)?", network.name) is not None
    try:
        for name, network in networks.items():
            network.name = name if automatic[name] else network.name
        yield
    finally:
        for name, network in networks.items():
            network.name = kept[name]
