"""The first stage of a run: the training images, with their observed noise, and held-out ones."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np

from tfdvae import corruptions
from tfdvae._utils import chunks, files
from tfdvae.data import image_dataset, pipelines, splits
from tfdvae.experiment import folders
from tfdvae.experiment.run import Run

MAX_HELD_OUT = 2000  # images that early stopping looks at after each epoch


def prepare_data(run: Run) -> str:
    """Write the training images, and with early stopping held-out ones; return a line of text."""
    config, dataset = run.config, run.dataset
    labels, count = np.asarray(dataset.train.labels), config.data.n_train
    assert count is not None  # `preflight.resolve` sets it
    index = splits.stratified_subset(labels, count, config.run.seed)
    held_text = ""
    with files.replacing(run.data_folder) as temporary:
        temporary.mkdir()
        if config.generator.patience is not None:
            index, count, held_out = choose_held_out(labels, index, config.run.seed)
            np.save(temporary / "generator_count.npy", np.array(count))
            _write_images(run, held_out, temporary, "held_out", "held_out_clean")
            which = "of them" if count < len(index) else "others"
            held_text = f"; {len(held_out):,} {which} held out"
        np.save(temporary / "index.npy", index)
        np.save(temporary / "labels.npy", labels[index])
        _write_images(run, index, temporary, "images", "clean")
    if config.generator.init_from is not None:
        file = folders.model_file(config.generator.init_from)
        with files.replacing(run.folder / "checkpoints" / "initial.keras") as temporary:
            shutil.copyfile(file, temporary)
    noise = f", corrupted once with {config.data.train_noise}" if config.data.noisy_train else ""
    return (
        f"{len(index):,} of {len(labels):,} training images of {config.data.title}{noise}"
        f"{held_text}; {len(dataset.test.labels):,} test images"
    )


def choose_held_out(
    labels: np.ndarray, index: np.ndarray, seed: int
) -> tuple[np.ndarray, int, np.ndarray]:
    """Choose the images whose loss tells early stopping when to stop.

    They are training images outside the subset; where these are fewer than a fifth of it, a fifth
    of the subset, on which the generative model is then not trained. Test images are never used.

    Args:
        labels: int (N,), of all training images.
        index: int (n,), the positions of the subset.
        seed: root seed.

    Returns:
        The subset, ordered so that the model is trained on the first images; how many these are;
        and the positions of the held-out images, sorted.

    Example:
        >>> choose_held_out(np.zeros(9, int), np.arange(6), seed=0)
        (array([0, 1, 2, 3, 4, 5]), 6, array([6, 7, 8]))
    """
    others = np.setdiff1d(np.arange(len(labels)), index)
    if len(others) >= max(1, len(index) // 5):
        count = min(MAX_HELD_OUT, len(others))
        return index, len(index), others[splits.stratified_subset(labels[others], count, seed)]
    trained, held_out = splits.hold_out(labels[index], seed=seed)
    return index[np.concatenate([trained, held_out])], len(trained), index[held_out]


def stored_images(run: Run, name: str = "images", clean_name: str = "clean") -> dict[str, Any]:
    """Return the arrays that a run keeps images of, by name: of pairs the noisy and the clean."""
    train = run.dataset.train
    if train.noisy is not None and run.config.data.noisy_dir is not None:
        return {name: train.noisy, clean_name: train.images}
    return {name: train.images}


def observe(run: Run, images: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return images of the dataset as they are observed: with the noise of the run, if it has any.

    Args:
        run: whose settings say which noise.
        images: (N, H, W, C), all of one of `stored_images`.
        rows: int (M,), those that are wanted.

    Returns:
        float32 (M, H, W, C).
    """
    data = run.config.data
    noise = corruptions.parse(data.train_noise if data.noisy_train else "none")
    chosen = image_dataset.to_unit(images[rows])
    return pipelines.freeze_noise(chosen, rows, noise, run.config.run.seed, "observed")


def _write_images(run: Run, rows: np.ndarray, folder: Path, name: str, clean_name: str) -> None:
    """Write images of the dataset as they are observed, piece by piece; of pairs also the clean."""
    for file, images in stored_images(run, name, clean_name).items():
        with chunks.array_writer(folder / f"{file}.npy") as append:
            for piece in chunks.pieces(len(rows), 4 * images[0].size):
                append(observe(run, images, rows[piece]))
