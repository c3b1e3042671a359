"""CAREamics: Noise2Void on pictures, as its guide trains."""

import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from careamics import CAREamist
from careamics.config.factories import create_n2v_config
from worker import STEPS, Data, Task, mosaics, of_mosaics, serve


def hiding(folder: Path, data: Data, threads: int) -> Task:
    torch.set_num_threads(threads)
    pictures = mosaics(data.observed().images)
    last: list[CAREamist] = []

    def work() -> float:
        config = create_n2v_config(
            "hiding", "array", "SYX", [64, 64], 16, num_epochs=1, num_steps=STEPS["hiding"]
        )
        model = CAREamist(config, work_dir=tempfile.mkdtemp(dir=folder), enable_progress_bar=False)
        start = time.perf_counter()
        model.train(train_data=pictures)
        seconds = time.perf_counter() - start
        last[:] = [model]
        return seconds / STEPS["hiding"]

    def check() -> np.ndarray:
        made, _ = last[0].predict(mosaics(data.noisy))
        return of_mosaics(np.concatenate([np.reshape(each, (-1, 448, 448)) for each in made]))

    return Task(work, check)


if __name__ == "__main__":
    serve({"hiding": hiding})
