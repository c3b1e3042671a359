import dataclasses
import json
import typing
from pathlib import Path

import pytest

from tfdvae import csv_rows, registry
from tfdvae.cli import settings_file
from tfdvae.cli.commands.train import parse
from tfdvae.config import RECIPES, TrainConfig, data_folder, setting_names
from tfdvae.config.classifier import chosen_classifier
from tfdvae.config.group import join_help_lines
from tfdvae.config.train import GROUPS
from tfdvae.studies.augmentation.settings import AugmentationStudyConfig
from tfdvae.studies.denoising.settings import DenoisingStudyConfig


def test_defaults_are_the_published_study():
    config = TrainConfig()
    assert (
        config.generator.model,
        config.generator.chosen_network,
        config.generator.latent_dim,
        config.generator.epochs,
        config.generator.batch_size,
    ) == ("dvae", "mlp", 4, 60, 128)
    assert (
        str(config.injected),
        config.data.train_noise,
        config.generator.samples_per_image,
        config.generator.beta,
    ) == (
        "gaussian:0.1",
        "gaussian:0.1",
        2,
        1.0,
    )
    assert config.classifier.test_noise == (
        "none",
        "gaussian:0.025",
        "gaussian:0.05",
        "gaussian:0.075",
        "gaussian:0.1",
    )
    assert (
        config.classifier.protocol,
        config.classifier.classifier_steps,
        config.classifier.classifier_epochs,
    ) == (
        "equal_steps",
        1200,
        7,
    )


