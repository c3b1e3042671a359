import json

import pytest

from tfdvae._utils import processor
from tfdvae.config.learn import LearnConfig
from tfdvae.learning import output_folder


@pytest.fixture
def learn(tmp_path):
    (tmp_path / "in").mkdir()

    def settings(precision="auto"):
        return LearnConfig(
            learn=str(tmp_path / "in"), output=str(tmp_path / "out"), precision=precision
        )

    return settings


def begin(folder, config, **changed):
    (folder / "checkpoints/training").mkdir(parents=True)
    known = {**output_folder.settings(config), **changed}
    kept = {name: value for name, value in known.items() if value is not ...}
    (folder / "settings.json").write_text(json.dumps(kept))


@pytest.mark.parametrize(
    ("kept", "precision"), [("bfloat16", "bfloat16"), ("float32", "float32"), (..., "float32")]
)
def test_a_training_goes_on_with_the_precision_that_it_began_with(kept, precision, learn, tmp_path):
    """Earlier versions, which say none, had float32."""
    begin(tmp_path / "out", learn(), precision=kept)
    config = output_folder.with_precision(learn(), tmp_path / "out")
    assert config.precision == precision
    output_folder.check(config, tmp_path / "out")


def test_another_precision_is_refused(learn, tmp_path):
    begin(tmp_path / "out", learn("bfloat16"))
    config = output_folder.with_precision(learn("float32"), tmp_path / "out")
    told = "with `precision` bfloat16; this is with `precision` float32"
    with pytest.raises(ValueError, match=told):
        output_folder.check(config, tmp_path / "out")


def test_a_new_training_has_what_is_fast_here(learn, tmp_path):
    fast = "bfloat16" if processor.has_bfloat16() else "float32"
    assert output_folder.with_precision(learn(), tmp_path / "out").precision == fast
    assert output_folder.with_precision(learn("float32"), tmp_path / "out").precision == "float32"
