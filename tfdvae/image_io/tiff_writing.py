"""Writes a TIFF file in the kind of another one: its shape, type and metadata."""

import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from tfdvae.image_io import tiff_series
from tfdvae.image_io.tiff import TiffImages

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
        lost: gets the path of the other file and a reason where metadata are left out.

    Example:
        >>> like = LikeTiff(Path("stack.tif"), tally.lost)
        >>> like.write(Path("inverted.tif"), like.rows(255 - images))
    """

    def __init__(self, other: Path, lost: MutableMapping[Path, str]):
        self._other, self._lost = other, lost
        with TiffImages(other) as images:
            self._lead, self._count = images.lead, images.count
            self._dtype = images.written.newbyteorder(images.file.byteorder)
            self._planar = images.series.axes.endswith("SYX")
            self._options = _options(images)
            self._layout: dict[str, Any] = {}
            self._pages: list[dict[str, Any]] = []
            self._unread = ""
            try:
                layout = _layout(images)
                # OME has one text for all pages.
                self._pages = [] if "ome" in layout else _pages(images)
                self._layout = layout
            except (OSError, MemoryError):
                raise
            except Exception as error:  # tifffile raises almost anything
                self._unread = f"cannot be read: {_reason(error)}"

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
        """Write all rows of a stack, or one row; metadata that tifffile cannot write are lost.

        Args:
            path: of the file.
            rows: (N, ...) as `rows` returns them; may be mapped from the disk.

        Raises:
            ValueError: tifffile cannot write the images.
        """
        options = dict(self._options)
        color = rows.ndim == 4
        options |= {"photometric": "rgb" if color else "minisblack"}
        if color and self._planar:
            options["planarconfig"] = "separate"
        lead: tuple[int, ...] = ()
        pages: list[dict[str, Any]] = []
        if len(rows) == self._count:
            options |= self._layout
            lead, pages = self._lead, self._pages
        images = rows.reshape(*lead, *rows.shape[1:])
        plain = {name: options[name] for name in options if name not in self._layout}
        bare = {name: plain[name] for name in plain if name not in _TOLD}
        errors: list[Exception] = []
        for chosen in (options, plain, bare):
            try:
                _write(path, images, chosen, pages if chosen is options else [])
                break
            except (OSError, MemoryError):
                raise
            except Exception as error:  # tifffile raises almost anything
                errors.append(error)
        else:
            raise ValueError(_reason(errors[0])) from errors[0]
        if errors:
            self._lost[self._other] = f"cannot be written: {_reason(errors[0])}"
        elif self._unread:
            self._lost[self._other] = self._unread


def _reason(error: Exception) -> str:
    return str(error).strip() or type(error).__name__


def _write(
    path: Path, images: np.ndarray, options: dict[str, Any], pages: list[dict[str, Any]]
) -> None:
    """Write a stack in one go, or page by page where each has options of its own."""
    if not pages:
        tifffile.imwrite(path, images, **_with_axes_of(images, options))
        return
    kind = {name: options[name] for name in ("bigtiff", "byteorder")}
    own = (*kind, "resolution", "resolutionunit")
    common = {name: options[name] for name in options if name not in own}
    with tifffile.TiffWriter(path, **kind) as file:
        for image, page in zip(images, pages, strict=True):
            file.write(image, **_with_axes_of(image, {**common, **page}), contiguous=False)


def _with_axes_of(images: np.ndarray, options: dict[str, Any]) -> dict[str, Any]:
    """Return options without axes that images do not have, as of a page that became a stack."""
    metadata = options.get("metadata") or {}
    if len(metadata.get("axes", images.shape)) == images.ndim:
        return options
    return {**options, "metadata": {name: metadata[name] for name in metadata if name != "axes"}}


def _highest(dtype: np.dtype) -> float:
    return float(np.finfo(dtype).max if dtype.kind == "f" else np.iinfo(dtype).max)


def _options(other: TiffImages) -> dict[str, Any]:
    """Return the options for a page of its own."""
    page = other.page
    options: dict[str, Any] = {"byteorder": other.file.byteorder}
    if (profile := page.tags.get(_ICC_PROFILE)) is not None:
        options["iccprofile"] = profile.value
    options |= _resolution(page)
    compression = tifffile.COMPRESSION(page.compression)
    if compression.name in _LOSSLESS:
        options |= {"compression": compression, "predictor": page.predictor > 1}
    return options


def _resolution(page: tifffile.TiffPage) -> dict[str, Any]:
    sides = [page.tags.get(name) for name in ("XResolution", "YResolution")]
    if None in sides:
        return {}
    resolution = tuple(tag.value for tag in sides if tag is not None)
    return {"resolution": resolution, "resolutionunit": page.resolutionunit}


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
        return options | {"ome": True, "metadata": _ome(file, series.axes)}
    # One of a set of files stands alone from now on. OME has no axis I; Q is any other.
    if series.kind == "generic" and (own := _ome(file, series.axes.replace("I", "Q"))):
        return options | {"ome": True, "metadata": own}
    if series.kind == "shaped":
        return options | {"volumetric": volumetric, "truncate": in_one_page, **_told(other.page)}
    return options | _told(other.page)


def _told(page: tifffile.TiffPage) -> dict[str, Any]:
    """Return the options for what a page, which is not of ImageJ or OME, says of itself."""
    description = page.tags.valueof(_DESCRIPTION, "")
    metadata = None
    if page.is_shaped:
        shaped = page.shaped_description or ""
        try:
            found = json.loads(shaped) if shaped.startswith("{") else {}
            metadata = {name: found[name] for name in found if name not in ("shape", "truncated")}
            description = "" if description == shaped else description
        except ValueError:  # cut or edited: any text
            pass
    if isinstance(description, str) and not description.isascii():
        description = description.encode()  # tifffile takes it so
    return {"metadata": metadata, "description": description or None}


def _pages(other: TiffImages) -> list[dict[str, Any]]:
    """Return the options for each page of a stack; none where the first one's hold for all."""
    file, series = other.file, other.series
    alike = len(series.pages) == len(file.pages) == other.count > 1
    if series.kind not in ("shaped", "uniform", "generic") or not alike:
        return []
    if series.kind == "shaped" and not tiff_series.page(file, 1).is_shaped:
        return []
    found = (tiff_series.page(file, index) for index in range(other.count))
    pages = [_told(page) | _resolution(page) for page in found]
    first = pages[0]
    said = ({name: page[name] for name in page if page[name] is not None} for page in pages)
    return [] if all(first == first | page for page in said) else pages


