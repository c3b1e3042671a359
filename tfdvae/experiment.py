"""The main job as a list of stages. A run killed at any moment goes on with the first stage that is not done."""

import contextlib
import dataclasses
import importlib.metadata
import math
import platform
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

import tfdvae
from tfdvae import classifier, corruptions, evaluation, files, run_report, training
from tfdvae.augmentation import Augmenter
from tfdvae.config import DEFAULT_N_TRAIN, PRECISIONS, TrainConfig
from tfdvae.data import pipelines, sources, splits
from tfdvae.exporting import export
from tfdvae.models import loading, networks
from tfdvae.models.autoencoder import DAE
from tfdvae.models.base import DenoisingModel
from tfdvae.models.variational import DVAE, VAE
from tfdvae.run import Run, loss_text, read_history
from tfdvae.runtime import memory, use_threads

ROUND_STEPS = 100  # classifier steps between two checkpoints under equal_steps
_PACKAGES = ("tfdvae", "tensorflow", "keras", "numpy", "tensorflow-datasets", "matplotlib", "scipy", "scikit-learn", "pillow", "tifffile",
             "imagecodecs")  # fmt: skip


def prepare_data(run: Run) -> str:
    c, source = run.config, run.source
    noise = corruptions.parse(c.train_noise if c.noisy_train else "none")
    index = splits.stratified_subset(np.asarray(source.train_labels), c.n_train, c.seed)
    with files.replacing(run.folder / "checkpoints" / "data") as temporary:
        temporary.mkdir()
        np.save(temporary / "index.npy", index)
        np.save(temporary / "labels.npy", source.train_labels[index])
        chosen = {"images": source.train_noisy, "clean": source.train_images} if c.noisy_dir else {"images": source.train_images}
        for name, stored in chosen.items():
            with files.array_writer(temporary / f"{name}.npy") as append:
                for piece in files.pieces(len(index), 4 * stored[0].size):
                    rows = index[piece]
                    append(pipelines.freeze_noise(sources.to_unit(stored[rows]), rows, noise, c.seed, "observed"))
    if c.init_from is not None:
        with files.replacing(run.folder / "checkpoints" / "initial.keras") as temporary:
            shutil.copyfile(_model_file(c.init_from), temporary)
    noise = f", corrupted once with {c.train_noise}" if c.noisy_train else ""
    return f"{len(index):,} of {len(run.source.train_labels):,} training images of {c.dataset_name}{noise}; {len(run.source.test_labels):,} test images"


def build_generator(config: TrainConfig, image_shape: tuple[int, int, int], steps_per_epoch: int = 0) -> DenoisingModel:
    """Return the model that a configuration describes, compiled with Adam.

    Args:
        config: settings.
        image_shape: (H, W, C).
        steps_per_epoch: turns epochs of KL warm-up and of the learning rate's schedule into steps.
    """
    c = config
    dtype = PRECISIONS[c.precision]
    pair = networks.build(c.chosen_network, image_shape, c.latent_dim, variational=c.variational, seed=c.seed, dtype=dtype)
    own = {"likelihood": c.likelihood, "seed": c.seed, "dtype": dtype, "name": c.model}
    corrupting = {"corruption": str(c.injected), "target": c.target, "corruption_samples": c.corruption_samples}
    bound = {"beta": c.beta, "beta_warmup_steps": c.beta_warmup * steps_per_epoch, "latent_samples": c.latent_samples}
    match c.model:
        case "ae" | "dae":
            model = DAE(*pair, **corrupting, **own)
        case "vae":
            model = VAE(*pair, **bound, **own)
        case "dvae":
            model = DVAE(*pair, **corrupting, **bound, **own)
    rate = c.learning_rate
    if c.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(rate, max(1, c.epochs * steps_per_epoch))
    model.compile(optimizer=keras.optimizers.Adam(rate, beta_1=c.beta_1))
    return model


def _model_file(path: str) -> Path:
    """Return the file of the model that `init_from` names."""
    file = Path(path).expanduser()
    file = file / "generator.keras" if file.is_dir() else file
    if not file.is_file():
        raise FileNotFoundError(f"`init_from` {path} must be a run folder with a generator.keras, or a .keras file.")
    return file


