"""Threads, a setting that a result depends on."""

import os

import tensorflow as tf
import threadpoolctl


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def use_threads(threads: int | None) -> int:
    """Set the threads of TensorFlow, BLAS and OpenMP, and return how many they are.

    Environment variables do not count. BLAS and OpenMP are those of the libraries that are loaded;
    for OpenMP it holds in the calling thread alone.

    Args:
        threads: by default one a core.

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
            raise ValueError(
                f"`threads` must be {running}, as TensorFlow already works in this process; got "
                f"{threads}."
            ) from None
        wanted = running
    threadpoolctl.threadpool_limits(wanted)
    return wanted
