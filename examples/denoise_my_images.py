"""Learn to denoise from a folder of noisy images alone, and denoise them.

python examples/denoise_my_images.py
"""

# %% A folder of noisy images. Name yours instead; it is only read. This one is made up if missing.
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

folder = Path("noisy_digits")
clean = load_digits().images[:1000].repeat(2, axis=1).repeat(2, axis=2) / 16
if not folder.exists():
    folder.mkdir()
    noisy = np.clip(clean + np.random.default_rng(0).normal(0, 0.2, clean.shape), 0, 1)
    for number, picture in enumerate(np.rint(255 * noisy).astype(np.uint8)):
        Image.fromarray(picture).save(folder / f"{number:04}.png")

# %% Train a denoising autoencoder on them. It adds noise to them and learns to remove it.
import shutil

import tfdvae

output = Path("denoise_my_images")
shutil.rmtree(output / "run", ignore_errors=True)  # the run of an earlier start of this example
run = tfdvae.train(
    dataset=folder,
    recipe="conv-dae",
    corruption="gaussian:0.2",
    no_classifier=True,
    epochs=12,
    test_noise=("0",),
    output=output / "run",
)

# %% Denoise. The result has the type and shape of what goes in.
noisy = np.stack([np.asarray(Image.open(path)) for path in sorted(folder.glob("*.png"))])
denoised = tfdvae.load(run).denoise(noisy)

# %% Look at some: noisy, denoised.
rows = [noisy, denoised]
picture = np.concatenate([np.concatenate(list(row[:12]), axis=1) for row in rows])
large = Image.fromarray(picture)
large.resize((3 * large.width, 3 * large.height), Image.Resampling.NEAREST).save(
    output / "some.png"
)
print(f"See {output / 'some.png'} and {run / 'report.html'}")


# %% How far from the clean images, which only this example knows? Leave this out with yours.
def psnr(images: np.ndarray) -> float:
    """Return the mean PSNR in dB against the clean images."""
    error = np.square(images / 255 - clean).mean(axis=(1, 2))
    return float((-10 * np.log10(error)).mean())


print(f"PSNR: noisy {psnr(noisy):.2f} dB, denoised {psnr(denoised):.2f} dB")
