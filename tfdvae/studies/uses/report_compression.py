"""Section on compression of the report on uses."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tfdvae.reporting.document import Figure, Heading, Paragraph, Part, Table
from tfdvae.studies.dataset_info import DatasetInfo
from tfdvae.studies.uses import figures
from tfdvae.studies.uses.compression import BITS, QUALITIES
from tfdvae.studies.uses.recipes import CHOSEN, Recipe, compared_sizes
from tfdvae.studies.uses.results import Results, shown
from tfdvae.studies.uses.settings import UsesStudyConfig


def compression_section(
    results: Results, config: UsesStudyConfig, dataset: DatasetInfo, folder: Path
) -> list[Part]:
    """Return the section, and draw its figure."""
    chosen = CHOSEN["compression"][0].trained_for(config.epochs)
    rows, sizes = [], []
    curves: dict[str, list[tuple[float, float]]] = {}
    for recipe in compared_sizes(config.epochs):
        title = f"{'PCA' if recipe.network == 'pca' else 'DAE'}, {recipe.latent_dim} units"
        cells, curves[title] = _at_each_bits(results, recipe)
        rows.append([title, *cells])
        found = results.values(_cell(recipe), "decoder_parameters", recipe=recipe)
        sizes.append(f"{title}: {(found or [0])[0]:,.0f} parameters")
    jpeg = [[_jpeg(results, quality, metric) for metric in _JPEG_METRICS] for quality in QUALITIES]
    curves["JPEG, whole files"] = [(whole, psnr) for whole, _, psnr in jpeg]
    curves["JPEG without headers"] = [(scan, psnr) for _, scan, psnr in jpeg]
    figures.draw_compression(curves, dataset.name, folder / "figures" / "compression.png")
    header = min((whole - scan for whole, scan, _ in jpeg), default=0.0)
    height, width, _ = dataset.image_shape
    return [
        Heading("Compression"),
        Paragraph(
            f"Codes of the {dataset.test_count:,} test images in one stream "
            f"(`compression.compress_codes`), by a {chosen.title} with other latent sizes. A raw "
            f"image is {np.prod(dataset.image_shape):,} bytes. Bytes an image (length of the "
            f"stream, header included, divided by {dataset.test_count:,}): PSNR in dB, at each "
            "number of bits of a unit; the last column is the PSNR of codes that are not "
            "quantized. PCA: principal components in the same kind of stream."
        ),
        Table(["code", *(f"{bits} bit{'s' * (bits > 1)}" for bits in BITS), "not quantized"], rows),
        Paragraph(
            "The stream does not hold the decoder, which both ends need and which was trained on "
            f"images like these: {'; '.join(sizes)} (4 bytes each). JPEG needs none of it and "
            "takes any image."
        ),
        Paragraph(
            f"JPEG (Pillow, baseline, one file an image). At {height}x{width} a constant header of "
            f"more than {header // 100 * 100:.0f} bytes dominates the file; the second column "
            "leaves out all but the entropy-coded pixels, as if headers were shared by all images, "
            "which is the fair comparison with one stream of codes."
        ),
        Table(
            ["quality", "bytes, whole file", "bytes without header", "PSNR, dB"],
            [
                [str(quality), f"{whole:.1f}", f"{scan:.1f}", f"{psnr:.2f}"]
                for quality, (whole, scan, psnr) in zip(QUALITIES, jpeg, strict=True)
            ],
        ),
        Figure("figures/compression.png", "Quality against size"),
    ]


_JPEG_METRICS = ("bytes_per_image", "scan_bytes_per_image", "psnr")


def _cell(recipe: Recipe) -> str:
    return f"compression-{recipe.network}-{recipe.latent_dim}"


def _at_each_bits(results: Results, recipe: Recipe) -> tuple[list[str], list[tuple[float, float]]]:
    """Return the cells of a row of the table, and means of bytes and PSNR for the figure."""
    cells, points = [], []
    for bits in BITS:
        size, psnr = (
            results.values(_cell(recipe), metric, f"bits:{bits}", recipe=recipe)
            for metric in ("bytes_per_image", "psnr")
        )
        cells.append(f"{shown(size, 1)}: {shown(psnr)}")
        points.append((float(np.mean(size)), float(np.mean(psnr))) if size else (np.nan, np.nan))
    unquantized = results.values(_cell(recipe), "psnr", "bits:none", recipe=recipe)
    return [*cells, shown(unquantized)], points


def _jpeg(results: Results, quality: int, metric: str) -> float:
    return (results.values("jpeg", metric, f"quality:{quality}", model="jpeg") or [np.nan])[0]