def start_from(model: DenoisingModel, file: Path) -> None:
    """Give a model the weights of a trained one.

    Args:
        model: gets the weights.
        file: of the trained model, as Keras saved it.

    Raises:
        ValueError: the file holds no model of tfdvae's, or one whose networks, image shape or code differ.
    """
    trained = loading.load(file, "init_from")
    if _layout(trained) != _layout(model):
        raise ValueError(f"`init_from` {file} does not fit: it is {_describe(trained)}; the new model is {_describe(model)}.")
    for network in ("encoder", "decoder"):
        getattr(model, network).set_weights(getattr(trained, network).get_weights())


def _layout(model: DenoisingModel) -> list:
    """Return what two models must share for the weights of one to have their meaning in the other."""
    layers = [(type(layer).__name__, [tuple(weight.shape) for weight in layer.weights]) for network in (model.encoder, model.decoder)
              for layer in network.layers]  # fmt: skip
    return [model.image_shape, model.code_shape, layers]


def _describe(model: DenoisingModel) -> str:
    shape, code = ("x".join(map(str, sizes)) for sizes in (model.image_shape, model.code_shape))
    layers = "+".join(str(len(network.layers)) for network in (model.encoder, model.decoder))
    return f"a {type(model).__name__} for images {shape} with a code of {code}, {layers} layers and {model.count_params():,} parameters"


def _tensorboard(run: Run, name: str) -> keras.callbacks.Callback:
    return keras.callbacks.TensorBoard(run.folder / "logs" / name, write_graph=False)


def train_generator(run: Run) -> str:
    c = run.config
    images = run.data["images"]
    per_epoch = pipelines.steps_per_epoch(len(images), c.batch_size)
    model = build_generator(c, images.shape[1:], per_epoch)
    if c.init_from is not None:
        start_from(model, run.folder / "checkpoints" / "initial.keras")
    batches_from = partial(
        pipelines.training_batches, (images, run.data["clean"]) if c.noisy_dir else (images,), c.batch_size, c.seed, "generator"
    )
    pictures = training.Reconstructions(np.array(images[:10]), run.folder / "logs" / "generator" / "images")
    history = training.fit(model, batches_from, c.epochs * per_epoch, per_epoch, run.folder / "checkpoints" / "generator", c.model,
                           [_tensorboard(run, "generator"), pictures])  # fmt: skip
    _keep(run, "generator", model, history)
    return f"{model.count_params():,} parameters, {c.epochs} epochs of {per_epoch} steps, loss {loss_text(c, history[-1]['loss'])}"


def augment(run: Run) -> str:
    c = run.config
    method = c.sampling if c.variational else None
    augmenter = Augmenter(run.generator, method, c.corrupt_before_encoding)
    labels, source = [], []
    with files.replacing(run.folder / "augmentation") as temporary:
        temporary.mkdir()
        with files.array_writer(temporary / "images.npy") as append:
            for made in augmenter.pieces(run.data["images"], run.data["labels"], c.samples_per_image, c.seed):
                append(made.images)
                labels.append(made.labels)
                source.append(made.source)
        np.save(temporary / "labels.npy", np.concatenate(labels))
        np.save(temporary / "source.npy", np.concatenate(source))
    kind = "labelled synthetic images" if run.source.class_names else "synthetic images, whose labels are all 0 as there are none"
    return f"{sum(map(len, labels)):,} {kind} ({augmenter.method}), {c.samples_per_image} for each training image"


def train_classifier(run: Run, augmentation: str) -> str:
    c = run.config
    sets = [run.data] if augmentation == "limited" else [run.data, run.synthetic]
    images, labels = [part["images"] for part in sets], [part["labels"] for part in sets]
    count = sum(map(len, labels))
    model = classifier.cnn(images[0].shape[1:], len(run.source.class_names), seed=c.seed, dtype=run.dtype)
    per_epoch = pipelines.steps_per_epoch(count, classifier.BATCH_SIZE)
    total, per_round = (c.classifier_steps, ROUND_STEPS) if c.protocol == "equal_steps" else (c.classifier_epochs * per_epoch, per_epoch)
    batches_from = partial(pipelines.training_batches, (images, labels), classifier.BATCH_SIZE, c.seed, f"classifier/{augmentation}")
    name = f"classifier-{augmentation}"
    history = training.fit(model, batches_from, total, per_round, run.folder / "checkpoints" / name, name, [_tensorboard(run, name)])
    _keep(run, name, model, history)
    return f"{count:,} images, {total:,} steps, training accuracy {100 * history[-1]['accuracy']:.2f}%"


