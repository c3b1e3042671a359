"""Report of the augmentation study: what was done, the verdict, tables, figures and settings."""

from __future__ import annotations

import shlex
from pathlib import Path

from tfdvae import csv_rows
from tfdvae._utils import files
from tfdvae._utils.text import name as printable_name
from tfdvae.config.sets import AGREEMENT, RESTORING, SETS, is_taught, needs_noise
from tfdvae.data import sources
from tfdvae.reporting.document import Bullets, Document, Heading, Paragraph, Part, Table, literal
from tfdvae.reporting.verdict import MIN_EFFECT_POINTS, describe_mean, verdict
from tfdvae.studies.augmentation import (
    all_settings,
    development,
    generators,
    measured_again,
    medmnist,
    published,
    scores,
)
from tfdvae.studies.augmentation.images import QUICK_PIXELS
from tfdvae.studies.augmentation.results import (
    CLEAN_IMAGES,
    Results,
    collect_replicates,
    label,
    seeds_of,
    told,
)
from tfdvae.studies.augmentation.settings import OWN_VALIDATION, AugmentationStudyConfig
from tfdvae.studies.dataset_info import DatasetInfo


def write(folder: Path) -> Path:
    """Write `report.md`, `report.html` and their figures from all rows of a folder.

    The bootstrap replicates of the cells are put together in `bootstrap.npz`.

    Args:
        folder: of the study, with `rows.csv`, `config.json` and `dataset.json`.

    Returns:
        The path of the HTML page.
    """
    rows = csv_rows.read_rows(folder / "rows.csv")
    config = AugmentationStudyConfig.of_folder(folder)
    dataset = DatasetInfo.read(folder)
    own_validation = files.read_json(folder / "config.json").get(OWN_VALIDATION)
    parts = [*_what_was_done(rows, config, dataset, own_validation), *_training_sets(rows)]
    if config.development:
        parts += development.section(rows, config.metric)
    else:
        results = Results(rows, config, collect_replicates(folder), dataset)
        parts += _verdicts(results)
        parts += published.section(results, config)
        parts += medmnist.section(results, dataset)
        parts += scores.sections(results, folder, dataset.name)
        parts += measured_again.sections(results)
        parts += scores.other_corruptions(results)
        parts += scores.other_metrics(results, dataset.class_names)
        parts += generators.section(rows, folder)
    parts += all_settings.section(folder, rows, config, dataset)
    parts += _what_next(config)
    return Document(f"Does augmentation help? {dataset.name}", parts).write(folder)


def _what_was_done(
    rows: list[dict[str, str]],
    config: AugmentationStudyConfig,
    dataset: DatasetInfo,
    own_validation: int | None,
) -> list[Part]:
    protocols = {
        "equal_steps": f"{config.classifier_steps:,} steps (equal_steps)",
        "equal_epochs": f"{config.classifier_epochs} epochs (equal_epochs)",
    }
    steps = " or ".join(
        protocols[name]
        for name in dict.fromkeys(row["protocol"] for row in rows if row["protocol"])
    )
    network = (
        f"the classifier {literal(config.own_classifier)}"
        if config.own_classifier
        else f"the published CNN ({config.precision})"
    )
    training = ", at a rate that falls to 0" if config.schedule == "cosine" else ""
    if config.label_smoothing > 0:
        training += f", with {config.label_smoothing:g} of each label spread over all classes"
    if config.balance:
        training += ", with losses weighted so that all classes count equally"
    count, available = int(rows[0]["n_train"]), dataset.train_count
    groups = "" if dataset.test_groups is None else f" of {dataset.test_groups:,} groups"
    measured = f"{dataset.test_count:,} test images{groups}"
    if config.development:
        measured = f"the dataset's {own_validation:,} " if own_validation else ""
        measured += "validation images"
    text = (
        f"{count:,} of {available:,} training images, {measured}, "
        f"seeds {', '.join(map(str, seeds_of(rows)))}; {network}, trained for {steps}{training}. "
        "All training sets of a seed share images, noise, initial weights and test noise, so that "
        "differences are within a seed. Their 95% intervals are for other seeds and other test "
        "images alike: the variance over seeds and the one over test images (bootstrap) add up. "
        "Points are hundredths of the metric. `classical` mirrors, shifts and erases."
    )
    if count == available and not config.development:
        text += (
            " Every seed has all training images, so that other images to train on are not part of "
            "these intervals: they are for other initial weights, orders and noise."
        )
    for name in dict.fromkeys(row["augmentation"] for row in rows):
        if name in SETS and "orientations" in SETS[name].batches:
            text += f" `{name}`: {SETS[name].words}."
    return [Paragraph(f"{text} {literal(dataset.notice)}")]


