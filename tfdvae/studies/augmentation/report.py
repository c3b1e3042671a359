"""Verdict, tables and figures of the augmentation study, from its rows and bootstrap replicates."""

import itertools
from collections import defaultdict
from pathlib import Path

import numpy as np

from tfdvae import corruptions, registry
from tfdvae._utils import csv_rows, files
from tfdvae.data import image_dataset
from tfdvae.metrics import statistics
from tfdvae.reporting import html, plots, tables
from tfdvae.reporting.document import literal
from tfdvae.reporting.tables import noise_label, training_set_label
from tfdvae.reporting.verdict import MIN_EFFECT_POINTS, MIN_UNITS, Comparison, verdict
from tfdvae.studies.augmentation.settings import AugmentationStudyConfig


def table(head, lines):
    head = list(head)
    return [*("| " + " | ".join(line) + " |" for line in (head, ["---"] * len(head), *lines)), ""]


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
    "The DVAE's lead holds at 10% noise": ("dvae", "vae", "gaussian:0.1"),
}

SEEN = {
    "gaussian": "gaussian",
    "classical": "random_erasing",
    "classical+gaussian": "gaussian random_erasing",
}

ROUNDING = 1e-9  # points

Scores = dict[int, float]


class Results:
    """What was measured, by (condition, protocol, training set).

    Attributes:
        rows: of the study.
        metric: what the verdict is about.
        noises: test noises that it is about.
        units: number of test images, or of groups where images come in groups.
        unit: what is counted.
    """

    def __init__(
        self,
        rows: list[dict[str, str]],
        config: AugmentationStudyConfig,
        replicates: dict[str, np.ndarray],
        source: image_dataset.ImageDataset,
    ):
        self.rows, self.metric, self.noises = rows, config.metric, config.test_noise
        grouped = source.test.groups is not None
        self.units = len(np.unique(source.test.groups)) if grouped else len(source.test.labels)
        self.unit = "groups of test images" if grouped else "test images"
        self._values: dict[tuple, dict[tuple[str, str], Scores]] = defaultdict(
            lambda: defaultdict(dict)
        )
        self._replicates: dict[tuple, dict[int, dict[str, np.ndarray]]] = defaultdict(dict)
        for row in rows:
            if row["augmentation"] and row["split"] == "test":
                key, seed = (
                    (row["condition"], row["protocol"], row["augmentation"]),
                    int(row["seed"]),
                )
                self._values[key][row["metric"], row["test_corruption"]][seed] = 100 * float(
                    row["value"]
                )
                if row["run"] in replicates:
                    tests = (*config.test_noise, *config.other_noise)
                    self._replicates[key][seed] = dict(
                        zip(tests, 100 * replicates[row["run"]], strict=True)
                    )

    def sets(self, condition: str, protocol: str) -> list[str]:
        return [name for c, p, name in self._values if (c, p) == (condition, protocol)]

    def settings(self) -> list[tuple[str, str]]:
        """Return conditions and protocols that have rows."""
        return list(dict.fromkeys((condition, protocol) for condition, protocol, _ in self._values))

    def scores(
        self, condition: str, protocol: str, name: str, tested: str, metric: str | None = None
    ) -> Scores:
        """Return the metric of each seed in points, hundredths of it, where it is finite; `tested` is a test noise, `AS_THEY_ARE` or `ALL_NOISES`."""
        values = self._values.get((condition, protocol, name), {})
        each = [values.get((metric or self.metric, noise), {}) for noise in self._tests(tested)]
        means = {seed: float(np.mean([scores[seed] for scores in each])) for seed in each[0]}
        return {seed: mean for seed, mean in means.items() if np.isfinite(mean)}

    def _tests(self, tested: str) -> tuple[str, ...]:
        return {ALL_NOISES: self.noises, AS_THEY_ARE: ("none",)}.get(tested, (tested,))

    def difference(
        self, condition: str, protocol: str, name: str, baseline: str, tested: str
    ) -> tuple[statistics.Difference | None, float | None]:
        """Return how far a training set is ahead of another over the seeds that both have, and its standard error over test images.

        The former is None without a seed. The latter is None, and left out of the interval, where bootstrap replicates are missing or all equal,
        and where test images are too few.
        """
        sides = [(condition, protocol, each) for each in (name, baseline)]
        treated, base = (self.scores(*side, tested) for side in sides)
        both = sorted(set(treated) & set(base))
        if not both:
            return None, None
        replicates = [self._replicates.get(side, {}) for side in sides]
        error = None
        if self.units >= MIN_UNITS and all(seed in side for side in replicates for seed in both):
            tests = self._tests(tested)
            ahead = np.array(
                [
                    np.mean(
                        [replicates[0][s][test] - replicates[1][s][test] for test in tests], axis=0
                    )
                    for s in both
                ]
            )
            ahead = ahead[:, np.isfinite(ahead).all(axis=0)]  # a resample may lack a class
            if ahead.shape[1] > 1 and ahead.mean(axis=0).std() > ROUNDING:
                error = statistics.shared_error(ahead, self.units)
        values = [treated[s] for s in both], [base[s] for s in both]
        return statistics.paired_difference(*values, error or 0.0, self.units), error

    def compared(
        self, differences: dict[tuple, tuple[str, str, statistics.Difference, float | None]]
    ) -> dict[tuple, Comparison]:
        """Return comparisons of one family, given training set, baseline and what `difference` returns, with p values after Holm."""
        adjusted = statistics.holm([difference.p for *_, difference, _ in differences.values()])
        return {
            key: Comparison(
                name, baseline, difference, p, error, len(adjusted), self.units, self.unit
            )
            for (key, (name, baseline, difference, error)), p in zip(
                differences.items(), adjusted, strict=True
            )
        }

    def comparisons(self, condition: str, protocol: str) -> dict[tuple[str, str], Comparison]:
        """Return each training set against its baseline, on images as they are and over all test noises, p values after Holm.

        The baseline is `limited`; under equal epochs it is `duplicate`, where that was measured, for sets with as many images as that has.
        """
        sets = self.sets(condition, protocol)
        found = {}
        for name in sets:
            baseline = (
                "duplicate"
                if protocol == "equal_epochs" and registry.generates(name) and "duplicate" in sets
                else "limited"
            )
            for tested in (AS_THEY_ARE, ALL_NOISES)[: len(self.noises)]:
                difference, error = self.difference(condition, protocol, name, baseline, tested)
                if name != "limited" and difference is not None:
                    found[name, tested] = (name, baseline, difference, error)
        return self.compared(found)

    def findings(self, condition: str, protocol: str) -> dict[str, Comparison]:
        """Return what was measured on each of `FINDINGS`."""
        found = {}
        for finding, (name, baseline, tested) in FINDINGS.items():
            difference, error = self.difference(condition, protocol, name, baseline, tested)
            if difference is not None:
                found[finding] = (name, baseline, difference, error)
        return self.compared(found)


