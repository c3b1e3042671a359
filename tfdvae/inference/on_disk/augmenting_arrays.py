"""Labelled synthetic images of the images in an `.npz` file."""

from pathlib import Path

import numpy as np

from tfdvae._utils import chunks, disk, room, text
from tfdvae.image_io import reader, writer
from tfdvae.inference import augmentation, image_arrays
from tfdvae.inference.on_disk.channels import to_input_channels, to_model_channels
from tfdvae.inference.on_disk.pieces import with_progress
from tfdvae.inference.trained_model import TrainedModel

_LABELLED = (("x_train", "y_train"), ("train_images", "train_labels"), ("images", "labels"))


def augment_arrays(
    model: TrainedModel,
    augmenter: augmentation.Augmenter,
    source: Path,
    output: Path,
    per_image: int,
    seed: int,
    include_originals: bool,
) -> reader.Tally:
    """Write an `.npz` file of synthetic images; see `generating.augment`, whose arguments it takes.

    Raises:
        ValueError: arrays that do not fit, or images that the disk has no room for.
    """
    with disk.naming(output), reader.arrays(source, output.parent) as found:
        names, images, labels = labelled_arrays(found, source)
        if images.ndim == 2:
            model.format.refuse_flattened(images.shape)
        make = augmenter.maker(seed)
        others = {name: array for name, array in found.items() if name not in names}
        if taken := others.keys() & {"source", "seed", "method"}:
            raise ValueError(
                f"`input` {source} must hold no array {taken.pop()}: the synthetic images get one "
                "of that name."
            )
        compressed = writer.compressed(source)
        # Rows are gathered in files of their own first.
        needed = (per_image + include_originals) * images.nbytes * (1 if compressed else 2)
        room.check_disk("per_image", per_image, output, needed)
        methods = np.array(["original"] * include_originals + [augmenter.method])
        tally = reader.Tally(done=len(images), copied=list(others))
        with writer.ArraysWriter(output, others, compressed) as sheet:
            # Their places in the file; rows are appended to all but the seed.
            later = np.zeros(0, int)
            others |= {
                names[1]: labels,
                "source": later,
                "seed": np.array(seed),
                "method": later,
            }

            def append(made: np.ndarray, place: slice, method: str) -> np.ndarray:
                rows = np.arange(place.start, place.stop)
                sheet.append(names[0], made)
                sheet.append(names[1], np.array(labels[place]))
                sheet.append("source", rows)
                sheet.append("method", np.full(len(rows), method, methods.dtype))
                return made

            places = chunks.pieces(len(images), 4 * images[0].size, model.core.batch_rows)
            for place in places if include_originals else ():
                append(np.array(images[place]), place, "original")
            drawn = (
                append(
                    _synthetic(model, make, images, names[0], place, copy, tally),
                    place,
                    augmenter.method,
                )
                for copy in range(per_image)
                for place in places
            )
            for _ in with_progress(drawn, "Augmenting", per_image * len(images)):
                pass
    return tally


def labelled_arrays(
    found: dict[str, np.ndarray], source: Path
) -> tuple[tuple[str, str], np.ndarray, np.ndarray]:
    """Return the names of the images and labels in a file, the images, and the labels as given.

    Args:
        found: the arrays of the file by name.
        source: the file, for messages.

    Raises:
        ValueError: there are none, or not a label, or a row of them, for each image.
    """
    names = next((names for names in _LABELLED if set(names) <= set(found)), None)
    if names is None:
        listed = " or ".join(f"{images} and {labels}" for images, labels in _LABELLED)
        raise ValueError(
            f"`input` {source} must hold images and labels, {listed}; it holds "
            f"{', '.join(map(text.name, found)) or 'nothing'}."
        )
    images, given = (found[name] for name in names)
    if not len(images) or given.ndim not in (1, 2) or len(given) != len(images):
        raise ValueError(
            f"`input` {source}: {names[1]} must hold a label, or a row of them, for each of "
            f"{len(images):,} images; got {given.shape}."
        )
    return names, images, given


def _synthetic(
    model: TrainedModel,
    make: augmentation.Maker,
    images: np.ndarray,
    name: str,
    place: slice,
    copy: int,
    tally: reader.Tally,
) -> np.ndarray:
    """Return a synthetic image of each image of an array at some rows, of their type and shape."""
    part, index = np.array(images[place]), np.arange(place.start, place.stop)
    shaped = part if part.ndim == 4 else part[..., None]
    piece = reader.Piece([f"{name}/{row}" for row in index], shaped, name, place.start, len(images))
    batches = [
        batch
        for _, batch in reader.process(
            piece, lambda piece: model.batch(to_model_channels(piece, model)), tally
        )
    ]
    if copy == 0:
        tally.note(piece)
    made = make(np.concatenate(batches), index, copy)
    typed = image_arrays.to_dtype(made, part.dtype, model.white)
    return to_input_channels(typed, shaped).reshape(part.shape)
