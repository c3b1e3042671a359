"""Settings: the only home of a default, for the command line, `config.json` and Python alike.

A field's docstring is its help text. No TensorFlow here: wrong settings are refused at once.
"""

from tfdvae.config.tasks import (
    EXPORT_FORMATS,
    AugmentConfig,
    DenoiseConfig,
    DetectConfig,
    EncodeConfig,
    ExportConfig,
    ImputeConfig,
    SampleConfig,
    VerbConfig,
)
from tfdvae.config.train import (
    DEFAULT_CORRUPTION,
    DEFAULT_N_TRAIN,
    MODELS,
    NETWORKS,
    PRECISIONS,
    PROTOCOLS,
    RECIPES,
    TARGETS,
    TrainConfig,
    data_folder,
)

__all__ = [
    "DEFAULT_CORRUPTION", "DEFAULT_N_TRAIN", "EXPORT_FORMATS", "MODELS", "NETWORKS", "PRECISIONS", "PROTOCOLS", "RECIPES", "TARGETS",
    "AugmentConfig", "DenoiseConfig", "DetectConfig", "EncodeConfig",
    "ExportConfig", "ImputeConfig", "SampleConfig", "TrainConfig", "VerbConfig", "data_folder",
]  # fmt: skip
