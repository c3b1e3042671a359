"""The images in a TIFF file: one, or the frames of a stack.

Frames are pages of their own, or lie one after another in a single page, as ImageJ writes large
files; tifffile knows both. They are read one at a time, so that a stack may be larger than memory.
"""

import math
from functools import cached_property
from pathlib import Path
from types import TracebackType

import numpy as np
import tifffile

from tfdvae.image_io import decoding, tiff_series, values
from tfdvae.image_io.decoding import ImageKind, Unsupported
from tfdvae.image_io.reading import without_alpha

_KNOWN_TO_PILLOW = ("NONE", "CCITT", "LZW", "JPEG", "ADOBE_DEFLATE", "DEFLATE", "PACKBITS")
_KIND = tifffile.PHOTOMETRIC
_ALPHA = (tifffile.EXTRASAMPLE.ASSOCALPHA, tifffile.EXTRASAMPLE.UNASSALPHA)


class TiffImages:
    """The images of a TIFF file that is open.

    Channels that are stored apart, as microscopes do, are frames of their own. In color are images
    whose pixels have red, green and blue side by side, or a palette of colors.

    Args:
        path: of the file.
        white: the value that stands for white; None: the largest value of the type, of floats 1.

    Attributes:
        file: the file as tifffile opened it.
        series: its images.
        lead: shape of the stack, before height and width; () for one image.
        count: how many images there are.

    Raises:
        Unsupported: images that are not read, such as those of several sizes.

    Example:
        >>> with TiffImages(Path("stack.tif")) as images:
        ...     images.count, images.read(0).shape
        (10, (28, 28, 1))
    """

    def __init__(self, path: Path, white: float | None = None):
        self._path = path
        self._white = white
        self.file = tiff_series.open_file(path)
        try:
            self.series = tiff_series.of(self.file)
            self.lead, self._plane, self._axes = tiff_series.split_axes(self.series)
            self.count = math.prod(self.lead)
            self._check_end()
        except BaseException:
            self.file.close()
            raise

    def __enter__(self) -> "TiffImages":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self.file.close()

    @property
    def page(self) -> tifffile.TiffPage:
        """The page whose tags hold for all."""
        return self.series.keyframe

    @property
    def is_plain(self) -> bool:
        """Whether there is one image of at most 8 bits in a compression that Pillow knows."""
        compression = tifffile.COMPRESSION(self.page.compression).name
        return (
            self.count == 1
            and np.dtype(self.series.dtype) in (np.bool_, np.uint8)
            and compression.startswith(_KNOWN_TO_PILLOW)
        )

    @property
    def written(self) -> np.dtype:
        """The type of the pixels in a file that is written in kind: that of this file."""
        stored = np.dtype(self.series.dtype)
        return np.dtype(np.uint8) if stored == np.bool_ or self._palette is not None else stored

    @cached_property
    def kind(self) -> ImageKind:
        """Size and type of each image.

        Raises:
            Unsupported: too many pixels, other channels than gray or RGB, or values that no type of
                image has.
        """
        sizes = dict(zip(self._axes, self._plane, strict=True))
        height, width = sizes["Y"], sizes["X"]
        decoding.check_size(height, width)
        self._check_channels(sizes.get("S", 1))
        if self._turn >= 5:
            height, width = width, height
        kind = ImageKind(height, width, self._gray, self.written)
        if kind.dtype in values.UNSIGNED:
            return kind
        raw = (self._read_raw(index)[0] for index in range(self.count))
        fitting = values.fitting_type(kind.dtype, raw, self._white)
        return ImageKind(height, width, self._gray, fitting, loose=fitting)

    def read(self, index: int) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the pixels of an image as `kind` says, (H, W, 1) or (H, W, 3), black 0.

        Alpha (H, W), in the type of the file, comes with them; None where there is none.
        """
        return self._read_cast(index, self.kind.dtype)

    def read_as(self, index: int, loose: np.dtype | None) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the pixels of an image, in a given type where the file's does not say it."""
        if loose is None or self.written in values.UNSIGNED:
            return self.read(index)
        return self._read_cast(index, loose)

    def _read_cast(self, index: int, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray | None]:
        pixels, alpha = self._read_raw(index)
        return values.cast(pixels, dtype, self._white), alpha

    @cached_property
    def _palette(self) -> np.ndarray | None:
        """The colors of a palette, uint8 (colors, 1 or 3), or None where there is none."""
        if self.page.photometric != _KIND.PALETTE or self.page.colormap is None:
            return None
        colors = (self.page.colormap >> 8).astype(np.uint8).T
        return colors[:, :1] if (colors == colors[:, :1]).all() else colors

    @property
    def _gray(self) -> bool:
        if self._palette is not None:
            return self._palette.shape[-1] == 1
        return self.page.photometric in (_KIND.MINISBLACK, _KIND.MINISWHITE)

    @property
    def _turn(self) -> int:
        tag = self.page.tags.get(tiff_series.ORIENTATION)
        return tag.value if tag is not None and tag.value in range(1, 9) else 1

    def _check_channels(self, channels: int) -> None:
        photometric = _KIND(self.page.photometric)
        is_color = photometric == _KIND.RGB or (
            photometric == _KIND.YCBCR and self.page.compression == tifffile.COMPRESSION.JPEG
        )
        if not (self._gray or is_color or self._palette is not None):
            raise Unsupported(f"must be gray or RGB; got {photometric.name}")
        alpha = any(self.page.extrasamples)  # 0 is any other channel
        if channels not in ((3, 4) if is_color else (1, 1 + alpha)):
            raise Unsupported(
                f"must have 1 or 3 channels a pixel; got {channels} of {photometric.name}"
            )
        if photometric == _KIND.MINISWHITE and self.written.kind not in "bu":
            raise Unsupported(f"must not be {self.written} with white as 0")

    def _read_raw(self, index: int) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the pixels of an image in the file's type, (H, W, 1) or (H, W, 3), black 0.

        Alpha (H, W), by which they are not multiplied, comes with them.
        """
        pixels = self._read_plane(index)
        pixels = np.moveaxis(pixels, 0, -1) if self._axes == "SYX" else pixels
        pixels = pixels[..., None] if pixels.ndim == 2 else pixels
        colors = 1 if self._gray else 3
        kind = (*self.page.extrasamples, 0)[0] if pixels.shape[-1] > colors else 0
        alpha = (
            decoding.turned(pixels[..., [colors]], self._turn)[..., 0] if kind in _ALPHA else None
        )
        pixels = pixels[..., :colors] if self._palette is None else pixels
        if self.page.photometric == _KIND.MINISWHITE:
            pixels = ~pixels
        if pixels.dtype == np.bool_:
            pixels = pixels * np.uint8(255)
        if self._palette is not None:
            pixels = self._palette[pixels[..., 0]]
        pixels = decoding.turned(pixels, self._turn)
        if alpha is not None and kind == tifffile.EXTRASAMPLE.ASSOCALPHA:
            pixels = without_alpha(pixels, alpha)
        return pixels, alpha

    def _check_end(self) -> None:
        start = self.series.dataoffset
        if start is not None and start + self.series.nbytes > self._path.stat().st_size:
            raise Unsupported("cannot be read: it ends too early")

    def _read_plane(self, index: int) -> np.ndarray:
        series, size = self.series, math.prod(self._plane)
        if series.dataoffset is not None:
            dtype = np.dtype(series.dtype).newbyteorder(self.file.byteorder)
            start = series.dataoffset + index * size * dtype.itemsize
            found = np.fromfile(self._path, dtype, size, offset=start)
            if found.size < size:
                raise ValueError("it ends too early")
            return found.astype(series.dtype).reshape(self._plane)
        if len(series.pages) == self.count:
            page = series.pages[index]
            if page is None:
                raise ValueError(f"frame {index} is missing")
            return page.asarray(maxworkers=1).reshape(self._plane)
        return self._volume[index]

    @cached_property
    def _volume(self) -> np.ndarray:
        """All images, from a page that must be decoded as a whole: in a temporary file."""
        return self.series.asarray(out="memmap").reshape(self.count, *self._plane)
