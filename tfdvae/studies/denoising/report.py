"""Tables and figures of the denoising study, from its rows alone."""

from collections import defaultdict
from pathlib import Path

import numpy as np

from tfdvae._utils import files
from tfdvae.reporting import plots, tables

OWN, BLIND = "own model", "blind model"

CLASSICAL = (
    "gaussian filter",
    "median",
    "non-local means",
    "total variation",
    "wavelet",
)  # the filters of `denoising.CLASSICAL`

Values = dict[tuple[str, str, str], list[float]]


def write(rows: list[dict[str, str]], folder: Path) -> None:
    """Write `report.md` and its figures to `folder`.

    Args:
        rows: long rows of the study, over any number of seeds.
        folder: of the study; the pictures are of the first seed, from the arrays beside its cells.
    """
    values: Values = defaultdict(list)
    chosen: dict[tuple[str, str], str] = {}
    for row in rows:
        name = {"own": OWN, "blind": BLIND}.get(row["augmentation"], row["model"])
        tested, value = row["test_corruption"], float(row["value"])
        if row["metric"].endswith("_input"):
            values[row["metric"].removesuffix("_input"), "corrupted", tested] = [value]
        else:
            values[
                row["metric"], f"{name}, {row['corruption']}" if tested == "none" else name, tested
            ].append(value)
        if name in CLASSICAL:
            chosen[name, tested] = row["network"]
    seen = list(
        dict.fromkeys(
            row["test_corruption"]
            for row in rows
            if row["augmentation"] == "own" and row["test_corruption"] != "none"
        )
    )
    unseen = [
        tested
        for tested in dict.fromkeys(test for _, _, test in values)
        if tested not in (*seen, "none")
    ]
    seeds = sorted({int(row["seed"]) for row in rows if row["seed"]})
    images = f"{int(rows[0]['n_train']):,} training images, all test images of {rows[0]['dataset']}"
    lines = [
        "# Denoising study",
        "",
        f"{images}, seeds {', '.join(map(str, seeds))}: mean over seeds and half of its 95% t-interval. PSNR and SSIM are means over test images, against",
        "the uncorrupted ones; the frozen test noise is one and the same for all. `corrupted` is not clipped to [0, 1], all others are. `own model` is trained on the corruption that it is tested on.",
        *(
            [f"`blind model` on {', '.join(seen)} together, one of them for each image."]
            if any(name == BLIND for _, name, _ in values)
            else []
        ),
        "The parameters of classical filters and of the linear denoiser are",
        "chosen for the greatest PSNR on held-out training images. Command: `tfdvae study denoising`.",
        "",
        *_gains(values, [*seen, *unseen]),
    ]
    for metric, title, digits in (("psnr", "PSNR in dB", 2), ("ssim", "SSIM", 4)):
        for tests, kind in (
            (seen, "corruptions of the training"),
            (unseen, "corruptions that no model has seen"),
        ):
            if not tests:
                continue
            lines += [f"## {title}: {kind}", "", *_table(values, metric, tests, digits), ""]
        lines += [
            f"## {title}: what models make of uncorrupted images",
            "",
            "| model | |",
            "|---|---|",
        ]
        untouched = {
            name: value
            for (m, name, tested), value in values.items()
            if m == metric and tested == "none"
        }
        lines += [
            f"| {name} | {tables.plus_minus(value, digits)} |" for name, value in untouched.items()
        ] + [""]
    lines += [
        "## Parameters chosen on held-out images",
        "",
        *_parameters(chosen, [*seen, *unseen]),
        "",
    ]
    for name, tests in (("seen", seen), ("unseen", unseen)):
        _draw(folder, tests, name)
        if (folder / "figures" / f"{name}.png").exists():
            lines += [f"![Test images: {name} corruptions](figures/{name}.png)", ""]
    files.write_text(folder / "report.md", "\n".join(lines))


def _gains(values: Values, tests: list[str]) -> list[str]:
    lines = [
        "## What the models gain",
        "",
        "PSNR of the models minus that of another denoiser, in dB. The best classical one is the best on these test images, to its advantage.",
        "",
    ]
    lines += [
        "| corruption | best classical | own model | blind model | own model over linear |",
        "|---|---|---|---|---|",
    ]
    for tested in tests:
        means = {
            name: np.mean(values["psnr", name, tested])
            for name in CLASSICAL
            if ("psnr", name, tested) in values
        }
        if not means:
            continue
        best = max(means, key=means.get)
        cells = [f"{best} {means[best]:.2f}"]
        for name, base in (
            (OWN, means[best]),
            (BLIND, means[best]),
            (OWN, np.mean(values.get(("psnr", "linear", tested), np.nan))),
        ):
            gained = values.get(("psnr", name, tested))
            cells.append(
                _signed([value - base for value in gained]) if gained and np.isfinite(base) else ""
            )
        lines.append(f"| {tested} | " + " | ".join(cells) + " |")
    return [*lines, ""]


def _signed(values: list[float]) -> str:
    text = tables.plus_minus(values, 2)
    return text if text.startswith("-") else f"+{text}"


def _table(values: Values, metric: str, tests: list[str], digits: int) -> list[str]:
    lines = ["| | " + " | ".join(tests) + " |", "|---" * (len(tests) + 1) + "|"]
    for name in ("corrupted", *CLASSICAL, "linear", BLIND, OWN):
        cells = [
            tables.plus_minus(values[metric, name, test], digits)
            if (metric, name, test) in values
            else ""
            for test in tests
        ]
        if any(cells):
            lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def _parameters(chosen: dict[tuple[str, str], str], tests: list[str]) -> list[str]:
    lines = ["| corruption | " + " | ".join(CLASSICAL) + " |", "|---" * (len(CLASSICAL) + 1) + "|"]
    return lines + [
        f"| {tested} | " + " | ".join(chosen.get((name, tested), "") for name in CLASSICAL) + " |"
        for tested in tests
    ]


def _seed(path: Path) -> int:
    seed = path.stem.rpartition("seed")[2]
    return int(seed) if seed.isdigit() else 0


def _draw(folder: Path, tests: list[str], name: str) -> None:
    """Draw the first test images of each corruption, as given and as each denoiser leaves them, where the arrays are on this machine."""
    pictures: dict[str, np.ndarray] = {}
    for path in sorted(
        files.whole(folder / "cells", "*.npz"), key=_seed, reverse=True
    ):  # the first seed comes last and stays
        with np.load(path) as arrays:
            pictures |= dict(arrays)
    tests = [tested for tested in tests if f"{tested}/clean" in pictures]
    if not tests:
        return
    shown = 2
    kinds = ("clean", "input", *CLASSICAL, "linear", "blind", "own")
    rows = {}
    for kind in kinds:
        if any(f"{tested}/{kind}" in pictures for tested in tests):
            empty = np.full_like(pictures[f"{tests[0]}/clean"][:shown], np.nan)
            rows[kind] = np.concatenate(
                [pictures.get(f"{tested}/{kind}", empty)[:shown] for tested in tests]
            )
    columns = [tested if i == 0 else "" for tested in tests for i in range(shown)]
    plots.image_rows(
        rows, f"Test images: {name} corruptions", folder / "figures" / f"{name}.png", columns
    )
