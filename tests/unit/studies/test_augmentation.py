import dataclasses
import html.parser
import re

import keras
import numpy as np
import pytest
import scipy.stats
from PIL import Image

from tests.helpers.models import make
from tests.helpers.processes import ROOT
from tfdvae import corruptions, csv_rows
from tfdvae._utils import files, processor
from tfdvae.config import PROTOCOLS
from tfdvae.config.sets import SETS, needs_noise
from tfdvae.data import image_dataset, pipelines, sources
from tfdvae.experiment import evaluation
from tfdvae.inference.trained_model import TrainedModel
from tfdvae.reporting.document import to_markdown
from tfdvae.studies import executor
from tfdvae.studies.augmentation import (
    cells,
    estimate,
    generators,
    kept_views,
    medmnist,
    report,
    study,
    training,
)
from tfdvae.studies.augmentation.costs import Costs
from tfdvae.studies.augmentation.images import prepare
from tfdvae.studies.augmentation.results import Results
from tfdvae.studies.augmentation.settings import ADDED_SETTINGS, AugmentationStudyConfig
from tfdvae.studies.dataset_info import DatasetInfo
from tfdvae.training_sets import losses, views

SMALL = {
    "precision": "bfloat16",
    "dataset": "digits",
    "protocols": PROTOCOLS,
    "n_train": 100,
    "epochs": 2,
    "classifier_steps": 3,
    "seeds": (0, 1),
    "threads": 1,
    "test_noise": ("0", "0.1"),
    "other_noise": ("masking:0.1",),
}


@pytest.fixture(scope="module")
def source():
    return sources.load("digits")


def small(**settings):
    return AugmentationStudyConfig(**{**SMALL, **settings})


def test_cells_of_the_published_study():
    """Equal steps: 8 sets x 2 conditions x 5 seeds; equal epochs: 5 x 2 x 5; generative models:
    3 x 2 x 5.
    """
    found = list(
        cells.list_cells(
            AugmentationStudyConfig(conditions=("clean", "noisy"), protocols=PROTOCOLS)
        )
    )
    assert len(found) == 80 + 50 + 30
    assert found[0] == "clean-limited-equal_steps-seed0"
    assert found[16] == "clean-limited-equal_steps-seed1"
    assert found[80] == "clean-limited-equal_epochs-seed0"
    assert found[-1] == "noisy-latent-dvae-seed4"
    assert not any(
        "latent" in cell
        for cell in cells.list_cells(small(development=True, conditions=("clean",)))
    )


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"sets": ("limited", "vea")}, "`sets` must be one of"),
        ({"sets": ("limited", "limited")}, "none of them twice"),
        ({"protocols": ("equal_time",)}, "`protocols` must be one of"),
        ({"conditions": ("dirty",)}, "`conditions` must be one of"),
        ({"metric": "acuracy"}, "Did you mean 'accuracy'"),
        ({"test_noise": ("0.1",)}, "`test_noise` must begin with 0"),
        ({"other_noise": ("gaussian:0.1",)}, "`other_noise` must hold none"),
        ({"other_noise": ("bogus:1",)}, "`other_noise` must be one of"),
        ({"image_size": (0,)}, "`image_size` must be .*got 0"),
        ({"seeds": ()}, "`seeds` must be one or more"),
        ({"train_noise": "gaussian:0.2"}, "`train_noise` must be a list of noises; got 'gauss"),
        ({"train_noise": ("none",)}, "`train_noise` must be single .* level above 0; got none"),
        ({"train_noise": ("0.1,0.2",)}, "`train_noise` must be single corruptions"),
        ({"train_noise": ("gausian:0.1",)}, "Did you mean 'gaussian'"),
        ({"train_noise": ("0.1", "gaussian:0.1")}, "`train_noise` must be .*none of them twice"),
        (
            {"sets": ("limited", "denoised"), "train_noise": ("poisson:0.2",)},
            "`train_noise` must be gaussian:LEVEL with `sets` denoised; got poisson:0.2",
        ),
        ({"reference": "limitted"}, "`reference` must be one of"),
        ({"schedule": "linear"}, "`schedule` must be one of"),
        ({"label_smoothing": 1.0}, "`label_smoothing` must be a .* between 0 and 0.9; got 1"),
        ({"denoiser_steps": 0}, "`denoiser_steps` must be"),
        (
            {"test_time_averaging": True, "development": True},
            "`test_time_averaging` cannot be given with `development`",
        ),
        (
            {"denoise_at_test": True, "development": True},
            "`denoise_at_test` cannot be given with `development`",
        ),
        (
            {"denoise_at_test": True, "train_noise": ("poisson:0.2",)},
            "`train_noise` must be gaussian:LEVEL with `denoise_at_test`; got poisson:0.2",
        ),
        ({"assumed_noise": 0.0}, "`assumed_noise` must be a finite number above 0"),
        ({"assumed_noise": "known"}, "`assumed_noise` must be a factor above 0, or auto; got 'kno"),
        (
            {
                "sets": ("limited", "denoised"),
                "train_noise": ("poisson:0.2",),
                "assumed_noise": "auto",
            },
            "`train_noise` must be gaussian:LEVEL with `sets` denoised; got poisson:0.2",
        ),
        (
            {
                "sets": ("limited", "denoised"),
                "train_noise": ("gaussian:0.9",),
                "assumed_noise": 1.3,
            },
            "`assumed_noise` must leave the noise at most 1; got 1.3 with `train_noise` gaussian:0",
        ),
        ({"classifier_steps": 0}, "`classifier_steps` must be"),
        ({"precision": "int8"}, "`precision` must be one of"),
    ],
)
def test_wrong_settings_are_refused(settings, said):
    with pytest.raises(ValueError, match=said):
        small(**settings)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"reference": "fresh-noise"}, "`reference` must be one of `sets`, limited.*fresh-noise"),
        (
            {"sets": ("limited", "denoised"), "conditions": ("clean",)},
            "`conditions` must hold noisy with `sets` denoised; got clean",
        ),
        (
            {"denoise_at_test": True, "conditions": ("clean",)},
            "`conditions` must hold noisy with `denoise_at_test`; got clean",
        ),
        (
            {"train_noise": ("gaussian:0.2",), "conditions": ("clean",)},
            "`conditions` must hold noisy with `train_noise`; got clean",
        ),
    ],
)
def test_sets_without_cells_are_refused(settings, said, source):
    with pytest.raises(ValueError, match=said):
        study.check(small(**settings), source)


def test_each_noise_has_its_cells():
    """The published noise has the names that it had; denoised images are of noisy ones alone."""
    sets = ("limited", "denoised", "vae")
    config = small(
        conditions=("clean", "noisy"),
        protocols=("equal_steps",),
        train_noise=("gaussian:0.1", "gaussian:0.2"),
        sets=sets,
        seeds=(3,),
    )
    found = cells.list_cells(config)
    assert list(found) == [
        "clean-limited-equal_steps-seed3",
        "clean-vae-equal_steps-seed3",
        *(f"noisy-{name}-equal_steps-seed3" for name in sets),
        *(f"noisy-gaussian-0.2-{name}-equal_steps-seed3" for name in sets),
        "clean-latent-vae-seed3",
        "noisy-latent-vae-seed3",
        "noisy-gaussian-0.2-latent-vae-seed3",
    ]
    noises = [cell.keywords["train_noise"] for cell in found.values()]
    own = ["none", "gaussian:0.1", "gaussian:0.2"]
    assert noises == [*np.repeat(own, (2, 3, 3)), *own]


