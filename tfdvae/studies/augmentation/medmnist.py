"""Section of the augmentation report that sets published values of a MedMNIST dataset beside ours.

The accuracy of the report is that of MedMNIST, the share of images whose most probable class is the
true one; its AUC is the mean over classes of one against the rest.
"""

from __future__ import annotations

from tfdvae.reporting.document import Heading, Paragraph, Part, Table
from tfdvae.studies.augmentation.results import CLEAN_IMAGES, Results, label
from tfdvae.studies.augmentation.scores import heading, interval, plus_minus
from tfdvae.studies.dataset_info import DatasetInfo

PUBLISHED = {  # points, by file and numbers of training and test images; MedMNIST v2 (2023)
    ("retinamnist.npz", 1080, 400): {
        "ResNet-18 (28)": {"auc": 71.7, "accuracy": 52.4},
        "Google AutoML Vision": {"auc": 75.0, "accuracy": 53.1},
    },
}
METRICS = ("auc", "accuracy")


def section(results: Results, dataset: DatasetInfo) -> list[Part]:
    """Return the section, or nothing where no values of the dataset, as a whole, are known.

    Args:
        results: of the study.
        dataset: facts about its images.
    """
    published = PUBLISHED.get((dataset.name, dataset.train_count, dataset.test_count))
    settings = [each for each in results.settings() if each[0] == "clean"]
    whole = {int(row["n_train"]) for row in results.rows} == {dataset.train_count}
    if not published or not settings or not whole:
        return []
    best = {metric: max(each[metric] for each in published.values()) for metric in METRICS}
    text = (
        "Points on test images without noise. Published values are of one model each; ours are a "
        "mean over seeds and half of its 95% t-interval, and then how far that mean is above the "
        "highest of these values, with the 95% interval for other seeds and other test images. "
        "The published values, of the MedMNIST v2 paper, have errors of their own, which it leaves "
        "out."
    )
    rows = [
        [name, *(f"{value[each]:.1f}" for each in METRICS), "", ""]
        for name, value in published.items()
    ]
    parts: list[Part] = [Heading("Published values beside ours"), Paragraph(text)]
    for condition, protocol in settings:
        ours = []
        for name in results.sets(condition, protocol):
            scores = [
                results.scores(condition, protocol, name, CLEAN_IMAGES, each) for each in METRICS
            ]
            leads = (
                results.lead_over_value(condition, protocol, name, metric, best[metric])
                for metric in METRICS
            )
            ours.append([label(name), *map(plus_minus, scores), *map(interval, leads)])
        parts += [
            Heading(heading(condition, protocol), 3),
            Table(
                ["", *METRICS, *(f"{each} above {best[each]:.1f}" for each in METRICS)], rows + ours
            ),
        ]
    return parts
