"""Images from folders, decoded once into the user's cache folder and memory-mapped from there.

PNG, JPEG, BMP and TIFF, of 8 and 16 bit, gray or in colour, in folders as deep as they come; hidden files and other files are left
alone. Where one image has 16 bits, all become uint16 (8-bit values times 257), otherwise uint8. Where one is in colour, all have three
channels, otherwise one. Alpha is dropped, palettes are expanded, and the orientation that a camera noted is applied.
"""

import contextlib
import hashlib
import io
import json
import logging
import math
import os
import struct
import threading
import warnings
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError
from tqdm import tqdm

from tfdvae import files
from tfdvae.data import decoded, grouping, splits

_FORMAT = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".bmp": "BMP", ".tif": "TIFF", ".tiff": "TIFF"}
SUFFIXES = tuple(_FORMAT)
MOST_PIXELS = 50_000_000
PAIRS = (*decoded.OWN_ARRAYS, "train_noisy", "test_noisy")
_FORMATS = tuple(dict.fromkeys(_FORMAT.values()))
_GRAY = ("1", "L", "LA", "La", "I;16", "I;16B", "I;16L")
_PARTS = {"train": "train", "training": "train", "test": "test", "testing": "test"}
_OTHER_PARTS = {"dev", "val", "valid", "validation"}
_ORIENTATION = 0x0112
_HEAD = 26  # bytes of a PNG file up to its depth and colour


class Unreadable(ValueError):
    """A file that is no image that can be read."""


@dataclass(frozen=True)
class _Listing:
    """What is in a folder.

    Attributes:
        class_names: one name a class, none for an unlabelled folder.
        items: files of each image: one, or a clean one and a noisy one.
        labels: int64, one an item.
        test: bool, one an item; or None where test images are to be held out.
    """

    class_names: tuple[str, ...]
    items: list[tuple[Path, ...]]
    labels: np.ndarray
    test: np.ndarray | None


@dataclass(frozen=True)
class _Kind:
    """Size and kind of one image, or of all decoded ones."""

    height: int
    width: int
    gray: bool
    sixteen: bool


def load(
    folder: Path,
    noisy: Path | None = None,
    image_size: tuple[int, int] | None = None,
    skip_unreadable: bool = False,
    labelled: bool = True,
    n_train: int | None = None,
    groups: dict[str, str] | None = None,
) -> dict:
    """Return the arrays of `decoded.OWN_ARRAYS`, `class_names`, `skipped` and `fingerprint`; with `noisy` also those of `PAIRS`.

    A folder has the folders `train` and `test` (or `training` and `testing`, large or small), or a fixed stratified fifth of its images is
    held out. Below, each folder is a class, in the order of their names, or all images are there without labels: `class_names` is then
    empty and labels are 0. Beside `train` and `test`, a folder with validation images is left alone. Links are followed.

    Args:
        folder: of the images.
        noisy: folder with a noisy image for each one of `folder`, which is then clean: of the same name below it, but perhaps for
            the suffix. Class folders have no meaning then.
        image_size: height and width to which images are resized, with Pillow's antialiased bilinear filter, whatever
            their proportions were. None: they must have one size.
        skip_unreadable: leave out images that cannot be read, and list them in `skipped`.
        labelled: labels are needed, with two images of each class at least.
        n_train: training images that are needed, if it is known.
        groups: group of each image by its path below `folder`; whole groups are then held out, and `train_groups` and `test_groups`, their
            numbers, come along.

    Raises:
        ValueError: no images, fewer than needed, images that cannot be read (the file is named), sizes that differ, folders or
            groups that do not fit.
    """
    listing = _list_pairs(folder, noisy) if noisy is not None else _list_classes(folder)
    if labelled and not listing.class_names:
        raise ValueError(f"`dataset` {folder} has images without class folders, so no labels; --no-classifier does without.")
    names = [shown(item[0].relative_to(folder).as_posix()) for item in listing.items]
    numbers = None if groups is None else grouping.number(groups, names, listing.test)
    held_out, test = listing.test is None, listing.test
    if held_out:
        test = np.isin(np.arange(len(names)), splits.hold_out_test(listing.labels, numbers)[1])
    check = partial(splits.check_classes, class_names=listing.class_names, held_out=held_out, grouped=groups is not None)
    if labelled:
        check(listing.labels[~test], listing.labels[test])
    if n_train is not None and n_train > (~test).sum():
        raise ValueError(f"`n_train` must not exceed the {(~test).sum():,} training images of {shown(folder)}; got {n_train:,}.")
    mark = _fingerprint(listing, [root for root in (folder, noisy) if root is not None])
    key = hashlib.sha256(json.dumps([str(folder), str(noisy), image_size, mark]).encode() + test.tobytes()).hexdigest()[:16]
    arrays = PAIRS if noisy is not None else decoded.OWN_ARRAYS
    decode = partial(_decode_all, replace(listing, test=test), folder, image_size, skip_unreadable)
    found = decoded.kept(f"{folder.name}-{key}", decode, arrays)
    if found["skipped"] and not skip_unreadable:
        raise Unreadable(found["skipped"][0] + _WAY_OUT)
    if labelled and found["skipped"]:
        check(found["train_labels"], found["test_labels"])
    return found | grouping.of_parts(numbers, found) | {"fingerprint": mark}


