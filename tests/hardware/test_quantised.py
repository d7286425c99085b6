"""Weights of a few bits, against a quantiser in NumPy."""

from __future__ import annotations

from functools import cache

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from jaxsnn_noise import paths
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.engine.addresses import Address, Keys
from jaxsnn_noise.engine.member import impaired
from jaxsnn_noise.hardware import Mismatch, Quantised
from jaxsnn_noise.hardware.quantised import on_power_of_two, quantised
from jaxsnn_noise.synapses import Conductance, Dense, FixedSums, PairSTDP, Sparse

PATH = "network.loop.weights"
SIZE = 40
BITS = (1, 2, 4, 8, 24)


@cache
def weights() -> np.ndarray:
    rng = np.random.default_rng(3)
    return (rng.normal(size=(SIZE, SIZE)) * (rng.random((SIZE, SIZE)) < 0.5)).astype(np.float32)


def by_numpy(w, bits, full_scale, *, signed=True):
    """In double precision, as the docstring has it."""
    w, full_scale = np.asarray(w, np.float64), np.asarray(full_scale, np.float64)
    n = max(2 ** (bits - 1) - 1, 1) if signed else 2**bits - 1
    share = np.clip(w, -full_scale if signed else 0, full_scale) / full_scale
    return full_scale * (np.sign(share) if signed and bits == 1 else np.rint(share * n)) / n


def assert_the_same_levels(found, expected):
    """Levels are the same; their values are rounded to single precision, two or three times."""
    np.testing.assert_allclose(found, expected, rtol=3e-7, atol=0)


run = jax.jit(quantised, static_argnums=3)


def simulation(projection=None, *, statistics=None, **imperfections):
    loop = projection or Dense("cells", "cells", weights())
    network = jn.Network({"cells": jn.Population(jn.neurons.LIF(SIZE))}, {"loop": loop})
    inputs = {"cells": jn.coding.Constant(5.0)}
    statistics = statistics or {"count": jn.statistics.SpikeCount()}
    return jn.Simulation(network, inputs, duration=8.0, dt=1.0, statistics=statistics, imperfections=imperfections)


@eqx.filter_jit
def chip(sim, device=0):
    return paths.get({"network": impaired(sim, Keys(jn.random.root(0), Address.of({"device": device}), ()))}, PATH)


def written(sim):
    """What the weights are, without a chip around it."""
    return np.asarray(paths.get({"network": sim.imperfections["q"].apply(sim.network, jn.random.root(0))}, PATH))


@pytest.mark.parametrize("signed", [True, False])
def test_levels_are_those_of_a_quantiser_in_numpy_and_24_bits_are_the_grid_of_a_float(signed):
    w = weights() if signed else np.abs(weights())
    for full_scale in (np.abs(w).max(), np.float32(0.9)):
        for bits in BITS:
            found = np.asarray(run(w, jnp.float32(bits), full_scale, signed))
            if bits <= 8:
                assert_the_same_levels(found, by_numpy(w, bits, full_scale, signed=signed))
            else:
                assert np.abs(found - np.clip(w, -full_scale, full_scale)).max() <= 2 * np.spacing(full_scale)
            assert len(np.unique(found)) <= (2**bits + (bits == 1) if signed else 2**bits)
            assert np.all(found[w == 0] == 0)
            assert np.abs(found).max() == full_scale


def test_errors_are_at_most_half_a_step():
    w = weights()
    largest = float(np.abs(w).max())
    for bits in (2, 4, 8, 16):
        error = np.abs(np.asarray(run(w, jnp.float32(bits), largest, True), np.float64) - w)
        half = 0.5 * largest / (2 ** (bits - 1) - 1)
        assert 0.9 * half < error.max() < half * (1 + 1e-3)


def test_few_bits_give_all_their_levels():
    w = np.linspace(-1, 1, 1001, dtype=np.float32)
    assert [len(np.unique(run(w, jnp.float32(b), 1.0, True))) for b in (1, 2, 4, 8)] == [3, 3, 15, 255]
    assert [len(np.unique(run(abs(w), jnp.float32(b), 1.0, False))) for b in (1, 2, 4, 8)] == [2, 4, 16, 256]
    assert np.all(np.abs(run(w[w != 0], jnp.float32(1), 1.0, True)) == 1)  # one bit is the sign


