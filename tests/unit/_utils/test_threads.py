import os
import subprocess
import sys

import pytest

from tests.helpers.processes import ROOT

CODE = """
import tensorflow as tf, threadpoolctl
import tfdvae.experiment, tfdvae.studies.{study}
from tfdvae._utils.threads import use_threads
print(use_threads({threads}), tf.config.threading.get_intra_op_parallelism_threads(), tf.config.threading.get_inter_op_parallelism_threads(),
      *sorted({{(library["user_api"], library["num_threads"]) for library in threadpoolctl.threadpool_info()}}))
"""


@pytest.mark.parametrize("study", ["noise", "denoising", "augmentation"])
def test_all_libraries_get_the_threads_that_are_recorded(study):
    assert printed(study, 1) == "1 1 1 ('blas', 1) ('openmp', 1)"


def test_by_default_there_is_one_thread_a_core():
    cores = len(os.sched_getaffinity(0))
    assert printed("noise", None).startswith(f"{cores} {cores} {cores} ")


def printed(study, threads):
    command = [sys.executable, "-c", CODE.format(study=study, threads=threads)]
    return subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=ROOT, env=os.environ
    ).stdout.strip()