_WAY_OUT = " --skip-unreadable leaves such images out."


def _fingerprint(listing: _Listing, roots: list[Path]) -> str:
    """Return what changes where a file is added, removed or written."""
    digest = hashlib.sha256()
    for item in listing.items:
        for path, root in zip(item, roots, strict=True):
            try:
                status = path.stat()
                mark = f"{status.st_size}\0{status.st_mtime_ns}"
            except OSError:  # a link to nothing, which is reported as it is read
                mark = "none"
            digest.update(os.fsencode(path.relative_to(root).as_posix()) + f"\0{mark}\n".encode())
    return digest.hexdigest()


def shown(path: Path | str) -> str:
    """Return a path as it can be printed and written, also where its name is no UTF-8."""
    return os.fsencode(path).decode(errors="backslashreplace")


def _visible(folder: Path) -> dict[Path, bool]:
    """Return folders and images right in a folder, by name, without the hidden ones, and whether each is a folder."""
    with os.scandir(folder) as entries:
        found = sorted((entry.name, entry.is_dir()) for entry in entries if not entry.name.startswith("."))
    return {folder / name: is_folder for name, is_folder in found if is_folder or os.path.splitext(name)[1].lower() in SUFFIXES}


def below(folder: Path, argument: str = "dataset", above: tuple[Path, ...] = ()) -> list[Path]:
    """Return all images below a folder, by name, also behind links.

    Raises:
        ValueError: a link leads to one of the folders that it is in.
        OSError: a folder cannot be read.
    """
    return sorted(_walk(folder, argument, above), key=Path.as_posix)


def of_other_formats(folder: Path) -> list[Path]:
    """Return the images below a folder that `below` leaves out, for they are in formats that are not read here."""
    formats = set(Image.registered_extensions()) - set(SUFFIXES)
    found = (Path(root, name) for root, _, names in os.walk(folder) for name in names if os.path.splitext(name)[1].lower() in formats)
    return sorted(path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts))


def _walk(folder: Path, argument: str, above: tuple[Path, ...]) -> Iterator[Path]:
    real = folder.resolve()
    if real in above:
        raise ValueError(f"`{argument}` must hold no link to a folder that the link is in; got {shown(folder)}.")
    for path, is_folder in _visible(folder).items():
        if is_folder:
            yield from _walk(path, argument, (*above, real))
        else:
            yield path


def find_parts(folder: Path, argument: str = "dataset") -> dict[str, Path]:
    """Return the folders with training and with test images by the names `train` and `test`, nothing where there are none.

    Raises:
        ValueError: the folder holds one of them with nothing else, or both with what belongs to neither, or one twice.
    """
    inside = _visible(folder)
    found: dict[str, Path] = {}
    others = []
    for path in inside:
        part = _PARTS.get(path.name.lower()) if path.is_dir() else None
        if part in found:
            raise ValueError(f"`{argument}` {shown(folder)} must hold one folder for {part}; got {found[part].name} and {path.name}.")
        if part is not None:
            found[part] = path
        elif not (path.is_dir() and path.name.lower() in _OTHER_PARTS):
            others.append(path)
    if len(found) == 2 and others:
        raise ValueError(f"`{argument}` {shown(folder)} must hold nothing beside train and test; got {shown(others[0].name)}.")
    if len(found) == 2 or not inside:
        return found
    if not others:
        names = ", ".join(shown(path.name) for path in inside)
        raise ValueError(f"`{argument}` {shown(folder)} must hold train and test, or a folder for each class; got {names} alone.")
    return {}


