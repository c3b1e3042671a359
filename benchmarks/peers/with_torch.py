"""PyTorch, eager, as its tutorials train: a loop over shuffled batches of tensors in memory."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch_networks
from torch.nn import functional
from worker import BATCH, NOISE, RATE, STEPS, Case, Data, Task, serve

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]  # of images and labels


def main() -> None:
    networks = {
        "strided_conv": torch_networks.strided_conv,
        "pooled_conv": torch_networks.pooled_conv,
        "residual_conv": torch_networks.residual_conv,
    }
    cases: dict[str, Case] = {"dvae-mlp": dvae, "dae-mlp": partial(dae, "mlp", None)}
    cases |= {f"dae-{name}": partial(dae, name, make) for name, make in networks.items()}
    cases |= {
        "unet": partial(unet, "float32"),
        "unet-bfloat16": partial(unet, "bfloat16"),
        "cnn": partial(cnn, "float32", False),
        "cnn-bfloat16": partial(cnn, "bfloat16", False),
    }
    serve(cases)


def dvae(folder: Path, data: Data, threads: int) -> Task:
    """A DVAE on the fully connected network: the clean image from the noisy one."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    encoder, decoder = torch_networks.mlp(True)

    def loss(images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        mean, log_variance = encoder(images + NOISE * torch.randn_like(images)).chunk(2, 1)
        codes = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        kl = 0.5 * (mean**2 + log_variance.exp() - log_variance - 1).sum()
        return (_cross_entropy(decoder(codes), images) + kl) / len(images)

    model = torch.nn.ModuleList([encoder, decoder])
    return _task(model, loss, lambda x: torch.sigmoid(decoder(encoder(x)[:, :4])), data, "mlp")


def dae(network: str, make: Callable | None, folder: Path, data: Data, threads: int) -> Task:
    """A DAE on a network."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    encoder, decoder = torch_networks.mlp(False) if make is None else make()

    def loss(images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        noisy = images + NOISE * torch.randn_like(images)
        return _cross_entropy(decoder(encoder(noisy)), images) / len(images)

    model = torch.nn.ModuleList([encoder, decoder])
    return _task(model, loss, lambda x: torch.sigmoid(decoder(encoder(x))), data, network)


def unet(precision: str, folder: Path, data: Data, threads: int) -> Task:
    """A U-Net that learns y - 2 n from y + n / 2, where y is noisy and n like its noise."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    data = data.observed()
    network = torch_networks.UNet(float(data.images.mean()), float(data.images.std()))

    def output(images: torch.Tensor) -> torch.Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            return network(images)

    def loss(images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        noise = NOISE * torch.randn_like(images)
        made, aims = output(images + noise / 2), images - 2 * noise
        return functional.mse_loss(made, aims, reduction="sum") / len(images)

    return _task(network, loss, output, data, "unet")


def cnn(precision: str, last: bool, folder: Path, data: Data, threads: int) -> Task:
    """The published classifier; with `last`, memory is laid out with channels last."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    model = torch_networks.cnn()
    if last:
        model = model.to(memory_format=torch.channels_last)

    def logits(images: torch.Tensor) -> torch.Tensor:
        if last:
            images = images.to(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            return model(images)

    def loss(images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return functional.cross_entropy(logits(images).float(), labels)

    return _task(model, loss, lambda x: logits(x).float(), data, "cnn")


def _cross_entropy(logits: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    return functional.binary_cross_entropy_with_logits(logits, images, reduction="sum")


def _task(model: torch.nn.Module, loss: Loss, output: Callable, data: Data, network: str) -> Task:
    optimizer = torch.optim.Adam(model.parameters(), RATE)
    images = torch.from_numpy(data.images).permute(0, 3, 1, 2).contiguous()
    batches = _batches(images, torch.from_numpy(data.labels))

    def work() -> float:
        model.train()
        start = time.perf_counter()
        for _ in range(STEPS[network]):
            optimizer.zero_grad()
            loss(*next(batches)).backward()
            optimizer.step()
        return (time.perf_counter() - start) / STEPS[network]

    @torch.no_grad()
    def check() -> np.ndarray:
        model.eval()
        made = output(torch.from_numpy(data.noisy).permute(0, 3, 1, 2))
        return (made.permute(0, 2, 3, 1) if made.ndim == 4 else made).numpy()

    return Task(work, check)


def _batches(*arrays: torch.Tensor) -> Iterator[tuple[torch.Tensor, ...]]:
    while True:
        order = torch.randperm(len(arrays[0]))
        for rows in order[: len(order) // BATCH * BATCH].split(BATCH):
            yield tuple(array[rows] for array in arrays)


if __name__ == "__main__":
    main()