def test_training_images_have_the_noise_that_is_asked_for(source):
    """A stronger noise is another draw, and the clean images are those of the clean condition."""
    clean = prepare(small(), source, "clean", 0)
    assert str(clean.noise) == "none"
    for level in (0.1, 0.3):
        noisy = prepare(small(), source, "noisy", 0, f"gaussian:{level}")
        assert str(noisy.noise) == f"gaussian:{level}"
        assert np.std(noisy.train - clean.train) == pytest.approx(level, abs=0.02 * level)
        np.testing.assert_array_equal(noisy.clean, clean.train)


def test_views_that_cells_share_are_counted_once(source, tmp_path, monkeypatch):
    """Two noises and two seeds, and two methods: a DAE for two of the sets, and a DVAE. Those of
    other settings, as in a folder that was copied, are made again.
    """
    config = small(
        conditions=("noisy",),
        protocols=("equal_steps",),
        train_noise=("gaussian:0.1", "gaussian:0.2"),
        sets=("limited", "fresh-noise", "denoised", "denoised-shuffled", "dvae-views"),
        output=str(tmp_path),
    )
    keywords = [cell.keywords for cell in cells.list_cells(config).values()]
    found = estimate.missing_views(config, source, keywords)
    assert len(found) == 2 * 2 * 2
    assert ("gaussian:0.2", 1, "recorrupted") in found
    images = prepare(config, source, "noisy", 1, "gaussian:0.2")
    monkeypatch.setattr(views, "make", lambda *_: views.Views(images.train[:, None], "unet"))
    for steps, kept in ((1, set()), (config.denoiser_steps, {("gaussian:0.2", 1, "recorrupted")})):
        settings = dataclasses.replace(config, denoiser_steps=steps)
        kept_views.load(settings, images, "recorrupted", 1)
        assert found - estimate.missing_views(config, source, keywords) == kept


COSTS = Costs(
    images=400,  # in whole batches of 128 these are 3 steps
    first_step=3,
    classifier_step=1,
    generator_step=0.1,
    test=10,
    predicting=8,
    validation=5,
    likelihood=100,
    probe=7,
    views={"tv": 50},
)
STARTED = estimate.START_SECONDS


def arguments(config):
    return [cell.keywords for cell in cells.list_cells(config).values()]


def test_time_of_a_study_by_hand():
    """Two seeds, three tests, of them two of codes; steps of a classifier are 3, or 2 epochs."""
    config = small(
        conditions=("noisy",), sets=("limited", "duplicate", "dae", "dvae"), classifier_epochs=2
    )
    found = estimate.shares(config, COSTS, arguments(config), [("gaussian:0.1", 0, "tv")])
    once = STARTED + 3 + 3 * 10  # and the steps
    generating = 3 + 2 * 3 * 0.1
    made = 2 * (once + 3 + generating) + 2 * (once + 2 * 3 * 3 + generating)
    codes = STARTED + generating + 2 * 7
    assert found == {
        "limited": (4, pytest.approx(2 * (once + 3) + 2 * (once + 2 * 3))),
        "duplicate": (4, pytest.approx(2 * (once + 3) + 2 * (once + 2 * 3 * 3))),
        "dae": (4, pytest.approx(made)),
        "dvae": (4, pytest.approx(made)),
        "codes of dae": (2, pytest.approx(2 * codes)),
        "codes of dvae": (2, pytest.approx(2 * (codes + 100))),
        "views by tv": (1, 50),
    }
    assert estimate.total({"a": estimate.Share(1, 2.0), "b": estimate.Share(1, 3.5)}) == 5.5


def test_mirror_images_take_as_long_to_be_classified_as_images():
    config = small(conditions=("noisy",), sets=("limited",), seeds=(0,), protocols=("equal_steps",))
    times = [
        estimate.shares(each, COSTS, arguments(each), ())["limited"].seconds
        for each in (config, dataclasses.replace(config, test_time_averaging=True))
    ]
    assert np.diff(times) == pytest.approx(2 * 8)  # two tests of the verdict, nothing resampled


def test_denoised_test_images_are_made_once_for_each_seed_and_noise():
    """Two noises of training images, two seeds and two tests; two sets and a condition without."""
    sets, noises = ("limited", "gaussian"), ("gaussian:0.1", "gaussian:0.2")
    config = small(sets=sets, protocols=("equal_steps",), train_noise=noises, denoise_at_test=True)
    config = dataclasses.replace(config, conditions=("clean", "noisy"))
    costs = dataclasses.replace(COSTS, denoising=40)
    found = estimate.shares(config, costs, arguments(config), ())
    assert found.pop("denoised test images") == (2 * 2 * 2, pytest.approx(2 * 2 * 2 * 40))
    without = dataclasses.replace(config, denoise_at_test=False)
    before = estimate.shares(without, costs, arguments(config), ())
    assert list(before) == list(found) == ["limited", "gaussian"]
    for name, share in found.items():  # 2 noises, 2 seeds, 2 tests
        assert share.seconds - before[name].seconds == pytest.approx(2 * 2 * 2 * 8)


def test_the_model_that_denoises_test_images_is_missing_with_the_views(source, tmp_path):
    config = small(conditions=("noisy",), protocols=("equal_steps",), output=str(tmp_path))
    config = dataclasses.replace(config, sets=("limited",), denoise_at_test=True)
    keywords = [cell.keywords for cell in cells.list_cells(config).values()]
    wanted = {("gaussian:0.1", seed, "recorrupted") for seed in (0, 1)}
    assert estimate.missing_views(config, source, keywords) == wanted
    without = dataclasses.replace(config, denoise_at_test=False)
    assert estimate.missing_views(without, source, keywords) == set()


def test_a_teacher_takes_as_many_steps_again():
    sets = ("fresh-noise", "distilled")
    config = small(conditions=("noisy",), sets=sets, seeds=(0,), reference="fresh-noise")
    found = estimate.shares(config, COSTS, arguments(config), ())
    measuring = STARTED + 3 * 10
    assert found["fresh-noise"].seconds == pytest.approx(measuring + 3 + 3)
    assert found["distilled"].seconds == pytest.approx(measuring + 2 * (3 + 3))


def test_synthetic_images_take_the_time_of_their_model():
    """Its first step and two epochs of three steps."""
    names = ("oriented", "oriented+vae")
    config = small(
        conditions=("clean",), sets=names, reference="oriented", seeds=(0,), protocols=PROTOCOLS[:1]
    )
    found = estimate.shares(config, COSTS, arguments(config), ())
    assert set(found) == set(names), "there is no cell of codes"
    plain, made = (found[name].seconds for name in names)
    assert made - plain == pytest.approx(3 + 2 * 3 * 0.1)


