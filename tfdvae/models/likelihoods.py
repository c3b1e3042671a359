"""How a decoder's output (logits) explains an image: negative log-likelihoods in nats per image."""

from dataclasses import dataclass
from typing import ClassVar

import tensorflow as tf

from tfdvae._utils import checks
from tfdvae.config.likelihood import split_likelihood


class SigmoidOfLogits:
    """Expected images of all likelihoods here."""

    def mean(self, logits: tf.Tensor) -> tf.Tensor:
        """Return the expected image, float32 (N, H, W, C) in [0, 1]."""
        return tf.sigmoid(tf.cast(logits, tf.float32))


@dataclass(frozen=True)
class Bernoulli(SigmoidOfLogits):
    """Binary cross-entropy of pixels in [0, 1] with probability sigmoid(logit).

    On gray pixels it is not a normalized likelihood. Targets are clipped to [0, 1].

    Attributes:
        unit_range: whether pixels must be in [0, 1].
    """

    kind: ClassVar[str] = "bernoulli"
    unit_range: ClassVar[bool] = True

    def __str__(self) -> str:
        return self.kind

    def nll(
        self, target: tf.Tensor, logits: tf.Tensor, weights: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Return the negative log-likelihood in nats, float32 (N,).

        It is summed over pixels and channels, with weights (N, H, W, 1) if there are any.
        """
        logits = tf.cast(logits, tf.float32)
        target = tf.clip_by_value(tf.cast(target, tf.float32), 0.0, 1.0)
        # log(1 + e^l) - t l uses the logits twice: two gradient terms have one order of summation,
        # so that runs repeat bit for bit.
        loss = weighted(tf.nn.softplus(logits) - target * logits, weights)
        return tf.reduce_sum(loss, axis=(1, 2, 3))


@dataclass(frozen=True)
class Gaussian(SigmoidOfLogits):
    """N(pixel; sigmoid(logit), sigma^2): squared error in nats. Targets are not clipped.

    Attributes:
        sigma: standard deviation in units of the pixel range, above 0.
        unit_range: whether pixels must be in [0, 1].
    """

    sigma: float = 1.0
    kind: ClassVar[str] = "gaussian"
    unit_range: ClassVar[bool] = False

    def __post_init__(self) -> None:
        checks.number(f"sigma of the {self.kind} likelihood", self.sigma, 0, above_low=True)

    def __str__(self) -> str:
        return f"{self.kind}:{self.sigma!r}"

    def expected(self, logits: tf.Tensor) -> tf.Tensor:
        """Return the mean of the distribution."""
        return self.mean(logits)

    def nll(
        self, target: tf.Tensor, logits: tf.Tensor, weights: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Return the negative log-likelihood in nats, float32 (N,).

        It is summed over pixels and channels, with weights (N, H, W, 1) if there are any.
        """
        error = (tf.cast(target, tf.float32) - self.expected(logits)) / self.sigma
        constant = tf.math.log(2 * tf.constant(3.141592653589793) * self.sigma**2)
        loss = weighted(tf.square(error) + constant, weights)
        return 0.5 * tf.reduce_sum(loss, axis=(1, 2, 3))


@dataclass(frozen=True)
class Linear(Gaussian):
    """N(pixel; output, sigma^2), where the output of the network is the image itself.

    The output may leave [0, 1], as it must where noise does; expected images are clipped to it.
    """

    kind: ClassVar[str] = "linear"

    def expected(self, logits: tf.Tensor) -> tf.Tensor:
        """Return the output, float32, not clipped."""
        return tf.cast(logits, tf.float32)

    def mean(self, logits: tf.Tensor) -> tf.Tensor:
        """Return the expected image, float32 (N, H, W, C) in [0, 1]."""
        return tf.clip_by_value(self.expected(logits), 0.0, 1.0)


@dataclass(frozen=True)
class MeanSquaredError(SigmoidOfLogits):
    """Mean over pixels and channels of (pixel - sigmoid(logit))^2, as in the published studies.

    It is no likelihood and not in nats. Targets are not clipped.

    Attributes:
        unit_range: whether pixels must be in [0, 1].
    """

    kind: ClassVar[str] = "mse"
    unit_range: ClassVar[bool] = False

    def __str__(self) -> str:
        return self.kind

    def nll(
        self, target: tf.Tensor, logits: tf.Tensor, weights: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Return the mean squared error of each image, float32 (N,), weighted as for the others."""
        error = tf.square(tf.cast(target, tf.float32) - self.mean(logits))
        return tf.reduce_mean(weighted(error, weights), axis=(1, 2, 3))


def weighted(losses: tf.Tensor, weights: tf.Tensor | None) -> tf.Tensor:
    """Return the losses of pixels times their weights; None: as they are."""
    return losses if weights is None else losses * weights


Likelihood = Bernoulli | Gaussian | Linear | MeanSquaredError


def parse(text: str | Likelihood) -> Likelihood:
    """Return the likelihood that `bernoulli`, `gaussian:SIGMA`, `linear:SIGMA` or `mse` names.

    Example:
        >>> parse("gaussian:0.1").sigma
        0.1

    Raises:
        ValueError: unknown name, or a sigma that is not a number above 0.
    """
    if isinstance(text, Likelihood):
        return text
    kind, sigma = split_likelihood(str(text))
    if sigma is not None:
        return Linear(sigma) if kind == Linear.kind else Gaussian(sigma)
    return Bernoulli() if kind == Bernoulli.kind else MeanSquaredError()
