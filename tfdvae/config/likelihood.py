"""How a likelihood is written, for settings and models alike."""

from tfdvae._utils import checks

LIKELIHOODS = ("bernoulli", "gaussian", "mse")


def split_likelihood(text: str) -> tuple[str, float | None]:
    """Return the kind of a likelihood, and the sigma of a Gaussian one.

    Args:
        text: `bernoulli`, `gaussian:SIGMA` or `mse`.

    Example:
        >>> split_likelihood("gaussian:0.1")
        ('gaussian', 0.1)

    Raises:
        ValueError: unknown name, or a sigma that is not a number above 0.
    """
    kind, colon, sigma = str(text).partition(":")
    checks.choice("likelihood", kind, LIKELIHOODS)
    if kind != "gaussian" and not colon:
        return kind, None
    try:
        if kind != "gaussian":
            raise ValueError
        name = "sigma of the gaussian likelihood"
        return kind, float(checks.number(name, float(sigma), 0, above_low=True))
    except ValueError:
        raise ValueError(
            "`likelihood` must be bernoulli, gaussian:SIGMA with SIGMA above 0, or mse; "
            f"got {text!r}."
        ) from None
