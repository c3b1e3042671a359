"""What models and networks can do. The code asks these descriptions, never for a name.

Importing this module does not import TensorFlow, so that wrong settings are refused at once.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from tfdvae._utils import registry as _registry
from tfdvae._utils.registry import Registry

if TYPE_CHECKING:
    import keras

Registered = TypeVar("Registered", bound="type | Callable | str")


@dataclasses.dataclass(frozen=True)
class ModelSpec:
    """A model: how it is made and what it can do.

    Attributes:
        name: of the setting `model`.
        cls: subclass of `tfdvae.models.base.DenoisingModel`, or its place as `module:Class`.
        summary: one line for listings.
        variational: its codes are distributions, so that it has a KL divergence and a prior.
        denoising: it injects a corruption into its input.
        generates: it makes synthetic images from images.
        plain: name of the same model without corruption, if there is one.
        default_network: network where none is asked for.
        options: constructor options that are always the same, such as `{"corruption": "none"}`.
    """

    name: str
    cls: type[keras.Model] | str
    summary: str = ""
    variational: bool = False
    denoising: bool = False
    generates: bool = False
    plain: str | None = None
    default_network: str = "mlp"
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def load_class(self) -> type[keras.Model]:
        """Return the class; it is imported where only its place is known."""
        return _registry.resolve(self.cls)


@dataclasses.dataclass(frozen=True)
class NetworkSpec:
    """A network: a function that builds an encoder and a decoder, and what they can do.

    Attributes:
        name: of the setting `network`.
        build: function `(image_shape, latent_dim, *, variational, seed, dtype)` that returns the
            encoder and the decoder, or its place as `module:function`.
        summary: one line for listings.
        tiles: codes keep their place in the image, so that larger images can be denoised in tiles.
            `latent_dim` then counts channels.
        latent_units: the code of a model that is not variational has `latent_dim` units. The code
            of a variational one always has, unless the network tiles.
        encodes: it has a code. A network without one, for an ae or dae, only maps images to images,
            of any size: it returns images and not logits, and its decoder is the identity. Its
            function may take `residual` too: False where the model learns from hidden pixels, which
            the image itself, added to what the network makes, would say nothing of.
    """

    name: str
    build: Callable[..., tuple[keras.Model, keras.Model]] | str
    summary: str = ""
    tiles: bool = False
    latent_units: bool = True
    encodes: bool = True

    def load_function(self) -> Callable[..., tuple[keras.Model, keras.Model]]:
        """Return the function; its module is imported where only its place is known."""
        return _registry.resolve(self.build)

    def has_units(self, variational: bool) -> bool:
        """Tell whether the code of a model on this network has `latent_dim` units."""
        return not self.tiles and (variational or self.latent_units)


MODELS: Registry[ModelSpec] = Registry("model")
NETWORKS: Registry[NetworkSpec] = Registry("network", "tfdvae.models.networks")


def register_model(
    name: str,
    *,
    summary: str = "",
    variational: bool = False,
    denoising: bool = False,
    generates: bool = False,
    plain: str | None = None,
    default_network: str = "mlp",
    options: Mapping[str, Any] | None = None,
) -> Callable[[Registered], Registered]:
    """Return a decorator that makes a model known by its name to every command.

    It takes the class, or its place as `module:Class`: then the class, and TensorFlow with it, is
    imported only when the model is used. The arguments are the attributes of `ModelSpec`.

    Example:
        >>> register_model("mine", denoising=True, generates=True)("my_package.models:Mine")
        'my_package.models:Mine'

    Raises:
        ValueError: another model has the name.
    """

    def register(cls: Registered) -> Registered:
        line = summary or _first_line(cls)
        model: Any = cls
        spec = ModelSpec(
            name=name,
            cls=model,
            summary=line,
            variational=variational,
            denoising=denoising,
            generates=generates,
            plain=plain,
            default_network=default_network,
            options=dict(options or {}),
        )
        MODELS.add(name, spec)
        return cls

    return register


def register_network(
    name: str,
    *,
    summary: str = "",
    tiles: bool = False,
    latent_units: bool | None = None,
    encodes: bool = True,
) -> Callable[[Registered], Registered]:
    """Return a decorator that makes a network known by its name to every command.

    It takes the function, or its place as `module:function`. The function is called as
    `build(image_shape, latent_dim, variational=..., seed=..., dtype=...)` and returns the encoder
    and the decoder. The arguments are the attributes of `NetworkSpec`; a network that tiles has no
    latent units.

    Example:
        >>> @register_network("tiny")
        ... def tiny(image_shape, latent_dim, *, variational, seed=0, dtype="float32"):
        ...     import keras
        ...
        ...     images = keras.Input(image_shape)
        ...     flat = keras.layers.Flatten()(images)
        ...     heads = [keras.layers.Dense(latent_dim)(flat) for _ in range(1 + variational)]
        ...     code = keras.Input((latent_dim,))
        ...     size = image_shape[0] * image_shape[1] * image_shape[2]
        ...     logits = keras.layers.Reshape(image_shape)(keras.layers.Dense(size)(code))
        ...     encoder = keras.Model(images, heads if variational else heads[0])
        ...     return encoder, keras.Model(code, logits)

    Raises:
        ValueError: another network has the name.
    """

    def register(build: Registered) -> Registered:
        line = summary or _first_line(build)
        units = not tiles if latent_units is None else latent_units
        NETWORKS.add(name, NetworkSpec(name, build, line, tiles, units, encodes))
        return build

    return register


def _first_line(member: object) -> str:
    text = "" if isinstance(member, str) else (getattr(member, "__doc__", None) or "")
    return text.strip().partition("\n")[0]


def import_registered() -> None:
    """Import all models and networks, so that Keras knows their classes when it loads a file."""
    for model in MODELS:
        model.load_class()
    for network in NETWORKS:
        network.load_function()


def own_modules() -> list[str]:
    """Return the modules of the models of tfdvae itself; nothing is imported."""
    places = [spec.cls for _, spec in MODELS.items(plugins=False)]
    modules = [place.partition(":")[0] for place in places if isinstance(place, str)]
    return sorted({module for module in modules if module.startswith("tfdvae.")})


def generates(name: str) -> bool:
    """Tell whether `name` is a model that makes synthetic images, rather than another dataset."""
    return name in MODELS and MODELS.get(name).generates


def listed_models(trait: str) -> str:
    """Return the models that are known to have a trait, as messages list them: `dae and dvae`.

    Args:
        trait: `variational`, `denoising` or `generates`.
    """
    names = [name for name, spec in MODELS.items(plugins=False) if getattr(spec, trait)]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def corrupting_variant(name: str) -> str | None:
    """Return the model that is `name` with an injected corruption, if there is one."""
    return next((spec.name for spec in MODELS if spec.plain == name), None)


register_model(
    "ae",
    summary="Autoencoder: no corruption; makes no synthetic images.",
    default_network="residual_conv",
    options={"corruption": "none"},
)("tfdvae.models.autoencoder:DAE")
register_model(
    "dae",
    summary="Denoising autoencoder (Vincent et al. 2008).",
    denoising=True,
    generates=True,
    plain="ae",
    default_network="residual_conv",
)("tfdvae.models.autoencoder:DAE")
register_model(
    "vae",
    summary="Variational autoencoder (Kingma and Welling 2014).",
    variational=True,
    generates=True,
)("tfdvae.models.variational:VAE")
register_model(
    "dvae",
    summary="Denoising variational autoencoder (Im et al. 2017).",
    variational=True,
    denoising=True,
    generates=True,
    plain="vae",
)("tfdvae.models.variational:DVAE")