@pytest.mark.parametrize("model", registry.MODELS.names())
def test_json_and_back(model):
    config = TrainConfig.of(
        model=model, n_train=70, noisy_train=True, test_noise=("0", "masking:0.5"), seed=3
    )
    assert TrainConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_every_field_has_a_default_and_help():
    fields = [field for kind in GROUPS.values() for field in dataclasses.fields(kind)]
    assert all(field.default is not dataclasses.MISSING for field in fields)
    flags = [
        "model",
        "network",
        "dataset",
        "data_dir",
        "n_train",
        "noisy_train",
        "train_noise",
        "corruption",
        "objective",
        "epochs",
        "batch_size",
        "learning_rate",
        "latent_dim",
        "beta",
        "samples_per_image",
        "no_classifier",
        "protocol",
        "classifier_steps",
        "classifier_epochs",
        "test_noise",
        "seed",
        "precision",
        "threads",
        "output",
        "resume",
        "debug",
    ]
    assert set(flags) <= {field.name for field in fields}
    assert len(setting_names()) == len(set(setting_names())) == 48


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": "dvea"}, "Did you mean 'dvae'"),
        ({"sets": ("denoisd",)}, "Did you mean 'denoised'"),
        ({"sets": ()}, "`sets` must be a list of names, at least one; got ()."),
        ({"sets": ("limited", "limited")}, "`sets` must not repeat a name; got limited, limited."),
        (
            {"sets": ("limited",), "no_classifier": True},
            "`sets` cannot be given with `no_classifier`.",
        ),
        ({"sets": ("vae",)}, "`sets` must be of images of dvae, the model; got vae."),
        (
            {"sets": ("ae",), "model": "ae"},
            "`sets` must be one of",
        ),
        (
            {"sets": ("dvae",), "model": "ae"},
            "`sets` must be of images of none, as with this ae; got dvae.",
        ),
        ({"sets": ("denoised",)}, "`sets` denoised is for images with Gaussian noise of a known"),
        (
            {"sets": ("denoised",), "noise": "auto"},
            "`sets` denoised is for images with Gaussian noise of a known level",
        ),
        (
            {"sets": ("fresh-noise",), "noisy_train": True, "train_noise": "masking:0.1"},
            "`sets` fresh-noise is for images with Gaussian noise",
        ),
        (
            {"sets": ("clean-images",), "noise": 0.1},
            "`sets` clean-images is made from clean images: it needs `noisy_train`",
        ),
        (
            {"sets": ("classical",), "protocol": "equal_epochs"},
            "`sets` classical has as many images as limited, so that equal epochs are equal steps",
        ),
        ({"denoiser_steps": 0}, "`denoiser_steps` must be a finite number at least 1; got 0"),
        (
            {"denoiser_steps": 9, "noisy_train": True, "sets": ("limited", "denoised-tv")},
            "`denoiser_steps` is for `sets` whose images a model denoises, such as denoised; got "
            "limited, denoised-tv.",
        ),
        (
            {"denoiser_steps": 9, "noisy_train": True, "no_classifier": True},
            "`denoiser_steps` cannot be given with `no_classifier`.",
        ),
        (
            {"classifier": "mine:cnn", "no_classifier": True},
            "`classifier` cannot be given with `no_classifier`.",
        ),
        (
            {"noisy_train": True, "sets": ("agreeing",), "distribute": "mirrored"},
            "`sets` agreeing cannot be given with `distribute`",
        ),
        ({"network": "mpl"}, "Did you mean 'mlp'"),
        ({"objective": "clean"}, "`objective` must be one of"),
        ({"protocol": "equal_step"}, "equal_steps"),
        ({"precision": "float8"}, "`precision`"),
        ({"sampling": "x"}, "`sampling`"),
        ({"n_train": 0}, "`n_train` must be a finite number at least 1; got 0"),
        ({"epochs": 0}, "`epochs`"),
        ({"batch_size": -1}, "`batch_size`"),
        ({"latent_dim": 0}, "`latent_dim`"),
        ({"samples_per_image": 0}, "`samples_per_image`"),
        ({"threads": 0}, "`threads`"),
        ({"learning_rate": float("nan")}, "`learning_rate`"),
        ({"learning_rate": 0.0}, "`learning_rate`"),
        ({"beta": -1.0}, "`beta`"),
        (
            {"train_noise": "-0.1"},
            "`train_noise` must be a finite number between 0 and 1; got -0.1",
        ),
        ({"corruption": "gaussian:abc"}, "gaussian:abc"),
        ({"test_noise": ("1.5",)}, "`test_noise` must be a finite number between 0 and 1; got 1.5"),
        ({"test_noise": ()}, "at least one"),
        ({"test_noise": ("0.1", "gaussian:0.1")}, "repeat"),
        ({"test_noise": "0.1"}, "list"),
        ({"test_noise": 0.1}, "list"),
        ({"seed": -1}, "`seed`"),
        ({"model": "vae", "corruption": "gaussian:0.1"}, "With one it is `dvae`"),
        ({"corruption": "none"}, "Without one it is `vae`"),
        ({"model": "dae", "beta": 2.0}, "`beta` is for models vae and dvae"),
        ({"model": "vae", "corruption_samples": 2}, "`corruption_samples`"),
        ({"model": "vae", "corrupt_before_encoding": True}, "dvae"),
        ({"beta_warmup": 61}, "must not exceed `epochs`"),
        ({"image_size": (0,)}, "`image_size`"),
        ({"image_size": (1, 2, 3)}, "one or two whole numbers"),
        ({"image_size": 32}, "one or two whole numbers"),
        ({"white": 0}, "`white` must be a finite number above 0; got 0"),
        ({"white": float("inf")}, "`white` must be a finite number above 0"),
        ({"white": "bright"}, "`white` must be a number above 0 or auto; got 'bright'"),
        ({"background": "wite"}, "`background` must be one of white, black; .* 'white'"),
        ({"noisy_dir": "a"}, "`noisy_dir` is for models dae and dvae with `no_classifier`"),
        ({"noisy_dir": "a", "no_classifier": True, "model": "ae"}, "`noisy_dir`"),
        ({"noisy_dir": "a", "no_classifier": True, "noisy_train": True}, "noisy already"),
        ({"noisy_dir": "a", "no_classifier": True, "corruption": "0.1"}, "noisy already"),
        (
            {"noisy_dir": "a", "no_classifier": True, "objective": "corrupted"},
            "`objective` cannot be given",
        ),
        (
            {"noisy_dir": "a", "no_classifier": True, "test_noise": ("0.2",)},
            "`test_noise` cannot be given with `noisy_dir`",
        ),
        ({"output": "a", "resume": "b"}, "cannot be given with `resume`"),
        ({"schedule": "cosin"}, "Did you mean 'cosine'"),
        ({"beta_1": 1.0}, "`beta_1` must be below 1"),
        ({"likelihood": "bernouli"}, "Did you mean 'bernoulli'"),
        ({"likelihood": "gaussian"}, "gaussian:SIGMA or linear:SIGMA, with SIGMA above 0"),
        ({"likelihood": "gaussian:0"}, "SIGMA above 0"),
        ({"model": "dae", "likelihood": "mse:2"}, "got 'mse:2'"),
        ({"likelihood": "mse"}, "a vae or dvae cannot weigh it"),
        (
            {"model": "dae", "objective": "recorrupted"},
            "`corruption` must be given with `objective` recorrupted: gaussian:LEVEL or",
        ),
        *(
            (
                {"model": "dae", "objective": "recorrupted", "corruption": "poisson:0.2"} | noise,
                "`corruption` poisson:0.2 divides photons .* images with gaussian:0.1 are not made",
            )
            for noise in ({"noise": 0.1}, {"noisy_train": True})
        ),
        (
            {"model": "dae", "objective": "recorrupted", "corruption": "masking:0.1"},
            "`corruption` must be gaussian:LEVEL or poisson:LEVEL, .* got masking:0.1",
        ),
        (
            {
                "model": "dae",
                "objective": "recorrupted",
                "noisy_train": True,
                "train_noise": "salt_and_pepper:0.1",
            },
            "`corruption` must be gaussian:LEVEL or poisson:LEVEL, .* got salt_and_pepper:0.1",
        ),
        (
            {
                "model": "dvae",
                "objective": "recorrupted",
                "noisy_train": True,
                "likelihood": "bernoulli",
            },
            r"`likelihood` must be linear:SIGMA, .* leave \[0, 1\]; got bernoulli",
        ),
        (
            {"model": "dae", "objective": "masked", "corruption": "gaussian:0.1"},
            "`corruption` must be none with `objective` masked",
        ),
        (
            {"model": "dae", "objective": "paired", "corruption": "gaussian:0.1"},
            "`corruption` must be none with `objective` paired",
        ),
        (
            {"objective": "masked", "corrupt_before_encoding": True},
            "`corrupt_before_encoding` is for posterior samples of model dvae, with a corruption",
        ),
        ({"model": "dvae", "network": "unet"}, "`network` unet is for ae and dae: .* got dvae"),
        ({"model": "vae", "network": "unet"}, "`network` unet is for ae and dae: .* got vae"),
        *(
            (
                {"model": "dae", "network": "unet", "likelihood": likelihood},
                f"`likelihood` must be linear:SIGMA with `network` unet, .* got {likelihood}",
            )
            for likelihood in ("bernoulli", "gaussian:0.5", "mse")
        ),
        ({"recipe": "conv_dae"}, "Did you mean 'conv-dae'"),
        ({"noise": 0.0}, r"`noise` must be a finite number between 0 and 1 \(above 0\); got 0"),
        ({"noise": 1.5}, r"`noise` must be a finite number between 0 and 1 \(above 0\); got 1.5"),
        ({"noise": "much"}, "`noise` must be a standard deviation .* or auto; got 'much'"),
        ({"noise": 0.1, "noisy_train": True}, "`noise` .* cannot be given with `noisy_train`"),
        (
            {"noise": "auto", "noisy_dir": "a", "no_classifier": True, "model": "dae"},
            "`noise` .* cannot be given with `noisy_dir`",
        ),
        (
            {"noisy_train": True, "train_noise": "speckle:0.2", "corrupt_before_encoding": True},
            "`corrupt_before_encoding` is for .* the objective is masked, which injects none",
        ),
        (
            {"model": "dae", "network": "unet", "latent_dim": 8},
            "`latent_dim` cannot be given with `network` unet, which has no code; got 8",
        ),
    ],
)
def test_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        TrainConfig.of(**settings)


