import functools
import itertools
import json
import logging
import os
import shutil
import signal
import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.helpers.models import IMAGES, make, weights_hash
from tfdvae import classifier
from tfdvae._utils import records
from tfdvae.cli import stopping
from tfdvae.config import TrainConfig
from tfdvae.data import pipelines
from tfdvae.fitting import steps_at_once, training
from tfdvae.models.build import build_generator


def batches_from(step):
    return pipelines.training_batches((IMAGES,), 10, 0, "test", step)


class Stop(Exception):
    pass


def train(folder, name="dvae", total=17, stop_at=None, round_steps=5, rate=None, **options):
    model = make(name)
    if rate is not None:
        model.optimizer.learning_rate = rate

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


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """The model of a name and its history, trained without a stop."""
    return functools.cache(lambda name: train(tmp_path_factory.mktemp("whole"), name))


@pytest.mark.parametrize(
    ("name", "stop_at"),
    [("dvae", 3), ("dvae", 9), ("dvae", 14), ("dvae", 16), ("ae", 9), ("dae", 9), ("vae", 9)],
)
def test_stopped_and_started_again_gives_the_same_bits(name, stop_at, uninterrupted, tmp_path):
    whole, history = uninterrupted(name)
    with pytest.raises(Exception, match="Stop"):
        train(tmp_path / "halves", name, stop_at=stop_at)
    again, history_again = train(tmp_path / "halves", name)
    assert weights_hash(again) == weights_hash(whole)
    assert history_again == history
    assert int(again.optimizer.iterations) == 17


class Signal(keras.callbacks.Callback):
    """Sends a signal within a step, as a terminal does, once or twice."""

    def __init__(self, step, number=signal.SIGINT, times=1):
        super().__init__()
        self.left, self.number, self.times = step, number, times

    def on_train_batch_begin(self, batch, logs=None):
        self.left -= 1
        for _ in range(self.times if self.left == 0 else 0):
            signal.raise_signal(self.number)


@pytest.fixture
def heeded():
    """Handlers that raise, as in a command."""

    def end(_number, _frame):
        raise stopping.Terminated

    earlier = [
        signal.signal(signal.SIGINT, signal.default_int_handler),
        signal.signal(signal.SIGTERM, end),
    ]
    yield
    signal.signal(signal.SIGINT, earlier[0])
    signal.signal(signal.SIGTERM, earlier[1])


@pytest.mark.usefixtures("heeded")
@pytest.mark.parametrize(
    ("name", "steps", "number"),
    [
        ("dvae", (1, 1, 4), signal.SIGINT),  # of rounds of five
        ("dvae", (9, 1, 6), signal.SIGTERM),
        ("dae", (5, 8), signal.SIGINT),
    ],
)
def test_a_signal_waits_for_the_step_which_is_kept(name, steps, number, uninterrupted, tmp_path):
    """Weights and history are those of an undisturbed training, bit for bit."""
    whole, history = uninterrupted(name)
    for number_of_steps in steps:
        error = KeyboardInterrupt if number == signal.SIGINT else stopping.Terminated
        stop = Signal(number_of_steps, number)
        with pytest.raises(error):
            train(tmp_path, name, callbacks=[stop])
        assert stop.left == 0, "it went on from the step at which it stopped"
    again, history_again = train(tmp_path, name)
    assert weights_hash(again) == weights_hash(whole)
    assert history_again == history
    assert [path.name for path in tmp_path.iterdir()] == ["round-000004"]


@pytest.mark.usefixtures("heeded")
def test_a_classifier_goes_on_within_a_round(tmp_path):
    """Its metrics are built by its first step, and add up over a round that was stopped."""
    labels = np.arange(len(IMAGES)) % 3

    def fit(folder, **options):
        keras.utils.set_random_seed(0)
        layers = [keras.Input(IMAGES.shape[1:]), keras.layers.Flatten(), keras.layers.Dense(3)]
        model = keras.Sequential(layers)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile("adam", loss, metrics=["accuracy"])
        batches = functools.partial(pipelines.training_batches, (IMAGES, labels), 7, 0, "test")
        history = training.fit(model, batches, 12, 6, folder, "test", **options)
        return weights_hash(model), history

    whole = fit(tmp_path / "whole")
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            fit(tmp_path / "parts", callbacks=[Signal(4)])
    assert fit(tmp_path / "parts") == whole


