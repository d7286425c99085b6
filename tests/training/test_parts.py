"""The losses, transforms and augmentations of the house by themselves, and the order of the samples."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jaxsnn_noise as jn
from helpers.small_task import fit, points, quiet
from helpers.statistical import assert_proportion, assert_variance, negative_control
from jaxsnn_noise import random
from jaxsnn_noise.training import augment, losses, optimisers, transforms
from jaxsnn_noise.training.loop import permutation
from jaxsnn_noise.training.parameters import chosen

NETWORK = jn.networks.feedforward([4, 5, 3], key=0)


def test_cross_entropy_is_that_of_optax() -> None:
    x = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32)
    y = np.array([0, 1, 2, 0, 1, 2, 1])
    smooth = optax.smooth_labels(jnp.asarray(np.eye(3, dtype=np.float32)[y]), jnp.float32(0.2))
    for loss, labels in [
        (losses.CrossEntropy(scale=2.0), np.eye(3)[y]),
        (losses.CrossEntropy(scale=2.0, smoothing=0.2), smooth),
    ]:
        shifted = 2.0 * x - np.log(np.exp(2.0 * x).sum(axis=1, keepdims=True))
        np.testing.assert_allclose(
            loss(jnp.asarray(x), jnp.asarray(y)), -np.mean((labels * shifted).sum(axis=1)), rtol=1e-5
        )


def test_readouts_are_chosen_by_the_population() -> None:
    assert losses.CrossEntropy().reads(NETWORK) == jn.statistics.Mean("v", population="output")
    assert losses.CrossEntropy("hidden").reads(NETWORK) == jn.statistics.SpikeCount(population="hidden")
    last = losses.CrossEntropy(readout=jn.statistics.Last("v"))
    assert last.reads(NETWORK) == jn.statistics.Last("v", population="output")
    assert last.metrics()["accuracy"].reads(NETWORK) == last.reads(NETWORK)


def test_rates_inside_the_band_cost_nothing() -> None:
    loss = losses.RateRegulariser("hidden", low_hz=10.0, high_hz=60.0)
    rates = jnp.array(
        [[0.0, 100.0, 30.0, 10.0], [20.0, 20.0, 30.0, 10.0]]
    )  # neurons are judged by their mean: 10, 60, 30, 10
    assert loss(rates, None) == 0.0
    np.testing.assert_allclose(loss(rates + 50.0, None), np.mean([0.0, 0.5**2, 0.2**2, 0.0]), rtol=1e-6)
    np.testing.assert_allclose(loss(0.5 * rates, None), np.mean([0.05**2, 0.0, 0.0, 0.05**2]), rtol=1e-6)


@pytest.mark.slow
def test_no_step_leads_out_of_the_range() -> None:
    tau, threshold = "network.hidden.neuron.tau_mem", "network.hidden.neuron.v_threshold"
    fitted = fit(
        quiet,
        points(24),
        trainable=(tau, threshold),
        transforms={threshold: transforms.Between(0.5, 1.5)},
        optimiser=optax.sgd(-50.0),  # uphill, wildly
        epochs=3,
    )
    assert (fitted.leaves[tau] > 0).all()
    assert ((fitted.leaves[threshold] >= 0.5) & (fitted.leaves[threshold] <= 1.5)).all()
    assert not np.allclose(fitted.leaves[tau], 20.0)
    assert not np.allclose(fitted.leaves[threshold], 1.0)


def test_leaves_that_are_positive_by_nature_stay_so_unless_told_otherwise() -> None:
    sim = quiet(0)
    everything = ("network.*.weights", "network.hidden.neuron.*")
    default = dict(chosen(sim, everything).pairs())
    assert isinstance(default["network.hidden.neuron.tau_mem"], transforms.Positive)
    assert isinstance(default["network.hidden.neuron.resistance"], transforms.Positive)
    assert isinstance(default["network.hidden.neuron.v_rest"], transforms.Unbounded)
    assert isinstance(default["network.input_to_hidden.weights"], transforms.Unbounded)
    own = {"*.neuron.*": transforms.Unbounded(), "network.hidden.neuron.v_threshold": transforms.Between(0.5, 2.0)}
    told = dict(chosen(sim, everything, own).pairs())
    assert isinstance(told["network.hidden.neuron.tau_mem"], transforms.Unbounded)
    assert isinstance(told["network.hidden.neuron.v_threshold"], transforms.Between)  # a path goes before a pattern


@pytest.mark.slow
def test_a_shift_moves_every_pixel_by_the_same_step() -> None:
    image = np.arange(1.0, 13.0, dtype=np.float32).reshape(3, 4)
    wide = np.pad(image, 2)
    views = {wide[i : i + 3, j : j + 4].tobytes(): (i - 2, j - 2) for i in range(5) for j in range(5)}
    keys = jax.vmap(lambda i: random.member(random.root(1), sample=i))(jnp.arange(400, dtype=jnp.uint32))
    shift = augment.Shift(2, (3, 4))
    flat = jax.vmap(lambda key: shift(jnp.asarray(image.ravel()), key))(keys)
    square = jax.vmap(lambda key: shift(jnp.asarray(image), key))(keys)
    assert np.array_equal(flat.reshape(400, 3, 4), square)
    assert {views[np.asarray(view).tobytes()] for view in square} == set(views.values())  # all 25, and nothing else
    still = augment.Shift(0)(jnp.asarray(image[:, :3]), keys[0])
    assert np.array_equal(still, image[:, :3])


@pytest.mark.slow
def test_shifts_are_uniform_and_independent_in_both_directions() -> None:
    image = jnp.zeros((5, 5)).at[2, 2].set(1.0)
    keys = jax.vmap(lambda i: random.member(random.root(1), sample=i))(jnp.arange(9000, dtype=jnp.uint32))
    moved = jax.vmap(lambda key: augment.Shift(1)(image, key))(keys)
    where = np.argmax(np.asarray(moved).reshape(9000, 25), axis=1)
    counts = np.bincount(where, minlength=25).reshape(5, 5)
    assert counts[1:4, 1:4].sum() == 9000
    assert_proportion(counts[1:4, 1:4], 9000, 1 / 9)

    def check(amplitude: float) -> None:
        assert_variance(amplitude * (where // 5 - 2.0), 2 / 3, kurtosis=1.5)

    check(1.0)
    negative_control(check)


def test_a_permutation_is_one_and_is_addressed() -> None:
    key = random.root(5)
    order = permutation(key, 1000)
    assert np.array_equal(np.sort(order), np.arange(1000))
    assert np.array_equal(order, permutation(key, 1000))
    assert np.array_equal(order, np.argsort(random.bits(random.tick(key, 0), random.entities(1000)), kind="stable"))
    assert not np.array_equal(order, permutation(random.root(6), 1000))


@pytest.mark.slow
def test_every_place_in_the_order_is_equally_likely() -> None:
    keys = jax.vmap(lambda i: random.member(random.root(2), epoch=i))(jnp.arange(6000, dtype=jnp.uint32))
    orders = np.asarray(jax.vmap(lambda key: permutation(key, 6))(keys))
    assert_proportion(np.stack([(orders == i).sum(axis=0) for i in range(6)]), 6000, 1 / 6)

    def check(amplitude: float) -> None:
        assert_variance(amplitude * orders[:, 0], 35 / 12, kurtosis=1.7314)  # of the uniform law on 0 ... 5

    check(1.0)
    negative_control(check)


@pytest.mark.slow
def test_the_recipe_ends_its_warm_up_at_its_peak_and_decays_weights_only() -> None:
    recipe = optimisers.WarmupCosine(0.1, weight_decay=0.5, warmup=0.5)(4)
    free = {"a.weights": jnp.ones(1), "a.tau_mem": jnp.ones(1)}
    decays = []
    with jax.numpy_dtype_promotion("standard"):
        state, none = recipe.init(free), jax.tree.map(jnp.zeros_like, free)
        for _ in range(5):
            updates, state = recipe.update(none, state, free)
            assert updates["a.tau_mem"] == 0.0
            decays.append(float(updates["a.weights"][0]))
    # the rate is 0, peak/2, peak, peak/2, 0; times the decay of 0.5
    np.testing.assert_allclose(decays, [0.0, -0.025, -0.05, -0.025, 0.0], atol=1e-7)