@pytest.mark.parametrize(
    ("model", "injected"),
    [("ae", "none"), ("dae", "gaussian:0.1"), ("vae", "none"), ("dvae", "gaussian:0.1")],
)
def test_default_corruption_follows_the_model(model, injected):
    config = TrainConfig.of(model=model)
    assert str(config.injected) == injected
    assert str(config.replace(corruption=injected).injected) == injected


@pytest.mark.parametrize(
    ("model", "network"),
    [("ae", "residual_conv"), ("dae", "residual_conv"), ("vae", "mlp"), ("dvae", "mlp")],
)
def test_default_network_follows_the_model(model, network):
    assert TrainConfig.of(model=model).generator.chosen_network == network
    assert (
        TrainConfig.of(model=model, network="strided_conv").generator.chosen_network
        == "strided_conv"
    )


def test_recipe_as_published():
    """Batch 64, Adam 3e-6 with beta_1 0.99, mean squared error, Gaussian 0.1 clipped, 20 epochs,
    frozen batch normalization.
    """
    config = TrainConfig.of(recipe="opengenus")
    assert (
        config.generator.model,
        config.generator.network,
        config.generator.batch_size,
        config.generator.epochs,
    ) == (
        "dae",
        "pooled_conv_inference",
        64,
        20,
    )
    assert (
        config.generator.learning_rate,
        config.generator.beta_1,
        config.generator.likelihood,
        config.generator.corruption,
    ) == (
        3e-6,
        0.99,
        "mse",
        "clipped_gaussian:0.1",
    )


