"""How long the missing cells of an augmentation study take, measured on some steps."""

from __future__ import annotations

import dataclasses
import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from tfdvae import classifier, registry
from tfdvae.data import pipelines
from tfdvae.data.image_dataset import ImageDataset
from tfdvae.studies.augmentation import views
from tfdvae.studies.augmentation.cells import list_cells
from tfdvae.studies.augmentation.costs import Costs, classifier_step, measure, prepare_first
from tfdvae.studies.augmentation.images import prepare, train_count
from tfdvae.studies.augmentation.sets import SETS
from tfdvae.studies.augmentation.settings import CONDITIONS, AugmentationStudyConfig

logger = logging.getLogger(__name__)

START_SECONDS = 10  # until a process has begun
FEW_SEEDS = 3


class Share(NamedTuple):
    """What one kind of work takes.

    Attributes:
        cells: how many; of views, how many denoised subsets.
        seconds: of all of them, one after the other.
    """

    cells: int
    seconds: float


def log_estimate(
    config: AugmentationStudyConfig,
    dataset: ImageDataset,
    cells: Mapping[str, partial],
    missing: Sequence[str],
) -> None:
    """Log the missing cells, by their names among all cells, and the time that they take."""
    lines = [*missing, f"{len(missing)} of {len(cells)} cells are missing."]
    logger.info("\n".join(lines))
    if not missing:
        return
    keywords = [cells[cell].keywords for cell in missing]
    wanted = missing_views(config, dataset, keywords)
    costs = measure(config, dataset, {method for _, _, method in wanted})
    found = shares(config, dataset, costs, keywords, wanted)
    logger.info("  %-32s%5s  %s", "", "cells", "time")
    for name, share in found.items():
        seconds = share.seconds / config.workers
        logger.info("  %-32s%5d  %s", name, share.cells, spoken(seconds))
    seconds = total(found) / config.workers
    at_once = f", {config.workers} cells at a time" if config.workers > 1 else ""
    logger.info(
        "About %s with %s%s, by the time of some steps on this machine.",
        spoken(seconds),
        config.precision,
        at_once,
    )
    begun = len(missing) < len(cells)
    for flags, less in cheaper(config, dataset, costs, keywords, wanted, begun).items():
        logger.info("  with %s: %s", flags, spoken(less / config.workers))


def spoken(seconds: float) -> str:
    """Return a time as people say it.

    Example:
        >>> spoken(24_000)
        '6.7 hours'
    """
    for unit, length in (("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.{int(unit == 'hours')}f} {unit}"
    return f"{max(1, round(seconds))} s"


def cheaper(
    config: AugmentationStudyConfig,
    dataset: ImageDataset,
    costs: Costs,
    keywords: Sequence[Mapping],
    wanted: Collection[tuple[str, int, str]],
    begun: bool,
) -> dict[str, float]:
    """Return the seconds that the study takes with other flags, by these.

    Args:
        config: settings of the study.
        dataset: all images.
        costs: see `measure`.
        keywords: arguments of the missing cells.
        wanted: views that these lack.
        begun: some cells are there, whose settings may not change.
    """
    found = {}
    few = config.seeds[:FEW_SEEDS]
    if len(few) < len(config.seeds):
        kept = [cell for cell in keywords if cell["seed"] in few]
        views_kept = [view for view in wanted if view[1] in few]
        flags = " ".join(["--seeds", *map(str, few)])
        found[flags] = total(shares(config, dataset, costs, kept, views_kept))
    if config.precision == "bfloat16" and config.classifier is None and not begun:
        other = dataclasses.replace(config, precision="float32")
        step = classifier_step(other, prepare_first(other, dataset))
        exact = dataclasses.replace(costs, classifier_step=step)
        found["--precision float32"] = total(shares(other, dataset, exact, keywords, wanted))
    if not config.quick:
        quick = dataclasses.replace(config, **{**config.QUICK, "dataset": config.dataset})
        quick = dataclasses.replace(quick, n_train=None, conditions=CONDITIONS[:1])
        cells = [cell.keywords for cell in list_cells(quick).values()]
        parts = shares(quick, dataset, costs, cells, ())
        found[f"--quick --dataset {config.dataset}"] = total(parts) * config.workers
    return found


def total(found: Mapping[str, Share]) -> float:
    """Return the seconds of all work, one after the other."""
    return sum(share.seconds for share in found.values())


def shares(
    config: AugmentationStudyConfig,
    dataset: ImageDataset,
    costs: Costs,
    keywords: Iterable[Mapping],
    wanted: Iterable[tuple[str, int, str]],
) -> dict[str, Share]:
    """Return what the cells of each training set take, what likelihoods take, and what views do.

    Args:
        config: settings of the study.
        dataset: all images.
        costs: see `measure`.
        keywords: arguments of the cells.
        wanted: noise, seed and method of the views to make; each is shared by cells.
    """
    starting = 0 if config.quick else START_SECONDS  # all in one process
    tests = 1.0 if config.development else len(config.test_noise) + len(config.other_noise)
    per_epoch = pipelines.steps_per_epoch(train_count(config, dataset), classifier.BATCH_SIZE)
    generating = config.epochs * per_epoch * costs.generator_step

    def classifying(name: str, protocol: str) -> float:
        times = 3 if name == "duplicate" or registry.generates(name) else 1
        steps = (
            config.classifier_steps
            if protocol == "equal_steps"
            else config.classifier_epochs * per_epoch * times
        )
        training = steps * costs.classifier_step + (generating if registry.generates(name) else 0)
        epochs = steps / per_epoch if config.development else 0
        return training + tests * costs.test + epochs * costs.validation

    found: dict[str, list[float]] = defaultdict(list)
    for cell in keywords:
        if "model" in cell:
            found[f"likelihood of {cell['model']}"].append(starting + generating + costs.likelihood)
        else:
            seconds = classifying(cell["name"], cell["protocol"])
            found[cell["name"]].append(starting + seconds)
    for _, _, method in wanted:
        found[f"views by {method}"].append(costs.views[method])
    return {name: Share(len(each), sum(each)) for name, each in found.items()}


def missing_views(
    config: AugmentationStudyConfig, dataset: ImageDataset, cells: Iterable[Mapping]
) -> set[tuple[str, int, str]]:
    """Return the noise, seed and method of all views that cells need and the study lacks.

    Args:
        config: settings of the study.
        dataset: all images.
        cells: arguments of each.
    """
    wanted = {
        (cell["train_noise"], cell["seed"], SETS[cell["name"]].views)
        for cell in cells
        if cell.get("name") in SETS and SETS[cell["name"]].views
    }
    return {
        (noise, seed, method)
        for noise, seed, method in wanted
        if not views.path_of(config, noise, method, seed).exists()
        or not views.is_kept(config, prepare(config, dataset, "noisy", seed, noise), method, seed)
    }