class StepsAtOnce(keras.callbacks.Callback):
    """Notes how many steps a graph takes, round by round."""

    of_rounds = True

    def __init__(self):
        super().__init__()
        self.seen = []

    def on_epoch_begin(self, epoch, logs=None):
        self.seen.append(self.model.steps_per_execution)


@pytest.fixture
def at_once(monkeypatch):
    """Let each graph take up to three steps, in trainings of any length."""
    ticks = itertools.count(0, 0.9 * steps_at_once.MOST / 3)
    monkeypatch.setattr(training, "time", types.SimpleNamespace(perf_counter=ticks.__next__))
    monkeypatch.setattr(steps_at_once, "LONG", 1)
    monkeypatch.setattr(steps_at_once, "WORTH", 1)


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("name", ["ae", "dae", "vae", "dvae", "dae masked", "dvae recorrupted"])
def test_several_steps_in_a_graph_give_the_same_bits(name, tmp_path):
    """Weights, the losses of each round and of held-out images, and what the optimizer knows."""
    options = {"total": 20, "round_steps": 6, "early_stopping": early(100)}
    seen, alone = StepsAtOnce(), StepsAtOnce()
    several, history = train(tmp_path / "several", name, callbacks=[seen], **options)
    one, same = train(tmp_path / "one", name, callbacks=[alone, Signal(1000)], **options)
    assert (seen.seen, alone.seen) == ([1, 3, 3, 2], [1, 1, 1, 1])
    assert [entry["step"] for entry in history] == [6, 12, 18, 20]
    assert history == same
    assert weights_hash(several) == weights_hash(one)
    states = [[each.numpy() for each in model.optimizer.variables] for model in (several, one)]
    assert all(np.array_equal(*pair) for pair in zip(*states, strict=True))
    assert several.steps_per_execution == 1


def as_train_has_it(network):
    """A model of `tfdvae train` on bright and dark images, with a rate that falls."""
    config = TrainConfig.of(model="dvae", network=network, schedule="cosine", epochs=4)
    return build_generator(config, (12, 12, 1), 5)


MADE = {
    "mlp": functools.partial(as_train_has_it, "mlp"),
    "strided_conv": functools.partial(as_train_has_it, "strided_conv"),
    "CNN": functools.partial(classifier.cnn, (12, 12, 1), 3),
    "CNN in bfloat16": functools.partial(classifier.cnn, (12, 12, 1), 3, dtype="mixed_bfloat16"),
    "CNN in float16": functools.partial(classifier.cnn, (12, 12, 1), 3, dtype="mixed_float16"),
}


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("name", MADE)
def test_several_steps_in_a_graph_change_no_bit_of_what_train_makes(name, tmp_path):
    images = np.random.default_rng(3).random((40, 12, 12, 1), np.float32)
    arrays = (images, np.arange(40) % 3) if name.startswith("CNN") else (images,)
    batches = functools.partial(pipelines.training_batches, arrays, 8, 0, "test")
    found = []
    for callback in (StepsAtOnce(), Signal(1000)):
        keras.utils.set_random_seed(0)
        model = MADE[name]()
        folder = tmp_path / type(callback).__name__
        history = training.fit(model, batches, 20, 6, folder, "test", [callback])
        state = [each.numpy().tobytes() for each in model.optimizer.variables]
        found.append((weights_hash(model), state, history))
        if isinstance(callback, StepsAtOnce):
            assert callback.seen == [1, 3, 3, 2]
    assert found[0] == found[1]


