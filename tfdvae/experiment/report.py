"""The summary and the report of a run, with a latent explorer."""

from collections.abc import Mapping, Sequence

import numpy as np

from tfdvae import csv_rows
from tfdvae._utils import chunks, files
from tfdvae.config import INCIDENTAL
from tfdvae.config.sets import SETS, SMOOTHING, is_taught, learned_views, needs_noise
from tfdvae.data import image_dataset, splits
from tfdvae.experiment import figures, folders
from tfdvae.experiment.run import Run
from tfdvae.metrics import findings
from tfdvae.reporting import explorer, tables
from tfdvae.reporting.document import (
    Document,
    Figure,
    Heading,
    Paragraph,
    Part,
    Table,
    in_sentence,
    literal,
    to_markdown,
)

_STEIN = (
    "(Stein 1981) rests on noise that is independent from pixel to pixel, and as strong as it is "
    "said or found to be"
)
_SECOND = (
    "compares them with the second noisy images, and rests on the noise of both being independent "
    "and of mean 0"
)
EXPLORED = 1000  # test images in the explorer


def summary(run: Run) -> str:
    """Return the results of a run in Markdown, the text of `summary.md`."""
    return to_markdown([Heading(in_sentence(run.title)), *_results(run)])


def findings_of(run: Run) -> list[str]:
    """Return what the user of a run should hear, in words, once it is measured."""
    generator = run.config.generator
    rows = csv_rows.read_rows(run.folder / "metrics.csv")
    empty_code = findings.empty_code(rows, generator.latent_units) if generator.variational else ""
    harm = findings.harm(rows) if generator.denoising or run.config.data.noisy_dir else ""
    return [text for text in (empty_code, harm) if text]


def _results(run: Run) -> list[Part]:
    config = run.config
    parts: list[Part] = [Paragraph(in_sentence(line)) for line in run.dataset.notice.splitlines()]
    if not config.makes_images and not config.data.noisy_dir:
        model = config.generator.model
        denoising = config.generator.denoising
        kind = f"A {model} without a corruption" if denoising else "A plain autoencoder"
        text = f"{kind} makes no synthetic images (it has nothing random)"
        parts.append(Paragraph(f"{text}, so there is no augmented training set."))
    parts += [Paragraph(text) for text in (run.objective, *findings_of(run)) if text]
    rows = csv_rows.read_rows(run.folder / "metrics.csv")
    images = f"{len(run.dataset.test.labels):,} test images"
    if config.generator.denoising and config.data.noise is not None:
        parts.append(Paragraph(_estimated(rows, images, _STEIN)))
    elif config.generator.denoising and not config.data.noisy_dir:
        text = f"PSNR in dB of {images} against the same without that noise, mean over images:"
        parts += [Paragraph(text), tables.psnr_table(rows)]
    if config.training_sets:
        each = (
            f"{config.classifier.classifier_steps:,} steps each"
            if config.classifier.protocol == "equal_steps"
            else f"{config.classifier.classifier_epochs} epochs each"
        )
        if run.classifier_precision != "float32":
            each += f" in {run.classifier_precision}"
        if own := config.classifier.own:
            each += f" of {own}"
        added = "" if config.data.noise is None else " (added to their own)"
        text = (
            f"Accuracy on {images} of {in_sentence(config.data.title)} at each test noise{added}, "
            f"% (95% interval over test images); {config.classifier.protocol}, {each}, "
            f"seed {config.run.seed}. One run: it says nothing about the spread between seeds."
        )
        parts += [Paragraph(text), tables.accuracy_table(rows), *_sets_in_words(run)]
    else:
        train, test = (
            run.loss_text(float(row["value"]))
            for split in ("train", "test")
            for row in rows
            if (row["split"], row["metric"]) == (split, "loss")
        )
        text = f"Loss {train} on training images, {test} on test images"
        parts.append(Paragraph(f"{text}; no classifier was asked for."))
    if run.noise_of_second:
        parts.append(Paragraph(_estimated(rows, images, _SECOND)))
    elif config.data.noisy_dir:
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


def _sets_in_words(run: Run) -> list[Part]:
    """Say what the training sets are that begin with more than the images or those of the model."""
    config, names = run.config.classifier, run.config.training_sets
    added = [name for name in names if name in SETS and name != "limited"]
    if not added:
        return []
    text = "; ".join(f"`{name}`: {SETS[name].all_words}" for name in added)
    if refined := [f"`{name}`" for name in added if needs_noise(name)]:
        text += f". {', '.join(refined)}: labels smoothed by {SMOOTHING:g}, a rate that falls to 0"
    if learned := learned_views(names):
        each = "The model" if len(learned) == 1 else "Each model"
        steps = f"{config.chosen_denoiser_steps:,} steps more"
        text += f". {each} for what images are mixed with took {steps}"
    if taught := [f"`{name}`" for name in added if is_taught(name)]:
        text += f". {', '.join(taught)}: a teacher took as many steps more"
    return [Paragraph(f"{text}.")]