def _keep(run: Run, name: str, model: keras.Model, history: list[dict]) -> None:
    files.write_json(run.folder / "checkpoints" / f"{name}.json", history)
    with files.replacing(run.folder / f"{name}.keras") as temporary:
        model.save(temporary)


def evaluate(run: Run) -> str:
    c = run.config
    if c.noisy_dir:
        train, test = (run.data["images"], run.data["clean"]), (run.source.test_noisy, run.source.test_images)
        measured = [*evaluation.denoising_rows(run.generator, run.source.test_images, run.source.test_noisy, "observed")]
    else:
        train, test = run.data["images"], run.source.test_images
        measured = [*evaluation.corruption_rows(run.generator, test, map(corruptions.parse, c.test_noise), c.seed)]
    rows = [run.row(**fields) for fields in [*evaluation.generator_rows(run.generator, train, test), *measured]]
    tests = list(map(corruptions.parse, c.test_noise))
    for augmentation in c.training_sets:
        model = keras.models.load_model(run.folder / f"classifier-{augmentation}.keras")
        measured = evaluation.classifier_rows(model, run.source.test_images, run.source.test_labels, tests, c.seed)
        rows += [run.row(augmentation=augmentation, protocol=c.protocol, **fields) for fields in measured]
    curves = []
    for name, fields in [("generator", {})] + [(f"classifier-{a}", {"augmentation": a, "protocol": c.protocol}) for a in c.training_sets]:
        for entry in read_history(run, name):
            place = {"split": "train", "step": entry["step"]}
            if name == "generator" or c.protocol == "equal_epochs":
                place["epoch"] = entry["epoch"]
            curves += [
                run.row(**fields, **place, metric=metric, value=value) for metric, value in entry.items() if metric not in ("epoch", "step")
            ]
    files.write_rows(run.folder / "history.csv", curves)
    _write_hparams(run, rows)
    files.write_rows(run.folder / "metrics.csv", rows)
    return f"{len(rows)} rows in metrics.csv, {len(curves)} in history.csv"


def _write_hparams(run: Run, rows: list[dict]) -> None:
    """Settings and results for TensorBoard's HPARAMS tab."""
    from tensorboard.plugins.hparams import api

    settings = {key: value if isinstance(value, (bool, int, float, str)) else str(value) for key, value in run.config.to_dict().items()}
    for unwanted in ("data_dir", "output", "resume", "debug"):
        del settings[unwanted]
    folder = run.folder / "logs" / "hparams"
    files.remove(folder)
    writer = tf.summary.create_file_writer(str(folder))
    with writer.as_default():
        api.hparams(settings, trial_id=run.config.identity())
        for row in rows:
            name = "/".join(row[key] for key in ("metric", "split", "augmentation", "test_corruption") if row.get(key))
            tf.summary.scalar(name, row["value"], step=0)
    writer.close()


def export_model(run: Run) -> str:
    files.remove(run.folder / "saved_model")
    export(run.generator, run.folder / "saved_model")
    return f"SavedModel in {run.folder / 'saved_model'}"


@dataclass(frozen=True)
class Stage:
    """A step of a run: its name, what it does (returning a line for the reader) and the files that it leaves."""

    name: str
    work: Callable[[Run], str]
    outputs: tuple[str, ...]


def stages(config: TrainConfig) -> list[Stage]:
    """Return the stages of a run in order."""
    listed = [
        Stage("data", prepare_data, ("checkpoints/data",) + (("checkpoints/initial.keras",) if config.init_from else ())),
        Stage("generator", train_generator, ("generator.keras", "checkpoints/generator.json")),
    ]
    if config.makes_images:
        listed.append(Stage("augmentation", augment, ("augmentation",)))
    for augmentation in config.training_sets:
        listed.append(
            Stage(
                f"classifier-{augmentation}",
                partial(train_classifier, augmentation=augmentation),
                (f"classifier-{augmentation}.keras", f"checkpoints/classifier-{augmentation}.json"),
            )
        )
    return [
        *listed,
        Stage("evaluation", evaluate, ("metrics.csv", "history.csv")),
        Stage("figures", run_report.draw_figures, tuple(f"figures/{name}.png" for name in run_report.figure_names(config))),
        Stage("export", export_model, ("saved_model/saved_model.pb",)),
        Stage("report", run_report.write_report, ("report.md", "report.html")),
    ]


