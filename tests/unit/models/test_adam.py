import keras
import numpy as np
import pytest
import tensorflow as tf

from tfdvae.models.adam import FusedAdam

RATE = 1e-2
OPTIONS = {
    "plain": {},
    "other decays": {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3},
    "a rate that falls": {"learning_rate": keras.optimizers.schedules.CosineDecay(RATE, 10)},
    "clipped": {"clipnorm": 0.1},
    "weights decay": {"weight_decay": 0.1},
    "moving average": {"use_ema": True, "ema_momentum": 0.9},
    "gradients added up": {"gradient_accumulation_steps": 2},
    "largest second moment": {"amsgrad": True},
    "loss scale": {"loss_scale_factor": 8.0},
}


def gradients(step, shapes=((3, 4), (4,))):
    random = np.random.default_rng(step)
    return [tf.constant(random.standard_normal(shape), tf.float32) for shape in shapes]


def trained(optimizer, steps=6, constraint=None):
    """Return the variables after some steps in a graph."""
    start = np.random.default_rng(100)
    variables = [
        keras.Variable(start.standard_normal(shape).astype("float32"), name=name)
        for name, shape in (("kernel", (3, 4)), ("bias", (4,)))
    ]
    variables[0].constraint = constraint
    optimizer.build(variables)
    apply = tf.function(lambda *given: optimizer.apply(list(given), variables))
    for step in range(steps):
        apply(*gradients(step))
    assert int(optimizer.iterations) == steps // (optimizer.gradient_accumulation_steps or 1)
    return [each.numpy() for each in variables]


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_it_is_the_adam_of_keras_but_for_the_last_bits(options):
    options = {"learning_rate": RATE} | options
    ours, theirs = FusedAdam(**options), keras.optimizers.Adam(**options)
    for one, other in zip(trained(ours), trained(theirs), strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-6, atol=1e-6)
    for one, other in zip(ours.variables, theirs.variables, strict=True):
        assert (one.name, one.shape, one.dtype) == (other.name, other.shape, other.dtype)
        np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=2e-6, atol=1e-6)


def test_steps_by_numpy():
    optimizer = FusedAdam(RATE, beta_1=0.8, beta_2=0.95, epsilon=1e-4)
    start = np.random.default_rng(100)
    wanted = [start.standard_normal(shape).astype("float32") for shape in ((3, 4), (4,))]
    first, second = [0.0, 0.0], [0.0, 0.0]
    for step in range(6):
        for number, gradient in enumerate(gradients(step)):
            first[number] = 0.8 * first[number] + 0.2 * gradient.numpy()
            second[number] = 0.95 * second[number] + 0.05 * gradient.numpy() ** 2
            rate = RATE * np.sqrt(1 - 0.95 ** (step + 1)) / (1 - 0.8 ** (step + 1))
            wanted[number] -= rate * first[number] / (np.sqrt(second[number]) + 1e-4)
    for one, other in zip(trained(optimizer), wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)


def test_constraints_hold():
    nonnegative = keras.constraints.NonNeg()
    constrained, _ = trained(FusedAdam(RATE), constraint=nonnegative)
    assert constrained.min() == 0
    np.testing.assert_allclose(
        constrained, trained(keras.optimizers.Adam(RATE), constraint=nonnegative)[0], rtol=2e-6
    )


def test_gradients_of_few_rows_count_as_zero_elsewhere():
    """As Keras has it: the moments of all rows change."""

    def rows(optimizer):
        table = keras.Variable(np.ones((5, 2), np.float32))
        optimizer.build([table])
        for _ in range(2):
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(tf.gather(table.value, [1, 3]) ** 2)
            (gradient,) = tape.gradient(loss, [table.value])
            assert isinstance(gradient, tf.IndexedSlices)
            optimizer.apply([gradient], [table])
        return table.numpy()

    found = rows(FusedAdam(RATE))
    np.testing.assert_allclose(found, rows(keras.optimizers.Adam(RATE)), rtol=2e-6)
    assert (found[[0, 2, 4]] == 1).all()


def test_scaled_losses():
    inner = FusedAdam(RATE)
    optimizer = keras.optimizers.LossScaleOptimizer(inner, initial_scale=4.0)
    variable = keras.Variable(np.ones(2, np.float32))
    optimizer.build([variable])
    optimizer.apply([tf.constant([4.0, np.nan])], [variable])  # not finite: no step
    np.testing.assert_array_equal(variable.numpy(), 1)
    optimizer.apply([tf.constant([4.0, 0.0])], [variable])
    np.testing.assert_allclose(variable.numpy(), [1 - RATE, 1], rtol=1e-5)


def test_a_saved_model_goes_on_with_it(tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile(FusedAdam(RATE, beta_1=0.7), "mse")
    images, target = np.random.default_rng(0).random((2, 4, 3)), np.ones((4, 2))
    model.fit(images[0], target, verbose=0)
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    assert type(again.optimizer) is FusedAdam
    assert again.optimizer.get_config() == model.optimizer.get_config()
    for each in (model, again):
        each.fit(images[1], target, verbose=0)
    for one, other in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)


def test_a_file_of_the_adam_of_keras_is_gone_on_with(tmp_path):
    """As a run of an earlier version is."""
    images, target = np.random.default_rng(0).random((2, 4, 3)), np.ones((4, 2))

    def model(optimizer):
        keras.utils.set_random_seed(0)
        made = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        made.compile(optimizer, "mse")
        made.optimizer.build(made.trainable_variables)
        return made

    earlier, later = model(keras.optimizers.Adam(RATE)), model(FusedAdam(RATE))
    earlier.fit(images[0], target, verbose=0)
    earlier.save_weights(tmp_path / "m.weights.h5")
    later.load_weights(tmp_path / "m.weights.h5")
    assert int(later.optimizer.iterations) == 1
    for each in (earlier, later):
        each.fit(images[1], target, verbose=0)
    for one, other in zip(earlier.get_weights(), later.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)
