import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT

CODE = """
import tensorflow as tf
from tfdvae.runtime import use_threads
print(use_threads({threads}), tf.config.threading.get_intra_op_parallelism_threads(), tf.config.threading.get_inter_op_parallelism_threads())
"""


@pytest.mark.parametrize(("threads", "expected"), [("1", "1 1 1"), ("None", " ".join(3 * [str(len(os.sched_getaffinity(0)))]))])
def test_tensorflow_gets_the_threads_that_are_recorded(threads, expected):
    command = [sys.executable, "-c", CODE.format(threads=threads)]
    assert subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, env=os.environ).stdout.strip() == expected
