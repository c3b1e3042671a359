"""New images on disk, made from labelled images."""

import contextlib
import functools
import re
import shutil
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

import numpy as np

from tfdvae._utils import file_names, limits, room
from tfdvae.data.sources.folder_listing import train_and_test_folders
from tfdvae.image_io import codec, listing, manifest, reader, writer
from tfdvae.image_io.likeness import Likeness
from tfdvae.inference import augmentation, image_arrays
from tfdvae.inference.on_disk.augmenting_arrays import augment_arrays
from tfdvae.inference.on_disk.channels import to_input_channels
from tfdvae.inference.on_disk.pieces import each
from tfdvae.inference.trained_model import TrainedModel


def augment(
    model: TrainedModel,
    source: Path,
    output: Path,
    per_image: int = 2,
    seed: int = 0,
    include_originals: bool = False,
    overwrite: bool = False,
) -> reader.Tally:
    """Write labelled synthetic images in the layout of the input.

    Args:
        model: that makes images: not a plain autoencoder.
        source: a folder with a folder for each class, a folder of images, or an `.npz` file of
            images and labels.
        output: a folder, which gets a `manifest.csv` of what each image was made from, or an `.npz`
            file.
        per_image: synthetic images for each image.
        seed: of every random choice.
        include_originals: copy the images of the input beside the synthetic ones.
        overwrite: replace what an earlier call made.

    Returns:
        A tally of the images of the input.

    Raises:
        FileExistsError: `output` is there and may not be replaced.
        FileNotFoundError, ValueError: an input that does not fit.
    """
    augmenter = augmentation.Augmenter(model)
    writer.check_output(source, output, overwrite)
    if reader.is_array(source):
        return augment_arrays(model, augmenter, source, output, per_image, seed, include_originals)
    if not source.is_dir():
        raise ValueError(
            f"`input` {source} must be a folder, with a folder for each class or images alone, or "
            "an .npz file of images and labels."
        )
    listed, tally = reader.list_files(source), reader.Tally()
    check_layout(source, listed)
    if include_originals:
        _check_originals(source, listed, per_image)
    size = sum(room.on_disk(file.stat().st_size, output) for file in listed.values())
    room.check_disk("per_image", per_image, output, size * (per_image + include_originals))
    long = _too_long(output, listed, per_image) | _color_gif(listed)
    if len(long) == len(listed):
        raise ValueError(f"`input` {source} holds no image that can be used: {long.popitem()[1]}.")
    with manifest.write(output, overwrite) as add:
        make, first = augmenter.maker(seed), 0
        # Frames of a stack follow each other; of single images there are a few hundred in a piece.
        like = functools.lru_cache(limits.current().file_images)(
            functools.partial(Likeness, lost=tally.lost)
        )
        for piece, batch in each(source, model, model.batch, "Augmenting", tally, output):
            index = np.arange(first, first + len(batch))
            first += len(batch)
            if piece.stack is not None:
                long |= _too_long(output, piece.names, per_image)
            long |= _gone(source, piece.names, like, include_originals)
            for copy in range(per_image):
                made = make(batch, index, copy)
                made = image_arrays.to_dtype(made, piece.images.dtype, model.white)
                made = to_input_channels(made, piece.images)
                for name, pixels in zip(piece.names, made, strict=True):
                    new = _synthetic_name(name, copy)
                    if name not in long:
                        place = add(new, name, _label(name), seed, augmenter.method)
                        codec.write(place, pixels, like(source / listing.split_frame(name)[0]))
            for name, pixels in zip(piece.names, piece.images, strict=True):
                if name in long:
                    tally.done -= 1
                    tally.fail(name, ValueError(f"{long[name]}."), piece.stack)
                elif include_originals:
                    place = add(_file_name(name), name, _label(name), "", "original")
                    _write_original(source, name, pixels, place, like)
        tally.require_images(source)
    return tally


def _check_originals(source: Path, listed: Collection[str], per_image: int) -> None:
    """Refuse a folder that holds an image named like a synthetic one of another."""
    for name in listed:
        found = re.fullmatch(r"(.+)-synthetic([1-9]\d*)", Path(name).stem)
        if not found or int(found[2]) > per_image:
            continue
        if Path(name).with_stem(found[1]).as_posix() in listed:
            raise ValueError(
                f"`input` {source} must hold no image that a synthetic one is named like; it holds "
                f"{listing.printable_path(name)}."
            )


def _too_long(output: Path, listed: Iterable[str], per_image: int) -> dict[str, str]:
    """Return why no file can be named like the synthetic images of some images, by their names."""
    made = {_synthetic_name(name, per_image - 1): name for name in listed}
    found = file_names.too_long(output, made, manifest.ROOM)
    return {made[name]: reason for name, reason in found.items()}


def _color_gif(listed: dict[str, Path]) -> dict[str, str]:
    """Return why no file like some images can be written, by their names: GIF files in color."""
    found = {}
    for name, file in listed.items():
        if listing.FORMATS[file.suffix.lower()] == "GIF":
            with contextlib.suppress(codec.Unreadable):
                pixels = codec.read(file)
                if (pixels != pixels[..., :1]).any():
                    found[name] = codec.NO_COLOR_GIF
    return found


def _gone(
    source: Path, names: Iterable[str], like: Callable[[Path], Likeness], copied: bool
) -> dict[str, str]:
    """Return why no image can be written like some images, by their names: their file is gone."""
    found = {}
    for name in names:
        file = source / listing.split_frame(name)[0]
        try:
            if listing.FORMATS[file.suffix.lower()] == "TIFF":
                _ = like(file).tiff  # which reads it
            if copied:
                file.stat()
        except ValueError as error:
            found[name] = str(error)
        except OSError as error:
            found[name] = f"its original cannot be read: {error.strerror}"
    return found


def _write_original(
    source: Path,
    name: str,
    pixels: np.ndarray,
    place: Path,
    like: Callable[[Path], Likeness],
) -> None:
    """Copy the file of an image; a frame becomes a file of its own."""
    file, frame = listing.split_frame(name)
    if frame:
        codec.write(place, pixels, like(source / file))
    else:
        shutil.copyfile(source / name, place)


def _file_name(name: str, ending: str = "") -> str:
    """Return the name of a file of an image, with an ending before its suffix."""
    file, frame = listing.split_frame(name)
    path = Path(file)
    stem = f"{path.stem}-frame{frame}" if frame else path.stem
    return path.with_stem(f"{stem}{ending}").as_posix()


def _synthetic_name(name: str, copy: int) -> str:
    return _file_name(name, f"-synthetic{copy + 1}")


def _label(name: str) -> str:
    """Return the class of an image: the first folder of its name, none where it has none."""
    folder, slash, _ = name.partition("/")
    return folder if slash else ""


def check_layout(source: Path, names: Iterable[str]) -> None:
    """Refuse a folder of training and test images, and one of images beside folders.

    Args:
        source: the folder.
        names: paths of its images below it.

    Raises:
        ValueError: saying so.
    """
    if train_and_test_folders(source, "input"):
        raise ValueError(
            f"`input` {source} holds training and test images; give the folder of the training "
            "images."
        )
    if len({"/" in name for name in names}) > 1:
        raise ValueError(
            f"`input` {source} holds images beside folders; it must have a folder for each class, "
            "or images alone."
        )
