"""The commands that use a trained model on images on disk. Each takes its settings and returns the exit status: 0, or 1 where images failed."""

import contextlib
import csv
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from tfdvae import augmentation, exporting, files, inference
from tfdvae.config import AugmentConfig, DenoiseConfig, DetectConfig, EncodeConfig, ExportConfig, ImputeConfig, SampleConfig
from tfdvae.data import image_files, streams

_SHOWN_FAILURES = 10
_MANIFEST, _FIRST_SAMPLE = "manifest.csv", "sample-000000.png"
_LABELLED = (("x_train", "y_train"), ("train_images", "train_labels"), ("images", "labels"))


def denoise(config: DenoiseConfig) -> int:
    model = inference.load(config.model)
    source, output = _paths(config)

    def work(piece: streams.Piece) -> np.ndarray:
        return _narrowed(model.denoise(_widened(piece.images, model)), piece.images)

    return _told(streams.rewrite(source, output, model.image_shape[-1], work, "Denoising", config.overwrite), output)


def impute(config: ImputeConfig) -> int:
    model = inference.load(config.model)
    source, output = _paths(config)
    with _masks(config, model.image_shape[-1]) as mask_of:

        def work(piece: streams.Piece) -> np.ndarray:
            missing = None if mask_of is None else mask_of(piece)
            return _narrowed(model.impute(_widened(piece.images, model), missing), piece.images)

        return _told(streams.rewrite(source, output, model.image_shape[-1], work, "Imputing", config.overwrite), output)


@contextlib.contextmanager
def _masks(config: ImputeConfig, channels: int) -> Iterator[Callable | None]:
    """Yield a function from a piece to its masks, bool (n, H, W), or None where NaN says what is missing."""
    source, path = Path(config.input).expanduser(), None if config.mask is None else Path(config.mask).expanduser()
    if path is None:
        if not streams.is_array(source):
            raise ValueError("`mask` is needed for image files, whose pixels cannot be NaN.")
        yield None
    elif streams.is_array(path) != streams.is_array(source):
        raise ValueError(f"`mask` must be arrays where `input` is, and images where it is; got {path} for {source}.")
    elif streams.is_array(path):
        with streams.arrays(path, "mask") as found:

            def of_rows(piece: streams.Piece) -> np.ndarray:
                name, _, first = piece.names[0].rpartition("/")
                array = next(iter(found.values())) if len(found) == 1 else found.get(name)
                if array is None:
                    raise ValueError(f"`mask` {path} must hold an array {name}; it holds {', '.join(found)}.")
                array = array[..., 0] if array.ndim == 4 else array
                rows = array if array.ndim == 2 else array[int(first) : int(first) + len(piece.images)]
                return np.asarray(rows) != 0

            yield of_rows
    else:
        listed = streams.list_files(path, "mask")
        named = {Path(name).with_suffix("").as_posix(): file for name, file in listed.items()}

        def of_files(piece: streams.Piece) -> np.ndarray:
            chosen = [path if path.is_file() else named.get(Path(name).with_suffix("").as_posix()) for name in piece.names]
            if None in chosen:
                raise ValueError(f"`mask` {path} has no image of that name.")
            return np.stack([image_files.read(file).any(axis=-1) for file in chosen])

        yield of_files


def encode(config: EncodeConfig) -> int:
    model = inference.load(config.model)
    source, output = _paths(config)
    streams.check_file(output, (".npz",), config.overwrite)
    tally, names = streams.Tally(), []
    with tempfile.TemporaryDirectory(prefix="tfdvae-") as folder:
        with files.array_writer(Path(folder) / "codes.npy") as append:
            for piece, codes in _each(source, model, model.encode, "Encoding", tally):
                append(codes)
                names += piece.names
        _some(tally, source)
        with files.replacing(output) as temporary:
            codes = np.load(Path(folder) / "codes.npy", mmap_mode="r")
            streams.write_arrays(temporary, ".npz", {"codes": codes, "names": np.array(names)})
            del codes
    return _told(tally, output)


def detect(config: DetectConfig) -> int:
    model = inference.load(config.model)
    source, output = _paths(config)
    streams.check_file(output, (".csv",), config.overwrite)
    threshold, normal_tally = None, streams.Tally()
    if config.normal is not None:
        normal = Path(config.normal).expanduser()
        scores = [scores for _, scores in _each(normal, model, model.anomaly_scores, "Normal images", normal_tally, "normal")]
        _some(normal_tally, normal)
        threshold = float(np.quantile(np.concatenate(scores), 1 - config.false_positive_rate, method="higher"))
    tally, scored = streams.Tally(), []
    for piece, scores in _each(source, model, model.anomaly_scores, "Detecting", tally):
        scored += zip(scores.tolist(), piece.names, strict=True)
    _some(tally, source)
    scored.sort(key=lambda pair: (-pair[0], pair[1]))
    with files.replacing(output) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["image", "score"] + ["anomalous"] * (threshold is not None))
        for score, name in scored:
            writer.writerow([image_files.shown(name), f"{score:.9g}"] + ([int(score > threshold)] if threshold is not None else []))
    if threshold is not None:
        above = sum(score > threshold for score, _ in scored)
        print(
            f"Threshold {threshold:.6g}, which at most {config.false_positive_rate:.3g} of the {normal_tally.done:,} normal images exceed; "
            f"{above:,} of {len(scored):,} images do."
        )
    tally.failed += normal_tally.failed
    return _told(tally, output)