def train(config: TrainConfig, given: Iterable[str] = ()) -> Path:
    """Do the main job, or go on with it where `config.resume` names a run; return the run folder.

    Args:
        config: settings.
        given: names of settings that were given though they may equal a default, for `origin` in `config.json`.

    Raises:
        ValueError, FileNotFoundError, sources.Unavailable: settings or data that do not fit.
        FileExistsError: the output folder holds something.
        BlockingIOError: another process writes to the folder.
        FloatingPointError: a loss became NaN.
        MemoryError: memory ran out.
    """
    resuming = config.resume is not None
    if resuming:
        folder = Path(config.resume)
        config = TrainConfig.of_run(folder, config)
        use_threads(config.threads)
        source = _load(config)
        recorded = files.read_json(folder / "environment.json")
        if source.fingerprint != recorded.get("data", source.fingerprint):
            raise ValueError(f"`dataset` {source.name} is not what it was when the run began: files were added, removed or written since.")
        _tell_differences(recorded)
        notice = recorded.get("notice", "")
        source = dataclasses.replace(source, notice=notice)
    else:
        folder = Path(config.output).expanduser() if config.output is not None else _new_folder(config)
        _check_empty(folder)
        origin = config.origin(given)
        config = dataclasses.replace(config, threads=use_threads(config.threads))
        _check_before_loading(config)
        source = _load(config, config.n_train)
        config = _resolve(config, source)
        with _naming_size(config, source):
            _check_generator(config, source)
        _make(folder)
    with files.locked(folder), _naming_size(config, source):
        if not resuming:
            _check_empty(folder)
            marks = {"notice": source.notice, "data": source.fingerprint}
            if config.init_from is not None:
                marks["init_from"] = files.sha256(_model_file(config.init_from))
            files.write_json(folder / "environment.json", environment() | marks)
            files.write_json(folder / "config.json", config.to_dict() | {"origin": origin})
        files.remove_temporary(folder)
        _run_stages(Run(config, folder, source))
    return folder


def _load(config: TrainConfig, n_train: int | None = None) -> sources.Source:
    return sources.load(config.dataset, config.data_dir, **config.own_images, labelled=bool(config.training_sets), n_train=n_train)


def _check_before_loading(config: TrainConfig) -> None:
    """Refuse what is known to be wrong before images are decoded, which may take long."""
    if config.init_from is not None:
        _model_file(config.init_from)
    if config.image_size is not None:
        _check_size(config, (*config.image_size, 1))


def _check_size(config: TrainConfig, image_shape: tuple[int, int, int]) -> None:
    """Refuse images of a size that a network cannot take, or with which this machine's memory cannot hold its training."""
    c = config
    made = {c.chosen_network: partial(networks.build, c.chosen_network, image_shape, c.latent_dim, variational=c.variational)}
    if c.training_sets and min(image_shape[:2]) > 1:
        made["of the classifier"] = partial(classifier.layers, image_shape, 2)
    for name, make in made.items():
        count = _count_parameters(make)
        images = min(c.batch_size, c.n_train or 1) * math.prod(image_shape)
        needed = 4 * (4 * count + images)  # weights, their gradient, Adam's two moments, and a batch, in float32
        if needed > memory():
            height, width, _ = image_shape
            raise ValueError(
                f"network {name} has {count:,} parameters for images of {height}x{width}, and training takes {needed / 2**30:,.0f} GiB "
                f"at least; this machine has {memory() / 2**30:,.0f}. Smaller images, another network or a smaller batch need less."
            )


def _count_parameters(make: Callable) -> int:
    """Return how many parameters the models have that `make` returns, without room for a single one.

    In a thread of its own, with which Keras forgets which variables were still to be given their values.
    """

    def count() -> int:
        with keras.StatelessScope(initialize_variables=False):
            made = make()
            return sum(model.count_params() for model in (made if isinstance(made, tuple) else (made,)))

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(count).result()


@contextlib.contextmanager
def _naming_size(config: TrainConfig, source: sources.Source) -> Iterator[None]:
    """Say what memory was too small for."""
    try:
        yield
    except (MemoryError, tf.errors.ResourceExhaustedError) as error:
        height, width = source.train_images.shape[1:3]
        raise MemoryError(
            f"memory ran out with images of {height}x{width}, network {config.chosen_network} and `batch_size` {config.batch_size}; "
            f"smaller ones need less."
        ) from error


