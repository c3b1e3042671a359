"""The commands that use a trained model on images on disk. Each takes its settings and returns the exit status: 0, or 1 where images failed."""

import contextlib
import csv
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from tfdvae import augmentation, exporting, files, inference
from tfdvae.config import AugmentConfig, DenoiseConfig, DetectConfig, EncodeConfig, ExportConfig, ImputeConfig, SampleConfig
from tfdvae.data import image_files, streams

MANIFEST, _COLUMNS = "manifest.csv", ("image", "source", "label", "seed", "method")
_SHOWN_FAILURES = 10
_LABELLED = (("x_train", "y_train"), ("train_images", "train_labels"), ("images", "labels"))


def denoise(config: DenoiseConfig) -> int:
    model = inference.load(config.model)
    source, output = _paths(config)

    def work(piece: streams.Piece) -> np.ndarray:
        return _in_channels(model, piece.images, model.denoise)

    return _told(streams.rewrite(source, output, model.image_shape[-1], work, "Denoising", config.overwrite), source, output)


def impute(config: ImputeConfig) -> int:
    model = inference.load(config.model)
    source, output = _paths(config, mask=config.mask)
    with _masks(config, source, output) as mask_of:

        def work(piece: streams.Piece) -> np.ndarray:
            missing = None if mask_of is None else mask_of(piece)
            return _in_channels(model, piece.images, lambda images: model.impute(images, missing))

        return _told(streams.rewrite(source, output, model.image_shape[-1], work, "Imputing", config.overwrite), source, output)


@contextlib.contextmanager
def _masks(config: ImputeConfig, source: Path, output: Path) -> Iterator[Callable[[streams.Piece], np.ndarray] | None]:
    """Yield a function from a piece to its masks, bool (n, H, W) or (H, W), or None where NaN says what is missing."""
    if config.mask is None:
        if not streams.is_array(source):
            raise ValueError("`mask` is needed for image files, whose pixels cannot be NaN.")
        yield None
        return
    path = Path(config.mask).expanduser()
    if streams.is_array(path) != streams.is_array(source):
        raise ValueError(f"`mask` must be arrays where `input` is, and images where it is; got {path} for {source}.")
    if streams.is_array(path):
        with streams.arrays(path, output.parent, "mask") as found:
            yield lambda piece: _mask_rows(found, piece, path)
    elif path.is_file():
        everywhere = image_files.read(path).any(axis=-1)
        yield lambda piece: everywhere
    else:
        named = {Path(name).with_suffix("").as_posix(): file for name, file in streams.list_files(path, "mask").items()}

        def of_files(piece: streams.Piece) -> np.ndarray:
            chosen = [named.get(Path(name).with_suffix("").as_posix()) for name in piece.names]
            if None in chosen:
                raise ValueError(f"`mask` {path} has no image of that name.")
            return np.stack([image_files.read(file).any(axis=-1) for file in chosen])

        yield of_files


def _mask_rows(found: dict[str, np.ndarray], piece: streams.Piece, path: Path) -> np.ndarray:
    alone = path.suffix.lower() == ".npy"
    array = next(iter(found.values())) if alone else found.get(piece.array)
    if array is None:
        raise ValueError(f"`mask` {path} must hold an array {piece.array}; it holds {', '.join(found)}.")
    array = array[..., 0] if array.ndim == 4 and array.shape[-1] == 1 else array
    if array.ndim == 2:
        return array != 0
    if array.ndim != 3 or len(array) != piece.count:
        raise ValueError(f"`mask` {path} must have shape ({piece.count}, H, W) or (H, W); got {array.shape}.")
    return array[piece.first : piece.first + len(piece.images)] != 0


def encode(config: EncodeConfig) -> int:
    model = inference.load(config.model)
    source, output = _paths(config)
    streams.check_file(output, (".npz",), config.overwrite)
    tally, names = streams.Tally(), []
    with streams.ArraysWriter(output, {"names": names}) as writer:
        for piece, codes in _each(source, model, model.encode, "Encoding", tally, output):
            writer.append("codes", codes)
            names += map(image_files.shown, piece.names)
        _some(tally, source)
    return _told(tally, source, output)