def write(
    config: AugmentationStudyConfig,
    source: image_dataset.ImageDataset,
    folder: Path,
    fixed: dict[str, str],
) -> None:
    """Write `report.md`, `report.html` and their figures to `folder`, from all rows that are there.

    The bootstrap replicates of the cells are put together in `bootstrap.npz`, which belongs to `rows.csv`.

    Args:
        config: settings of the study.
        source: its images.
        folder: of the study, with `rows.csv`.
        fixed: settings that every such study has, and their values.
    """
    rows = csv_rows.read_rows(folder / "rows.csv")
    dataset = Path(source.name).name
    title = f"Does augmentation help? {dataset}"
    if config.development:
        lines = _development(rows, config)
    else:
        results = Results(rows, config, _collected_replicates(folder), source)
        lines = [*_verdicts(results), *_published(results, config), *_tables(results, folder, dataset), *_unseen(results),
                 *_other_metrics(results, source.class_names), *_latent(rows, folder)]  # fmt: skip
    lines = [
        f"# {literal(title)}",
        "",
        *_what_was_done(rows, config, source),
        *lines,
        *_settings(folder, fixed),
    ]
    files.write_text(folder / "report.md", "\n".join(lines))
    html.write(folder, title)


def _collected_replicates(folder: Path) -> dict[str, np.ndarray]:
    path = folder / "bootstrap.npz"
    replicates = {}
    if path.exists():
        with np.load(path) as arrays:
            replicates = dict(arrays)
    for cell in files.whole(folder / "cells", "*.npz"):
        with np.load(cell) as arrays:
            replicates[cell.stem] = arrays["replicates"]
    if replicates:
        with files.replacing(path) as temporary, open(temporary, "wb") as file:
            np.savez_compressed(file, **replicates)
    return replicates