exact = jax.jit(on_power_of_two, static_argnums=3)


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("full_scale", [1.0, 0.7, 0.5000001, 3.0, 127.0, 1e-3])
def test_steps_that_are_powers_of_two_are_whole_numbers_to_the_bit(full_scale, signed):
    w = np.linspace(-1.3 * full_scale, 1.3 * full_scale, 2001).astype(np.float32)
    for bits in BITS:
        n = max(2 ** (bits - 1) - 1, 1) if signed else 2**bits - 1
        step = 2.0 ** np.ceil(np.log2(np.float64(np.float32(full_scale)) / n))
        words = np.clip(np.rint(w.astype(np.float64) / step), -n if signed else 0, n)
        words = np.sign(w) if signed and bits == 1 else words
        np.testing.assert_array_equal(exact(w, jnp.float32(bits), jnp.float32(full_scale), signed), words * step)
        assert n * step >= np.float32(full_scale) > n * step / 2


@pytest.mark.slow
def test_powers_of_two_per_chip_and_per_neuron_with_gradients_that_pass_straight_through():
    w = weights()
    for per, top in (("chip", np.abs(w).max()), ("neuron", np.abs(w).max(axis=1, keepdims=True))):
        step = 2.0 ** np.ceil(np.log2(top.astype(np.float64) / 7))
        found = written(simulation(q=Quantised(PATH, 4, per=per, power_of_two=True)))
        np.testing.assert_array_equal(found, np.rint(w / step) * step)
    sim = simulation(q=Quantised(PATH, 4, power_of_two=True))
    slope = jax.grad(lambda w: jnp.sum(chip(paths.replace(sim, {PATH: w})) * weights()))(jnp.asarray(w))
    np.testing.assert_array_equal(slope, w)
    beyond = jax.grad(lambda w: jnp.sum(exact(w, jnp.float32(3), jnp.float32(1.0), True)))(
        jnp.array([-4.0, -1.4, 0.0, 1.5, 1.6])
    )
    np.testing.assert_array_equal(beyond, [0, 1, 1, 1, 0])


def test_no_weights_and_weights_of_zero_stay():
    assert not np.any(run(np.zeros((3, 3), np.float32), jnp.float32(4), 0.0, True))
    rows = np.array([[0, 0, 0], [0, 0.5, 1.0]], np.float32)
    network = jn.Network({"a": jn.Port(3), "b": jn.Population(jn.neurons.LIF(2))}, {"loop": Dense("a", "b", rows)})
    found = Quantised(PATH, 3, per="neuron").apply(network, jn.random.root(0)).projections["loop"].weights
    assert_the_same_levels(found, by_numpy(rows, 3, np.float32(1)))


@pytest.mark.slow
@pytest.mark.parametrize("per", ["chip", "neuron"])
def test_the_full_scale_is_the_largest_magnitude_of_the_leaf_or_of_a_target_for_a_matrix_and_a_list(per):
    w = weights()
    full_scale = np.abs(w).max(axis=1, keepdims=True) if per == "neuron" else np.abs(w).max()
    expected = by_numpy(w, 4, full_scale)
    q = Quantised(PATH, 4, per=per)
    assert_the_same_levels(written(simulation(q=q)), expected)
    sparse = Sparse.from_dense("cells", "cells", w)
    found = np.zeros((SIZE, SIZE), np.float32)
    found[np.asarray(sparse.rows), np.asarray(sparse.columns)] = written(simulation(sparse, q=q))
    assert_the_same_levels(found, expected)


def test_conductances_and_weights_that_learn_stay_in_their_range():
    w = np.abs(weights())
    top = float(w.max())
    conductance = Dense("cells", "cells", w, kinetics=Conductance(5.0, 60.0))
    plastic = PairSTDP("cells", "cells", w, w_max=top, learning_rate=0.01)
    for projection in (conductance, plastic):
        for signed in (True, False):
            found = written(simulation(projection, q=Quantised(PATH, 3, signed=signed)))
            assert_the_same_levels(found, by_numpy(w, 3, np.float32(top), signed=signed))
            assert found.min() == 0
            assert found.max() == np.float32(top)
    for projection in (plastic, Dense("cells", "cells", w, sums=FixedSums(top))):
        with pytest.raises(InputError, match=r"^imperfections.q: must keep network.loop.weights in its range"):
            simulation(projection, q=Quantised(PATH, 1, full_scale=2 * top))


