"""Pythae: its VAE and its trainer, with the fully connected network; the encoder adds the noise."""

import tempfile
import time
from pathlib import Path

import numpy as np
import torch
import torch_networks
from pythae.data.datasets import BaseDataset
from pythae.models import VAE, VAEConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from worker import BATCH, NOISE, RATE, STEPS, Data, Task, serve


class Encoder(BaseEncoder):
    def __init__(self, network: torch.nn.Module):
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> ModelOutput:
        if self.training:
            images = images + NOISE * torch.randn_like(images)
        mean, log_variance = self.network(images).chunk(2, 1)
        return ModelOutput(embedding=mean, log_covariance=log_variance)


class Decoder(BaseDecoder):
    def __init__(self, network: torch.nn.Module):
        super().__init__()
        self.network = network

    def forward(self, codes: torch.Tensor) -> ModelOutput:
        return ModelOutput(reconstruction=torch.sigmoid(self.network(codes)))


def dvae(folder: Path, data: Data, threads: int) -> Task:
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    encoder, decoder = torch_networks.mlp(True)
    settings = VAEConfig(input_dim=(1, 28, 28), latent_dim=4, reconstruction_loss="bce")
    model = VAE(settings, encoder=Encoder(encoder), decoder=Decoder(decoder))
    rows = np.resize(np.arange(len(data.images)), STEPS["mlp"] * BATCH)
    images = torch.from_numpy(data.images[rows]).permute(0, 3, 1, 2)
    trainer = BaseTrainer(
        model=model,
        train_dataset=BaseDataset(images, torch.zeros(len(images))),
        training_config=BaseTrainerConfig(
            output_dir=tempfile.mkdtemp(),
            learning_rate=RATE,
            per_device_train_batch_size=BATCH,
            num_epochs=1,
            no_cuda=True,
        ),
    )
    trainer.prepare_training()

    def work() -> float:
        start = time.perf_counter()
        trainer.train_step(1)
        return (time.perf_counter() - start) / STEPS["mlp"]

    @torch.no_grad()
    def check() -> np.ndarray:
        model.eval()
        noisy = torch.from_numpy(data.noisy).permute(0, 3, 1, 2)
        return torch.sigmoid(decoder(encoder(noisy)[:, :4])).permute(0, 2, 3, 1).numpy()

    return Task(work, check)


if __name__ == "__main__":
    serve({"dvae-mlp": dvae})