def _heading(condition: str, protocol: str = "") -> str:
    images = {
        "clean": "Training images as they are",
        "noisy": "Training images corrupted once with Gaussian noise of 0.1",
    }[condition]
    return f"{images}, {protocol}" if protocol else images


def _seeds(rows: list[dict[str, str]]) -> list[int]:
    return sorted({int(row["seed"]) for row in rows})


def _what_was_done(
    rows: list[dict[str, str]], config: AugmentationStudyConfig, source: image_dataset.ImageDataset
) -> list[str]:
    protocols = {
        "equal_steps": f"{config.classifier_steps:,} steps (equal_steps)",
        "equal_epochs": f"{config.classifier_epochs} epochs (equal_epochs)",
    }
    steps = " or ".join(
        protocols[name]
        for name in dict.fromkeys(row["protocol"] for row in rows if row["protocol"])
    )
    network = (
        f"the classifier {literal(config.classifier)}"
        if config.classifier
        else f"the published CNN ({config.precision})"
    )
    count, available = int(rows[0]["n_train"]), len(source.train.labels)
    groups = (
        "" if source.test.groups is None else f" of {len(np.unique(source.test.groups)):,} groups"
    )
    measured = (
        "validation images"
        if config.development
        else f"{len(source.test.labels):,} test images{groups}"
    )
    lines = [
        f"{count:,} of {available:,} training images, {measured}, seeds {', '.join(map(str, _seeds(rows)))}; {network}, trained for {steps}.",
        "All training sets of a seed share images, noise, initial weights and test noise, so that differences are within a seed. Their 95% intervals are for other seeds and",
        "other test images alike: the variance over seeds and the one over test images (bootstrap) add up. Points are hundredths of the metric. `classical` mirrors, shifts and erases.",
    ]
    if count == available and not config.development:
        lines.append(
            "Every seed has all training images, so that other images to train on are not part of these intervals: they are for other initial weights, orders and noise."
        )
    if source.notice:
        lines.append(literal(source.notice))
    return [*lines, ""]


def _verdicts(results: Results) -> list[str]:
    settings = sorted(results.settings(), key=lambda setting: setting[1] != "equal_steps")
    decided = {
        setting: {
            key: (comparison, verdict(comparison))
            for key, comparison in results.comparisons(*setting).items()
        }
        for setting in settings
    }
    lines = ["## Verdict", ""]
    for protocol in dict.fromkeys(protocol for _, protocol in settings):
        found = {
            (c, *key): pair
            for (c, p), pairs in decided.items()
            if p == protocol
            for key, pair in pairs.items()
        }
        columns = list(dict.fromkeys((condition, tested) for condition, _, tested in found))
        cells = [
            [training_set_label(name)]
            + [
                f"{found[c, name, tested][1].kind}: {found[c, name, tested][0].difference.mean:+z.2f}"
                if (c, name, tested) in found
                else ""
                for c, tested in columns
            ]
            for name in dict.fromkeys(name for _, name, _ in found)
        ]
        head = [
            f"{condition}, {'no noise' if tested == AS_THEY_ARE else 'all noises'}"
            for condition, tested in columns
        ]
        if cells:
            lines += [
                f"Points ahead under {protocol}, tested without noise and on average over all test noises:",
                "",
            ]
            lines += table(["trained on", *head], cells)
    for (condition, protocol), pairs in decided.items():
        lines += [f"### {_heading(condition, protocol)}", ""]
        lines += [
            f"- **{name}, {tested}: {found.kind}.** {found.sentence}"
            for (name, tested), (_, found) in pairs.items()
        ]
        lines += ["" if pairs else "Nothing is compared: no training set but limited.", ""]
    return [
        *lines,
        f"The metric is {results.metric}, and {MIN_EFFECT_POINTS:g} points are the smallest gain taken to be worth having. Under equal_steps every training set has as many optimiser steps. Under",
        "equal_epochs more images are also more steps; synthetic images are then compared with `duplicate`, which has as many images, none of them new. p values are Holm's, over the",
        "comparisons of one list; how many seeds or images would tell is about right, and to be on the safe side after Bonferroni's correction.",
        "",
    ]