def test_gradients_pass_straight_through_and_stop_beyond_the_full_scale():
    w = jnp.array([-2.0, -1.0, -0.3, 0.0, 0.4, 1.0, 3.0])
    gradient = jax.grad(lambda w, bits, top: jnp.sum(run(w, bits, top, True)), argnums=(0, 1, 2))
    by_weight, by_bits, by_scale = gradient(w, jnp.float32(3), jnp.float32(1))
    np.testing.assert_array_equal(by_weight, [0, 1, 1, 1, 1, 1, 0])
    assert by_bits == 0
    assert by_scale == 0  # one is cut off at either end
    assert gradient(w[3:], jnp.float32(3), jnp.float32(1))[2] == 1
    sim = simulation(q=Quantised(PATH, 4))
    slope = jax.grad(lambda w: jnp.sum(chip(paths.replace(sim, {PATH: w})) * weights()))(jnp.asarray(weights()))
    np.testing.assert_array_equal(slope, weights())  # the largest one included


@pytest.mark.slow
def test_a_sweep_of_bits_is_one_program_and_equals_single_runs():
    spikes = {"raster": jn.statistics.Raster()}
    sim = simulation(q=Quantised(PATH, 8), m=Mismatch(PATH, jn.laws.LogNormal(0.1), per="synapse"), statistics=spikes)
    axes = [jn.Sweep("imperfections.q.bits", BITS), jn.Devices(2)]
    swept = jn.monte_carlo(sim, axes, key=5, progress=False)["raster"].values
    assert len(np.unique(swept.reshape(len(BITS), -1), axis=0)) >= 3
    two = paths.replace(sim, {"imperfections.q.bits": 2})
    again = jn.monte_carlo(two, axes[1:], key=5, progress=False)["raster"].values
    np.testing.assert_array_equal(swept[BITS.index(2)], again)
    with pytest.raises(InputError, match=r"imperfections.q.bits: must be whole numbers in \[1, 24\]"):
        jn.monte_carlo(sim, [jn.Sweep("imperfections.q.bits", [2, 2.5])], key=5)


def test_sums_of_quantised_weights_are_exact():
    """Weights of 8 bits and a full scale of 1 are multiples of 1/127; any order of a sum of them gives the same bits."""
    sim = simulation(q=Quantised(PATH, 8), m=Mismatch(PATH, jn.laws.LogNormal(0.1), per="synapse"))
    prepared = np.asarray(sim.network.projections["loop"].sums.prepare(chip(sim)))
    fired = np.random.default_rng(0).random(SIZE) < 0.5
    for order in (np.arange(SIZE), np.arange(SIZE)[::-1]):
        total = np.cumsum((prepared * fired)[:, order], axis=1, dtype=np.float32)[:, -1]
        np.testing.assert_array_equal(total, np.sum(prepared.astype(np.float64) * fired, axis=1))


@pytest.mark.parametrize("bits", [0, 25, 2.5, -3, np.nan])
def test_bits_are_a_whole_number_from_1_to_24(bits):
    with pytest.raises(InputError, match=r"^Quantised.bits: must be whole numbers in \[1, 24\]"):
        Quantised(PATH, bits)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Quantised(PATH, 4, per="synapse"), r"Quantised.per: unknown name; got 'synapse'"),
        (lambda: Quantised(PATH, 4, full_scale=0.0), r"Quantised.full_scale: must be finite and > 0"),
        (lambda: Quantised(PATH, 4, power_of_two=1), r"Quantised.power_of_two: must be True or False"),
        (lambda: Quantised(PATH, 4, signed=1), r"Quantised.signed: must be True or False"),
        (lambda: simulation(q=Quantised(PATH, 4, signed=False)), r"imperfections.q.signed: must be True"),
        (lambda: simulation(q=Quantised("loop.weights", 4)), r"imperfections.q.path: must start at the simulation"),
        (lambda: simulation(q=Quantised("network.loop", 4)), r"imperfections.q.path: must lead to a parameter"),
        (
            lambda: simulation(q=Quantised("network.cells.neuron.v_threshold", 4, per="neuron")),
            r'imperfections.q.per: must be "chip"',
        ),
        (
            lambda: jn.monte_carlo(simulation(q=Quantised(PATH, 4)), [jn.Devices(2)], key=0),
            r"Devices: needs an imperfection that draws: without one all devices are the same",
        ),
    ],
)
def test_what_does_not_fit_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()
