"""Threads, a setting that a result depends on."""

import os

import tensorflow as tf
import threadpoolctl


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def use_threads(threads: int | None) -> int:
    """Give TensorFlow, BLAS and OpenMP a number of threads, by default one a core whatever the environment says of them, and return it.

    BLAS and OpenMP are those of the libraries that are loaded; OpenMP has it in the calling thread alone.

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
                f"`threads` must be {running}, as TensorFlow already works in this process; got {threads}."
            ) from None
        wanted = running
    threadpoolctl.threadpool_limits(wanted)
    return wanted