def sample(config: SampleConfig) -> int:
    model, output = inference.load(config.model), Path(config.output).expanduser()
    codes = model.verbs.prior_codes(config.count, config.seed)
    if streams.is_array(output):
        streams.check_file(output, streams.ARRAYS, config.overwrite)
    elif output.suffix:
        raise ValueError(f"`output` {output} must be a folder, or a file {' or '.join(streams.ARRAYS)}.")
    else:
        _check_own_folder(output, _FIRST_SAMPLE, config.overwrite)
    with tempfile.TemporaryDirectory(prefix="tfdvae-") as folder, files.replacing(output) as temporary:
        pieces = files.pieces(len(codes), 4 * int(np.prod(model.image_shape)), model.verbs.batch_rows)
        if streams.is_array(output):
            with files.array_writer(Path(folder) / "images.npy") as append:
                for piece in pieces:
                    append(model.decode(codes[piece]))
            images = np.load(Path(folder) / "images.npy", mmap_mode="r")
            streams.write_arrays(temporary, output.suffix.lower(), {"images": images})
            del images
        else:
            temporary.mkdir()
            for piece in pieces:
                for number, image in enumerate(inference.to_kind(model.decode(codes[piece]), np.dtype(np.uint8)), start=piece.start):
                    image_files.write(temporary / f"sample-{number:06d}.png", image)
    print(f"{config.count:,} images in {output}")
    return 0


def augment(config: AugmentConfig) -> int:
    model = inference.load(config.model)
    augmenter = augmentation.Augmenter(model.verbs)
    source, output = _paths(config)
    return (_augment_arrays if streams.is_array(source) else _augment_folder)(config, model, augmenter, source, output)


def _augment_folder(config, model, augmenter, source: Path, output: Path) -> int:
    if not source.is_dir():
        raise ValueError(f"`input` {source} must be a folder with a folder for each class, or an .npz file of images and labels.")
    streams.check_output(source, output, config.overwrite)
    _check_own_folder(output, _MANIFEST, config.overwrite)
    listed, tally, rows = streams.list_files(source), streams.Tally(), []
    labels = _labels(source, listed)
    with files.replacing(output) as temporary:
        temporary.mkdir()
        make, first = augmenter.maker(config.per_image, config.seed), 0
        for piece, batch in _each(source, model, model.batch, "Augmenting", tally):
            index = np.arange(first, first + len(batch))
            first += len(batch)
            made = [inference.to_kind(make(batch, index, copy), piece.images.dtype) for copy in range(config.per_image)]
            made = [_narrowed(images, piece.images) for images in made]
            for row, name in enumerate(piece.names):
                path = Path(name)
                for copy, images in enumerate(made, start=1):
                    written = path.with_name(f"{path.stem}-{copy}{path.suffix}").as_posix()
                    image_files.write(temporary / written, images[row])
                    rows.append((written, name, labels[name], config.seed, augmenter.method))
                if config.include_originals:
                    shutil.copyfile(listed[name], temporary / name)
                    rows.append((name, name, labels[name], "", "original"))
        _some(tally, source)
        with open(temporary / _MANIFEST, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("image", "source", "label", "seed", "method"))
            writer.writerows([image_files.shown(str(value)) for value in row] for row in rows)
    return _told(tally, output)


def _labels(source: Path, listed: dict[str, Path]) -> dict[str, str]:
    """Return the class of each image: the folder right below `source` that it lies in, none where all lie in `source` itself."""
    parts = {name: Path(name).parts for name in listed}
    if len({len(found) > 1 for found in parts.values()}) > 1:
        raise ValueError(f"`input` {source} holds images beside folders; it must have a folder for each class, or images alone.")
    return {name: found[0] if len(found) > 1 else "" for name, found in parts.items()}