def _published(results: Results, config: AugmentationStudyConfig) -> list[str]:
    as_published = AugmentationStudyConfig()
    names = (
        "dataset",
        "n_train",
        "metric",
        "test_noise",
        "classifier",
        "epochs",
        "latent_dim",
        "classifier_steps",
        "classifier_epochs",
    )
    if any(getattr(config, name) != getattr(as_published, name) for name in names):
        return []
    lines = [
        "## The published study beside ours",
        "",
        "Accuracy in %: published, one run each; ours, mean over seeds and half of its 95% t-interval.",
        "",
    ]
    for condition in ("clean", "noisy"):
        cells = []
        for name in ("limited", "vae", "dvae"):
            label = training_set_label(name)
            cells.append(
                [label, "published", *(f"{value:.2f}" for value in PUBLISHED[condition, name])]
            )
            for protocol in ("equal_epochs", "equal_steps"):
                cells.append(
                    [
                        label,
                        protocol,
                        *(
                            _plus_minus(results.scores(condition, protocol, name, noise))
                            for noise in PUBLISHED_NOISE
                        ),
                    ]
                )
        lines += [
            f"### {_heading(condition)}",
            "",
            *table(["training set", "", *map(noise_label, PUBLISHED_NOISE)], cells),
        ]
    measured = {
        (c, p): results.findings(c, p)
        for c in ("clean", "noisy")
        for p in ("equal_epochs", "equal_steps")
    }
    cells = []
    for finding, (name, baseline, tested) in FINDINGS.items():
        for condition in ("clean", "noisy"):
            noises = PUBLISHED_NOISE if tested == ALL_NOISES else (tested,)
            places = [PUBLISHED_NOISE.index(noise) for noise in noises]
            published = np.mean(
                [PUBLISHED[condition, name][i] - PUBLISHED[condition, baseline][i] for i in places]
            )
            ours = (
                _finding(measured[condition, protocol].get(finding))
                for protocol in ("equal_epochs", "equal_steps")
            )
            cells.append([finding, condition, f"{published:+z.2f}", *ours])
    return [
        *lines,
        "### What the published tables suggest",
        "",
        *table(["finding", "training images", "published", "equal_epochs", "equal_steps"], cells),
        "Points, with 95% interval. As in the verdict, it holds where it shows after Holm's correction, over the findings of one protocol and condition; it does not where the contrary",
        f"shows or a gain of {MIN_EFFECT_POINTS:g} points is ruled out. Under equal_epochs it is as published: more images are more steps.",
        "",
    ]


def _finding(comparison: Comparison | None) -> str:
    if comparison is None:
        return ""
    kind = {"helps": "holds", "cannot tell": "cannot tell"}.get(
        verdict(comparison).kind, "does not hold"
    )
    return f"{kind}: {_interval(comparison.difference)}"


def _tables(results: Results, folder: Path, dataset: str) -> list[str]:
    lines, summaries = [], (AS_THEY_ARE, ALL_NOISES)[: len(results.noises)]
    for condition, protocol in results.settings():
        scores = {
            name: [results.scores(condition, protocol, name, noise) for noise in results.noises]
            for name in results.sets(condition, protocol)
        }
        ahead = []
        for name in list(scores)[1:]:
            differences = [
                results.difference(condition, protocol, name, "limited", tested)[0]
                for tested in summaries
            ]
            cells = [
                [_interval(each), f"{statistics.detectable_difference(each):.2f}"]
                if each
                else ["", ""]
                for each in differences
            ]
            ahead.append([training_set_label(name), *itertools.chain(*cells)])
        lines += [
            f"## {_heading(condition, protocol)}",
            "",
            f"{results.metric}, points: mean over seeds and half of its 95% t-interval; * a kind of corruption that the training images had.",
            "",
            *table(
                ["trained on", "seeds", *map(noise_label, results.noises)],
                [
                    [training_set_label(name), str(len(each[0]))]
                    + [
                        _plus_minus(values) + _seen(condition, name, tested)
                        for tested, values in zip(results.noises, each, strict=True)
                    ]
                    for name, each in scores.items()
                ],
            ),
            "Points ahead of limited, and the smallest difference that so many seeds and images find four times out of five in a single comparison:",
            "",
            *table(
                ["trained on", *itertools.chain(*((tested, "detectable") for tested in summaries))],
                ahead,
            ),
        ]
        if "classical" in scores and (made := [name for name in scores if registry.generates(name)]):
            cells = [
                [
                    results.difference(condition, protocol, name, "classical", tested)[0]
                    for tested in summaries
                ]
                for name in made
            ]
            lines += [
                "Points ahead of classical augmentation, which needs no model:",
                "",
                *table(
                    ["trained on", *summaries],
                    [
                        [
                            training_set_label(name),
                            *(_interval(each) if each else "" for each in line),
                        ]
                        for name, line in zip(made, cells, strict=True)
                    ],
                ),
            ]
        curves = {
            name: [statistics.mean_and_half_width(list(each.values())) for each in points]
            for name, points in scores.items()
        }
        path = f"figures/{condition}-{protocol}.png"
        title = f"{dataset}, {condition} training images, {protocol}"
        plots.scores_against_noise(
            curves,
            results.noises,
            title,
            f"{results.metric}, points (95% interval over seeds)",
            folder / path,
        )
        lines += [
            f"![{results.metric} against test noise, {condition} training images, {protocol}]({path})",
            "",
        ]
    return lines


