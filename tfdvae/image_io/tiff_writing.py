"""Writes a TIFF file in the kind of another one: its shape, type and metadata."""

import json
import logging
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from tfdvae.image_io.listing import printable_path
from tfdvae.image_io.tiff import TiffImages

logger = logging.getLogger(__name__)

_LOSSLESS = {"LZW", "DEFLATE", "ADOBE_DEFLATE", "PACKBITS", "ZSTD", "LZMA"}
_COUNTS = ("ImageJ", "images", "channels", "slices", "frames", "hyperstack", "axes")
_IMAGEJ_TYPES = ("uint8", "uint16", "float32")
_DESCRIPTION = 270
_ICC_PROFILE = 34675
_TOLD = ("iccprofile", "resolution", "resolutionunit")  # that no pixel depends on


class LikeTiff:
    """Writes TIFF files in the kind of another one.

    Shape, type, resolution, lossless compression and the metadata of ImageJ, OME and tifffile are
    those of the other file. One image of a stack becomes a file of its own.

    Args:
        other: the other file.

    Example:
        >>> like = LikeTiff(Path("stack.tif"))
        >>> like.write(Path("inverted.tif"), like.rows(255 - images))
    """

    def __init__(self, other: Path):
        self._other = other
        with TiffImages(other) as images:
            self._lead, self._count = images.lead, images.count
            self._dtype = images.written.newbyteorder(images.file.byteorder)
            self._planar = images.series.axes.endswith("SYX")
            self._options = _options(images)
            self._layout = _layout(images)
        self._told = False

    def rows(self, images: np.ndarray) -> np.ndarray:
        """Return images (n, H, W, C) as they lie in the file, n first, in its type."""
        if images.shape[-1] == 1:
            images = images[..., 0]
        elif self._planar:
            images = np.moveaxis(images, -1, 1)
        if images.dtype.kind == "f" and self._dtype.kind != "f":
            images = np.rint(images)
        # A type may hold less than its images: int16 half of what 16 bits do.
        highest = min(_highest(self._dtype), _highest(images.dtype))
        images = np.minimum(images, images.dtype.type(highest))
        return np.ascontiguousarray(images, self._dtype)

    def write(self, path: Path, rows: np.ndarray) -> None:
        """Write all rows of a stack, or one row.

        Args:
            path: of the file.
            rows: (N, ...) as `rows` returns them; may be mapped from the disk.

        Metadata that tifffile cannot write are left out, with a NOTE.

        Raises:
            ValueError: tifffile cannot write the images.
        """
        options = dict(self._options)
        color = rows.ndim == 4
        options |= {"photometric": "rgb" if color else "minisblack"}
        if color and self._planar:
            options["planarconfig"] = "separate"
        lead: tuple[int, ...] = ()
        if len(rows) == self._count:
            options |= self._layout
            lead = self._lead
        images = rows.reshape(*lead, *rows.shape[1:])
        plain = {name: options[name] for name in options if name not in self._layout}
        bare = {name: plain[name] for name in plain if name not in _TOLD}
        errors: list[Exception] = []
        for chosen in (options, plain, bare):
            try:
                tifffile.imwrite(path, images, **chosen)
                break
            except (OSError, MemoryError):
                raise
            except Exception as error:  # tifffile raises almost anything
                errors.append(error)
        else:
            raise ValueError(_reason(errors[0])) from errors[0]
        if errors and not self._told:
            self._told = True
            logger.warning(
                f"NOTE: the metadata of {printable_path(self._other.name)} cannot be written: "
                f"{_reason(errors[0])}"
            )


def _reason(error: Exception) -> str:
    return str(error).strip() or type(error).__name__


def _highest(dtype: np.dtype) -> float:
    return float(np.finfo(dtype).max if dtype.kind == "f" else np.iinfo(dtype).max)


def _options(other: TiffImages) -> dict[str, Any]:
    """Return the options for a page of its own."""
    page = other.page
    options: dict[str, Any] = {"byteorder": other.file.byteorder}
    if (profile := page.tags.get(_ICC_PROFILE)) is not None:
        options["iccprofile"] = profile.value
    sides = [page.tags.get(name) for name in ("XResolution", "YResolution")]
    if None not in sides:
        resolution = tuple(tag.value for tag in sides if tag is not None)
        options |= {"resolution": resolution, "resolutionunit": page.resolutionunit}
    compression = tifffile.COMPRESSION(page.compression)
    if compression.name in _LOSSLESS:
        options |= {"compression": compression, "predictor": page.predictor > 1}
    return options


def _layout(other: TiffImages) -> dict[str, Any]:
    """Return the options for the arrangement of a stack and what is said of it."""
    file, series = other.file, other.series
    volumetric = other.page.imagedepth > 1
    in_one_page = other.count > 1 == len(file.pages) and not volumetric
    if series.kind == "imagej" and other.written.name in _IMAGEJ_TYPES:
        found = file.imagej_metadata or {}
        kept = {
            name: _escaped(value) if isinstance(value, str) and name != "Info" else value
            for name, value in found.items()
            if name not in _COUNTS
        }
        metadata = {**kept, "axes": series.axes}
        return {"imagej": True, "truncate": in_one_page, "metadata": metadata}
    options: dict[str, Any] = {"bigtiff": file.is_bigtiff}
    if series.kind == "ome" and len(file.series) == 1:
        return options | {"ome": True, "metadata": {"axes": series.axes, **_ome(file.ome_metadata)}}
    if series.kind == "shaped":
        found = (file.shaped_metadata or ({},))[0]
        kept = {name: value for name, value in found.items() if name not in ("shape", "truncated")}
        return options | {
            "metadata": kept,
            "volumetric": volumetric,
            "truncate": in_one_page,
        }
    return options | {"metadata": None, "description": _description(other.page)}


def _description(page: tifffile.TiffPage) -> str | bytes | None:
    """Return what a page says of itself; as bytes, as tifffile takes it, where it is not ASCII."""
    text = page.tags.valueof(_DESCRIPTION, "")
    if isinstance(text, str) and not text.isascii():
        return text.encode()
    return text or None


def _escaped(text: str) -> str:
    r"""Return a text in ASCII, as ImageJ writes it in a description: `\u00b5m` for micrometers."""
    return re.sub(r"[^\x00-\x7f]", lambda found: json.dumps(found[0])[1:-1], text)


def _ome(text: str | None) -> dict[str, Any]:
    """Return sizes and names of an OME-XML text, as tifffile takes them."""
    pixels = None if text is None else ElementTree.fromstring(text).find(".//{*}Pixels")
    if pixels is None:
        return {}
    kept: dict[str, Any] = {
        name: value
        for name, value in pixels.attrib.items()
        if name.startswith(("PhysicalSize", "TimeIncrement"))
    }
    names = [channel.get("Name") for channel in pixels.findall("{*}Channel")]
    return kept | ({"Channel": {"Name": names}} if names and all(names) else {})