def detect(config: DetectConfig) -> int:
    model = inference.load(config.model)
    source, output = _paths(config, normal=config.normal)
    streams.check_file(output, (".csv",), config.overwrite)
    threshold, tally = None, streams.Tally()
    if config.normal is not None:
        normal = Path(config.normal).expanduser()
        found = [scores for _, scores in _each(normal, model, model.anomaly_scores, "Normal images", tally, output, "normal")]
        _some(tally, normal)
        threshold = float(np.quantile(np.concatenate(found), 1 - config.false_positive_rate, method="higher"))
    normal_images, tally.done = tally.done, 0
    scored = []
    for piece, scores in _each(source, model, model.anomaly_scores, "Detecting", tally, output):
        scored += zip(scores.tolist(), map(image_files.shown, piece.names), strict=True)
    _some(tally, source)
    scored.sort(key=lambda pair: (-pair[0], pair[1]))
    with files.replacing(output) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["image", "score"] + ["anomalous"] * (threshold is not None))
        for score, name in scored:
            writer.writerow([name, f"{score:.9g}"] + ([int(score > threshold)] if threshold is not None else []))
    if threshold is not None:
        above = sum(score > threshold for score, _ in scored)
        print(
            f"Threshold {threshold:.6g}, which at most {config.false_positive_rate:.3g} of the {normal_images:,} normal images exceed; "
            f"{above:,} of {len(scored):,} images do."
        )
    return _told(tally, source, output)


def sample(config: SampleConfig) -> int:
    model, output = inference.load(config.model), Path(config.output).expanduser()
    drawn = model.verbs.prior_codes(config.count, config.seed)
    if streams.is_array(output):
        streams.check_file(output, streams.ARRAYS, config.overwrite)
        with streams.ArraysWriter(output) as writer:
            for codes in drawn:
                writer.append("images", model.decode(codes))
    elif output.suffix.lower() in image_files.SUFFIXES:
        raise ValueError(f"`output` {output} must be a folder, or a file {' or '.join(streams.ARRAYS)}.")
    else:
        with _listed_folder(output, config.overwrite) as add:
            number = 0
            for codes in drawn:
                for image in inference.to_kind(model.decode(codes), np.dtype(np.uint8)):
                    image_files.write(add(f"sample-{number:06d}.png", "", "", config.seed, "prior"), image)
                    number += 1
    print(f"{config.count:,} images in {output}")
    return 0


def augment(config: AugmentConfig) -> int:
    model = inference.load(config.model)
    augmenter = augmentation.Augmenter(model.verbs)
    source, output = _paths(config)
    streams.check_output(source, output, config.overwrite)
    return (_augment_arrays if streams.is_array(source) else _augment_folder)(config, model, augmenter, source, output)


def _augment_folder(config, model, augmenter, source: Path, output: Path) -> int:
    if not source.is_dir():
        raise ValueError(f"`input` {source} must be a folder with a folder for each class, or an .npz file of images and labels.")
    listed, tally = streams.list_files(source), streams.Tally()
    labels = _labels(source, listed)
    copies = range(1, config.per_image + 1)
    written = {name: [Path(name).with_stem(f"{Path(name).stem}-synthetic{copy}").as_posix() for copy in copies] for name in listed}
    if config.include_originals and (both := set(listed).intersection(*[[name for names in written.values() for name in names]])):
        raise ValueError(f"`input` {source} must hold no image that a synthetic one is named like; it holds {sorted(both)[0]}.")
    with _listed_folder(output, config.overwrite) as add:
        make, first = augmenter.maker(config.per_image, config.seed), 0
        for piece, batch in _each(source, model, model.batch, "Augmenting", tally, output):
            index = np.arange(first, first + len(batch))
            first += len(batch)
            for copy in range(config.per_image):
                made = inference.to_kind(make(batch, index, copy), piece.images.dtype)
                for name, pixels in zip(piece.names, _narrowed(made, piece.images), strict=True):
                    image_files.write(add(written[name][copy], name, labels[name], config.seed, augmenter.method), pixels)
            for name in piece.names if config.include_originals else ():
                shutil.copyfile(listed[name], add(name, name, labels[name], "", "original"))
        _some(tally, source)
    return _told(tally, source, output)


