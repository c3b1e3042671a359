"""Uses of a denoising autoencoder on Fashion-MNIST: anomaly scores, imputation, features, compression.

python benchmarks/uses.py --data-dir FOLDER

goes on where it was stopped, by the cells that `rows.csv` holds, and writes `report.md` and its figures. With `--choose` it measures
the candidates of `CANDIDATES` instead, on one development seed and on training images held out for it, and writes `choice.csv`;
`CHOSEN` was read off it. In the rows, `network` is name:latent dimension, and `protocol` says what is measured: the normal or
the anomalous class, the number of labels, bits of a unit, quality of a JPEG, images imputed.
"""

import argparse
import dataclasses
import io
import itertools
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path

import keras
import numpy as np
import PIL.Image
import skimage.restoration
import sklearn.decomposition
import sklearn.ensemble
import sklearn.metrics
import sklearn.svm
import tensorflow as tf
from matplotlib.figure import Figure

import tfdvae
from tfdvae._utils import csv_rows, files, seeds
from tfdvae._utils.threads import use_threads
from tfdvae.data import image_dataset, sources, splits
from tfdvae.inference import compression, imputation
from tfdvae.metrics import latent
from tfdvae.models import networks
from tfdvae.models.autoencoder import DAE
from tfdvae.reporting import plots, tables

ROOT = Path(__file__).parents[1]

N_TRAIN, N_ONE_CLASS, N_VALIDATION, DEVELOPMENT_SEED = 10_000, 5_000, 2_000, 100
BATCH_SIZE, LEARNING_RATE = 128, 2e-3
DEVELOPMENT_CLASSES = (0, 6, 8)
LATENT_DIMS = (8, 32, 64)
FRACTIONS = (0.1, 0.3, 0.5, 0.7)
N_BIHARMONIC = 1000
LABEL_COUNTS = (100, 1000, 5000)
BITS = (1, 2, 3, 4, 5, 6, 8)
QUALITIES = (5, 10, 20, 35, 50, 75, 90)
BASELINES = {
    "pca": "PCA",
    "isolation_forest": "isolation forest",
    "one_class_svm": "one-class SVM",
}
Rows = list[dict]


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A model and its training; `network` may be one of `BASELINES`, `pca` with a dimension alone, the others of scikit-learn's defaults.

    `corruption` `masking` without a level stands for a model for each fraction of missing pixels, trained with that level.
    """

    network: str
    latent_dim: int
    corruption: str = "none"
    epochs: int = 0
    likelihood: str = "bernoulli"

    @property
    def fields(self) -> dict:
        named = {
            "model": self.network
            if self.network in BASELINES
            else "ae"
            if self.corruption == "none"
            else "dae"
        }
        return named | {
            "network": f"{self.network}:{self.latent_dim}",
            "corruption": self.corruption,
        }


ANOMALY = [
    *(Recipe("mlp", dim, "gaussian:0.1", 10) for dim in (4, 16)),
    Recipe("mlp", 16, "gaussian:0.3", 10),
    *(Recipe("pca", dim) for dim in (4, 16, 32, 64)),
]
CANDIDATES = {
    "compression": [
        *(Recipe("mlp", 32, corruption, 20, "mse") for corruption in ("none", "gaussian:0.1")),
        *(Recipe(network, 32, "gaussian:0.1", 20) for network in ("mlp", "strided_conv")),
    ],
    "imputation": [
        Recipe("mlp", 64, "masking:0.5", 20),
        Recipe("strided_conv", 64, "masking:0.5", 20),
        Recipe("residual_conv", 4, "masking:0.5", 5),
        Recipe("strided_conv", 64, "masking", 10),
    ],
    "probe": [
        *(
            Recipe("mlp", 32, corruption, 20)
            for corruption in ("none", "gaussian:0.1", "masking:0.3")
        ),
    ],
    "anomaly-one": ANOMALY,
    "anomaly-nine": ANOMALY,
}
CHOSEN = {
    "compression": Recipe("strided_conv", 32, "gaussian:0.1", 20),
    "imputation": Recipe("strided_conv", 64, "masking", 10),
    "probe": Recipe("mlp", 32, "masking:0.3", 20),
    "anomaly-one": Recipe("mlp", 16, "gaussian:0.3", 10),
    "anomaly-nine": Recipe("mlp", 4, "gaussian:0.1", 10),
    "anomaly-one-pca": Recipe("pca", 32),
    "anomaly-nine-pca": Recipe("pca", 4),
    "anomaly-one-isolation_forest": Recipe("isolation_forest", 0),
    "anomaly-one-one_class_svm": Recipe("one_class_svm", 0),
}


@dataclasses.dataclass(frozen=True)
class Data:
    """Images float32 (N, 28, 28, 1) in [0, 1] to train on, and those to measure on, with labels."""

    pool: np.ndarray
    pool_labels: np.ndarray
    images: np.ndarray
    labels: np.ndarray
    seed: int
    split: str

    def train(
        self, count: int = N_TRAIN, classes: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return random training images, of the classes given alone, and their labels."""
        there = (
            np.flatnonzero(np.isin(self.pool_labels, classes))
            if classes is not None
            else np.arange(len(self.pool))
        )
        chosen = there[splits.stratified_subset(self.pool_labels[there], count, self.seed)]
        return self.pool[chosen], self.pool_labels[chosen]


