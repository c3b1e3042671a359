"""The main job in PyTorch, from a cold start: `python torch_main_job.py DATA.npz THREADS`.

The file holds `images` and `labels`, 5,000 to train on, and `test_images` and `test_labels`, all
clean, (N, 28, 28, 1). A DVAE learns from noisy images alone, makes two synthetic ones of each, and
a classifier is trained without and with them, with as many steps; both are measured under each test
noise, and so are the denoised images. Convolutional networks are trained with bfloat16, as tfdvae
does where that is faster. It prints accuracies and PSNR, in JSON.
"""

import json
import sys

import numpy as np
import torch
import torch_networks
from torch.nn import functional

BATCH, RATE, NOISE = 128, 1e-3, 0.1
EPOCHS, STEPS = 60, 1200
TEST_NOISE = (0.0, 0.025, 0.05, 0.075, 0.1)


def batches(*arrays: torch.Tensor):
    """Yield shuffled full batches without end."""
    while True:
        order = torch.randperm(len(arrays[0]))
        for rows in order[: len(order) // BATCH * BATCH].split(BATCH):
            yield tuple(array[rows] for array in arrays)


def generator(noisy: torch.Tensor) -> tuple[torch.nn.Module, torch.nn.Module]:
    """Train the DVAE by Recorrupted2Recorrupted: y - 2 n from y + n / 2."""
    encoder, decoder = torch_networks.mlp(True)
    model = torch.nn.ModuleList([encoder, decoder])
    optimizer = torch.optim.Adam(model.parameters(), RATE)
    given = batches(noisy)
    for _ in range(EPOCHS * (len(noisy) // BATCH)):
        (images,) = next(given)
        noise = NOISE * torch.randn_like(images)
        mean, log_variance = encoder(images + noise / 2).chunk(2, 1)
        codes = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        kl = 0.5 * (mean**2 + log_variance.exp() - log_variance - 1).sum()
        error = functional.mse_loss(decoder(codes), images - 2 * noise, reduction="sum")
        loss = error / (2 * 5 * NOISE**2)  # the variance of the target
        optimizer.zero_grad()
        ((loss + kl) / len(images)).backward()
        optimizer.step()
    return encoder, decoder


@torch.no_grad()
def synthetic(encoder: torch.nn.Module, decoder: torch.nn.Module, noisy: torch.Tensor):
    """Return two images of each, decoded from draws of its posterior."""
    mean, log_variance = encoder(noisy.repeat(2, 1, 1, 1)).chunk(2, 1)
    made = decoder(mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean))
    return made.clip(0, 1)


def classifier(images: torch.Tensor, labels: torch.Tensor) -> torch.nn.Module:
    """Train the published CNN."""
    model = torch_networks.cnn()
    optimizer = torch.optim.Adam(model.parameters(), RATE)
    given = batches(images, labels)
    for _ in range(STEPS):
        some, wanted = next(given)
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(some)
        optimizer.zero_grad()
        functional.cross_entropy(logits.float(), wanted).backward()
        optimizer.step()
    return model


@torch.no_grad()
def measured(encoder, decoder, classifiers: dict[str, torch.nn.Module], images, labels) -> dict:
    """Return by test noise the accuracies, and the PSNR of denoised images."""
    found: dict = {}
    for level in TEST_NOISE:
        noisy = images + level * torch.randn_like(images)
        right = dict.fromkeys(classifiers, 0)
        psnr = 0.0
        for rows in torch.arange(len(images)).split(500):
            made = decoder(encoder(noisy[rows]).chunk(2, 1)[0]).clip(0, 1)
            psnr -= 10 * float(((made - images[rows]) ** 2).mean((1, 2, 3)).log10().sum())
            for name, model in classifiers.items():
                right[name] += int((model(noisy[rows]).argmax(1) == labels[rows]).sum())
        shares = {name: count / len(images) for name, count in right.items()}
        found[str(level)] = {**shares, "psnr": psnr / len(images)}
    return found


def main() -> None:
    torch.set_num_threads(int(sys.argv[2]))
    torch.manual_seed(0)
    with np.load(sys.argv[1]) as arrays:
        loaded = {name: torch.from_numpy(arrays[name]) for name in arrays.files}
    images, tested = (
        loaded[name].permute(0, 3, 1, 2).contiguous() for name in ("images", "test_images")
    )
    noisy = images + NOISE * torch.randn_like(images)
    encoder, decoder = generator(noisy)
    made = synthetic(encoder, decoder, noisy)
    labels = loaded["labels"]
    classifiers = {
        "limited": classifier(noisy, labels),
        "augmented": classifier(torch.cat([noisy, made]), labels.repeat(3)),
    }
    print(json.dumps(measured(encoder, decoder, classifiers, tested, loaded["test_labels"])))


if __name__ == "__main__":
    main()
