"""What is measured of compression: codes in a stream, and JPEG files."""

from __future__ import annotations

import io

import numpy as np
import PIL.Image

from tfdvae.inference import compression
from tfdvae.studies.uses.images import (
    Images,
    Measured,
    Rows,
    fitted_pca,
    flat,
    mean_psnr,
    trained,
)
from tfdvae.studies.uses.recipes import Recipe

BITS = (1, 2, 3, 4, 5, 6, 8)  # of a unit
QUALITIES = (5, 10, 20, 35, 50, 75, 90)  # of JPEG
START_OF_SCAN = 0xDA


def measure_compression(images: Images, recipe: Recipe, n_train: int) -> Measured:
    """Return bytes an image and PSNR of the decoded images.

    Args:
        images: to train and measure on.
        recipe: a model, or principal components, whose codes go into the same kind of stream.
        n_train: training images.
    """
    train, _ = images.train(n_train)
    if recipe.network == "pca":
        pca = fitted_pca(recipe.latent_dim, train, images.seed)
        codes = pca.transform(flat(images.measured))
        parameters = pca.components_.size + pca.mean_.size

        def decode(codes: np.ndarray) -> np.ndarray:
            return pca.inverse_transform(codes).reshape(images.measured.shape)
    else:
        model = trained(recipe, train, images.seed)
        codes, decode = model.encode(images.measured), model.decode
        parameters = model.decoder.count_params()
    fields = recipe.fields | {"n_train": len(train)}
    value = mean_psnr(decode(codes), images.measured)
    rows = [
        fields | {"metric": "decoder_parameters", "value": float(parameters)},
        fields | {"protocol": "bits:none", "metric": "psnr", "value": value},
    ]
    for bits in BITS:
        stream = compression.compress_codes(codes, bits)
        decoded = decode(compression.decompress_codes(stream))
        values = {
            "bytes_per_image": len(stream) / len(images.measured),
            "psnr": mean_psnr(decoded, images.measured),
        }
        rows += [
            fields | {"protocol": f"bits:{bits}", "metric": metric, "value": value}
            for metric, value in values.items()
        ]
    return rows, {}


def measure_jpeg(images: Images) -> Measured:
    """Return bytes and PSNR of one JPEG file an image.

    `scan_bytes_per_image` leaves out all but the entropy-coded pixels.
    """
    measured = images.measured
    pixels = np.rint(measured * 255).astype(np.uint8)
    pixels = pixels[..., 0] if measured.shape[-1] == 1 else pixels
    rows: Rows = []
    for quality in QUALITIES:
        decoded, sizes, scans = np.empty_like(measured), [], []
        for number, image in enumerate(pixels):
            buffer = io.BytesIO()
            PIL.Image.fromarray(image).save(buffer, "JPEG", quality=quality)
            array = np.asarray(PIL.Image.open(buffer)) / np.float32(255)
            decoded[number] = array.reshape(measured.shape[1:])
            sizes.append(len(buffer.getvalue()))
            scans.append(scan_bytes(buffer.getvalue()))
        values = {
            "bytes_per_image": float(np.mean(sizes)),
            "scan_bytes_per_image": float(np.mean(scans)),
            "psnr": mean_psnr(decoded, measured),
        }
        rows += [
            {
                "model": "jpeg",
                "protocol": f"quality:{quality}",
                "metric": metric,
                "value": value,
            }
            for metric, value in values.items()
        ]
    return rows, {}


def scan_bytes(jpeg_file: bytes) -> int:
    """Return the length of the entropy-coded segment of a baseline JPEG with one scan."""
    place = 2
    while True:
        marker, length = jpeg_file[place + 1], int.from_bytes(jpeg_file[place + 2 : place + 4])
        place += 2 + length
        if marker == START_OF_SCAN:
            return len(jpeg_file) - place - 2
