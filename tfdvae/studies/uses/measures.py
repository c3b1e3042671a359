"""What is measured of anomaly scores, imputation and features."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import skimage.restoration
import sklearn.ensemble
import sklearn.metrics
import sklearn.svm

from tfdvae._utils import seeds
from tfdvae.data import splits
from tfdvae.inference import imputation, loading
from tfdvae.metrics import latent
from tfdvae.models.autoencoder import DAE
from tfdvae.studies.uses.images import (
    Images,
    Measured,
    Rows,
    fitted_pca,
    flat,
    mean_psnr,
    trained,
)
from tfdvae.studies.uses.recipes import Recipe

FRACTIONS = (0.1, 0.3, 0.5, 0.7)  # of missing pixels
SHOWN_FRACTIONS = (0.3, 0.7)
BIHARMONIC_IMAGES = 1000  # the first ones: it takes an image at a time
LABEL_COUNTS = (100, 1000, 5000)


def measure_anomalies(
    images: Images, recipe: Recipe, n_train: int, use: str, labels: Iterable[int]
) -> Measured:
    """Return the area under the ROC curve of an anomaly score for each of some classes.

    Args:
        images: to train and measure on.
        recipe: model.
        n_train: training images; half as many where one class is normal.
        use: `anomaly-one`, where one class is normal and all others are anomalous, or
            `anomaly-nine`, where one is anomalous.
        labels: the classes that are this one in turn.
    """
    one = use == "anomaly-one"
    return [_anomaly_row(recipe, images, n_train, label, one) for label in labels], {}


def _anomaly_row(
    recipe: Recipe, images: Images, n_train: int, label: int, one_is_normal: bool
) -> dict[str, Any]:
    classes = np.unique(images.pool_labels)
    normal = np.array([label]) if one_is_normal else np.setdiff1d(classes, label)
    train, _ = images.train(n_train // 2 if one_is_normal else n_train, normal)
    scores = _anomaly_scores(recipe, train, images)
    is_label = images.measured_labels == label
    value = sklearn.metrics.roc_auc_score(~is_label if one_is_normal else is_label, scores)
    protocol = f"{'normal' if one_is_normal else 'anomalous'}:{label}"
    fields = {"n_train": len(train), "protocol": protocol}
    return recipe.fields | fields | {"metric": "auroc", "value": float(value)}


def _anomaly_scores(recipe: Recipe, train: np.ndarray, images: Images) -> np.ndarray:
    tested = flat(images.measured)
    if recipe.network == "pca":
        pca = fitted_pca(recipe.latent_dim, train, images.seed)
        return np.mean(np.square(tested - pca.inverse_transform(pca.transform(tested))), axis=1)
    if recipe.network == "isolation_forest":
        state = seeds.of_32_bits(images.seed)
        forest = sklearn.ensemble.IsolationForest(random_state=state).fit(flat(train))
        return -forest.score_samples(tested)
    if recipe.network == "one_class_svm":
        return -sklearn.svm.OneClassSVM().fit(flat(train)).score_samples(tested)
    model = loading.load(trained(recipe, train, images.seed))
    return model.anomaly_scores(images.measured)


def measure_imputation(images: Images, recipe: Recipe, n_train: int) -> Measured:
    """Return how good filled-in pixels are, and pictures of some images.

    `psnr` is of whole images, `rmse_missing` the root mean squared error of the missing pixels
    alone, both on all images and on the first few.

    Returns:
        Rows, and arrays by `original`, or `FRACTION/METHOD` with `input` among the methods: the
        first image of each class, missing pixels are NaN.
    """
    train, _ = images.train(n_train)
    first = images.measured_labels[:BIHARMONIC_IMAGES]
    shown = np.array([np.flatnonzero(first == label)[0] for label in np.unique(first)])
    pictures = {"original": images.measured[shown]}
    models: dict[Recipe, DAE] = {}
    rows: Rows = []
    for fraction in FRACTIONS:
        used = recipe
        if ":" not in recipe.corruption:
            used = dataclasses.replace(recipe, corruption=f"{recipe.corruption}:{fraction:g}")
        if used not in models:
            models[used] = trained(used, train, images.seed)
        random = seeds.generator(images.seed, f"missing/{fraction}")
        missing = random.random(images.measured.shape[:3]) < fraction
        outputs = _filled_in(models[used], images, missing, train.mean(axis=0))
        for method, output in outputs.items():
            fields: dict[str, Any] = dict(used.fields) if method.startswith("dae") else {}
            fields |= {"model": method, "n_train": len(train)}
            fields["test_corruption"] = f"masking:{fraction:g}"
            rows += _imputation_rows(fields, output.astype(np.float32), images.measured, missing)
        if fraction in SHOWN_FRACTIONS:
            holed = np.where(missing[..., None], np.nan, images.measured)
            pictures |= {
                f"{fraction:g}/{method}": output[shown]
                for method, output in {"input": holed, **outputs}.items()
            }
    return rows, pictures


def _filled_in(
    model: DAE, images: Images, missing: np.ndarray, mean: np.ndarray
) -> dict[str, np.ndarray]:
    """Return the images with missing pixels filled in, by method."""
    measured, known = images.measured, ~missing[..., None]
    filled = imputation.impute(model, np.where(known, measured, np.float32(np.nan)), missing)
    outputs = {"dae": filled, "mean_fill": np.where(known, measured, mean)}
    if images.split == "test":
        few = slice(BIHARMONIC_IMAGES)
        holed = np.where(known[few], measured[few], 0)
        biharmonic = [
            skimage.restoration.inpaint_biharmonic(image, gone, channel_axis=-1)
            for image, gone in zip(holed, missing[few], strict=True)
        ]
        outputs["biharmonic"] = np.where(known[few], measured[few], np.clip(biharmonic, 0, 1))
    else:
        for passes in (2, 3):
            filled = np.where(known, measured, model.denoise(filled))
            outputs[f"dae, {passes} passes"] = filled
    return outputs


def _imputation_rows(
    fields: Mapping[str, Any], output: np.ndarray, clean: np.ndarray, missing: np.ndarray
) -> Rows:
    rows = []
    for count in dict.fromkeys((len(output), min(BIHARMONIC_IMAGES, len(output)))):
        error = (output[:count] - clean[:count])[missing[:count]]
        values = {
            "psnr": mean_psnr(output[:count], clean[:count]),
            "rmse_missing": float(np.sqrt(np.mean(np.square(error, dtype=np.float64)))),
        }
        rows += [
            {**fields, "protocol": f"images:{count}", "metric": metric, "value": value}
            for metric, value in values.items()
        ]
    return rows


def measure_probe(images: Images, recipe: Recipe, n_train: int) -> Measured:
    """Return the accuracy of a linear classifier on codes, on principal components, on pixels.

    On validation images that of codes alone.
    """
    train, labels = images.train(n_train)
    model = trained(recipe, train, images.seed)
    inputs = {"dae": (model.encode(train), model.encode(images.measured))}
    fields = {"dae": recipe.fields}
    if images.split == "test":
        pca = fitted_pca(recipe.latent_dim, train, images.seed)
        tested = flat(images.measured)
        inputs["pca"] = (pca.transform(flat(train)), pca.transform(tested))
        inputs["pixels"] = (flat(train), tested)
        fields |= {"pca": Recipe("pca", recipe.latent_dim).fields, "pixels": {"model": "pixels"}}
    rows = []
    for (name, (codes, test_codes)), count in itertools.product(inputs.items(), LABEL_COUNTS):
        if count > len(labels):
            continue
        chosen = splits.stratified_subset(labels, count, images.seed)
        value = latent.probe_accuracy(
            codes[chosen], labels[chosen], test_codes, images.measured_labels
        )
        measured = {"protocol": f"labels:{count}", "metric": "accuracy", "value": value}
        rows.append(fields[name] | {"n_train": len(train)} | measured)
    return rows, {}