def test_callbacks_of_others_see_one_training(tmp_path):
    """A log of Keras's would begin anew with each, and an early stop forget what it saw."""
    log = tmp_path / "log.csv"
    train(tmp_path / "c", total=400, round_steps=40, callbacks=[keras.callbacks.CSVLogger(log)])
    assert len(log.read_text().splitlines()) == 1 + 10


@pytest.mark.usefixtures("at_once", "heeded")
def test_a_signal_waits_for_the_steps_of_a_graph_which_are_kept(tmp_path):
    def interrupting(step):
        def send(number):
            if number == 13:
                os.kill(os.getpid(), signal.SIGINT)
            return np.int64(0)

        numbers = tf.data.Dataset.range(step, 10**6).map(
            lambda number: tf.py_function(send, [number], tf.int64)
        )
        return tf.data.Dataset.zip(batches_from(step), numbers).map(lambda images, _: images)

    options = {"total": 27, "round_steps": 9}
    whole, history = train(tmp_path / "whole", **options)
    seen = StepsAtOnce()
    with pytest.raises(KeyboardInterrupt):
        training.fit(make("dvae"), interrupting, 27, 9, tmp_path / "parts", "test", [seen])
    assert seen.seen == [1, 3]
    part = json.loads((tmp_path / "parts" / "part" / "part.json").read_text())
    assert part["rounds"] == 1
    assert part["taken"] in (3, 6), "batches may be read in advance"
    again, history_again = train(tmp_path / "parts", **options)
    assert (weights_hash(again), history_again) == (weights_hash(whole), history)


@pytest.mark.usefixtures("at_once")
def test_a_loss_that_is_not_finite_stops_after_the_steps_of_its_graph(tmp_path):
    class Break(StepsAtOnce):
        def on_epoch_begin(self, epoch, logs=None):
            super().on_epoch_begin(epoch, logs)
            if epoch == 1:
                for weight in self.model.trainable_variables:
                    weight.assign(np.full(weight.shape, np.nan))

    breaking = Break()
    with pytest.raises(FloatingPointError, match="the loss became nan at step 9; "):
        train(tmp_path, round_steps=6, callbacks=[breaking])
    assert breaking.seen == [1, 3]


class StopAfter(keras.callbacks.Callback):
    """Ends the training after an epoch, as callbacks of users do."""

    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = epoch == 1


@pytest.mark.usefixtures("heeded")
@pytest.mark.parametrize("step", [9, 10, 11])
def test_other_callbacks_see_each_round_though_a_signal_comes(step, tmp_path):
    """In the last step of a round, which a callback ends the training after, or beside it."""
    whole, history = train(tmp_path / "whole", callbacks=[StopAfter()])
    assert len(history) == 2
    try:
        train(tmp_path / "parts", callbacks=[Signal(step), StopAfter()])
    except KeyboardInterrupt:
        assert step < 11
    again, history_again = train(tmp_path / "parts", callbacks=[StopAfter()])
    assert (weights_hash(again), history_again) == (weights_hash(whole), history)


@pytest.mark.usefixtures("heeded")
def test_a_second_signal_does_not_wait(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, callbacks=[Signal(3, times=2)])
    assert not list(tmp_path.iterdir())
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.usefixtures("heeded")
def test_a_kill_before_a_part_is_removed_does_no_harm(uninterrupted, tmp_path):
    whole, history = uninterrupted("dvae")
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, callbacks=[Signal(3)])
    shutil.copytree(tmp_path / "part", tmp_path.with_name("kept"))
    train(tmp_path, total=10)
    shutil.copytree(tmp_path.with_name("kept"), tmp_path / "part")
    again, history_again = train(tmp_path)
    assert (weights_hash(again), history_again) == (weights_hash(whole), history)


@pytest.mark.usefixtures("heeded")
def test_a_damaged_part_is_named(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, callbacks=[Signal(3)])
    (tmp_path / "part" / "part.json").write_text("[]")
    with pytest.raises(ValueError, match=r"part\.json is damaged.* Delete the folder .*part:"):
        train(tmp_path)


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


