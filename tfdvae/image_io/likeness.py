"""What an image file that is written takes over from another one."""

from collections.abc import MutableMapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from tfdvae.image_io import opening

if TYPE_CHECKING:
    from tfdvae.image_io.tiff_writing import LikeTiff


class Likeness:
    """What new TIFF files take over from another file: of one that is TIFF, type and metadata.

    The other file is read once, however many files are written like it.

    Args:
        other: the other file, of any format.
        lost: gets the path of the other file and a reason where metadata are left out, once
            `note` is called.

    Example:
        >>> like = Likeness(Path("stack.tif"), tally.lost)
        >>> codec.write(Path("first.tif"), first, like)
        >>> codec.write(Path("second.tif"), second, like)
    """

    def __init__(self, other: Path, lost: MutableMapping[Path, str]):
        self._other, self._lost = other, lost
        self._found: dict[Path, str] = {}

    @cached_property
    def tiff(self) -> "LikeTiff | None":
        """Writes in the kind of the other file; None where that is not TIFF.

        None too for a TIFF file that tifffile cannot read; its metadata are lost.

        Raises:
            ValueError: the other file cannot be opened or read from the disk.
        """
        try:
            if not opening.is_tiff(self._other):
                return None
            from tfdvae.image_io.tiff_writing import LikeTiff

            return LikeTiff(self._other, self._found)
        except MemoryError:
            raise
        except OSError as error:  # not odd metadata: the type of the pixels would be lost too
            raise ValueError(f"its original cannot be read: {error.strerror or error}") from error
        except Exception as error:  # tifffile raises almost anything
            reason = str(error).strip() or type(error).__name__
            self._found[self._other] = f"cannot be read: {reason}"
            return None

    def note(self) -> None:
        """Note what was left out, now that an image is written."""
        self._lost.update(self._found)