def test_time_of_development_by_hand():
    """Whole epochs of three steps, each with a validation: two of seven steps."""
    config = small(
        conditions=("clean",), sets=("limited",), development=True, seeds=(0,), classifier_steps=7
    )
    (given,) = (each for each in arguments(config) if each["protocol"] == "equal_steps")
    (share,) = estimate.shares(config, COSTS, [given], ()).values()
    assert share.seconds == pytest.approx(STARTED + 3 + 2 * 3 + 2 * 5 + 10)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "1 s"), (119, "119 s"), (120, "2 minutes"), (7199, "120 minutes"), (9000, "2.5 hours")],
)
def test_times_as_people_say_them(seconds, text):
    assert estimate.spoken(seconds) == text


class TestOtherFlags:
    @pytest.fixture
    def config(self, tmp_path, monkeypatch):
        """Steps are half as long with float32, and nothing else is to be measured."""
        monkeypatch.setattr(
            estimate, "classifier_step", lambda config, _: (3, {"float32": 0.5}[config.precision])
        )
        return small(
            conditions=("noisy",),
            seeds=(4, 5, 6, 7),
            sets=("limited",),
            workers=2,
            output=str(tmp_path),
        )

    def found(self, config, source, keywords=None):
        keywords = arguments(config) if keywords is None else keywords
        views = [("gaussian:0.1", seed, "tv") for seed in config.seeds]
        return estimate.with_other_flags(config, source, COSTS, keywords, views, config)

    def test_values_by_hand(self, config, source):
        """A first look has other numbers only where they were not given: steps and epochs are."""
        given = arguments(config)
        views = [("gaussian:0.1", seed, "tv") for seed in config.seeds]
        whole = estimate.total(estimate.shares(config, COSTS, given, views)) / 2
        found = self.found(config, source)
        assert list(found) == ["--seeds 4 5 6", "--precision float32", "--quick --dataset digits"]
        assert found["--seeds 4 5 6"] == pytest.approx(whole * 3 / 4)
        steps = 4 * (3 + 3 * config.classifier_epochs)
        assert found["--precision float32"] == pytest.approx(whole - 0.5 * steps / 2)
        quick = 4 * (3 + 3 + 3 * 10)  # of equal steps alone, one after the other in one process
        assert found["--quick --dataset digits"] == pytest.approx(quick)

    def test_a_first_look_without_other_flags(self, source, tmp_path):
        """Three seeds of three sets, and the codes of one model."""
        config = AugmentationStudyConfig(dataset="digits", output=str(tmp_path), threads=1)
        config = study.resolve(config, source)
        found = self.found(dataclasses.replace(config, precision="float32"), source, [])
        generating = 3 + 30 * 0.1  # 200 images are one step
        tests = len(config.test_noise) + 1
        classifying = 9 * (3 + 60 + tests * 10) + 3 * generating
        codes = 3 * (generating + len(config.test_noise) * 7 + 100)
        assert found == {"--quick --dataset digits": pytest.approx(classifying + codes)}

    def test_a_study_that_has_begun(self, config, source, tmp_path):
        files.write_json(tmp_path / "config.json", {"tfdvae": "0.1.0"})
        assert list(self.found(config, source)) == ["--seeds 4 5 6"]

    def test_nothing_is_offered_that_does_not_fit(self, config, source):
        """Seeds that are there, views in a first look, and a first look of one."""
        exact = dataclasses.replace(config, precision="float32")
        given = [each for each in arguments(exact) if each["seed"] == 7]
        assert list(self.found(exact, source, given)) == ["--quick --dataset digits"]
        mixed = dataclasses.replace(exact, sets=("limited", "denoised"))
        assert list(self.found(mixed, source)) == ["--seeds 4 5 6"]
        sets = AugmentationStudyConfig().sets
        tested = dataclasses.replace(exact, denoise_at_test=True)
        assert list(self.found(tested, source)) == ["--seeds 4 5 6"], "it needs a model"
        other = dataclasses.replace(exact, sets=sets, reference="classical")
        assert list(self.found(other, source)) == ["--seeds 4 5 6"], "not of a first look's sets"
        quick = dataclasses.replace(exact, quick=True)
        assert list(self.found(quick, source)) == ["--seeds 4 5 6"]
        assert estimate.places(quick) == 1
        assert estimate.places(exact) == 2


def test_draws_of_images_are_independent_of_one_another():
    """An untrained DVAE makes equal means of equal images, and other draws of each."""
    model = TrainedModel(make("dvae"))
    made = views.draws(model, np.full((3, *model.image_shape), 0.5, np.float32), seed=0)
    assert made.shape == (3, views.DRAWS, *model.image_shape)
    away = (made - made.mean(axis=(0, 1))).reshape(3, -1)
    assert np.abs(np.corrcoef(away) - np.eye(3)).max() < 0.5
    again = views.draws(model, np.full((3, *model.image_shape), 0.5, np.float32), seed=0)
    np.testing.assert_array_equal(made, again)


def test_sets_for_noisy_images_share_order_geometry_and_noise(source, monkeypatch):
    """With views that are the images themselves, mixing changes nothing, and batches are equal."""
    config = small(train_noise=("gaussian:0.2",), sets=("limited", "fresh-noise", "denoised"))
    images = prepare(config, source, "noisy", 0, "gaussian:0.2")
    same = views.Views(images.train[:, None], "none")
    monkeypatch.setattr(kept_views, "load", lambda *_: same)
    seen = []
    batches_of = pipelines.training_batches

    def first_batches(*arguments, **options):
        batches = batches_of(*arguments, **options)
        seen.append([tuple(map(np.asarray, batch)) for batch in batches.take(2)])
        return batches

    monkeypatch.setattr(pipelines, "training_batches", first_batches)
    for name in ("fresh-noise", "denoised", "limited"):
        training.train_classifier(config, images, name, "equal_steps", 0)
    fresh, mixed, limited = seen
    for first, second in zip(fresh, mixed, strict=True):
        np.testing.assert_allclose(first[0], second[0], atol=1e-6)
        np.testing.assert_array_equal(first[1], second[1])
    assert not np.array_equal(fresh[0][1], limited[0][1])


def test_the_rate_falls_by_a_cosine():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    losses.fall_to_zero(model, 4)
    rates = []
    for step in range(5):
        model.optimizer.iterations.assign(step)
        rates.append(float(model.optimizer.learning_rate))
    expected = [0.1, 0.05 * (1 + 2**-0.5), 0.05, 0.05 * (1 - 2**-0.5), 0]
    assert rates == pytest.approx(expected, abs=1e-7)


def test_classes_count_equally():
    """Of 12 images in three of four classes each class has a weight of 4 in all."""
    labels = np.repeat([0, 2, 3], [8, 3, 1])
    weights = losses.class_weights(labels, 4)
    assert weights == pytest.approx({0: 0.5, 1: 1, 2: 4 / 3, 3: 4})
    assert sum(weights[label] for label in labels) == pytest.approx(12)


