"""Pair-based plasticity: against sums over all pairs, closed forms, and the projection that does not learn."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.numpy_network import normals
from helpers.pace import slow_but
from helpers.statistical import Deviation, assert_mean, negative_control
from jaxsnn_noise import random
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.coding import Constant, PoissonSpikes, SpikeTrain
from jaxsnn_noise.engine.addresses import Address
from jaxsnn_noise.engine.member import measured
from jaxsnn_noise.engine.stretches import advance, start
from jaxsnn_noise.firing import HardThreshold, Stopped
from jaxsnn_noise.neurons import LIF
from jaxsnn_noise.statistics import Mean, Raster, Trace
from jaxsnn_noise.synapses import Dense, Everywhere, Exponential, FixedSums, HardBounds, PairSTDP, SoftBounds

RULE = {"w_max": 1.0, "learning_rate": 0.01, "a_plus": 1.0, "a_minus": 0.8, "tau_plus": 15.0, "tau_minus": 30.0}
"""Parameters of the rule."""


def taught(projection, pre, post, dt, **options):
    """A simulation in which the targets of a projection ``pre -> cells`` fire when, and only when, a teacher tells them.

    Weights of up to 1 are far too small to matter beside the teacher's.
    """
    cells = jn.Population(LIF(post.shape[1], v_threshold=1e6), firing=HardThreshold(Stopped()))
    parts = {"cells": cells, "pre": jn.Port(pre.shape[1]), "teacher": jn.Port(post.shape[1])}
    wires = {"feed": projection, "teach": Dense("teacher", "cells", np.eye(post.shape[1]) * 1e9)}
    inputs = {"pre": SpikeTrain(pre, largest=max(1, int(pre.max()))), "teacher": SpikeTrain(post)}
    return jn.Simulation(jn.Network(parts, wires), inputs, duration=len(pre) * dt, dt=dt, **options)


def weights_after(sim, duration=None, key=0):
    """The weights of the projection ``feed`` at the end of a run."""
    state, _ = advance(sim, start(sim, key=key), duration or sim.duration)
    return np.asarray(state.carry.projections["feed"].state.weights, np.float64)


def change(pre, post, dt, *, delay=0, rule=RULE):
    """What additive plasticity without bounds adds to a weight, as the sum over all pairs of two trains, in float64."""
    arrived, fired = np.flatnonzero(pre) + delay, np.flatnonzero(post)
    value = pre[np.flatnonzero(pre)][arrived < len(pre)].astype(float)
    lag = dt * (fired[:, None] - arrived[arrived < len(pre)][None, :])
    up = rule["a_plus"] * (np.exp(-lag / rule["tau_plus"], where=lag > 0, out=np.zeros(lag.shape)) @ value)
    down = rule["a_minus"] * (np.exp(lag / rule["tau_minus"], where=lag < 0, out=np.zeros(lag.shape)) @ value)
    return rule["learning_rate"] * rule["w_max"] * (up.sum() - down.sum())


def trains(steps, sources, targets, p, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.random((steps, sources)) < p).astype(np.float32), (rng.random((steps, targets)) < p).astype(np.float32)


# the rule


@pytest.mark.parametrize("dt", slow_but([0.1, 0.25], [0.25]))
@pytest.mark.parametrize("delay", [0.0, 1.5])
def test_single_pairs_give_the_window_with_its_two_signs(dt, delay):
    lags = np.array([-200, -61, -7, -2, -1, 0, 1, 2, 7, 61, 200])
    pre, post = np.zeros((500, 1)), np.zeros((500, len(lags)))
    pre[250 - round(delay / dt)] = 1
    post[250 + lags, np.arange(len(lags))] = 1
    found = weights_after(
        taught(PairSTDP("pre", "cells", np.full((len(lags), 1), 0.5), delay=delay, **RULE), pre, post, dt)
    )
    size = np.where(lags > 0, np.exp(-dt * lags / 15.0), -0.8 * np.exp(dt * lags / 30.0)) * (lags != 0)
    np.testing.assert_allclose(found[:, 0] - 0.5, 0.01 * size, rtol=1e-5, atol=3e-8)
    assert found[lags == 0, 0] == 0.5


@pytest.mark.slow
@pytest.mark.parametrize("delay", slow_but([0, 1, 7], [7]), ids="delay{}".format)
@pytest.mark.parametrize(
    "signs",
    [(1.0, 0.8), pytest.param((1.0, 0.0), marks=pytest.mark.slow), pytest.param((0.0, 0.8), marks=pytest.mark.slow)],
    ids=["both", "up", "down"],
)
@pytest.mark.parametrize("dt", [0.1, 0.25])
def test_random_trains_give_the_sum_over_all_pairs(dt, signs, delay):
    rule = RULE | {"a_plus": signs[0], "a_minus": signs[1], "learning_rate": 2e-5}
    pre, post = trains(20_000, 3, 2, 0.06)
    assert (pre.sum(axis=0) >= 1000).all()
    assert (post.sum(axis=0) >= 1000).all()
    first = {1.0: 0.5, 0.0: 1.0}[signs[0]] if signs[1] else 0.0
    weights = np.full((2, 3), first)
    feed = PairSTDP("pre", "cells", weights, delay=delay * dt, wiring=Everywhere(), **rule)
    wanted = [[change(pre[:, j], post[:, i], dt, delay=delay, rule=rule) for j in range(3)] for i in range(2)]
    assert 1e-3 < np.abs(wanted).max() < 0.9
    found = weights_after(taught(feed, pre, post, dt))
    assert found.min() > 0
    assert found.max() < 1
    np.testing.assert_allclose(found, first + np.array(wanted), rtol=1e-5)
    if 0.0 in signs:  # the change by itself
        np.testing.assert_allclose(found - first, wanted, rtol=3e-5)


@pytest.mark.parametrize("bounds", [HardBounds(), SoftBounds()], ids=["hard", "soft"])
def test_a_weight_follows_the_rule_step_by_step_within_its_bounds(bounds):
    # Sums over all earlier spikes in every step, no traces; the hard bounds are reached.
    dt, delay, rule = 0.25, 3, RULE | {"learning_rate": 0.1}
    pre, post = trains(2000, 2, 2, 0.06, seed=3)
    arrived = np.concatenate([np.zeros((delay, 2)), pre])[:2000].astype(float)
    w = np.array([[0.2, 0.5], [0.9, 0.99]])
    lowest, highest = w.copy(), w.copy()
    feed = PairSTDP("pre", "cells", w, delay=delay * dt, bounds=bounds, **rule)
    for n in range(2000):
        past = np.exp(-dt * np.arange(n, 0, -1)[:, None] / np.array([15.0, 30.0]))
        up = 0.1 * post[n].astype(float)[:, None] * (past[:, 0] @ arrived[:n])[None, :]
        down = 0.08 * (past[:, 1] @ post[:n].astype(float))[:, None] * arrived[n][None, :]
        soft = isinstance(bounds, SoftBounds)
        w = np.clip(w + ((1 - w) * up - w * down if soft else up - down), 0, 1)
        lowest, highest = np.minimum(lowest, w), np.maximum(highest, w)
    if isinstance(bounds, HardBounds):
        assert (lowest.min(), highest.max()) == (0.0, 1.0)
    np.testing.assert_allclose(weights_after(taught(feed, pre, post, dt)), w, rtol=1e-5, atol=1e-6)


def test_hard_bounds_are_reached_exactly_and_left_again():
    pre, post = np.zeros((400, 1)), np.zeros((400, 1))
    pre[5:10], post[20:25] = 1, 1  # up
    post[205:210], pre[220:225] = 1, 1  # down
    sim = taught(PairSTDP("pre", "cells", [[0.5]], **RULE | {"learning_rate": 0.2}), pre, post, 1.0)
    states = [start(sim, key=0)]
    for _ in range(4):
        states.append(advance(sim, states[-1], 100.0)[0])
    course = [float(s.carry.projections["feed"].state.weights[0, 0]) for s in states]
    assert course == [0.5, 1.0, 1.0, 0.0, 0.0]


@pytest.mark.slow
def test_a_weight_that_starts_at_zero_is_no_synapse_unless_all_pairs_are():
    pre, post = trains(400, 3, 3, 0.1)
    weights = 0.5 * (1 - np.eye(3))
    rule = RULE | {"learning_rate": 0.001}
    alone = PairSTDP("pre", "cells", weights, **rule)
    found = weights_after(taught(alone, pre, post, 1.0))
    assert (np.diag(found) == 0).all()
    assert (found[weights > 0] != 0.5).all()
    np.testing.assert_array_equal(alone.fan_out(), [2, 2, 2])
    everywhere = PairSTDP("pre", "cells", weights, wiring=Everywhere(), **rule | {"a_minus": 0.1})
    assert (np.diag(weights_after(taught(everywhere, pre, post, 1.0))) > 0).all()
    np.testing.assert_array_equal(everywhere.fan_out(), [3, 3, 3])


def test_a_synapse_that_learned_its_way_to_zero_can_come_back():
    pre, post = np.zeros((200, 1)), np.zeros((200, 1))
    post[10], pre[11], pre[150], post[151] = 1, 1, 1, 1
    sim = taught(PairSTDP("pre", "cells", [[1e-3]], **RULE), pre, post, 1.0)
    assert weights_after(sim, 100.0)[0, 0] == 0
    assert weights_after(sim)[0, 0] == pytest.approx(0.01 * (np.exp(-1 / 15) - 0.0), rel=1e-3)


@pytest.mark.slow
def test_arrivals_count_with_their_value():
    rule = RULE | {"learning_rate": 1e-3}
    pre, post = trains(400, 2, 2, 0.06)
    noise = {"x": jn.noise.ReleaseNoise(jn.noise.PerStep(0.3), coupling=jn.noise.Multiplicative())}
    feed = PairSTDP("pre", "cells", np.full((2, 2), 0.5), noise=noise, **rule)
    graded = pre * (1 + 0.3 * normals(0, "projections.feed.x", 400, 2).astype(float))
    counts = pre * np.random.default_rng(0).integers(1, 4, pre.shape)
    for sim, value in (
        (taught(feed, pre, post, 0.25), graded),
        (taught(PairSTDP("pre", "cells", np.full((2, 2), 0.5), **rule), counts, post, 0.25), counts),
    ):
        wanted = [[0.5 + change(value[:, j], post[:, i], 0.25, rule=rule) for j in range(2)] for i in range(2)]
        np.testing.assert_allclose(weights_after(sim), wanted, rtol=1e-5)


def test_what_is_learned_in_a_step_is_transmitted_from_the_next_on():
    pre, post = np.zeros((7, 1)), np.zeros((7, 1))
    pre[[2, 4, 5]], post[[3, 4]] = 1, 1
    shown = {"trace": Trace(("current", "spikes"))}
    sim = taught(PairSTDP("pre", "cells", [[0.5]], **RULE), pre, post, 1.0, statistics=shown)
    # a teacher that is just strong enough, so that currents can be read off beside it
    sim = jn.paths.replace(sim, {"network.teach.weights": 64.0, "network.cells.neuron.v_threshold": 2.0})
    found = jn.simulate(sim, key=0)["trace"]
    np.testing.assert_array_equal(found.spikes, post)
    after_3 = 0.5 + 0.01 * np.exp(-1 / 15)
    after_4 = after_3 + 0.01 * np.exp(-2 / 15) - 0.008 * np.exp(-1 / 30)
    current = np.asarray(found.current, float)[:, 0] - 64 * post[:, 0]
    np.testing.assert_allclose(current, [0, 0, 0.5, 0, after_3, after_4, 0], atol=1e-5)


# fixed point


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dt", "rate_hz", "tau"), [pytest.param(0.25, 60.0, (10.0, 30.0), marks=pytest.mark.slow), (5.0, 20.0, (5.0, 30.0))]
)
def test_soft_bounds_come_to_rest_where_theory_says(dt, rate_hz, tau):
    pairs = 300
    feed = PairSTDP(
        "pre", "cells", np.eye(pairs) * 0.4, w_max=1.0, learning_rate=0.05, a_minus=0.5, tau_plus=tau[0], tau_minus=tau[1],
        bounds=SoftBounds(),
    )  # fmt: skip
    sim = taught(feed, np.zeros((1, pairs)), np.zeros((1, pairs)), dt)
    sim = eqx.tree_at(lambda s: s.inputs, sim, {"pre": PoissonSpikes(rate_hz), "teacher": PoissonSpikes(rate_hz)})
    relaxation = 1 / (0.05 * (rate_hz / 1000) ** 2 * (tau[0] + 0.5 * tau[1]))  # [ms]
    w = np.diag(weights_after(sim, dt * round(8 * relaxation / dt)))

    def check(amplitude, dt=dt):
        wanted = jn.theory.stdp_fixed_point(1.0, 0.5, tau_plus=tau[0], tau_minus=tau[1], dt=dt)
        assert_mean(amplitude * w, wanted)

    check(1.0)
    negative_control(check)
    if dt > 1:  # the correction for the grid is seen
        with pytest.raises(Deviation):
            check(1.0, dt=0.0)


# bits


def recurrent(projection, **options):
    """Noisy cells that drive each other through a projection ``cells -> cells`` called feed, and a port that drives them."""
    noise = {"membrane": jn.noise.VoltageNoise(jn.noise.Diffusion(0.2))}
    cells = jn.Population(LIF(20, tau_mem=10.0, refractory=2.0), noise=noise)
    feed = Dense("port", "cells", np.random.default_rng(1).random((20, 10)) * 2, kinetics=Exponential(3.0))
    network = jn.Network({"cells": cells, "port": jn.Port(10)}, {"feed": projection, "input": feed})
    inputs = {"port": PoissonSpikes(50.0), "cells": Constant(0.9)}
    return jn.Simulation(
        network, inputs, **{"duration": 100.0, "dt": 0.25, "statistics": {"raster": Raster()}} | options
    )


W = np.random.default_rng(2).random((20, 20)) * (1 - np.eye(20))


def plastic(**options):
    given = RULE | {"kinetics": Exponential(3.0), "delay": 1.0, "bounds": SoftBounds(), "learning_rate": 0.05} | options
    return PairSTDP("cells", "cells", W, **given)


@pytest.mark.slow
@pytest.mark.parametrize(
    "bounds", [pytest.param(HardBounds(), marks=pytest.mark.slow), SoftBounds()], ids=["hard", "soft"]
)
@pytest.mark.parametrize(
    "options",
    [{}, pytest.param({"delay": None, "kinetics": None}, marks=pytest.mark.slow)],
    ids=["delayed", "plain"],
)
def test_without_learning_it_is_dense_in_every_bit(bounds, options):
    given = {"kinetics": Exponential(3.0), "delay": 1.0} | options
    dense = recurrent(Dense("cells", "cells", W, sums=FixedSums(1.0), **given))
    still = recurrent(plastic(learning_rate=0.0, bounds=bounds, **given))
    shown = {"raster": Raster(), "v": Trace(("v", "current"))}
    one, other = (jn.simulate(s, key=1, statistics=shown, backend=jn.Scan(pinned=True)) for s in (dense, still))
    for x, y in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        np.testing.assert_array_equal(x, y)
    one, other = (jn.monte_carlo(s, [jn.Trials(3)], key=1, progress=False).raster for s in (dense, still))
    np.testing.assert_array_equal(one, other)
    assert np.unpackbits(one.values).sum() > 300
    learning = jn.monte_carlo(recurrent(plastic(**given)), [jn.Trials(3)], key=1, progress=False).raster
    assert (learning.values != other.values).any()


@pytest.mark.slow
def test_both_schedules_give_the_same_spikes():
    rng = np.random.default_rng(4)
    cells = {
        k: jn.Population(LIF(8, tau_mem=10.0), noise={"m": jn.noise.VoltageNoise(jn.noise.Diffusion(0.1))})
        for k in "abc"
    }
    wires = {
        "feed": PairSTDP("port", "a", rng.random((8, 8)), **RULE | {"learning_rate": 0.1}),
        "on": PairSTDP("a", "b", rng.random((8, 8)), delay=0.5, **RULE | {"learning_rate": 0.1}),
        "out": Dense("b", "c", rng.normal(size=(8, 8))),
        "start": Dense("port", "c", rng.random((8, 8))),
    }
    sim = jn.Simulation(
        jn.Network({**cells, "port": jn.Port(8)}, wires),
        {"port": PoissonSpikes(100.0), **{k: Constant(1.1) for k in "abc"}},
        duration=100.0,
        dt=0.25,
        statistics={k: Raster(population=k) for k in "abc"},
    )
    one, other = (jn.simulate(sim, key=0, backend=jn.Scan(schedule=s)) for s in (jn.ByStep(), jn.ByComponent()))
    for k in "abc":
        assert np.unpackbits(one[k]).sum() > 20
        np.testing.assert_array_equal(one[k], other[k])


@pytest.mark.slow
def test_members_of_a_batch_have_the_spikes_and_weights_that_they_have_alone():
    sim, root = recurrent(plastic()), random.root(3)
    rasters = [jn.monte_carlo(sim, [jn.Trials(4)], key=3, chunk=c, progress=False).raster.values for c in (1, 2, None)]
    np.testing.assert_array_equal(rasters[1], rasters[0])
    np.testing.assert_array_equal(rasters[2], rasters[0])

    def member(index):
        results, carried = measured(jn.Scan(), sim, root, Address.of({"trial": index}))
        return results["raster"], carried.projections["feed"].state.weights

    together = jax.jit(jax.vmap(member))(jnp.arange(4, dtype=jnp.uint32))
    np.testing.assert_array_equal(together[0], rasters[0])
    for trial in range(4):
        state, _ = advance(sim, start(sim, key=3, address={"trial": trial}), 100.0)
        alone = state.carry.projections["feed"].state.weights
        np.testing.assert_array_equal(together[1][trial], alone)
        assert (np.asarray(alone) != W.astype(np.float32))[W > 0].mean() > 0.9


@pytest.mark.slow
def test_a_run_in_odd_pieces_has_the_weights_of_the_uncut_one():
    sim = recurrent(plastic())
    whole, results = advance(sim, start(sim, key=5), 100.0)
    state = start(sim, key=5)
    for steps in (7, 1, 1, 150, 241):
        state, _ = advance(sim, state, steps * 0.25)
    for x, y in zip(*(jax.tree.leaves(s.carry.projections["feed"].state) for s in (whole, state)), strict=True):
        np.testing.assert_array_equal(x, y)
    np.testing.assert_array_equal(results["raster"], jn.simulate(sim, key=5)["raster"])


# gradients


@pytest.mark.slow
@pytest.mark.parametrize("bounds", [HardBounds(), SoftBounds()], ids=["hard", "soft"])
def test_gradients_through_learning_are_those_of_finite_differences(bounds):
    pre, post = trains(300, 2, 2, 0.1)
    weights = np.array([[0.3, 0.5], [0.6, 0.7]])
    feed = PairSTDP(
        "pre", "cells", weights, bounds=bounds, kinetics=Exponential(5.0), **RULE | {"learning_rate": 0.002}
    )
    sim = taught(feed, pre, post, 0.5, statistics={"v": Mean("v")})
    sim = jn.paths.replace(sim, {"network.teach.weights": 600.0 * jnp.eye(2), "network.cells.neuron.v_threshold": 8.0})
    np.testing.assert_array_equal(
        jn.statistics.unpack(jn.simulate(sim, key=0, statistics={"r": Raster()})["r"], 300), post
    )
    at = {
        "learning_rate": 0.002,
        "a_plus": 1.0,
        "a_minus": 0.8,
        "tau_plus": 15.0,
        "tau_minus": 30.0,
        "weights": weights,
    }
    leaves = [f"network.feed.{k}" for k in at]
    function = jax.jit(lambda *x: jn.as_function(sim, leaves, ["v"], key=0)(*x)[0].sum())
    values = [jnp.asarray(x, jnp.float32) for x in at.values()]
    slopes = jax.grad(function, argnums=tuple(range(len(at))))(*values)
    directions = [0.1 * x for x in values[:-1]] + [jnp.zeros((2, 2)).at[1, 0].set(0.1)]
    for k, direction in enumerate(directions):
        up, down = (function(*[x + s * direction if i == k else x for i, x in enumerate(values)]) for s in (1, -1))
        assert float((slopes[k] * direction).sum()) == pytest.approx(float(up - down) / 2, rel=2e-2), leaves[k]


@pytest.mark.slow
def test_gradients_of_learned_weights_are_those_of_finite_differences():
    pre, post = (jnp.asarray(x) for x in trains(200, 2, 2, 0.1))

    def final(rate, up, first):
        rule = RULE | {"learning_rate": rate, "a_plus": up}
        sim = taught(
            PairSTDP("pre", "cells", first, bounds=SoftBounds(), **rule), np.asarray(pre), np.asarray(post), 0.5
        )
        return advance(sim, start(sim, key=0), 100.0)[0].carry.projections["feed"].state.weights[0, 1]

    at = (jnp.float32(0.01), jnp.float32(1.0), jnp.full((2, 2), 0.5))
    slopes = jax.grad(final, argnums=(0, 1, 2))(*at)
    assert slopes[2][0, 0] == 0
    for k, width in ((0, 1e-3), (1, 0.1), (2, 0.05)):
        up, down = (final(*[x + s * width if i == k else x for i, x in enumerate(at)]) for s in (1, -1))
        assert float(slopes[k].sum()) == pytest.approx(float(up - down) / (2 * width), rel=5e-3)


def test_a_weight_at_a_bound_keeps_its_gradient_while_nothing_is_learned():
    pre, post = trains(50, 1, 1, 0.2)

    def final(first):
        sim = taught(PairSTDP("pre", "cells", first, **RULE | {"learning_rate": 0.0}), pre, post, 1.0)
        return advance(sim, start(sim, key=0), 50.0)[0].carry.projections["feed"].state.weights[0, 0]

    assert jax.grad(final)(jnp.full((1, 1), 1.0)) == 1.0


# bad input


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights": [[1.5]]}, r"PairSTDP.weights: must lie in \[0, 1\]: the range of .* is \[0, w_max\] \[nA\]; got"),
        ({"weights": [[-0.1]]}, r"PairSTDP.weights: must lie in \[0, 1\]"),
        ({"weights": [[0.1, 0.2]]}, r"network.feed.weights: must have the shape \[target, source\] = \(1, 1\)"),
        ({"w_max": 0.0}, r"PairSTDP.w_max: must be finite and > 0"),
        ({"learning_rate": -1.0}, r"PairSTDP.learning_rate: must be finite and >= 0"),
        ({"a_plus": np.nan}, r"PairSTDP.a_plus: must be finite and >= 0"),
        ({"a_minus": -1.0}, r"PairSTDP.a_minus: must be finite and >= 0"),
        ({"tau_plus": 0.0}, r"PairSTDP.tau_plus: must be finite and > 0 \[ms\]"),
        ({"tau_minus": -1.0}, r"PairSTDP.tau_minus: must be finite and > 0 \[ms\]"),
        ({"delay": -1.0}, r"network.feed.delay: must be finite and >= 0 \[ms\]"),
    ],
)
def test_bad_input_is_named(options, message):
    parts = {"cells": jn.Population(LIF(1)), "pre": jn.Port(1)}
    given = RULE | {"weights": [[0.5]]} | options
    with pytest.raises(InputError, match=message):
        jn.Network(parts, {"feed": PairSTDP("pre", "cells", given.pop("weights"), **given)})
