import numpy as np
import pytest
import tensorflow as tf

from tests.helpers.models import IMAGES, make, weights_hash
from tfdvae.data import pipelines
from tfdvae.experiment import training


def batches_from(step):
    return pipelines.training_batches((IMAGES,), 10, 0, "test", step)


class Stop(Exception):
    pass


def train(folder, name="dvae", total=17, stop_at=None, round_steps=5, **options):
    model = make(name)

    def batches(step):
        data = batches_from(step)
        if stop_at is None:
            return data

        def fail(step):
            if step >= stop_at:
                raise Stop
            return np.int64(0)

        counter = tf.data.Dataset.range(step, 10**6).map(
            lambda i: tf.py_function(fail, [i], tf.int64)
        )
        return tf.data.Dataset.zip(data, counter).map(lambda x, _: x)

    history = training.fit(model, batches, total, round_steps, folder, "test", **options)
    return model, history


@pytest.mark.parametrize("name", ["ae", "dae", "vae", "dvae"])
@pytest.mark.parametrize("stop_at", [3, 9, 14, 16])
def test_stopped_and_started_again_gives_the_same_bits(name, stop_at, tmp_path):
    whole, history = train(tmp_path / "whole", name)
    with pytest.raises(Exception, match="Stop"):
        train(tmp_path / "halves", name, stop_at=stop_at)
    again, history_again = train(tmp_path / "halves", name)
    assert weights_hash(again) == weights_hash(whole)
    assert history_again == history
    assert int(again.optimizer.iterations) == 17


def test_rounds_and_the_shorter_last_one(tmp_path):
    _, history = train(tmp_path)
    assert [(entry["epoch"], entry["step"]) for entry in history] == [
        (1, 5),
        (2, 10),
        (3, 15),
        (4, 17),
    ]
    assert all({"loss", "kl_loss", "reconstruction_loss"} < set(entry) for entry in history)
    assert [path.name for path in tmp_path.iterdir()] == ["round-000004"], (
        "older checkpoints are removed"
    )


def test_a_finished_training_is_not_repeated(tmp_path):
    first, history = train(tmp_path)
    again, same = train(tmp_path, stop_at=0)
    assert same == history
    assert weights_hash(again) == weights_hash(first)


def test_fit_in_one_go_gives_the_same_bits(tmp_path):
    """The rounds are Keras epochs: nothing of the training depends on how many there are."""
    model = make("dvae")
    model.fit(batches_from(0), steps_per_epoch=17, epochs=1, verbose=0)
    assert weights_hash(train(tmp_path)[0]) == weights_hash(model)


def test_loss_that_is_not_finite_stops(tmp_path):
    model = make("dvae")
    good, bad = (
        tf.data.Dataset.from_tensors(np.full((5, 6, 5, 2), value, np.float32))
        for value in (0.5, np.nan)
    )
    with pytest.raises(
        FloatingPointError, match="the loss became nan at step 2; a smaller learning rate"
    ):
        training.fit(model, lambda step: good.concatenate(bad.repeat()), 10, 5, tmp_path, "test")
    assert not list(tmp_path.iterdir())


def test_progress_bar_names_the_stage_and_shows_epoch_means(tmp_path, capsys):
    _, history = train(tmp_path)
    shown = capsys.readouterr().err
    assert "test: 100%" in shown
    assert "17/17" in shown
    assert f"loss={history[-1]['loss']:.4g}" in shown


def test_reconstructions_reach_tensorboard(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    train(
        tmp_path / "c",
        callbacks=[
            training.Reconstructions(IMAGES[:3, :, :, :1].repeat(2, axis=-1), tmp_path / "logs")
        ],
    )
    tags = []
    for path in (tmp_path / "logs").iterdir():
        events = EventAccumulator(str(path), size_guidance={"tensors": 0})
        events.Reload()
        tags += [
            (tag, event.step) for tag in events.Tags()["tensors"] for event in events.Tensors(tag)
        ]
    assert sorted(tags) == [("observed above reconstructed", epoch) for epoch in range(len(tags))]
    assert len(tags) == 4
