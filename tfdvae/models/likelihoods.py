"""How a decoder's output (logits) explains an image: negative log-likelihoods in nats per image."""

from dataclasses import dataclass
from typing import ClassVar

import tensorflow as tf

from tfdvae._utils import checks


@dataclass(frozen=True)
class Bernoulli:
    """Binary cross-entropy of pixels in [0, 1] with probability sigmoid(logit).

    On grey pixels it is not a normalised likelihood. Targets are clipped to [0, 1].
    """

    kind: ClassVar[str] = "bernoulli"

    def __str__(self) -> str:
        return self.kind

    def mean(self, logits):
        """Return the expected image, float32 (N, H, W, C) in [0, 1]."""
        return tf.sigmoid(tf.cast(logits, tf.float32))

    def nll(self, target, logits):
        """Return the negative log-likelihood in nats, float32 (N,), summed over pixels and channels."""
        logits = tf.cast(logits, tf.float32)
        target = tf.clip_by_value(tf.cast(target, tf.float32), 0.0, 1.0)
        # log(1 + e^l) - t l uses the logits twice: two gradient terms have one order of summation, so runs repeat bit for bit.
        return tf.reduce_sum(tf.nn.softplus(logits) - target * logits, axis=(1, 2, 3))


@dataclass(frozen=True)
class Gaussian:
    """N(pixel; sigmoid(logit), sigma^2): squared error in nats. Targets are not clipped.

    Attributes:
        sigma: standard deviation in units of the pixel range, above 0.
    """

    sigma: float = 1.0
    kind: ClassVar[str] = "gaussian"

    def __post_init__(self):
        checks.number("sigma of the gaussian likelihood", self.sigma, 0, above_low=True)

    def __str__(self) -> str:
        return f"{self.kind}:{self.sigma!r}"

    def mean(self, logits):
        """Return the expected image, float32 (N, H, W, C) in [0, 1]."""
        return tf.sigmoid(tf.cast(logits, tf.float32))

    def nll(self, target, logits):
        """Return the negative log-likelihood in nats, float32 (N,), summed over pixels and channels."""
        error = (tf.cast(target, tf.float32) - self.mean(logits)) / self.sigma
        constant = tf.math.log(2 * tf.constant(3.141592653589793) * self.sigma**2)
        return 0.5 * tf.reduce_sum(tf.square(error) + constant, axis=(1, 2, 3))


@dataclass(frozen=True)
class MeanSquaredError:
    """Mean over pixels and channels of (pixel - sigmoid(logit))^2, as the published studies have it: no likelihood, and not in nats.

    Targets are not clipped.
    """

    kind: ClassVar[str] = "mse"

    def __str__(self) -> str:
        return self.kind

    def mean(self, logits):
        """Return the expected image, float32 (N, H, W, C) in [0, 1]."""
        return tf.sigmoid(tf.cast(logits, tf.float32))

    def nll(self, target, logits):
        """Return the mean squared error of each image, float32 (N,)."""
        return tf.reduce_mean(
            tf.square(tf.cast(target, tf.float32) - self.mean(logits)), axis=(1, 2, 3)
        )


Likelihood = Bernoulli | Gaussian | MeanSquaredError


def parse(text: str | Likelihood) -> Likelihood:
    """Return the likelihood that `bernoulli`, `gaussian:SIGMA` or `mse` names.

    Raises:
        ValueError: unknown name, or a sigma that is not a number above 0.
    """
    if isinstance(text, Likelihood):
        return text
    kind, colon, sigma = str(text).partition(":")
    checks.choice("likelihood", kind, (Bernoulli.kind, Gaussian.kind, MeanSquaredError.kind))
    for plain in (Bernoulli, MeanSquaredError):
        if text == plain.kind:
            return plain()
    try:
        if kind != Gaussian.kind or not colon:
            raise ValueError("gaussian needs a number, the others take none")
        return Gaussian(float(sigma))
    except ValueError as error:
        raise ValueError(
            f"`likelihood` must be bernoulli, gaussian:SIGMA or mse; got {text!r} ({error})."
        ) from None