def load(source: image_dataset.ImageDataset, seed: int, split: str) -> Data:
    images, labels = image_dataset.to_unit(source.train.images), np.asarray(source.train.labels)
    if split == "test":
        return Data(
            images,
            labels,
            image_dataset.to_unit(source.test.images),
            np.asarray(source.test.labels),
            seed,
            split,
        )
    held = splits.stratified_subset(labels, N_VALIDATION, seed)
    pool = np.setdiff1d(np.arange(len(labels)), held)
    return Data(images[pool], labels[pool], images[held], labels[held], seed, split)


def trained(recipe: Recipe, images: np.ndarray, seed: int) -> DAE:
    keras.backend.clear_session()
    pair = networks.build(
        recipe.network, images.shape[1:], recipe.latent_dim, variational=False, seed=seed
    )
    model = DAE(*pair, corruption=recipe.corruption, likelihood=recipe.likelihood, seed=seed)
    steps = recipe.epochs * (len(images) // BATCH_SIZE)
    model.compile(
        optimizer=keras.optimizers.Adam(
            keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps)
        )
    )
    model.fit(images, batch_size=BATCH_SIZE, epochs=recipe.epochs, verbose=0)
    return model


def flat(images: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1)


def fitted_pca(dim: int, images: np.ndarray, seed: int) -> sklearn.decomposition.PCA:
    return sklearn.decomposition.PCA(dim, svd_solver="randomized", random_state=seed).fit(
        flat(images)
    )


def psnr(images: np.ndarray, reference: np.ndarray) -> float:
    """Return the mean over images of the peak signal-to-noise ratio in dB, peak 1."""
    return float(np.mean(tf.image.psnr(np.clip(images, 0, 1), reference, 1.0)))


def measure_anomaly(recipe: Recipe, data: Data, label: int, one_is_normal: bool) -> Rows:
    """AUROC of the score; anomalous is what is not `label`, or with nine normal classes what is."""
    train, _ = data.train(
        N_ONE_CLASS if one_is_normal else N_TRAIN,
        np.array([label]) if one_is_normal else np.setdiff1d(np.arange(10), label),
    )
    if recipe.network == "pca":
        pca = fitted_pca(recipe.latent_dim, train, data.seed)
        scores = np.mean(
            np.square(flat(data.images) - pca.inverse_transform(pca.transform(flat(data.images)))),
            axis=1,
        )
    elif recipe.network == "isolation_forest":
        scores = (
            -sklearn.ensemble.IsolationForest(random_state=data.seed)
            .fit(flat(train))
            .score_samples(flat(data.images))
        )
    elif recipe.network == "one_class_svm":
        scores = -sklearn.svm.OneClassSVM().fit(flat(train)).score_samples(flat(data.images))
    else:
        scores = tfdvae.load(trained(recipe, train, data.seed)).anomaly_scores(data.images)
    value = float(
        sklearn.metrics.roc_auc_score(
            (data.labels != label) if one_is_normal else (data.labels == label), scores
        )
    )
    protocol = f"{'normal' if one_is_normal else 'anomalous'}:{label}"
    return [
        recipe.fields
        | {"n_train": len(train), "protocol": protocol, "metric": "auroc", "value": value}
    ]


