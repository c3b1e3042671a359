"""Learn to denoise from a folder of noisy images alone, and denoise them.

python examples/denoise_my_images.py
"""

# %% A folder of noisy images. Replace it by yours.
import shutil
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

work = Path("denoise_my_images")
shutil.rmtree(work, ignore_errors=True)
(work / "noisy").mkdir(parents=True)
clean = load_digits().images[:1000].repeat(2, axis=1).repeat(2, axis=2) / 16
noisy = np.clip(clean + np.random.default_rng(0).normal(0, 0.2, clean.shape), 0, 1)
noisy = np.rint(255 * noisy).astype(np.uint8)
for number, picture in enumerate(noisy):
    Image.fromarray(picture).save(work / "noisy" / f"{number:04}.png")

# %% Train a denoising autoencoder on them. It adds noise to them and learns to remove it.
import tfdvae

run = tfdvae.train(
    dataset=work / "noisy",
    recipe="conv-dae",
    corruption="gaussian:0.2",
    no_classifier=True,
    epochs=12,
    test_noise=("0",),
    output=work / "run",
)

# %% Denoise. The result has the type and shape of what goes in.
denoised = tfdvae.load(run).denoise(noisy)


def psnr(images: np.ndarray) -> float:
    """Return the mean PSNR in dB against the clean images, which only this example knows."""
    error = np.square(images / 255 - clean).mean(axis=(1, 2))
    return float((-10 * np.log10(error)).mean())


print(f"PSNR: noisy {psnr(noisy):.2f} dB, denoised {psnr(denoised):.2f} dB")

# %% Look at some: clean, noisy, denoised.
rows = [np.rint(255 * clean).astype(np.uint8), noisy, denoised]
picture = np.concatenate([np.concatenate(list(row[:12]), axis=1) for row in rows])
large = Image.fromarray(picture).resize((12 * 48, 3 * 48), Image.Resampling.NEAREST)
large.save(work / "some.png")
print(f"See {work / 'some.png'} and {run / 'report.html'}")
