"""The commands that use a trained model on images on disk. Each takes its settings and returns the exit status: 0, or 1 where images failed."""

import contextlib
import csv
import itertools
import logging
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from tfdvae._utils import chunks, files, progress
from tfdvae.config import (
    AugmentConfig,
    DenoiseConfig,
    DetectConfig,
    EncodeConfig,
    ExportConfig,
    ImputeConfig,
    SampleConfig,
)
from tfdvae.image_io import codec, listing, reader, writer
from tfdvae.inference import anomaly, augmentation, exporting, loading, saved_model, trained_model

logger = logging.getLogger(__name__)

MANIFEST, _COLUMNS = "manifest.csv", ("image", "source", "label", "seed", "method")

_LABELLED = (("x_train", "y_train"), ("train_images", "train_labels"), ("images", "labels"))


def denoise(config: DenoiseConfig) -> int:
    model = loading.load(config.model)
    source, output = _paths(config)

    def work(piece: reader.Piece) -> np.ndarray:
        return _in_kind(model, piece, model.denoise)

    return _told(
        writer.rewrite(source, output, work, "Denoising", config.overwrite), source, output
    )


def impute(config: ImputeConfig) -> int:
    model = loading.load(config.model)
    source, output = _paths(config, mask=config.mask)
    with _masks(config, source, output) as mask_of:

        def work(piece: reader.Piece) -> np.ndarray:
            missing = None if mask_of is None else mask_of(piece)
            try:
                return _in_kind(model, piece, lambda images: model.impute(images, missing))
            except ValueError as error:
                raise ValueError(str(error).replace("`missing`", "`mask`")) from None

        return _told(
            writer.rewrite(source, output, work, "Imputing", config.overwrite), source, output
        )


@contextlib.contextmanager
def _masks(
    config: ImputeConfig, source: Path, output: Path
) -> Iterator[Callable[[reader.Piece], np.ndarray] | None]:
    """Yield a function from a piece to its masks, bool (n, H, W) or (H, W), or None where NaN says what is missing."""
    if config.mask is None:
        if not reader.is_array(source):
            raise ValueError("`mask` is needed for image files, whose pixels cannot be NaN.")
        yield None
        return
    path = Path(config.mask).expanduser()
    if reader.is_array(path) != reader.is_array(source):
        raise ValueError(
            f"`mask` must be arrays where `input` is, and images where it is; got {path} for {source}."
        )
    if reader.is_array(path):
        with reader.arrays(path, output.parent, "mask") as found:
            yield lambda piece: _mask_rows(found, piece, path)
    elif path.is_file():
        everywhere = _read_mask(path)
        if not everywhere.any():
            raise ValueError(
                f"`mask` {path} marks no pixel; missing ones must be other than 0, and transparency does not count."
            )
        yield lambda piece: everywhere
    else:
        named: dict[str, Path] = {}
        for name, file in reader.list_files(path, "mask").items():
            if (other := named.setdefault(Path(name).with_suffix("").as_posix(), file)) is not file:
                raise ValueError(
                    f"`mask` {path} must hold one mask for an image; it holds {file.name} and {other.name}."
                )

        def of_files(piece: reader.Piece) -> np.ndarray:
            chosen = [named.get(Path(name).with_suffix("").as_posix()) for name in piece.names]
            if None in chosen:
                raise ValueError(f"`mask` {path} has no image of that name.")
            return np.stack([_read_mask(file) for file in chosen])

        yield of_files


def _read_mask(path: Path) -> np.ndarray:
    """Return where a mask, an image, is not 0, bool (H, W)."""
    if path.suffix.lower() in (".jpg", ".jpeg"):
        raise ValueError(
            f"`mask` {path.name} must be a PNG, TIFF or BMP file: JPEG changes pixels beside the marked ones."
        )
    return codec.read(path).any(axis=-1)


def _mask_rows(found: dict[str, np.ndarray], piece: reader.Piece, path: Path) -> np.ndarray:
    alone = path.suffix.lower() == ".npy"
    array = next(iter(found.values())) if alone else found.get(piece.array)
    if array is None:
        raise ValueError(
            f"`mask` {path} must hold an array {piece.array}; it holds {', '.join(found)}."
        )
    array = array[..., 0] if array.ndim == 4 and array.shape[-1] == 1 else array
    if array.ndim == 2:
        if not array.any():
            raise ValueError(f"`mask` {path} marks no pixel; missing ones must be other than 0.")
        return array != 0
    if array.ndim != 3 or len(array) != piece.count:
        raise ValueError(
            f"`mask` {path} must have shape ({piece.count}, H, W) or (H, W); got {array.shape}."
        )
    return array[piece.first : piece.first + len(piece.images)] != 0


