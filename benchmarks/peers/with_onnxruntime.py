"""onnxruntime on the ONNX files that tfdvae exports."""

import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime
from worker import Data, Task, pictures, process, serve

BATCH = 256
START = """
import sys, numpy, onnxruntime
from PIL import Image
model, given, output = sys.argv[1:]
session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
image = numpy.asarray(Image.open(given), numpy.float32)[None, ..., None] / 255
(made,) = session.run(["denoised"], {"images": image})
made = numpy.rint(255 * numpy.clip(made[0, ..., 0], 0, 1)).astype(numpy.uint8)
Image.fromarray(made).save(output)
"""


def denoise(count: int, folder: Path, data: Data, threads: int) -> Task:
    session = _session(folder / "clothing-denoiser.onnx", threads)
    images = np.resize(data.noisy, (count, *data.noisy.shape[1:]))
    calls = max(1, 200 // count)

    def run(images: np.ndarray) -> np.ndarray:
        starts = range(0, len(images), BATCH)
        parts = (images[start : start + BATCH] for start in starts)
        return np.concatenate([session.run(["denoised"], {"images": part})[0] for part in parts])

    def work() -> float:
        start = time.perf_counter()
        for _ in range(calls):
            run(images)
        return (time.perf_counter() - start) / (calls * count)

    return Task(work, lambda: run(data.noisy))


def picture(folder: Path, data: Data, threads: int) -> Task:
    session = _session(folder / "unet.onnx", threads)
    images = pictures(512, 512)

    def work() -> float:
        start = time.perf_counter()
        session.run(["denoised"], {"images": images})
        return time.perf_counter() - start

    return Task(work, lambda: session.run(["denoised"], {"images": data.noisy})[0])


def start(folder: Path, data: Data, threads: int) -> Task:
    files = (
        folder / name for name in ("clothing-denoiser.onnx", "one.png", "with_onnxruntime.png")
    )
    return process(sys.executable, "-c", START, *files)


def _session(path: Path, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


if __name__ == "__main__":
    serve(
        {
            "denoise": partial(denoise, 2000),
            "denoise-one": partial(denoise, 1),
            "denoise-512": picture,
            "start": start,
        }
    )
