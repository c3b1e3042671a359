"""What the models that come with tfdvae are good for besides denoising: `impute` and `detect` on
images that they were not trained on.

python benchmarks/shipped_uses.py --data-dir FOLDER

Beside mean fill and biharmonic inpainting, and beside an isolation forest on the pixels. The report
goes to results/shipped/uses.md.
"""

import argparse
from pathlib import Path

import numpy as np
import skimage.restoration
import sklearn.ensemble
import sklearn.metrics

import tfdvae
from tfdvae import corruptions
from tfdvae._utils import files, seeds
from tfdvae._utils.threads import use_threads
from tfdvae.data import image_dataset, sources, splits
from tfdvae.experiment import evaluation
from tfdvae.inference import shipped
from tfdvae.metrics import image

ROOT = Path(__file__).parents[1]
COUNT, FITTED, RESAMPLES, SEED = 1000, 5000, 1000, 0


def masks(shape: tuple[int, int, int]) -> dict[str, np.ndarray]:
    """Return missing pixels by name, bool (N, H, W)."""
    count, height, width = shape
    random = seeds.generator(SEED, "missing")
    found = {
        f"{share:.0%} of the pixels": random.random(shape) < share for share in (0.1, 0.3, 0.5)
    }
    for name, (rows, columns) in {"a block of 8x8": (8, 8), "3 rows": (3, width)}.items():
        top, left = (
            random.integers(4, height - rows - 3, count),
            random.integers(0, width - columns + 1, count),
        )
        row, column = (
            np.arange(height)[:, None] - top[:, None, None],
            np.arange(width) - left[:, None, None],
        )
        found[name] = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
    return found


def imputed(source: image_dataset.ImageDataset, images: np.ndarray, models: dict) -> list[str]:
    """Return a table of the PSNR of images whose missing pixels were filled in."""
    mean = image_dataset.to_unit(source.train.images).mean(axis=0)
    lines = [
        "| missing | "
        + " | ".join(f"`{name}`" for name in models)
        + " | mean of the training images | biharmonic inpainting |",
        "|---|" + (len(models) + 2) * "---|",
    ]
    for name, missing in masks(images.shape[:3]).items():
        made = [model.impute(images, missing) for model in models.values()]
        made.append(np.where(missing[..., None], mean, images))
        pairs = zip(np.where(missing, 0, images[..., 0]), missing, strict=True)
        made.append(
            np.clip(
                [skimage.restoration.inpaint_biharmonic(image, gone) for image, gone in pairs], 0, 1
            )[..., None]
        )
        values = [
            image.psnr(np.where(missing[..., None], filled, images).astype(np.float32), images)
            for filled in made
        ]
        errors = (1.96 * value.std(ddof=1) / np.sqrt(len(value)) for value in values)
        lines.append(
            f"| {name} | "
            + " | ".join(
                f"{value.mean():.2f} ± {error:.2f}"
                for value, error in zip(values, errors, strict=True)
            )
            + " |"
        )
    return lines


def detected(source: image_dataset.ImageDataset, images: np.ndarray, models: dict) -> list[str]:
    """Return a table of the AUROC of scores of images, normal and not."""
    other = np.setdiff1d(np.arange(len(source.test.images)), chosen(source.test.labels))[:COUNT]
    unseen = image_dataset.to_unit(source.test.images[other])
    strange = {
        "scikit-learn's digits of 8x8, enlarged": image_dataset.to_unit(
            sources.load("digits").test.images
        ),
        "clothing, inverted": 1 - unseen,
        "clothing, turned by 90°": np.rot90(unseen, axes=(1, 2)),
        "clothing with Gaussian noise 0.1": np.clip(
            evaluation.test_noise(unseen, corruptions.parse("gaussian:0.1"), SEED), 0, 1
        ),
    }
    fitted = image_dataset.to_unit(
        source.train.images[splits.stratified_subset(np.asarray(source.train.labels), FITTED, SEED)]
    )
    forest = sklearn.ensemble.IsolationForest(random_state=SEED).fit(fitted.reshape(FITTED, -1))
    scores = {f"`{name}`": model.anomaly_scores for name, model in models.items()}
    scores["isolation forest"] = lambda given: -forest.score_samples(given.reshape(len(given), -1))
    lines = ["| anomalous | " + " | ".join(scores) + " |", "|---|" + len(scores) * "---|"]
    for name, anomalous in strange.items():
        cells = (
            auroc(score(images), score(np.ascontiguousarray(anomalous)))
            for score in scores.values()
        )
        lines.append(
            f"| {name} ({len(anomalous):,}) | "
            + " | ".join(f"{value:.3f} ({low:.3f} to {high:.3f})" for value, low, high in cells)
            + " |"
        )
    return lines


def auroc(normal: np.ndarray, anomalous: np.ndarray) -> tuple[float, float, float]:
    """Return the area under the ROC curve with a 95% bootstrap interval over the images of both
    kinds.
    """

    def area(first, second):
        return sklearn.metrics.roc_auc_score(
            np.repeat([0, 1], [len(first), len(second)]), np.concatenate([first, second])
        )

    random = seeds.generator(SEED, "bootstrap")
    drawn = [
        area(random.choice(normal, len(normal)), random.choice(anomalous, len(anomalous)))
        for _ in range(RESAMPLES)
    ]
    return area(normal, anomalous), *np.percentile(drawn, (2.5, 97.5))


def chosen(labels) -> np.ndarray:
    return splits.stratified_subset(np.asarray(labels), COUNT, SEED)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir")
    arguments = parser.parse_args()
    use_threads(None)
    source = sources.load("fashion_mnist", arguments.data_dir)
    images = image_dataset.to_unit(source.test.images[chosen(source.test.labels)])
    models = {name: tfdvae.load(name) for name in shipped.names()}
    lines = [
        "# Uses of the models that come with tfdvae",
        "",
        f"{COUNT:,} test images of Fashion-MNIST. By `python benchmarks/shipped_uses.py --data-dir "
        "FOLDER`. Intervals (95%) are over test images; the models are fixed.",
        "",
        "## impute",
        "",
        "PSNR in dB of the whole images, in which known pixels are exact; at most 48.13 an image, "
        "which a few get in which only black is missing.",
        "",
        *imputed(source, images, models),
        "",
        "## detect",
        "",
        f"AUROC of `anomaly_scores`, {COUNT:,} normal images against anomalous ones. The isolation "
        f"forest (scikit-learn's defaults) learned from the pixels of {FITTED:,} training "
        "images.",
        "",
        *detected(source, images, models),
        "",
    ]
    files.write_text(ROOT / "results" / "shipped" / "uses.md", "\n".join(lines))
    print("\n".join(lines))


if __name__ == "__main__":
    main()
