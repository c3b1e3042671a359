"""The methods of the study on few labels: each learns from images, of which some have a label."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import keras
import numpy as np
import sklearn.model_selection
import sklearn.preprocessing
import sklearn.svm

from tfdvae import classifier
from tfdvae.config import PRECISIONS
from tfdvae.config.sets import SETS
from tfdvae.data import pipelines
from tfdvae.studies import training
from tfdvae.studies.augmentation.settings import generator_settings
from tfdvae.studies.few_labels.images import Images
from tfdvae.studies.few_labels.settings import FewLabelsStudyConfig
from tfdvae.studies.uses.images import fitted_pca, flat
from tfdvae.training_sets import batches
from tfdvae.training_sets.losses import change_loss, fall_to_zero

SUREST = 0.7  # part of the images without a label that get the one that a CNN is surest of
SMOOTHING = 0.1  # of the labels of a CNN
PENALTIES = (0.3, 1, 3, 10, 30)  # of a support vector machine, of which cross-validation takes one
FOLDS = 5

Predict = Callable[[np.ndarray], np.ndarray]  # float32 (N, H, W, C) -> int64 (N,)
Features = Callable[[np.ndarray], np.ndarray]  # float32 (N, H, W, C) -> (N, D)


@dataclass(frozen=True)
class Method:
    """A way to learn from few labels.

    Attributes:
        words: what it is, in tables.
        learn: takes the settings and the images, and returns what predicts labels.
    """

    words: str
    learn: Callable[[FewLabelsStudyConfig, Images], Predict]


def supervised(config: FewLabelsStudyConfig, images: Images) -> Predict:
    """Train the CNN on the images that have a label."""
    model = train_cnn(config, images, images.observed[images.labelled], images.labels)
    return lambda given: model.predict(given, verbose=0).argmax(axis=1)


def pseudo_labels(config: FewLabelsStudyConfig, images: Images) -> Predict:
    """Train a CNN as `supervised` does, label the images that it is surest of, train another one.

    Source: Lee 2013, "Pseudo-Label: The Simple and Efficient Semi-Supervised Learning Method for
    Deep Neural Networks"; here the labels are given once, to `SUREST` of the images.
    """
    first = train_cnn(config, images, images.observed[images.labelled], images.labels)
    logits = first.predict(images.observed, verbose=0)
    sure = np.array(keras.ops.max(keras.ops.softmax(logits), axis=1))
    labels = logits.argmax(axis=1)
    labels[images.labelled], sure[images.labelled] = images.labels, np.inf
    others = len(labels) - len(images.labelled)
    taken = np.argsort(-sure, kind="stable")[: len(images.labelled) + round(SUREST * others)]
    model = train_cnn(config, images, images.observed[taken], labels[taken])
    return lambda given: model.predict(given, verbose=0).argmax(axis=1)


def on_pixels(config: FewLabelsStudyConfig, images: Images) -> Predict:
    """Train a support vector machine on the pixels."""
    return _machine(images, flat)


def on_components(config: FewLabelsStudyConfig, images: Images) -> Predict:
    """Train a support vector machine on principal components of all images."""
    dim = min(config.latent_dim, len(images.observed), images.observed[0].size)
    pca = fitted_pca(dim, images.observed, images.seed)
    return _machine(images, lambda given: pca.transform(flat(given)))


def on_codes(model: str) -> Callable[[FewLabelsStudyConfig, Images], Predict]:
    """Return what trains a support vector machine on codes of a model of all images.

    Source: model M1 of Kingma et al. 2014, "Semi-Supervised Learning with Deep Generative Models".

    Args:
        model: `dae`, or `dvae`, whose code is the mean of its posterior.
    """

    def learn(config: FewLabelsStudyConfig, images: Images) -> Predict:
        settings = generator_settings(
            model, epochs=config.epochs, latent_dim=config.latent_dim, seed=images.seed
        )
        trained, _ = training.train_generator(settings, images.observed, "generator")
        return _machine(images, lambda given: np.asarray(flat(trained.encode(given))))

    return learn


METHODS: Mapping[str, Method] = {
    "supervised": Method("CNN on the images with labels", supervised),
    "pseudo-labels": Method("CNN on all images, pseudo-labels", pseudo_labels),
    "pixels": Method("SVM on pixels", on_pixels),
    "pca": Method("SVM on principal components", on_components),
    "dae": Method("SVM on codes of a DAE", on_codes("dae")),
    "dvae": Method("SVM on codes of a DVAE", on_codes("dvae")),
}


def train_cnn(
    config: FewLabelsStudyConfig, images: Images, chosen: np.ndarray, labels: np.ndarray
) -> keras.Model:
    """Return the published CNN, trained on some images with flips, shifts and fresh noise.

    Args:
        config: settings of the study.
        images: of the cell; their number of classes, noise and seed are used.
        chosen: float32 (N, H, W, C).
        labels: int64 (N,).

    Raises:
        FloatingPointError: the loss became infinite or NaN.
    """
    dtype = PRECISIONS[config.precision]
    model = classifier.cnn(chosen.shape[1:], images.classes, seed=images.seed, dtype=dtype)
    change_loss(model, SMOOTHING)
    fall_to_zero(model, config.classifier_steps)
    given = pipelines.training_batches(
        (chosen, labels),
        min(classifier.BATCH_SIZE, len(chosen)),
        images.seed,
        "classifier",
        transform=batches.transform(SETS["fresh-noise"].batches, images.level),
    )
    history = model.fit(
        given, epochs=1, steps_per_epoch=config.classifier_steps, shuffle=False, verbose=0
    )
    training.check_finite(history.history["loss"], "the loss of the classifier")
    return model


def _machine(images: Images, features: Features) -> Predict:
    """Return a support vector machine on features, each scaled by its deviation over all images.

    Cross-validation on the images that have a label chooses its penalty.
    """
    scaler = sklearn.preprocessing.StandardScaler()
    found = scaler.fit_transform(features(images.observed))
    search = sklearn.model_selection.GridSearchCV(
        sklearn.svm.SVC(), {"C": PENALTIES}, cv=sklearn.model_selection.StratifiedKFold(FOLDS)
    )
    search.fit(found[images.labelled], images.labels)
    return lambda given: search.predict(scaler.transform(features(given)))
