"""Train the models that come with tfdvae, and write their cards.

python benchmarks/shipped.py --data-dir FOLDER [--choose] [NAME ...]

Each is one `tfdvae train` command on all 60,000 training images of Fashion-MNIST; what the cards
say of them was measured by it on the 10,000 test images. With `--choose` it measures candidates on
5,000 training images held out instead: for the denoiser's network and for the DVAE's code, in
`results/shipped/choice-NAME.md`. Codes and batches were read off them. The denoiser's network is
`slim_residual_conv`, for it does half the work of `residual_conv`, which is 0.4 dB ahead after ten
epochs: files are denoised faster. Epochs are what time allowed.
"""

import argparse
import shlex
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import keras
import numpy as np

from tfdvae import corruptions, csv_rows
from tfdvae._utils import files
from tfdvae.config import TrainConfig
from tfdvae.data import image_dataset, pipelines, sources, splits
from tfdvae.experiment import evaluation
from tfdvae.metrics import image
from tfdvae.models import build

ROOT = Path(__file__).parents[1]
SHIPPED = ROOT / "tfdvae" / "inference" / "shipped"
CANDIDATES, CHOOSING_EPOCHS, HELD_OUT = (4, 8, 16, 32), 30, 5000
DENOISERS = (
    ("strided_conv", 64, 10, 128),
    ("residual_conv", 4, 10, 128),
    ("residual_conv", 16, 10, 128),
    ("residual_conv", 32, 10, 128),
    ("residual_conv", 16, 30, 128),
    ("residual_conv", 16, 10, 32),
    ("slim_residual_conv", 16, 10, 32),
)  # network, code, epochs, images in a batch
DENOISER_TRAIN = 20_000
LATENT_DIM = 32
NOISES = (
    "gaussian:0.1,clipped_gaussian:0.1,gaussian:0.3,clipped_gaussian:0.3,"
    "salt_and_pepper:0.2,masking:0.3"
)
TESTED = "--test-noise 0 " + " ".join(NOISES.split(",")) + " speckle:0.3 random_erasing:1"
COMMANDS = {
    "clothing-denoiser": (
        f"--model dae --network slim_residual_conv --latent-dim 16 --corruption {NOISES} "
        "--n-train 60000 --epochs 40 --batch-size 32 --learning-rate 2e-3 --schedule cosine "
        f"--precision bfloat16 --no-classifier {TESTED}"
    ),
    "clothing-dvae": (
        f"--model dvae --latent-dim {LATENT_DIM} --corruption gaussian:0.1 --n-train "
        "60000 --epochs 60 --no-classifier --test-noise 0 gaussian:0.1"
    ),
}
ABOUT = {
    "clothing-denoiser": (
        "Denoises gray images of clothing of 28x28 pixels, and larger ones in "
        "tiles. It knows no kind of noise in advance: it was trained on six."
    ),
    "clothing-dvae": "Encodes, samples and augments gray images of clothing of 28x28 pixels.",
}
LIMITS = (
    "- PSNR is cut off at 48.13 dB, one gray level of 8 bits. Uses besides denoising were measured "
    "too: results/shipped/uses.md in the repository.\n"
    "- It knows clothing as Fashion-MNIST shows it: one piece, centered, on black. "
    "Of anything else, an X-ray or a photograph, it may make clothing; nothing checks this.\n"
    "- What is rare in Fashion-MNIST (prints, logos, straps) is smoothed away."
)

OWN_LIMITS = {
    "clothing-denoiser": (
        "- Noise of other kinds than the six is removed less well: see speckle and erased regions "
        "in the table.\n"
        "- Its code is as large as four images, so what is no clothing passes too: it detects "
        "noise, but hardly digits or clothing turned by 90° (`detect`), and fills in scattered "
        "pixels, but not regions (`impute`); `clothing-dvae` does."
    ),
    "clothing-dvae": (
        "- Its code is narrow: what it denoises is blurred, and `clothing-denoiser` "
        "is far better at that."
    ),
}


def choose_dvae(data_dir: str | None) -> None:
    """Compare sizes of the DVAE's code by the bound on held-out images."""
    source = sources.load("fashion_mnist", data_dir)
    held = splits.stratified_subset(np.asarray(source.train.labels), HELD_OUT, seed=100)
    train = image_dataset.to_unit(
        source.train.images[np.setdiff1d(np.arange(len(source.train.labels)), held)]
    )
    lines = [
        "# Choice of the shipped DVAE's code",
        "",
        f"Bound (loss, nats per image; lower is better) on {HELD_OUT:,} training images held out, "
        f"after {CHOOSING_EPOCHS} epochs on the others, one seed.",
        "By `python benchmarks/shipped.py --data-dir FOLDER --choose clothing-dvae`.",
        "",
        "| units | loss |",
        "|---|---|",
    ]
    for units in CANDIDATES:
        model = fit(
            TrainConfig.of(model="dvae", latent_dim=units, epochs=CHOOSING_EPOCHS, seed=100), train
        )
        loss = model.evaluate(
            image_dataset.to_unit(source.train.images[held]),
            batch_size=500,
            verbose=0,
            return_dict=True,
        )["loss"]
        lines.append(f"| {units} | {loss:.2f} |")
        print(lines[-1], flush=True)
    files.write_text(
        ROOT / "results" / "shipped" / "choice-clothing-dvae.md", "\n".join([*lines, ""])
    )


