"""Images from a folder, decoded once into the user's cache folder and memory-mapped from there.

Gray or in color, in folders as deep as they come. Hidden files and litter are ignored; images of
other formats are left out with a notice.
"""

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from tfdvae._utils import files
from tfdvae.config.data import BACKGROUNDS
from tfdvae.data import cache, splits
from tfdvae.data import groups as grouping
from tfdvae.data.image_dataset import ImageDataset
from tfdvae.data.sources import folder_listing, folder_stacks
from tfdvae.data.sources.base import Request, register_source
from tfdvae.data.sources.folder_decoding import HOW_TO_SKIP, decode_folder
from tfdvae.data.sources.paths import PathSource, local_path, with_findings
from tfdvae.image_io.codec import Unreadable
from tfdvae.image_io.listing import describe_links, printable_path

_DECODING = 5
"""Changes where files are decoded in another way, so that the cache is made anew."""


@register_source
class FolderSource(PathSource):
    """A folder of images, or a TIFF stack; see `load_folder`."""

    name = "folder"
    description = "a folder of images"
    options = PathSource.options | {"noisy_dir", "image_size", "skip_unreadable", "background"}

    def accepts(self, text: str) -> bool:
        path = local_path(text)
        return path is not None and (path.is_dir() or path.suffix != ".npz")

    def check(self, request: Request) -> None:
        super().check(request)
        if request.noisy_dir is None:
            return
        noisy = Path(request.noisy_dir).expanduser()
        if not noisy.is_dir():
            raise FileNotFoundError(f"`noisy_dir` {request.noisy_dir} is not a folder.")
        if not self.path(request).is_dir():
            raise ValueError(
                f"`dataset` {request.dataset} must be a folder where `noisy_dir` is given."
            )
        if noisy.samefile(self.path(request)):
            raise ValueError(
                "`noisy_dir` must be another folder than `dataset`; "
                f"got {request.noisy_dir} for both."
            )

    def load(self, request: Request) -> ImageDataset:
        return load_folder(
            self.path(request),
            None if request.noisy_dir is None else files.absolute(request.noisy_dir),
            request.image_size,
            request.skip_unreadable,
            request.labelled,
            request.n_train,
            None if request.groups is None else grouping.read(request.groups),
            request.white,
            request.background,
            request.cross_validated,
        )


