"""Dynamics that are learned: PLIF as a LIF, rates by pattern, a band for time constants, where they start."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy import stats

import jaxsnn_noise as jn
from helpers.small_task import SGD, STILL, fit, points, quiet
from helpers.statistical import assert_mean, assert_variance, negative_control
from jaxsnn_noise.training import losses, optimisers
from jaxsnn_noise.training.loop import usual_promotion
from jaxsnn_noise.training.regularisers import RangeRegulariser

TAU, HIDDEN = "network.hidden.neuron.tau_mem", "network.input_to_hidden.weights"


def test_plif_is_a_lif_whose_time_constant_is_learned() -> None:
    """H = V + sigmoid(w) (X - (V - V_reset)), V = H (1 - S): spikes by a plain loop, for one w per layer."""
    rng = np.random.default_rng(0)
    x, dt = rng.uniform(0.0, 3.0, (300, 5)).astype(np.float32), 1.0
    for w in (-2.0, 0.0, 1.5):
        v, spikes = np.zeros(5), []
        for row in x:
            h = v + (row - v) / (1 + np.exp(-w))
            spikes.append((h >= 1.0).astype(float))
            v = h * (1 - spikes[-1])
        neuron = jn.neurons.LIF(5, tau_mem=dt / np.log1p(np.exp(w)))
        sim = jn.Simulation(
            jn.Network({"c": jn.Population(neuron)}), {"c": jn.coding.TimeSeries(x)}, duration=300.0, dt=dt
        )
        found = jn.simulate(sim, key=0, statistics={"s": jn.statistics.Trace(("spikes",))})["s"]["spikes"]
        np.testing.assert_array_equal(found, np.array(spikes))


def test_a_rate_by_pattern_is_the_step_times_its_factor() -> None:
    free = {TAU: jnp.ones(3), HIDDEN: jnp.ones((2, 2)), "network.output.weights": jnp.ones(2)}
    for base in (optax.adam(1e-2), optimisers.WarmupCosine(1e-2, warmup=0.0)):
        plain = base if isinstance(base, optax.GradientTransformation) else base(10)
        made = optimisers.ByPattern({"*.tau_mem": 5.0, "*.input_to_hidden.*": 0.0, "*.weights": 0.5}, base)(10)
        with usual_promotion():
            one, _ = plain.update(free, plain.init(free), free)
            other, _ = made.update(free, made.init(free), free)
        for name, factor in ((TAU, 5.0), (HIDDEN, 0.0), ("network.output.weights", 0.5)):
            np.testing.assert_allclose(other[name], factor * one[name], rtol=1e-6)


def fitted(**settings: Any) -> Any:
    return fit(quiet, points(24), trainable=["network.*.weights", TAU], tied=TAU, epochs=1, **settings)


@pytest.mark.slow
def test_training_moves_leaves_at_their_rates_and_a_pattern_of_none_is_refused() -> None:
    held = fitted(optimiser=optimisers.ByPattern({"*.tau_mem": 0.0}, SGD))
    tau = np.asarray(jn.paths.get(held.sim, TAU))
    np.testing.assert_allclose(tau, 20.0, rtol=1e-6)
    start = jn.paths.get(fitted(optimiser=STILL).sim, HIDDEN)
    assert np.abs(np.asarray(jn.paths.get(held.sim, HIDDEN)) - np.asarray(start)).max() > 1e-3
    with pytest.raises(
        jn.InputError, match=r"ByPattern\.factors: must be the path of a trained leaf.*tau_men.*tau_mem"
    ):
        fitted(optimiser=optimisers.ByPattern({"network.hidden.neuron.tau_men": 2.0}, SGD))
    decaying = optimisers.ByPattern({"*": 1.0}, optimisers.WarmupCosine(weight_decay=0.1))
    with pytest.raises(jn.InputError, match=r"WarmupCosine\.weight_decay: must be 0 where weights are trained as"):
        fitted(optimiser=decaying, transforms={"*.weights": jn.training.transforms.Between(-99.0, 99.0)})


def test_the_factor_of_tied_leaves_is_looked_up_by_their_first_path() -> None:
    sim = quiet(0)
    space = jn.training.free_space(sim, "*.tau_mem", tied=[("network.hidden.*", "network.output.*")])
    assert space.names() == (TAU,)
    with pytest.raises(jn.InputError, match=r"ByPattern\.factors"):
        optimisers.ByPattern({"network.output.*": 2.0}).check(space.names())


BAD = {
    r"ByPattern\.factors: must be a mapping": lambda: optimisers.ByPattern({}),
    r"ByPattern\.factors\['\*'\]: must be finite and >= 0": lambda: optimisers.ByPattern({"*": -1.0}),
    r"ByPattern\.of: must be an Optax": lambda: optimisers.ByPattern({"*": 1.0}, 0.1),
    r"RangeRegulariser: needs low or high": lambda: RangeRegulariser("*.tau_mem"),
    r"RangeRegulariser\.high: must lie above low": lambda: RangeRegulariser("*.tau_mem", low=3.0, high=2.0),
    r"RangeRegulariser\.patterns: needs": lambda: RangeRegulariser((), low=3.0),
    r"RangeRegulariser\.patterns: must be the path.*tau_men.*tau_mem": lambda: fitted(
        loss=losses.CrossEntropy() + RangeRegulariser("network.hidden.neuron.tau_men", low=1.0)
    ),
    r"fit\.loss: must read something of the network": lambda: fitted(loss=RangeRegulariser(TAU, low=1.0)),
    r"RangeRegulariser of network.hidden.neuron.tau_mem: must start strictly between 0": lambda: fitted(
        loss=losses.CrossEntropy() + RangeRegulariser(TAU, low=-1.0)
    ),
    r"heterogeneous\.patterns: must be the path": lambda: jn.networks.heterogeneous(quiet(0), "taus", jn.laws.LogNormal(0.5), key=0),
    r"tau_mem: must be finite and > 0": lambda: jn.networks.heterogeneous(quiet(0), TAU, jn.laws.Normal(3.0), key=0),
    r"graded\.patterns: must select leaves of at least two depths": lambda: jn.networks.graded(
        quiet(0).network, "hidden.neuron.tau_mem", first=1.0, last=2.0
    ),
    r"graded\.first: must be > 0": lambda: jn.networks.graded(quiet(0).network, "*.tau_mem", first=0.0, last=2.0),
}  # fmt: skip


@pytest.mark.parametrize("rule", BAD)
def test_what_does_not_fit_is_refused(rule: str) -> None:
    with pytest.raises(jn.InputError, match=rule):
        BAD[rule]()


def test_a_band_costs_what_lies_outside_in_free_values() -> None:
    sim = quiet(0)
    taus = np.array([1.0, 2.0, 4.0, 10.0, 20.0, 50.0, 200.0, 400.0])
    sim = jn.paths.replace(sim, {TAU: taus})
    outside = np.maximum(0, np.log(4.0 / taus)) ** 2 + np.maximum(0, np.log(taus / 100.0)) ** 2
    cost = 3.0 * RangeRegulariser(TAU, low=4.0, high=100.0)
    assert float(cost.penalty(sim)) == pytest.approx(3.0 * outside.mean(), rel=1e-5)
    both = losses.CrossEntropy() + cost
    assert float(both.penalty(sim)) == pytest.approx(3.0 * outside.mean(), rel=1e-5)
    assert losses.CrossEntropy().penalty(sim) is None
    weights = np.array([[-3.0, 0.0, 0.5]])
    part = RangeRegulariser("network.p.weights", low=-1.0, high=1.0)
    network = jn.Network(
        {"a": jn.Port(3), "c": jn.Population(jn.neurons.LIF(1))}, {"p": jn.synapses.Dense("a", "c", weights)}
    )
    of_weights = jn.Simulation(network, {"a": jn.coding.Constant(0.0)}, duration=1.0, dt=1.0)
    assert float(part.penalty(of_weights)) == pytest.approx(4.0 / 3.0)
    conducting = jn.synapses.Dense("a", "c", [[0.5, 0.0, 4.0]], kinetics=jn.synapses.Conductance(5.0, 2.0))
    absent = jn.Simulation(
        jn.Network(network.populations, {"p": conducting}), {"a": jn.coding.Constant(0.0)}, duration=1.0, dt=1.0
    )
    for ends in ({"high": 2.0}, {"high": 2.0, "low": 0.1}):  # of a synapse that is absent nothing is asked
        cost = RangeRegulariser("network.p.weights", **ends).penalty(absent)
        assert float(cost) == pytest.approx(np.log(2.0) ** 2 / 2, rel=1e-5)


@pytest.mark.slow
def test_a_band_is_told_in_training_alone_and_pulls_time_constants_in() -> None:
    band = losses.CrossEntropy(scale=10.0) + 5.0 * RangeRegulariser(TAU, low=2.0, high=8.0)
    free, held = (
        fitted(loss=one, optimiser=STILL, validation=points(12, 1)).history
        for one in (losses.CrossEntropy(scale=10.0), band)
    )
    assert held.loss.item() - free.loss.item() == pytest.approx(5.0 * np.log(20.0 / 8.0) ** 2, rel=1e-4)
    assert held.validation_loss.item() == free.validation_loss.item()
    pulled = fitted(loss=band, optimiser=optax.sgd(0.05))
    assert float(jn.paths.get(pulled.sim, TAU)[0]) < 13.0


def test_neurons_that_differ_have_the_spread_of_their_law() -> None:
    network = jn.networks.feedforward([2, 4000, 3], key=0)
    for law, cv in (
        (jn.laws.LogNormal(0.5), 0.5),
        (jn.laws.Empirical(stats.gamma(3).ppf((np.arange(999) + 0.5) / 999) / 3), 3**-0.5),
    ):
        made = jn.networks.heterogeneous(network, "hidden.neuron.tau_mem", law, key=1)
        tau = np.asarray(jn.paths.get(made, "hidden.neuron.tau_mem"), float)
        assert_mean(tau, 20.0)
        check = lambda factor, tau=tau, cv=cv: assert_variance(20 + factor * (tau - 20), (20 * cv) ** 2, kurtosis=None)  # noqa: E731
        check(1.0)
        negative_control(check)
    again = jn.networks.heterogeneous(network, "hidden.neuron.*", jn.laws.LogNormal(0.5), key=1)
    assert not np.array_equal(
        again.populations["hidden"].neuron.tau_mem, again.populations["hidden"].neuron.resistance * 20
    )
    np.testing.assert_array_equal(network.populations["hidden"].neuron.tau_mem, 20.0)


def test_time_constants_grow_with_depth_and_not_with_names() -> None:
    deep = jn.networks.feedforward([2, *[3] * 11, 2], key=0)
    made = jn.networks.graded(deep, ["hidden_*.neuron.tau_mem"], first=2.0, last=64.0)
    found = [float(made.populations[f"hidden_{i}"].neuron.tau_mem[0]) for i in range(1, 12)]
    np.testing.assert_allclose(found, 2.0 * 32.0 ** (np.arange(11) / 10), rtol=1e-6)
    np.testing.assert_array_equal(made.populations["output"].neuron.tau_mem, 20.0)
    # of a projection the depth of its target; a way round does not count
    parts = {"port": jn.Port(2), "a": jn.Population(jn.neurons.LIF(2)), "b": jn.Population(jn.neurons.LIF(2))}
    lines = {
        name: jn.synapses.Dense(s, t, np.eye(2), kinetics=jn.synapses.Exponential(1.0))
        for name, s, t in (("zz", "port", "a"), ("aa", "a", "b"), ("back", "b", "a"))
    }
    two = jn.networks.graded(jn.Network(parts, lines), "*.tau_syn", first=3.0, last=9.0)
    assert [float(two.projections[k].kinetics.tau_syn) for k in ("zz", "aa", "back")] == [3.0, 9.0, 3.0]
    # the shortest way counts, whatever the order in which ways are found
    cells = {name: jn.Population(jn.neurons.LIF(2)) for name in "abc"}
    ways = {
        s + t: jn.synapses.Dense(s, t, np.eye(2), kinetics=jn.synapses.Exponential(1.0))
        for s, t in (("port", "a"), ("port", "c"), ("c", "b"), ("a", "c"), ("b", "a"))
    }
    short = jn.networks.graded(jn.Network({"port": jn.Port(2), **cells}, ways), "*.neuron.tau_mem", first=4.0, last=9.0)
    assert [float(short.populations[k].neuron.tau_mem[0]) for k in "abc"] == [4.0, 9.0, 4.0]
