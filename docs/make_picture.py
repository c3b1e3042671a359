"""The picture of the README and the first page: clean, noisy and denoised test images.

python docs/make_picture.py --data-dir FOLDER   # FOLDER holds the archives of Fashion-MNIST
"""

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

import tfdvae
from tfdvae.data import sources

NOISE = 0.3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir")
    parser.add_argument(
        "--output", type=Path, default=Path(__file__).parent / "images" / "denoised.png"
    )
    arguments = parser.parse_args()
    data = sources.load("fashion_mnist", arguments.data_dir)
    first = [np.flatnonzero(data.test.labels == label)[0] for label in range(10)]
    clean = np.asarray(data.test.images[first], np.float32)[..., 0] / 255
    noisy = clean + np.random.default_rng(0).normal(0, NOISE, clean.shape).astype(np.float32)
    denoised = tfdvae.load("clothing-denoiser").denoise(noisy)
    figure, rows = plt.subplots(3, 1, figsize=(8, 2.55), layout="constrained", dpi=120)
    titles = ("clean", "noisy", "denoised")
    for axis, title, images in zip(rows, titles, (clean, noisy, denoised), strict=True):
        padded = np.pad(np.clip(images, 0, 1), ((0, 0), (0, 0), (1, 1)), constant_values=1)
        axis.imshow(np.concatenate(list(padded), axis=1), cmap="gray", vmin=0, vmax=1)
        axis.set_ylabel(title, rotation=0, ha="right", va="center", fontsize=11)
        axis.set(xticks=[], yticks=[])
        for spine in axis.spines.values():
            spine.set_visible(False)
    arguments.output.parent.mkdir(exist_ok=True)
    figure.savefig(arguments.output, metadata={"Software": None})
    Image.open(arguments.output).convert("L").save(arguments.output, optimize=True)


if __name__ == "__main__":
    main()
