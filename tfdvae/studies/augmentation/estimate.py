"""How long the missing cells of an augmentation study take, measured on some steps."""

from __future__ import annotations

import dataclasses
import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from tfdvae import classifier, registry
from tfdvae.config import PROTOCOLS
from tfdvae.config.classifier import chosen_classifier
from tfdvae.config.sets import SETS, generator_of, is_taught
from tfdvae.data import pipelines, sources
from tfdvae.data.image_dataset import ImageDataset
from tfdvae.studies import precision, runner
from tfdvae.studies.augmentation import kept_views
from tfdvae.studies.augmentation.cells import list_cells
from tfdvae.studies.augmentation.costs import Costs, classifier_step, measure, prepare_first
from tfdvae.studies.augmentation.images import prepare, quick_images, train_count
from tfdvae.studies.augmentation.settings import AugmentationStudyConfig

logger = logging.getLogger(__name__)

START_SECONDS = 6  # until a process of its own has begun with a cell
FEW_SEEDS = 3


class Share(NamedTuple):
    """What one kind of work takes.

    Attributes:
        number: of cells; of views, of the subsets that they are of.
        seconds: of all of them, one after the other.
    """

    number: int
    seconds: float


def log_estimate(
    config: AugmentationStudyConfig,
    dataset: ImageDataset,
    cells: Mapping[str, partial],
    missing: Sequence[str],
    asked: AugmentationStudyConfig,
) -> None:
    """Log the missing cells, by their names among all cells, and the time that they take.

    Args:
        config: settings of the study, with all defaults.
        dataset: all images.
        cells: all of the study.
        missing: names of those that are not computed yet.
        asked: the settings as they were given.
    """
    lines = [*missing, f"{len(missing)} of {len(cells)} cells are missing."]
    logger.info("\n".join(lines))
    if not missing:
        return
    keywords = [cells[cell].keywords for cell in missing]
    wanted = missing_views(config, dataset, keywords)
    costs = measure(config, dataset, {method for _, _, method in wanted})
    found = shares(config, costs, keywords, wanted)
    at_once = places(config)
    logger.info("  %-32s%6s  %s", "", "number", "time")
    for name, share in found.items():
        logger.info("  %-32s%6d  %s", name, share.number, spoken(share.seconds / at_once))
    logger.info(
        "About %s%s%s, by the time of some steps on this machine.",
        spoken(total(found) / at_once),
        "" if config.own_classifier else f" with {config.precision}",
        f", {at_once} cells at a time" if at_once > 1 else "",
    )
    others = with_other_flags(config, dataset, costs, keywords, wanted, asked)
    for flags, seconds in others.items():
        logger.info("  with %s: %s", flags, spoken(seconds))


def places(config: AugmentationStudyConfig) -> int:
    """Return how many cells are computed at a time; on a cluster it is not known, and taken for 1.

    Example:
        >>> places(AugmentationStudyConfig(workers=4, quick=True))
        1
    """
    return 1 if config.quick or config.executor == "ray" else config.workers


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


def with_other_flags(
    config: AugmentationStudyConfig,
    dataset: ImageDataset,
    costs: Costs,
    keywords: Sequence[Mapping],
    wanted: Collection[tuple[str, int, str]],
    asked: AugmentationStudyConfig,
) -> dict[str, float]:
    """Return the seconds that the study takes with other flags added, by these.

    They are fewer seeds and, where the study has not begun, so that its settings may change,
    float32 in place of bfloat16 and a first look.

    Args:
        config: settings of the study.
        dataset: all images.
        costs: see `measure`.
        keywords: arguments of the missing cells.
        wanted: views that these lack.
        asked: the settings as they were given.
    """
    found = {}
    few = config.seeds[:FEW_SEEDS]
    kept = [cell for cell in keywords if cell["seed"] in few]
    if kept and len(few) < len(config.seeds):
        views_kept = [view for view in wanted if view[1] in few]
        flags = " ".join(["--seeds", *map(str, few)])
        found[flags] = total(shares(config, costs, kept, views_kept)) / places(config)
    if runner.kept_settings(runner.study_folder("augmentation", config)) is not None:
        return found
    if config.precision == "bfloat16" and config.own_classifier is None:
        other = dataclasses.replace(config, precision="float32")
        first, step = classifier_step(other, prepare_first(other, dataset))
        exact = dataclasses.replace(costs, first_step=first, classifier_step=step)
        seconds = total(shares(other, exact, keywords, wanted))
        found["--precision float32"] = seconds / places(config)
    if (quick := _first_look(config)) is not None:
        looked = dataclasses.replace(costs, images=train_count(quick, len(dataset.train.labels)))
        if (smaller := quick_images(quick, dataset)) is not None:
            quick, small = smaller
            chosen = chosen_classifier(asked.classifier, *small.train.images.shape[1:3])
            quick = dataclasses.replace(quick, classifier=chosen)
            units = quick.own_classifier is None
            quick = dataclasses.replace(
                quick, precision=precision.chosen("augmentation", quick, asked.precision, units)
            )
            looked = measure(quick, small, ())
        cells = [cell.keywords for cell in list_cells(quick).values()]
        own = sources.local(config.dataset) is not None
        flags = "--quick" if own else f"--quick --dataset {config.dataset}"
        found[flags] = total(shares(quick, looked, cells, ()))
    return found


