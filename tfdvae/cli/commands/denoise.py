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
from tfdvae.image_io import reader, writer

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
    made, part = 0, parse_part(config.part or "1/1")
    if config.part is not None or config.executor == "ray":
        commands.end_with_parent()
        if not source.is_dir():
            raise ValueError(
                f"`input` must be a folder for `part` and `executor` ray; got {config.input}."
            )
        if not reader.part_of(reader.list_files(source), part):
            logger.warning("NOTE: part %s of the files in %s holds none.", config.part, source)
            return 0
    if config.executor == "ray":
        made = _on_cluster(config, source, output)  # then what is left is told below
    model = tasks.load(config.model, config.threads, config.white, config.background)
    from tfdvae.inference.on_disk import rewriting, spreading

    if maps is not None:
        spreading.check(source, maps)
    samples = config.chosen_samples
    tally = rewriting.denoise(model, source, output, config.overwrite, samples, part)
    tally.done, tally.kept = tally.done + made, tally.kept - made
    if maps is not None and samples is not None:
        spreading.uncertainty(model, source, maps, samples, config.overwrite)
        logger.info("Standard deviations, as fractions of white, in %s", maps)
    return tasks.report(tally, source, output, model)


def _on_cluster(config: DenoiseConfig, source: Path, output: Path) -> int:
    """Have the machines of a cluster denoise a folder; return how many files they wrote."""
    from tfdvae.inference.on_disk import sharing

    threads = config.threads or 1
    options = {
        "threads": threads,
        "white": config.white,
        "background": config.background,
        "samples": config.samples,
    }
    arguments = ["denoise", config.model, config.input, config.output]
    for name, value in options.items():
        arguments += [] if value is None else [f"--{name}", str(value)]
    arguments += ["--debug"] if config.debug else []
    cluster = Cluster(config.address, threads)
    return sharing.denoise(arguments, source, output, cluster)


def _check_maps(folder: Path, others: dict[str, str | None]) -> None:
    writer.check_apart(folder, False, others, "uncertainty")
    files.check_writable("uncertainty", folder)
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"`uncertainty` {folder} is a file; a folder is needed.")


def _learn(config: LearnConfig) -> int:
    with starting.tensorflow():
        from tfdvae.learning import job
    tally, model = job.run(config)
    output = Path(config.output).expanduser()
    status = tasks.report(
        tally, Path(config.learn).expanduser(), output / "denoised", model, takes_white=False
    )
    logger.info("Report: %s", output / "report.html")
    return status
