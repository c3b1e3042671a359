import pytest

from tfdvae.config.classify import ClassifyConfig, PredictConfig


def config(**settings):
    return ClassifyConfig(dataset="scans", output="out", **settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_train": 0}, "`n_train` must be"),
        ({"folds": 1}, "`folds` must be"),
        ({"classifier_steps": 0}, "`classifier_steps` must be"),
        ({"denoiser_steps": 0}, "`denoiser_steps` must be"),
        ({"seed": -1}, "`seed` must be"),
        ({"threads": 0}, "`threads` must be"),
        ({"metric": "acuracy"}, "`metric` must be"),
        ({"image_size": (1, 2, 3)}, "`image_size` must be one or two"),
        ({"white": "bright"}, "`white` must be a number above 0 or auto; got 'bright'."),
        ({"noise": "2"}, "`noise` must be"),
        ({"background": "red"}, "`background` must be"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        config(**settings)


def test_a_quick_look_is_small_unless_other_numbers_are_given():
    names = ("n_train", "folds", "classifier_steps")
    assert [config().chosen(name) for name in names] == [None, 5, 1200]
    assert [config(quick=True).chosen(name) for name in names] == [200, 3, 100]
    assert config(quick=True, folds=4).chosen("folds") == 4


def test_numbers_may_be_text():
    found = config(white="4095", noise="0.1", image_size=(32,))
    assert (found.white, found.noise, found.image_size) == (4095, 0.1, (32, 32))


def test_predict_needs_names():
    with pytest.raises(ValueError, match="`model`"):
        PredictConfig(model="", input="scans", output="out.csv")
