"""Exact sums: equal to the float64 sum in any order and batch; the weights move little."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsnn_noise._checks import InputError
from jaxsnn_noise.synapses import ExactSums, NativeSums, random_weights
from jaxsnn_noise.synapses.sums import dot

SIZES = (16, 100, 784, 3000)
TARGETS = 50
product = jax.jit(dot)


def weights_of(inputs, scale=0.1):
    rng = np.random.default_rng(inputs)
    weights = rng.normal(size=(TARGETS, inputs)) * rng.lognormal(0, 2, size=(TARGETS, 1)) * scale
    return jnp.asarray(np.where(rng.random(weights.shape) < 0.7, weights, 0), jnp.float32)


def spikes_of(inputs, batch=64):
    return (np.random.default_rng(inputs + 1).random((batch, inputs)) < 0.3).astype(np.float32)


def exact(weights, spikes):
    """The sums in float64, where they have bits to spare."""
    return spikes.astype(np.float64) @ np.asarray(weights, np.float64).T


@pytest.mark.parametrize("inputs", SIZES)
def test_the_product_is_the_float64_sum_for_every_batch(inputs):
    weights, spikes = ExactSums().prepare(weights_of(inputs)), spikes_of(inputs)
    wanted = exact(weights, spikes)
    for batch in (1, 2, 7, 64):
        np.testing.assert_array_equal(product(weights, jnp.asarray(spikes[:batch])), wanted[:batch])
    np.testing.assert_array_equal(product(weights, jnp.asarray(spikes[3])), wanted[3])


@pytest.mark.parametrize("inputs", SIZES)
def test_any_order_and_any_blocks_give_the_same_sum_in_float32(inputs):
    weights, spikes = np.asarray(ExactSums().prepare(weights_of(inputs))), spikes_of(inputs, 5)
    wanted, rng = exact(weights, spikes), np.random.default_rng(3)
    for order in (np.arange(inputs), np.arange(inputs)[::-1], rng.permutation(inputs)):
        running = np.zeros(wanted.shape, np.float32)
        for j in order:
            running += np.float32(spikes[:, j, None] * weights[:, j])
        np.testing.assert_array_equal(running, wanted)
    blocks = [np.float32(spikes[:, i : i + 7]) @ weights[:, i : i + 7].T for i in range(0, inputs, 7)]
    np.testing.assert_array_equal(np.sum(blocks, axis=0, dtype=np.float32), wanted)


def test_all_inputs_at_once_with_one_sign_are_still_exact():
    weights = ExactSums().prepare(jnp.abs(weights_of(3000)))
    np.testing.assert_array_equal(product(weights, jnp.ones(3000)), exact(weights, np.ones((1, 3000)))[0])


def test_native_sums_round_with_the_order():
    # the negative control: without the grid the same comparison fails
    weights, spikes = NativeSums().prepare(weights_of(784)), spikes_of(784)
    assert np.any(np.asarray(product(weights, jnp.asarray(spikes))) != exact(weights, spikes))


@pytest.mark.parametrize("inputs", SIZES)
def test_weights_move_by_less_than_three_parts_in_ten_thousand_of_their_mean_size(inputs):
    weights = np.asarray(weights_of(inputs), np.float64)
    moved, size = np.asarray(ExactSums().prepare(weights_of(inputs))) - weights, np.abs(weights).mean(axis=1)
    assert (np.sqrt((moved**2).mean(axis=1)) <= 3e-4 * size).all()
    # half a grid step, with a bound of the row's sum that is at most twice the sum and 5 % too large
    assert (np.abs(moved).max(axis=1) <= 2.1 * inputs * size * 2.0**-24).all()


def test_jit_vmap_and_eager_prepare_the_same_weights():
    weights = jnp.stack([weights_of(100), weights_of(100, 3.0)])
    eager = [ExactSums().prepare(w) for w in weights]
    np.testing.assert_array_equal(jax.jit(jax.vmap(ExactSums().prepare))(weights), eager)
    np.testing.assert_array_equal([jax.jit(ExactSums().prepare)(w) for w in weights], eager)


@pytest.mark.parametrize("scale", [0.0, 1e-30, 1e-10, 1e10, 1e30])
def test_extreme_weights_stay_finite_and_close(scale):
    weights = weights_of(100, 1.0) * np.float32(scale)
    got = np.asarray(ExactSums().prepare(weights), np.float64)
    assert np.isfinite(got).all()
    if scale >= 1e-10:
        np.testing.assert_allclose(got, weights, atol=float(np.abs(weights).max()) * 1e-4)


def test_random_weights_have_the_probability_and_spread_asked_for():
    from helpers.statistical import assert_mean, assert_proportion, assert_variance, negative_control

    weights = np.asarray(random_weights(shape=(400, 500), probability=0.1, std=0.2, mean=0.05, key=3), np.float64)
    there = weights[weights != 0]
    assert_proportion(there.size, weights.size, 0.1)
    assert_mean(there, 0.05)
    assert_variance(there, 0.04)
    negative_control(lambda a: assert_variance(a * there, 0.04))
    assert (np.asarray(random_weights(shape=(4, 5), probability=0.0, std=0.2, key=3)) == 0).all()
    np.testing.assert_array_equal(
        random_weights(shape=(4, 5), probability=1.0, std=0.0, mean=2.0, key=3), np.full((4, 5), 2)
    )


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"probability": 1.5}, r"random_weights.probability: must lie in \[0, 1\]"),
        ({"std": -0.1}, "random_weights.std: must be finite and >= 0"),
        ({"mean": np.nan}, "random_weights.mean: must be finite"),
    ],
)
def test_parameters_of_random_weights_out_of_range_are_refused(changed, message):
    with pytest.raises(InputError, match=message):
        random_weights(**({"shape": (4, 5), "probability": 0.1, "std": 0.2} | changed), key=3)
