"""What `import tfdvae` does and does not do, each in a process of its own."""

import os
import subprocess
import sys

import pytest

from tests.helpers.processes import ROOT


def output(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env=os.environ,
    )
    return done.stdout.strip()


@pytest.mark.parametrize(
    "imports", ["keras, tfdvae", pytest.param("tfdvae, keras", marks=pytest.mark.slow)]
)
def test_keras_loads_a_model_once_tfdvae_is_imported(imports, tmp_path):
    """A model with a layer of tfdvae's own."""
    from tests.helpers.models import make

    path = str(tmp_path / "m.keras")
    make("dvae", "pooled_conv_inference").save(path)
    code = f"import {imports}; print(type(keras.models.load_model({path!r})).__name__)"
    assert output(code) == "DVAE"


def test_import_of_the_package_does_not_import_tensorflow():
    loaded = "'tensorflow' in sys.modules or 'keras' in sys.modules"
    code = f"import sys, tfdvae; print({loaded}); tfdvae.TrainConfig; print({loaded})"
    assert output(code).split() == ["False", "False"]


def test_help_and_a_command_import_no_other_command():
    """So that the list of commands is there at once."""
    code = (
        "import sys; from tfdvae.cli import main\n"
        "try: main.main(['--help'])\n"
        "except SystemExit as end: assert end.code == 0\n"
        "unwanted = {'numpy', 'PIL', 'tifffile', 'tfdvae.config'}\n"
        "print(sorted(unwanted & set(sys.modules)))\n"
        "main.COMMANDS.get('sample')\n"
        "package = 'tfdvae.cli.commands.'\n"
        "print([name for name in sys.modules if name.startswith(package)])"
    )
    *_, loaded, commands = output(code).splitlines()
    assert (loaded, commands) == ("[]", "['tfdvae.cli.commands.sample']")
