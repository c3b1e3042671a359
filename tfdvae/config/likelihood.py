"""How a likelihood is written, for settings and models alike."""

from tfdvae._utils import checks

LIKELIHOODS = ("bernoulli", "gaussian", "linear", "mse")
_WITH_SIGMA = ("gaussian", "linear")


def split_likelihood(text: str) -> tuple[str, float | None]:
    """Return the kind of a likelihood, and its sigma where it has one.

    Args:
        text: `bernoulli`, `gaussian:SIGMA`, `linear:SIGMA` or `mse`.

    Example:
        >>> split_likelihood("gaussian:0.1")
        ('gaussian', 0.1)

    Raises:
        ValueError: unknown name, or a sigma that is not a number above 0.
    """
    kind, colon, sigma = str(text).partition(":")
    checks.choice("likelihood", kind, LIKELIHOODS)
    if kind not in _WITH_SIGMA and not colon:
        return kind, None
    try:
        if kind not in _WITH_SIGMA:
            raise ValueError
        name = f"sigma of the {kind} likelihood"
        return kind, float(checks.number(name, float(sigma), 0, above_low=True))
    except ValueError:
        raise ValueError(
            "`likelihood` must be bernoulli, mse, or gaussian:SIGMA or linear:SIGMA, with SIGMA "
            f"above 0; got {text!r}."
        ) from None
