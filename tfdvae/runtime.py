"""TensorFlow's threads, a setting that a result depends on, and what the machine has."""

import math
import os
from pathlib import Path

import tensorflow as tf

_CPUINFO = Path("/proc/cpuinfo")


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def use_threads(threads: int | None) -> int:
    """Give TensorFlow a number of threads, by default one a core, and return it.

    Raises:
        ValueError: TensorFlow has begun to work in this process with another number.
    """
    wanted = threads or cores()
    try:
        tf.config.threading.set_intra_op_parallelism_threads(wanted)
        tf.config.threading.set_inter_op_parallelism_threads(wanted)
    except RuntimeError:
        running = tf.config.threading.get_intra_op_parallelism_threads() or cores()
        if threads is not None and running != threads:
            raise ValueError(f"`threads` must be {running}, as TensorFlow already works in this process; got {threads}.") from None
        return running
    return wanted


def has_bfloat16() -> bool:
    """Tell whether the processor has units for bfloat16: an x86 of which Linux says so. Others are not known to have them."""
    try:
        words = _CPUINFO.read_text().split()
    except OSError:
        return False
    return not {"avx512_bf16", "amx_bf16"}.isdisjoint(words)


def memory() -> float:
    """Return the bytes of memory that this machine has, infinity where that cannot be told."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return math.inf