@pytest.mark.parametrize(
    ("settings", "returns"),
    [
        ({"model": "ae", "network": "unet"}, True),
        ({"model": "dae", "network": "unet", "objective": "corrupted"}, True),
        ({"model": "dae", "network": "unet", "objective": "masked"}, False),
        ({"model": "dae", "network": "unet", "objective": "paired"}, False),
        ({"model": "dae", "network": "unet"}, False),
        ({"model": "ae"}, False),
        ({"model": "dae", "objective": "corrupted"}, False),
    ],
)
def test_a_model_without_anything_to_learn(settings, returns):
    assert TrainConfig.of(**settings).returns_its_input == returns


@pytest.mark.parametrize("recipe", RECIPES)
def test_what_is_given_wins_over_a_recipe(recipe):
    config = TrainConfig.of(recipe=recipe, epochs=3, corruption="masking:0.5")
    assert (config.generator.epochs, config.generator.corruption, config.recipe) == (
        3,
        "masking:0.5",
        recipe,
    )
    origin = config.origin()
    assert (origin["epochs"], origin["batch_size"], origin["seed"], origin["recipe"]) == (
        "given",
        "recipe",
        "default",
        "given",
    )
    assert TrainConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


@pytest.mark.parametrize(
    ("settings", "injected", "likelihood"),
    [
        ({"objective": "masked"}, "none", "linear:1.0"),
        ({"objective": "masked", "model": "dvae"}, "none", "bernoulli"),
        ({"objective": "masked", "network": "unet"}, "none", "linear:1.0"),
        ({"objective": "masked", "likelihood": "mse"}, "none", "mse"),
        ({"objective": "paired", "network": "unet"}, "none", "linear:1.0"),
        ({"objective": "recorrupted", "noisy_train": True}, "gaussian:0.1", "linear:1.0"),
        (
            {"objective": "recorrupted", "noisy_train": True, "train_noise": "0.3"},
            "gaussian:0.3",
            "linear:1.0",
        ),
        ({"objective": "recorrupted", "corruption": "0.2"}, "gaussian:0.2", "linear:1.0"),
        ({"network": "unet"}, "gaussian:0.1", "linear:1.0"),
        ({"objective": "corrupted"}, "gaussian:0.1", "bernoulli"),
    ],
)
def test_corruption_and_likelihood_follow_the_objective(settings, injected, likelihood):
    config = TrainConfig.of(**{"model": "dae", **settings})
    assert str(config.injected) == injected
    assert config.chosen_likelihood == likelihood
    stored = config.replace(corruption=injected, likelihood=likelihood)
    assert TrainConfig.from_dict(json.loads(json.dumps(stored.to_dict()))) == stored


@pytest.mark.parametrize(
    ("settings", "makes"),
    [
        ({"model": "ae"}, False),
        ({"model": "dae"}, True),
        ({"model": "dae", "objective": "masked"}, False),
        ({"model": "dae", "objective": "recorrupted", "corruption": "0.1"}, True),
        ({"model": "vae"}, True),
        ({"model": "dvae", "objective": "masked"}, True),
        ({"model": "dae", "noisy_dir": "a", "no_classifier": True}, False),
    ],
)
def test_a_model_without_anything_random_makes_no_images(settings, makes):
    config = TrainConfig.of(**settings)
    assert config.makes_images == makes
    if not config.classifier.no_classifier:
        sets = ("limited", settings["model"]) if makes else ("limited",)
        assert config.training_sets == sets


ADDED = ("fresh-noise", "denoised")