def encode(config: EncodeConfig) -> int:
    model = loading.load(config.model)
    source, output = _paths(config)
    writer.check_file(output, (".npz",), config.overwrite)
    tally, names = reader.Tally(), []
    with writer.ArraysWriter(output, {"names": names}) as sheet:
        for piece, codes in _each(source, model, model.encode, "Encoding", tally, output):
            sheet.append("codes", codes)
            names += map(listing.shown, piece.names)
        _some(tally, source)
    return _told(tally, source, output)


def detect(config: DetectConfig) -> int:
    model = loading.load(config.model)
    source, output = _paths(config, normal=config.normal)
    writer.check_file(output, (".csv",), config.overwrite)
    threshold, tally = None, reader.Tally()
    if config.normal is not None:
        normal = Path(config.normal).expanduser()
        found = [
            scores
            for _, scores in _each(
                normal, model, model.anomaly_scores, "Normal images", tally, output, "normal"
            )
        ]
        _some(tally, normal)
        threshold = anomaly.threshold(np.concatenate(found), config.false_positive_rate)
    normal_images, tally.done = tally.done, 0
    scored = []
    for piece, scores in _each(source, model, model.anomaly_scores, "Detecting", tally, output):
        scored += zip(scores.tolist(), map(listing.shown, piece.names), strict=True)
    _some(tally, source)
    scored.sort(key=lambda pair: (-pair[0], pair[1]))
    with (
        files.replacing(output) as temporary,
        open(temporary, "w", newline="", encoding="utf-8") as file,
    ):
        sheet = csv.writer(file, lineterminator="\n")
        sheet.writerow(["image", "score"] + ["anomalous"] * (threshold is not None))
        for score, name in scored:
            sheet.writerow(
                [name, f"{score:.9g}"] + ([int(score > threshold)] if threshold is not None else [])
            )
    if threshold is not None:
        above = sum(score > threshold for score, _ in scored)
        logger.info(
            f"Threshold {threshold:.6g}, which at most {100 * config.false_positive_rate:.3g}% of the {normal_images:,} normal images exceed; "
            f"{above:,} of {len(scored):,} images do."
        )
    return _told(tally, source, output)


def sample(config: SampleConfig) -> int:
    model, output = loading.load(config.model), Path(config.output).expanduser()
    drawn = _with_progress(
        model.verbs.prior_codes(config.count, config.seed), "Sampling", config.count
    )
    if reader.is_array(output):
        writer.check_file(output, reader.ARRAYS, config.overwrite)
        with writer.ArraysWriter(output) as sheet:
            for codes in drawn:
                sheet.append("images", model.decode(codes))
    elif output.suffix.lower() in listing.SUFFIXES:
        raise ValueError(
            f"`output` {output} must be a folder, or a file {' or '.join(reader.ARRAYS)}."
        )
    else:
        with _listed_folder(output, config.overwrite) as add:
            number = 0
            for codes in drawn:
                for image in trained_model.to_kind(model.decode(codes), np.dtype(np.uint8)):
                    codec.write(
                        add(f"sample-{number:06d}.png", "", "", config.seed, "prior"), image
                    )
                    number += 1
    logger.info(f"{config.count:,} images in {output}")
    return 0


def _with_progress(parts: Iterable[np.ndarray], title: str, total: int) -> Iterator[np.ndarray]:
    """Yield the parts, with a progress bar over their rows."""
    with progress.bar(title, total) as bar:
        for part in parts:
            yield part
            bar.update(len(part))


def augment(config: AugmentConfig) -> int:
    model = loading.load(config.model)
    augmenter = augmentation.Augmenter(model.verbs)
    source, output = _paths(config)
    writer.check_output(source, output, config.overwrite)
    return (_augment_arrays if reader.is_array(source) else _augment_folder)(
        config, model, augmenter, source, output
    )