def _labels(source: Path, listed: dict[str, Path]) -> dict[str, str]:
    """Return the class of each image: the folder right below `source` that it lies in, none where all lie in `source` itself."""
    if image_files.find_parts(source, "input"):
        raise ValueError(f"`input` {source} holds training and test images; give the folder of the training images.")
    parts = {name: Path(name).parts for name in listed}
    if len({len(found) > 1 for found in parts.values()}) > 1:
        raise ValueError(f"`input` {source} holds images beside folders; it must have a folder for each class, or images alone.")
    return {name: found[0] if len(found) > 1 else "" for name, found in parts.items()}


@contextlib.contextmanager
def _listed_folder(output: Path, overwrite: bool) -> Iterator[Callable]:
    """Yield a function that notes an image below `output`, with what it was made from, and returns its path; `manifest.csv` is there in the end.

    After an error nothing that was made is left. What a killed process left is noted under another name, so that `overwrite` finds it.

    Raises:
        FileExistsError: the folder holds anything, but for images that an earlier start noted, which `overwrite` removes.
    """
    manifest, begun = output / MANIFEST, output / f".begun-{MANIFEST}"
    if output.exists() and not output.is_dir():
        raise FileExistsError(f"`output` {output} is a file; a folder is needed.")
    if output.exists() and any(output.iterdir()):
        if not overwrite:
            raise FileExistsError(f"`output` {output} is not empty; --overwrite replaces what this command made there.")
        _remove_listed(manifest)
        _remove_listed(begun)
    output.mkdir(parents=True, exist_ok=True)
    try:
        with open(begun, "w", newline="", encoding="utf-8", buffering=1) as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(_COLUMNS)

            def add(name: str, *fields) -> Path:
                writer.writerow([image_files.shown(str(value)) for value in (name, *fields)])
                path = output / name
                path.parent.mkdir(parents=True, exist_ok=True)
                return path

            yield add
        os.replace(begun, manifest)
    except BaseException:
        _remove_listed(begun)
        with contextlib.suppress(OSError):
            output.rmdir()
        raise