@pytest.mark.usefixtures("heeded")
def test_checkpoints_of_earlier_versions_are_read(uninterrupted, tmp_path):
    """They held a file of Keras; also one of a part of a round."""
    for steps, name in ((1, "part"), (6, "round-000001"), (6, "part")):
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path, callbacks=[Signal(steps)])
        model = make("dvae")
        model.optimizer.build(model.trainable_variables)
        folder = tmp_path / name
        with np.load(folder / "weights.npz") as arrays:
            for number, variable in enumerate([*model.variables, *model.optimizer.variables]):
                variable.assign(arrays[str(number)])
        model.save_weights(folder / "model.weights.h5")
        for old in ("weights.npz", "SHA256SUMS"):
            (folder / old).unlink()
        records.seal(folder)
    again, history = train(tmp_path)
    whole, whole_history = uninterrupted("dvae")
    assert weights_hash(again) == weights_hash(whole)
    assert history == whole_history


def test_variables_of_two_bytes_are_kept(tmp_path):
    def fit(folder, total):
        keras.utils.set_random_seed(0)
        layers = [keras.Input((6,)), keras.layers.Dense(4, dtype="bfloat16")]
        model = keras.Sequential(layers)
        model.compile(keras.optimizers.SGD(0.1), "mse")
        pairs = np.random.default_rng(0).random((2, 20, 6), np.float32)
        batches = functools.partial(
            pipelines.training_batches, (pairs[0], pairs[1, :, :4]), 5, 0, "test"
        )
        training.fit(model, batches, total, 4, folder, "test")
        return [each.tobytes() for each in model.get_weights()]

    whole, half = fit(tmp_path / "whole", 8), fit(tmp_path / "parts", 4)
    assert fit(tmp_path / "parts", 8) == whole != half


@pytest.mark.parametrize("kind", [np.int32, np.float16])
def test_weights_of_another_type_are_refused(kind, tmp_path):
    train(tmp_path, total=5)
    path = tmp_path / "round-000001" / "weights.npz"
    with np.load(path) as file:
        arrays = {name: file[name].astype(kind) for name in file.files}
    np.savez(path, **arrays)
    (path.parent / "SHA256SUMS").unlink()
    with pytest.raises(ValueError, match=r"weights\.npz is damaged: it holds the weights of anot"):
        train(tmp_path)
    np.save(path.open("wb"), np.zeros(3))
    with pytest.raises(ValueError, match=r"weights\.npz is damaged: "):
        train(tmp_path)


@pytest.mark.parametrize(("name", "optimizer"), [("dae", "adam"), ("dvae", "sgd")])
def test_weights_of_another_model_or_optimizer_are_refused(name, optimizer, tmp_path):
    train(tmp_path, total=5)
    model = make(name)
    model.compile(optimizer)
    before = weights_hash(model)
    with pytest.raises(ValueError, match=r"weights\.npz is damaged: it holds the weights of anot"):
        training.fit(model, batches_from, 10, 5, tmp_path, "test")
    assert weights_hash(model) == before


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


@pytest.mark.parametrize("level", [logging.INFO, logging.WARNING])
@pytest.mark.parametrize(("finite", "rounds"), [(1, 0), (6, 1)])
def test_loss_that_is_not_finite_stops(finite, rounds, level, tmp_path, caplog):
    """Its step is named, whether or not a progress bar counts them, and in a later round."""
    caplog.set_level(level, logger="tfdvae")
    model = make("dvae")

    class Break(keras.callbacks.Callback):
        steps = 0

        def on_train_batch_end(self, batch, logs=None):
            self.steps += 1
            if self.steps == finite:
                for weight in model.trainable_variables:
                    weight.assign(np.full(weight.shape, np.nan))

    message = f"the loss became nan at step {finite + 1}; what the caller says may help."
    with pytest.raises(FloatingPointError, match=message):
        training.fit(
            *(model, batches_from, 10, 5, tmp_path, "test"),
            callbacks=[Break()],
            hint="what the caller says may help",
        )
    assert len(list(tmp_path.iterdir())) == rounds


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