def _list_classes(folder: Path) -> _Listing:
    parts = find_parts(folder)
    if not parts:
        return _Listing(*_list_part(folder), None)
    names, train, labels = _list_part(parts["train"])
    test_names, test, test_labels = _list_part(parts["test"])
    if bool(names) != bool(test_names):
        raise ValueError(f"`dataset` {folder} must have class folders in train and in test, or in neither.")
    if unknown := sorted(set(test_names) - set(names)):
        raise ValueError(f"`dataset` {folder} has a class in test that is not in train: {unknown[0]}.")
    if names:
        test_labels = np.array([names.index(name) for name in test_names])[test_labels]
    return _Listing(names, train + test, np.concatenate([labels, test_labels]), np.repeat([False, True], [len(train), len(test)]))


def _list_part(folder: Path) -> tuple[tuple[str, ...], list[tuple[Path, ...]], np.ndarray]:
    """Return class names, images and labels of a folder without `train` and `test`."""
    inside = _visible(folder)
    classes = [path for path in inside if path.is_dir()]
    loose = [path for path in inside if not path.is_dir()]
    if loose and classes:
        raise ValueError(
            f"`dataset` {folder} holds images beside folders ({loose[0].name}, {classes[0].name}); it must have a folder for each class, "
            f"or images alone."
        )
    by_class = [below(path, above=(folder.resolve(),)) for path in classes] or [loose]
    for path, found in zip(classes or [folder], by_class, strict=True):
        if not found:
            raise ValueError(f"`dataset` {path} holds no images ({', '.join(SUFFIXES)}).")
    labels = np.repeat(np.arange(len(by_class)), list(map(len, by_class)))
    return tuple(shown(path.name) for path in classes), [(path,) for found in by_class for path in found], labels


def _list_pairs(clean: Path, noisy: Path) -> _Listing:
    named = {argument: _by_name(folder, argument) for argument, folder in (("dataset", clean), ("noisy_dir", noisy))}
    for argument, other in (("dataset", "noisy_dir"), ("noisy_dir", "dataset")):
        if lacking := sorted(set(named[other]) - set(named[argument])):
            listed = ", ".join(lacking[:3]) + (", ..." if len(lacking) > 3 else "")
            raise ValueError(f"`{argument}` must have an image for each one of `{other}`; it lacks {len(lacking)}: {listed}.")
    names = sorted(named["dataset"])
    test = np.array([name.startswith("test/") for name in names]) if find_parts(clean) else None
    return _Listing((), [(named["dataset"][name], named["noisy_dir"][name]) for name in names], np.zeros(len(names), np.int64), test)