def _augment_arrays(config, model, augmenter, source: Path, output: Path) -> int:
    streams.check_output(source, output, config.overwrite)
    with streams.arrays(source) as found, tempfile.TemporaryDirectory(prefix="tfdvae-") as folder:
        names = next((names for names in _LABELLED if set(names) <= set(found)), None)
        if names is None:
            listed = " or ".join(f"{images} and {labels}" for images, labels in _LABELLED)
            raise ValueError(f"`input` {source} must hold images and labels, {listed}; it holds {', '.join(found) or 'nothing'}.")
        images, given = (found[name] for name in names)
        labels = given[:, 0] if given.ndim == 2 and given.shape[1] == 1 else given
        if labels.ndim != 1 or len(labels) != len(images):
            raise ValueError(f"`input` {source}: {names[1]} must hold one label for each of {len(images):,} images; got {given.shape}.")
        make, origins = augmenter.maker(config.per_image, config.seed), []
        with files.array_writer(Path(folder) / "images.npy") as append:
            for piece in files.pieces(len(images), 4 * images[0].size, model.verbs.batch_rows):
                part, index = np.array(images[piece]), np.arange(piece.start, piece.stop)
                batch = model.batch(part)
                if config.include_originals:
                    append(part)
                    origins.append(index)
                for copy in range(config.per_image):
                    append(inference.to_kind(make(batch, index, copy), part.dtype).reshape(part.shape))
                    origins.append(index)
        origin = np.concatenate(origins)
        result = {names[0]: np.load(Path(folder) / "images.npy", mmap_mode="r"), names[1]: given[origin], "source": origin,
                  "seed": np.array(config.seed), "method": np.array(augmenter.method)}  # fmt: skip
        with files.replacing(output) as temporary:
            streams.write_arrays(temporary, ".npz", result)
        count = len(origin)
        del result
    return _told(streams.Tally(done=count), output)


def export(config: ExportConfig) -> int:
    model = inference.load(config.model)
    name = Path(config.model).name.removesuffix(".keras") or "model"
    default = f"{name}.onnx" if config.format == "onnx" else f"{name}-saved_model"
    output = Path(config.output or default).expanduser()
    if output.exists() and not config.overwrite:
        raise FileExistsError(f"`output` {output} exists; --overwrite replaces it.")
    exporting.export(model.layer, output, config.format)
    print(f"{config.format} of {config.model} in {output}")
    return 0


def _paths(config) -> tuple[Path, Path]:
    return Path(config.input).expanduser(), Path(config.output).expanduser()


def _each(path: Path, model, function: Callable, title: str, tally: streams.Tally, argument: str = "input") -> Iterator[tuple]:
    """Yield the pieces of an input with what a function of images gives for them; images in files that do not fit are left out and told of."""
    for piece in streams.pieces(path, model.image_shape[-1], title, tally, argument):
        try:
            made = function(_widened(piece.images, model))
        except (ValueError, TypeError) as error:
            if streams.is_array(path):
                raise
            tally.failed += [f"the image {image_files.shown(name)} cannot be processed: {error}" for name in piece.names]
            continue
        tally.done += len(piece.names)
        yield piece, made


def _widened(images: np.ndarray, model: inference.TrainedModel) -> np.ndarray:
    """Return gray images with three channels where the model is of colour; others as they are."""
    return np.repeat(images, 3, axis=-1) if (images.shape[-1], model.image_shape[-1]) == (1, 3) else images


def _narrowed(made: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Return what was made of gray images in colour as gray images again."""
    if made.shape[-1] == images.shape[-1]:
        return made
    made = made.mean(axis=-1, keepdims=True)
    return np.rint(made).astype(images.dtype) if images.dtype.kind == "u" else made.astype(images.dtype)


def _check_own_folder(output: Path, mark: str, overwrite: bool) -> None:
    """Refuse an output folder that holds something, but for one of this command, which has the file `mark`, with `overwrite`."""
    if output.exists() and not output.is_dir():
        raise FileExistsError(f"`output` {output} is a file; a folder is needed.")
    if output.exists() and any(output.iterdir()):
        if not (output / mark).is_file():
            raise FileExistsError(f"`output` {output} is not empty, and was not made by this command. Give a new folder.")
        if not overwrite:
            raise FileExistsError(f"`output` {output} exists; --overwrite replaces it.")


def _some(tally: streams.Tally, path: Path) -> None:
    if not tally.done:
        raise ValueError(f"{path} holds no image that can be used: {tally.failed[0]}")


def _told(tally: streams.Tally, output: Path) -> int:
    """Print what became of the images and return the exit status."""
    kept = f", {tally.kept:,} kept as they were there (--overwrite replaces them)" if tally.kept else ""
    print(f"{tally.done:,} images in {output}{kept}")
    for message in tally.failed[:_SHOWN_FAILURES]:
        print(f"tfdvae: {message}", file=sys.stderr)
    if len(tally.failed) > _SHOWN_FAILURES:
        print(f"tfdvae: and {len(tally.failed) - _SHOWN_FAILURES:,} more.", file=sys.stderr)
    return 1 if tally.failed else 0
