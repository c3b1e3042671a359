"""The figures of a run."""

from pathlib import Path

import numpy as np

from tfdvae import corruptions, csv_rows
from tfdvae.config import TrainConfig
from tfdvae.data import image_dataset, pipelines
from tfdvae.experiment import evaluation
from tfdvae.experiment.run import Run
from tfdvae.metrics import latent
from tfdvae.reporting import figure_text, image_plots, plots

CAPTIONS = {
    "samples": "Images of the dataset, uncorrupted",
    "training_loss": "Loss of the generative model after each epoch",
    "denoised": "Clean, noisy and denoised test images",
    "corrupted": "Test images at each test noise",
    "reconstructions": "What the model sees and what it makes of it",
    "augmentation": "Synthetic images below those that they were made from",
    "latent_grids": "Decoded images over pairs of latent units",
    "learning_curves": "Training of the classifiers",
    "accuracy": "Accuracy of the classifiers at each test noise",
}
MAX_SHOWN = 10  # images in a row
MAX_ENCODED = 10_000  # images that tell which latent units are the most active
MAX_UNITS = 6  # latent units in the grids
GRID_SIZE = 10  # images on a side of a grid
GRID_PIXELS = 64  # pixels on a side of each of up to 1,500 images, which are drawn small


def names(config: TrainConfig) -> list[str]:
    """Return the names of the figures of a run."""
    listed = ["samples", "training_loss"]
    listed += ["denoised"] if config.data.noisy_dir else ["corrupted", "reconstructions"]
    listed += ["augmentation"] if config.makes_images else []
    listed += ["latent_grids"] if config.generator.latent_units > 1 else []
    return listed + (["learning_curves", "accuracy"] if config.training_sets else [])


def draw(run: Run) -> str:
    """Draw the figures of a run into its folder and return a line of text."""
    config, folder = run.config, run.folder / "figures"
    shown, titles = _choose_images(run)
    clean = image_dataset.to_unit(run.dataset.train.images[run.data["index"][shown]])
    title = f"Images of {config.data.title}, uncorrupted"
    image_plots.image_rows({"": clean}, title, folder / "samples.png", titles)
    if config.data.noisy_dir:
        _draw_denoised(run, folder)
    else:
        _draw_test_noise(run, folder)
        _draw_reconstructions(run, shown, clean, titles, folder)
    if config.makes_images:
        _draw_augmentation(run, shown, titles, folder)
    plots.training_loss(
        run.history("generator"),
        f"{run.title}: training loss",
        run.loss_unit,
        folder / "training_loss.png",
    )
    if "latent_grids" in names(config):
        _draw_latent_grids(run, folder)
    if config.training_sets:
        _draw_classifiers(run, folder)
    return f"{len(list(folder.glob('*.png')))} figures in {folder}"


def _choose_images(run: Run) -> tuple[np.ndarray, list[str] | None]:
    """Return rows of training images to show, one a class where there are classes, and titles."""
    labels, class_names = run.data["labels"], run.dataset.class_names
    if not class_names:
        return np.arange(min(MAX_SHOWN, len(labels))), None
    first = [np.flatnonzero(labels == label)[0] for label in np.unique(labels)]
    shown = np.array(first)[:MAX_SHOWN]
    return shown, [figure_text.column_name(class_names[label]) for label in labels[shown]]


def _draw_denoised(run: Run, folder: Path) -> None:
    test = run.dataset.test
    assert test.noisy is not None
    noisy, clean = (
        image_dataset.to_unit(images[:MAX_SHOWN]) for images in (test.noisy, test.images)
    )
    rows = {"clean": clean, "noisy": noisy, "denoised": run.generator.denoise(noisy)}
    image_plots.image_rows(rows, f"{run.title}: test images", folder / "denoised.png")


def _draw_test_noise(run: Run, folder: Path) -> None:
    """Draw test images at each test noise."""
    config, rows = run.config, {}
    for corruption in map(corruptions.parse, config.classifier.test_noise):
        name = corruptions.label("none" if corruption.level == 0 else str(corruption))
        images = run.dataset.test.images[:MAX_SHOWN]
        rows[name] = evaluation.test_noise(images, corruption, config.run.seed)
    title = f"Test images of {config.data.title} at each test noise"
    image_plots.image_rows(rows, title, folder / "corrupted.png")


def _draw_reconstructions(
    run: Run, shown: np.ndarray, clean: np.ndarray, titles: list[str] | None, folder: Path
) -> None:
    """Draw training images uncorrupted, as observed, as the model sees them, and reconstructed."""
    config = run.config
    encoded = observed = run.data["images"][shown]
    rows = {"uncorrupted\n(never seen)": clean} if config.data.noisy_train else {}
    rows["observed"] = observed
    if config.generator.denoising:
        index = run.data["index"][shown]
        encoded = pipelines.freeze_noise(
            observed, index, config.injected, config.run.seed, "figure"
        )
        rows[f"corrupted\n{config.injected}"] = encoded
    rows["reconstructed"] = run.generator.denoise(encoded)
    title = f"{run.title}: what it sees and what it makes of it"
    image_plots.image_rows(rows, title, folder / "reconstructions.png", titles)


def _draw_augmentation(run: Run, shown: np.ndarray, titles: list[str] | None, folder: Path) -> None:
    images, labels, source = (run.synthetic[name] for name in ("images", "labels", "source"))
    rows = {}
    if (source >= 0).all():
        rows["observed"] = run.data["images"][shown]
        places = [np.flatnonzero(source == image)[:4] for image in shown]
    else:
        places = [np.flatnonzero(labels == label)[:4] for label in run.data["labels"][shown]]
    for copy in range(min(map(len, places))):
        rows[f"synthetic {copy + 1}"] = images[[place[copy] for place in places]]
    image_plots.image_rows(
        rows, f"{run.title}: synthetic images", folder / "augmentation.png", titles
    )


def _draw_classifiers(run: Run, folder: Path) -> None:
    config = run.config
    protocol = config.classifier.protocol
    curves = {name: run.history(f"classifier-{name}") for name in config.training_sets}
    title = f"{run.title}: classifiers, {protocol}"
    plots.learning_curves(curves, title, folder / "learning_curves.png")
    rows = csv_rows.read_rows(run.folder / "metrics.csv")
    rows = [row for row in rows if row["metric"].startswith("accuracy")]
    title = f"{run.title}\n{protocol}, one run, seed {config.run.seed}"
    plots.accuracy_against_noise(rows, title, folder / "accuracy.png")


def _draw_latent_grids(run: Run, folder: Path) -> None:
    """Draw decoded images over pairs of the most active units.

    The other units stay at 0 where the model is variational, otherwise at their mean. Of images of
    128 pixels and more, every second pixel or fewer are kept.
    """
    codes = run.generator.encode(run.data["images"][:MAX_ENCODED])
    flat = codes.reshape(len(codes), -1)
    units = np.sort(np.argsort(-latent.activity(codes))[:MAX_UNITS])
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
    image_plots.latent_grids(grids, values, title, folder / "latent_grids.png")
