"""Which pages of a TIFF file are its images."""

import json
import math
import re
from collections.abc import Hashable
from pathlib import Path

import tifffile

from tfdvae.image_io.decoding import Unsupported

ORIENTATION = 274
"""The tag that says how an image is turned."""

# Those of frames are time, depth, channel, sequence, and those that have no name.
_AXES = re.compile("([TZCIQ]*)(YXS?|SYX)")


def open_file(path: Path) -> tifffile.TiffFile:
    """Return a file as tifffile opens it; one of an OME set without the others."""
    return tifffile.TiffFile(path, _multifile=False)


def page(file: tifffile.TiffFile, index: int) -> tifffile.TiffPage:
    """Return a page of a file, with its tags."""
    found = file.pages.get(index)
    return found if isinstance(found, tifffile.TiffPage) else found.aspage()


def of(file: tifffile.TiffFile) -> tifffile.TiffPageSeries:
    """Return the images of a file; pages that were written one by one are one stack.

    Pages of other files, which belong to the same set, are not among them.

    Raises:
        Unsupported: images of several sizes or kinds.
    """
    if _each_an_image(file) and (stack := _stacked(file, "shaped")) is not None:
        return stack
    series = _found(file)
    if any(one.is_multifile or one.keyframe.parent is not file for one in series) or not series:
        if (stack := _stacked(file, "generic")) is None:
            raise Unsupported("must hold pages of one size and type; it is one of a set of files")
        return stack
    if _taken_for_alike(file, series):
        if (stack := _stacked(file, series[0].kind)) is None:
            raise Unsupported("must hold pages of one size, type and color")
        return stack
    planes = len(series) > 1 and all(map(_is_plane, series))
    if planes and (stack := _stacked(file, series[0].kind)) is not None:
        return stack
    if len(series) != 1:
        sizes = list(dict.fromkeys("x".join(map(str, one.shape)) for one in series))
        kinds = "of the sizes " + ", ".join(sizes[:3]) if len(sizes) > 1 else f"of {sizes[0]}"
        raise Unsupported(f"must hold one image or one stack; got {len(series)} {kinds}")
    if len(series[0].levels) > 1:
        raise Unsupported(
            f"must hold images of one size; it is a pyramid of {len(series[0].levels)}"
        )
    return series[0]


def _found(file: tifffile.TiffFile) -> list[tifffile.TiffPageSeries]:
    """Return what tifffile finds in a file; none where it needs other files, which may be gone."""
    if file.is_ndtiff:
        return []
    try:
        return file.series
    except (OSError, ValueError):
        if not (file.is_mmstack or file.is_ome):
            raise
        return []


def _taken_for_alike(file: tifffile.TiffFile, series: list[tifffile.TiffPageSeries]) -> bool:
    """Return whether tifffile made one stack of all pages of a file that says nothing of them.

    It looked at four of many pages, and of no page at colors and at how it is turned.
    """
    first, unsaid = series[0], series[0].kind in ("uniform", "generic")
    several = len(first.pages) == len(file.pages) > 1
    return unsaid and several and len(series) == 1 and not first.keyframe.subifds


def _each_an_image(file: tifffile.TiffFile) -> bool:
    """Return whether tifffile wrote each page as an image of its own.

    The time in which it finds the series of such a file grows as the square of their number.
    """
    several = file.is_shaped and len(file.pages) > 1
    return several and all(_is_alone(page(file, index)) for index in range(2))


def _is_alone(page: tifffile.TiffPage) -> bool:
    """Return whether tifffile described a page as one image."""
    try:
        shape = json.loads(page.shaped_description or "")["shape"]
        return math.prod(shape) == math.prod(page.shape)
    except (ValueError, KeyError, TypeError):
        return False


def _is_plane(series: tifffile.TiffPageSeries) -> bool:
    """Return whether a series is one image, in a page of its own."""
    match = _AXES.fullmatch(series.axes)
    alone = len(series.pages) == len(series.levels) == 1
    return alone and match is not None and math.prod(series.shape[: len(match[1])]) == 1


def _look(page: tifffile.TiffPage) -> tuple[Hashable, ...]:
    """Return what pages of one stack have in common."""
    colors = None if page.colormap is None else page.colormap.tobytes()
    tags = [page.photometric, page.extrasamples, page.tags.valueof(ORIENTATION), colors]
    return page.shape, page.axes, str(page.dtype), page.subifds, *tags


def _stacked(file: tifffile.TiffFile, kind: str) -> tifffile.TiffPageSeries | None:
    """Return all pages of a file as a stack of a kind; None where they do not look alike."""
    first = file.pages.first
    look = _look(first)
    pages: list[tifffile.TiffPage | tifffile.TiffFrame | None] = []
    for index in range(len(file.pages)):
        found = page(file, index)
        if _look(found) != look or (kind == "shaped" and not _is_alone(found)):
            return None
        alike = found.hash == first.hash and found.is_contiguous == first.is_contiguous
        if index and alike:  # a frame needs less memory
            pages.append(tifffile.TiffFrame(file, index, offset=found.offset, keyframe=first))
        else:
            pages.append(found)
    shape, axes = (len(pages), *first.shape), f"I{first.axes}"
    return tifffile.TiffPageSeries(pages, shape, first.dtype, axes, parent=file, kind=kind)


def split_axes(
    series: tifffile.TiffPageSeries,
) -> tuple[tuple[int, ...], tuple[int, ...], str]:
    """Return the shape of a stack, the shape of one of its images, and the axes of the latter.

    Raises:
        Unsupported: axes that no stack has, such as wavelengths.
    """
    match = _AXES.fullmatch(series.axes)
    if match is None:
        named = [tifffile.TIFF.AXES_NAMES.get(axis, axis) for axis in series.axes]
        raise Unsupported(
            f"must hold images, or a stack of them in time, depth or channels; its axes are "
            f"{', '.join(named)}"
        )
    lead = len(match[1])
    return series.shape[:lead], series.shape[lead:], match[2]
