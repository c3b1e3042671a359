"""tfdvae, as its commands train and its users call it."""

import sys
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import keras
import numpy as np
from PIL import Image
from worker import (
    BATCH,
    EPOCH,
    NOISE,
    STEPS,
    Case,
    Data,
    Task,
    mosaics,
    of_mosaics,
    pictures,
    process,
    serve,
)

import tfdvae
from tfdvae import classifier
from tfdvae._utils.threads import use_threads
from tfdvae.config import PRECISIONS, TrainConfig
from tfdvae.data import pipelines
from tfdvae.data.patches import training_patches
from tfdvae.fitting import training
from tfdvae.inference.on_disk import rewriting
from tfdvae.learning import model as learning
from tfdvae.models.autoencoder import DAE
from tfdvae.models.build import build_generator

IMAGES = 2000  # of a measurement of inference
TFDVAE = (sys.executable, "-m", "tfdvae")


def main() -> None:
    cases: dict[str, Case] = {
        f"{model}-{network}": partial(generator, model, network)
        for model, network in (
            ("dvae", "mlp"),
            ("dae", "mlp"),
            ("dae", "strided_conv"),
            ("dae", "pooled_conv"),
            ("dae", "residual_conv"),
        )
    }
    cases |= {
        "unet": partial(unet, "float32"),
        "unet-bfloat16": partial(unet, "bfloat16"),
        "hiding": hiding,
        "cnn": partial(cnn, "float32"),
        "cnn-bfloat16": partial(cnn, "bfloat16"),
        "denoise": partial(denoise, IMAGES),
        "denoise-one": partial(denoise, 1),
        "denoise-512": partial(picture, 512, 512),
        "denoise-large": partial(picture, 3000, 4000),
        "dvae-mlp-disk": partial(generator, "dvae", "mlp", from_disk=True),
        "folder-png": partial(files, "png"),
        "folder-tiff": partial(files, "tiff"),
        "augment": augment,
        "start": start,
        "help": lambda *_: process(*TFDVAE, "--help"),
    }
    serve(cases)


def generator(
    model: str, network: str, folder: Path, data: Data, threads: int, from_disk: bool = False
) -> Task:
    """An autoencoder as `tfdvae train` trains it, with a checkpoint after each epoch."""
    use_threads(threads)
    if from_disk:
        np.save(folder / "images.npy", data.images)
        data = replace(data, images=np.load(folder / "images.npy", mmap_mode="r"))
    config = TrainConfig.of(model=model, network=network, corruption=f"gaussian:{NOISE}")
    built = build_generator(config, data.images.shape[1:])
    batches = partial(pipelines.training_batches, (data.images,), BATCH, 0, "generator")

    def work() -> float:
        start = time.perf_counter()
        with tempfile.TemporaryDirectory() as kept:
            training.fit(built, batches, STEPS[network], EPOCH, Path(kept) / "rounds", "")
        return (time.perf_counter() - start) / STEPS[network]

    return Task(work, lambda: built.denoise(data.noisy))


def unet(precision: str, folder: Path, data: Data, threads: int) -> Task:
    """The U-Net of `tfdvae denoise --learn` in `fit`, from noisy images alone."""
    use_threads(threads)
    data = data.observed()
    shape, moments = data.images.shape[1:], learning.moments_of(data.images)
    model = learning.build(
        "recorrupted",
        f"gaussian:{NOISE}",
        shape,
        moments,
        seed=0,
        steps=10**9,  # so that the rate stays
        dtype=PRECISIONS[precision],
    )
    model.orientations = None
    batches = pipelines.training_batches((data.images,), BATCH, 0, "unet")
    return Task(_fit(model, batches, "unet"), lambda: model.denoise(data.noisy))


