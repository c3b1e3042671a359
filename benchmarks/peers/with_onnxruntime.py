"""onnxruntime on the ONNX file that tfdvae exports."""

import time
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime
from worker import Data, Task, serve

BATCH = 256


def denoise(count: int, folder: Path, data: Data, threads: int) -> Task:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    path = str(folder / "clothing-denoiser.onnx")
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
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


if __name__ == "__main__":
    serve({"denoise": partial(denoise, 2000), "denoise-one": partial(denoise, 1)})
