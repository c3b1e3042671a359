"""The study of noisy images alone: how good are denoisers that have never seen a clean image?

Models learn from noisy images, frozen as they are observed, and see neither clean nor test images;
those of the objective `clean` are the ceiling. All are measured on one and the same frozen test
noise. The parameters of classical filters are chosen on held-out training images with their clean
ones, which is to the filters' advantage; on noisy pictures, without truth, by how well they find
pixels that they do not see (Batson and Royer 2019).
"""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

from tfdvae._utils import files, processor
from tfdvae.config import AUTO
from tfdvae.config.sets import CLASSICAL
from tfdvae.data import sources
from tfdvae.image_io import listing
from tfdvae.studies import runner
from tfdvae.studies.cell_names import unfinished
from tfdvae.studies.dataset_info import log_local_notice
from tfdvae.studies.noisy_alone.cells import list_cells
from tfdvae.studies.noisy_alone.settings import NoisyAloneConfig
from tfdvae.training_sets import filters


def run(config: NoisyAloneConfig) -> Path:
    """Compute the missing cells, or the one that `config.cell` names; write the report.

    Returns:
        The folder of the study.

    Raises:
        ValueError: no such cell; results of other settings in the folder; BM3D is not installed.
    """
    config = dataclasses.replace(config, precision=_precision(config))
    cells = list_cells(config)
    of_dataset = config.pictures is None and config.photographs is None
    if of_dataset:
        log_local_notice(config)

    def compute(cell: str, path: Path) -> None:
        if of_dataset:
            cells[cell](config, sources.load(config.dataset, config.data_dir), path)
        else:
            cells[cell](config, path)
        files.remove_at_once(unfinished(path))

    settings = {name: getattr(config, name) for name in ("noises", "n_train", "steps")}
    if config.pictures is not None:
        settings = {**_digests(config, "pictures", "truth"), "steps": config.steps}
    elif config.photographs is not None:
        settings = {
            **_digests(config, "photographs", "photographs_test"),
            "noises": config.noises,
            "steps": config.steps,
        }
    if config.precision != "float32":  # which folders of earlier versions have, and do not say
        settings["precision"] = config.precision
    if config.cell is None:
        filters.FILTERS[CLASSICAL["bm3d"]][0](1.0)  # or it would be missed after hours
    return runner.run_study("noisy-alone", config, cells, settings, compute)


def _precision(config: NoisyAloneConfig) -> str:
    """Return the precision that was asked for, that of the study in the folder, or the fastest."""
    kept = runner.kept_settings(runner.study_folder("noisy-alone", config))
    if config.precision == AUTO and kept is not None:
        return str(kept.get("precision", "float32"))
    return processor.chosen_precision(config.precision, processor.has_bfloat16())


def _digests(config: NoisyAloneConfig, *names: str) -> dict[str, str]:
    """Return what changes with the files of some folders, by setting."""
    found = {}
    for name in names:
        folder = Path(getattr(config, name)).expanduser()
        digest = hashlib.sha256()
        for file in listing.images_below(folder, name):
            content = hashlib.sha256(file.read_bytes()).digest()
            digest.update(file.relative_to(folder).as_posix().encode() + b"\0" + content)
        found[name] = f"{folder.name} {digest.hexdigest()[:16]}"
    return found
