"""Gap junctions: two cells in closed form, with and without noise; larger graphs against a plain loop; spikelets."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import linalg

import jaxsnn_noise as jn
from helpers.statistical import assert_correlation, assert_variance, negative_control
from jaxsnn_noise.synapses import GapJunctions

TAU, R = 20.0, 50.0


def coupled(
    weights: Any, *, current: Any = 0.0, noise: Any = None, dt: float = 0.1, duration: float = 60.0, **options: Any
) -> Any:
    size = len(weights)
    cells = jn.Population(jn.neurons.LeakyIntegrator(size, tau_mem=TAU, v_rest=-65.0, resistance=R), noise=noise or {})
    network = jn.Network({"cells": cells}, {"gap": GapJunctions("cells", "cells", weights)})
    statistics = options.pop("statistics", {"v": jn.statistics.Trace("v")})
    inputs = {"cells": jn.coding.Constant(current)}
    return jn.Simulation(network, inputs, duration=duration, dt=dt, statistics=statistics, **options)


def pair(g: float) -> np.ndarray:
    return np.array([[0.0, g], [g, 0.0]])


def test_two_cells_relax_with_the_time_constants_of_their_sum_and_difference() -> None:
    g, errors = 0.02, []
    tau_d = TAU / (1 + 2 * R * g)
    for dt in (0.4, 0.2, 0.1):
        v = np.asarray(jn.simulate(coupled(pair(g), current=[0.2, 0.0], dt=dt), key=0)["v"].v, float) + 65.0
        t = dt * np.arange(1, len(v) + 1)
        total = R * 0.2 * -np.expm1(-t / TAU)
        apart = R * 0.2 / (1 + 2 * R * g) * -np.expm1(-t / tau_d)
        exact = np.stack([total + apart, total - apart], axis=1) / 2
        errors.append(np.abs(v - exact).max())
    assert errors[2] < 0.02
    assert errors[0] / errors[1] == pytest.approx(2.0, abs=0.2)
    assert errors[1] / errors[2] == pytest.approx(2.0, abs=0.2)


@pytest.mark.parametrize(
    "dt", [pytest.param(0.1, marks=pytest.mark.slow), 1.0, pytest.param(20.0, marks=pytest.mark.slow)]
)
def test_the_steady_state_is_exact_at_any_step(dt: float) -> None:
    v = (
        np.asarray(jn.simulate(coupled(pair(0.02), current=[0.2, 0.0], dt=dt, duration=600.0), key=0)["v"].v, float)[-1]
        + 65.0
    )
    assert v[1] / v[0] == pytest.approx(float(jn.theory.coupling_coefficient(0.02, resistance=R)), rel=1e-4)
    np.testing.assert_allclose(v.sum(), R * 0.2, rtol=1e-4)


@pytest.mark.slow
def test_a_graph_of_cells_is_the_linear_system() -> None:
    rng = np.random.default_rng(0)
    g = np.triu(rng.random((7, 7)) < 0.5, 1) * rng.uniform(0.002, 0.02, (7, 7))
    g, current = g + g.T, rng.uniform(0, 0.3, 7)
    v = np.asarray(jn.simulate(coupled(g, current=current, dt=0.05, duration=40.0), key=0)["v"].v, float) + 65.0
    flow = (R * (g - np.diag(g.sum(axis=1))) - np.eye(7)) / TAU
    end = np.linalg.solve(-flow, R * current / TAU)
    for at in (100, 400, 800):
        exact = end - linalg.expm(flow * 0.05 * at) @ end
        np.testing.assert_allclose(v[at - 1], exact, atol=0.02)


@pytest.mark.slow
def test_noise_is_shared_as_the_closed_form_says() -> None:
    """400 pairs: variances and the covariance of each."""
    g, pairs, dt = 0.02, 400, 0.1
    weights = np.kron(np.eye(pairs), pair(g))
    noise = {"membrane": jn.noise.VoltageNoise(jn.noise.Diffusion(0.3))}
    trace = {"v": jn.statistics.Trace("v", every=800)}
    sim = coupled(weights, noise=noise, dt=dt, duration=160.0, warmup=80.0, statistics=trace)
    v = np.asarray(jn.simulate(sim, key=2)["v"].v, float).reshape(-1, pairs, 2).reshape(-1, 2)
    variance, covariance = jn.theory.gap_junction_moments(0.3, g, tau_mem=TAU, resistance=R)
    share = float(covariance / variance)
    assert share == pytest.approx(float(jn.theory.coupling_coefficient(g, resistance=R)))
    assert_variance(v, variance)
    negative_control(lambda a: assert_variance(a * v, variance))
    assert_correlation(v[:, 0], v[:, 1], share)
    negative_control(lambda a: assert_correlation(v[:, 0], v[:, 1], share * a), off_by=0.3)


def firing(spikelet: float, delay: float | None = None, **options: Any) -> jn.Simulation:
    first = jn.neurons.LIF(1, tau_mem=TAU, v_rest=-65.0, v_reset=-65.0, v_threshold=-50.0, resistance=R)
    second = jn.neurons.LeakyIntegrator(1, tau_mem=TAU, v_rest=-65.0, resistance=R)
    gap = GapJunctions("first", "second", [[0.01]], spikelet=spikelet, delay=delay)
    network = jn.Network({"first": jn.Population(first), "second": jn.Population(second)}, {"gap": gap})
    statistics = {
        "v": jn.statistics.Trace("v", population="second"),
        "s": jn.statistics.Trace("spikes", population="first"),
    }
    inputs = {"first": jn.coding.Constant(0.5)}
    return jn.Simulation(network, inputs, duration=30.0, dt=0.1, statistics=statistics, **options)


def test_a_spikelet_is_a_charge_that_follows_the_spike() -> None:
    """One way only, so what differs is the spikelet alone: a jump of ``R G spikelet/tau`` that decays with ``tau/(1 + R G)``."""
    without, with_it, later = (jn.simulate(firing(*o), key=0) for o in ((0.0,), (40.0,), (40.0, 1.0)))
    spikes = np.flatnonzero(np.asarray(with_it["s"].spikes))
    np.testing.assert_array_equal(spikes, np.flatnonzero(np.asarray(without["s"].spikes)))
    extra = (np.asarray(with_it["v"].v, float) - np.asarray(without["v"].v, float))[:, 0]
    k = spikes[0]
    tau = TAU / (1 + R * 0.01)
    assert np.abs(extra[: k + 1]).max() == 0
    kick = R * 0.01 * 40.0 / TAU * tau / 0.1 * -np.expm1(-0.1 / tau)
    np.testing.assert_allclose(extra[k + 1 : k + 80], kick * np.exp(-0.1 / tau * np.arange(79)), rtol=2e-3)
    moved = (np.asarray(later["v"].v, float) - np.asarray(without["v"].v, float))[:, 0]
    np.testing.assert_allclose(moved[10:200], extra[1:191], atol=2e-5)  # a delay of 10 steps in place of one


@pytest.mark.slow
def test_batches_have_the_same_spikes() -> None:
    rng = np.random.default_rng(1)
    g = rng.uniform(0.0, 0.01, (30, 30))
    g = np.triu(g, 1) + np.triu(g, 1).T
    cells = jn.neurons.LIF(30, tau_mem=TAU, v_rest=-65.0, v_reset=-60.0, v_threshold=-50.0, resistance=R)
    noise = {"membrane": jn.noise.VoltageNoise(jn.noise.Diffusion(1.0))}
    network = jn.Network(
        {"cells": jn.Population(cells, noise=noise)}, {"gap": GapJunctions("cells", "cells", g, spikelet=5.0)}
    )
    statistics = {"v": jn.statistics.Last("v"), "n": jn.statistics.SpikeCount()}
    sim = jn.Simulation(network, {"cells": jn.coding.Constant(0.4)}, duration=50.0, dt=0.25, statistics=statistics)
    many = jn.monte_carlo(sim, [jn.Trials(5)], key=0, progress=False, chunk=5)
    assert many["n"].values.sum() > 50
    one = jn.simulate(sim, key=0, address={"trial": 3})
    np.testing.assert_allclose(one["v"], many["v"].values[3], rtol=1e-6)
    np.testing.assert_array_equal(one["n"], many["n"].values[3])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: coupled([[0.0, 0.1], [0.2, 0.0]]), r"network.gap.weights: a gap junction conducts both ways"),
        (lambda: coupled([[0.1, 0.1], [0.1, 0.0]]), r"network.gap.weights: a cell has no gap junction with itself"),
        (lambda: coupled(-pair(0.1)), r"GapJunctions.weights: must be finite and >= 0 \[uS\]"),
        (lambda: GapJunctions("a", "a", pair(0.1), spikelet=-1.0), r"GapJunctions.spikelet: must be finite and >= 0 \[mV ms\]"),
        (
            lambda: jn.Network(
                {"port": jn.Port(2), "cells": jn.Population(jn.neurons.LIF(2))}, {"gap": GapJunctions("port", "cells", pair(0.1))}
            ),
            r"network.gap.source: must be a population: a port has no potentials",
        ),
    ],
)  # fmt: skip
def test_bad_input_is_named(make: Any, message: str) -> None:
    with pytest.raises(jn.InputError, match=message):
        make()
