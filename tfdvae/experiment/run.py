"""A run: its settings, its folder and its dataset."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import keras
import numpy as np

from tfdvae._utils import files
from tfdvae.config import PRECISIONS, TrainConfig
from tfdvae.data import image_dataset
from tfdvae.models.base import DenoisingModel


@dataclass(frozen=True)
class Run:
    """One run: its settings, its folder and its dataset. Stages hand on what they made through files in the folder."""

    config: TrainConfig
    folder: Path
    source: image_dataset.ImageDataset

    @property
    def title(self) -> str:
        c = self.config
        noise = f"noisy ({c.data.train_noise})" if c.data.noisy_train else c.data.condition
        images = (
            "pairs of noisy and clean training images"
            if c.data.noisy_dir
            else f"{noise} training images"
        )
        return f"{c.data.title}, {c.data.n_train:,} {images}, {c.generator.model.upper()}"

    @cached_property
    def data(self) -> dict[str, np.ndarray]:
        """`index` int64 (N,), `labels` int64 (N,), `images` float32 (N, H, W, C) as observed, memory-mapped; of pairs also `clean`."""
        names = ("index", "labels", "images") + (("clean",) if self.config.data.noisy_dir else ())
        return _read_arrays(self.folder / "checkpoints" / "data", *names)

    @cached_property
    def synthetic(self) -> dict[str, np.ndarray]:
        """`images` float32 (M, H, W, C), memory-mapped, `labels` int64 (M,), `source` int64 (M,)."""
        return _read_arrays(self.folder / "augmentation", "images", "labels", "source")

    @cached_property
    def generator(self) -> DenoisingModel:
        return keras.models.load_model(self.folder / "generator.keras")

    @property
    def dtype(self) -> str:
        return PRECISIONS[self.config.run.precision]

    def row(self, **fields) -> dict:
        """Return a long row: what the run fixes, and `fields`."""
        c = self.config
        fixed = {"run": c.identity(), "dataset": c.data.dataset, "n_train": c.data.n_train, "condition": c.data.condition, "model": c.generator.model, "network": c.generator.chosen_network,
                 "corruption": c.generator.corruption, "target": c.generator.target, "seed": c.run.seed}  # fmt: skip
        return fixed | fields


def _read_arrays(folder: Path, *names: str) -> dict[str, np.ndarray]:
    return {
        name: np.load(
            folder / f"{name}.npy", mmap_mode="r" if name in ("images", "clean") else None
        )
        for name in names
    }


def read_history(run: Run, name: str) -> list[dict]:
    """Return the learning curve of the generator or a classifier: its logs after each epoch or round."""
    return files.read_json(run.folder / "checkpoints" / f"{name}.json")


def unit(config: TrainConfig) -> str:
    return "mean squared error" if config.generator.likelihood == "mse" else "nats per image"


def loss_text(config: TrainConfig, value: float) -> str:
    return f"{value:.{5 if config.generator.likelihood == 'mse' else 2}f} {unit(config)}"
