"""Verdict, tables and figures of the augmentation study, from its rows and, where they are on this machine, bootstrap replicates."""

from collections import defaultdict
from pathlib import Path

import numpy as np

from tfdvae import corruptions, files
from tfdvae.config import AugmentationStudyConfig
from tfdvae.reporting import html, plots, statistics
from tfdvae.reporting.verdict import Comparison, verdict

AS_THEY_ARE, ALL_NOISES = "images as they are", "mean over the test noises"
PUBLISHED = {  # one run each, % at no noise, 2.5, 5, 7.5 and 10%
    ("clean", "limited"): (83.56, 83.39, 83.11, 82.33, 81.75),
    ("clean", "vae"): (84.18, 84.03, 83.57, 82.68, 81.43),
    ("clean", "dvae"): (85.32, 84.98, 84.67, 83.98, 82.59),
    ("noisy", "limited"): (83.77, 83.79, 83.61, 83.36, 82.98),
    ("noisy", "vae"): (85.24, 84.99, 84.62, 84.04, 83.20),
    ("noisy", "dvae"): (85.48, 85.38, 85.10, 84.89, 84.58),
}
PUBLISHED_NOISE = ("none", "gaussian:0.025", "gaussian:0.05", "gaussian:0.075", "gaussian:0.1")
FINDINGS = {  # as the published tables read: what is compared with what, and on which test images
    "Synthetic images of a VAE raise accuracy": ("vae", "limited", ALL_NOISES),
    "Synthetic images of a DVAE raise accuracy": ("dvae", "limited", ALL_NOISES),
    "A DVAE's raise it more than a VAE's": ("dvae", "vae", ALL_NOISES),
    "The DVAE's lead over the VAE holds at 10% noise": ("dvae", "vae", "gaussian:0.1"),
}
SEEN = {"gaussian": "gaussian", "classical": "random_erasing", "classical+gaussian": "gaussian random_erasing"}
Scores = dict[int, float]


class Results:
    """What was measured, by (condition, protocol, set).

    Attributes:
        rows: of the study.
        metric: what the verdict is about.
        noises: test noises that it is about.
    """

    def __init__(self, rows: list[dict[str, str]], config: AugmentationStudyConfig, folder: Path):
        self.rows, self.metric, self.noises = rows, config.metric, config.test_noise
        self._values: dict[tuple, dict[tuple[str, str], Scores]] = defaultdict(lambda: defaultdict(dict))
        self._replicates: dict[tuple, dict[int, dict[str, np.ndarray]]] = defaultdict(dict)
        for row in rows:
            if row["augmentation"] and row["split"] == "test":
                key = (row["condition"], row["protocol"], row["augmentation"])
                self._values[key][row["metric"], row["test_corruption"]][int(row["seed"])] = 100 * float(row["value"])
                path = folder / "cells" / f"{row['run']}.npz"
                if int(row["seed"]) not in self._replicates[key] and path.exists():
                    with np.load(path) as arrays:
                        self._replicates[key][int(row["seed"])] = {name: 100 * arrays[name] for name in arrays.files}

    def sets(self, condition: str, protocol: str) -> list[str]:
        return [name for c, p, name in self._values if (c, p) == (condition, protocol)]

    def settings(self) -> list[tuple[str, str]]:
        """Return conditions and protocols that have rows."""
        return list(dict.fromkeys((condition, protocol) for condition, protocol, _ in self._values))

    def scores(self, condition: str, protocol: str, name: str, tested: str, metric: str | None = None) -> Scores:
        """Return the metric of each seed in points, hundredths of it; `tested` is a test noise or `ALL_NOISES`."""
        values = self._values.get((condition, protocol, name), defaultdict(dict))
        metric = metric or self.metric
        if tested != ALL_NOISES:
            return values[metric, "none" if tested == AS_THEY_ARE else tested]
        each = [values[metric, noise] for noise in self.noises]
        return {seed: float(np.mean([scores[seed] for scores in each])) for seed in each[0]}

    def difference(
        self, condition: str, protocol: str, name: str, baseline: str, tested: str, metric: str | None = None
    ) -> statistics.Difference | None:
        """Return how far a training set is ahead of another, over the seeds that both have; None without any."""
        treated, base = (self.scores(condition, protocol, each, tested, metric) for each in (name, baseline))
        both = sorted(set(treated) & set(base))
        return statistics.paired_difference([treated[s] for s in both], [base[s] for s in both]) if both else None

    def image_interval(self, condition: str, protocol: str, name: str, baseline: str, tested: str) -> tuple[float | None, float | None]:
        """Return the bootstrap interval over test images of the difference averaged over seeds; None where a replicate is missing."""
        sides = [self._replicates.get((condition, protocol, each), {}) for each in (name, baseline)]
        both = sorted(set(self.scores(condition, protocol, name, tested)) & set(self.scores(condition, protocol, baseline, tested)))
        if not both or not all(seed in side for side in sides for seed in both):
            return None, None
        noises = self.noises if tested == ALL_NOISES else ("none" if tested == AS_THEY_ARE else tested,)
        replicates = np.mean([sides[0][s][n] - sides[1][s][n] for s in both for n in noises], axis=0)
        return statistics.bootstrap_interval(replicates[np.isfinite(replicates)])  # a resample may lack a class

    def comparisons(self, condition: str, protocol: str, test_images: int) -> dict[tuple[str, str], Comparison]:
        """Return each training set against `limited`, on images as they are and over all test noises, p values after Holm."""
        tests = (AS_THEY_ARE, ALL_NOISES) if len(self.noises) > 1 else (AS_THEY_ARE,)
        found = {(name, tested): self.difference(condition, protocol, name, "limited", tested)
                 for name in self.sets(condition, protocol) if name != "limited" for tested in tests}  # fmt: skip
        found = {key: difference for key, difference in found.items() if difference is not None}
        adjusted = statistics.holm([difference.p for difference in found.values()])
        return {
            key: Comparison(key[0], difference, p, *self.image_interval(condition, protocol, key[0], "limited", key[1]), test_images)
            for (key, difference), p in zip(found.items(), adjusted, strict=True)
        }


