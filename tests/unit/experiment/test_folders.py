"""The settings of a run that goes on."""

import pytest

from tfdvae._utils import files
from tfdvae.config import TrainConfig
from tfdvae.experiment.folders import resumed_settings


@pytest.fixture
def run(tmp_path):
    """A run of 3 epochs on a folder of images."""
    (tmp_path / "mine").mkdir()
    stored = TrainConfig.of(epochs=3, dataset=str(tmp_path / "mine"), data_dir="a")
    files.write_json(tmp_path / "run" / "config.json", stored.to_dict())
    return str(tmp_path / "run")


def test_a_resumed_run_has_its_own_settings(run):
    resumed = resumed_settings(TrainConfig.of(resume=run), ["resume"])
    assert (resumed.generator.epochs, resumed.data.data_dir) == (3, "a")
    assert resumed.run.resume == run


def test_its_archives_may_be_elsewhere(run):
    asked = TrainConfig.of(resume=run, data_dir="b", epochs=3)
    assert resumed_settings(asked, ["resume", "data_dir", "epochs"]).data.data_dir == "b"


def test_a_path_below_the_working_folder_is_the_one_that_is_stored(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    asked = TrainConfig.of(resume=run, dataset="./mine")
    assert resumed_settings(asked, ["dataset"]).data.dataset == str(tmp_path / "mine")
    with pytest.raises(ValueError, match="its `dataset` is"):
        resumed_settings(TrainConfig.of(resume=run, dataset="./other"), ["dataset"])


@pytest.mark.parametrize("epochs", [4, 60])
def test_another_value_is_refused_also_that_of_the_default(run, epochs):
    with pytest.raises(ValueError, match=f"its `epochs` is 3; got {epochs}"):
        resumed_settings(TrainConfig.of(resume=run, epochs=epochs), ["resume", "epochs"])


def test_what_is_no_run_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match="is not a run folder"):
        resumed_settings(TrainConfig.of(resume=str(tmp_path)), ["resume"])