def _augment_folder(config, model, augmenter, source: Path, output: Path) -> int:
    if not source.is_dir():
        raise ValueError(
            f"`input` {source} must be a folder, with a folder for each class or images alone, or an .npz file of images and labels."
        )
    listed, tally = reader.list_files(source), reader.Tally()
    _check_layout(source, listed)
    each = config.per_image + config.include_originals

    def written(name: str, copy: int) -> str:
        return Path(name).with_stem(f"{Path(name).stem}-synthetic{copy + 1}").as_posix()

    if config.include_originals:
        for name in listed:
            if both := listed.keys() & {written(name, copy) for copy in range(config.per_image)}:
                raise ValueError(
                    f"`input` {source} must hold no image that a synthetic one is named like; it holds {both.pop()}."
                )
    with _listed_folder(output, config.overwrite) as add:
        make, first = augmenter.maker(config.per_image, config.seed), 0
        for piece, batch in _each(source, model, model.batch, "Augmenting", tally, output):
            index = np.arange(first, first + len(batch))
            first += len(batch)
            for copy in range(config.per_image):
                made = trained_model.to_kind(make(batch, index, copy), piece.images.dtype)
                for name, pixels in zip(piece.names, _narrowed(made, piece.images), strict=True):
                    codec.write(
                        add(written(name, copy), name, _label(name), config.seed, augmenter.method),
                        pixels,
                    )
            for name in piece.names if config.include_originals else ():
                shutil.copyfile(source / name, add(name, name, _label(name), "", "original"))
        _some(tally, source)
    return _told(tally, source, output, each)


def _label(name: str) -> str:
    """Return the class of an image: the first folder of its name, none where it has none."""
    folder, slash, _ = name.partition("/")
    return folder if slash else ""


def _check_layout(source: Path, names: Iterable[str]) -> None:
    """Refuse a folder of training and test images, and one of images beside folders.

    Raises:
        ValueError: saying so.
    """
    if listing.find_parts(source, "input"):
        raise ValueError(
            f"`input` {source} holds training and test images; give the folder of the training images."
        )
    if len({"/" in name for name in names}) > 1:
        raise ValueError(
            f"`input` {source} holds images beside folders; it must have a folder for each class, or images alone."
        )


@contextlib.contextmanager
def _listed_folder(output: Path, overwrite: bool) -> Iterator[Callable]:
    """Yield a function that notes an image of `output`, with what it was made from, and returns the path to write it to.

    The images and `manifest.csv` take the place of those of an earlier start when the block ends without error; until then they are apart from them.

    Raises:
        FileExistsError: the folder holds anything and `overwrite` was not given, or a manifest or image of the same name that is not this command's,
            or another process wrote there meanwhile.
    """
    manifest, new = output / MANIFEST, not output.exists()
    if not new and not output.is_dir():
        raise FileExistsError(f"`output` {output} is a file; a folder is needed.")
    if not new and not overwrite and any(not files.is_scratch(path) for path in output.iterdir()):
        raise FileExistsError(
            f"`output` {output} is not empty; --overwrite replaces what this command made there."
        )
    earlier = _listed(manifest) if manifest.exists() else set()
    if earlier is None:
        raise FileExistsError(
            f"`output` {output} holds a {MANIFEST} that this command did not make; give another folder."
        )
    try:
        with files.scratch_folder(output) as scratch:
            made = scratch / "made"
            made.mkdir()
            with open(made / MANIFEST, "w", newline="", encoding="utf-8") as file:
                sheet = csv.writer(file, lineterminator="\n")
                sheet.writerow(_COLUMNS)

                def add(name: str, *fields) -> Path:
                    _check_place(output, name, earlier)
                    sheet.writerow([listing.shown(str(value)) for value in (name, *fields)])
                    (made / name).parent.mkdir(parents=True, exist_ok=True)
                    return made / name

                yield add
            _exchange(made, output, earlier)
    finally:
        if new:
            with contextlib.suppress(OSError):
                output.rmdir()


def _listed(manifest: Path) -> set[str] | None:
    """Return the images that a manifest lists, None where it is not one of ours."""
    with open(manifest, newline="", encoding="utf-8", errors="replace") as file:
        reader = csv.DictReader(file)
        return (
            {row["image"] for row in reader} if tuple(reader.fieldnames or ()) == _COLUMNS else None
        )