def _first_look(config: AugmentationStudyConfig) -> AugmentationStudyConfig | None:
    """Return the settings with --quick, over which other flags win; of the same images.

    None where it is one, or training sets or tests are asked for that need a denoising model, or
    the reference is none of its sets.
    """
    if config.quick:
        return None
    taken = {
        name: value
        for name, value in config.QUICK.items()
        if name != "dataset" and getattr(config, name) == getattr(AugmentationStudyConfig, name)
    }
    assert config.conditions is not None
    fixed = {"protocols": PROTOCOLS[:1], "conditions": config.conditions[-1:]}
    quick = dataclasses.replace(config, **{**taken, **fixed})
    views = any(name in SETS and SETS[name].views for name in quick.sets) or quick.denoise_at_test
    return None if views or quick.reference not in quick.sets else quick


def total(found: Mapping[str, Share]) -> float:
    """Return the seconds of all work, one after the other."""
    return sum(share.seconds for share in found.values())


def shares(
    config: AugmentationStudyConfig,
    costs: Costs,
    keywords: Iterable[Mapping],
    wanted: Iterable[tuple[str, int, str]],
) -> dict[str, Share]:
    """Return what the cells of each training set take, what cells of codes take, and views.

    What is done to batches of each training set is not counted; it is little beside the steps.

    Args:
        config: settings of the study.
        costs: see `measure`.
        keywords: arguments of the cells.
        wanted: noise, seed and method of the views to make; each is shared by cells, as denoised
            test images are, which are taken to be missing.
    """
    starting = 0 if config.quick else START_SECONDS  # all in one process
    tests = 1 if config.development else len(config.test_noise) + len(config.other_noise)
    per_epoch = pipelines.steps_per_epoch(costs.images, classifier.BATCH_SIZE)
    generating = costs.first_step + config.epochs * per_epoch * costs.generator_step
    per_epoch = pipelines.steps_per_epoch(costs.images, costs.batch_size)

    def classifying(name: str, protocol: str, condition: str) -> float:
        times = 3 if name == "duplicate" or generator_of(name) else 1
        steps = config.classifier_steps
        if protocol == "equal_epochs":
            steps = config.classifier_epochs * per_epoch * times
        validating = 0.0
        if config.development:
            epochs = max(1, steps // per_epoch)
            steps, validating = epochs * per_epoch, epochs * costs.validation
        training = costs.first_step + steps * costs.classifier_step
        training *= 2 if is_taught(name) else 1  # the teacher's comes first
        denoised = config.denoise_at_test and condition == "noisy"
        again = (config.test_time_averaging + denoised) * len(config.test_noise)
        return training + validating + tests * costs.test + again * costs.predicting

    found: dict[str, list[float]] = defaultdict(list)
    made: set[tuple[str, int, str]] = set()  # denoised test images, by noise, seed and test noise
    for cell in keywords:
        if "model" in cell:
            measuring = len(config.test_noise) * costs.probe
            if registry.MODELS.get(cell["model"]).variational:
                measuring += costs.likelihood
            found[f"codes of {cell['model']}"].append(starting + generating + measuring)
        else:
            name = cell["name"]
            seconds = starting + classifying(name, cell["protocol"], cell["condition"])
            if config.denoise_at_test and cell["condition"] == "noisy":
                made |= {(cell["train_noise"], cell["seed"], test) for test in config.test_noise}
            found[name].append(seconds + (generating if generator_of(name) else 0))
    for _, _, method in wanted:
        found[f"views by {method}"].append(costs.views[method])
    if made:
        found["denoised test images"] = [costs.denoising] * len(made)
    return {name: Share(len(each), sum(each)) for name, each in found.items()}


def missing_views(
    config: AugmentationStudyConfig, dataset: ImageDataset, cells: Iterable[Mapping]
) -> set[tuple[str, int, str]]:
    """Return the noise, seed and method of all views that cells need and the study lacks.

    Those whose model is to denoise test images are made again where it is not kept with them.

    Args:
        config: settings of the study.
        dataset: all images.
        cells: arguments of each.
    """
    cells = list(cells)
    wanted = {
        (cell["train_noise"], cell["seed"], SETS[cell["name"]].views)
        for cell in cells
        if cell.get("name") in SETS and SETS[cell["name"]].views
    }
    missing = {
        (noise, seed, method)
        for noise, seed, method in wanted
        if not kept_views.path_of(config, noise, method, seed).exists()
        or not kept_views.is_kept(
            config, prepare(config, dataset, "noisy", seed, noise), method, seed
        )
    }
    denoising = {
        (cell["train_noise"], cell["seed"])
        for cell in cells
        if config.denoise_at_test and "name" in cell and cell["condition"] == "noisy"
    }
    return missing | {
        (noise, seed, kept_views.DENOISER)
        for noise, seed in denoising
        if not kept_views.has_denoiser(config, prepare(config, dataset, "noisy", seed, noise), seed)
    }