def write(config: AugmentationStudyConfig, class_names: tuple[str, ...], test_images: int, folder: Path) -> None:
    """Write `report.md`, `report.html` and their figures to `folder`, from all rows that are there.

    Args:
        config: settings of the study.
        class_names: one name a class.
        test_images: how many there are.
        folder: of the study, with `rows.csv`.
    """
    rows = files.read_rows(folder / "rows.csv")
    dataset = Path(config.dataset).name
    title = f"Does augmentation help? {dataset}"
    if config.development:
        lines = _development(rows, config)
    else:
        results = Results(rows, config, folder)
        lines = [*_verdicts(results, test_images), *_published(results, config), *_tables(results, folder, dataset), *_unseen(results),
                 *_other_metrics(results, class_names), *_latent(rows)]  # fmt: skip
    lines = [f"# {html.literal(title)}", "", *_what_was_done(rows, config, test_images), *lines, *_settings(config, folder)]
    files.write_text(folder / "report.md", "\n".join(lines))
    html.write(folder, title)


def _heading(condition: str, protocol: str = "") -> str:
    images = {"clean": "Training images as they are", "noisy": "Training images corrupted once with Gaussian noise of 0.1"}[condition]
    return f"{images}, {protocol}" if protocol else images


def _seeds(rows: list[dict[str, str]]) -> list[int]:
    return sorted({int(row["seed"]) for row in rows})


def _what_was_done(rows: list[dict[str, str]], config: AugmentationStudyConfig, test_images: int) -> list[str]:
    steps = f"{config.classifier_steps:,} steps (equal_steps) or {config.classifier_epochs} epochs (equal_epochs)"
    network = f"the classifier {html.literal(config.classifier)}" if config.classifier else "the published CNN"
    measured = "validation images" if config.development else f"{test_images:,} test images"
    return [
        f"{int(rows[0]['n_train']):,} training images, {measured}, seeds {', '.join(map(str, _seeds(rows)))}; {network}, trained for {steps}.",
        "All training sets of a seed share images, noise, initial weights and test noise. Intervals are 95% t-intervals over seeds of the differences within a",
        "seed, unless they are said to be over test images. Points are hundredths of the metric.",
        "",
    ]


