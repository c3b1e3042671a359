"""The figures of a run."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfdvae import corruptions, csv_rows
from tfdvae.config import OF_NOISY_IMAGES, TrainConfig
from tfdvae.data import image_dataset, pipelines
from tfdvae.experiment import evaluation
from tfdvae.experiment.run import Run
from tfdvae.metrics import latent_codes
from tfdvae.reporting import figure_text, image_plots, plots

MAX_SHOWN = 10  # images in a row
MAX_ENCODED = 10_000  # images that tell which latent units are the most active
MAX_UNITS = 6  # latent units in the grids
GRID_SIZE = 10  # images on a side of a grid
GRID_PIXELS = 64  # pixels on a side of each of up to 1,500 images, which are drawn small


@dataclass(frozen=True)
class Figure:
    """A figure of a run.

    Attributes:
        caption: what it shows.
        draw: draws it, given the run and the path of the PNG.
        wanted: tells from the settings whether a run has it.
    """

    caption: str
    draw: Callable[[Run, Path], None]
    wanted: Callable[[TrainConfig], bool] = lambda config: True


def names(config: TrainConfig) -> list[str]:
    """Return the names of the figures of a run."""
    return [name for name, figure in FIGURES.items() if figure.wanted(config)]


def draw(run: Run) -> str:
    """Draw the figures of a run into its folder and return a line of text."""
    folder = run.folder / "figures"
    for name in names(run.config):
        FIGURES[name].draw(run, folder / f"{name}.png")
    return f"{len(list(folder.glob('*.png')))} figures in {folder}"


def _choose_images(run: Run) -> tuple[np.ndarray, list[str] | None]:
    """Return rows of training images to show, one a class where there are classes, and titles."""
    labels, class_names = run.data["labels"], run.dataset.class_names
    if not class_names:
        return np.arange(min(MAX_SHOWN, len(labels))), None
    first = [np.flatnonzero(labels == label)[0] for label in np.unique(labels)]
    shown = np.array(first)[:MAX_SHOWN]
    return shown, [figure_text.column_name(class_names[label]) for label in labels[shown]]


def _draw_samples(run: Run, path: Path) -> None:
    shown, titles = _choose_images(run)
    title = f"Images of {run.config.data.title}"
    image_plots.image_rows({"": _given(run, shown)}, title, path, titles)


def _given(run: Run, shown: np.ndarray) -> np.ndarray:
    """Return training images as the dataset has them, given their rows."""
    return image_dataset.to_unit(run.dataset.train.images[run.data["index"][shown]])


def _draw_training_loss(run: Run, path: Path) -> None:
    title = f"{run.title}: training loss"
    plots.training_loss(run.history("generator"), title, run.loss_unit, path)


def _draw_denoised(run: Run, path: Path) -> None:
    test = run.dataset.test
    given = image_dataset.to_unit(test.images[:MAX_SHOWN])
    rows = {"noisy": given}
    if test.noisy is not None:
        second = "noisy,\nsecond" if run.noise_of_second else "clean"
        rows = {second: given, "noisy": image_dataset.to_unit(test.noisy[:MAX_SHOWN])}
    samples = run.generator.posterior_samples
    rows["denoised"] = run.generator.denoise(rows["noisy"], samples=samples)
    image_plots.image_rows(rows, f"{run.title}: test images", path)


def _draw_test_noise(run: Run, path: Path) -> None:
    """Draw test images at each test noise."""
    config, rows = run.config, {}
    for corruption in map(corruptions.parse, config.classifier.test_noise):
        name = corruptions.label(str(corruption))
        images = run.dataset.test.images[:MAX_SHOWN]
        rows[name] = evaluation.test_noise(images, corruption, config.run.seed)
    added = "with each test noise added" if config.data.noise is not None else "at each test noise"
    title = f"Test images of {config.data.title} {added}"
    image_plots.image_rows(rows, title, path)


def _draw_reconstructions(run: Run, path: Path) -> None:
    """Draw training images before noise, as observed, as the model sees them, and reconstructed."""
    config = run.config
    shown, titles = _choose_images(run)
    encoded = observed = run.data["images"][shown]
    rows = {"uncorrupted\n(never seen)": _given(run, shown)} if config.data.noisy_train else {}
    rows["observed"] = observed
    if config.generator.denoising and config.chosen_objective not in OF_NOISY_IMAGES:
        index = run.data["index"][shown]
        encoded = pipelines.freeze_noise(
            observed, index, config.injected, config.run.seed, "figure"
        )
        rows[f"corrupted\n{config.injected}"] = encoded
    rows["reconstructed"] = run.generator.denoise(encoded, samples=run.generator.posterior_samples)
    title = f"{run.title}: what it sees and what it makes of it"
    image_plots.image_rows(rows, title, path, titles)


def _draw_augmentation(run: Run, path: Path) -> None:
    shown, titles = _choose_images(run)
    images, labels, source = (run.synthetic[name] for name in ("images", "labels", "source"))
    rows = {}
    if (source >= 0).all():
        rows["observed"] = run.data["images"][shown]
        places = [np.flatnonzero(source == image)[:4] for image in shown]
    else:
        places = [np.flatnonzero(labels == label)[:4] for label in run.data["labels"][shown]]
    for copy in range(min(map(len, places))):
        rows[f"synthetic {copy + 1}"] = images[[place[copy] for place in places]]
    image_plots.image_rows(rows, f"{run.title}: synthetic images", path, titles)


def _draw_learning_curves(run: Run, path: Path) -> None:
    config = run.config
    curves = {name: run.history(f"classifier-{name}") for name in config.training_sets}
    title = f"{run.title}: classifiers, {config.classifier.protocol}"
    plots.learning_curves(curves, title, path)


def _draw_accuracy(run: Run, path: Path) -> None:
    config = run.config
    rows = csv_rows.read_rows(run.folder / "metrics.csv")
    rows = [row for row in rows if row["metric"].startswith("accuracy")]
    title = f"{run.title}\n{config.classifier.protocol}, one run, seed {config.run.seed}"
    plots.accuracy_against_noise(rows, title, path)


def _draw_latent_grids(run: Run, path: Path) -> None:
    """Draw decoded images over pairs of the most active units.

    The other units stay at 0 where the model is variational, otherwise at their mean. Of images of
    128 pixels and more, every second pixel or fewer are kept.
    """
    codes = run.generator.encode(run.data["images"][:MAX_ENCODED])
    flat = codes.reshape(len(codes), -1)
    units = np.sort(np.argsort(-latent_codes.activity(codes))[:MAX_UNITS])
    if run.config.generator.variational:
        center, others = np.zeros(flat.shape[1]), "0"
        values = {int(unit): np.linspace(-2.5, 2.5, GRID_SIZE) for unit in units}
    else:
        center, others = flat.mean(axis=0), "at their mean"
        low, high = np.percentile(flat, (1, 99), axis=0)
        values = {int(unit): np.linspace(low[unit], high[unit], GRID_SIZE) for unit in units}
    grids = {}
    for place, i in enumerate(values):
        for j in list(values)[place + 1 :]:
            grid = np.tile(center, (GRID_SIZE, GRID_SIZE, 1))
            grid[:, :, i], grid[:, :, j] = values[i][None, :], values[j][:, None]
            images = run.generator.decode(grid.reshape(-1, *codes.shape[1:]))
            step = max(1, max(images.shape[1:3]) // GRID_PIXELS)
            images = images[:, ::step, ::step].copy()
            grids[i, j] = images.reshape(GRID_SIZE, GRID_SIZE, *images.shape[1:])
    title = f"{run.title}: decoded images over pairs of latent units, the others {others}"
    image_plots.latent_grids(grids, values, title, path)


def _pairs(config: TrainConfig) -> bool:
    return config.data.noisy_dir is not None


def _denoises_noisy(config: TrainConfig) -> bool:
    return _pairs(config) or (config.data.noise is not None and config.generator.denoising)


def _classifies(config: TrainConfig) -> bool:
    return bool(config.training_sets)


FIGURES = {
    "samples": Figure("Images of the dataset", _draw_samples),
    "training_loss": Figure("Loss of the generative model after each epoch", _draw_training_loss),
    "denoised": Figure("Test images, noisy and denoised", _draw_denoised, _denoises_noisy),
    "corrupted": Figure(
        "Test images at each test noise", _draw_test_noise, lambda config: not _pairs(config)
    ),
    "reconstructions": Figure(
        "What the model sees and what it makes of it",
        _draw_reconstructions,
        lambda config: not _pairs(config),
    ),
    "augmentation": Figure(
        "Synthetic images below those that they were made from",
        _draw_augmentation,
        lambda config: config.makes_images,
    ),
    "latent_grids": Figure(
        "Decoded images over pairs of latent units",
        _draw_latent_grids,
        lambda config: config.generator.latent_units > 1,
    ),
    "learning_curves": Figure("Training of the classifiers", _draw_learning_curves, _classifies),
    "accuracy": Figure(
        "Accuracy of the classifiers at each test noise", _draw_accuracy, _classifies
    ),
}
