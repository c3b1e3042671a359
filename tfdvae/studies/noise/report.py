"""Tables and figures of the noise study, from its rows alone."""

from collections import defaultdict
from pathlib import Path

import numpy as np
import sklearn.manifold
import threadpoolctl

from tfdvae import corruptions
from tfdvae._utils import files
from tfdvae.metrics import statistics
from tfdvae.reporting import plots, tables

NOISES = (
    "none",
    "gaussian:1",
    "random_erasing:0.5",
    "gaussian:0.01",
    "gaussian:0.1",
    "gaussian:0.5",
)

PUBLISHED = {  # noise -> epoch -> (train, test)
    "none": {1: (0.848, 0.675), 20: (0.601, 0.599)},
    "gaussian:1": {1: (1.860, 1.689), 20: (1.600, 1.598)},
    "random_erasing:0.5": {1: (0.922, 0.679), 20: (0.569, 0.567)},
    "gaussian:0.01": {1: (0.949, 0.731), 20: (0.600, 0.598)},
    "gaussian:0.1": {1: (1.014, 0.734), 20: (0.612, 0.610)},
    "gaussian:0.5": {1: (1.103, 0.929), 20: (0.852, 0.850)},
}


def variance(noise: str, target: str) -> float:
    """Return what Gaussian noise in the target adds to the loss: the square of its level."""
    corruption = corruptions.parse(noise)
    return corruption.level**2 if corruption.kind == "gaussian" and target == "corrupted" else 0.0


Values = dict[tuple[str, ...], list[float]]


def write(rows: list[dict[str, str]], folder: Path) -> None:
    """Write `report.md` and its figures to `folder`.

    Args:
        rows: long rows of the study, over any number of seeds.
        folder: of the study; figures show the first seed, from the arrays beside its cells.
    """
    losses: Values = defaultdict(list)
    floors: Values = defaultdict(list)
    measured: Values = defaultdict(list)
    targets = list(dict.fromkeys(row["target"] for row in rows))
    for row in rows:
        value = float(row["value"])
        for target in targets if row["corruption"] == "none" else (row["target"],):
            if row["metric"] == "loss":
                losses[target, row["corruption"], row["split"], row["epoch"]].append(value)
            elif row["metric"] == "floor":
                floors[target, row["corruption"], row["split"]].append(value)
            else:
                measured[target, row["metric"], row["corruption"], row["test_corruption"]].append(
                    value
                )
    seeds = sorted({int(row["seed"]) for row in rows})
    last = str(max(int(key[3]) for key in losses))
    lines = [
        "# Noise study",
        "",
        f"{rows[0]['dataset']}, {int(rows[0]['n_train']):,} training images, network {rows[0]['network']}, {last} epochs, seeds {', '.join(map(str, seeds))}.",
        "Mean over seeds and half of its 95% t-interval. Command: `tfdvae study noise`.",
        "",
    ]
    for target in targets:
        published = (
            PUBLISHED if target == "corrupted" and rows[0]["dataset"] == "fashion_mnist" else {}
        )
        lines += [
            f"## Target `{target}`",
            "",
            *_loss_table(target, losses, floors, last, published),
            "",
        ]
        lines += _matrix(
            "PSNR in dB against the uncorrupted image in [-1, 1] (peak 2)", target, "psnr", measured
        )
        lines += _matrix(
            "PSNR in dB against max(x, 0), what a sigmoid can give of the uncorrupted image (peak 1)",
            target,
            "psnr_reachable",
            measured,
        )
        lines += _matrix(
            "Accuracy of a logistic regression on the codes, fitted to those of uncorrupted training images, %",
            target,
            "probe_accuracy",
            measured,
            100,
        )
        lines += _quality(target, measured) + _paired(target, measured)
        _figures(target, losses, folder)
        figures = (f"figures/{name}-{target}.png" for name in ("loss", "reconstructions", "codes"))
        lines += [f"![{path}]({path})\n" for path in figures if (folder / path).exists()]
    files.write_text(folder / "report.md", "\n".join(lines) + "\n")


def _loss_table(
    target: str, losses: Values, floors: Values, last: str, published_losses: dict
) -> list[str]:
    lines = ["Loss, and loss minus floor minus variance of the noise: the model's own error.", ""]
    if published_losses:
        lines[:1] = [
            lines[0]
            + " Published values are single runs, `its own` their own error; `range of a run` is where",
            "95% of single runs fall that are like ours (mean over seeds and standard deviation of a run, t-distribution).",
        ]
    columns = ["noise", "split", "epoch", "loss", "floor", "own error"]
    columns += ["published", "its own", "difference", "range of a run"] if published_losses else []
    lines += ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
    for noise in NOISES:
        for epoch in dict.fromkeys(("1", last)):
            for number, split in enumerate(("train", "test")):
                values = losses.get((target, noise, split, epoch))
                if not values:
                    continue
                base = np.mean(floors[target, noise, split]) + variance(noise, target)
                own = tables.plus_minus([value - base for value in values], 4)
                cells = [
                    noise,
                    split,
                    epoch,
                    tables.plus_minus(values, 4),
                    f"{base:.4f}",
                    own,
                ]
                published = published_losses.get(noise, {}).get(int(epoch), (None, None))[number]
                if published is None and published_losses:
                    cells += ["", "", "", ""]
                elif published is not None:
                    low, high = statistics.prediction_interval(values)
                    within = (
                        f"{low:.3f} to {high:.3f}: {'inside' if low <= published <= high else 'outside'}"
                        if len(values) > 1
                        else ""
                    )
                    cells += [
                        f"{published:.3f}",
                        f"{published - base:.4f}",
                        f"{np.mean(values) - published:+.4f}",
                        within,
                    ]
                lines.append("| " + " | ".join(cells) + " |")
    return lines