def load_folder(
    folder: Path,
    noisy: Path | None = None,
    image_size: Sequence[int] | None = None,
    skip_unreadable: bool = False,
    labelled: bool = True,
    n_train: int | None = None,
    groups: dict[str, str] | None = None,
    white: float | str | None = None,
    background: str | None = None,
    cross_validated: bool = False,
) -> ImageDataset:
    """Return the images of a folder, each with a noisy one where `noisy` is given.

    A folder has the folders `train` and `test` (or `training` and `testing`, in large or small
    letters); otherwise a fixed stratified fifth of its images is held out. Below, each folder is a
    class, in the order of their names; or there are images alone, without labels: `class_names` is
    then empty and labels are 0. Beside `train` and `test`, a folder with validation images is
    ignored. Links are followed.

    Args:
        folder: of the images, or a file: a TIFF stack.
        noisy: folder with a noisy image for each one of `folder`, which is then clean. Both have
            the same path below their folders, but for the suffix. Class folders have no meaning
            then.
        image_size: height and width to which images are resized, whatever their proportions were,
            by Pillow's antialiased bilinear filter. None: they must have one size.
        skip_unreadable: skip images that cannot be read, and say so in `notice`.
        labelled: labels are needed, with at least two images of each class.
        n_train: training images that are needed, if it is known.
        groups: group of each image by its path below `folder`; whole groups are then held out.
        white: the value that stands for white in the files; `auto`: the largest one in them. None:
            the largest value of their type. The images get the whole range of their type.
        background: `white` or `black`, what transparent parts are put on. None: white, and `notice`
            says how many images have them.
        cross_validated: as of `base.Request`.

    Raises:
        Unreadable: an image cannot be read, or has values above `white`.
        ValueError: no images, fewer than needed, images of different sizes, folders or groups that
            do not fit.
    """
    root = folder if folder.is_dir() else folder.parent
    listing = (
        folder_listing.list_classes(folder)
        if noisy is None
        else folder_listing.list_pairs(folder, noisy)
    )
    if labelled and not listing.class_names:
        raise ValueError(
            f"`dataset` {printable_path(folder)} has images without class folders, so no labels; "
            "`tfdvae train --no-classifier` does without."
        )
    roots = [root] if noisy is None else [folder, noisy]
    mark = folder_listing.fingerprint(listing, roots)
    listing = folder_stacks.spread(listing)
    numbers = _groups(listing, root, groups)
    held_out = listing.test is None
    test = _hold_out(listing, numbers, groups is not None) if held_out else listing.test
    assert test is not None
    check_classes = partial(
        splits.check_classes,
        class_names=listing.class_names,
        held_out=held_out,
        grouped=groups is not None and not cross_validated,
    )
    if labelled:
        check_classes(listing.labels[~test], listing.labels[test])
    if n_train is not None and n_train > (available := int((~test).sum())):
        raise ValueError(
            f"`n_train` must not exceed the {available:,} training images of "
            f"{printable_path(folder)}; got {n_train:,}."
        )
    behind = background or BACKGROUNDS[0]
    told = [_DECODING, str(folder), str(noisy), image_size, white, behind, mark]
    key = hashlib.sha256(json.dumps(told).encode() + test.tobytes()).hexdigest()[:16]
    decoded = cache.load_or_build(
        f"{folder.name}-{key}",
        with_findings(
            partial(
                decode_folder, listing, test, folder, image_size, skip_unreadable, white, behind
            ),
            listing.names(root).__getitem__,
        ),
        ("images", "labels", "rows") if noisy is None else ("images", "labels", "rows", "noisy"),
    )
    others = [describe_links(path) for path in roots] if folder.is_dir() else []
    if folder.is_dir():
        others.append(folder_listing.describe_others(folder))
    if noisy is not None:
        others.append(folder_listing.describe_others(noisy, "noisy_dir"))
    skipped = decoded.info["skipped"]
    if skipped and not skip_unreadable:
        raise Unreadable(skipped[0] + HOW_TO_SKIP)
    if labelled and skipped:
        check_classes(decoded.train.labels, decoded.test.labels)
    found = [decoded.info[name] for name in ("dark", "constant", "duplicates")]
    found += [] if background else [decoded.info["transparent"]]
    said = [
        _describe_skipped(skipped),
        *others,
        folder_stacks.describe(listing, groups is not None, cross_validated),
        *found,
    ]
    dataset = ImageDataset(
        str(folder),
        tuple(decoded.info["class_names"]),
        grouping.add_to(decoded.train, numbers),
        grouping.add_to(decoded.test, numbers),
        "\n".join(line for line in said if line),
        grouping.fingerprint(mark, groups),
        held_out,
        decoded.info["white"],
    )
    return dataset.with_examined(found)


def _groups(
    listing: folder_listing.FolderListing, folder: Path, groups: dict[str, str] | None
) -> np.ndarray | None:
    """Return a number for each group of images, those of the user or the files of stacks."""
    if groups is None:
        return folder_stacks.groups(listing)
    names = listing.names(folder)
    if listing.frames is not None:
        files = dataclasses.replace(listing, frames=None).names(folder)
        groups = folder_stacks.spread_groups(groups, files, names)
    return grouping.number(groups, names, listing.test)


def _hold_out(
    listing: folder_listing.FolderListing, numbers: np.ndarray | None, grouped: bool
) -> np.ndarray:
    """Return which images are held out as test images, bool (N,): of stacks, whole files."""
    found = None
    if numbers is not None and not grouped:
        found = splits.hold_out_of_each_class(listing.labels, numbers)
    found = found or splits.hold_out_test(listing.labels, numbers)
    return np.isin(np.arange(len(listing.items)), found[1])


def _describe_skipped(messages: list[str], shown: int = 5) -> str:
    if not messages:
        return ""
    count = f"{len(messages):,} image{'s were' if len(messages) > 1 else ' was'} skipped."
    more = f" And {len(messages) - shown:,} more." if len(messages) > shown else ""
    return f"{count} {' '.join(messages[:shown])}{more}"
