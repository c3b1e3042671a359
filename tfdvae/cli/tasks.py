"""What commands that use a trained model share: checks before TensorFlow, start and end."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from tfdvae._utils import files
from tfdvae.cli import starting
from tfdvae.data import findings
from tfdvae.image_io import listing, reader, writer
from tfdvae.inference import model_files

if TYPE_CHECKING:
    from tfdvae.classifying.model import About
    from tfdvae.inference.trained_model import TrainedModel

logger = logging.getLogger(__name__)


def paths(
    model: str, given: str, output: str, *, nested: bool = True, **others: str | None
) -> tuple[Path, Path]:
    """Return input and output as paths, after the checks that need no TensorFlow.

    Args:
        model: what the user named, which must be there.
        given: the input.
        output: the output.
        nested: whether the output may lie within an input.
        others: further inputs by their arguments.

    Raises:
        FileNotFoundError: there is no such model or input.
        ValueError: the output is an input, or lies within one where it may not.
        OSError: nothing can be written there.
    """
    model_files.find(model)
    inputs = {"input": given, **others}
    writer.check_apart(Path(output).expanduser(), nested, inputs)
    for argument, text in inputs.items():
        if text is not None and not Path(text).expanduser().exists():
            raise FileNotFoundError(f"`{argument}` {text} does not exist.")
    files.check_writable("output", Path(output).expanduser())
    return Path(given).expanduser(), Path(output).expanduser()


def load(
    model: str,
    threads: int | None,
    white: float | None = None,
    background: str | None = None,
) -> TrainedModel:
    """Start TensorFlow and return the model.

    Args:
        model: what the user named.
        threads: to compute with; None for all cores.
        white: as in `tfdvae.load`.
        background: as in `tfdvae.load`.

    Raises:
        FileNotFoundError, ValueError: as in `tfdvae.load`.
    """
    with starting.tensorflow():
        from tfdvae._utils.threads import use_threads
        from tfdvae.inference import loading
    use_threads(threads)
    return loading.load(model, white=white, background=background)


def report(
    tally: reader.Tally,
    source: Path,
    output: Path,
    model: TrainedModel | About,
    each: int = 1,
    takes_white: bool = True,
    unit: str = "images",
    may_be_none: bool = False,
) -> int:
    """Tell what became of the images and return the exit status: 1 where some failed.

    Args:
        tally: of the images of the input.
        source: the input.
        output: where the results are.
        model: that was used.
        each: results of one image.
        takes_white: whether the command has a flag for the white of files.
        unit: what is counted.
        may_be_none: whether it is no error that no image could be used, as in a part of a folder.

    Raises:
        FileNotFoundError: the input is gone, so that the rest of it could not be read.
        ValueError: no image could be used.
    """
    if tally.failed and not source.exists():
        raise FileNotFoundError(
            f"{source} was removed while it was read; {tally.done * each:,} {unit} in {output}."
        )
    if not may_be_none:
        tally.require_images(source)
    kept = (
        f", {tally.kept:,} already there, skipped (--overwrite replaces them)" if tally.kept else ""
    )
    copied = (
        f"; copied unchanged: {', '.join(map(listing.printable_path, tally.copied))}"
        if tally.copied
        else ""
    )
    count = tally.done * each
    noun = unit.removesuffix("s") if count == 1 else unit
    logger.info(f"{count:,} {noun} in {output}{kept}{copied}")
    if tally.others:
        logger.warning(
            f"NOTE: images left out, since they are none of {', '.join(listing.SUFFIXES)}: "
            f"{len(tally.others):,}, the first {listing.printable_path(tally.others[0])}"
        )
    if source.is_dir() and (links := listing.describe_links(source)):
        logger.warning(f"NOTE: {links}")
    white = not takes_white or model.white is not None
    background = model.background is not None
    for note in findings.of_tally(tally, source, white=white, background=background):
        logger.warning(f"NOTE: {note}")
    for message in tally.failed:
        logger.error(f"tfdvae: {message}")
    return 1 if tally.failed else 0