def _by_name(folder: Path, argument: str) -> dict[str, Path]:
    """Return the images below a folder by their names without suffix; where it has `train` and `test`, those below these alone."""
    named: dict[str, Path] = {}
    for part, root in (find_parts(folder, argument) or {".": folder}).items():
        for path in below(root, argument):
            name = (part / path.relative_to(root)).with_suffix("").as_posix()
            if name in named:
                first, second = (shown(found.name) for found in (named[name], path))
                raise ValueError(f"`{argument}` {shown(folder)} must hold one image of a name; got {first} and {second}.")
            named[name] = path
    if not named:
        raise ValueError(f"`{argument}` {shown(folder)} holds no images ({', '.join(SUFFIXES)}).")
    return named


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Name the file whatever a decoder raises: damaged files make them raise almost anything."""
    name = shown(path)
    try:
        if not path.is_file():
            raise Unreadable(f"the image {name} cannot be read: it is no file, or a link to nothing.")
        yield
    except (Unreadable, MemoryError):
        raise
    except UnidentifiedImageError:
        raise Unreadable(f"the image {name} cannot be read: it is no PNG, JPEG, BMP or TIFF file, or it ends too early.") from None
    except Image.DecompressionBombError:
        raise Unreadable(f"the image {name} has more than {MOST_PIXELS:,} pixels.") from None
    except Exception as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise Unreadable(f"the image {name} cannot be read: {reason.rstrip('.')}.") from None


def _probe(path: Path) -> _Kind:
    """Return size and kind of an image from its header."""
    with _reading(path), open(path, "rb") as file:
        head = file.read(_HEAD)
        with Image.open(path, formats=_FORMATS) as image:
            return _kind_of(path, image, head)


def _kind_of(path: Path, image: Image.Image, head: bytes) -> _Kind:
    width, height = image.size
    if width * height > MOST_PIXELS:
        raise Unreadable(f"the image {shown(path)} has {width}x{height} pixels, more than {MOST_PIXELS:,}.")
    if image.format in ("PNG", "TIFF") and image.n_frames > 1:
        raise Unreadable(f"{shown(path)} must hold one image; got {image.n_frames}.")
    bits, gray = _depth(image, head)
    if bits > 16 or image.mode in ("I", "F", "I;16S", "I;16BS") or (bits not in (8, 16) and image.mode.startswith("I;16")):
        raise Unreadable(f"the image {shown(path)} must have 8 or 16 bits a channel; got {bits} of mode {image.mode}.")
    if _turn(image) >= 5:
        width, height = height, width
    return _Kind(height, width, gray, bits == 16)


def read(path: Path) -> np.ndarray:
    """Return the pixels of an image as they are: uint8 or uint16 (H, W, 1) or (H, W, 3).

    Raises:
        Unreadable: no image of 8 or 16 bits that can be read, with the file's name.
    """
    with _reading(path):
        data = path.read_bytes()
        if (pixels := _decode_plain_png(data)) is not None:
            return pixels
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            kind = _kind_of(path, image, data[:_HEAD])
            return _pixels(image, data, kind.sixteen, kind.gray)


def _decode_plain_png(data: bytes) -> np.ndarray | None:
    """Return the pixels, uint8 (H, W, 1) or (H, W, 3), of a PNG file that is not interlaced and holds one block of them and nothing else, or None.

    Small images without metadata are such files, which take less than half as long without Pillow. What is damaged is left to it.
    """
    if data[:16] != b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" or data[24:29] not in (b"\x08\x00\0\0\0", b"\x08\x02\0\0\0"):
        return None
    end = 41 + int.from_bytes(data[33:37])
    if data[37:41] != b"IDAT" or data[end : end + 4] != zlib.crc32(data[37:end]).to_bytes(4) or data[end + 8 : end + 12] != b"IEND":
        return None
    if math.prod(struct.unpack(">2I", data[16:24])) > MOST_PIXELS:
        return None
    import imagecodecs

    try:
        pixels = imagecodecs.png_decode(data)
    except imagecodecs.PngError:
        return None
    return pixels if pixels.ndim == 3 else pixels[..., None]


def write(path: Path, pixels: np.ndarray) -> None:
    """Write an image in the format that the suffix names, in one step; JPEG with quality 95.

    Args:
        path: its suffix is one of `SUFFIXES`; its folder is there.
        pixels: uint8 or uint16 (H, W, 1) or (H, W, 3).

    Raises:
        ValueError: uint16 pixels for a format that has none, or more than it can hold, no suffix of an image, or a folder of that name.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES or (pixels.dtype == np.uint16 and _FORMAT[suffix] not in ("PNG", "TIFF")):
        wanted = ", ".join(SUFFIXES) if suffix not in SUFFIXES else ".png or .tif for 16 bits"
        raise ValueError(f"the image {shown(path)} must have the suffix {wanted}.")
    temporary = path.with_name(f".tmp-{os.getpid()}-{threading.get_ident()}")  # short, and no image to anybody who lists the folder
    try:
        _encode(temporary, pixels[..., 0] if pixels.shape[-1] == 1 else pixels, _FORMAT[suffix])
        os.replace(temporary, path)
    except IsADirectoryError:
        temporary.unlink()
        raise ValueError(f"the image {shown(path)} cannot be written: there is a folder of that name.") from None
    except RuntimeError as error:  # of imagecodecs, whose PNG files end at a million pixels a side
        temporary.unlink(missing_ok=True)
        raise ValueError(f"the image {shown(path)} cannot be written: {error}.") from None
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _encode(path: Path, pixels: np.ndarray, kind: str) -> None:
    if kind == "PNG":
        import imagecodecs

        path.write_bytes(imagecodecs.png_encode(np.ascontiguousarray(pixels)))  # Pillow is slower, and keeps 8 bits of more in colour
    elif pixels.dtype == np.uint8:
        encoded = io.BytesIO()  # Pillow opens files to read them too, which takes longer
        Image.fromarray(pixels).save(encoded, kind, **({"quality": 95} if kind == "JPEG" else {}))
        path.write_bytes(encoded.getvalue())
    else:
        import tifffile

        tifffile.imwrite(path, pixels, photometric="rgb" if pixels.ndim == 3 else "minisblack")


