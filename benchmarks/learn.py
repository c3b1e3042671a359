"""What `tfdvae denoise --learn` makes of noisy pictures, where the truth is known.

python benchmarks/learn.py --pictures NOISY --truth TRUTH [--seeds 0 1 2]

One command for each seed, with no other setting. The pictures that it leaves are compared with
those of the same names in the other folder, after the best scale and offset, since exposures
differ; the models have seen the noisy ones alone. The report goes to results/learn/report.md.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from tfdvae._utils import files
from tfdvae._utils.threads import cores
from tfdvae.data.image_dataset import to_unit
from tfdvae.image_io import codec
from tfdvae.metrics import image
from tfdvae.reporting import tables
from tfdvae.reporting.document import Paragraph, Table, to_markdown

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "results" / "learn"


def scores(made: Path, truth: Path) -> list[float]:
    """Return the scale-invariant PSNR of each picture of a folder, in dB."""
    return [
        image.scale_invariant_psnr(
            *(to_unit(codec.read(each)).astype(np.float32) for each in (made / path.name, path))
        )
        for path in sorted(truth.iterdir())
    ]


def learned(pictures: Path, truth: Path, seed: int) -> tuple[float, str, float]:
    """Return seconds of one command, what it says of its PSNR, and the real one, a mean."""
    with tempfile.TemporaryDirectory() as temporary:
        output = Path(temporary) / "output"
        words = ["denoise", "--learn", str(pictures), str(output)]
        words += ["--seed", str(seed)] if seed else []
        begun = time.monotonic()
        subprocess.run([sys.executable, "-m", "tfdvae", *words], check=True)
        seconds = time.monotonic() - begun
        told = re.search(r"Estimated PSNR:? (.+? dB)", (output / "report.md").read_text())
        found = float(np.mean(scores(output / "denoised", truth)))
        return seconds, told[1] if told else "none", found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=Path, required=True)
    parser.add_argument("--truth", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    arguments = parser.parse_args()
    found: list[tuple[float, str, float]] = []
    rows = []
    for seed in arguments.seeds:
        found.append(learned(arguments.pictures, arguments.truth, seed))
        seconds, told, real = found[-1]
        rows.append([f"{seed}", f"{seconds / 60:.1f}", told, f"{real:.2f}"])
    rows.append(["all", "", "", tables.plus_minus([real for *_, real in found], 2)])
    given = float(np.mean(scores(arguments.pictures, arguments.truth)))
    text = (
        f"`tfdvae denoise --learn` on {len(list(arguments.pictures.iterdir()))} pictures, "
        f"{cores()} cores: minutes of the whole command, the PSNR that it estimated on what it had "
        "held out of the noisy pictures, and the scale-invariant PSNR against the truth, in dB, "
        f"mean over pictures. The noisy pictures have {given:.2f} dB. By `python "
        "benchmarks/learn.py --pictures NOISY --truth TRUTH`."
    )
    head = ["seed", "minutes", "estimated PSNR", "scale-invariant PSNR"]
    report = to_markdown([Paragraph(text), Table(head, rows)])
    FOLDER.mkdir(parents=True, exist_ok=True)
    files.write_text(FOLDER / "report.md", report)
    print(report)


if __name__ == "__main__":
    main()
