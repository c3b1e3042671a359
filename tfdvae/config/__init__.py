"""Settings: the only home of a default, for the command line, `config.json` and Python alike.

A field's docstring is its help text. No TensorFlow here: wrong settings are refused at once.
"""

from tfdvae.config.classifier import PROTOCOLS, ClassifierConfig
from tfdvae.config.data import DEFAULT_N_TRAIN, DataConfig, data_folder
from tfdvae.config.generator import (
    DEFAULT_CORRUPTION,
    GeneratorConfig,
)
from tfdvae.config.objective import OBJECTIVES, OF_NOISY_IMAGES
from tfdvae.config.recipes import RECIPE_SUMMARIES, RECIPES, recipe_settings
from tfdvae.config.run import AUTO, PRECISIONS, RunConfig
from tfdvae.config.tasks import (
    EXPORT_FORMATS,
    AugmentConfig,
    DenoiseConfig,
    DetectConfig,
    EncodeConfig,
    ExportConfig,
    ImputeConfig,
    SampleConfig,
    TaskConfig,
)
from tfdvae.config.train import INCIDENTAL, TrainConfig, setting_names

__all__ = [
    "AUTO",
    "DEFAULT_CORRUPTION",
    "DEFAULT_N_TRAIN",
    "EXPORT_FORMATS",
    "INCIDENTAL",
    "OBJECTIVES",
    "OF_NOISY_IMAGES",
    "PRECISIONS",
    "PROTOCOLS",
    "RECIPES",
    "RECIPE_SUMMARIES",
    "AugmentConfig",
    "ClassifierConfig",
    "DataConfig",
    "DenoiseConfig",
    "DetectConfig",
    "EncodeConfig",
    "ExportConfig",
    "GeneratorConfig",
    "ImputeConfig",
    "RunConfig",
    "SampleConfig",
    "TaskConfig",
    "TrainConfig",
    "data_folder",
    "recipe_settings",
    "setting_names",
]
