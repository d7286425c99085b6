"""NMDA synapses: the block, its fixed points, convergence to the equation, and what is refused."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, optimize

import jaxsnn_noise as jn
from jaxsnn_noise.synapses import NMDA, Conductance
from jaxsnn_noise.synapses.nmda import unblocked
from jaxsnn_noise.theory import magnesium_block

REST, TAU, R = -95.0, 20.0, 100.0


def run(
    kinetics: Any, signal: Any, *, weight: float, dt: float, duration: float, start: Any = None, size: int = 1
) -> np.ndarray:
    """The potential after each step [time, neuron]."""
    initial = {} if start is None else {"v": jn.laws.UniformBetween(*start)}
    cell = jn.neurons.LeakyIntegrator(size, tau_mem=TAU, v_rest=REST, resistance=R)
    feed = jn.synapses.Dense("port", "cells", np.full((size, 1), weight), kinetics=kinetics)
    parts = {"port": jn.Port(1), "cells": jn.Population(cell, initial=initial)}
    course = {"v": jn.statistics.Trace("v")}
    sim = jn.Simulation(
        jn.Network(parts, {"feed": feed}), {"port": signal}, duration=duration, dt=dt, statistics=course
    )
    return np.asarray(jn.simulate(sim, key=0)["v"].v, float)


def equation(t: float, v: np.ndarray, g: Any, magnesium: float = 1.0) -> np.ndarray:
    return (-(v - REST) - R * g(t) * magnesium_block(v, magnesium) * v) / TAU


@pytest.mark.slow
@pytest.mark.parametrize("rise", [None, pytest.param(3.0, marks=pytest.mark.slow)])
def test_it_converges_to_the_equation_in_first_order(rise: float | None) -> None:
    scale = (
        1.0
        if rise is None
        else float(jn.theory.double_exponential_charge(1.0, tau_syn=60.0, tau_rise=rise)) / (60.0 - rise)
    )

    def g(t: float) -> float:
        return 0.04 * scale * (np.exp(-t / 60.0) - (0.0 if rise is None else np.exp(-t / rise)))

    exact = integrate.solve_ivp(
        equation, (0, 100), [REST], args=(g,), rtol=1e-10, atol=1e-10, t_eval=np.arange(1, 101.0)
    )
    errors = []
    for dt in (1.0, 0.5, 0.25):
        train = np.zeros((round(100 / dt), 1))
        train[0] = 1
        v = run(NMDA(60.0, tau_rise=rise), jn.coding.SpikeTrain(train), weight=0.04, dt=dt, duration=100.0)
        errors.append(np.abs(v[round(1 / dt) - 1 :: round(1 / dt), 0] - exact.y[0]).max())
    assert np.ptp(exact.y) > 2.0
    assert errors[0] < 0.1
    for coarse, fine in pairwise(errors):
        assert coarse / fine == pytest.approx(2.0, abs=0.25)


@pytest.mark.parametrize(
    "dt", [pytest.param(0.1, marks=pytest.mark.slow), 1.0, pytest.param(5.0, marks=pytest.mark.slow)]
)
def test_a_steady_conductance_has_the_fixed_points_of_the_equation_at_any_step(dt: float) -> None:
    """The block makes the membrane bistable: where it ends depends on where it starts, and both ends are roots."""
    g = 0.07

    def slope(v: float) -> float:
        return float(equation(0.0, np.asarray(v), lambda _: g))

    roots = [optimize.brentq(slope, a, b) for a, b in ((-95, -80), (-70, -45), (-30, -5))]
    kinetics, hold = NMDA(5.0), jn.coding.Constant(1.0)
    weight = g * dt / 5.0  # held at 1: the mean conductance is w tau/dt
    v = run(kinetics, hold, weight=weight, dt=dt, duration=1000.0, start=(-95.0, 0.0), size=40)
    last = v[-1]
    low = last < roots[1]
    np.testing.assert_allclose(last[low], roots[0], atol=2e-3)
    np.testing.assert_allclose(last[~low], roots[2], atol=2e-3)
    assert 0 < low.sum() < 40


def test_without_magnesium_it_is_a_conductance_to_the_last_digits() -> None:
    train = jn.coding.SpikeTrain(np.arange(200)[:, None] % 37 == 0)
    one, other = (
        run(kinetics, train, weight=0.01, dt=0.5, duration=100.0)
        for kinetics in (NMDA(50.0, tau_rise=2.0, magnesium=0.0), Conductance(50.0, 0.0, 2.0))
    )
    np.testing.assert_allclose(one, other, rtol=5e-7)


def test_the_block_is_that_of_theory() -> None:
    v = np.linspace(-120, 60, 50, dtype=np.float32)
    for magnesium in (0.0, 0.5, 2.0):
        found = unblocked(jnp.asarray(v), jnp.float32(magnesium))
        np.testing.assert_allclose(found, magnesium_block(v, magnesium), rtol=3e-6)


def test_neurons_whose_potentials_count_from_rest_are_refused() -> None:
    def network(threshold: float) -> jn.Network:
        cells = jn.Population(jn.neurons.LIF(1, v_threshold=threshold, v_rest=threshold - 15, v_reset=threshold - 15))
        feed = jn.synapses.Dense("port", "cells", [[0.1]], kinetics=NMDA(100.0))
        return jn.Network({"port": jn.Port(1), "cells": cells}, {"feed": feed})

    network(-50.0)
    with pytest.raises(jn.InputError, match=r"network.feed.kinetics.magnesium: needs absolute potentials.* got 15.0"):
        network(15.0)
    with pytest.raises(jn.InputError, match=r"NMDA.magnesium: must be finite and >= 0 \[mM\]"):
        NMDA(100.0, magnesium=-1.0)
    with pytest.raises(jn.InputError, match=r"NMDA.tau_rise: must lie below tau_syn"):
        NMDA(100.0, tau_rise=100.0)