def _escaped(text: str) -> str:
    r"""Return a text in ASCII, as ImageJ writes it in a description: `\u00b5m` for micrometers."""
    return re.sub(r"[^\x00-\x7f]", lambda found: json.dumps(found[0])[1:-1], text)


def _ome(file: tifffile.TiffFile, axes: str) -> dict[str, Any] | None:
    """Return axes, sizes and names of the OME-XML text of a file, as tifffile takes them.

    Where the text is of a set of files, it is the first image with a part in this one that counts;
    there are axes alone where the text does not tell which that is. None: there is no such text.
    """
    try:
        root = ElementTree.fromstring(file.ome_metadata or "<OME/>")
    except ElementTree.ParseError:
        return None
    images = root.findall(".//{*}Pixels")
    if not images:
        return None
    kept: dict[str, Any] = {"axes": axes}
    pixels = _in_file(images, root.get("UUID"), file.filename)
    if pixels is None:
        return kept
    kept |= {
        name: value
        for name, value in pixels.attrib.items()
        if name.startswith(("PhysicalSize", "TimeIncrement"))
    }
    names = [channel.get("Name") for channel in pixels.findall("{*}Channel")]
    if names and all(names) and ("C" in axes or len(names) == 1):
        kept["Channel"] = {"Name": names}
    return kept


def _in_file(
    images: list[ElementTree.Element], uuid: str | None, name: str
) -> ElementTree.Element | None:
    """Return the first of the images of a set that has a part in a file; None: it is not told.

    A file that was renamed is known by its UUID.
    """
    parts = [image.findall("{*}TiffData/{*}UUID") for image in images]
    for image, marks in zip(images, parts, strict=True):
        if uuid and uuid in [mark.text for mark in marks]:
            return image
    for image, marks in zip(images, parts, strict=True):
        if name.lower() in [mark.get("FileName", "").lower() for mark in marks]:
            return image
    return images[0] if len(images) == 1 else None
