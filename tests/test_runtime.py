import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT

CODE = """
import tensorflow as tf, threadpoolctl
import tfdvae.experiment, tfdvae.studies.{study}
from tfdvae.runtime import use_threads
print(use_threads({threads}), tf.config.threading.get_intra_op_parallelism_threads(), tf.config.threading.get_inter_op_parallelism_threads(),
      *sorted({{(library["user_api"], library["num_threads"]) for library in threadpoolctl.threadpool_info()}}))
"""


@pytest.mark.parametrize(
    ("study", "threads", "expected"), [("noise", "1", 1), ("denoising", "1", 1), ("augmentation", "None", len(os.sched_getaffinity(0)))]
)
def test_all_libraries_get_the_threads_that_are_recorded(study, threads, expected):
    command = [sys.executable, "-c", CODE.format(study=study, threads=threads)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, env=os.environ).stdout.strip()
    assert printed == f"{expected} {expected} {expected} ('blas', {expected}) ('openmp', {expected})"
