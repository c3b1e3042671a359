"""What a run is shown by: figures, a summary, and a report with a latent explorer."""

import numpy as np

from tfdvae import corruptions
from tfdvae._utils import chunks, csv_rows, files
from tfdvae.config import INCIDENTAL, TrainConfig
from tfdvae.data import image_dataset, pipelines, splits
from tfdvae.experiment import evaluation
from tfdvae.experiment.run import Run, loss_text, read_history, unit
from tfdvae.metrics import latent
from tfdvae.reporting import explorer, plots, tables
from tfdvae.reporting.document import (
    Document,
    Figure,
    Heading,
    Paragraph,
    Part,
    Table,
    literal,
    to_markdown,
)

EXPLORED = 1000  # test images in the explorer


def figure_names(config: TrainConfig) -> list[str]:
    """Return the names of the figures of a run."""
    names = ["samples", "training_loss"] + (
        ["denoised"] if config.data.noisy_dir else ["corrupted", "reconstructions"]
    )
    names += ["augmentation"] if config.makes_images else []
    names += ["latent_grids"] if config.generator.latent_units > 1 else []
    return names + (["learning_curves", "accuracy"] if config.training_sets else [])


def draw_figures(run: Run) -> str:
    c, figures = run.config, run.folder / "figures"
    images, labels, index = run.data["images"], run.data["labels"], run.data["index"]
    shown, names = np.arange(min(10, len(index))), None
    if run.source.class_names:
        shown = np.array([np.flatnonzero(labels == label)[0] for label in np.unique(labels)])[:10]
        names = [run.source.class_names[label] for label in labels[shown]]
    clean = image_dataset.to_unit(run.source.train.images[index[shown]])
    plots.image_rows(
        {"": clean}, f"Images of {c.data.title}, uncorrupted", figures / "samples.png", names
    )
    if c.data.noisy_dir:
        noisy, clean = (
            image_dataset.to_unit(part[:10])
            for part in (run.source.test.noisy, run.source.test.images)
        )
        rows = {"clean": clean, "noisy": noisy, "denoised": run.generator.denoise(noisy)}
        plots.image_rows(rows, f"{run.title}: test images", figures / "denoised.png")
    else:
        _draw_noise(run, images, index, shown, clean, names)
    if c.makes_images:
        _draw_augmentation(run, **run.synthetic, shown=shown, names=names)
    plots.training_loss(
        read_history(run, "generator"),
        f"{run.title}: training loss",
        unit(c),
        figures / "training_loss.png",
    )
    if "latent_grids" in figure_names(c):
        _draw_latent_grids(run)
    if c.training_sets:
        curves = {
            augmentation: read_history(run, f"classifier-{augmentation}")
            for augmentation in c.training_sets
        }
        plots.learning_curves(
            curves,
            f"{run.title}: classifiers, {c.classifier.protocol}",
            figures / "learning_curves.png",
        )
        measured = [
            row
            for row in csv_rows.read_rows(run.folder / "metrics.csv")
            if row["metric"].startswith("accuracy")
        ]
        plots.accuracy_against_noise(
            measured,
            f"{run.title}\n{c.classifier.protocol}, one run, seed {c.run.seed}",
            figures / "accuracy.png",
        )
    return f"{len(list(figures.glob('*.png')))} figures in {figures}"


def _draw_noise(run: Run, images, index, shown, clean, names) -> None:
    """Test images at each test noise; training images as they are, as the model sees them, and as it reconstructs them."""
    c, figures = run.config, run.folder / "figures"
    tests = {
        str(corruption): corruption
        for corruption in map(corruptions.parse, c.classifier.test_noise)
    }
    noisy = {
        name: evaluation.test_noise(run.source.test.images[:10], corruption, c.run.seed)
        for name, corruption in tests.items()
    }
    plots.image_rows({tables.noise_label("none" if tests[name].level == 0 else name): row for name, row in noisy.items()},
                     f"Test images of {c.data.title} at each test noise", figures / "corrupted.png")  # fmt: skip

    observed = images[shown]
    rows = {"uncorrupted\n(never seen)": clean} if c.data.noisy_train else {}
    rows["observed"] = observed
    encoded = observed
    if c.generator.denoising:
        encoded = pipelines.freeze_noise(observed, index[shown], c.injected, c.run.seed, "figure")
        rows[f"corrupted\n{c.injected}"] = encoded
    rows["reconstructed"] = run.generator.denoise(encoded)
    plots.image_rows(
        rows,
        f"{run.title}: what it sees and what it makes of it",
        figures / "reconstructions.png",
        names,
    )