def test_settings_that_came_later_are_kept_where_they_are_used():
    """A folder that was begun without them goes on where they are at their defaults."""
    kept = study.fixed_settings(small())
    assert not set(ADDED_SETTINGS) & set(kept)
    assert study.fixed_settings(small(test_time_averaging=True))["test_time_averaging"] is True
    assert study.fixed_settings(small(denoise_at_test=True))["denoise_at_test"] is True
    kept = study.fixed_settings(small(schedule="cosine", label_smoothing=0.1, assumed_noise=1.3))
    assert {name: kept[name] for name in ADDED_SETTINGS if name in kept} == {
        "schedule": "cosine",
        "label_smoothing": 0.1,
        "assumed_noise": 1.3,
    }


def test_the_assumed_noise_is_kept_where_it_is_estimated():
    assert study.fixed_settings(small(assumed_noise="auto"))["assumed_noise"] == "auto"
    assert "assumed_noise" not in study.fixed_settings(small(assumed_noise=1.0))


def test_images_may_be_square():
    assert small(image_size=(28,)).image_size == (28, 28)


def test_cells_of_a_seed_share_images_and_test_noise(source):
    """The noise of the noisy condition is the main job's: keyed by seed and index, standard
    deviation 0.1.
    """
    clean, noisy = (prepare(small(), source, condition, 0) for condition in ("clean", "noisy"))
    np.testing.assert_array_equal(clean.train_labels, noisy.train_labels)
    assert np.std(noisy.train - clean.train) == pytest.approx(0.1, abs=0.002)
    tested = [
        evaluation.test_noise(images.held_out[:5], corruptions.parse("gaussian:0.1"), 0)
        for images in (clean, noisy)
    ]
    np.testing.assert_array_equal(*tested)
    other = prepare(small(), source, "clean", 1)
    assert not np.array_equal(other.train, clean.train)
    np.testing.assert_array_equal(other.held_out, source.test.images)


@pytest.mark.parametrize(
    ("dataset", "settings", "conditions", "protocols", "output"),
    [
        ("digits", {}, ("clean", "noisy"), PROTOCOLS, "results/augmentation"),
        ("digits", {"quick": True}, ("noisy",), PROTOCOLS, "results/quick-digits"),
        ("{}/mine", {}, ("clean",), ("equal_steps",), "results/augmentation-mine"),
        ("{}/mine.npz", {"quick": True}, ("clean",), ("equal_steps",), "results/quick-mine"),
        (
            "{}/mine/",
            {"conditions": ("noisy",), "protocols": ("equal_epochs",)},
            ("noisy",),
            ("equal_epochs",),
            "results/augmentation-mine",
        ),
        ("{}/mine", {"output": "here"}, ("clean",), ("equal_steps",), "here"),
    ],
)
def test_what_defaults_stand_for(
    dataset, settings, conditions, protocols, output, source, tmp_path
):
    """Images of one's own are taken as they are, and epochs as published are not for them; each
    dataset has a folder of its own.
    """
    config = AugmentationStudyConfig(dataset=dataset.format(tmp_path), **settings)
    found = study.resolve(config, dataclasses.replace(source, name=config.dataset))
    assert (found.conditions, found.protocols, study.default_output(config)) == (
        conditions,
        protocols,
        output,
    )


def test_precision_of_a_study_that_goes_on_is_that_of_its_own_folder(source, tmp_path):
    config = small(output=str(tmp_path), precision="auto")
    units = processor.has_bfloat16()
    assert study.resolve(config, source).precision == ("bfloat16" if units else "float32")
    for kept in ("bfloat16", "float32"):
        files.write_json(tmp_path / "config.json", {"precision": kept})
        assert study.resolve(config, source).precision == kept
    own = dataclasses.replace(config, output=str(tmp_path / "own"), classifier="mine:classifier")
    assert study.resolve(own, source).precision == "float32"
    asked = dataclasses.replace(config, precision="float16")
    assert study.resolve(asked, source).precision == "float16", "which the folder then refuses"


def larger(source, height, width):
    """The dataset with empty images of another size."""
    splits = {
        part: dataclasses.replace(
            getattr(source, part),
            images=np.zeros((len(getattr(source, part).labels), height, width, 1), np.uint8),
        )
        for part in ("train", "test")
    }
    return dataclasses.replace(source, **splits)


@pytest.mark.parametrize(
    ("asked", "size", "expected"),
    [
        ("auto", (28, 28), "cnn"),
        ("auto", (32, 32), "cnn"),
        ("auto", (33, 20), "tfdvae.classifier:resnet"),
        ("auto", (20, 33), "tfdvae.classifier:resnet"),
        ("cnn", (64, 64), "cnn"),
        (None, (64, 64), "cnn"),  # as `config.json` of a study has it
        ("mine:build", (28, 28), "mine:build"),
    ],
)
def test_the_classifier_by_the_size_of_images(asked, size, expected, source, tmp_path):
    """Cells on other machines are told which, and the study's folder keeps it."""
    config = small(classifier=asked, precision="auto", output=str(tmp_path))
    found = study.resolve(config, larger(source, *size))
    assert found.classifier == expected
    arguments = executor.to_arguments(found)
    assert arguments[arguments.index("--classifier") + 1] == expected
    assert study.fixed_settings(found)["classifier"] == (None if expected == "cnn" else expected)
    units = expected == "cnn" and processor.has_bfloat16()
    assert found.precision == ("bfloat16" if units else "float32")


@pytest.mark.parametrize("kept", [None, "mine:build"])
def test_a_study_that_began_goes_on_with_its_classifier(kept, source, tmp_path):
    """Those of earlier versions had the CNN for images of all sizes."""
    files.write_json(
        tmp_path / "config.json",
        {"tfdvae": "0.1.0", "dataset": "digits", "threads": 1, "classifier": kept},
    )
    config = small(output=str(tmp_path))
    found = study.resolve(config, larger(source, 64, 64))
    assert found.classifier == (kept or "cnn")
    assert study.fixed_settings(found)["classifier"] == kept


def test_a_study_of_an_earlier_version_does_not_go_on_with_smaller_batches(tmp_path):
    images, labels = np.zeros((12, 80, 80, 1), np.uint8), np.tile([0, 1], 6)
    images[labels == 1] = 255
    images[:, 0, 0, 0] = np.arange(12)
    np.savez(tmp_path / "mine.npz", x_train=images, y_train=labels, x_test=images, y_test=labels)
    (tmp_path / "study").mkdir()
    kept = {"tfdvae": "0.1.0", "classifier": "tfdvae.classifier:resnet"}
    files.write_json(tmp_path / "study" / "config.json", kept | {"classifier_source": "5c1f"})
    config = small(
        dataset=str(tmp_path / "mine.npz"),
        n_train=None,
        threads=None,
        sets=("limited",),
        output=str(tmp_path / "study"),
        classifier="auto",
    )
    with pytest.raises(ValueError, match="had batches of 128 images"):
        study.run(config)


def test_threads_of_a_study_that_goes_on_are_those_of_its_own_folder(monkeypatch, tmp_path):
    class Stop(Exception):
        pass

    def used(count):
        raise Stop(count)

    for folder, count in (("quick-digits", 3), ("augmentation", 5)):
        (tmp_path / "results" / folder).mkdir(parents=True)
        files.write_json(tmp_path / "results" / folder / "config.json", {"threads": count})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(study.threads, "use_threads", used)
    with pytest.raises(Stop, match="3"):
        study.run(AugmentationStudyConfig(dataset="digits", quick=True))