def _unseen(results: Results) -> list[str]:
    """Points ahead of limited under each corruption of the test images that the verdict is not about."""
    tests = list(
        dict.fromkeys(row["test_corruption"] for row in results.rows if row["augmentation"])
    )
    tests = [tested for tested in tests if tested not in results.noises]
    lines = [
        "## Other corruptions of the test images",
        "",
        "Points ahead of limited and half of the 95% interval; * a kind of corruption that the training images had.",
        "",
    ]
    for condition, protocol in results.settings():
        listed = []
        for name in results.sets(condition, protocol):
            cells = []
            for tested in tests:
                if name == "limited":
                    text = _plus_minus(results.scores(condition, protocol, name, tested))
                else:
                    difference, _ = results.difference(condition, protocol, name, "limited", tested)
                    text = _gain(difference) if difference else ""
                cells.append(text + _seen(condition, name, tested))
            listed.append([training_set_label(name), *cells])
        lines += [
            f"### {_heading(condition, protocol)}",
            "",
            *table(["trained on", *tests], listed),
        ]
    return lines


def _seen(condition: str, name: str, tested: str) -> str:
    """Return a star where the images of a training set had a kind of corruption."""
    seen = SEEN.get(name, "").split() + (["gaussian"] if condition == "noisy" else [])
    return " *" if corruptions.parse(tested).kind.removeprefix("clipped_") in seen else ""


def _other_metrics(results: Results, class_names: tuple[str, ...]) -> list[str]:
    metrics = [
        name
        for name in ("accuracy", "balanced_accuracy", "auc", "kappa", "calibration_error")
        if name != results.metric
    ]
    lines = [
        "## Other metrics, images as they are",
        "",
        "Points; `calibration_error` is the expected calibration error, better where it is small.",
        "",
    ]
    for condition, protocol in results.settings():
        sets = results.sets(condition, protocol)

        def cells(name: str, metric: str, condition=condition, protocol=protocol) -> str:
            return _plus_minus(results.scores(condition, protocol, name, AS_THEY_ARE, metric))

        lines += [f"### {_heading(condition, protocol)}", ""]
        lines += table(
            ["trained on", *metrics],
            [
                [training_set_label(name), *(cells(name, metric) for metric in metrics)]
                for name in sets
            ],
        )
        lines += table(
            ["accuracy of class", *sets],
            [
                [literal(label), *(cells(name, f"accuracy_class_{number}") for name in sets)]
                for number, label in enumerate(class_names)
            ],
        )
    return lines