def _verdicts(results: Results, test_images: int) -> list[str]:
    lines = ["## Verdict", ""]
    for condition, protocol in sorted(results.settings(), key=lambda setting: setting[1] != "equal_steps"):
        lines += [f"### {_heading(condition, protocol)}", ""]
        for (name, tested), comparison in results.comparisons(condition, protocol, test_images).items():
            decided = verdict(comparison)
            lines.append(f"- **{name}, {tested}: {decided.kind}.** {decided.sentence}")
        lines.append("")
    return [
        *lines,
        f"The metric is {results.metric}. Under equal_steps every training set has as many optimiser steps; under equal_epochs more images are also more steps, so that",
        "a gain there is not the images' alone: `duplicate`, which holds nothing new, shows what the steps do. p values are Holm's, over the comparisons of one list.",
        "",
    ]


def _published(results: Results, config: AugmentationStudyConfig) -> list[str]:
    if (
        config.dataset != "fashion_mnist"
        or config.n_train not in (None, 5000)
        or config.metric != "accuracy"
        or config.test_noise != PUBLISHED_NOISE
    ):
        return []
    lines = [
        "## The published study beside ours",
        "",
        "Accuracy in %: published, one run each; ours, mean over seeds and half of its 95% t-interval.",
        "",
    ]
    head = [
        "| training set | | " + " | ".join(map(statistics.noise_label, PUBLISHED_NOISE)) + " |",
        "|---" * (len(PUBLISHED_NOISE) + 2) + "|",
    ]
    for condition in ("clean", "noisy"):
        lines += [f"### {_heading(condition)}", "", *head]
        for name in ("limited", "vae", "dvae"):
            label = statistics.training_set_label(name)
            lines.append(f"| {label} | published | " + " | ".join(f"{value:.2f}" for value in PUBLISHED[condition, name]) + " |")
            for protocol in ("equal_epochs", "equal_steps"):
                if (condition, protocol) in results.settings():
                    cells = [_plus_minus(results.scores(condition, protocol, name, noise)) for noise in PUBLISHED_NOISE]
                    lines.append(f"| {label} | {protocol} | " + " | ".join(cells) + " |")
        lines.append("")
    lines += [
        "### What the published tables suggest",
        "",
        "| finding | training images | published | " + "equal_epochs | equal_steps |",
        "|---|---|---|---|---|",
    ]
    for finding, (name, baseline, tested) in FINDINGS.items():
        for condition in ("clean", "noisy"):
            noises = PUBLISHED_NOISE if tested == ALL_NOISES else (tested,)
            places = [PUBLISHED_NOISE.index(noise) for noise in noises]
            published = np.mean([PUBLISHED[condition, name][i] - PUBLISHED[condition, baseline][i] for i in places])
            cells = [_finding(results.difference(condition, protocol, name, baseline, tested)) if (condition, protocol) in results.settings() else ""
                     for protocol in ("equal_epochs", "equal_steps")]  # fmt: skip
            lines.append(f"| {finding} | {condition} | {published:+.2f} | " + " | ".join(cells) + " |")
    return [
        *lines,
        "",
        "It holds, or does not hold, where the whole interval is above, or below, 0. These p values are not adjusted for their number.",
        "",
    ]


def _finding(difference: statistics.Difference | None) -> str:
    if difference is None:
        return ""
    kind = "holds" if difference.low > 0 else "does not hold" if difference.high < 0 else "cannot tell"
    return f"{kind}: {_interval(difference)}"


