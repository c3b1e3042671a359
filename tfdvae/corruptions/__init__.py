"""What is done to images: one small class per kind, written `kind:level`, such as `gaussian:0.1`."""

from tfdvae.corruptions.additive import ClippedGaussian, Gaussian, Speckle, Uniform
from tfdvae.corruptions.base import KINDS, Corruption, NoCorruption, OneOf, parse, register
from tfdvae.corruptions.missing import Masking, RandomErasing, SaltAndPepper

__all__ = [
    "KINDS",
    "ClippedGaussian",
    "Corruption",
    "Gaussian",
    "Masking",
    "NoCorruption",
    "OneOf",
    "RandomErasing",
    "SaltAndPepper",
    "Speckle",
    "Uniform",
    "parse",
    "register",
]
