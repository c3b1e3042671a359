import logging
import re

import pytest

from tfdvae._utils import processor

LINES = "processor : 0\nmodel name : a processor\n{}\nbugs : none\n\nprocessor : 1\n{}\n"


@pytest.mark.parametrize(
    ("line", "units"),
    [
        ("flags\t\t: fpu avx2 avx512f avx512_bf16 fma", True),
        ("flags : amx_bf16 amx_tile", True),
        ("flags : fpu avx2 avx512f", False),
        ("flags : not_avx512_bf16_at_all", False),
        ("Features : fp asimd bf16", False),
        ("", False),
    ],
)
def test_units_that_linux_names(line, units):
    assert processor.names_bfloat16(LINES.format(line, line)) is units


@pytest.mark.parametrize(
    ("asked", "units", "precision"),
    [
        ("auto", True, "bfloat16"),
        ("auto", False, "float32"),
        ("float32", True, "float32"),
        ("float16", False, "float16"),
        ("bfloat16", True, "bfloat16"),
    ],
)
def test_precision_of_a_classifier(asked, units, precision, caplog):
    assert processor.chosen_precision(asked, units) == precision
    assert caplog.text == ""


def test_slow_bfloat16_gets_a_note_with_the_ratio(caplog):
    caplog.set_level(logging.WARNING, logger="tfdvae")
    assert processor.chosen_precision("bfloat16", False) == "bfloat16"
    ratio = re.search(r"takes (\d+\.\d) times as long as with float32 here", caplog.text)
    assert float(ratio[1]) > 0