def _matrix(title: str, target: str, metric: str, measured: Values, scale: float = 1) -> list[str]:
    tests = [noise for noise in NOISES if (target, metric, NOISES[0], noise) in measured]
    lines = [
        f"### {title}",
        "",
        "| trained with \\ tested at | " + " | ".join(tests) + " |",
        "|---" * (len(tests) + 1) + "|",
    ]
    for noise in NOISES:
        if (target, metric, noise, "none") in measured:
            cells = [
                tables.plus_minus(
                    [scale * value for value in measured[target, metric, noise, test]]
                )
                for test in tests
            ]
            lines.append(f"| {noise} | " + " | ".join(cells) + " |")
    return [*lines, ""]


def _quality(target: str, measured: Values) -> list[str]:
    lines = [
        "### Classes in the codes of the uncorrupted test images",
        "",
        "| trained with | 10-nearest-neighbour accuracy, % | silhouette |",
        "|---|---|---|",
    ]
    for noise in NOISES:
        if (target, "knn_accuracy", noise, "none") in measured:
            accuracy = [100 * value for value in measured[target, "knn_accuracy", noise, "none"]]
            silhouette = measured[target, "silhouette", noise, "none"]
            lines.append(
                f"| {noise} | {tables.plus_minus(accuracy)} | {tables.plus_minus(silhouette, 3)} |"
            )
    return [*lines, ""]


def _paired(target: str, measured: Values) -> list[str]:
    """Each training noise against none: models of a seed share initial weights and the order of images, so differences are paired."""
    metrics = {
        "psnr_reachable": ("PSNR against max(x, 0), dB", 1),
        "probe_accuracy": ("probe, points", 100),
        "knn_accuracy": ("10-nearest-neighbour accuracy, points", 100),
    }
    found = {}
    for noise in NOISES[1:]:
        for metric in metrics:
            treated, base = (
                measured.get((target, metric, each, "none"), []) for each in (noise, "none")
            )
            if treated and len(treated) == len(base):
                found[noise, metric] = statistics.paired_difference(treated, base)
    if not found:
        return []
    adjusted = dict(
        zip(found, statistics.holm([difference.p for difference in found.values()]), strict=True)
    )
    lines = [
        "### What training noise changes on uncorrupted test images",
        "",
        "Minus the model trained without noise, paired by seed, 95% t-interval; p after Holm's correction for all of the table.",
        "",
        "| trained with | " + " | ".join(name for name, _ in metrics.values()) + " |",
        "|---" * (len(metrics) + 1) + "|",
    ]
    for noise in dict.fromkeys(noise for noise, _ in found):
        cells = []
        for metric, (_, scale) in metrics.items():
            if difference := found.get((noise, metric)):
                mean, low, high = (
                    scale * value for value in (difference.mean, difference.low, difference.high)
                )
                cells.append(
                    f"{mean:+z.2f} ({low:+z.2f} to {high:+z.2f}; p {adjusted[noise, metric]:.2g})"
                )
            else:
                cells.append("")
        lines.append(f"| {noise} | " + " | ".join(cells) + " |")
    return [*lines, ""]


def _figures(target: str, losses: Values, folder: Path) -> None:
    curves = {
        noise: {
            split: [np.mean(losses[key]) for key in losses if key[:3] == (target, noise, split)]
            for split in ("train", "test")
        }
        for noise in NOISES
    }
    plots.loss_curves(
        curves,
        f"Target {target}: mean squared error, mean over seeds",
        folder / "figures" / f"loss-{target}.png",
    )
    stored = {noise: _first_cell(folder, target, noise) for noise in NOISES}
    if None in stored.values():
        return
    rows, codes = {}, {}
    for noise, path in stored.items():
        with np.load(path) as arrays:
            names = sorted(
                (name for name in arrays if name.startswith("epoch_")),
                key=lambda name: int(name.partition("_")[2]),
            )
            rows[f"{noise}\ninput"] = (arrays["noisy"] + 1) / 2
            rows |= {f"{noise}\n{name.replace('_', ' ')}": arrays[name] for name in names}
            codes[noise] = (arrays["codes"], arrays["labels"])
    plots.image_rows(
        rows,
        f"Target {target}: test images as given, and their reconstructions",
        folder / "figures" / f"reconstructions-{target}.png",
    )
    embedded = {
        noise: (_tsne(stored[noise], points), labels) for noise, (points, labels) in codes.items()
    }
    plots.embeddings(
        embedded,
        f"Target {target}: t-SNE of the codes of the test images",
        folder / "figures" / f"codes-{target}.png",
    )


def _first_cell(folder: Path, target: str, noise: str) -> Path | None:
    """Return the arrays of the first seed; None where they are not on this machine, so that the figures stay as they are."""
    target = "*" if noise == "none" else target
    cells = files.whole(folder / "cells", f"{target}-{noise.replace(':', '-')}-seed*.npz")
    return min(cells, key=lambda path: int(path.stem.rpartition("seed")[2]), default=None)


def _tsne(cell: Path, codes: np.ndarray) -> np.ndarray:
    """t-SNE as published (perplexity 30, random state 307), kept beside the cell."""
    path = cell.with_suffix(".tsne.npy")
    if not path.exists():
        with threadpoolctl.threadpool_limits(
            1
        ):  # threads that wait for one another make it many times slower on a busy machine
            embedded = sklearn.manifold.TSNE(
                perplexity=min(30, len(codes) - 1), random_state=307
            ).fit_transform(codes)
        with files.replacing(path) as temporary, open(temporary, "wb") as file:
            np.save(file, embedded)
    return np.load(path)
