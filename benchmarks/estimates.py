"""How near the estimate of `--assumed-noise auto` comes to the noise of the training images.

python benchmarks/estimates.py --data-dir FOLDER

Fashion-MNIST, seeds 20 to 29, drawn as in the studies in results/denoised_training and
results/denoised_sizes, which have some of these seeds, noises and numbers of images. The table goes
to results/denoised_sizes/estimates.md.
"""

import argparse
from pathlib import Path

from tfdvae._utils import files
from tfdvae.data import sources
from tfdvae.data.image_dataset import ImageDataset
from tfdvae.reporting.document import Document, Paragraph, Table
from tfdvae.studies.augmentation import images, kept_views
from tfdvae.studies.augmentation.settings import AugmentationStudyConfig

PATH = Path(__file__).parents[1] / "results" / "denoised_sizes" / "estimates.md"
SEEDS = tuple(range(20, 30))
DRAWN = ((0.1, 5000), (0.2, 500), (0.2, 2000), (0.2, 5000), (0.3, 2000))


def estimates(dataset: ImageDataset, level: float, count: int) -> list[float]:
    """Return the estimate of each seed, for so many images with noise of a level."""
    noise = f"gaussian:{level:g}"
    config = AugmentationStudyConfig(
        conditions=("noisy",),
        train_noise=(noise,),
        n_train=count,
        sets=("fresh-noise", "denoised"),
        reference="fresh-noise",
        protocols=("equal_steps",),
        assumed_noise="auto",
    )
    found = []
    for seed in SEEDS:
        given = images.prepare(config, dataset, "noisy", seed, noise)
        found.append(float(kept_views.told_noise(config, given).level))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", required=True)
    dataset = sources.load("fashion_mnist", parser.parse_args().data_dir)
    body = []
    for level, count in DRAWN:
        factors = [estimate / level for estimate in estimates(dataset, level, count)]
        low, middle, high = min(factors), sum(factors) / len(factors), max(factors)
        body.append([f"{level:g}", f"{count:,}", f"{middle:.3f}", f"{low:.3f} to {high:.3f}"])
    text = (
        f"Estimate divided by the noise that is there, seeds {SEEDS[0]} to {SEEDS[-1]}, by "
        "`benchmarks/estimates.py`."
    )
    table = Table(["noise", "images", "mean", "range"], body)
    written = Document("Noise as `--assumed-noise auto` estimates it", [Paragraph(text), table])
    files.write_text(PATH, written.markdown())
    print(written.markdown())


if __name__ == "__main__":
    main()
