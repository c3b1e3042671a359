"""Settings: the only home of a default, for the command line, `config.json` and Python alike.

A field's docstring is its help text. No TensorFlow here: wrong settings are refused at once.
"""

from tfdvae.config.studies import (
    CONDITIONS,
    GENERATIVE,
    TRAINING_SETS,
    AugmentationStudyConfig,
    DenoisingStudyConfig,
    NoiseStudyConfig,
    StudyConfig,
)
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
    "CONDITIONS", "DEFAULT_CORRUPTION", "DEFAULT_N_TRAIN", "EXPORT_FORMATS", "GENERATIVE", "MODELS", "NETWORKS", "PRECISIONS", "PROTOCOLS", "RECIPES", "TARGETS",
    "TRAINING_SETS", "AugmentConfig", "AugmentationStudyConfig", "DenoiseConfig", "DenoisingStudyConfig", "DetectConfig", "EncodeConfig",
    "ExportConfig", "ImputeConfig", "NoiseStudyConfig", "SampleConfig", "StudyConfig", "TrainConfig", "VerbConfig", "data_folder",
]  # fmt: skip
