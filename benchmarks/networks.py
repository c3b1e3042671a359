"""What each network reaches as a denoiser for the seconds that its training takes.

python benchmarks/networks.py --data-dir FOLDER

A DAE on each network learns from 5,000 noisy images of Fashion-MNIST alone (`recorrupted`), in as
many steps as fit into a budget of processor seconds of one thread, so that other work on the
machine counts little; the rate falls to 0 over them. Measured on 1,000 other noisy training images.
A training that is in the rows is not repeated. Rows, report and figure go to results/networks/.
"""

import argparse
import itertools
import time
from pathlib import Path

import keras
import matplotlib
import numpy as np
from matplotlib.figure import Figure as Drawing

from tfdvae import corruptions, csv_rows, registry
from tfdvae._utils import files, threads
from tfdvae.config import TrainConfig
from tfdvae.data import image_dataset, pipelines, sources, splits
from tfdvae.metrics import image
from tfdvae.models.base import DenoisingModel
from tfdvae.models.build import build_generator
from tfdvae.reporting import plots, tables
from tfdvae.reporting.document import Figure, Paragraph, Table, to_markdown

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "results" / "networks"
NOISE = "gaussian:0.1"
BATCH, RATE = 64, 1e-3
MEASURED = 1000
WARM_UP = 50  # steps, and as many to measure the speed

Rows = list[dict[str, str]]


