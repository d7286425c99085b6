"""Declarations: what they say, who reads them, and what is told when a value breaks them."""

from __future__ import annotations

import inspect

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from jaxsnn_noise import paths
from jaxsnn_noise._checks import InputError
from jaxsnn_noise._typing import Leaf, Parameter
from jaxsnn_noise.parameters import (
    Range,
    Ranged,
    above,
    below,
    between,
    declaration,
    declarations,
    fraction,
    nonnegative,
    parameter,
    positive,
    real,
)
from jaxsnn_noise.training import transforms

SIGMA = "network.cells.noise.x.amplitude.sigma"


def simulation(source=None, **options):
    noise = {"x": jn.noise.VoltageNoise(jn.noise.Diffusion(0.1)) if source is None else source}
    cells = jn.Population(jn.neurons.LIF(3, refractory=2.0), noise=noise, **options)
    return jn.Simulation(
        jn.Network({"cells": cells}), {"cells": jn.coding.Constant(1.1)}, duration=10.0, dt=1.0,
        statistics={"rate": jn.statistics.Rate()},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("range_", "inside", "outside", "rule"),
    [
        (real, [-1e30, 0.0], [np.inf, np.nan], "must be finite"),
        (positive, [1e-30], [0.0, -1.0, np.inf, np.nan], "must be finite and > 0"),
        (nonnegative, [0.0], [-1e-30, np.inf], "must be finite and >= 0"),
        (fraction, [0.0, 1.0], [-1e-7, 1.0000001, np.nan], "must lie in [0, 1]"),
        (between(-2, 3), [-2.0, 3.0], [-2.1, 3.1], "must lie in [-2, 3]"),
        (above(2.0), [2.1], [2.0, np.inf], "must be finite and > 2"),
        (below(2.0), [-7.0], [2.0, -np.inf], "must be finite and < 2"),
        (Range(0, 1, low_open=True, high_open=True), [0.5], [0.0, 1.0], "must lie in (0, 1)"),
        (Range(0.0, finite=False), [np.inf, 0.0], [-1.0, np.nan], "must be >= 0"),
        (Range(1, 24, whole=True), [1.0, 24.0], [0.0, 1.5, 25.0], "must be whole numbers in [1, 24]"),
        (Range(0, whole=True), [3.0], [-1.0, 0.5], "must be whole numbers >= 0"),
        (Range(why="see there"), [3.0], [np.nan], "must be finite: see there"),
    ],
)
def test_a_range_holds_what_its_rule_says(range_, inside, outside, rule):
    assert range_.rule == rule
    assert all(range_.holds(np.asarray([0.5 * (inside[0] + inside[-1]) if not range_.whole else x, x])) for x in inside)
    assert not any(range_.holds(np.asarray([inside[0], x])) for x in outside)


def test_a_new_neuron_is_its_fields():
    class Resonant(jn.neurons.Neuron):
        tau_slow: Parameter = parameter("ms", positive, default=30.0)
        coupling: Parameter = parameter("1", between(-1.0, 1.0))
        shape: Parameter | None = parameter("mV", real, default=None)
        reset: jn.neurons.Reset = jn.neurons.ResetToValue()

        def rest(self):
            return None

        def integrate(self, state, drive, key, dt):
            return state

        def threshold(self, state):
            return self.coupling

        def after_spikes(self, state, spikes, dt):
            return state

        @classmethod
        def example(cls):
            return cls(2, coupling=0.5)

    made = Resonant(4, coupling=[0.1, 0.2, 0.3, 0.4])
    assert made.tau_slow.tolist() == [30.0] * 4
    assert (made.shape, made.coupling.dtype, made.reset.detach) == (None, jnp.float32, False)
    assert sorted(declarations(made)) == ["coupling", "tau_slow"]
    shown = inspect.signature(Resonant)
    assert list(shown.parameters) == ["size", "tau_slow", "coupling", "shape", "reset"]
    assert shown.parameters["tau_slow"].default == 30.0
    assert shown.parameters["coupling"].default is inspect.Parameter.empty
    assert shown.parameters["coupling"].kind is inspect.Parameter.KEYWORD_ONLY
    with pytest.raises(InputError, match=r"Resonant.coupling: has no default and must be given"):
        Resonant(4)
    with pytest.raises(InputError, match=r"Resonant.coupling: must lie in \[-1, 1\] \[1\]; got"):
        Resonant(4, coupling=2.0)
    with pytest.raises(InputError, match=r"Resonant: has no such argument; got 'tau_slov'. Did you mean 'tau_slow'"):
        Resonant(4, coupling=0.0, tau_slov=3.0)
    with pytest.raises(InputError, match=r"Resonant.tau_slow: must be one number or one per neuron \(shape \(4,\)\)"):
        Resonant(4, coupling=0.0, tau_slow=[1.0, 2.0])