def measure_imputation(recipe: Recipe, data: Data, figure: Path | None = None) -> Rows:
    """PSNR of imputed images, and the root mean squared error of the missing pixels alone, on all images and on the first few."""
    train, _ = data.train()
    mean, rows, models, shown = train.mean(axis=0), [], {}, {}
    for fraction in FRACTIONS:
        used = (
            recipe
            if ":" in recipe.corruption
            else dataclasses.replace(recipe, corruption=f"{recipe.corruption}:{fraction:g}")
        )
        model = models[used] = models.get(used) or trained(used, train, data.seed)
        missing = (
            seeds.generator(data.seed, f"missing/{fraction}").random(data.images.shape[:3])
            < fraction
        )
        known = ~missing[..., None]
        holed = np.where(known, data.images, np.float32(np.nan))
        filled = imputation.impute(model, holed, missing)
        outputs = {"dae": filled, "mean_fill": np.where(known, data.images, mean)}
        if data.split == "test":
            pairs = zip(data.images[:N_BIHARMONIC, ..., 0], missing[:N_BIHARMONIC], strict=True)
            biharmonic = [
                skimage.restoration.inpaint_biharmonic(np.where(gone, 0, image), gone)
                for image, gone in pairs
            ]
            outputs["biharmonic"] = np.where(
                known[:N_BIHARMONIC],
                data.images[:N_BIHARMONIC],
                np.clip(biharmonic, 0, 1)[..., None],
            )
        else:
            for passes in (2, 3):
                filled = np.where(known, data.images, model.denoise(filled))
                outputs[f"dae, {passes} passes"] = filled
        for method, output in outputs.items():
            output = output.astype(np.float32)
            for count in dict.fromkeys((len(output), N_BIHARMONIC)):
                error = (output[:count] - data.images[:count])[missing[:count]]
                fields = (used.fields if method.startswith("dae") else {}) | {
                    "model": method,
                    "protocol": f"images:{count}",
                }
                fields |= {"n_train": len(train), "test_corruption": f"masking:{fraction:g}"}
                rows.append(
                    fields | {"metric": "psnr", "value": psnr(output[:count], data.images[:count])}
                )
                rows.append(
                    fields
                    | {
                        "metric": "rmse_missing",
                        "value": float(np.sqrt(np.mean(np.square(error, dtype=np.float64)))),
                    }
                )
        shown[fraction] = holed, outputs
    if figure is not None:
        draw_imputation(data, shown, figure)
    return rows


def draw_imputation(data: Data, shown: dict, path: Path) -> None:
    first = np.array(
        [np.flatnonzero(data.labels[:N_BIHARMONIC] == label)[0] for label in range(10)]
    )
    lines = {"original": data.images[first]}
    for fraction in (0.3, 0.7):
        holed, outputs = shown[fraction]
        grey = np.where(np.isnan(holed[first]), np.array([0.0, 0.45, 0.7]), holed[first])
        lines[f"{fraction:.0%} missing\n(blue)"] = grey
        lines |= {f"{name}\n{fraction:.0%}": outputs[key][first] for key, name in METHODS.items()}
    plots.image_rows(
        lines, "Missing pixels filled in: the first test image of each class (seed 0)", path
    )


METHODS = {"dae": "DAE", "mean_fill": "mean fill", "biharmonic": "biharmonic"}


def probe(recipe: Recipe, data: Data) -> Rows:
    """Accuracy of a linear classifier on codes, on as many principal components, and on pixels."""
    train, labels = data.train()
    model, pca = trained(recipe, train, data.seed), fitted_pca(recipe.latent_dim, train, data.seed)
    inputs = {
        "dae": (model.encode(train), model.encode(data.images)),
        "pca": (pca.transform(flat(train)), pca.transform(flat(data.images))),
        "pixels": (flat(train), flat(data.images)),
    }
    if data.split == "validation":
        inputs = {"dae": inputs["dae"]}
    rows = []
    for (name, (codes, test_codes)), count in itertools.product(inputs.items(), LABEL_COUNTS):
        chosen = splits.stratified_subset(labels, count, data.seed)
        value = latent.probe_accuracy(codes[chosen], labels[chosen], test_codes, data.labels)
        fields = {
            "dae": recipe.fields,
            "pca": Recipe("pca", recipe.latent_dim).fields,
            "pixels": {"model": "pixels"},
        }[name]
        rows.append(
            fields
            | {
                "n_train": len(train),
                "protocol": f"labels:{count}",
                "metric": "accuracy",
                "value": value,
            }
        )
    return rows


