"""Folders of images with a `manifest.csv`.

The images of a new start replace those of an earlier one, all of them or none.
"""

import contextlib
import csv
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from tfdvae._utils import disk, files, sheets, text
from tfdvae.image_io import listing

NAME = "manifest.csv"

ROOM = 32
"""Bytes that the path of an image has more while it is not in its place yet."""

COLUMNS = ("image", "source", "label", "seed", "method")


def check(output: Path, overwrite: bool) -> set[str]:
    """Return the images that an earlier start made in a folder, or refuse the folder.

    Args:
        output: the folder, which may be missing.
        overwrite: whether earlier images may be replaced.

    Raises:
        FileExistsError: a file, a folder that holds anything and may not be overwritten, or one
            with a `manifest.csv` of another kind.
    """
    if not output.exists():
        return set()
    files.check_folder("output", output)
    if not overwrite and any(map(_is_foreign, output.iterdir())):
        raise FileExistsError(
            f"`output` {output} is not empty; --overwrite replaces what this command made there."
        )
    earlier = _read(output / NAME)
    if earlier is None:
        raise FileExistsError(
            f"`output` {output} holds a {NAME} that this command did not make; give another folder."
        )
    return earlier


def _is_foreign(path: Path) -> bool:
    return not files.is_scratch(path) and not listing.is_litter(path.name)


@contextlib.contextmanager
def write(output: Path, overwrite: bool) -> Iterator[Callable[..., Path]]:
    """Yield a function that lists an image of `output` and returns the path to write it to.

    The function takes the values of `COLUMNS`. Images and `manifest.csv` replace those of an
    earlier start when the block ends without error; until then they are apart from them.

    Args:
        output: the folder.
        overwrite: whether earlier images may be replaced.

    Raises:
        FileExistsError: as in `check`; an image of the same name that is not this command's;
            another process wrote there meanwhile.
    """
    new, earlier = not output.exists(), check(output, overwrite)
    try:
        with disk.naming(output), files.scratch_folder(output) as scratch:
            made = scratch / "made"
            made.mkdir()
            with open(made / NAME, "w", newline="", encoding="utf-8") as file:
                sheet = sheets.Writer(file)
                sheet.row(COLUMNS)

                def add(name: str, *fields: object) -> Path:
                    _check_place(output, name, earlier)
                    values = map(str, (name, *fields))
                    sheet.row(map(text.utf8, values))
                    if (made / name).exists():
                        raise ValueError(
                            f"`output` would hold two images called {listing.printable_path(name)};"
                            " rename one of the files that they come from."
                        )
                    (made / name).parent.mkdir(parents=True, exist_ok=True)
                    return made / name

                yield add
            replace_images(made, output, earlier)
    finally:
        if new:
            with contextlib.suppress(OSError):
                output.rmdir()


def _read(manifest: Path) -> set[str] | None:
    """Return the images that a manifest lists, or None where it is another kind of file.

    A missing manifest lists none.
    """
    if not manifest.exists():
        return set()
    with open(manifest, newline="", encoding="utf-8", errors="replace") as file:
        rows = csv.DictReader(file)
        if tuple(rows.fieldnames or ()) != COLUMNS:
            return None
        return {sheets.from_cell(row["image"]) for row in rows}


def _check_place(output: Path, name: str | Path, earlier: set[str]) -> None:
    place = output / name
    if place.is_dir() or (place.exists() and text.utf8(name) not in earlier):
        raise FileExistsError(
            f"`output` {output} holds {listing.printable_path(name)}, which this command did not "
            "make; give another folder."
        )


def replace_images(made: Path, output: Path, earlier: set[str]) -> None:
    """Replace earlier images and their manifest by those of a folder; remove folders left empty.

    No earlier image goes before all new ones are there. Meanwhile the manifest lists both, so that
    after a kill the next start knows what is ours.
    """
    manifest, both = output / NAME, made.with_name(NAME)
    if _read(manifest) != earlier:
        raise FileExistsError(f"`output` {output} was written to by another process meanwhile.")
    new = [
        path.relative_to(made)
        for path in sorted(made.rglob("*.*"))
        if path.is_file() and path != made / NAME
    ]
    for name in new:
        _check_place(output, name, earlier)
        (output / name).parent.mkdir(parents=True, exist_ok=True)
    before = manifest.read_bytes().partition(b"\n")[2] if manifest.exists() else b""
    both.write_bytes((made / NAME).read_bytes() + before)
    os.replace(both, manifest)
    found = [
        path
        for path in output.rglob("*.*")
        if text.utf8(path.relative_to(output)) in earlier and path.is_file()
    ]
    old = set(found) - {output / name for name in new}
    for name in new:
        shutil.move(made / name, output / name)
    for path in old:
        path.unlink()
    for parent in sorted(
        {parent for path in old for parent in path.parents if output in parent.parents},
        reverse=True,
    ):
        with contextlib.suppress(OSError):
            parent.rmdir()
    os.replace(made / NAME, manifest)
