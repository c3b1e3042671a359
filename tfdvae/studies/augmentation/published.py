"""Section of the augmentation report that sets the published study beside ours."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tfdvae import corruptions
from tfdvae._utils import files
from tfdvae.config import PROTOCOLS
from tfdvae.reporting.document import Heading, Paragraph, Part, Table
from tfdvae.reporting.tables import training_set_label
from tfdvae.reporting.verdict import MIN_EFFECT_POINTS, Comparison, verdict
from tfdvae.studies.augmentation.results import ALL_NOISES, Results
from tfdvae.studies.augmentation.scores import heading, interval, plus_minus
from tfdvae.studies.augmentation.settings import CONDITIONS, AugmentationStudyConfig

PUBLISHED = files.read_json(Path(__file__).with_name("published.json"))
ACCURACY, NOISES = PUBLISHED["accuracy"], tuple(PUBLISHED["noises"])
FINDINGS = {  # what the published tables suggest: what is ahead of what, on which test images
    "Synthetic images of a VAE raise accuracy": ("vae", "limited", ALL_NOISES),
    "Synthetic images of a DVAE raise accuracy": ("dvae", "limited", ALL_NOISES),
    "A DVAE's raise it more than a VAE's": ("dvae", "vae", ALL_NOISES),
    "The DVAE's lead holds at 10% noise": ("dvae", "vae", "gaussian:0.1"),
}
AS_PUBLISHED = (  # what must be as by default, so that values may be compared
    "dataset",
    "n_train",
    "metric",
    "test_noise",
    "own_classifier",
    "epochs",
    "latent_dim",
    "classifier_steps",
    "classifier_epochs",
    "schedule",
    "label_smoothing",
)
COMPARED_PROTOCOLS = tuple(reversed(PROTOCOLS))  # the published one first


def section(results: Results, config: AugmentationStudyConfig) -> list[Part]:
    """Return the section, or nothing where settings are not those of the published study."""
    default = AugmentationStudyConfig()
    limited = any("limited" in results.sets(*each) for each in results.settings())
    others = config.train_noise != default.train_noise
    if (
        others
        or not limited
        or any(getattr(config, name) != getattr(default, name) for name in AS_PUBLISHED)
    ):
        return []
    text = (
        "Accuracy in %: published, one run each; ours, mean over seeds and half of its 95% "
        "t-interval."
    )
    parts: list[Part] = [Heading("The published study beside ours"), Paragraph(text)]
    for condition in CONDITIONS:
        parts += [Heading(heading(condition), 3), _scores(results, condition)]
    text = (
        "Points, with 95% interval. As in the verdict, it holds where it shows after Holm's "
        "correction, over the findings of one protocol and condition; it does not where the "
        f"contrary shows or a gain of {MIN_EFFECT_POINTS:g} points is ruled out. Under "
        "equal_epochs it is as published: more images are more steps."
    )
    return [
        *parts,
        Heading("What the published tables suggest", 3),
        _findings(results),
        Paragraph(text),
    ]


def _scores(results: Results, condition: str) -> Table:
    rows = []
    for name, values in ACCURACY[condition].items():
        label = training_set_label(name)
        rows.append([label, "published", *(f"{value:.2f}" for value in values)])
        for protocol in COMPARED_PROTOCOLS:
            ours = (
                plus_minus(results.scores(condition, protocol, name, noise)) for noise in NOISES
            )
            rows.append([label, protocol, *ours])
    return Table(["training set", "", *map(corruptions.label, NOISES)], rows)


def _findings(results: Results) -> Table:
    measured = {
        (condition, protocol): results.findings(condition, protocol, FINDINGS)
        for condition in CONDITIONS
        for protocol in COMPARED_PROTOCOLS
    }
    rows = []
    for finding, (name, baseline, tested) in FINDINGS.items():
        for condition in CONDITIONS:
            noises = NOISES if tested == ALL_NOISES else (tested,)
            places = [NOISES.index(noise) for noise in noises]
            accuracy = ACCURACY[condition]
            lead = np.mean([accuracy[name][place] - accuracy[baseline][place] for place in places])
            ours = (
                _finding(measured[condition, protocol].get(finding))
                for protocol in COMPARED_PROTOCOLS
            )
            rows.append([finding, condition, f"{lead:+z.2f}", *ours])
    return Table(["finding", "training images", "published", *COMPARED_PROTOCOLS], rows)


def _finding(comparison: Comparison | None) -> str:
    if comparison is None:
        return ""
    kinds = {"helps": "holds", "cannot tell": "cannot tell"}
    kind = kinds.get(verdict(comparison).kind, "does not hold")
    return f"{kind}: {interval(comparison.difference)}"
