import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tfdvae import runtime

CODE = """
import tensorflow as tf
from tfdvae.runtime import use_threads
print(use_threads({threads}), tf.config.threading.get_intra_op_parallelism_threads(), tf.config.threading.get_inter_op_parallelism_threads())
"""


@pytest.mark.parametrize(("threads", "expected"), [("1", "1 1 1"), ("None", " ".join(3 * [str(len(os.sched_getaffinity(0)))]))])
def test_tensorflow_gets_the_threads_that_are_recorded(threads, expected):
    command = [sys.executable, "-c", CODE.format(threads=threads)]
    assert subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, env=os.environ).stdout.strip() == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("flags\t\t: fpu avx512_vnni avx512_bf16 avx512_bitalg\n", True),
        ("flags\t\t: amx_tile amx_bf16\n", True),
        ("flags\t\t: fpu avx2 avx512f\nbugs\t\t: no_avx512_bf16_here\n", False),
        (None, False),
    ],
)
def test_units_for_bfloat16(text, expected, tmp_path, monkeypatch):
    monkeypatch.setattr(runtime, "_CPUINFO", tmp_path / "cpuinfo")
    if text is not None:
        (tmp_path / "cpuinfo").write_text(text)
    assert runtime.has_bfloat16() is expected