def _latent(rows: list[dict[str, str]], folder: Path) -> list[str]:
    """Quality of codes and synthetic images, and the training loss, of each generative model."""
    values: dict[str, dict[tuple[str, str], list[float]]] = defaultdict(lambda: defaultdict(list))
    epochs: dict[tuple[str, str], dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        model = (row["condition"], row["model"])
        if row["augmentation"]:
            continue
        if row["epoch"]:
            epochs[model][int(row["epoch"])].append(float(row["value"]))
            continue
        name = {"loss": "test loss, nats"}.get(row["metric"], row["metric"].replace("_", " "))
        name += f" at {noise_label(row['test_corruption'])}" if row["test_corruption"] else ""
        values[name][model].append(float(row["value"]))
    if not values:
        return []
    labels = {(condition, model): f"{model.upper()}, {condition}" for condition, model in epochs}
    panels: dict[str, dict[str, list[float]]] = defaultdict(dict)
    for (condition, model), curve in epochs.items():
        panels[f"{condition} training images"][model.upper()] = [
            float(np.mean(curve[epoch])) for epoch in sorted(curve)
        ]
    plots.loss_curves(
        panels,
        "Training loss, mean over seeds",
        folder / "figures" / "training-loss.png",
        "nats per image",
    )
    last = max(max(curve) for curve in epochs.values())
    shown = [epoch for epoch in sorted({1, 2, 5, 10, 20, 30, 40, 50, last}) if epoch <= last]
    return [
        "## Generative models",
        "",
        "Mean over seeds and half of its 95% t-interval. log likelihood K: importance-sampled with K samples, nats an image, of up to 1,000 test images binarised once. nearest distance: median Euclidean",
        "distance of a synthetic image to its nearest training image, and of a test image to its own, with the same noise; closer than held out: the fraction of synthetic images that are nearer than all but 1%",
        "of the test images. More than 0.01 is either memory of training images or the smoothness of synthetic ones. test loss: as in training, so that DAE and DVAE corrupt the images first.",
        "",
        *table(
            ["", *labels.values()],
            [
                [
                    name,
                    *(
                        tables.plus_minus(found[model], 4, "g") if model in found else ""
                        for model in labels
                    ),
                ]
                for name, found in values.items()
            ],
        ),
        "![Training loss of each epoch](figures/training-loss.png)",
        "",
        "Training loss in nats per image, mean over seeds, after epoch",
        "",
        *table(
            ["", *map(str, shown)],
            [
                [labels[model], *(f"{np.mean(curve[epoch]):.1f}" for epoch in shown)]
                for model, curve in epochs.items()
            ],
        ),
    ]


def _development(rows: list[dict[str, str]], config: AugmentationStudyConfig) -> list[str]:
    """The metric on validation images against steps."""
    curves: dict[tuple[str, str, str], dict[int, list[float]]] = defaultdict(
        lambda: defaultdict(list)
    )
    ends: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for row in rows:
        if row["metric"] == config.metric:
            key, value = (
                (row["condition"], row["protocol"], row["augmentation"]),
                100 * float(row["value"]),
            )
            (ends[key] if row["test_corruption"] else curves[key][int(row["step"])]).append(value)
    lines = [
        f"## {config.metric} on validation images after so many steps",
        "",
        "Points, mean over seeds, and in the end on all validation images. For choosing; the seeds are not to be reported again.",
        "",
    ]
    for condition, protocol in dict.fromkeys(key[:2] for key in curves):
        chosen = {
            name: curve for (c, p, name), curve in curves.items() if (c, p) == (condition, protocol)
        }
        steps = sorted({step for curve in chosen.values() for step in curve})
        cells = [
            [
                str(step),
                *(
                    f"{np.mean(curve[step]):.2f}" if step in curve else ""
                    for curve in chosen.values()
                ),
            ]
            for step in steps
        ]
        cells.append(
            [
                "all validation images",
                *(tables.plus_minus(ends[condition, protocol, name]) for name in chosen),
            ]
        )
        lines += [f"### {_heading(condition, protocol)}", "", *table(["steps", *chosen], cells)]
    return lines


def _settings(folder: Path, fixed: dict[str, str]) -> list[str]:
    lines = ["## Settings", "", "| setting | |", "|---|---|"]
    for name, value in (files.read_json(folder / "config.json") | fixed).items():
        text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        lines.append(f"| {literal(name)} | {literal(text)} |")
    record = folder / "environment.json"
    for start in files.read_json(record) if record.exists() else []:
        packages = ", ".join(f"{name} {version}" for name, version in start["packages"].items())
        spent = sum(start["seconds"].values()) / 3600
        lines += ["", f"Started {start['started']}: {len(start['seconds'])} cells in {spent:.2f} hours of {start['workers']} workers together, commit {start['commit']}, Python {start['python']},",
                  f"{start['processor']}; {packages}."]  # fmt: skip
    return [*lines, ""]


def _plus_minus(scores: Scores) -> str:
    return tables.plus_minus(list(scores.values())) if scores else ""


def _gain(difference: statistics.Difference) -> str:
    return f"{difference.mean:+z.2f}" + (
        f" ± {difference.high - difference.mean:.2f}" if difference.count > 1 else ""
    )


def _interval(difference: statistics.Difference) -> str:
    if difference.count < 2:
        return f"{difference.mean:+z.2f}"
    return f"{difference.mean:+z.2f} ({difference.low:+z.2f} to {difference.high:+z.2f})"