def measure_compression(recipe: Recipe, data: Data) -> Rows:
    """Bytes an image and PSNR of the decoded images, for a model or for principal components in the same stream."""
    train, _ = data.train()
    if recipe.network == "pca":
        pca = fitted_pca(recipe.latent_dim, train, data.seed)
        codes, parameters = pca.transform(flat(data.images)), pca.components_.size + pca.mean_.size

        def decode(codes):
            return pca.inverse_transform(codes).reshape(data.images.shape)
    else:
        model = trained(recipe, train, data.seed)
        codes, decode, parameters = (
            model.encode(data.images),
            model.decode,
            model.decoder.count_params(),
        )
    fields = recipe.fields | {"n_train": len(train)}
    rows = [fields | {"metric": "decoder_parameters", "value": float(parameters)}]
    rows.append(
        fields
        | {"protocol": "bits:none", "metric": "psnr", "value": psnr(decode(codes), data.images)}
    )
    for bits in BITS:
        stream = compression.compress_codes(codes, bits)
        decoded = decode(compression.decompress_codes(stream))
        measured = {
            "bytes_per_image": len(stream) / len(data.images),
            "psnr": psnr(decoded, data.images),
        }
        rows += [
            fields | {"protocol": f"bits:{bits}", "metric": metric, "value": value}
            for metric, value in measured.items()
        ]
    return rows


def jpeg(data: Data) -> Rows:
    """Bytes and PSNR of one JPEG file an image; `scan_bytes_per_image` leaves out all but the entropy-coded pixels."""
    pixels = np.rint(data.images[..., 0] * 255).astype(np.uint8)
    rows = []
    for quality in QUALITIES:
        decoded, sizes, scans = np.empty_like(data.images), [], []
        for number, image in enumerate(pixels):
            buffer = io.BytesIO()
            PIL.Image.fromarray(image).save(buffer, "JPEG", quality=quality)
            decoded[number, ..., 0] = np.asarray(PIL.Image.open(buffer)) / np.float32(255)
            sizes.append(len(buffer.getvalue()))
            scans.append(scan_bytes(buffer.getvalue()))
        fields = {"model": "jpeg", "protocol": f"quality:{quality}"}
        measured = {
            "bytes_per_image": np.mean(sizes),
            "scan_bytes_per_image": np.mean(scans),
            "psnr": psnr(decoded, data.images),
        }
        rows += [
            fields | {"metric": metric, "value": float(value)} for metric, value in measured.items()
        ]
    return rows


def scan_bytes(jpeg_file: bytes) -> int:
    """Return the length of the entropy-coded segment of a baseline JPEG with one scan."""
    place = 2
    while True:
        marker, length = jpeg_file[place + 1], int.from_bytes(jpeg_file[place + 2 : place + 4])
        place += 2 + length
        if marker == 0xDA:
            return len(jpeg_file) - place - 2


def cell(path: Path, run: str, data: Data, rows_of: Callable[[Data], Rows], **fields) -> None:
    """Append the rows of a cell to a file, unless they are there."""
    rows = csv_rows.read_rows(path) if path.exists() else []
    if run in {row["run"] for row in rows}:
        return
    start = time.monotonic()
    fixed = {
        "study": "uses",
        "run": run,
        "dataset": "fashion_mnist",
        "condition": "clean",
        "split": data.split,
        "seed": data.seed,
    }
    csv_rows.write_rows(path, rows + [fixed | row | fields for row in rows_of(data)])
    print(f"{run}: {time.monotonic() - start:.0f} s", flush=True)


def choose(source: image_dataset.ImageDataset, folder: Path) -> None:
    """Measure the candidates that `choice.csv` does not hold yet."""
    data = load(source, DEVELOPMENT_SEED, "validation")
    for use, recipes in CANDIDATES.items():
        for recipe in recipes:
            run = f"{use}-{recipe.network}-{recipe.latent_dim}-{recipe.corruption}-{recipe.likelihood}-{recipe.epochs}"
            cell(folder / "choice.csv", run, data, partial(candidate, use, recipe))