@pytest.mark.parametrize("bad", [True, "20", 1j, None, [[1.0], [2.0, 3.0]]])
def test_what_is_no_real_number_is_refused_by_name(bad):
    with pytest.raises(InputError, match=r"LIF.tau_mem: must be real numbers; got"):
        jn.neurons.LIF(3, tau_mem=bad)
    with pytest.raises(InputError, match=r"OrnsteinUhlenbeck.tau: must be real numbers; got"):
        jn.noise.OrnsteinUhlenbeck(bad)


def test_every_leaf_of_a_simulation_has_a_unit():
    sources = {
        "a": (jn.noise.VoltageNoise(jn.noise.Diffusion(0.1)), "amplitude.sigma", "mV/sqrt(ms)"),
        "b": (jn.noise.CurrentNoise(jn.noise.Diffusion(0.1)), "amplitude.sigma", "nA sqrt(ms)"),
        "c": (jn.noise.CurrentNoise(jn.noise.PerStep(0.1)), "amplitude.sigma", "nA"),
        "d": (jn.noise.ThresholdNoise(jn.noise.Intensity(0.1)), "amplitude.D", "mV^2"),
        "e": (jn.noise.CurrentNoise(jn.noise.PerStep(0.1), coupling=jn.noise.Multiplicative()), "amplitude.sigma", "1"),
        "f": (jn.noise.VoltageNoise(jn.noise.Diffusion(0.1), coupling=jn.noise.Multiplicative()), "amplitude.sigma", "1/sqrt(ms)"),
    }  # fmt: skip
    for source, leaf, unit in sources.values():
        sim = simulation(source, firing=jn.NoisyThreshold(0.1))
        said = declarations(sim)
        assert said[f"network.cells.noise.x.{leaf}"].unit == unit
        assert all(found.unit for found in said.values())
        assert f"network.cells.noise.x.{leaf} = 0.1 [{unit}]" in jn.report(sim)
        assert "network.cells.neuron.refractory = 2 (3) [ms]" in jn.report(sim)
    assert declarations(sim)["inputs.cells.values"].unit == "nA"


@pytest.mark.parametrize(
    ("kinetics", "unit", "low"),
    [
        (jn.synapses.Held(), "nA", -np.inf),
        (jn.synapses.Delta(), "nA ms", -np.inf),
        (jn.synapses.Conductance(5.0, 2.0), "uS", 0.0),
    ],
)
def test_weights_are_in_the_unit_and_range_of_their_kinetics(kinetics, unit, low):
    projection = jn.synapses.Dense("a", "b", np.eye(5) * 0.5, kinetics=kinetics)
    said = declarations(projection)["weights"]
    assert (said.unit, said.range.ends()[0], said.absent) == (unit, low, True)


def test_the_spread_of_a_law_is_in_the_unit_of_what_it_perturbs():
    sim = simulation()
    mismatch = jn.hardware.Mismatch("network.cells.neuron.v_threshold", jn.laws.Offset(0.1), per="neuron")
    sim = eqx.tree_at(lambda s: s.imperfections, sim, {"m": mismatch})
    assert declaration(sim, "imperfections.m.law.sigma").unit == "mV"


# ---- who tells what is wrong, however it came about ----