def _check_generator(config: TrainConfig, source: sources.Source) -> None:
    """Refuse images that the network cannot take and a model to start from that does not fit, before anything is written."""
    _check_size(config, source.train_images.shape[1:])
    model = build_generator(config, source.train_images.shape[1:])
    if config.init_from is not None:
        start_from(model, _model_file(config.init_from))


def _tell_differences(recorded: dict) -> None:
    """Say where this machine is not the one on which a run began: the bits may then differ."""
    here = environment()
    for name in ("python", "processor", "packages", "commit"):
        if recorded.get(name) != here[name]:
            print(f"NOTE: the run began with another `{name}`; its results may differ in their last bits.", flush=True)


def _new_folder(config: TrainConfig) -> Path:
    return Path("saved_models") / f"{config.model}-{config.condition}-{time.strftime('%Y%m%d-%H%M%S')}"


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".lock").touch()
    except OSError as error:
        raise OSError(f"`output` {folder} cannot be written: {error.strerror}.") from error


def _check_empty(folder: Path) -> None:
    if (folder / "config.json").exists():
        raise FileExistsError(f"`output` {folder} holds another run. Give a new folder, or go on with that run: --resume {folder}")
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"`output` {folder} is a file; a folder is needed.")
    begun = (".lock", "environment.json")  # what a start that was killed at once leaves
    if folder.exists() and any(path.name not in begun and not path.name.startswith(".tmp-") for path in folder.iterdir()):
        raise FileExistsError(f"`output` {folder} is not empty, and is not a run folder. Give a new folder.")


def _resolve(config: TrainConfig, source: sources.Source) -> TrainConfig:
    """Return the settings with the dataset really used and the numbers that defaults stand for."""
    available = len(source.train_labels)
    n_train = min(DEFAULT_N_TRAIN, available) if config.n_train is None else config.n_train
    if n_train > available:
        raise ValueError(f"`n_train` must not exceed the {available:,} training images of {source.name}; got {n_train:,}.")
    places = {name: getattr(config, name) for name in ("data_dir", "noisy_dir", "init_from")}
    places = {name: None if place is None else str(files.absolute(place)) for name, place in places.items()}
    height, width = source.train_images.shape[1:3]
    if config.training_sets and min(height, width) < 2:
        raise ValueError(
            f"`dataset` {source.name} has images of {height}x{width}; the classifier needs 2x2 at least (--no-classifier does without)."
        )
    return dataclasses.replace(
        config,
        dataset=source.name,
        n_train=n_train,
        **places,
        network=config.chosen_network,
        corruption=str(config.injected),
        output=None,
        debug=False,
    )


def environment() -> dict:
    """Return what a result depends on besides the settings: versions, processor, commit."""
    return {
        "started": time.strftime("%Y-%m-%d %H:%M:%S %z"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": _processor(),
        "packages": {name: importlib.metadata.version(name) for name in _PACKAGES},
        "commit": _commit(Path(tfdvae.__file__).parents[1]),
    }


def _commit(tree: Path) -> str | None:
    """Return the commit of a source tree; None for an installed package, or where there is no git."""
    try:
        git = subprocess.run(["git", "-C", tree, "rev-parse", "--show-toplevel", "HEAD"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    top, commit = git.stdout.splitlines()
    if Path(top) != tree.resolve():
        return None
    changed = subprocess.run(["git", "-C", tree, "diff", "--quiet", "HEAD"], check=False).returncode
    return f"{commit}-modified" if changed else commit


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor())


def _run_stages(run: Run) -> None:
    record = run.folder / "stages.json"
    done = files.read_json(record) if record.exists() else {}
    if run.source.notice:
        print(f"NOTE: {run.source.notice}", flush=True)
    print(f"{run.title}. Run folder: {run.folder}", flush=True)
    listed = stages(run.config)
    for number, stage in enumerate(listed, start=1):
        if stage.name in done and all((run.folder / output).exists() for output in stage.outputs):
            print(f"[{number}/{len(listed)}] {stage.name}: done before", flush=True)
            continue
        print(f"[{number}/{len(listed)}] {stage.name}", flush=True)
        start = time.monotonic()
        summary = stage.work(run)
        done[stage.name] = {"seconds": round(time.monotonic() - start, 1), "summary": summary}
        files.write_json(record, done)
        print(f"      {summary} ({done[stage.name]['seconds']:.1f} s)", flush=True)
    text = run_report.summary(run)
    files.write_text(run.folder / "summary.md", text)
    print(f"\n{text}", flush=True)