def candidate(use: str, recipe: Recipe, data: Data) -> Rows:
    if use.startswith("anomaly"):
        return [
            row
            for label in DEVELOPMENT_CLASSES
            for row in measure_anomaly(recipe, data, label, use == "anomaly-one")
        ]
    return {"imputation": measure_imputation, "probe": probe, "compression": measure_compression}[
        use
    ](recipe, data)


def plan(seed: int, figure: Path | None) -> dict[str, Callable[[Data], Rows]]:
    """Return the cells of a seed: name -> what measures its rows. Examples of imputation are drawn to `figure`."""
    cells = {
        f"imputation-seed{seed}": partial(measure_imputation, CHOSEN["imputation"], figure=figure),
        f"probe-seed{seed}": partial(probe, CHOSEN["probe"]),
    }
    for dim in LATENT_DIMS:
        for recipe in (
            dataclasses.replace(CHOSEN["compression"], latent_dim=dim),
            Recipe("pca", dim),
        ):
            cells[f"compression-{recipe.network}-{dim}-seed{seed}"] = partial(
                measure_compression, recipe
            )
    for use, label in itertools.product(("anomaly-one", "anomaly-nine"), range(10)):
        for recipe in anomaly_recipes(use):
            run = f"{use}-{recipe.network}-{label}-seed{seed}"
            cells[run] = partial(
                measure_anomaly, recipe, label=label, one_is_normal=use == "anomaly-one"
            )
    return cells


def anomaly_recipes(use: str) -> list[Recipe]:
    """Return the models of a table of anomaly scores, ours first."""
    return [recipe for key, recipe in CHOSEN.items() if key.startswith(use)]


def study(source: image_dataset.ImageDataset, folder: Path, root_seeds: list[int]) -> None:
    """Measure what `rows.csv` does not hold yet on the test images, and report after each seed."""
    path = folder / "rows.csv"
    for seed in root_seeds:
        data = load(source, seed, "test")
        cell(path, "jpeg", data, jpeg, seed="")
        for run, rows_of in plan(
            seed, folder / "figures" / "imputation.png" if seed == root_seeds[0] else None
        ).items():
            cell(path, run, data, rows_of)
        report(folder, source.class_names, root_seeds)


Values = dict[tuple[str, ...], list[float]]


def report(folder: Path, class_names: tuple[str, ...], wanted: list[int]) -> None:
    """Write `report.md` and the curve of compression from the rows."""
    rows, chosen = csv_rows.read_rows(folder / "rows.csv"), folder / "choice.csv"
    choices = csv_rows.read_rows(chosen) if chosen.exists() else []
    values: Values = defaultdict(list)
    for row in rows:
        use = row["run"].rpartition("-seed")[0] or row["run"]
        values[
            use,
            row["model"],
            row["network"],
            row["protocol"],
            row["test_corruption"],
            row["metric"],
        ].append(float(row["value"]))
    root_seeds = sorted({int(row["seed"]) for row in rows if row["seed"]})
    runs = {row["run"] for row in rows}
    missing = [run for seed in wanted for run in plan(seed, None) if run not in runs]
    lines = [
        "# Uses of a denoising autoencoder",
        "",
        f"Fashion-MNIST, {N_TRAIN:,} random training images (for one normal class {N_ONE_CLASS:,} of it), all 10,000 test images, "
        f"seeds {', '.join(map(str, root_seeds))}; a seed is another training subset, other initial weights and other noise. Mean over seeds "
        "and half of its 95% t-interval"
        + (
            f"; **{len(missing)} cells of seeds {', '.join(map(str, wanted))} are not measured yet**"
            if missing
            else ""
        )
        + ".",
        "Command: `python benchmarks/uses.py --data-dir FOLDER`. Models and settings were chosen on training images held out for one other",
        "seed (last section), nothing on test images. Images only: audio and EEG are out of scope.",
        "",
        *anomaly_tables(values, class_names),
        *imputation_tables(values),
        *probe_table(values),
        *compression_tables(values, folder),
        *choice_tables(choices),
    ]
    files.write_text(folder / "report.md", "\n".join(lines) + "\n")


def shown(found: list[float], digits: int = 2, scale: float = 1) -> str:
    if not found:
        return ""
    return tables.plus_minus([scale * value for value in found], digits)


