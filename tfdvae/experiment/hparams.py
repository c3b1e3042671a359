"""Settings and results of a run for TensorBoard."""

from typing import Any

import tensorflow as tf

from tfdvae._utils import files
from tfdvae.config import INCIDENTAL
from tfdvae.experiment.run import Run


def write(run: Run, rows: list[dict[str, Any]]) -> None:
    """Write settings and results for TensorBoard's HPARAMS tab."""
    from tensorboard.plugins.hparams import api

    settings = {
        name: value if isinstance(value, (bool, int, float, str)) else str(value)
        for name, value in run.config.to_dict().items()
        if name not in INCIDENTAL
    }
    folder = run.folder / "logs" / "hparams"
    files.remove(folder)
    writer = tf.summary.create_file_writer(str(folder))
    with writer.as_default():
        api.hparams(settings, trial_id=run.config.identity())
        for row in rows:
            keys = ("metric", "split", "augmentation", "test_corruption")
            name = "/".join(row[key] for key in keys if row.get(key))
            tf.summary.scalar(name, row["value"], step=0)
    writer.close()