def _training_sets(rows: list[dict[str, str]]) -> list[Part]:
    """Return which training sets other than those of the first study there are, in words."""
    measured = dict.fromkeys(row["augmentation"] for row in rows)
    added = [name for name in measured if needs_noise(name)]
    if not added:
        return []
    text = (
        "Each image is drawn anew for each step: first it is mixed, with a random strength, where "
        "the set is; then it is mirrored or not and shifted; then it gets Gaussian noise of random "
        "strength, at most that of the training images. Those with clean images are limits: nobody "
        "has clean images who has noisy ones, and no verdict is on them."
    )
    if any(SETS[name].agreeing for name in added):
        text += (
            " Where two are to agree, a batch has half as many images, each of them twice, and "
            f"{AGREEMENT:g} times the Jensen-Shannon divergence between what is said of both is "
            "added to the loss."
        )
    if any(SETS[name].restoring for name in added):
        text += (
            " Where the classifier learns to remove the fresh noise, what an image was before it "
            "is told from the last maps of features, and the squared error, over the variance of "
            f"the noise of the training images, is added to the loss with a weight of "
            f"{RESTORING:g}."
        )
    if any(map(is_taught, added)):
        text += (
            " Where a classifier teaches, it is trained first, on the same batches for as many "
            "steps, from other initial weights. The mean of the label and of what it says of a "
            "training image, or of its denoised self where images are mixed with that, is then "
            "learned. Its steps come on top: twice as many forward and backward passes in all."
        )
    made = {row["augmentation"]: (row["model"], row["network"], row["target"]) for row in rows}
    return [
        Heading("Training sets"),
        Paragraph(text),
        Table(
            ["trained on", "`--sets`", "denoised by"],
            [[label(name), f"`{name}`", " ".join(filter(None, made[name]))] for name in added],
        ),
    ]


def _verdicts(results: Results) -> list[Part]:
    settings = sorted(results.settings(), key=lambda setting: setting[1] != "equal_steps")
    decided = {
        setting: {
            key: (comparison, verdict(comparison))
            for key, comparison in results.comparisons(*setting).items()
        }
        for setting in settings
    }
    parts: list[Part] = [Heading("Verdict")]
    for protocol in dict.fromkeys(protocol for _, protocol in settings):
        found = {
            (condition, *key): (verdict_.kind, comparison.difference.mean)
            for (condition, p), pairs in decided.items()
            if p == protocol
            for key, (comparison, verdict_) in pairs.items()
        }
        if found:
            text = "tested without noise and on average over all test noises"
            parts += [Paragraph(f"Points ahead under {protocol}, {text}:"), _verdict_table(found)]
    for (condition, protocol), pairs in decided.items():
        parts.append(Heading(scores.heading(condition, protocol), 3))
        lines = [
            f"**{told(name)}, {tested}: {found.kind}.** {found.sentence}"
            for (name, tested), (_, found) in pairs.items()
        ]
        reference = told(results.reference(condition, protocol))
        nothing = Paragraph(f"Nothing is compared: there is no training set besides {reference}.")
        parts.append(Bullets(lines) if lines else nothing)
    text = (
        f"The metric is {results.metric}, and {MIN_EFFECT_POINTS:g} points are the smallest gain "
        "taken to be worth having. Under equal_steps every training set has as many optimizer "
        "steps. Under equal_epochs more images are also more steps; synthetic images are then "
        "compared with `duplicate`, which has as many images, none of them new. p values are "
        "Holm's, over the comparisons of one list; the numbers of seeds or images that would be "
        "enough are approximate, and on the safe side after Bonferroni's correction."
    )
    text = f"{text} {describe_mean(results.metric, results.test_classes, results.class_count)}"
    return [*parts, Paragraph(text.rstrip())]


def _verdict_table(found: dict[tuple[str, str, str], tuple[str, float]]) -> Table:
    """Return a row for each training set, a column for each condition and what was tested."""
    columns = list(dict.fromkeys((condition, tested) for condition, _, tested in found))

    def cell(condition: str, name: str, tested: str) -> str:
        kind, mean = found.get((condition, name, tested), ("", 0.0))
        return f"{kind}: {mean:+z.2f}" if kind else ""

    return Table(
        ["trained on"]
        + [
            f"{condition}, {'no noise' if tested == CLEAN_IMAGES else 'all noises'}"
            for condition, tested in columns
        ],
        [
            [label(name), *(cell(c, name, tested) for c, tested in columns)]
            for name in dict.fromkeys(name for _, name, _ in found)
        ],
    )


def _what_next(config: AugmentationStudyConfig) -> list[Part]:
    """Return how to train a classifier for use, where the images are the user's own."""
    path = sources.local(config.dataset)
    if path is None or not path.exists():
        return []
    words = ["tfdvae", "classify", "--dataset", str(files.absolute(path))]
    reduced = config.quick and max(config.image_size or (0,)) == QUICK_PIXELS
    if config.image_size is not None and not reduced:
        words += ["--image-size", *map(str, config.image_size)]
    for name in ("white", "background", "groups"):
        if (value := getattr(config, name)) is not None:
            words += [f"--{name}", str(value)]
    if config.metric != "accuracy":
        words += ["--metric", config.metric]
    words += ["--skip-unreadable"] * config.skip_unreadable
    command = printable_name(shlex.join([*words, "--output", "my_classifier"]))
    return [
        Heading("A classifier for use"),
        Paragraph(
            f"`` {command} `` trains one on all of these images, with the augmentation that "
            "cross-validation on them finds best."
        ),
    ]
