"""The study of what can be learned from noisy images alone."""

from tfdvae.studies.noisy_alone.settings import NoisyAloneConfig as NoisyAloneConfig