def _tables(results: Results, folder: Path, dataset: str) -> list[str]:
    lines = []
    for condition, protocol in results.settings():
        sets = results.sets(condition, protocol)
        name = f"{condition}-{protocol}"
        lines += [
            f"## {_heading(condition, protocol)}",
            "",
            f"{results.metric}, points: mean over seeds and half of its 95% t-interval.",
            "",
        ]
        lines += [
            "| trained on | seeds | " + " | ".join(map(statistics.noise_label, results.noises)) + " |",
            "|---" * (len(results.noises) + 2) + "|",
        ]
        for each in sets:
            scores = [results.scores(condition, protocol, each, noise) for noise in results.noises]
            lines.append(f"| {statistics.training_set_label(each)} | {len(scores[0])} | " + " | ".join(map(_plus_minus, scores)) + " |")
        lines += [
            "",
            "Points ahead of limited (interval over seeds; over test images; smallest difference that as many seeds find four times out of five):",
            "",
        ]
        lines += [
            f"| trained on | {AS_THEY_ARE} | over test images | {ALL_NOISES} | over test images | detectable |",
            "|---|---|---|---|---|---|",
        ]
        for each in sets[1:]:
            cells = []
            for tested in (AS_THEY_ARE, ALL_NOISES):
                difference = results.difference(condition, protocol, each, "limited", tested)
                low, high = results.image_interval(condition, protocol, each, "limited", tested)
                cells += [_interval(difference) if difference else "", "" if low is None else f"{low:+.2f} to {high:+.2f}"]
            detectable = (
                f"{statistics.detectable_difference(difference.deviation, difference.count):.2f}"
                if difference and difference.count > 1
                else ""
            )
            lines.append(f"| {statistics.training_set_label(each)} | " + " | ".join(cells) + f" | {detectable} |")
        curves = {each: [results.scores(condition, protocol, each, noise) for noise in results.noises] for each in sets}
        curves = {each: [statistics.mean_and_half_width(list(scores.values())) for scores in points] for each, points in curves.items()}
        plots.scores_against_noise(
            curves, results.noises, f"{dataset}, {condition} training images, {protocol}", f"{results.metric}, points (95% interval over seeds)",
            folder / "figures" / f"{name}.png")  # fmt: skip
        lines += ["", f"![{results.metric} against test noise, {condition} training images, {protocol}](figures/{name}.png)", ""]
    return lines


def _unseen(results: Results) -> list[str]:
    """Points ahead of limited under each corruption of the test images that the verdict is not about; stars where it is of a kind seen in training."""
    tests = list(
        dict.fromkeys(
            row["test_corruption"] for row in results.rows if row["augmentation"] and row["test_corruption"] not in ("", *results.noises)
        )
    )
    lines = [
        "## Other corruptions of the test images",
        "",
        "Points ahead of limited, 95% interval over seeds; * a kind of corruption that the training images had.",
        "",
    ]
    for condition, protocol in results.settings():
        if not tests:
            return []
        lines += [
            f"### {_heading(condition, protocol)}",
            "",
            "| trained on | " + " | ".join(tests) + " |",
            "|---" * (len(tests) + 1) + "|",
        ]
        for name in results.sets(condition, protocol):
            seen = SEEN.get(name, "").split() + (["gaussian"] if condition == "noisy" else [])
            cells = []
            for tested in tests:
                if name == "limited":
                    text = _plus_minus(results.scores(condition, protocol, name, tested))
                else:
                    difference = results.difference(condition, protocol, name, "limited", tested)
                    text = _interval(difference) if difference else ""
                cells.append(text + (" *" if corruptions.parse(tested).kind.removeprefix("clipped_") in seen else ""))
            lines.append(f"| {statistics.training_set_label(name)} | " + " | ".join(cells) + " |")
        lines.append("")
    return lines


def _other_metrics(results: Results, class_names: tuple[str, ...]) -> list[str]:
    metrics = [name for name in ("accuracy", "balanced_accuracy", "auc", "kappa", "calibration_error") if name != results.metric]
    lines = [
        "## Other metrics, images as they are",
        "",
        "Points; `calibration_error` is the expected calibration error, better where it is small.",
        "",
    ]
    for condition, protocol in results.settings():
        lines += [
            f"### {_heading(condition, protocol)}",
            "",
            "| trained on | " + " | ".join(metrics) + " |",
            "|---" * (len(metrics) + 1) + "|",
        ]
        for name in results.sets(condition, protocol):
            cells = [_plus_minus(results.scores(condition, protocol, name, AS_THEY_ARE, metric)) for metric in metrics]
            lines.append(f"| {statistics.training_set_label(name)} | " + " | ".join(cells) + " |")
        lines += [
            "",
            "| accuracy of each class | " + " | ".join(map(html.literal, class_names)) + " |",
            "|---" * (len(class_names) + 1) + "|",
        ]
        for name in results.sets(condition, protocol):
            each = [
                results.scores(condition, protocol, name, AS_THEY_ARE, f"accuracy_class_{number}") for number in range(len(class_names))
            ]
            lines.append(f"| {statistics.training_set_label(name)} | " + " | ".join(map(_plus_minus, each)) + " |")
        lines.append("")
    return lines