def _depth(image: Image.Image, head: bytes) -> tuple[int, bool]:
    """Return the bits a channel in the file and whether it is gray; Pillow's own modes have 8 bits for any image in colour."""
    if image.format == "PNG":
        bits, colour = head[24:26]
        return bits, colour in (0, 4)
    bits = max(image.tag_v2.get(258, (1,))) if image.format == "TIFF" else 8
    return bits, image.mode in _GRAY


def _turn(image: Image.Image) -> int:
    """Return the orientation that is left to apply, 1 where it is none of EXIF's: Pillow turns TIFF files by itself."""
    if image.format == "TIFF":
        return 1
    turn = Image.Image.getexif(image).get(_ORIENTATION, 1)  # PNG's own method would decode the image
    return turn if turn in range(1, 9) else 1


def _decode(path: Path, kind: _Kind, resized: bool) -> np.ndarray:
    """Return the pixels of an image, unsigned integers (H, W, C) of the given kind."""
    with _reading(path):
        data = path.read_bytes()  # Pillow scrambles TIFF files to be turned that it maps from the disk
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            bits, gray = _depth(image, data[:_HEAD])
            pixels = _pixels(image, data, bits == 16, gray)
        if kind.sixteen and pixels.dtype == np.uint8:
            pixels = pixels.astype(np.uint16) * 257
        if resized:
            pixels = _resize(pixels, kind.height, kind.width)
        elif pixels.shape[:2] != (kind.height, kind.width):
            height, width = pixels.shape[:2]
            raise Unreadable(f"the image {shown(path)} has {height}x{width} pixels, and its header says otherwise.")
        return np.repeat(pixels, 3, axis=-1) if pixels.shape[-1] == 1 and not kind.gray else pixels


def _pixels(image: Image.Image, data: bytes, sixteen: bool, gray: bool) -> np.ndarray:
    """Return the pixels of an image, turned as it is meant: uint8 or uint16 (H, W, 1) or (H, W, 3)."""
    if sixteen:
        pixels, turn = _decode_sixteen(image, data)
    else:
        pixels, turn = np.asarray(image.convert("L" if gray else "RGB")), _turn(image)
    return _TURNS.get(turn, _TURNS[1])(pixels if pixels.ndim == 3 else pixels[..., None])


def _decode_sixteen(image: Image.Image, data: bytes) -> tuple[np.ndarray, int]:
    """Return uint16 pixels (H, W) or (H, W, 3), of which Pillow would keep 8 bits where they are in colour, and their orientation."""
    import imagecodecs
    import tifffile

    turn = _turn(image)
    if image.format == "PNG":
        pixels = imagecodecs.png_decode(data)
    else:
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            page = file.pages[0]
            pixels = np.moveaxis(page.asarray(), 0, -1) if page.axes == "SYX" else page.asarray()
            turn = page.tags[_ORIENTATION].value if _ORIENTATION in page.tags else 1
            if page.photometric == tifffile.PHOTOMETRIC.MINISWHITE:
                pixels = ~pixels
            elif page.photometric not in (tifffile.PHOTOMETRIC.MINISBLACK, tifffile.PHOTOMETRIC.RGB):
                raise ValueError(f"16-bit pixels must be gray or RGB; got {page.photometric.name}")
    if pixels.dtype != np.uint16 or pixels.ndim not in (2, 3):
        raise ValueError(f"unsigned 16-bit pixels expected; got {pixels.dtype} {pixels.shape}")
    if pixels.ndim == 3:
        pixels = pixels[..., :3] if pixels.shape[-1] >= 3 else pixels[..., 0]
    return pixels, turn


_TURNS = {
    1: lambda pixels: pixels,
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: pixels[::-1].swapaxes(0, 1),
    7: lambda pixels: pixels[::-1, ::-1].swapaxes(0, 1),
    8: lambda pixels: pixels[:, ::-1].swapaxes(0, 1),
}


