import keras
import numpy as np
import pytest

from tests.helpers.models import IMAGES, make
from tfdvae.fitting.steps_at_once import LEAST, LONG, MOST, WORTH, Pace
from tfdvae.fitting.training import Reconstructions


class OfRounds(keras.callbacks.Callback):
    of_rounds = True


def measured(seconds, model=None, callbacks=(), steps=10):
    pace = Pace(model or make("dae"), callbacks)
    pace.measure([seconds * number for number in range(steps)])
    return pace


@pytest.mark.parametrize(
    ("seconds", "steps", "number"),
    [
        (0.003, 39, 39),
        (0.006, 39, 13),
        (0.019, 39, 3),
        (0.021, 39, 1),
        (0.003, 60, 60),
        (0.003, 100, 50),
        (0.003, 37, 37),
        (0.01, 37, 1),
    ],
)
def test_a_graph_takes_a_divisor_of_the_steps_of_a_round(seconds, steps, number):
    assert measured(seconds).number(steps, 100) == number
    assert steps % number == 0
    assert number == 1 or (number * seconds <= MOST and seconds <= LONG)


def test_where_few_steps_follow_nothing_is_measured_and_each_is_alone():
    pace = Pace(make("dae"), [])
    assert pace.number(39, 60) == 1
    assert pace.is_to_be_measured(39, WORTH)
    assert not pace.is_to_be_measured(39, WORTH - 1)
    assert not pace.is_to_be_measured(LEAST - 1, WORTH)
    assert measured(0.003).number(30, WORTH // 30 - 1) == 1
    assert measured(0.003, steps=LEAST - 1).is_to_be_measured(39, WORTH)
    assert not measured(0.003).is_to_be_measured(39, WORTH)


def test_the_median_counts_and_the_first_measurement():
    pace = Pace(make("dae"), [])
    pace.measure([0, 5, 5.006, 5.012, 5.018])
    pace.measure([0, 1, 2, 3, 4, 5])
    assert pace.number(39, 60) == 13


@pytest.mark.parametrize(
    ("callback", "possible"),
    [
        (OfRounds(), True),
        (keras.callbacks.TensorBoard("logs"), False),
        (keras.callbacks.EarlyStopping(), False),
        (keras.callbacks.LambdaCallback(on_train_batch_end=print), False),
        (keras.callbacks.CSVLogger("log.csv"), False),
        (keras.callbacks.Callback(), False),
    ],
)
def test_callbacks_of_others_see_each_step_and_one_fit(callback, possible, tmp_path):
    pace = measured(0.003, callbacks=[Reconstructions(IMAGES[:2], tmp_path), callback])
    assert pace.number(39, 60) == (39 if possible else 1)
    fresh = Pace(make("dae"), [callback])
    assert fresh.is_to_be_measured(39, 1000) == possible


@pytest.mark.parametrize(
    "option",
    [
        {"run_eagerly": True},
        {"jit_compile": True},
        {"steps_per_execution": 2},
        {"optimizer": keras.optimizers.Adam(use_ema=True)},
    ],
    ids=lambda option: next(iter(option)),
)
def test_a_model_that_is_compiled_for_it_takes_steps_as_it_says(option):
    model = make("dae")
    model.compile(**{"optimizer": "adam"} | option)
    pace = measured(0.003, model)
    assert not pace.is_to_be_measured(39, 1000)
    assert pace.number(39, 60) == 1
    with pace.taken(1):
        assert model.steps_per_execution == option.get("steps_per_execution", 1)


def test_graphs_within_the_block_and_after_it_take_all_that_they_are_given():
    """Keras counts by one number and runs graphs of another one, unless they are made anew."""
    model = make("dae")
    pace, images = Pace(model, []), IMAGES[:23]
    before = model.predict(images, batch_size=5, verbose=0)
    losses = model.evaluate(images, batch_size=5, verbose=0)
    with pace.taken(3):
        assert model.steps_per_execution == 3
        within = model.predict(images, batch_size=5, verbose=0)
        np.testing.assert_allclose(within, before, atol=1e-6)
        assert model.evaluate(images, batch_size=5, verbose=0) == losses
        model.fit(images, batch_size=5, steps_per_epoch=3, verbose=0)
        assert int(model.optimizer.iterations) == 3
    assert model.steps_per_execution == 1
    model.fit(images, batch_size=5, steps_per_epoch=1, verbose=0)
    assert int(model.optimizer.iterations) == 4
    assert model.predict(images, batch_size=5, verbose=0).shape == images.shape
