"""A run: its settings, its folder and its dataset."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfdvae import classifier
from tfdvae._utils import files, records
from tfdvae.config import PRECISIONS, TrainConfig
from tfdvae.data import image_dataset
from tfdvae.data.image_dataset import ImageDataset
from tfdvae.experiment import own_noise
from tfdvae.fitting import checkpoints, distribution, training
from tfdvae.inference import keras_files
from tfdvae.metrics.noise_of_pairs import SecondNoise
from tfdvae.models.base import DenoisingModel


@dataclass(frozen=True)
class Run:
    """One run. Its stages hand on what they made through files in its folder.

    Attributes:
        config: settings, all of them resolved.
        folder: run folder.
        dataset: training and test images.
        callbacks: of the user, for the training of the generative model.
        objective: of the model of noisy images, and why, a sentence; otherwise empty.
        classifier_precision: of `config.PRECISIONS`.
        strategy: on what the models are trained.
    """

    config: TrainConfig
    folder: Path
    dataset: ImageDataset
    callbacks: Sequence[keras.callbacks.Callback] = ()
    objective: str = ""
    classifier_precision: str = "float32"
    strategy: tf.distribute.Strategy = field(default_factory=tf.distribute.get_strategy)

    @property
    def title(self) -> str:
        """Dataset, number and condition of the images, and model, in words."""
        data = self.config.data
        noise = "noisy" if data.condition == "noisy" else ""  # that there is none is not known
        if data.noisy_train:
            noise = f"noisy ({data.train_noise})"
        images = f"{noise} training images".lstrip()
        if data.noisy_dir:
            second = "of noisy" if self.noise_of_second else "of noisy and clean"
            images = f"pairs {second} training images"
        return f"{data.title}, {data.n_train:,} {images}, {self.config.generator.model.upper()}"

    @cached_property
    def noise_of_second(self) -> SecondNoise | None:
        """The noise of the second images of pairs; None where they are clean, or there are none."""
        return own_noise.of_second(self.dataset) if self.config.data.noisy_dir else None

    @cached_property
    def data(self) -> dict[str, np.ndarray]:
        """The training images.

        `index` int64 (N,), their positions in the dataset; `labels` int64 (N,); `images` float32
        (N, H, W, C), as observed, memory-mapped; of pairs also `clean`, like `images`.
        """
        names = ["index", "labels", "images", *(["clean"] if self.config.data.noisy_dir else [])]
        return _read_arrays(self.data_folder, names)

    @cached_property
    def generator_inputs(self) -> tuple[np.ndarray, ...]:
        """The images that the generative model is trained on; of pairs (noisy, clean)."""
        count = None
        if self.config.generator.patience is not None:
            count = int(_read_arrays(self.data_folder, ["generator_count"])["generator_count"])
        names = ("images", "clean") if self.config.data.noisy_dir else ("images",)
        return tuple(self.data[name][:count] for name in names)

    @cached_property
    def held_out(self) -> tuple[np.ndarray, ...]:
        """The images that early stopping looks at; of pairs (noisy, clean)."""
        clean = ["held_out_clean"] if self.config.data.noisy_dir else []
        return tuple(_read_arrays(self.data_folder, ["held_out", *clean]).values())

    @cached_property
    def synthetic(self) -> dict[str, np.ndarray]:
        """The synthetic images.

        `images` float32 (M, H, W, C), memory-mapped; `labels` int64 (M,); `source` int64 (M,), the
        row in `data` of the image that each was made from, -1 where there is none.
        """
        return _read_arrays(self.folder / "augmentation", ["images", "labels", "source"])

    @cached_property
    def generator(self) -> DenoisingModel:
        """The trained generative model."""
        path = self.folder / "generator.keras"
        return keras_files.load(path, "generator", compiled=True, hint=keras_files.AGAIN)

    @cached_property
    def clean(self) -> np.ndarray:
        """The training images before any noise was added, float32 (N, H, W, C)."""
        return image_dataset.to_unit(self.dataset.train.images[self.data["index"]])

    def views(self, method: str) -> np.ndarray:
        """Return what training images are mixed with, float32 (N, K, H, W, C), memory-mapped."""
        return _read_arrays(self.folder / "denoised", [method])[method]

    def classifier(self, augmentation: str) -> keras.Model:
        """Return a trained classifier, by what it was trained on."""
        path = self.folder / f"classifier-{augmentation}.keras"
        if self.config.classifier.own is None:
            return keras_files.load_any(path, "classifier", hint=keras_files.AGAIN)
        model = self.new_classifier("float32")  # a loss of the user's own can be in no file
        keras_files.load_weights(model, path, "classifier", hint=keras_files.AGAIN)
        return model

    def new_classifier(self, precision: str, seed: int | None = None) -> keras.Model:
        """Return the published CNN, or the user's own classifier, compiled and not trained.

        Args:
            precision: of the CNN, a key of `config.PRECISIONS`.
            seed: root seed of the initial weights; by default that of the run.
        """
        height, width, channels = self.data["images"].shape[1:]
        shape, classes = (height, width, channels), len(self.dataset.class_names)
        seed = self.config.run.seed if seed is None else seed
        own = self.config.classifier.own
        if own is not None:
            return classifier.build(own, shape, classes, seed)
        return classifier.cnn(shape, classes, seed=seed, dtype=PRECISIONS[precision])

    @property
    def data_folder(self) -> Path:
        """The folder of the training images."""
        return self.folder / "checkpoints" / "data"

    def row(self, **fields: Any) -> dict[str, Any]:
        """Return a long row: what the run fixes, and `fields`."""
        data, generator = self.config.data, self.config.generator
        fixed = {
            "run": self.config.identity(),
            "dataset": data.dataset,
            "n_train": data.n_train,
            "condition": data.condition,
            "model": generator.model,
            "network": generator.chosen_network,
            "corruption": generator.corruption,
            "target": generator.objective,
            "seed": self.config.run.seed,
        }
        return fixed | fields

    def history(self, name: str) -> list[dict[str, Any]]:
        """Return the learning curve of `generator` or a classifier, see `training.fit`."""
        return checkpoints.read_history(
            self.folder / "checkpoints" / f"{name}.json", keras_files.AGAIN
        )

    def tensorboard(self, name: str) -> keras.callbacks.Callback:
        """Return what writes the losses of `generator` or a classifier for TensorBoard."""
        board = keras.callbacks.TensorBoard(self.folder / "logs" / name, write_graph=False)
        board.of_rounds = True  # see `steps_at_once.Pace`; by default it looks at no single step
        return board

    def save(self, name: str, model: keras.Model, history: training.History) -> None:
        """Keep a trained model, `generator` or a classifier, and its learning curve."""
        if not distribution.is_chief(self.strategy):
            return
        files.write_json(self.folder / "checkpoints" / f"{name}.json", history)
        with files.replacing(self.folder / f"{name}.keras") as temporary:
            model.save(temporary)

    @property
    def loss_unit(self) -> str:
        """The unit of the generative model's loss."""
        mse = self.config.generator.likelihood == "mse"
        return "mean squared error" if mse else "nats per image"

    def loss_text(self, value: float) -> str:
        """Return a loss with its unit."""
        digits = 5 if self.config.generator.likelihood == "mse" else 2
        return f"{value:.{digits}f} {self.loss_unit}"


def _read_arrays(folder: Path, names: Sequence[str]) -> dict[str, np.ndarray]:
    in_memory = ("index", "labels", "source", "generator_count")
    for name in names:
        path = folder / f"{name}.npy"
        if reason := records.damage(path):
            raise ValueError(
                f"{path} is damaged: {reason}. Delete the folder {folder}: the same command then "
                "makes it again."
            )
    return {
        name: np.load(folder / f"{name}.npy", mmap_mode=None if name in in_memory else "r")
        for name in names
    }