def _check_place(output: Path, name: str | Path, earlier: set[str]) -> None:
    place = output / name
    if place.is_dir() or (place.exists() and listing.shown(name) not in earlier):
        raise FileExistsError(
            f"`output` {output} holds {listing.shown(name)}, which this command did not make; give another folder."
        )


def _exchange(made: Path, output: Path, earlier: set[str]) -> None:
    """Put the images of a folder, and its manifest, in the place of the earlier ones, and remove folders that are empty then.

    No earlier image goes before all new ones are there. Meanwhile the manifest lists both, so that after a kill the next start knows what is ours.
    """
    manifest, both = output / MANIFEST, made.with_name(MANIFEST)
    if (_listed(manifest) if manifest.exists() else set()) != earlier:
        raise FileExistsError(f"`output` {output} was written to by another process meanwhile.")
    new = [
        path.relative_to(made)
        for path in sorted(made.rglob("*.*"))
        if path.is_file() and path != made / MANIFEST
    ]
    for name in new:
        _check_place(output, name, earlier)
        (output / name).parent.mkdir(parents=True, exist_ok=True)
    before = manifest.read_bytes().partition(b"\n")[2] if manifest.exists() else b""
    both.write_bytes((made / MANIFEST).read_bytes() + before)
    os.replace(both, manifest)
    found = [
        path
        for path in output.rglob("*.*")
        if listing.shown(path.relative_to(output)) in earlier and path.is_file()
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
    os.replace(made / MANIFEST, manifest)


def _augment_arrays(config, model, augmenter, source: Path, output: Path) -> int:
    with reader.arrays(source, output.parent) as found:
        names = next((names for names in _LABELLED if set(names) <= set(found)), None)
        if names is None:
            listed = " or ".join(f"{images} and {labels}" for images, labels in _LABELLED)
            raise ValueError(
                f"`input` {source} must hold images and labels, {listed}; it holds {', '.join(found) or 'nothing'}."
            )
        images, given = (found[name] for name in names)
        labels = given[:, 0] if given.ndim == 2 and given.shape[1] == 1 else given
        if not len(images) or labels.shape != images.shape[:1]:
            raise ValueError(
                f"`input` {source}: {names[1]} must hold one label for each of {len(images):,} images; got {given.shape}."
            )
        if images.ndim == 2:
            model.refuse_flattened(images.shape)
        make = augmenter.maker(config.per_image, config.seed)
        others = {name: array for name, array in found.items() if name not in names}
        if taken := others.keys() & {"source", "seed", "method"}:
            raise ValueError(
                f"`input` {source} must hold no array {taken.pop()}: the synthetic images get one of that name."
            )
        each = config.per_image + config.include_originals
        with writer.ArraysWriter(output, others, writer.compressed(source)) as sheet:
            places = chunks.pieces(len(images), 4 * images[0].size, model.verbs.batch_rows)
            for place in places if config.include_originals else ():
                sheet.append(names[0], np.array(images[place]))
            copies = itertools.product(range(config.per_image), places)
            drawn = _with_progress(
                (_synthetic(model, make, images, names[0], place, copy) for copy, place in copies),
                "Augmenting",
                config.per_image * len(images),
            )
            for made in drawn:
                sheet.append(names[0], made)
            rows = np.tile(np.arange(len(images)), each)
            methods = np.repeat(
                ["original"] * config.include_originals + [augmenter.method] * config.per_image,
                len(images),
            )
            copied = list(others)
            others |= {
                names[1]: given[rows],
                "source": rows,
                "seed": np.array(config.seed),
                "method": methods,
            }
    return _told(reader.Tally(done=len(images), copied=copied), source, output, each)


def _synthetic(
    model: trained_model.TrainedModel,
    make: Callable,
    images: np.ndarray,
    name: str,
    place: slice,
    copy: int,
) -> np.ndarray:
    """Return a synthetic image of each image of a named array at some rows, of their type and shape."""
    part, index = np.array(images[place]), np.arange(place.start, place.stop)
    shaped = part if part.ndim == 4 else part[..., None]
    piece = reader.Piece([f"{name}/{row}" for row in index], shaped, name, place.start, len(images))
    batches = [
        batch
        for _, batch in reader.attempts(
            piece, lambda piece: model.batch(_fitted(piece, model)), reader.Tally()
        )
    ]
    made = make(np.concatenate(batches), index, copy)
    return _narrowed(trained_model.to_kind(made, part.dtype), shaped).reshape(part.shape)


def export(config: ExportConfig) -> int:
    model = loading.load(config.model)
    name = Path(config.model).expanduser().resolve().name.removesuffix(".keras")
    output = Path(
        config.output or (f"{name}.onnx" if config.format == "onnx" else f"{name}-saved_model")
    ).expanduser()
    if config.format == "onnx" and output.suffix != ".onnx":
        raise ValueError(f"`output` {output} must have the suffix .onnx.")
    if output.exists() and not config.overwrite:
        raise FileExistsError(f"`output` {output} exists; --overwrite replaces it.")
    if isinstance(model.verbs, saved_model.SavedModel):
        raise ValueError(
            f"`model` {config.model} is exported already; give the run folder or the .keras file that it was made from."
        )
    exporting.export(model.layer, output, config.format)
    logger.info(f"{config.format} of {config.model} in {output}")
    return 0


def _paths(config, **others: str | None) -> tuple[Path, Path]:
    """Return input and output, which must lie apart, also from other inputs."""
    source, output = Path(config.input).expanduser(), Path(config.output).expanduser()
    folder = source.is_dir() and isinstance(config, (DenoiseConfig, ImputeConfig, AugmentConfig))
    writer.check_apart(output, not folder, input=config.input, **others)
    return source, output


def _each(
    path: Path,
    model,
    function: Callable,
    title: str,
    tally: reader.Tally,
    output: Path,
    argument: str = "input",
) -> Iterator[tuple]:
    """Yield the pieces of an input with what a function of images gives for them; files that do not fit are left out and told of."""
    for read in reader.pieces(path, title, tally, output.parent, argument):
        for piece, made in reader.attempts(
            read, lambda piece: function(_fitted(piece, model)), tally
        ):
            tally.done += len(piece.names)
            yield piece, made


def _in_kind(
    model: trained_model.TrainedModel, piece: reader.Piece, function: Callable
) -> np.ndarray:
    """Return `function` of images, of gray ones in the channels of a model of colour and the other way round."""
    return _narrowed(function(_fitted(piece, model)), piece.images)


def _fitted(piece: reader.Piece, model: trained_model.TrainedModel) -> np.ndarray:
    """Return gray images with three channels where the model is of colour, and gray ones stored in three with one where it is gray.

    Raises:
        ValueError: flattened images.
    """
    images = piece.images
    if piece.whole and images.shape[-1] == 1:
        model.refuse_flattened(images.shape[1:])
    channels = images.shape[-1], model.image_shape[-1]
    if channels == (1, 3):
        return np.repeat(images, 3, axis=-1)
    if channels == (3, 1):
        first = images[..., :1]
        same = (
            (images == first) | (np.isnan(images) & np.isnan(first))
            if images.dtype.kind == "f"
            else images == first
        )
        return first if same.all() else images
    return images


def _narrowed(made: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Return what was made of images with as many channels as they have, gray ones as the mean of three."""
    if made.shape[-1] == images.shape[-1]:
        return made
    if made.shape[-1] == 1:
        return np.repeat(made, 3, axis=-1)
    mean = made.mean(axis=-1, keepdims=True)
    return (np.rint(mean) if images.dtype.kind == "u" else mean).astype(images.dtype)


def _some(tally: reader.Tally, path: Path) -> None:
    if not tally.done and not tally.kept:
        raise ValueError(f"{path} holds no image that can be used: {tally.failed[0]}")


def _told(tally: reader.Tally, source: Path, output: Path, each: int = 1) -> int:
    """Print what became of the images, of which each made so many, and return the exit status."""
    _some(tally, source)
    kept = (
        f", {tally.kept:,} kept as they were there (--overwrite replaces them)"
        if tally.kept
        else ""
    )
    copied = f"; copied as they are: {', '.join(tally.copied)}" if tally.copied else ""
    logger.info(f"{tally.done * each:,} images in {output}{kept}{copied}")
    if tally.others:
        more = f" and {len(tally.others) - 1:,} more" if len(tally.others) > 1 else ""
        logger.warning(
            f"NOTE: left out, for they are none of {', '.join(listing.SUFFIXES)}: {listing.shown(tally.others[0])}{more}"
        )
    for message in tally.failed:
        logger.error(f"tfdvae: {message}")
    return 1 if tally.failed else 0