def test_a_first_look_reduces_the_images_of_a_folder(tmp_path, monkeypatch, caplog):
    """To 32 pixels at most, unless a size was chosen; its time is that of the smaller images."""
    pixels = np.random.default_rng(0).integers(0, 255, (24, 20, 80, 3), np.uint8)
    for number, image in enumerate(pixels):
        place = tmp_path / "scans" / "ab"[number % 2] / f"{number}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place)
    seen = []
    monkeypatch.setattr(study, "log_estimate", lambda *given: seen.append(given[:2]))
    monkeypatch.chdir(tmp_path)
    settings = {"dataset": "scans", "n_train": None, "threads": None, "sets": ("limited",)}
    config = small(**settings, quick=True, dry_run=True)
    study.run(config)
    assert "NOTE: a first look at images of 8 x 32 pixels, reduced from 20 x 80" in caplog.text
    study.run(dataclasses.replace(config, image_size=(10, 40)))
    study.run(dataclasses.replace(config, quick=False))
    assert [(given.image_size, data.train.images.shape[1:]) for given, data in seen] == [
        ((8, 32), (8, 32, 3)),
        ((10, 40), (10, 40, 3)),
        (None, (20, 80, 3)),
    ]
    monkeypatch.setattr(estimate, "measure", lambda *given: seen.append(given) or COSTS)
    for asked, precision in (("auto", "bfloat16"), ("tfdvae.classifier:resnet", "float32")):
        monkeypatch.setattr("tfdvae._utils.processor.has_bfloat16", lambda: True)
        given = dataclasses.replace(config, quick=False, classifier=asked, precision="auto")
        resolved = study.resolve(given, seen[2][1])
        assert resolved.own_classifier == "tfdvae.classifier:resnet", "80 pixels wide"
        found = estimate.with_other_flags(
            resolved, seen[2][1], COSTS, arguments(resolved), [], given
        )
        assert "--quick" in found
        looked, small_images, _ = seen[-1]
        assert small_images.train.images.shape[1:] == (8, 32, 3)
        chosen = "cnn" if asked == "auto" else asked
        assert (looked.classifier, looked.precision) == (chosen, precision), "as --quick takes them"


@pytest.mark.parametrize("n_train", [100, None])
def test_development_never_sees_test_images(source, n_train):
    images = prepare(small(development=True, n_train=n_train), source, "clean", 0)
    train = {image.tobytes() for image in image_dataset.to_unit(source.train.images)}
    own = {image.tobytes() for image in images.train}
    held_out = {image.tobytes() for image in images.held_out}
    assert held_out <= train
    assert not own & held_out
    assert len(images.held_out) == len(images.held_out_labels)
    assert set(images.held_out_labels) == set(range(10))


@pytest.mark.parametrize("condition", ["clean", "noisy"])
def test_development_on_validation_images_of_the_dataset(source, condition):
    """All training images are then trained on; validation images have the noise of the others."""
    count = len(source.train.labels)
    own = image_dataset.Split(source.test.images[:50], source.test.labels[:50])
    whole = dataclasses.replace(source, validation=own)
    images = prepare(small(development=True, n_train=None), whole, condition, 0)
    assert len(images.train) == count
    shown = image_dataset.to_unit(own.images)
    assert np.std(images.held_out - shown) == pytest.approx(0.1 * (condition == "noisy"), abs=5e-3)
    np.testing.assert_array_equal(images.held_out_labels, own.labels)
    for config in (small(n_train=None), small(development=True)):
        expected = prepare(config, source, condition, 0)
        np.testing.assert_array_equal(prepare(config, whole, condition, 0).train, expected.train)
    reported = prepare(small(n_train=None), whole, "clean", 0)
    np.testing.assert_array_equal(reported.held_out, source.test.images)


