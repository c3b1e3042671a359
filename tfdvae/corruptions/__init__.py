"""Stateless image corruptions, written `kind:level`, such as `gaussian:0.1`: a class for each kind.

`none` leaves the image alone, and `a:1,b:2` applies one of both to each image. Nothing is clipped
but by `clipped_gaussian`, `brightness` and `jpeg`. TensorFlow is imported only when a corruption is
applied, so that the command line can check its arguments quickly.
"""

from tfdvae._utils.registry import import_modules
from tfdvae.corruptions.additive import ClippedGaussian, Gaussian, Poisson, Speckle, Uniform
from tfdvae.corruptions.base import KINDS, Corruption, NoCorruption, OneOf, label, parse, register
from tfdvae.corruptions.missing import Masking, RandomErasing, SaltAndPepper
from tfdvae.corruptions.quality import Blur, Brightness, ColorCast, Contrast, Jpeg

__all__ = [
    "KINDS",
    "Blur",
    "Brightness",
    "ClippedGaussian",
    "ColorCast",
    "Contrast",
    "Corruption",
    "Gaussian",
    "Jpeg",
    "Masking",
    "NoCorruption",
    "OneOf",
    "Poisson",
    "RandomErasing",
    "SaltAndPepper",
    "Speckle",
    "Uniform",
    "label",
    "parse",
    "register",
]

import_modules(__name__)
