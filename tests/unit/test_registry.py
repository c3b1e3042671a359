"""What models and networks say of themselves, and the names of the package."""

import pytest

import tfdvae
from tfdvae import registry
from tfdvae.registry import ModelSpec, NetworkSpec


@pytest.mark.parametrize("name", tfdvae.__all__)
def test_every_public_name_is_there_and_documented(name):
    assert getattr(tfdvae, name).__doc__


def test_no_other_name():
    with pytest.raises(AttributeError, match="no attribute 'load_model'"):
        _ = tfdvae.load_model


@pytest.mark.parametrize("spec", list(registry.MODELS), ids=lambda spec: spec.name)
def test_a_model_is_what_its_spec_says(spec):
    assert isinstance(spec, ModelSpec)
    assert spec.load_class().variational == spec.variational
    assert spec.summary
    assert spec.default_network in registry.NETWORKS
    if spec.plain is not None:
        assert not registry.MODELS.get(spec.plain).denoising
        assert registry.corrupting_variant(spec.plain) == spec.name


@pytest.mark.parametrize("spec", list(registry.NETWORKS), ids=lambda spec: spec.name)
@pytest.mark.parametrize("variational", [False, True])
def test_a_network_is_what_its_spec_says(spec, variational):
    assert isinstance(spec, NetworkSpec)
    assert spec.summary
    if variational and not spec.encodes:
        with pytest.raises(ValueError, match="no code"):
            spec.load_function()((28, 28, 1), 3, variational=True)
        return
    encoder, decoder = spec.load_function()((28, 28, 1), 3, variational=variational)
    assert bool(decoder.weights) == spec.encodes
    shape = (encoder.outputs[0]).shape[1:]
    assert (len(shape) == 3) == spec.tiles
    assert (tuple(shape) == (3,)) == spec.has_units(variational)


def test_the_modules_of_models_are_what_their_places_name():
    assert registry.own_modules() == ["tfdvae.models.autoencoder", "tfdvae.models.variational"]


def test_traits_as_messages_list_them():
    assert registry.listed_models("denoising") == "dae and dvae"
    assert registry.listed_models("generates") == "dae, vae and dvae"
    assert not registry.generates("limited")
    with pytest.raises(ValueError, match="Did you mean 'dvae'"):
        registry.MODELS.get("dvea")
    with pytest.raises(ValueError, match="another name"):
        registry.register_network("mlp")(lambda: None)
