import numpy as np
import pytest
import tensorflow as tf

from tfdvae import TrainConfig
from tfdvae.data.image_dataset import ImageDataset
from tfdvae.experiment import preflight

DATASET = ImageDataset.from_arrays(np.zeros((10, 6, 5, 1), np.uint8), np.arange(10) % 2)


@pytest.mark.parametrize(
    ("message", "kind", "told"),
    [
        ("OOM when allocating tensor", MemoryError, "memory ran out with images of 6x5"),
        ("run/saved_model; No space left on device", tf.errors.OpError, "No space left"),
    ],
)
def test_a_full_disk_is_not_taken_for_full_memory(message, kind, told):
    with (
        pytest.raises(kind, match=told),
        preflight.explain_memory_errors(TrainConfig(), DATASET),
    ):
        raise tf.errors.ResourceExhaustedError(None, None, message)


def test_memory_that_a_stage_needs():
    """It is not told of the generator's settings where another stage ran out of memory."""
    told = "images of 6x5, in the stage denoised-recorrupted; smaller ones need less"
    with (
        pytest.raises(MemoryError, match=told),
        preflight.explain_memory_errors(TrainConfig(), DATASET, "denoised-recorrupted"),
    ):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")
