"""Threads of TensorFlow, BLAS and OpenMP, each time in a process that has not begun to work."""

import os
import subprocess
import sys

import pytest

from tests.helpers.processes import ROOT

pytestmark = pytest.mark.slow

CODE = """
import tensorflow as tf, threadpoolctl
import tfdvae.experiment.runner, tfdvae.studies.{study}.study
from tfdvae._utils.threads import use_threads
print(use_threads({threads}))
print(tf.config.threading.get_intra_op_parallelism_threads())
print(tf.config.threading.get_inter_op_parallelism_threads())
found = threadpoolctl.threadpool_info()
print(*sorted({{(library["user_api"], library["num_threads"]) for library in found}}))
"""


@pytest.mark.parametrize("study", ["noise", "denoising", "augmentation"])
def test_all_libraries_get_the_threads_that_are_recorded(study):
    assert printed(study, 1) == ["1", "1", "1", "('blas',", "1)", "('openmp',", "1)"]


def test_by_default_there_is_one_thread_a_core():
    cores = len(os.sched_getaffinity(0))
    assert printed("noise", None)[:3] == 3 * [str(cores)]


def printed(study, threads):
    command = [sys.executable, "-c", CODE.format(study=study, threads=threads)]
    return subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=ROOT, env=os.environ
    ).stdout.split()
