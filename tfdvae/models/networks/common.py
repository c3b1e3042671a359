"""Encoder and decoder pairs.

An encoder maps images (N, H, W, C) to a code; for a variational model to two outputs, mean and log-variance. A decoder maps a
code to logits of pixels (N, H, W, C): no final sigmoid.
"""

import keras


def _heads(variational: bool) -> tuple[str, ...]:
    return ("mean", "log_variance") if variational else ("code",)


def _encoder(images, outputs) -> keras.Model:
    return keras.Model(images, outputs if len(outputs) > 1 else outputs[0], name="encoder")


def _steps(network: str, size: int, step: int, offset: int) -> int:
    """Return k where `size` is `step` * k + `offset`, k at least 1: the size of the smallest layer."""
    k, rest = divmod(size - offset, step)
    if k < 1 or rest:
        below = max(1, k)
        fitting = [step * n + offset for n in ((below,) if k < 1 else (below, below + 1))]
        wanted = f"{step} k + {offset}" if offset else f"multiples of {step}"
        raise ValueError(
            f"network {network} must have images whose height and width are {wanted}; got {size}. Nearest: {' and '.join(map(str, fitting))}."
        )
    return k
