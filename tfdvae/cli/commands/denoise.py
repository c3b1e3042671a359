"""`tfdvae denoise`: with a trained model, or one that learns from the images themselves."""

import logging
from collections.abc import Sequence
from pathlib import Path

from tfdvae._utils import files
from tfdvae.cli import flags, starting, tasks
from tfdvae.cli.registry import SAME_COMMAND, register_command
from tfdvae.computing import commands
from tfdvae.computing.ray_cluster import Cluster
from tfdvae.config import DenoiseConfig
from tfdvae.config.learn import LearnConfig
from tfdvae.config.tasks import parse_part
from tfdvae.data import findings
from tfdvae.image_io import reader, writer
from tfdvae.inference import model_files

logger = logging.getLogger(__name__)


def parse(arguments: Sequence[str]) -> tuple[DenoiseConfig | LearnConfig]:
    """Return the settings that the flags give: with `--learn` those of learning."""
    learns = any(word.partition("=")[0] == "--learn" for word in arguments)
    if learns:
        return (flags.parse(LearnConfig, arguments, prog="tfdvae denoise --learn"),)
    return (flags.parse(DenoiseConfig, arguments, prog="tfdvae denoise"),)


@register_command("denoise", DenoiseConfig, resumes=SAME_COMMAND, parse=parse)
def denoise(config: DenoiseConfig | LearnConfig) -> int:
    """Denoise images on disk."""
    if isinstance(config, LearnConfig):
        return _learn(config)
    nested = not Path(config.input).expanduser().is_dir()
    source, output = tasks.paths(config.model, config.input, config.output, nested=nested)
    writer.check_output(source, output, config.overwrite)
    maps = None if config.uncertainty is None else Path(config.uncertainty).expanduser()
    if maps is not None:
        _check_maps(maps, {"input": config.input, "output": config.output})
    part = parse_part(config.part or "1/1")
    if config.part is not None or config.executor == "ray":
        if not source.is_dir():
            raise ValueError(
                f"`input` must be a folder for `part` and `executor` ray; got {config.input}."
            )
        if not reader.part_of(reader.list_files(source), part):
            logger.warning("NOTE: part %s of the files in %s holds none.", config.part, source)
            return 0
    if config.executor == "ray":
        return _on_cluster(config, source, output)
    model = tasks.load(config.model, config.threads, config.white, config.background)
    from tfdvae.inference.on_disk import rewriting, spreading

    if maps is not None:
        spreading.check(source, maps)
    samples = config.chosen_samples
    tally = rewriting.denoise(model, source, output, config.overwrite, samples, part)
    if maps is not None and samples is not None:
        spreading.uncertainty(model, source, maps, samples, config.overwrite)
        logger.info("Standard deviations, as fractions of white, in %s", maps)
    status = tasks.report(tally, source, output, model, may_be_none=config.part is not None)
    return 0 if commands.has_parent() else status  # which tells of files that cannot be used


def _on_cluster(config: DenoiseConfig, source: Path, output: Path) -> int:
    """Have the machines of a cluster denoise a folder; return the exit status."""
    model = tasks.load(config.model, config.threads, config.white, config.background)
    from tfdvae.inference.on_disk import rewriting, sharing
    from tfdvae.models import posterior

    if config.samples is not None:
        posterior.require(model.core)
    threads = config.threads or 1
    options = {
        "threads": threads,
        "white": config.white,
        "background": config.background,
        "samples": config.samples,
    }
    arguments = ["denoise"]
    for name, value in options.items():
        arguments += [] if value is None else [f"--{name}", str(value)]
    named = model_files.find(config.model) is None
    arguments += [config.model if named else str(files.absolute(config.model))]
    arguments += [str(files.absolute(path)) for path in (source, output)]
    before, notes = sharing.there(source, output), []
    if before < len(reader.list_files(source)):
        cluster = Cluster(config.address, threads)
        notes = sharing.denoise(arguments, source, output, cluster)
    made = sharing.there(source, output) - before
    # What is left are files that cannot be used, and this tells why.
    tally = rewriting.denoise(model, source, output, samples=config.samples)
    if tally.done:
        logger.warning("NOTE: the cluster left %d images, which were made here.", tally.done)
    for note in notes:
        logger.warning("NOTE: %s", note)
    tally.done, tally.kept = tally.done + made, before
    return tasks.report(tally, source, output, model, unit="files")


def _check_maps(folder: Path, others: dict[str, str | None]) -> None:
    writer.check_apart(folder, False, others, "uncertainty")
    files.check_writable("uncertainty", folder)
    files.check_folder("uncertainty", folder)


def _learn(config: LearnConfig) -> int:
    with starting.tensorflow():
        from tfdvae.learning import job
    tally, model = job.run(config)
    output = Path(config.output).expanduser()
    status = tasks.report(
        tally, Path(config.learn).expanduser(), output / "denoised", model, takes_white=False
    )
    if note := findings.small_range(tally.seen.largest):
        logger.warning("NOTE: %s", note)
    logger.info("Report: %s", output / "report.html")
    return status