@pytest.mark.parametrize(
    ("settings", "sets"),
    [
        ({}, ("limited", "dvae")),
        ({"noise": 0.1}, ("limited", "dvae")),
        ({"noisy_train": True}, ("limited", "dvae", *ADDED)),
        ({"noisy_train": True, "model": "ae"}, ("limited", *ADDED)),
        ({"noisy_train": True, "train_noise": "masking:0.2"}, ("limited", "dvae")),
        ({"noisy_train": True, "train_noise": "0"}, ("limited", "dvae")),
        ({"noisy_train": True, "protocol": "equal_epochs"}, ("limited", "dvae")),
        ({"noisy_train": True, "no_classifier": True}, ()),
        ({"noisy_train": True, "sets": ("limited",)}, ("limited",)),
        ({"sets": ("duplicate", "dvae", "classical")}, ("duplicate", "dvae", "classical")),
        ({"noise": 0.1, "sets": ["denoised"]}, ("denoised",)),
        ({"protocol": "equal_epochs", "sets": ["duplicate"]}, ("duplicate",)),
    ],
)
def test_what_classifiers_are_trained_on(settings, sets):
    config = TrainConfig.of(**settings)
    assert config.training_sets == sets
    assert TrainConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_a_run_of_before_the_sets_has_those_of_its_time():
    """It goes on with what it began, under its name, even where more is trained by default now."""
    stored = TrainConfig.of(noisy_train=True).to_dict()
    for name in ("sets", "denoiser_steps", "classifier"):
        del stored[name]
    config = TrainConfig.from_dict(stored)
    assert config.training_sets == ("limited", "dvae")
    assert config.identity() != TrainConfig.of(noisy_train=True).identity()
    assert TrainConfig.from_dict(stored | {"no_classifier": True}).training_sets == ()


def test_identity_depends_on_sets_and_the_steps_of_a_model_for_them():
    def name(**settings):
        return TrainConfig.of(noisy_train=True, **settings).identity()

    both = ("limited", "dvae")
    assert name() == name(sets=(*both, *ADDED)) != name(sets=both)
    assert name(denoiser_steps=7) != name() == name(denoiser_steps=1200)
    assert name(classifier="mine:cnn") != name()


def test_steps_of_a_denoiser_are_those_of_a_classifier():
    assert TrainConfig.of(classifier_steps=9).classifier.chosen_denoiser_steps == 9
    config = TrainConfig.of(denoiser_steps=4, noisy_train=True)
    assert config.classifier.chosen_denoiser_steps == 4


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("objective", ["masked", "paired", "recorrupted"])
def test_a_recipe_adds_no_corruption_to_an_objective_for_noisy_images(recipe, objective):
    likelihood = "linear:1"
    given = {"recipe": recipe, "objective": objective, "likelihood": likelihood}
    config = TrainConfig.of(**given, noisy_train=True, train_noise="0.3")
    expected = "gaussian:0.3" if objective == "recorrupted" else "none"
    assert str(config.injected) == expected
    flags = [text for name, value in given.items() for text in (f"--{name}", value)]
    assert parse([*flags, "--noisy-train", "--train-noise", "0.3"])[0] == config


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_adds_no_corruption_to_pairs(recipe):
    config = TrainConfig.of(recipe=recipe, noisy_dir="noisy", no_classifier=True)
    assert (str(config.injected), config.recipe) == ("none", recipe)
    assert config.generator.epochs == RECIPES[recipe]["epochs"]
    assert config.origin()["corruption"] == "default"
    with pytest.raises(ValueError, match="`corruption` cannot be given with `noisy_dir`"):
        TrainConfig.of(recipe=recipe, noisy_dir="a", no_classifier=True, corruption="0.1")
    without = TrainConfig.of(recipe=recipe, noisy_dir=None)
    assert without.generator.corruption == RECIPES[recipe]["corruption"]


def test_a_recipe_gives_a_network_without_a_code_no_size_of_the_code():
    config = TrainConfig.of(recipe="conv-dae", network="unet", objective="masked")
    assert config.generator.latent_units == 0


def test_origin_of_a_value_given_as_it_was_anyway():
    assert TrainConfig().origin()["epochs"] == "default"
    assert TrainConfig().origin({"epochs"})["epochs"] == "given"


def test_test_noise_of_level_0_is_none():
    assert TrainConfig.of(test_noise=["0.1", "masking:0"]).classifier.test_noise == (
        "gaussian:0.1",
        "none",
    )
    with pytest.raises(ValueError, match="repeat"):
        TrainConfig.of(test_noise=("0", "masking:0"))


