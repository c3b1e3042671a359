"""What a test needs and a machine may lack."""

import os

import pytest


def lacking(what):
    """Skip a test that needs what a user may not have; with TFDVAE_TEST_ALL, as in `.ci/run`, it
    fails instead.
    """
    (pytest.fail if os.environ.get("TFDVAE_TEST_ALL") else pytest.skip)(what)