def images(folder: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return noisy training images, and noisy and clean ones of the measure."""
    train = sources.load("fashion_mnist", folder).train
    labels = np.asarray(train.labels)
    chosen = splits.stratified_subset(labels, 5000, 0)
    others = np.random.default_rng(0).permutation(np.setdiff1d(np.arange(len(labels)), chosen))
    noise = corruptions.parse(NOISE)
    clean = [image_dataset.to_unit(train.images[part]) for part in (chosen, others[:MEASURED])]
    noisy = [
        pipelines.freeze_noise(each, part, noise, 0, "observed")
        for each, part in zip(clean, (chosen, others[:MEASURED]), strict=True)
    ]
    return noisy[0], noisy[1], clean[1]


def model_of(network: str, steps: int, seed: int) -> DenoisingModel:
    """Return a DAE on a network, whose rate falls to 0 over the steps."""
    keras.backend.clear_session()
    config = TrainConfig.of(
        model="dae",
        network=network,
        objective="recorrupted",
        corruption=NOISE,
        learning_rate=RATE,
        schedule="cosine",
        epochs=1,
        batch_size=BATCH,
        seed=seed,
    )
    return build_generator(config, (28, 28, 1), steps)


def fitted(model: DenoisingModel, noisy: np.ndarray, steps: int, seed: int) -> float:
    """Train a model and return the processor seconds of its training."""
    batches = pipelines.training_batches((noisy,), BATCH, seed, "networks")
    start = time.process_time()
    model.fit(batches, epochs=1, steps_per_epoch=steps, verbose=0)
    return time.process_time() - start


def measured(
    network: str, budget: int, seed: int, data: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> list[dict]:
    """Return the rows of one training."""
    noisy, given, clean = data
    trial = model_of(network, WARM_UP, seed)
    fitted(trial, noisy, WARM_UP, seed)  # makes the graph
    steps = max(1, round(budget * WARM_UP / fitted(trial, noisy, WARM_UP, seed)))
    model = model_of(network, steps, seed)
    seconds = fitted(model, noisy, steps, seed)
    psnr = image.psnr(model.denoise(given), clean).mean()
    row = {
        "study": "networks",
        "run": f"{network}-{budget}-seed{seed}",
        "dataset": "fashion_mnist",
        "n_train": len(noisy),
        "condition": "noisy",
        "model": "dae",
        "network": network,
        "corruption": NOISE,
        "target": "recorrupted",
        "protocol": f"seconds:{budget}",
        "test_corruption": NOISE,
        "split": "validation",
        "step": steps,
        "seed": seed,
    }
    values = {
        "psnr": float(psnr),
        "processor_seconds": seconds,
        "parameters": model.encoder.count_params() + model.decoder.count_params(),
    }
    return [row | {"metric": metric, "value": value} for metric, value in values.items()]


def curves(rows: Rows) -> dict[str, dict[int, list[float]]]:
    """Return the PSNR of all seeds by network and budget."""
    found: dict[str, dict[int, list[float]]] = {}
    for row in rows:
        if row["metric"] == "psnr":
            budget = int(row["protocol"].removeprefix("seconds:"))
            found.setdefault(row["network"], {}).setdefault(budget, []).append(float(row["value"]))
    return found


def draw(rows: Rows, path: Path) -> None:
    """Draw PSNR against the budget, a line for each network."""
    with matplotlib.rc_context(plots.STYLE):
        drawing = Drawing(figsize=(8, 4.5), layout="constrained")
        axes = drawing.subplots()
        looks = zip(
            # One marker less than colors, so that no two lines look alike.
            *map(itertools.cycle, (plots.COLORS, plots.MARKERS[:-1], plots.STYLES)),
            strict=False,
        )
        for (network, found), (color, marker, style) in zip(
            curves(rows).items(), looks, strict=False
        ):
            budgets = sorted(found)
            means = [np.mean(found[each]) for each in budgets]
            axes.plot(budgets, means, color=color, marker=marker, linestyle=style, label=network)
        axes.set_xscale("log")
        axes.set_xticks(sorted({each for found in curves(rows).values() for each in found}))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.minorticks_off()
        axes.set(xlabel="processor seconds of training", ylabel="PSNR, dB")
        axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1))
        plots.save(drawing, path)


def report(rows: Rows) -> str:
    """Return the report in Markdown."""
    found = curves(rows)
    budgets = sorted({budget for each in found.values() for budget in each})
    seeds = sorted({int(row["seed"]) for row in rows})
    parameters = {r["network"]: int(r["value"]) for r in rows if r["metric"] == "parameters"}
    steps = {(r["network"], r["protocol"]): int(r["step"]) for r in rows}
    noun = "seed" if len(seeds) == 1 else "seeds"
    lines = []
    for network, each in found.items():
        cells = [
            f"{tables.plus_minus(each[budget], 2)} ({steps[network, f'seconds:{budget}']:,} steps)"
            if budget in each
            else ""
            for budget in budgets
        ]
        lines.append([f"`{network}`", f"{parameters[network]:,}", *cells])
    text = (
        "DAE that learn by `recorrupted` from 5,000 noisy images of Fashion-MNIST (Gaussian 0.1) "
        f"and nothing else, batches of {BATCH}, one thread, {noun} {', '.join(map(str, seeds))}: "
        f"PSNR in dB of {MEASURED:,} other noisy training images, mean over images, then over "
        "seeds with half of its 95% t-interval, after the steps that fit into so many processor "
        "seconds. "
        "Command: `python benchmarks/networks.py --data-dir FOLDER --budgets "
        f"{' '.join(map(str, budgets))}`."
    )
    head = ["network", "parameters", *(f"{budget} s" for budget in budgets)]
    return to_markdown([Paragraph(text), Table(head, lines), Figure("psnr.png", "PSNR")])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--budgets", type=int, nargs="+", default=[30, 120, 480], help="seconds")
    names = [spec.name for spec in registry.NETWORKS]
    parser.add_argument("--networks", nargs="+", default=names)
    parser.add_argument("--output", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    threads.use_threads(1)
    data = images(arguments.data_dir)
    path = arguments.output / "rows.csv"
    rows = csv_rows.read_rows(path) if path.exists() else []
    for seed in arguments.seeds:
        for budget in arguments.budgets:
            for network in arguments.networks:
                if f"{network}-{budget}-seed{seed}" in {row["run"] for row in rows}:
                    continue
                made = measured(network, budget, seed, data)
                csv_rows.write_rows(path, [*rows, *made])
                rows = csv_rows.read_rows(path)
                print(made[0]["run"], *(f"{row['metric']} {row['value']:.6g}" for row in made))
    draw(rows, arguments.output / "psnr.png")
    files.write_text(arguments.output / "report.md", report(rows))
    print(report(rows))


if __name__ == "__main__":
    main()