def _resize(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return integer pixels (H, W, C) at another size, computed in floating point for each channel."""
    if pixels.shape[:2] == (height, width):
        return pixels
    channels = (Image.fromarray(channel.astype(np.float32)) for channel in np.moveaxis(pixels, -1, 0))
    resized = [np.asarray(channel.resize((width, height), Image.Resampling.BILINEAR)) for channel in channels]
    return np.rint(np.stack(resized, axis=-1)).clip(0, np.iinfo(pixels.dtype).max).astype(pixels.dtype)


def _decode_all(listing: _Listing, folder: Path, image_size: tuple[int, int] | None, skip_unreadable: bool, out: Path) -> dict:
    """Write all images and labels to the folder `out` and return what else is to be known of them."""
    skipped = []

    def leave_out(error: Unreadable) -> None:
        if not skip_unreadable:
            raise Unreadable(f"{error}{_WAY_OUT}") from None
        skipped.append(str(error))

    with quiet():
        kind, usable = _common_kind(listing.items, folder, image_size, leave_out)
        for part, chosen in (("train", ~listing.test), ("test", listing.test)):
            rows = np.flatnonzero(chosen & usable)
            names = [f"{part}_images", f"{part}_noisy"][: len(listing.items[0])]
            kept = _decode_part([listing.items[row] for row in rows], [out / f"{name}.npy" for name in names], kind, image_size is not None,
                                leave_out, f"Decoding {folder.name}/{part}")  # fmt: skip
            if not kept:
                raise ValueError(f"`dataset` {folder} has no {part} image that can be read.")
            np.save(out / f"{part}_rows.npy", rows[kept])
            np.save(out / f"{part}_labels.npy", listing.labels[rows[kept]])
        return {"class_names": listing.class_names, "skipped": skipped}


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Pillow and tifffile warn of files that then cannot be read; the message about the file is enough."""
    logger = logging.getLogger("tifffile")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)


def _common_kind(items, folder, image_size, leave_out) -> tuple[_Kind, np.ndarray]:
    """Return the kind that all images get, and which of the items have headers that can be read."""
    kinds, usable = {}, np.zeros(len(items), bool)
    for row, item in enumerate(tqdm(items, f"Reading headers of {folder.name}", unit="image", dynamic_ncols=True, mininterval=0.5)):
        try:
            found = [(_probe(path), path) for path in item]
        except Unreadable as error:
            leave_out(error)
            continue
        usable[row] = True
        for kind, path in found:
            kinds.setdefault(kind, path)
    if not kinds:
        raise ValueError(f"`dataset` {folder} has no image that can be read.")
    sizes = {(kind.height, kind.width): path for kind, path in kinds.items()}
    if image_size is None and len(sizes) > 1:
        some = " and ".join(f"{path.name} has {height}x{width}" for (height, width), path in list(sizes.items())[:2])
        raise ValueError(f"`dataset` {folder} holds images of different sizes: {some}. Give --image-size HEIGHT WIDTH.")
    height, width = image_size or next(iter(sizes))
    return _Kind(height, width, all(kind.gray for kind in kinds), any(kind.sixteen for kind in kinds)), usable


def _decode_part(items, paths, kind, resized, leave_out, title) -> list[int]:
    """Write the images of one part, in memory a piece at a time, and return the positions of the items that could be read."""

    def decode(item):
        try:
            return [_decode(path, kind, resized) for path in item]
        except Unreadable as error:
            return error

    kept = []
    pool = ThreadPoolExecutor(min(4, os.cpu_count() or 1))  # each may hold an image of 50 million pixels
    row_bytes = kind.height * kind.width * (1 if kind.gray else 3) * (1 + kind.sixteen) * len(paths)
    bar = tqdm(desc=title, total=len(items), unit="image", dynamic_ncols=True, mininterval=0.5)
    try:
        with contextlib.ExitStack() as stack:
            writers = [stack.enter_context(files.array_writer(path)) for path in paths]
            for piece in files.pieces(len(items), row_bytes):
                for row, images in enumerate(pool.map(decode, items[piece]), start=piece.start):
                    bar.update()
                    if isinstance(images, Unreadable):
                        leave_out(images)
                        continue
                    for append, image in zip(writers, images, strict=True):
                        append(image[None])
                    kept.append(row)
    finally:
        bar.close()
        pool.shutdown(cancel_futures=True)
    return kept