def table(columns: list[str], body: list[list[str]]) -> list[str]:
    return [
        "| " + " | ".join(columns) + " |",
        "|---" * len(columns) + "|",
        *("| " + " | ".join(line) + " |" for line in body),
        "",
    ]


def name(recipe: Recipe) -> str:
    if recipe.network in BASELINES:
        return BASELINES[recipe.network] + (f" of {recipe.latent_dim}" if recipe.latent_dim else "")
    return f"DAE ({recipe.network}, code {recipe.latent_dim}, {recipe.corruption}, {recipe.likelihood}, {recipe.epochs} epochs)"


def anomaly_tables(values: Values, class_names: tuple[str, ...]) -> list[str]:
    lines = [
        "## Anomaly score",
        "",
        "Area under the ROC curve of the mean squared error between image and reconstruction; 0.5 is chance, below it anomalies are",
        "reconstructed better than what is normal. PCA: the same error, of the projection on principal components of the same images.",
        "Isolation forest and one-class SVM: scikit-learn's, with its defaults, on the pixels.",
        "",
    ]
    for use, heading, word in (
        ("anomaly-one", "One class is normal, the nine others are anomalous", "normal"),
        ("anomaly-nine", "Nine classes are normal, one is anomalous", "anomalous"),
    ):
        recipes = anomaly_recipes(use)
        found = {
            recipe: [
                values.get(
                    (
                        f"{use}-{recipe.network}-{label}",
                        *keys(recipe),
                        f"{word}:{label}",
                        "",
                        "auroc",
                    ),
                    [],
                )
                for label in range(10)
            ]
            for recipe in recipes
        }
        body = [
            [f"{label} {title}", *(shown(found[recipe][label], 3) for recipe in recipes)]
            for label, title in enumerate(class_names)
        ]
        means = [[np.mean(one) for one in zip(*found[recipe], strict=False)] for recipe in recipes]
        body.append(["**mean over classes**", *(shown(mean, 3) for mean in means)])
        lines += [f"### {heading}", "", *table([f"{word} class", *map(name, recipes)], body)]
    return lines


def keys(recipe: Recipe) -> tuple[str, str]:
    return recipe.fields["model"], recipe.fields["network"]


def imputation_tables(values: Values) -> list[str]:
    recipe = CHOSEN["imputation"]
    lines = [
        "## Imputation",
        "",
        f"Each pixel is missing with the probability given, and `imputation.impute` fills it in with a {name(recipe)};",
        "there is a model for each fraction, trained with masking of that level (this was not chosen by validation: it is what the model is",
        "to do; network and code are those that did best at one level). Every pixel passes through a code of 64 units, which blurs.",
        "Mean fill: the mean of the training images at that place. Biharmonic: scikit-image's `inpaint_biharmonic`, clipped to [0, 1]; it",
        f"learns nothing and needs no training images; it takes an image at a time, so the second table, with all methods, is of the first {N_BIHARMONIC:,}.",
        "PSNR in dB over whole images, in which known pixels are exact (so it falls with the fraction missing for that reason too); in brackets",
        "the root mean squared error of the missing pixels alone, in % of the pixel range.",
        "",
    ]
    for count, methods in ((10_000, ("dae", "mean_fill")), (N_BIHARMONIC, METHODS)):
        body = []
        for method in methods:
            line = [METHODS[method]]
            for fraction in FRACTIONS:
                key = (
                    "imputation",
                    method,
                    keys(recipe)[1] if method == "dae" else "",
                    f"images:{count}",
                    f"masking:{fraction:g}",
                )
                line.append(
                    f"{shown(values.get((*key, 'psnr'), []))} ({shown(values.get((*key, 'rmse_missing'), []), 2, 100)})"
                )
            body.append(line)
        lines += [
            f"### {count:,} test images",
            "",
            *table(["method", *(f"{fraction:.0%} missing" for fraction in FRACTIONS)], body),
        ]
    return [*lines, "![Imputed images](figures/imputation.png)", ""]