def test_wrong_type_of_a_switch():
    with pytest.raises(TypeError, match="`noisy_train` must be True or False; got 'no'"):
        TrainConfig.of(noisy_train="no")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", "must hold an object; got a list"),
        ("{}", "settings lack recipe, dataset"),
        ("{", "not valid JSON"),
    ],
)
def test_config_of_something_else(content, message, tmp_path):
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(ValueError, match=message):
        TrainConfig.of_run(tmp_path)


def test_wrong_type():
    with pytest.raises(TypeError, match="`epochs` must be a whole number"):
        TrainConfig.of(epochs=1.5)


def test_unknown_key_is_an_error():
    with pytest.raises(ValueError, match="Did you mean 'epochs'"):
        TrainConfig.from_dict({"epoch": 3})


def test_identity_depends_on_what_a_result_depends_on():
    config = TrainConfig()
    for field, value in (("output", "x"), ("data_dir", "x"), ("debug", True)):
        assert config.replace(**{field: value}).identity() == config.identity()
    for field, value in (("seed", 1), ("epochs", 3), ("n_train", 10), ("threads", 1)):
        assert config.replace(**{field: value}).identity() != config.identity()


def test_of_run(tmp_path):
    with pytest.raises(FileNotFoundError, match="is not a run folder"):
        TrainConfig.of_run(tmp_path)
    stored = TrainConfig.of(epochs=3, dataset="digits", data_dir="a")
    (tmp_path / "config.json").write_text(json.dumps(stored.to_dict()))
    assert TrainConfig.of_run(tmp_path) == stored


def test_data_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("TFDVAE_DATA_DIR", raising=False)
    assert data_folder(None) is None
    monkeypatch.setenv("TFDVAE_DATA_DIR", str(tmp_path))
    assert data_folder(None) == tmp_path
    assert data_folder("other").name == "other"
    monkeypatch.setenv("TFDVAE_DATA_DIR", "")
    assert data_folder(None) is None
    monkeypatch.setenv("TFDVAE_DATA_DIR", " ")
    with pytest.raises(ValueError, match="`TFDVAE_DATA_DIR` must not be empty"):
        data_folder(None)


def test_image_size_of_one_number_is_square():
    assert TrainConfig.of(image_size=(32,)).data.image_size == (32, 32)
    config = TrainConfig.of(image_size=[32, 48])
    assert config.data.image_size == (32, 48)
    assert TrainConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_white_is_a_number_or_auto():
    for given, kept in ((4095.0, 4095), ("4095", 4095), (0.5, 0.5), ("auto", "auto"), (None, None)):
        config = TrainConfig.of(white=given)
        assert config.data.white == kept
        assert type(config.data.white) is type(kept)
        assert TrainConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
        assert config.data.own_images["white"] == kept
        study = AugmentationStudyConfig(white=given, background="black")
        assert (study.own_images["white"], study.own_images["background"]) == (kept, "black")
    assert TrainConfig.of(white=1).identity() != TrainConfig().identity()
    with pytest.raises(ValueError, match="`background` must be one of white, black"):
        AugmentationStudyConfig(background="red")


@pytest.mark.parametrize(
    ("text", "kept"),
    [("white: 4095", 4095), ("white: auto", "auto"), ("white: 0.5", 0.5), ("", None)],
)
def test_white_in_a_file_of_settings(text, kept, tmp_path):
    (tmp_path / "a.yaml").write_text(f"{text}\nepochs: 3")
    values = settings_file.read(str(tmp_path / "a.yaml"), TrainConfig)
    assert TrainConfig.of(**values).data.white == kept


def test_pairs_inject_nothing():
    config = TrainConfig.of(model="dae", noisy_dir="noisy", no_classifier=True)
    assert (str(config.injected), config.data.condition, config.makes_images) == (
        "none",
        "noisy",
        False,
    )
    assert config.replace(corruption="none") == config.replace(corruption=str(config.injected))
    assert config.replace(noisy_dir="other").identity() != config.identity()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"corruptions": ("gaussian:0.1",)}, "two or more"),
        ({"corruptions": ("gaussian:0.1", "0.1")}, "none of them twice"),
        ({"unseen": ("none",)}, "`unseen` must be single corruptions with a level above 0"),
        ({"unseen": ("gausian:0.1",)}, "Did you mean 'gaussian'"),
        (
            {"corruptions": ("gaussian:0.1,masking:0.5", "speckle:0.1")},
            "`corruptions` must be single",
        ),
        ({"unseen": ("masking:0.5",)}, "both hold masking:0.5"),
        ({"epochs": 0}, "`epochs`"),
        ({"workers": 0}, "`workers`"),
        ({"seeds": ()}, "`seeds`"),
    ],
)
def test_denoising_study_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        DenoisingStudyConfig(**settings)