def _estimated(rows: Sequence[Mapping[str, str]], images: str, rests_on: str) -> str:
    """Return in words the PSNR that is estimated where no image is clean, and on what it rests."""
    values = {row["metric"]: float(row["value"]) for row in rows if "_estimated" in row["metric"]}
    if not values:
        return (
            "None of the images is clean, and too little is known of their noise, or it is none: "
            "no PSNR is measured or estimated."
        )
    noisy = f"{values['psnr_input_estimated']:.2f} dB as they are"
    if "psnr_estimated" not in values:
        return f"No PSNR of denoised images can be estimated here; {images} have about {noisy}."
    interval = " to ".join(
        f"{values[name]:.2f}"
        for name in ("psnr_estimated_low", "psnr_estimated_high")
        if name in values
    )
    interval = f" (95% interval from {interval})" if interval else ""
    return (
        f"Estimated PSNR of {images}: {noisy}, {values['psnr_estimated']:.2f} dB"
        f"{interval} denoised. None of them is clean: the estimate {rests_on}."
    )


def write_report(run: Run) -> str:
    """Write `report.md` and `report.html`: results, figures, latent explorer and settings."""
    config = run.config
    parts = [
        *_results(run),
        Heading("Figures"),
        *(
            Figure(f"figures/{name}.png", figures.FIGURES[name].caption)
            for name in figures.names(config)
        ),
        Heading("Settings"),
        Table(["setting", "value", ""], _settings(run)),
        Heading("Environment"),
        *_environment(run),
    ]
    if not run.generator.has_code:
        return f"report in {Document(run.title, parts).write(run.folder)}"
    chosen, codes, pictures = _explored(run)
    labels = np.asarray(run.dataset.test.labels)[chosen]
    _write_projector(run, pictures, codes, labels)
    data = explorer.build(
        run.generator.decode,
        pictures,
        codes,
        labels,
        run.dataset.class_names,
        config.generator.variational,
        chosen,
    )
    return f"report in {Document(run.title, parts).write(run.folder, data)}"


def _settings(run: Run) -> list[list[str]]:
    origin = files.read_json(run.folder / "config.json").get("origin", {})
    rows = []
    for name, value in run.config.to_dict().items():
        if name not in INCIDENTAL:
            shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            came = "" if origin.get(name) == "default" else origin.get(name, "")
            rows.append([name, literal(shown), came])
    return rows


def _environment(run: Run) -> list[Part]:
    recorded = folders.recorded(run.folder)
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
    split, labels = run.dataset.test, np.asarray(run.dataset.test.labels)
    test = split.images if split.noisy is None else split.noisy
    chosen = splits.stratified_subset(labels, min(EXPLORED, len(labels)), run.config.run.seed)
    codes, pictures = [], []
    for piece in chunks.pieces(len(chosen), 4 * test[0].size, run.generator.batch_rows):
        images = image_dataset.to_unit(test[chosen[piece]])
        codes.append(run.generator.encode(images))
        pictures.append(explorer.small(images))
    return chosen, np.concatenate(codes), np.concatenate(pictures)


def _write_projector(run: Run, pictures: np.ndarray, codes: np.ndarray, labels: np.ndarray) -> None:
    """Write codes with pictures and labels for TensorBoard's PROJECTOR tab.

    They are in a folder with events, as TensorBoard looks into no other.
    """
    from tensorboard.plugins import projector

    folder = run.folder / "logs" / "generator" / "images"
    explorer.sheet(pictures)[0].save(folder / "sprite.png")
    np.savetxt(folder / "codes.tsv", codes.reshape(len(codes), -1), fmt="%.6g", delimiter="\t")
    names = [
        run.dataset.class_names[label] if run.dataset.class_names else str(number)
        for number, label in enumerate(labels)
    ]
    files.write_text(
        folder / "labels.tsv", "\n".join(" ".join(name.split()) for name in names) + "\n"
    )
    listed = projector.ProjectorConfig()
    embedding = listed.embeddings.add(
        tensor_name="codes of test images", tensor_path="codes.tsv", metadata_path="labels.tsv"
    )
    embedding.sprite.image_path = "sprite.png"
    embedding.sprite.single_image_dim.extend([pictures.shape[2], pictures.shape[1]])
    projector.visualize_embeddings(str(folder), listed)