def _remove_listed(manifest: Path) -> None:
    """Remove a manifest, the images that it lists, and folders that are empty then."""
    if not manifest.is_file():
        return
    folder = manifest.parent.resolve()
    with open(manifest, newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        names = [row["image"] for row in reader] if tuple(reader.fieldnames or ()) == _COLUMNS else []
    paths = [path for name in names if (path := manifest.parent / name).resolve().is_relative_to(folder)]
    for path in paths:
        if path.is_file():
            path.unlink()
    for parent in sorted({parent for path in paths for parent in path.parents if folder in parent.resolve().parents}, reverse=True):
        with contextlib.suppress(OSError):
            parent.rmdir()
    manifest.unlink()


def _augment_arrays(config, model, augmenter, source: Path, output: Path) -> int:
    with streams.arrays(source, output.parent) as found:
        names = next((names for names in _LABELLED if set(names) <= set(found)), None)
        if names is None:
            listed = " or ".join(f"{images} and {labels}" for images, labels in _LABELLED)
            raise ValueError(f"`input` {source} must hold images and labels, {listed}; it holds {', '.join(found) or 'nothing'}.")
        images, given = (found[name] for name in names)
        labels = given[:, 0] if given.ndim == 2 and given.shape[1] == 1 else given
        if not len(images) or labels.shape != images.shape[:1]:
            raise ValueError(f"`input` {source}: {names[1]} must hold one label for each of {len(images):,} images; got {given.shape}.")
        make = augmenter.maker(config.per_image, config.seed)
        others = {name: array for name, array in found.items() if name not in names}
        with streams.ArraysWriter(output, others, streams.compressed(source)) as writer:
            places = files.pieces(len(images), 4 * images[0].size, model.verbs.batch_rows)
            for place in places if config.include_originals else ():
                writer.append(names[0], np.array(images[place]))
            for copy in range(config.per_image):
                for place in places:
                    part = np.array(images[place])
                    made = make(model.batch(part), np.arange(place.start, place.stop), copy)
                    writer.append(names[0], inference.to_kind(made, part.dtype).reshape(part.shape))
            rows = np.tile(np.arange(len(images)), config.per_image + config.include_originals)
            others |= {names[1]: given[rows], "source": rows, "seed": np.array(config.seed), "method": np.array(augmenter.method)}
    return _told(streams.Tally(done=len(images)), source, output)


def export(config: ExportConfig) -> int:
    model = inference.load(config.model)
    name = Path(config.model).expanduser().resolve().name.removesuffix(".keras")
    output = Path(config.output or (f"{name}.onnx" if config.format == "onnx" else f"{name}-saved_model")).expanduser()
    if output.exists() and not config.overwrite:
        raise FileExistsError(f"`output` {output} exists; --overwrite replaces it.")
    exporting.export(model.layer, output, config.format)
    print(f"{config.format} of {config.model} in {output}")
    return 0


def _paths(config, **others: str | None) -> tuple[Path, Path]:
    """Return input and output, which must lie apart, also from other inputs."""
    source, output = Path(config.input).expanduser(), Path(config.output).expanduser()
    folder = source.is_dir() and isinstance(config, (DenoiseConfig, ImputeConfig, AugmentConfig))
    streams.check_apart(output, not folder, input=config.input, **others)
    return source, output


def _each(
    path: Path, model, function: Callable, title: str, tally: streams.Tally, output: Path, argument: str = "input"
) -> Iterator[tuple]:
    """Yield the pieces of an input with what a function of images gives for them; files that do not fit are left out and told of."""
    for read in streams.pieces(path, model.image_shape[-1], title, tally, output.parent, argument):
        for piece, made in streams.attempts(read, lambda piece: function(_widened(piece.images, model)), tally):
            tally.done += len(piece.names)
            yield piece, made


def _in_channels(model: inference.TrainedModel, images: np.ndarray, function: Callable) -> np.ndarray:
    """Return `function` of images, of gray ones in the channels of a model of colour and the other way round."""
    return _narrowed(function(_widened(images, model)), images)


def _widened(images: np.ndarray, model: inference.TrainedModel) -> np.ndarray:
    """Return gray images with three channels where the model is of colour, and gray ones stored in three with one where it is gray."""
    channels = images.shape[-1], model.image_shape[-1]
    if channels == (1, 3):
        return np.repeat(images, 3, axis=-1)
    return images[..., :1] if channels == (3, 1) and (images == images[..., :1]).all() else images


def _narrowed(made: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Return what was made of images with as many channels as they have, gray ones as the mean of three."""
    if made.shape[-1] == images.shape[-1]:
        return made
    if made.shape[-1] == 1:
        return np.repeat(made, 3, axis=-1)
    mean = made.mean(axis=-1, keepdims=True)
    return (np.rint(mean) if images.dtype.kind == "u" else mean).astype(images.dtype)


def _some(tally: streams.Tally, path: Path) -> None:
    if not tally.done and not tally.kept:
        raise ValueError(f"{path} holds no image that can be used: {tally.failed[0]}")


def _told(tally: streams.Tally, source: Path, output: Path) -> int:
    """Print what became of the images and return the exit status."""
    _some(tally, source)
    kept = f", {tally.kept:,} kept as they were there (--overwrite replaces them)" if tally.kept else ""
    print(f"{tally.done:,} images in {output}{kept}")
    for message in tally.failed[:_SHOWN_FAILURES]:
        print(f"tfdvae: {message}", file=sys.stderr)
    if len(tally.failed) > _SHOWN_FAILURES:
        print(f"tfdvae: and {len(tally.failed) - _SHOWN_FAILURES:,} more.", file=sys.stderr)
    return 1 if tally.failed else 0
