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