def _latent(rows: list[dict[str, str]]) -> list[str]:
    values: dict[str, dict[tuple[str, str], list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if not row["augmentation"] and not (row["metric"] == "loss" and row["split"] == "train"):
            name = {"loss": "test loss, nats"}.get(row["metric"], row["metric"].replace("_", " "))
            name += f" at {statistics.noise_label(row['test_corruption'])}" if row["test_corruption"] else ""
            values[name][row["condition"], row["model"]].append(float(row["value"]))
    models = list(dict.fromkeys(key for measured in values.values() for key in measured))
    if not models:
        return []
    lines = ["## Generative models", "", "Mean over seeds and half of its 95% t-interval. log likelihood K: importance-sampled with K samples, nats an image; of the binarised images. The nearest",
             "training image of a synthetic one, as Euclidean distance: near to none would be new; `closer than held out` is 0.01 where synthetic images are as far as real ones.", ""]  # fmt: skip
    lines += ["| | " + " | ".join(f"{model.upper()}, {condition}" for condition, model in models) + " |", "|---" * (len(models) + 1) + "|"]
    for name, measured in values.items():
        lines.append(
            f"| {name} | " + " | ".join(statistics.plus_minus(measured[key], 4, "g") if key in measured else "" for key in models) + " |"
        )
    epochs: dict[tuple[str, str], dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if not row["augmentation"] and row["metric"] == "loss" and row["split"] == "train":
            epochs[row["condition"], row["model"]][int(row["epoch"])].append(float(row["value"]))
    last = max(max(curve) for curve in epochs.values())
    shown = sorted({1, 2, 5, 10, 20, 30, 40, 50, last} & set(range(1, last + 1)))
    lines += [
        "",
        "Training loss in nats per image, mean over seeds, after epoch",
        "",
        "| | " + " | ".join(map(str, shown)) + " |",
        "|---" * (len(shown) + 1) + "|",
    ]
    for (condition, model), curve in epochs.items():
        lines.append(f"| {model.upper()}, {condition} | " + " | ".join(f"{np.mean(curve[epoch]):.1f}" for epoch in shown) + " |")
    return [*lines, ""]


def _development(rows: list[dict[str, str]], config: AugmentationStudyConfig) -> list[str]:
    """Accuracy on validation images against steps, and the metric at the end."""
    curves: dict[tuple[str, str, str], dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if row["split"] == "validation" and not row["test_corruption"]:
            curves[row["condition"], row["protocol"], row["augmentation"]][int(row["step"])].append(100 * float(row["value"]))
    lines = [
        "## Validation accuracy after each step count",
        "",
        "%, mean over seeds. For choosing; the seeds are not to be reported again.",
        "",
    ]
    for condition, protocol in dict.fromkeys(key[:2] for key in curves):
        chosen = {name: curve for (c, p, name), curve in curves.items() if (c, p) == (condition, protocol)}
        steps = sorted({step for curve in chosen.values() for step in curve})
        lines += [
            f"### {_heading(condition, protocol)}",
            "",
            "| steps | " + " | ".join(chosen) + " |",
            "|---" * (len(chosen) + 1) + "|",
        ]
        for step in steps:
            lines.append(
                f"| {step} | " + " | ".join(f"{np.mean(curve[step]):.2f}" if step in curve else "" for curve in chosen.values()) + " |"
            )
        lines.append("")
    return lines


def _settings(config: AugmentationStudyConfig, folder: Path) -> list[str]:
    lines = ["## Settings", "", "| setting | |", "|---|---|"]
    for name, value in files.read_json(folder / "config.json").items():
        text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        lines.append(f"| {html.literal(name)} | {html.literal(text)} |")
    record = folder / "environment.json"
    for start in files.read_json(record) if record.exists() else []:
        packages = ", ".join(f"{name} {version}" for name, version in start["packages"].items())
        spent = sum(start["seconds"].values()) / 3600
        lines += ["", f"Started {start['started']}: {len(start['seconds'])} cells in {spent:.2f} hours of {start['workers']} workers together, commit {start['commit']}, Python {start['python']},",
                  f"{start['processor']}; {packages}."]  # fmt: skip
    return [*lines, ""]


def _plus_minus(scores: Scores) -> str:
    return statistics.plus_minus(list(scores.values())) if scores else ""


def _interval(difference: statistics.Difference) -> str:
    if difference.count < 2:
        return f"{difference.mean:+.2f}"
    return f"{difference.mean:+.2f} ({difference.low:+.2f} to {difference.high:+.2f})"
