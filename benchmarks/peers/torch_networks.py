"""The networks of tfdvae, and its classifier, in PyTorch, with as many parameters."""

import torch
from torch import nn
from torch.nn import functional

LATENT = 4


def mlp(variational: bool) -> tuple[nn.Module, nn.Module]:
    """Return encoder and decoder; the encoder of a variational model makes mean and log-variance
    side by side.
    """
    units = LATENT * (1 + variational)
    encoder = nn.Sequential(
        nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(),
        nn.Linear(128, units),
    )  # fmt: skip
    decoder = nn.Sequential(
        nn.Linear(LATENT, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 784),
        nn.Unflatten(1, (1, 28, 28)),
    )  # fmt: skip
    return encoder, decoder


def strided_conv() -> tuple[nn.Module, nn.Module]:
    """Return encoder and decoder of the noise study."""
    encoder = nn.Sequential(
        nn.Conv2d(1, 8, 3, 2, 1), nn.ReLU(),
        nn.Conv2d(8, 16, 3, 2, 1), nn.BatchNorm2d(16), nn.ReLU(),
        nn.Conv2d(16, 32, 3, 2), nn.ReLU(),
        nn.Flatten(), nn.Linear(288, 128), nn.ReLU(), nn.Linear(128, LATENT),
    )  # fmt: skip
    decoder = nn.Sequential(
        nn.Linear(LATENT, 128), nn.ReLU(), nn.Linear(128, 288), nn.ReLU(),
        nn.Unflatten(1, (32, 3, 3)),
        nn.ConvTranspose2d(32, 16, 3, 2), nn.BatchNorm2d(16), nn.ReLU(),
        nn.ConvTranspose2d(16, 8, 3, 2, 1, 1), nn.BatchNorm2d(8), nn.ReLU(),
        nn.ConvTranspose2d(8, 1, 3, 2, 1, 1),
    )  # fmt: skip
    return encoder, decoder


def pooled_conv() -> tuple[nn.Module, nn.Module]:
    """Return encoder and decoder of the OpenGenus DAE."""

    def activated(channels: int) -> list[nn.Module]:
        return [nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01), nn.LeakyReLU(0.3)]

    encoder = nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1), *activated(32), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3), *activated(64), nn.MaxPool2d(2),
        nn.Conv2d(64, 128, 3), *activated(128), nn.Flatten(),
    )  # fmt: skip
    decoder = nn.Sequential(
        nn.Unflatten(1, (128, 4, 4)),
        nn.ConvTranspose2d(128, 64, 3), *activated(64), nn.Upsample(scale_factor=2),
        nn.ConvTranspose2d(64, 32, 3, padding=1), *activated(32), nn.Upsample(scale_factor=2),
        nn.ConvTranspose2d(32, 1, 3), *activated(1), nn.ConvTranspose2d(1, 1, 3),
    )  # fmt: skip
    return encoder, decoder


class Block(nn.Module):
    """A residual block, activated before it is convolved, that adds nothing at first."""

    def __init__(self, channels: int = 32):
        super().__init__()
        self.first, self.second = (nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))
        nn.init.zeros_(self.second.weight)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images + self.second(torch.relu(self.first(torch.relu(images))))


def residual_conv() -> tuple[nn.Module, nn.Module]:
    """Return encoder and decoder whose code keeps its place in the image."""

    def blocks() -> list[nn.Module]:
        return [Block(), Block(), Block(), nn.ReLU()]

    encoder = nn.Sequential(nn.Conv2d(1, 32, 4, 2, 1), *blocks(), nn.Conv2d(32, LATENT, 1))
    decoder = nn.Sequential(
        nn.Conv2d(LATENT, 32, 3, padding=1), *blocks(), nn.ConvTranspose2d(32, 1, 4, 2, 1)
    )
    return encoder, decoder


class UNet(nn.Module):
    """The U-Net that tfdvae learns from noisy images with, for sides that are multiples of 4.

    Args:
        mean: of the images, which the network scales to 0.
        deviation: their standard deviation, which it scales to 1.
    """

    def __init__(self, mean: float, deviation: float, filters: int = 24):
        super().__init__()
        self.mean, self.deviation = mean, deviation
        sizes = [(1, filters), (filters, 2 * filters), (2 * filters, 4 * filters)]
        self.down = nn.ModuleList(_pair(*size) for size in sizes)
        self.up = nn.ModuleList([_pair(6 * filters, 2 * filters), _pair(3 * filters, filters)])
        self.last = nn.Conv2d(filters, 1, 3, padding=1)
        for part in self.modules():
            if isinstance(part, nn.Conv2d):
                nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
                nn.init.zeros_(part.bias)
        nn.init.zeros_(self.last.weight)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        scaled = (images - self.mean) / self.deviation
        full = self.down[0](scaled)
        half = self.down[1](functional.max_pool2d(full, 2))
        hidden = self.down[2](functional.max_pool2d(half, 2))
        for layer, kept in zip(self.up, (half, full), strict=True):
            hidden = layer(torch.cat([functional.interpolate(hidden, scale_factor=2), kept], 1))
        return (scaled + self.last(hidden).float()) * self.deviation + self.mean


def _pair(inputs: int, outputs: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(),
        nn.Conv2d(outputs, outputs, 3, padding=1), nn.ReLU(),
    )  # fmt: skip


def cnn() -> nn.Module:
    """Return the published classifier: logits of ten classes."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1, padding_mode="reflect"), nn.ReLU(),
        nn.Conv2d(32, 64, 3, padding=1, padding_mode="reflect"), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(64 * 14 * 14, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(),
        nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 10),
    )  # fmt: skip