def test_a_leaf_exchanged_by_tree_at_is_told_before_computing():
    sim = eqx.tree_at(
        lambda s: s.network.populations["cells"].neuron.tau_mem, simulation(), jnp.asarray([1.0, -2.0, 3.0])
    )
    with pytest.raises(InputError, match=r"^network.cells.neuron.tau_mem: must be finite and > 0 \[ms\]; got .*-2"):
        jn.simulate(sim, key=0)


def test_a_gradient_step_out_of_the_range_is_told_before_computing():
    sim = simulation()
    grads = jax.tree.map(jnp.ones_like, eqx.filter(sim, eqx.is_inexact_array))
    stepped = eqx.apply_updates(sim, jax.tree.map(lambda g: -0.5 * g, grads))
    with pytest.raises(InputError, match=rf"^{SIGMA}: must be finite and >= 0 \[mV/sqrt\(ms\)\]; got .*-0.4"):
        jn.simulate(stepped, key=0)


def test_a_sweep_out_of_the_range_is_told_with_its_first_bad_value():
    with pytest.raises(InputError, match=rf"^Sweep of {SIGMA}: must be finite and >= 0 \[mV/sqrt\(ms\)\]; got .*-0.2"):
        jn.monte_carlo(simulation(), [jn.Sweep(SIGMA, [0.1, -0.2, 0.3])], key=0, progress=False)
    with pytest.raises(InputError, match=rf"^Vary of {SIGMA}: must be finite and >= 0"):
        jn.monte_carlo(simulation(), [jn.Vary({SIGMA: [0.1, -0.2]})], key=0, progress=False)
    with pytest.raises(InputError, match=r"no such name .*; got 'neurn'. Did you mean 'neuron'"):
        jn.monte_carlo(simulation(), [jn.Sweep("network.cells.neurn.tau_mem", [1.0])], key=0, progress=False)


def test_a_law_whose_extreme_leaves_the_range_is_told():
    mismatch = jn.hardware.Mismatch("network.cells.neuron.tau_mem", jn.laws.Normal(0.3), per="neuron")
    rule = r"^imperfections.m.law: must keep network.cells.neuron.tau_mem in its range .*must be finite and > 0 \[ms\]; got"
    with pytest.raises(InputError, match=rule):
        jn.Simulation(simulation().network, duration=10.0, dt=1.0, imperfections={"m": mismatch})


def test_coordinates_of_sweeps_have_unit_and_path():
    study = jn.monte_carlo(simulation(), [jn.Sweep(SIGMA, [0.1, 0.2])], key=0, progress=False)
    assert study["sigma"].attrs == {"units": "mV/sqrt(ms)", "path": SIGMA}


# ---- training ----


@pytest.mark.parametrize(
    ("range_", "kind"),
    [
        (real, transforms.Unbounded),
        (positive, transforms.Positive),
        (nonnegative, transforms.Positive),
        (fraction, transforms.Between),
        (above(2.0), transforms.Above),
        (below(-1.0), transforms.Below),
    ],
)
def test_the_transform_of_a_leaf_is_that_of_its_range(range_, kind):
    class Scratch(Ranged):
        leaf: Leaf = parameter("1", range_)

    transform = transforms.within(declarations(Scratch(0.5 * sum(np.clip(range_.ends(), -3, 3))))["leaf"])
    assert type(transform) is kind
    for free in (-9.0, 0.0, 9.0):
        assert range_.holds(np.asarray(transform.constrain(jnp.float32(free))))


def test_conductances_are_trained_above_zero_and_absent_synapses_stay_absent():
    weights = np.where(np.eye(4), 0.0, 0.3)
    projection = jn.synapses.Dense("a", "b", weights, kinetics=jn.synapses.Conductance(5.0, 2.0))
    transform = transforms.within(declarations(projection)["weights"])
    free = transform.free(projection.weights)
    slopes = jax.grad(lambda u: jnp.sum(jnp.square(transform.constrain(u) - 1.0)))(free)
    moved = transform.constrain(free - 0.1 * slopes)
    assert np.all(np.isfinite(slopes))
    assert np.all(np.asarray(moved)[np.eye(4) > 0] == 0.0)
    assert np.all(np.asarray(moved)[np.eye(4) == 0] > 0.3)
    assert paths.get(projection, "weights").shape == (4, 4)