def probe_table(values: Values) -> list[str]:
    recipe = CHOSEN["probe"]
    pca = Recipe("pca", recipe.latent_dim)
    body = []
    for title, model, network in (
        (f"code of the {name(recipe)}", *keys(recipe)),
        (name(pca), *keys(pca)),
        ("784 pixels", "pixels", ""),
    ):
        found = [
            values.get(("probe", model, network, f"labels:{count}", "", "accuracy"), [])
            for count in LABEL_COUNTS
        ]
        body.append([title, *(shown(one, 2, 100) for one in found)])
    return [
        "## Features",
        "",
        "Test accuracy, %, of a logistic regression (`latent.probe_accuracy`: standardised features, penalty chosen by cross-validation on the",
        f"labelled training images) with some of the training images labelled. DAE and PCA learn from all {N_TRAIN:,} of them without labels.",
        "",
        *table(["features", *(f"{count:,} labels" for count in LABEL_COUNTS)], body),
    ]


def compression_tables(values: Values, folder: Path) -> list[str]:
    chosen = CHOSEN["compression"]
    body, curves, sizes = [], {}, []
    for dim, network in itertools.product(LATENT_DIMS, (chosen.network, "pca")):
        recipe = (
            dataclasses.replace(chosen, latent_dim=dim) if network != "pca" else Recipe("pca", dim)
        )
        title = f"{'DAE' if network != 'pca' else 'PCA'}, {dim} units"
        base = (f"compression-{network}-{dim}", *keys(recipe))
        line, points = [title], []
        for bits in BITS:
            rate, quality = (
                values.get((*base, f"bits:{bits}", "", metric), [])
                for metric in ("bytes_per_image", "psnr")
            )
            line.append(f"{shown(rate, 1)}: {shown(quality)}")
            points.append((np.mean(rate), np.mean(quality)) if rate else (np.nan, np.nan))
        body.append([*line, shown(values.get((*base, "bits:none", "", "psnr"), []))])
        curves[title] = points
        sizes.append((title, f"{values.get((*base, '', '', 'decoder_parameters'), [0])[0]:,.0f}"))
    files_body = []
    for quality in QUALITIES:
        found = [values.get(("jpeg", "jpeg", "", f"quality:{quality}", "", metric), [np.nan])[0]
                 for metric in ("bytes_per_image", "scan_bytes_per_image", "psnr")]  # fmt: skip
        files_body.append([str(quality), f"{found[0]:.1f}", f"{found[1]:.1f}", f"{found[2]:.2f}"])
        curves.setdefault("JPEG, whole files", []).append((found[0], found[2]))
        curves.setdefault("JPEG without headers", []).append((found[1], found[2]))
    draw_compression(curves, folder / "figures" / "compression.png")
    return [
        "## Compression",
        "",
        f"Codes of the 10,000 test images in one stream (`compression.compress_codes`), by a {name(chosen)} with other latent sizes. A raw image is 784",
        "bytes. Bytes an image (length of the stream, header included, divided by 10,000): PSNR in dB, at each number of bits of a unit; the last",
        "column is the PSNR of codes that are not quantised. PCA: principal components in the same kind of stream.",
        "",
        *table(
            ["code", *(f"{bits} bit{'s' * (bits > 1)}" for bits in BITS), "not quantised"], body
        ),
        "The stream does not hold the decoder, which both ends need and which was trained on images like these: "
        + "; ".join(f"{title}: {count} parameters" for title, count in sizes)
        + " (4 bytes each). JPEG needs none of it and takes any image.",
        "",
        "JPEG (Pillow, baseline, one file an image). At 28x28 a constant header of more than 300 bytes dominates the file; the second column",
        "leaves out all but the entropy-coded pixels, as if headers were shared by all images, which is the fair comparison with one stream of codes.",
        "",
        *table(["quality", "bytes, whole file", "bytes without header", "PSNR, dB"], files_body),
        "![Quality against size](figures/compression.png)",
        "",
    ]


