"""A variance in parts: what wafers, dies, layers, neighbours, neurons and synapses have in common."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.statistical import assert_correlation, assert_variance, negative_control
from jaxsnn_noise import laws, paths, random
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.engine.addresses import Keys
from jaxsnn_noise.hardware import FloorPlan, Mismatch, VarianceSplit, floorplan

TAU, WEIGHTS = "network.cells.neuron.tau_mem", "network.recurrent.weights"
PLACES = np.stack(np.meshgrid(np.arange(5.0), np.arange(4.0)), -1).reshape(20, 2) * 10.0
LENGTH = 30.0
PLAN = FloorPlan(PLACES, length=LENGTH)
NEURONS, SYNAPSES = jnp.array([0, 0, 1], jnp.uint32), jnp.array([0, 1, 2], jnp.uint32)
DIES = 4000


def network(size: int = 20, *, recurrent: bool = False) -> jn.Network:
    cells = jn.Population(jn.neurons.LIF(size))
    if not recurrent:
        return jn.Network({"cells": cells})
    weights = jn.synapses.random_weights(shape=(size, size), probability=0.5, std=0.1, key=1)
    return jn.Network({"cells": cells}, {"recurrent": jn.synapses.Dense("cells", "cells", weights)})


def simulation(per: Any, *, path: str = TAU, law: Any = None, size: int = 20) -> jn.Simulation:
    chips = {"m": Mismatch(path, law or laws.LogNormal(0.2), per=per)}
    statistics = {"c": jn.statistics.SpikeCount()}
    inputs = {"cells": jn.coding.Constant(1.3)}
    return jn.Simulation(
        network(size, recurrent=path == WEIGHTS),
        inputs,
        duration=20.0,
        dt=1.0,
        imperfections=chips,
        statistics=statistics,
    )


def drawn(split: VarianceSplit, *, dies_per_wafer: int = 2) -> np.ndarray:
    """Scores [die, element] of two synapses of one neuron and one of another."""

    def die(index: jax.Array) -> jax.Array:
        key = random.stream(random.member(random.root(11), device=index), "m")
        wafer = random.stream(random.member(random.root(11), wafer=index // dies_per_wafer), "wafer")
        return split.scores(key, key, wafer, NEURONS, SYNAPSES)

    return np.asarray(jax.jit(jax.vmap(die))(jnp.arange(DIES)), np.float64)


def test_scores_have_the_shares_of_the_split_in_common() -> None:
    """False-alarm rate 1e-6 each; a share 20 % off fails."""
    split = VarianceSplit(wafer=2.0, die=1.0, layer=1.0, neuron=3.0, synapse=3.0)  # of 10
    z = drawn(split)
    assert_variance(z[::2], 1.0)

    def check(factor: float) -> None:
        assert_correlation(z[::2, 0], z[::2, 1], factor * 0.7)  # synapses of one neuron
        assert_correlation(z[::2, 0], z[::2, 2], factor * 0.4)  # neurons of one die
        assert_correlation(z[::2, 0], z[1::2, 0], factor * 0.2)  # dies of one wafer, the same synapse
        assert_correlation(z[::2, 0], z[1::2, 2], factor * 0.2)

    check(1.0)
    negative_control(check)
    assert_correlation(z[:-2:2, 0], z[2::2, 0], 0.0)  # wafers


@pytest.mark.slow
def test_each_part_alone_is_common_to_what_it_belongs_to() -> None:
    alike = {"wafer": (1, 1, 1), "die": (1, 1, 0), "layer": (1, 1, 0), "neuron": (1, 0, 0), "synapse": (0, 0, 0)}
    for level, (of_neuron, of_die, of_wafer) in alike.items():
        z = drawn(VarianceSplit(**{level: 0.3}))
        found = [np.array_equal(z[:, 0], z[:, 1]), np.array_equal(z[:, 0], z[:, 2]), np.array_equal(z[::2], z[1::2])]
        assert found == [of_neuron, of_die, of_wafer], level


@pytest.mark.slow
def test_neurons_alone_and_a_common_part_are_the_laws_that_say_so() -> None:
    net, key = network(), random.root(5)

    def tau(per: Any, law: Any) -> Any:
        return paths.get(Mismatch(TAU, law, per=per).apply(net, key), "cells.neuron.tau_mem")

    law = laws.LogNormal(0.2)
    np.testing.assert_array_equal(tau("neuron", law), tau(VarianceSplit(neuron=2.0), law))
    correlated = tau("neuron", laws.Correlated(law, rho=0.3))
    np.testing.assert_allclose(tau(VarianceSplit(die=0.3, neuron=0.7), law), correlated, rtol=1e-6)


@pytest.mark.slow
def test_a_share_of_zero_adds_nothing() -> None:
    both = VarianceSplit(die=0.0, neuron=1.0)
    np.testing.assert_array_equal(drawn(both), drawn(VarianceSplit(neuron=1.0)))


def test_the_field_has_its_covariance_and_the_gradient_its_variance() -> None:
    apart = np.sum((PLACES[:, None] - PLACES[None]) ** 2, axis=-1)
    modes, slopes = np.asarray(PLAN.modes, np.float64), np.asarray(PLAN.slopes, np.float64)
    np.testing.assert_allclose(modes.T @ modes, np.exp(-0.5 * apart / LENGTH**2), atol=2e-3)
    assert len(modes) < 20
    np.testing.assert_allclose((slopes**2).sum(0).mean(), 1.0, rtol=1e-6)
    np.testing.assert_allclose(slopes.sum(1), 0.0, atol=1e-5)


@pytest.mark.slow
def test_neighbours_have_the_field_and_the_gradient_in_common() -> None:
    apart = np.sum((PLACES[:, None] - PLACES[None]) ** 2, axis=-1)
    slopes = np.asarray(PLAN.slopes, np.float64)
    keys = jax.vmap(lambda i: random.member(random.root(3), device=i))(jnp.arange(DIES))
    split = VarianceSplit(field=0.5, gradient=0.3, neuron=0.2, plan=PLAN)
    every = jnp.arange(20, dtype=jnp.uint32)
    z = np.asarray(jax.jit(jax.vmap(lambda k: split.scores(k, k, None, every, every)))(keys), np.float64)
    near, across = (0, 1), slopes[:, 0] @ slopes[:, 1]
    variances = [0.7 + 0.3 * slopes[:, i] @ slopes[:, i] for i in near]
    expected = (0.5 * np.exp(-0.5 * apart[near] / LENGTH**2) + 0.3 * across) / np.sqrt(np.prod(variances))

    def check(factor: float) -> None:
        assert_correlation(z[:, near[0]], z[:, near[1]], factor * expected)

    check(1.0)
    negative_control(check)
    assert_variance(z, 0.7 + 0.3 * (slopes**2).sum(0))


def test_a_device_has_a_key_of_its_wafer_and_its_own_and_old_keys_stay() -> None:
    def key(axis: str | None, **address: int) -> list[int]:
        found = Keys(random.root(3), jn.Address.of(address), ()).of_device("m", axis)
        return np.asarray(found).tolist()

    assert key("wafer", wafer=1, device=2) == key("wafer", wafer=1, device=5, trial=3)
    assert key("device", wafer=1, device=2) == key("device", wafer=1, device=2, trial=3)
    made = [key("device", wafer=1, device=2), key("device", wafer=0, device=2), key("wafer", wafer=1, device=2)]
    assert len({tuple(one) for one in [*made, key("device", device=2), key(None, wafer=1)]}) == 5
    by_hand = random.stream(random.member(random.root(3), device=2), "m")
    assert key("device", device=2, trial=1) == np.asarray(by_hand).tolist()


@pytest.mark.slow
def test_chips_share_their_wafer_whatever_the_chunk_or_single_run() -> None:
    sim = simulation(VarianceSplit(wafer=1.0), path=WEIGHTS)
    axes = [jn.Wafers(2), jn.Devices(3)]
    grid = jn.Grid(sim, axes, key=4)
    chips = {
        (w, d): jn.chip(grid, sel={"wafer": w, "device": d}).projections["recurrent"].weights
        for w in range(2)
        for d in (0, 2)
    }
    assert np.array_equal(chips[0, 0], chips[0, 2])
    assert not np.array_equal(chips[0, 0], chips[1, 0])


@pytest.mark.slow
def test_wafers_have_the_same_bits_in_every_chunk() -> None:
    sim = simulation(VarianceSplit(wafer=0.3, die=0.2, field=0.2, neuron=0.3, plan=PLAN))
    axes = [jn.Wafers(3), jn.Devices(4)]
    runs = [jn.monte_carlo(sim, axes, key=4, chunk=chunk, progress=False)["c"] for chunk in ("auto", 5)]
    np.testing.assert_array_equal(*(np.asarray(run) for run in runs))
    alone = jn.simulate(sim, key=4, address={"wafer": 2, "device": 1}, backend=jn.Scan(pinned=True))["c"]
    np.testing.assert_array_equal(alone, runs[0].sel(wafer=2, device=1))
    more = jn.monte_carlo(sim, [jn.Wafers(4), jn.Devices(4)], key=4, progress=False)["c"]
    np.testing.assert_array_equal(more.sel(wafer=slice(0, 2)), runs[0])


@pytest.mark.slow
def test_devices_of_another_wafer_are_others_also_without_a_part_of_the_wafer() -> None:
    grid = jn.Grid(simulation("neuron"), [jn.Wafers(2), jn.Devices(2)], key=4)
    tau = [jn.chip(grid, sel={"wafer": w, "device": 0}).populations["cells"].neuron.tau_mem for w in range(2)]
    assert not np.any(tau[0] == tau[1])


@pytest.mark.slow
def test_gradients_flow_to_the_shares() -> None:
    net, key = network(), random.root(5)

    def sum_of(share: Any) -> Any:
        split = VarianceSplit(die=share, neuron=1.0 - share)
        return paths.get(Mismatch(TAU, laws.LogNormal(0.2), per=split).apply(net, key), "cells.neuron.tau_mem").sum()

    slope = jax.jit(jax.grad(sum_of))(jnp.float32(0.4))
    difference = (float(sum_of(jnp.float32(0.42))) - float(sum_of(jnp.float32(0.38)))) / 0.04
    np.testing.assert_allclose(slope, difference, rtol=0.02)


REFUSED: dict[str, Any] = {
    r"VarianceSplit: needs at least one part of the variance, of wafer, die": lambda: VarianceSplit(),
    r"VarianceSplit: needs a share above 0": lambda: VarianceSplit(die=0.0),
    r"VarianceSplit.die: must be finite and >= 0": lambda: VarianceSplit(die=-0.1),
    r"VarianceSplit.field: needs plan=FloorPlan": lambda: VarianceSplit(field=0.1),
    r"VarianceSplit.field: needs plan=FloorPlan\(positions, length": lambda: VarianceSplit(
        field=1.0, plan=FloorPlan(PLACES)
    ),
    r"VarianceSplit.plan: needs a share of field or gradient": lambda: VarianceSplit(neuron=1.0, plan=PLAN),
    r"FloorPlan.positions: must be finite numbers \[neuron, 2\] in um": lambda: FloorPlan(np.zeros((3, 3))),
    r"FloorPlan.positions: must hold two places": lambda: FloorPlan(np.ones((3, 2))),
    r"FloorPlan.length: must be finite and > 0 \[um\]": lambda: FloorPlan(PLACES, length=0.0),
    r"imperfections.m.per.synapse: needs weights": lambda: simulation(VarianceSplit(synapse=1.0)),
    r"imperfections.m.per.plan: must have a place for each of the 7 neurons": lambda: simulation(
        VarianceSplit(field=1.0, plan=PLAN), size=7
    ),
    r"Mismatch.law: must have no scores of its own": lambda: Mismatch(
        TAU, laws.Correlated(laws.LogNormal(0.1), rho=0.1), per=VarianceSplit(neuron=1.0)
    ),
    r"imperfections.m.law: must keep network.cells.neuron.tau_mem in its range": lambda: simulation(
        VarianceSplit(die=0.5, neuron=0.5), law=laws.Normal(0.12)
    ),
    r"simulate.address: must say 'wafer' too": lambda: jn.simulate(
        simulation(VarianceSplit(wafer=1.0)), key=0, address={"device": 1}
    ),
}


REFUSED_BY_STUDIES: dict[str, Any] = {
    r"monte_carlo.axes: the name 'wafer' is that of jn.Wafers": lambda: jn.monte_carlo(
        simulation("neuron"), [jn.Trials(2, name="wafer")], key=0
    ),
    r"imperfections.m: has a part of its wafer: add the axis jn.Wafers": lambda: jn.monte_carlo(
        simulation(VarianceSplit(wafer=1.0)), [jn.Devices(2)], key=0
    ),
    r"Wafers: needs an imperfection that draws": lambda: jn.monte_carlo(
        jn.Simulation(network(), duration=2.0, dt=1.0), [jn.Wafers(2)], key=0
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("rule", REFUSED_BY_STUDIES)
def test_studies_without_wafers_or_draws_are_refused(rule: str) -> None:
    with pytest.raises(InputError, match=rule):
        REFUSED_BY_STUDIES[rule]()


def test_a_field_of_too_many_components_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(floorplan, "MOST_MODES", 10)
    with pytest.raises(
        InputError, match=r"FloorPlan.length: must be longer \[um\]: the field needs 20 components, and 10"
    ):
        FloorPlan(PLACES, length=1.0)


@pytest.mark.parametrize("rule", REFUSED)
def test_what_does_not_fit_is_refused(rule: str) -> None:
    with pytest.raises(InputError, match=rule):
        REFUSED[rule]()
