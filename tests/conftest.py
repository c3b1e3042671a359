import os
import shutil
import subprocess
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Test processes share the cores; threads of linear algebra that wait for one another would cost
# minutes.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pytest

from tests.helpers import small_digits as small_digits_file
from tests.helpers.requirements import lacking


def pytest_addoption(parser):
    parser.addoption("--device", help="the one device of test_devices.py, such as GPU:0")


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory):
    """A cache folder of the tests' own, so that they neither use nor fill the user's; processes
    that share the tests share it.
    """
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "cache"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder


@pytest.fixture
def no_network(monkeypatch, tmp_path):
    """Proxies that refuse at once, so that a test behaves alike with and without a network, and
    no dataset on this machine.
    """
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("TFDVAE_DATA_DIR", raising=False)


@pytest.fixture
def command(tmp_path, monkeypatch, capfd):
    """Run `tfdvae` with arguments in this process, in a folder and with a cache of the test's own,
    and return the finished command, its output as text.
    """
    from tfdvae.cli import main as cli

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / ".cache"))
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        capfd.readouterr()
        try:
            status = cli.main(list(map(str, arguments)))
        except SystemExit as end:
            status = end.code
        return subprocess.CompletedProcess(arguments, status, *capfd.readouterr())

    return run


@pytest.fixture(scope="session")
def archives():
    folder = os.environ.get("TFDVAE_DATA_DIR")
    if not folder:
        lacking("TFDVAE_DATA_DIR does not name a folder with Fashion-MNIST's archives")
    return Path(folder)


@pytest.fixture(scope="session")
def retinamnist(archives):
    path = archives.parent / "medmnist" / "retinamnist.npz"
    if not path.is_file():
        lacking(f"{path} is missing")
    return path


@pytest.fixture(scope="session")
def fashion(archives):
    from tfdvae.data import sources

    return sources.load("fashion_mnist", str(archives))


@pytest.fixture(scope="session")
def digits():
    """Images float32 (1438, 28, 28, 1) in [0, 1] and labels."""
    from tfdvae.data import image_dataset, sources

    source = sources.load("digits")
    return image_dataset.to_unit(source.train.images), source.train.labels


@pytest.fixture(scope="session")
def small_digits(tmp_path_factory):
    """An .npz file of 400 digits to train on and 100 to test on, of 12x12 pixels, with which
    whole runs and studies take less time.
    """
    path = tmp_path_factory.mktemp("small") / "digits.npz"
    small_digits_file.write(path)
    return path


@pytest.fixture
def noise():
    """Random images (N, H, W, C) in [0, 1]."""

    def make(*shape, seed=0):
        return np.random.default_rng(seed).random(shape, dtype=np.float32)

    return make


@pytest.fixture
def browser(tmp_path):
    """Headless Chromium with a profile of its own; its console is recorded."""
    from selenium import webdriver

    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        lacking("chromium and chromedriver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (
        "headless",
        "no-sandbox",
        "disable-gpu",
        "disable-quic",
        "no-first-run",
        "disable-background-networking",
        "disable-component-update",
        "disable-sync",
        "disable-dev-shm-usage",
        f"user-data-dir={tmp_path / 'profile'}",
    ):
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options, webdriver.ChromeService(driver))
    yield browser
    browser.quit()