HELD_OUT = pipelines.batches((np.random.default_rng(7).random((6, 6, 5, 2), np.float32),), 3)


def early(patience):
    return training.EarlyStopping(HELD_OUT, patience)


@pytest.mark.parametrize(
    ("losses", "patience", "due"),
    [
        ([], 1, False),
        ([3.0], 1, False),
        ([3.0, 2.0], 1, False),
        ([3.0, 3.0], 1, True),
        ([3.0, 2.0, 2.5], 2, False),
        ([3.0, 2.0, 2.5, 2.0], 2, True),
        ([3.0, 4.0, 2.0], 2, False),
    ],
)
def test_when_to_stop(losses, patience, due):
    assert early(patience).is_due([{"val_loss": loss} for loss in losses]) is due


def stopping_early(folder, stop_at=None, **options):
    """A training at a rate with which the loss on six other images soon rises again."""
    return train(
        folder,
        total=60,
        stop_at=stop_at,
        round_steps=3,
        early_stopping=early(3),
        rate=0.03,
        **options,
    )


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stopped")
    return *stopping_early(folder), folder


def test_early_stopping_keeps_the_weights_of_the_best_round(stopped, tmp_path):
    model, history, folder = stopped
    best = training.best_round(history)
    assert 0 < best == len(history) - 4
    assert len(history) < 20
    assert {path.name for path in folder.iterdir()} == {
        f"round-{number:06d}" for number in (best + 1, len(history))
    }
    short, _ = train(tmp_path, total=3 * (best + 1), round_steps=3, rate=0.03)
    assert weights_hash(model) == weights_hash(short)
    losses = model.evaluate(HELD_OUT, verbose=0, return_dict=True)
    assert (
        losses["loss"] == history[best]["val_loss"] == min(entry["val_loss"] for entry in history)
    )


@pytest.mark.parametrize(
    "rounds", [3.5, *(pytest.param(rounds, marks=pytest.mark.slow) for rounds in (1, -3.5, -1))]
)
def test_early_stopping_after_a_kill_gives_the_same_bits(rounds, stopped, tmp_path):
    """Killed before and after the best round, and within the rounds that patience waits for."""
    model, history, _ = stopped
    stop_at = 3 * rounds if rounds > 0 else 3 * (len(history) + rounds)
    with pytest.raises(Exception, match="Stop"):
        stopping_early(tmp_path, stop_at=int(stop_at))
    again, history_again = stopping_early(tmp_path)
    assert history_again == history
    assert weights_hash(again) == weights_hash(model)
    finished, same = stopping_early(tmp_path, stop_at=0)
    assert same == history
    assert weights_hash(finished) == weights_hash(model)


def test_held_out_images_change_nothing_but_the_history(tmp_path):
    plain, history = train(tmp_path / "plain")
    watched, watched_history = train(tmp_path / "watched", early_stopping=early(100))
    assert [
        {key: value for key, value in entry.items() if not key.startswith("val_")}
        for entry in watched_history
    ] == history
    best = training.best_round(watched_history)
    if best == len(history) - 1:
        assert weights_hash(watched) == weights_hash(plain)
    last = "round-000004/weights.npz"
    with np.load(tmp_path / "plain" / last) as one, np.load(tmp_path / "watched" / last) as two:
        assert all_weights(one) == all_weights(two)


def all_weights(file):
    return {name: file[name].tobytes() for name in file.files}


class StopAtStep(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if int(self.model.optimizer.iterations) == 7:
            self.model.stop_training = True


def test_a_callback_that_stops_training_ends_it_for_good(tmp_path):
    model, history = train(tmp_path, callbacks=[StopAtStep()])
    assert [entry["step"] for entry in history] == [5, 7]
    again, same = train(tmp_path, stop_at=0)
    assert same == history
    assert weights_hash(again) == weights_hash(model)