def draw_compression(curves: dict[str, list[tuple[float, float]]], path: Path) -> None:
    figure = Figure(figsize=(8.5, 5), layout="constrained")
    axes = figure.subplots()
    for number, (title, points) in enumerate(curves.items()):
        kind = title.split(",")[0].split(" ")[0]
        colour = "#000000" if kind == "JPEG" else plots.COLOURS[number // 2]
        style, filled = ("-", True) if kind == "DAE" or "without" in title else ("--", False)
        axes.plot(*zip(*points, strict=True), color=colour, linestyle=style, marker=plots.MARKERS[number // 2], markersize=5,
                  markerfacecolor=colour if filled else "white", label=title)  # fmt: skip
    axes.set_xscale("log")
    ticks = (1, 2, 5, 10, 20, 50, 100, 200, 500)
    axes.set_xticks(ticks, list(map(str, ticks)))
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.set(title="Fashion-MNIST test images: quality against size", xlabel="bytes an image (logarithmic; decoder not counted)",
             ylabel="mean PSNR, dB")  # fmt: skip
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1))
    with files.replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=120, bbox_inches="tight")


def choice_tables(rows: Rows) -> list[str]:
    lines = [
        "## Choice",
        "",
        f"One development seed ({DEVELOPMENT_SEED}), {N_VALIDATION:,} training images held out; not used above but for these choices. Command:",
        "`python benchmarks/uses.py --data-dir FOLDER --choose`. Bold: taken.",
        "",
    ]
    for use, recipes in CANDIDATES.items():
        body = []
        for recipe in recipes:
            run = f"{use}-{recipe.network}-{recipe.latent_dim}-{recipe.corruption}-{recipe.likelihood}-{recipe.epochs}"
            if not (measured := [row for row in rows if row["run"] == run]):
                continue
            title = (
                name(recipe)
                if recipe.corruption != "none" or recipe.network == "pca"
                else name(recipe).replace("DAE", "AE")
            )
            title = f"**{title}**" if recipe in (CHOSEN[use], CHOSEN.get(f"{use}-pca")) else title
            body += [[title + note, *cells] for note, cells in summaries(use, measured)]
        lines += [f"### {use}", "", *table(["candidate", *SUMMARIES[use]], body)]
    return lines


SUMMARIES = {
    "anomaly-one": [f"mean AUROC, classes {', '.join(map(str, DEVELOPMENT_CLASSES))}"],
    "anomaly-nine": [f"mean AUROC, classes {', '.join(map(str, DEVELOPMENT_CLASSES))}"],
    "imputation": [f"PSNR, dB, {fraction:.0%} missing" for fraction in FRACTIONS],
    "probe": [f"accuracy, %, {count:,} labels" for count in LABEL_COUNTS],
    "compression": ["4 bits, bytes: PSNR", "6 bits, bytes: PSNR", "PSNR, dB, not quantised"],
}


def summaries(use: str, rows: Rows) -> list[tuple[str, list[str]]]:
    """Return the cells of a candidate's line, or lines where it was used in several ways."""
    values = {
        (row["model"], row["protocol"], row["test_corruption"], row["metric"]): float(row["value"])
        for row in rows
    }
    if use.startswith("anomaly"):
        return [("", [f"{np.mean(list(values.values())):.3f}"])]
    if use == "imputation":
        return [
            (
                note,
                [
                    f"{values[f'dae{note}', f'images:{N_VALIDATION}', f'masking:{fraction:g}', 'psnr']:.2f}"
                    for fraction in FRACTIONS
                ],
            )
            for note in ("", ", 2 passes", ", 3 passes")
        ]
    model = rows[0]["model"]
    if use == "probe":
        return [
            (
                "",
                [
                    f"{100 * values[model, f'labels:{count}', '', 'accuracy']:.2f}"
                    for count in LABEL_COUNTS
                ],
            )
        ]
    rates = [
        f"{values[model, f'bits:{bits}', '', 'bytes_per_image']:.1f}: {values[model, f'bits:{bits}', '', 'psnr']:.2f}"
        for bits in (4, 6)
    ]
    return [("", [*rates, f"{values[model, 'bits:none', '', 'psnr']:.2f}"])]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data-dir", help="folder with Fashion-MNIST's archives; default: TFDVAE_DATA_DIR"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--output", type=Path, default=ROOT / "results" / "uses")
    parser.add_argument(
        "--choose", action="store_true", help="measure the candidates on validation images instead"
    )
    arguments = parser.parse_args()
    use_threads(1)
    arguments.output.mkdir(parents=True, exist_ok=True)
    with files.locked(arguments.output):
        source = sources.load("fashion_mnist", arguments.data_dir)
        if arguments.choose:
            choose(source, arguments.output)
        else:
            study(source, arguments.output, arguments.seeds)


if __name__ == "__main__":
    main()
