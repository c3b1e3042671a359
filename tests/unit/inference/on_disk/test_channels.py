import numpy as np

from tests.helpers.models import make_unet
from tfdvae.inference.on_disk import rewriting
from tfdvae.inference.trained_model import TrainedModel


def test_a_picture_as_wide_as_a_flattened_patch_is_no_stack_of_these(tmp_path):
    """A camera of 4096 columns, and patches of 64x64."""
    model = TrainedModel(make_unet((12, 10, 1)))
    wide = np.random.default_rng(0).random((20, 120), np.float32)
    np.save(tmp_path / "in.npy", wide)
    assert rewriting.denoise(model, tmp_path / "in.npy", tmp_path / "out.npy").done == 1
    assert np.load(tmp_path / "out.npy").shape == wide.shape
