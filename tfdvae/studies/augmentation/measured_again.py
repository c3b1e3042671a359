"""Sections of the augmentation report on test images that classifiers were shown otherwise too."""

from __future__ import annotations

from collections.abc import Iterator

from tfdvae.metrics import statistics
from tfdvae.reporting.document import Heading, Paragraph, Part, Table
from tfdvae.studies.augmentation.results import Results, Scores, label
from tfdvae.studies.augmentation.scores import heading, interval, plus_minus
from tfdvae.studies.augmentation.settings import averaged_metric, denoised_metric


def sections(results: Results) -> list[Part]:
    """Return the sections on mirror images and on denoised test images, if these were measured.

    Args:
        results: of the study.
    """
    shown = (
        (
            "Averaged over mirror images",
            averaged_metric(results.metric),
            "of the mean of what a classifier says of a test image and of its mirror image",
        ),
        (
            "Denoised test images",
            denoised_metric(results.metric),
            "on test images that the U-Net has denoised which learned from the noisy training "
            "images of the seed alone",
        ),
    )
    parts: list[Part] = []
    for title, metric, what in shown:
        if found := list(_tables(results, metric, what)):
            parts += [Heading(title), *found]
    return parts


def _tables(results: Results, metric: str, what: str) -> Iterator[Part]:
    tests = results.summaries()
    for condition, protocol in results.settings():
        reference, rows = results.reference(condition, protocol), []
        compared = results.summarized(condition, protocol, reference, metric)
        for name in results.sets(condition, protocol):
            found = results.summarized(condition, protocol, name, metric)
            if found[0]:
                single = results.summarized(condition, protocol, name, results.metric)
                leads = map(_lead, found, compared) if name != reference else ("" for _ in tests)
                rows.append(
                    [label(name), *map(plus_minus, found), *map(_lead, found, single), *leads]
                )
        if rows:
            kinds = ("", "gain, ", "lead, ")
            head = (f"{kind}{tested}" for kind in kinds for tested in tests)
            text = (
                f"{results.metric}, points, {what}: mean over seeds and half of its 95% "
                "t-interval; what it "
                f"gains by that; and its lead over {label(reference)}, which gains it too. "
                "Intervals are for other seeds and the same test images."
            )
            yield Heading(heading(condition, protocol), 3)
            yield Paragraph(text)
            yield Table(["trained on", *head], rows)


def _lead(scores: Scores, others: Scores) -> str:
    """Return the lead of scores over others, paired by seed."""
    both = sorted(set(scores) & set(others))
    if not both:
        return ""
    first, second = ([each[seed] for seed in both] for each in (scores, others))
    return interval(statistics.paired_difference(first, second))