def with_groups(source, part, size):
    """The dataset with groups of `size` neighbours each in one of its splits."""
    split = getattr(source, part)
    split = dataclasses.replace(split, groups=np.arange(len(split.labels)) // size)
    return dataclasses.replace(source, **{part: split})


def with_labels(source, labels):
    """The dataset with as many of its training images as there are labels, and these labels."""
    train = image_dataset.Split(source.train.images[: len(labels)], labels)
    return dataclasses.replace(source, train=train)


def test_development_holds_out_whole_groups(source):
    """Also where a small subset leaves many images outside it."""
    grouped = with_groups(source, "train", 20)
    groups = {
        image.tobytes(): group
        for image, group in zip(
            image_dataset.to_unit(source.train.images), grouped.train.groups, strict=True
        )
    }
    images = prepare(small(development=True), grouped, "clean", 0)
    inside, outside = (
        {groups[image.tobytes()] for image in part} for part in (images.train, images.held_out)
    )
    assert inside
    assert outside
    assert not inside & outside


def test_classifiers_of_a_seed_begin_with_the_same_weights():
    config = small()
    weights = [
        training.build_classifier(config, (28, 28, 1), 10, seed).get_weights() for seed in (0, 0, 1)
    ]
    assert all(np.array_equal(a, b) for a, b in zip(weights[0], weights[1], strict=True))
    assert not np.array_equal(weights[0][0], weights[2][0])


def test_a_class_with_too_few_images_is_refused(source):
    few = with_labels(source, np.repeat(np.arange(10), 6))
    with pytest.raises(ValueError, match="`n_train` must leave 3 images of each class"):
        study.check(small(n_train=25), few)


def test_a_small_class_of_the_dataset_is_no_matter_of_n_train(source):
    labels = np.repeat(np.arange(10), 6)
    with pytest.raises(
        ValueError,
        match="`dataset` must have 3 training images of each class at least; there are 2 of class "
        "9",
    ):
        study.check(
            small(n_train=None),
            with_labels(source, labels[:56]),
        )


def made_rows(conditions=("clean",), protocols=("equal_steps",), seeds=5):
    """Limited at 80% + seed; vae 1.0, 1.2, 0.8, 1.1, 0.9 points ahead; duplicate on average
    level with limited.
    """
    ahead = {"limited": [0] * 5, "duplicate": [2, -2, 1, -1, 0], "vae": [1.0, 1.2, 0.8, 1.1, 0.9]}
    for condition in conditions:
        for protocol in protocols:
            for seed in range(seeds):
                for name, gains in ahead.items():
                    for noise in AugmentationStudyConfig().test_noise:
                        yield dict.fromkeys(csv_rows.ROW_FIELDS, "") | {
                            "study": "augmentation",
                            "run": f"{condition}-{name}-{protocol}-seed{seed}",
                            "dataset": "fashion_mnist",
                            "n_train": 5000,
                            "condition": condition,
                            "augmentation": name,
                            "protocol": protocol,
                            "test_corruption": noise,
                            "split": "test",
                            "step": 1200,
                            "seed": seed,
                            "metric": "accuracy",
                            "value": (80 + seed + gains[seed]) / 100,
                        }


def made_report(
    folder, rows, replicates=1e-4, groups=None, metric="accuracy", present=None, **settings
):
    """Write a report, with replicates of each cell: its value, noise over test images that all
    share, and for all sets but limited such of this deviation.
    """
    rows = list(rows)
    generator = np.random.default_rng(0)
    shared, own = generator.normal(0, 0.01, (2, 11, 200))
    if replicates is not None:
        values = {
            row["run"]: row["value"]
            + shared
            + (replicates * own / 0.01 if row["augmentation"] != "limited" else 0)
            for row in rows
        }
        np.savez(folder / "bootstrap.npz", **values)
    csv_rows.write_rows(folder / "rows.csv", rows)
    settings |= {"dataset": "fashion_mnist", "metric": metric}
    files.write_json(folder / "config.json", settings)
    classes = tuple(map(str, range(10)))
    facts = "fashion_mnist", classes, (28, 28, 1), 60_000, 10_000, groups
    DatasetInfo(*facts, test_classes=present).write(folder)
    report.write(folder)
    return (folder / "report.md").read_text()


def verdicts(text):
    return {
        line.partition(": ")[0].strip("- *"): line
        for line in text.splitlines()
        if line.startswith("- **")
    }


def test_report_of_development_says_whose_validation_images_it_has(tmp_path):
    rows = [row | {"split": "validation"} for row in made_rows()]
    text = made_report(tmp_path, rows, None, development=True)
    assert "training images, validation images, seeds" in text
    text = made_report(tmp_path, rows, None, development=True, validation_images=1234)
    assert "training images, the dataset's 1,234 validation images, seeds" in text


def test_report_says_what_oriented_sets_are(tmp_path):
    names = {"vae": "oriented+vae", "duplicate": "oriented"}
    rows = [
        row | {"augmentation": names.get(row["augmentation"], row["augmentation"])}
        for row in made_rows()
    ]
    text = made_report(tmp_path, rows, reference="oriented")
    assert (
        "`oriented`: mirrors and quarter turns. `oriented+vae`: mirrors and quarter turns, also of "
        "synthetic images of a VAE." in text
    )
    assert "oriented+vae, clean images" in verdicts(text)


@pytest.mark.parametrize("replicated", [False, True])
def test_lead_over_a_published_value(tmp_path, replicated):
    """Seeds at 80 to 84: a mean of 82, and a variance of 0.5 of it. The error over 10,000 images is
    that of a share of 0.82, or what all seeds have in common in the bootstrap.
    """
    made_report(tmp_path, made_rows())
    config = AugmentationStudyConfig.of_folder(tmp_path)
    rows = csv_rows.read_rows(tmp_path / "rows.csv")
    shared, replicates = np.random.default_rng(0).normal(0, 0.01, (11, 200)), {}
    of_images = 0.82 * 0.18 / 10_000 * 100**2
    if replicated:
        replicates = {row["run"]: float(row["value"]) + shared for row in rows}
        of_images = 100**2 * np.var(shared[0], ddof=1) * 10_000 / 9_999
    results = Results(rows, config, replicates, DatasetInfo.read(tmp_path))
    lead = results.lead_over_value("clean", "equal_steps", "limited", "accuracy", 75.0)
    freedom = (0.5 + of_images) ** 2 / (0.5**2 / 4 + of_images**2 / 9_999)
    half = scipy.stats.t.ppf(0.975, freedom) * np.sqrt(0.5 + of_images)
    assert (lead.low, lead.mean, lead.high) == pytest.approx((7 - half, 7, 7 + half), rel=1e-4)


def test_published_values_beside_ours(tmp_path):
    """Only of the very dataset, and never of training images with noise."""
    made_report(tmp_path, made_rows(("clean", "noisy")))
    config = AugmentationStudyConfig.of_folder(tmp_path)
    rows = csv_rows.read_rows(tmp_path / "rows.csv")
    rows += [row | {"metric": "auc", "value": 0.77} for row in rows]
    facts = DatasetInfo.read(tmp_path)
    assert medmnist.section(Results(rows, config, {}, facts), facts) == []
    facts = dataclasses.replace(
        facts, name="retinamnist.npz", train_count=1080, test_count=400, image_shape=(28, 28, 3)
    )
    assert medmnist.section(Results(rows, config, {}, facts), facts) == [], "of 5,000 images"
    rows = [row | {"n_train": "1080"} for row in rows]
    text = to_markdown(medmnist.section(Results(rows, config, {}, facts), facts))
    assert "| Google AutoML Vision | 75.0 | 53.1 |" in text
    assert "| limited | 77.00 ± 0.00 | 82.00 ± 1.96 | +2.00 (+2.00 to +2.00) | +28.90 (" in text
    assert "Clean training images" in text
    assert "corrupted" not in text


def test_report_tells_what_helps(tmp_path):
    """The vae's mean is 1.0, its standard deviation 0.158: half width 2.776 * 0.158 / sqrt(5) =
    0.196.
    """
    text = made_report(tmp_path, made_rows())
    assert "vae, clean images: helps" in verdicts(text)["vae, clean images"]
    assert "duplicate, clean images: cannot tell" in verdicts(text)["duplicate, clean images"]
    assert "| trained on | clean, no noise | clean, all noises |" in text
    assert "| limited + VAE | helps: +1.00 | helps: +1.00 |" in text
    assert "| limited + VAE | +1.00 (+0.80 to +1.20) |" in text
    assert "| limited | 5 | 82.00 ± 1.96 |" in text
    assert "| limited + VAE | published | 84.18 |" in text
    assert (
        "| Synthetic images of a VAE raise accuracy | clean | +0.35 |  | holds: +1.00 (+0.80 to "
        "+1.20) |" in text
    )
    page = (tmp_path / "report.html").read_text()
    html.parser.HTMLParser().feed(page)
    assert "data:image/png;base64" in page


def test_report_of_means_over_mirror_images(tmp_path):
    """All gain half a point by it, and the vae another 0.2; its lead of 1.0 grows as much, and has
    the half width of that of single images.
    """
    rows = list(made_rows())
    plain = made_report(tmp_path, rows)
    assert "Averaged over mirror images" not in plain
    rows += [
        row
        | {
            "metric": "accuracy_averaged",
            "value": row["value"] + (0.007 if row["augmentation"] == "vae" else 0.005),
        }
        for row in rows
    ]
    text = made_report(tmp_path, rows)
    section = text.partition("## Averaged over mirror images")[2].partition("\n## ")[0]
    assert "its lead over limited, which gains it too" in section
    assert "| limited | 82.50 ± 1.96 | 82.50 ± 1.96 | +0.50 (+0.50 to +0.50) | " in section
    assert "| limited + VAE | 83.70 ± 1.91 | 83.70 ± 1.91 | +0.70 (+0.70 to +0.70) | " in section
    assert section.count("| +1.20 (+1.00 to +1.40) | +1.20 (+1.00 to +1.40) |") == 1
    assert verdicts(text) == verdicts(plain)
    others = text.replace(f"## Averaged over mirror images{section}\n", "")
    assert others == plain


def test_report_of_denoised_test_images(tmp_path):
    """All gain a point by it, and the denoised set another 0.5, so that its lead of 1.0 is 1.5."""
    rows = list(rows_of_noises(("gaussian:0.2",)))
    plain = made_report(tmp_path, rows, replicates=None, reference="fresh-noise")
    assert "Denoised test images" not in plain
    rows += [
        row
        | {
            "metric": "accuracy_denoised",
            "value": row["value"] + (0.015 if row["augmentation"] == "denoised" else 0.01),
        }
        for row in rows
    ]
    text = made_report(tmp_path, rows, replicates=None, reference="fresh-noise")
    section = text.partition("## Denoised test images")[2].partition("\n## ")[0]
    assert "its lead over flips, shifts, fresh noise, which gains it too" in section
    plain_row, own_row = (
        next(line for line in section.splitlines() if line.startswith(f"| {name} |"))
        for name in ("flips, shifts, fresh noise", "mixed with its denoised self")
    )
    gain = "+1.00 (+1.00 to +1.00)"
    assert plain_row.endswith(f"| {gain} | {gain} |  |  |")
    assert "| +1.50 (+1.50 to +1.50) | +1.50 (+1.50 to +1.50) | +1.50 (+1.30 to +1.70) |" in own_row
    assert verdicts(text) == verdicts(plain)
    assert text.replace(f"## Denoised test images{section}\n", "") == plain


def test_under_equal_epochs_synthetic_images_are_compared_with_duplicates(tmp_path):
    """Both are ahead of limited, neither of the other: the gain is that of the steps."""
    rows = [
        row | {"value": row["value"] + (0.01 if row["augmentation"] == "duplicate" else 0)}
        for row in made_rows(protocols=("equal_epochs",))
    ]
    line = verdicts(made_report(tmp_path, rows))["vae, clean images"]
    assert "vae against duplicate" in line
    assert "cannot tell" in line


def test_report_of_a_single_seed_tells_nothing(tmp_path):
    text = made_report(tmp_path, made_rows(seeds=1))
    lines = verdicts(text)
    assert len(lines) == 4
    assert "| limited + VAE | +1.00 | none | +1.00 | none |" in text
    assert all("cannot tell" in line and "one seed says nothing" in line for line in lines.values())


def test_images_decide_too(tmp_path):
    """The vae's replicates vary by 2 points over test images: no number of seeds makes a gain of
    1 point certain.
    """
    lines = verdicts(made_report(tmp_path, made_rows(), replicates=0.02))
    assert "cannot tell" in lines["vae, clean images"]
    assert "test images instead of 10,000" in lines["vae, clean images"]


def test_without_replicates_nothing_is_claimed(tmp_path):
    lines = verdicts(made_report(tmp_path, made_rows(), replicates=None))
    assert all("cannot tell" in line for line in lines.values())


@pytest.mark.parametrize(
    ("groups", "kind", "said"),
    [
        (5, "cannot tell", "5 groups of test images are too few"),
        (50, "helps", "50 groups of test images; p"),
    ],
)
def test_groups_are_what_counts(groups, kind, said, tmp_path):
    line = verdicts(made_report(tmp_path, made_rows(), groups=groups))["vae, clean images"]
    assert f": {kind}.**" in line
    assert said in line


def test_replicates_that_are_all_equal_say_nothing(tmp_path):
    """As of one group alone, or of classifiers that agree on every image."""
    lines = verdicts(made_report(tmp_path, made_rows(), replicates=0.0))
    assert all("is not known here" in line for line in lines.values())


def test_findings_are_told_as_in_the_verdict(tmp_path):
    """The vae is 0.1 ahead, which is no gain worth having: the finding does not hold, though the
    interval reaches over 0.
    """
    rows = [
        row | {"value": row["value"] - (0.009 if row["augmentation"] == "vae" else 0)}
        for row in made_rows()
    ]
    text = made_report(tmp_path, rows)
    assert "does not help" in verdicts(text)["vae, clean images"]
    assert (
        "| Synthetic images of a VAE raise accuracy | clean | +0.35 |  | does not hold: +0.10 "
        "(-0.10 to +0.30) |" in text
    )


def test_replicates_of_cells_are_kept_beside_the_rows(tmp_path):
    (tmp_path / "cells").mkdir()
    np.savez(
        tmp_path / "cells" / "clean-vae-equal_steps-seed0.npz",
        replicates=np.full((11, 200), 0.5, np.float32),
    )
    made_report(tmp_path, made_rows())
    with np.load(tmp_path / "bootstrap.npz") as kept:
        assert len(kept.files) == 15
        assert (kept["clean-vae-equal_steps-seed0"] == 0.5).all()


def rows_of_noises(noises=("gaussian:0.1", "gaussian:0.2")):
    """Denoised images are 1.0, 1.2, 0.8, 1.1, 0.9 points ahead of fresh noise, those of a filter
    0.5, clean ones 3; the whole is 10 points lower for each further noise.
    """
    ahead = {
        "limited": [-1] * 5,
        "fresh-noise": [0] * 5,
        "denoised": [1.0, 1.2, 0.8, 1.1, 0.9],
        "denoised-tv": [0.5] * 5,
        "clean-images": [3] * 5,
    }
    for number, noise in enumerate(noises):
        start = "noisy" if noise == "gaussian:0.1" else "noisy-gaussian-0.2"
        for name, gains in ahead.items():
            for seed, gain in enumerate(gains):
                for tested in AugmentationStudyConfig().test_noise:
                    yield dict.fromkeys(csv_rows.ROW_FIELDS, "") | {
                        "study": "augmentation",
                        "run": f"{start}-{name}-equal_steps-seed{seed}",
                        "dataset": "fashion_mnist",
                        "n_train": 5000,
                        "condition": "noisy",
                        "train_noise": noise,
                        "augmentation": name,
                        "model": "dae" if name == "denoised" else "",
                        "network": "unet" if name == "denoised" else "",
                        "target": "recorrupted" if name == "denoised" else "",
                        "protocol": "equal_steps",
                        "test_corruption": tested,
                        "split": "test",
                        "step": 1200,
                        "seed": seed,
                        "metric": "accuracy",
                        "value": (80 + seed + gain - 10 * number) / 100,
                    }


def test_report_without_limited_images(tmp_path):
    """All is against the reference; where that was not measured, against the first set."""
    rows = [row for row in rows_of_noises() if row["augmentation"] != "limited"]
    clean = [
        row | {"condition": "clean", "train_noise": "", "run": f"clean-{row['run']}", **changed}
        for row in rows
        if row["train_noise"] == "gaussian:0.1"
        for changed in ({"augmentation": "classical"}, {"augmentation": "gaussian"})
        if row["augmentation"] == "fresh-noise"
    ]
    text = made_report(tmp_path, [*clean, *rows], replicates=None, reference="fresh-noise")
    assert "limited" not in text.replace("of `limited`", "")
    assert "The published study beside ours" not in text
    assert "Nothing is compared" not in text
    section = text.partition("## Clean training images, equal_steps")[2].partition("\n## ")[0]
    assert "whether gaussian against classical helps (+0.00 points" in section


def test_sets_that_agree_are_compared_with_each_other(tmp_path):
    """The gain of a model there is what is more than without it."""
    ahead = {"denoised": "denoised", "fresh-noise": "fresh-noise", "denoised-tv": "denoised-tv"}
    ahead |= {"denoised-agreeing": "denoised", "agreeing": "denoised-tv"}
    rows = [
        row | {"augmentation": name, "run": row["run"].replace(like, name)}
        for name, like in ahead.items()
        for row in rows_of_noises(("gaussian:0.2",))
        if row["augmentation"] == like
    ]
    text = made_report(tmp_path, rows, replicates=None, reference="fresh-noise")
    assert "4 times the Jensen-Shannon divergence" in text
    section = text.partition("Points ahead of the controls")[2].partition("\n![")[0]
    plain, agreeing = (line for line in section.splitlines() if "| +0.50 (" in line)
    assert plain.startswith("| mixed with its denoised self | mixed with itself after total")
    assert agreeing.startswith(
        "| two that agree: mixed with its denoised self | two that agree: flips, shifts, fresh"
    )


def test_a_set_with_a_teacher_is_compared_with_the_other_one(tmp_path):
    """The gain of a denoising model there is what is more than with a teacher alone."""
    ahead = {"denoised": "denoised", "fresh-noise": "fresh-noise", "denoised-tv": "denoised-tv"}
    ahead |= {"denoised-distilled": "denoised", "distilled": "denoised-tv"}
    rows = [
        row | {"augmentation": name, "run": row["run"].replace(like, name)}
        for name, like in ahead.items()
        for row in rows_of_noises(("gaussian:0.2",))
        if row["augmentation"] == like
    ]
    text = made_report(tmp_path, rows, replicates=None, reference="fresh-noise")
    assert "twice as many forward and backward passes in all" in text
    section = text.partition("Points ahead of the controls")[2].partition("\n![")[0]
    plain, taught = (line for line in section.splitlines() if "| +0.50 (" in line)
    assert plain.startswith("| mixed with its denoised self | mixed with itself after total")
    assert taught.startswith(
        "| taught by a classifier: mixed with its denoised self | taught by a classifier: flips,"
    )


def test_report_of_two_noises_and_a_reference(tmp_path):
    """Each noise has its tables; the lead is that over the reference, in words."""
    settings = {"reference": "fresh-noise", "schedule": "cosine", "label_smoothing": 0.1}
    text = made_report(tmp_path, rows_of_noises(), **settings)
    label = "mixed with its denoised self"
    for noise, level in (("0.1", 83.00), ("0.2", 73.00)):
        title = f"## Training images corrupted once with Gaussian noise of {noise}, equal_steps"
        section = text.partition(f"\n{title}\n")[2].partition("\n## ")[0]
        assert f"| {label} | 5 | {level:.2f} ± " in section
        assert f"| flips, shifts, fresh noise | 5 | {level - 1:.2f} ± 1.96 |" in section
        assert "Points ahead of flips, shifts, fresh noise, and the smallest" in section
        assert f"| {label} | +1.00 (+0.80 to +1.20) |" in section
        assert "| limited | -1.00 (" in section
    lines = [line for line in text.splitlines() if line.startswith("- **")]
    assert len(lines) == 12, "of limited and two sets, on two tests, for two noises; no ceiling"
    control = "mixed with itself after total variation"
    assert text.count(f"| {label} | {control} | +0.50 (+0.30 to +0.70) | +0.50 (") == 2
    assert "teaches" not in text
    told = f'"{label}" against "flips, shifts, fresh noise" helps (+1.00 points'
    assert sum(told in line for line in lines) == 4
    assert "| clean images, flips, shifts, fresh noise | +3.00 (" in text
    assert f"| {label} | `denoised` | dae unet recorrupted |" in text
    assert (
        "trained for 2,340 steps (equal_steps), at a rate that falls to 0, with 0.1 of each label "
        "spread over all classes." in text
    )
    assert "| noise of the noisy condition | gaussian:0.1, gaussian:0.2 |" in text
    assert r"| denoiser\_steps | 2400 |" in text
    assert (tmp_path / "figures" / "noisy-equal_steps.png").exists()
    assert (tmp_path / "figures" / "noisy-gaussian-0.2-equal_steps.png").exists()


def test_the_page_has_all_sets_of_noisy_images():
    page = (ROOT / "docs" / "studies" / "denoised-images.md").read_text()
    listed = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    found = {name for cell in listed for name in re.findall("`(.*?)`", cell)}
    assert found - {"--sets"} == {name for name in SETS if needs_noise(name)}


def test_holm_is_over_the_sets_of_one_noise(tmp_path):
    """Limited and two denoised sets, on clean images and over all noises: a family of six."""
    made_report(tmp_path, rows_of_noises(), reference="fresh-noise")
    config = AugmentationStudyConfig.of_folder(tmp_path)
    rows = csv_rows.read_rows(tmp_path / "rows.csv")
    found = Results(rows, config, {}, DatasetInfo.read(tmp_path))
    comparisons = found.comparisons("noisy gaussian:0.2", "equal_steps")
    assert {name for name, _ in comparisons} == {"limited", "denoised", "denoised-tv"}
    assert {each.family for each in comparisons.values()} == {6}


def test_limited_is_the_reference_where_the_other_was_not_measured(tmp_path):
    rows = [row for row in rows_of_noises() if row["augmentation"] != "fresh-noise"]
    text = made_report(tmp_path, rows, reference="fresh-noise")
    assert '"mixed with its denoised self" against limited helps (+2.00 points' in text


def test_limited_alone_is_compared_with_nothing(tmp_path):
    rows = [row for row in made_rows() if row["augmentation"] == "limited"]
    assert "Nothing is compared" in made_report(tmp_path, rows)


@pytest.mark.parametrize("metric", ["auc", "accuracy"])
def test_a_mean_over_some_classes_alone_is_told(metric, tmp_path):
    rows = [{**row, "metric": metric} for row in made_rows()]
    text = made_report(tmp_path, rows, metric=metric, present=8)
    told = "auc is a mean over 8 of 10 classes: the others have no test images."
    assert told in text
    verdict, _, others = text.partition("Other metrics, clean images")
    assert (told in verdict) == (metric == "auc")
    assert (told in others) == (metric != "auc")
    assert "balanced_accuracy is a mean over 8 of 10 classes" in others


def test_nothing_is_told_where_each_class_has_test_images(tmp_path):
    assert "is a mean over" not in made_report(tmp_path, made_rows(), present=10)


@pytest.mark.parametrize(("active", "told"), [((0, 4, 0), "VAE, noisy (2 of 3 seeds)"), ((4,), "")])
def test_codes_that_carry_nothing_are_told(active, told, tmp_path):
    empty = dict.fromkeys(csv_rows.ROW_FIELDS, "")
    rows = [
        empty | {"model": "vae", "condition": "noisy", **fields}
        for value in active
        for fields in (
            {"metric": "active_units", "value": str(value)},
            {"metric": "loss", "epoch": "1", "value": "200.0"},
        )
    ]
    text = to_markdown(generators.section(rows, tmp_path))
    assert ("posterior collapse" in text) == bool(told)
    assert told in text