@pytest.mark.parametrize("settings", [{}, {"epochs": 5}, {"n_train": 10, "learning_rate": 0.1}])
def test_a_recipe_is_not_named_without_its_values(settings):
    with pytest.raises(ValueError, match=r"TrainConfig.of\(recipe='conv-dae'"):
        TrainConfig().replace(recipe="conv-dae", **settings)


OLD = Path(__file__).parents[2] / "fixtures" / "0.1.0" / "run"


def test_settings_of_a_run_of_0_1_0():
    """They lack what is new, which takes its default, and the run keeps its name."""
    config = TrainConfig.of_run(OLD)
    stored = json.loads((OLD / "config.json").read_text())
    del stored["origin"]
    stored["objective"] = stored.pop("target")
    assert {name: config.to_dict()[name] for name in stored} == stored
    assert set(config.to_dict()) - set(stored) == {
        "patience",
        "quiet",
        "white",
        "background",
        "noise",
        "distribute",
        "sets",
        "denoiser_steps",
        "classifier",
    }
    assert {row["run"] for row in csv_rows.read_rows(OLD / "metrics.csv")} == {config.identity()}
    assert config.replace(patience=3).identity() != config.identity()
    assert config.replace(quiet=True).identity() == config.identity()


def test_help_is_one_paragraph():
    """So that it is filled to the width of the terminal."""

    @dataclasses.dataclass
    class Part:
        second: int = 0
        """Begins here
        and `ends` there,
        5 of them."""

    @dataclasses.dataclass
    class Whole:
        first: Part = dataclasses.field(default_factory=Part)

    join_help_lines(Whole)
    annotation = typing.get_type_hints(Part, include_extras=True)["second"]
    assert annotation.__metadata__[0].help == "Begins here and `ends` there, 5 of them."


@pytest.mark.parametrize(
    ("asked", "height", "width", "expected"),
    [
        ("auto", 32, 32, "cnn"),
        ("auto", 33, 8, "tfdvae.classifier:resnet"),
        ("auto", 8, 33, "tfdvae.classifier:resnet"),
        ("cnn", 64, 64, "cnn"),
        (None, 64, 64, "cnn"),
        ("mine:build", 8, 8, "mine:build"),
    ],
)
def test_the_classifier_by_the_size_of_images(asked, height, width, expected):
    assert chosen_classifier(asked, height, width) == expected


def test_runs_of_earlier_versions_have_the_cnn():
    """Their settings hold none for it, or lack the setting; a run keeps its name."""
    settings = TrainConfig.of(sets=("limited",)).to_dict()
    identity = TrainConfig.of(sets=("limited",)).identity()
    lacking = {name: value for name, value in settings.items() if name != "classifier"}
    for kept in (lacking, settings | {"classifier": None}, settings | {"classifier": "cnn"}):
        config = TrainConfig.from_dict(kept)
        assert (config.classifier.classifier, config.classifier.own) == ("cnn", None)
        assert config.identity() == identity
    own = TrainConfig.from_dict(settings | {"classifier": "mine:build"})
    assert own.classifier.own == "mine:build"
    assert own.identity() != identity


@pytest.mark.parametrize("kept", [None, "auto", "cnn", "tfdvae.classifier:resnet"])
def test_what_a_run_kept_may_be_taken_without_classifiers(kept):
    assert TrainConfig.of(classifier=kept, no_classifier=True).classifier.no_classifier


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (5, TypeError, r"`classifier` must be text; got 5 \(int\)"),
        ("mine", ValueError, "module:function, .*; got 'mine', which is neither auto nor cnn"),
        ("mine:", ValueError, "must be module:function"),
        (":build", ValueError, "must be module:function"),
    ],
)
def test_what_is_no_classifier(value, error, message):
    with pytest.raises(error, match=message):
        TrainConfig.of(classifier=value)
