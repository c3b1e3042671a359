import functools
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory):
    """A cache folder of the tests' own, so that they neither use nor fill the user's; processes that share the tests share it."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "cache"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder


@pytest.fixture
def no_network(monkeypatch, tmp_path):
    """Proxies that refuse at once, so that a test behaves alike with and without a network, and no dataset on this machine."""
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("TFDVAE_DATA_DIR", raising=False)


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


def lacking(what):
    """Skip a test that needs what a user may not have; with TFDVAE_TEST_ALL, as in `.ci/run`, it fails instead."""
    (pytest.fail if os.environ.get("TFDVAE_TEST_ALL") else pytest.skip)(what)


@pytest.fixture(scope="session")
def fashion(archives):
    from tfdvae.data import sources

    return sources.load("fashion_mnist", str(archives))


@pytest.fixture(scope="session")
def digits():
    """Images float32 (1438, 28, 28, 1) in [0, 1] and labels."""
    from tfdvae.data import image_dataset, sources

    source = sources.load("digits")
    return image_dataset.to_unit(source.train_images), source.train_labels


@pytest.fixture(scope="session")
def small_digits(tmp_path_factory):
    """An .npz file of 400 digits to train on and 100 to test on, of 12x12 pixels, with which whole runs and studies take less time."""
    from tfdvae.data import sources

    source = sources.load("digits")
    path = tmp_path_factory.mktemp("small") / "digits.npz"
    np.savez(path, x_train=source.train_images[:400, 2:-2:2, 2:-2:2], y_train=source.train_labels[:400],
             x_test=source.test_images[:100, 2:-2:2, 2:-2:2], y_test=source.test_labels[:100])  # fmt: skip
    return path


@pytest.fixture
def noise():
    """Random images (N, H, W, C) in [0, 1]."""

    def make(*shape, seed=0):
        return np.random.default_rng(seed).random(shape, dtype=np.float32)

    return make


def run(*arguments, cwd=ROOT, timeout=300, **environment):
    """Run `python train.py` with arguments and return the finished process, its output as text."""
    command = [sys.executable, str(ROOT / "train.py"), *map(str, arguments)]
    return subprocess.run(
        command,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env=os.environ | environment,
    )


def run_tfdvae(*arguments, stop_when=None, sent=signal.SIGKILL, group=True):
    """Run `python -m tfdvae` with arguments and return the finished process.

    Args:
        *arguments: of the command line.
        stop_when: called again and again; once it returns True, the process is sent a signal, with which it ends within a minute.
        sent: this one.
        group: its children are sent it too.
    """
    command = [sys.executable, "-m", "tfdvae", *map(str, arguments)]
    # A shell may start its background jobs with SIGINT ignored, and they would pass that on.
    heed = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=heed,
    ) as process:
        deadline = time.monotonic() + 900
        while stop_when is not None and process.poll() is None and time.monotonic() < deadline:
            if stop_when():
                (os.killpg if group else os.kill)(process.pid, sent)
                break
            time.sleep(0.05)
        try:
            stdout, stderr = process.communicate(timeout=900 if stop_when is None else 60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)


@pytest.fixture
def browser(tmp_path):
    """Headless Chromium with a profile of its own; its console is recorded."""
    from selenium import webdriver

    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        lacking("chromium and chromedriver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in ("headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking",
                 "disable-component-update", "disable-sync", "disable-dev-shm-usage", f"user-data-dir={tmp_path / 'profile'}"):  # fmt: skip
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options, webdriver.ChromeService(driver))
    yield browser
    browser.quit()


_PEAK = """
import re, sys, threading, time
from tfdvae._utils import chunks
from tfdvae.cli import main as cli
chunks._PIECE_BYTES = 2**20
peak, done = 0, threading.Event()
def watch():
    global peak
    while not done.wait(0.005):
        peak = max(peak, int(re.search(r"RssAnon:\\s+(\\d+)", open("/proc/self/status").read())[1]))
watching = threading.Thread(target=watch)
watching.start()
status = cli.main(sys.argv[1:])
done.set()
watching.join()
print("PEAK", peak / 1024)
sys.exit(status)
"""


def peak_memory(*arguments):
    """The most memory, in MiB, that a `tfdvae` command had of its own: without mapped files, which are given back when memory is needed.

    oneDNN is off, and malloc gives most of what was freed back at once: with them peaks differed by 120 MiB from run to run, for few
    images as for many. What oneDNN keeps is not measured.
    """
    if not Path("/proc/self/status").exists():
        lacking("/proc, where Linux tells what memory a process has of its own, is missing")
    command = [sys.executable, "-c", _PEAK, *map(str, arguments)]
    settings = {
        "TF_ENABLE_ONEDNN_OPTS": "0",
        "MALLOC_ARENA_MAX": "1",
        "MALLOC_MMAP_THRESHOLD_": str(2**18),
        "MALLOC_TRIM_THRESHOLD_": str(2**18),
    }
    process = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, env=os.environ | settings
    )
    assert process.returncode == 0, process.stderr
    return float(process.stdout.split()[-1])
