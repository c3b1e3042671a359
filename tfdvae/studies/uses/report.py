"""Report of the study on uses."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tfdvae import csv_rows
from tfdvae.reporting.document import Document, Figure, Heading, Paragraph, Part, Table, literal
from tfdvae.studies.dataset_info import DatasetInfo
from tfdvae.studies.uses import choice, figures
from tfdvae.studies.uses.measures import BIHARMONIC_IMAGES, FRACTIONS, LABEL_COUNTS
from tfdvae.studies.uses.recipes import CHOSEN, Recipe
from tfdvae.studies.uses.report_compression import compression_section
from tfdvae.studies.uses.results import Results, read_choice, shown
from tfdvae.studies.uses.settings import UsesStudyConfig

METHODS = {"dae": "DAE", "mean_fill": "mean fill", "biharmonic": "biharmonic"}


def write(folder: Path) -> Path:
    """Write `report.md`, `report.html` and their figures from all rows of a folder.

    Args:
        folder: of the study, with `rows.csv`, `config.json` and `dataset.json`, and with
            `choice.csv` where settings were chosen.

    Returns:
        The path of the HTML page.
    """
    results = Results(csv_rows.read_rows(folder / "rows.csv"))
    config, dataset = UsesStudyConfig.of_folder(folder), DatasetInfo.read(folder)
    parts: list[Part] = []
    if results.seeds:
        parts.append(_what_was_done(results, config, dataset))
    for use, section in (
        ("anomaly", _anomalies),
        ("imputation", _imputation),
        ("probe", _features),
        ("compression", compression_section),
    ):
        if results.has(use):
            parts += section(results, config, dataset, folder)
    parts += choice.section(read_choice(folder))
    return Document("Uses of a denoising autoencoder", parts).write(folder)


def _what_was_done(results: Results, config: UsesStudyConfig, dataset: DatasetInfo) -> Paragraph:
    return Paragraph(
        f"{literal(dataset.name)}, {config.n_train:,} random training images (for one normal class "
        f"{config.n_train // 2:,} of it), all {dataset.test_count:,} test images, "
        f"seeds {', '.join(map(str, results.seeds))}; a seed is another training subset, other "
        "initial weights and other noise. Mean over seeds and half of its 95% t-interval. "
        "Command: `tfdvae study uses`. Models and settings were chosen on training images held out "
        "for one other seed (last section), nothing on test images. Images only: audio and EEG are "
        "out of scope."
    )


def _anomalies(
    results: Results, config: UsesStudyConfig, dataset: DatasetInfo, folder: Path
) -> list[Part]:
    text = (
        "Area under the ROC curve of the mean squared error between image and reconstruction; 0.5 "
        "is chance, below it anomalies are reconstructed better than what is normal. PCA: the same "
        "error, of the projection on principal components of the same images. Isolation forest and "
        "one-class SVM: scikit-learn's, with its defaults, on the pixels."
    )
    parts: list[Part] = [Heading("Anomaly score"), Paragraph(text)]
    for use, heading, word in (
        ("anomaly-one", "One class is normal, all others are anomalous", "normal"),
        ("anomaly-nine", "All classes but one are normal", "anomalous"),
    ):
        if not results.has(use):
            continue
        recipes = [recipe.trained_for(config.epochs) for recipe in CHOSEN[use]]
        found = {
            recipe: [
                results.values(
                    f"{use}-{recipe.network}-{label}", "auroc", f"{word}:{label}", recipe=recipe
                )
                for label in range(len(dataset.class_names))
            ]
            for recipe in recipes
        }
        rows = [
            [f"{label} {literal(name)}", *(shown(found[recipe][label], 3) for recipe in recipes)]
            for label, name in enumerate(dataset.class_names)
        ]
        means = (
            [float(np.mean(values)) for values in zip(*found[recipe], strict=False)]
            for recipe in recipes
        )
        rows.append(["**mean over classes**", *(shown(mean, 3) for mean in means)])
        head = [f"{word} class", *(recipe.title for recipe in recipes)]
        parts += [Heading(heading, 3), Table(head, rows)]
    return parts


def _imputation(
    results: Results, config: UsesStudyConfig, dataset: DatasetInfo, folder: Path
) -> list[Part]:
    recipe = CHOSEN["imputation"][0].trained_for(config.epochs)
    few = min(BIHARMONIC_IMAGES, dataset.test_count)
    text = (
        "Each pixel is missing with the probability given, and `imputation.impute` fills it in "
        f"with a {recipe.title}; there is a model for each fraction, trained with masking of that "
        "level (this was not chosen by validation: it is what the model is to do; network and code "
        "are those that did best at one level). Every pixel passes through a code of "
        f"{recipe.latent_dim} units, which blurs. Mean fill: the mean of the training images at "
        "that place. Biharmonic: scikit-image's `inpaint_biharmonic`, clipped to [0, 1]; it learns "
        "nothing and needs no training images; it takes an image at a time, so the second table, "
        f"with all methods, is of the first {few:,}. PSNR in dB over whole images, in which known "
        "pixels are exact (so it falls with the fraction missing for that reason too); in brackets "
        "the root mean squared error of the missing pixels alone, in % of the pixel range."
    )
    parts: list[Part] = [Heading("Imputation"), Paragraph(text)]
    head = ["method", *(f"{fraction:.0%} missing" for fraction in FRACTIONS)]
    for count, methods in (
        (dataset.test_count, ("dae", "mean_fill")),
        (few, ("dae", "mean_fill", "biharmonic")),
    ):
        rows = [
            [METHODS[method], *_imputation_cells(results, recipe, method, count)]
            for method in methods
        ]
        parts += [Heading(f"{count:,} test images", 3), Table(head, rows)]
    figures.draw_imputation(folder, METHODS)
    if (folder / "figures" / "imputation.png").exists():
        parts.append(Figure("figures/imputation.png", "Imputed images"))
    return parts


def _imputation_cells(results: Results, recipe: Recipe, method: str, count: int) -> list[str]:
    network = recipe.fields["network"] if method == "dae" else ""
    cells = []
    for fraction in FRACTIONS:
        psnr, rmse = (
            results.values(
                "imputation",
                metric,
                f"images:{count}",
                model=method,
                network=network,
                tested=f"masking:{fraction:g}",
            )
            for metric in ("psnr", "rmse_missing")
        )
        cells.append(f"{shown(psnr)} ({shown(rmse, 2, 100)})")
    return cells


def _features(
    results: Results, config: UsesStudyConfig, dataset: DatasetInfo, folder: Path
) -> list[Part]:
    recipe = CHOSEN["probe"][0].trained_for(config.epochs)
    pca = Recipe("pca", recipe.latent_dim)
    text = (
        "Test accuracy, %, of a logistic regression (`latent.probe_accuracy`: standardized "
        "features, penalty chosen by cross-validation on the labelled training images) with some "
        f"of the training images labelled. DAE and PCA learn from all {config.n_train:,} of them "
        "without labels."
    )
    rows = []
    for title, fields in (
        (f"code of the {recipe.title}", recipe.fields),
        (pca.title, pca.fields),
        (f"{np.prod(dataset.image_shape):,} pixels", {"model": "pixels", "network": ""}),
    ):
        model, network = fields["model"], fields["network"]
        found = (
            results.values("probe", "accuracy", f"labels:{count}", model=model, network=network)
            for count in LABEL_COUNTS
        )
        rows.append([title, *(shown(values, 2, 100) for values in found)])
    head = ["features", *(f"{count:,} labels" for count in LABEL_COUNTS)]
    return [Heading("Features"), Paragraph(text), Table(head, rows)]