def hiding(folder: Path, data: Data, threads: int) -> Task:
    """The U-Net that learns from pixels that are hidden from it, in patches of pictures."""
    use_threads(threads)
    pictures = list(mosaics(data.observed().images)[..., None])
    moments = learning.moments_of(pictures)
    last: list[DAE] = []

    def work() -> float:
        steps = STEPS["hiding"]
        model = learning.build("masked", "none", (64, 64, 1), moments, seed=0, steps=steps)
        batches = partial(training_patches, pictures, 64, learning.batch_size(64), 0, "hiding")
        start = time.perf_counter()
        with tempfile.TemporaryDirectory() as kept:
            training.fit(model, batches, steps, steps, Path(kept) / "rounds", "")
        seconds = time.perf_counter() - start
        last[:] = [model]
        return seconds / steps

    def check() -> np.ndarray:
        return of_mosaics(last[0].denoise(mosaics(data.noisy)[..., None]))

    return Task(work, check)


def cnn(precision: str, folder: Path, data: Data, threads: int) -> Task:
    """The published classifier in `fit`."""
    use_threads(threads)
    model = classifier.cnn(data.images.shape[1:], 10, dtype=PRECISIONS[precision])
    batches = pipelines.training_batches((data.images, data.labels), BATCH, 0, "classifier")
    return Task(_fit(model, batches, "cnn"), lambda: model.predict(data.noisy, verbose=0))


def denoise(count: int, folder: Path, data: Data, threads: int, file: str = "") -> Task:
    """A shipped model, or a file of it, on arrays."""
    use_threads(threads)
    model = tfdvae.load(folder / file if file else "clothing-denoiser")
    images = np.resize(data.noisy, (count, *data.noisy.shape[1:]))
    calls = max(1, 200 // count)

    def work() -> float:
        start = time.perf_counter()
        for _ in range(calls):
            model.denoise(images)
        return (time.perf_counter() - start) / (calls * count)

    return Task(work, lambda: model.denoise(data.noisy))


def picture(
    height: int, width: int, folder: Path, data: Data, threads: int, file: str = "unet.keras"
) -> Task:
    """A U-Net on one picture, in tiles where it is large."""
    use_threads(threads)
    model = tfdvae.load(folder / file)
    images = pictures(height, width)

    def work() -> float:
        start = time.perf_counter()
        model.denoise(images)
        return time.perf_counter() - start

    return Task(work, lambda: model.denoise(data.noisy))


def files(suffix: str, folder: Path, data: Data, threads: int) -> Task:
    """A folder of files: they are read, denoised and written."""
    use_threads(threads)
    model, given = tfdvae.load("clothing-denoiser"), folder / suffix
    given.mkdir(exist_ok=True)
    for number, image in enumerate(np.rint(255 * np.clip(data.noisy[..., 0], 0, 1))):
        Image.fromarray(image.astype(np.uint8)).save(given / f"{number:04}.{suffix}")

    def work() -> float:
        with tempfile.TemporaryDirectory() as made:
            start = time.perf_counter()
            tally = rewriting.denoise(model, given, Path(made) / "denoised")
            return (time.perf_counter() - start) / tally.done

    return Task(work)


def start(folder: Path, data: Data, threads: int) -> Task:
    """A file by the command line."""
    given, made = folder / "one.png", folder / "with_tfdvae.png"
    return process(*TFDVAE, "denoise", "clothing-denoiser", given, made, "--overwrite")


def augment(folder: Path, data: Data, threads: int) -> Task:
    """Synthetic images of a shipped DVAE."""
    use_threads(threads)
    model = tfdvae.load("clothing-dvae")
    images, labels = data.images[:IMAGES], data.labels[:IMAGES]

    def work() -> float:
        start = time.perf_counter()
        made = model.augment(images, labels, per_image=2, seed=0)
        return (time.perf_counter() - start) / len(made.images)

    return Task(work)


def _fit(model: keras.Model, batches, network: str):
    def work() -> float:
        start = time.perf_counter()
        model.fit(batches, steps_per_epoch=STEPS[network], verbose=0)
        return (time.perf_counter() - start) / STEPS[network]

    return work


if __name__ == "__main__":
    main()