def choose_denoiser(data_dir: str | None) -> None:
    """Compare networks for the denoiser by the PSNR of held-out images over all its noises."""
    source = sources.load("fashion_mnist", data_dir)
    labels = np.asarray(source.train.labels)
    held = splits.stratified_subset(labels, HELD_OUT, seed=100)
    others = np.setdiff1d(np.arange(len(labels)), held)
    train = image_dataset.to_unit(
        source.train.images[
            others[splits.stratified_subset(labels[others], DENOISER_TRAIN, seed=100)]
        ]
    )
    clean, noises = image_dataset.to_unit(source.train.images[held]), NOISES.split(",")
    lines = [
        "# Choice of the shipped denoiser's network",
        "",
        f"PSNR in dB of {HELD_OUT:,} training images held out, after training on "
        f"{DENOISER_TRAIN:,} others with the shipped model's settings but for those named, "
        "one seed.",
        "By `python benchmarks/shipped.py --data-dir FOLDER --choose clothing-denoiser`.",
        "",
        f"| network | code | epochs | batch | parameters | {' | '.join(noises)} | mean |",
        "|---|---|---|---|---|" + (len(noises) + 1) * "---|",
    ]
    for network, latent_dim, epochs, batch_size in DENOISERS:
        config = TrainConfig.of(
            model="dae",
            network=network,
            latent_dim=latent_dim,
            corruption=NOISES,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=2e-3,
            schedule="cosine",
            precision="bfloat16",
            seed=100,
        )
        model = in_float32(fit(config, train), config)
        noisy = (
            evaluation.test_noise(clean, corruptions.parse(noise), config.run.seed)
            for noise in noises
        )
        values = [float(image.psnr(model.denoise(images), clean).mean()) for images in noisy]
        cells = " | ".join(f"{value:.2f}" for value in [*values, float(np.mean(values))])
        lines.append(
            f"| {network} | {latent_dim} | {epochs} | {batch_size} | {model.count_params():,} | "
            f"{cells} |"
        )
        print(lines[-1], flush=True)
    files.write_text(
        ROOT / "results" / "shipped" / "choice-clothing-denoiser.md", "\n".join([*lines, ""])
    )


def fit(config: TrainConfig, images: np.ndarray) -> keras.Model:
    """Train a model on images and return it."""
    per_epoch = pipelines.steps_per_epoch(len(images), config.generator.batch_size)
    model = build.build_generator(config, images.shape[1:], per_epoch)
    batches = pipelines.training_batches(
        (images,), config.generator.batch_size, config.run.seed, "generator"
    )
    model.fit(batches, epochs=config.generator.epochs, steps_per_epoch=per_epoch, verbose=0)
    return model


def in_float32(trained: keras.Model, config: TrainConfig) -> keras.Model:
    """Return a model in float32, which any processor computes fast, and without its optimizer."""
    built = build.build_generator(config.replace(precision="float32"), trained.image_shape)
    model = type(built).from_config(built.get_config())
    model.set_weights(trained.get_weights())
    return model


def make(name: str, data_dir: str | None) -> None:
    """Train a model, keep it in float32 without its optimizer, and write its card."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "run"
        given = ["--data-dir", data_dir] if data_dir else []
        subprocess.run(
            [
                sys.executable,
                "-m",
                "tfdvae",
                "train",
                *COMMANDS[name].split(),
                *given,
                "--output",
                str(folder),
            ],
            check=True,
            cwd=ROOT,
        )
        config = TrainConfig.of_run(folder)
        kept = in_float32(keras.models.load_model(folder / "generator.keras"), config)
        with files.replacing(SHIPPED / f"{name}.keras") as path:
            kept.save(path)
        rows = csv_rows.read_rows(folder / "metrics.csv")
    values = {
        (row["metric"], row["test_corruption"]): float(row["value"])
        for row in rows
        if row["split"] == "test"
    }
    noises = [noise for metric, noise in values if metric == "psnr"]
    lines = [
        f"# {name}",
        "",
        ABOUT[name],
        "",
        "- Data: the 60,000 training images of Fashion-MNIST, by Zalando (MIT license), gray, "
        f"28x28. License of the model: MIT. {kept.count_params():,} parameters.",
        f"- Command: `tfdvae train {shlex.join(COMMANDS[name].split())}`",
        f"- Loss on the 10,000 test images: {values['loss', '']:.2f} nats per image. PSNR and SSIM "
        "of them, one run:",
        "",
        "| test images | PSNR, dB, as given | PSNR, dB | SSIM as given | SSIM |",
        "|---|---|---|---|---|",
    ]
    for noise in noises:
        numbers = [
            values.get((metric, noise)) for metric in ("psnr_input", "psnr", "ssim_input", "ssim")
        ]
        lines.append(
            f"| {noise} | "
            + " | ".join(f"{number:.{2 + place // 2}f}" for place, number in enumerate(numbers))
            + " |"
        )
    files.write_text(
        SHIPPED / f"{name}.md",
        wrapped("\n".join([*lines, "", "Limits:", "", LIMITS, OWN_LIMITS[name], ""])),
    )


def wrapped(page: str) -> str:
    """Return a page whose lines, but those of tables, have 100 columns at most."""
    return "\n".join(
        line
        if line.startswith("|")
        else textwrap.fill(
            line,
            100,
            subsequent_indent="  " if line.startswith("- ") else "",
            break_long_words=False,
            break_on_hyphens=False,
        )
        for line in page.split("\n")
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir")
    parser.add_argument("--choose", action="store_true")
    parser.add_argument("names", nargs="*", help=", ".join(COMMANDS))
    arguments = parser.parse_args()
    choose = {"clothing-denoiser": choose_denoiser, "clothing-dvae": choose_dvae}
    for name in arguments.names or COMMANDS:
        choose[name](arguments.data_dir) if arguments.choose else make(name, arguments.data_dir)


if __name__ == "__main__":
    main()