def _draw_augmentation(run: Run, images, labels, source, shown, names) -> None:
    rows = {}
    if (source >= 0).all():
        rows["observed"] = run.data["images"][shown]
        places = [np.flatnonzero(source == image)[:4] for image in shown]
    else:
        places = [np.flatnonzero(labels == label)[:4] for label in run.data["labels"][shown]]
    for copy in range(min(map(len, places))):
        rows[f"synthetic {copy + 1}"] = images[[place[copy] for place in places]]
    plots.image_rows(
        rows, f"{run.title}: synthetic images", run.folder / "figures" / "augmentation.png", names
    )


def _draw_latent_grids(run: Run, size: int = 10, most: int = 6) -> None:
    """Decoded images over pairs of the most active units; the other units stay at 0 (variational) or at their mean.

    Of images of 128 pixels and more, every second pixel or fewer are kept: there are up to 1,500 of them, drawn small.
    """
    codes = run.generator.encode(run.data["images"][:10_000])
    flat = codes.reshape(len(codes), -1)
    units = np.sort(np.argsort(-latent.activity(codes))[:most])
    if run.config.generator.variational:
        centre, values = (
            np.zeros(flat.shape[1]),
            {int(unit): np.linspace(-2.5, 2.5, size) for unit in units},
        )
        others = "the others 0"
    else:
        centre, values = (
            flat.mean(axis=0),
            {
                int(unit): np.linspace(*np.percentile(flat[:, unit], (1, 99)), size)
                for unit in units
            },
        )
        others = "the others at their mean"
    grids = {}
    for place, i in enumerate(values):
        for j in list(values)[place + 1 :]:
            grid = np.tile(centre, (size, size, 1))
            grid[:, :, i], grid[:, :, j] = values[i][None, :], values[j][:, None]
            images = run.generator.decode(grid.reshape(-1, *codes.shape[1:]))
            step = max(1, max(images.shape[1:3]) // 64)
            images = images[:, ::step, ::step].copy()
            grids[i, j] = images.reshape(size, size, *images.shape[1:])
    plots.latent_grids(
        grids,
        values,
        f"{run.title}: decoded images over pairs of latent units, {others}",
        run.folder / "figures" / "latent_grids.png",
    )


def summary(run: Run) -> str:
    """Return the results of a run in Markdown, the text of `summary.md`."""
    return to_markdown([Heading(run.title), *_results(run)])


def _results(run: Run) -> list[Part]:
    c = run.config
    parts: list[Part] = [Paragraph(run.source.notice)] if run.source.notice else []
    if not c.generator.model_spec.generates:
        text = "A plain autoencoder makes no synthetic images (it has nothing random)"
        parts.append(Paragraph(f"{text}, so there is no augmented training set."))
    rows = csv_rows.read_rows(run.folder / "metrics.csv")
    images = f"{len(run.source.test.labels):,} test images"
    if c.generator.denoising and not c.data.noisy_dir:
        text = f"PSNR in dB of {images} against the uncorrupted ones, mean over images:"
        parts += [Paragraph(text), tables.psnr_table(rows)]
    if c.training_sets:
        each = (
            f"{c.classifier.classifier_steps:,} steps each"
            if c.classifier.protocol == "equal_steps"
            else f"{c.classifier.classifier_epochs} epochs each"
        )
        text = (
            f"Accuracy on {images} of {c.data.title} at each test noise, % (95% interval over "
            f"test images); {c.classifier.protocol}, {each}, seed {c.run.seed}. "
            "One run: it says nothing about the spread between seeds."
        )
        parts += [Paragraph(text), tables.accuracy_table(rows)]
    else:
        train, test = (
            loss_text(c, float(row["value"]))
            for split in ("train", "test")
            for row in rows
            if (row["split"], row["metric"]) == (split, "loss")
        )
        text = f"Loss {train} on training images, {test} on test images"
        parts.append(Paragraph(f"{text}; no classifier was asked for."))
    if c.data.noisy_dir:
        means = {
            row["metric"]: float(row["value"])
            for row in rows
            if row["test_corruption"] == "observed"
        }
        text = ", ".join(
            f"{name.upper()} {means[f'{name}_input']:.4g} and {means[name]:.4g}"
            for name in ("psnr", "ssim")
            if name in means
        )
        parts.append(Paragraph(f"Noisy and denoised against clean, means over {images}: {text}."))
    return parts


def write_report(run: Run) -> str:
    """Write `report.md` and `report.html`: results, figures, latent explorer and settings."""
    c = run.config
    parts = [
        *_results(run),
        Heading("Figures"),
        *(Figure(f"figures/{name}.png", _CAPTIONS[name]) for name in figure_names(c)),
        Heading("Settings"),
        Table(["setting", "value", ""], _settings(run)),
        Heading("Environment"),
        *_environment(run),
    ]
    chosen, codes, pictures = _explored(run)
    labels = np.asarray(run.source.test.labels)[chosen]
    _write_projector(run, pictures, codes, labels)
    data = explorer.build(
        run.generator.decode,
        pictures,
        codes,
        labels,
        run.source.class_names,
        c.generator.variational,
        chosen,
    )
    return f"report in {Document(run.title, parts).write(run.folder, data)}"


def _settings(run: Run) -> list[list[str]]:
    origin = files.read_json(run.folder / "config.json").get("origin", {})
    rows = []
    for name, value in run.config.to_dict().items():
        if name not in INCIDENTAL:
            shown = ", ".join(value) if isinstance(value, list) else str(value)
            came = "" if origin.get(name) == "default" else origin.get(name, "")
            rows.append([name, literal(shown), came])
    return rows


def _environment(run: Run) -> list[Part]:
    recorded = files.read_json(run.folder / "environment.json")
    names = ("started", "processor", "platform", "python", "commit")
    shown = {name: recorded[name] for name in names} | recorded["packages"]
    stages = files.read_json(run.folder / "stages.json")
    return [
        Table(["", ""], [[name, literal(str(value))] for name, value in shown.items()]),
        Table(
            ["stage", "seconds"],
            [[name, f"{stage['seconds']:.1f}"] for name, stage in stages.items()],
        ),
    ]


def _explored(run: Run) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the positions of some test images, their codes and small pictures of them."""
    test, labels = (
        run.source.test.noisy if run.config.data.noisy_dir else run.source.test.images,
        np.asarray(run.source.test.labels),
    )
    chosen = splits.stratified_subset(labels, min(EXPLORED, len(labels)), run.config.run.seed)
    codes, pictures = [], []
    for piece in chunks.pieces(len(chosen), 4 * test[0].size, run.generator.batch_rows):
        images = image_dataset.to_unit(test[chosen[piece]])
        codes.append(run.generator.encode(images))
        pictures.append(explorer.small(images))
    return chosen, np.concatenate(codes), np.concatenate(pictures)


def _write_projector(run: Run, pictures: np.ndarray, codes: np.ndarray, labels: np.ndarray) -> None:
    """Codes with pictures and labels for TensorBoard's PROJECTOR tab, in a folder with events, for it looks into no other."""
    from tensorboard.plugins import projector

    folder = run.folder / "logs" / "generator" / "images"
    explorer.sheet(pictures)[0].save(folder / "sprite.png")
    np.savetxt(folder / "codes.tsv", codes.reshape(len(codes), -1), fmt="%.6g", delimiter="\t")
    names = [
        run.source.class_names[label] if run.source.class_names else str(number)
        for number, label in enumerate(labels)
    ]
    files.write_text(
        folder / "labels.tsv", "\n".join(" ".join(name.split()) for name in names) + "\n"
    )
    config = projector.ProjectorConfig()
    embedding = config.embeddings.add(
        tensor_name="codes of test images", tensor_path="codes.tsv", metadata_path="labels.tsv"
    )
    embedding.sprite.image_path = "sprite.png"
    embedding.sprite.single_image_dim.extend([pictures.shape[2], pictures.shape[1]])
    projector.visualize_embeddings(str(folder), config)


_CAPTIONS = {
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
