"""What number formats this machine computes fast."""

import logging
import re
import time
from pathlib import Path

import tensorflow as tf

logger = logging.getLogger(__name__)

_FLAGS = {"avx512_bf16", "amx_bf16"}
_COMPUTE_CAPABILITY = (8, 0)  # of GPUs that have units for bfloat16


def has_bfloat16() -> bool:
    """Tell whether this machine has units for bfloat16: the GPU, if there is one, or the processor.

    Linux names what a processor has; of another system it is not known, and taken not to be there.
    """
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
        return all(
            each.get("compute_capability", (0, 0)) >= _COMPUTE_CAPABILITY for each in details
        )
    try:
        return names_bfloat16(Path("/proc/cpuinfo").read_text())
    except OSError:
        return False


def names_bfloat16(text: str) -> bool:
    """Tell whether the text of /proc/cpuinfo names units for bfloat16.

    Example:
        >>> names_bfloat16("flags : fpu avx2 avx512_bf16")
        True
    """
    flags = re.search(r"^flags\s*:(.*)$", text, flags=re.MULTILINE)
    return flags is not None and not _FLAGS.isdisjoint(flags[1].split())


def chosen_precision(asked: str, units: bool) -> str:
    """Return the precision of a training; bfloat16 that is asked for and slow gets a NOTE.

    Args:
        asked: `auto`, for bfloat16 where the machine has units for it and float32 elsewhere, or the
            precision itself.
        units: whether it has, see `has_bfloat16`.
    """
    if asked == "auto":
        return "bfloat16" if units else "float32"
    if asked == "bfloat16" and not units:
        taken = {dtype: min(_seconds(dtype), _seconds(dtype)) for dtype in ("float32", asked)}
        logger.warning(
            "NOTE: this machine has no units for bfloat16: a convolution takes "
            f"{taken[asked] / taken['float32']:.1f} times as long as with float32 here. "
            "`precision` auto takes what is fast."
        )
    return asked


def _seconds(dtype: str) -> float:
    """Return the seconds of a convolution and its gradient."""
    images, kernel = tf.ones((32, 28, 28, 32), dtype), tf.ones((3, 3, 32, 64), dtype)
    start = time.perf_counter()
    with tf.GradientTape() as tape:
        tape.watch(kernel)
        made = tf.nn.conv2d(images, kernel, 1, "SAME")
    tape.gradient(made, kernel).numpy()
    return time.perf_counter() - start
