"""Brunel (2000), figure 8C, at its full size: 12,500 neurons of 1250 synapses each against the self-consistent theory.

The mean rate sees the reset, the weights and the sign of inhibition; the spread of counts sees in-degrees that differ; and the
delay, to the step, is the lag after which the autocorrelation of the activity falls most: the spikes that an excess of spikes
causes at once, by jumps over the threshold, come one delay later and no later.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import brentq

import jaxsnn_noise as jn
from jaxsnn_noise import theory
from jaxsnn_noise.synapses import Delta, FixedInDegree, FixedOutDegree, Sparse

EXCITATORY, INHIBITORY = 10_000, 2_500
SIZE = EXCITATORY + INHIBITORY
WEIGHT, G, OUTSIDE_HZ, SHARE = 0.1, 5.0, 20.0, 0.1
NEURON = {"tau_mem": 20.0, "v_threshold": 20.0, "v_reset": 10.0, "refractory": 2.0}
DT, DELAY = 0.1, 1.5
JUMP = DT / -math.expm1(-DT / NEURON["tau_mem"])
"""The charge [nA ms] that moves the membrane by 1 mV at the end of a step."""


def self_consistent_hz() -> float:
    """The rate that keeps itself up in the mean field: its own input makes Siegert's neuron fire at it."""
    tau, inputs = NEURON["tau_mem"] / 1e3, SHARE * EXCITATORY

    def excess(rate: float) -> float:
        mean = tau * WEIGHT * inputs * (OUTSIDE_HZ + rate * (1 - G / 4))
        variance = tau * WEIGHT**2 * inputs * (OUTSIDE_HZ + rate * (1 + G**2 / 4))
        sigma = theory.diffusion_sigma(math.sqrt(variance), tau_mem=NEURON["tau_mem"])
        return float(theory.siegert_rate_hz(mean, sigma, **NEURON)) - rate

    return float(brentq(excess, 1.0, 100.0))


def graphs(seed: int, exact: bool = True) -> dict[str, Sparse]:
    """A projection of either kind of source; without ``exact`` degrees are those on average."""
    found = {}
    for k, (name, first, sources, weight) in enumerate(
        (("excite", 0, EXCITATORY, WEIGHT), ("inhibit", EXCITATORY, INHIBITORY, -G * WEIGHT))
    ):
        rule = FixedInDegree(round(SHARE * sources)) if exact else FixedOutDegree(round(SHARE * SIZE))
        graph = rule.draw(2 * seed + k, (SIZE, sources))
        options = {"rows": graph.rows, "columns": graph.columns + first, "weights": weight * JUMP}
        found[name] = Sparse("cells", "cells", size=(SIZE, SIZE), kinetics=Delta(), delay=DELAY, **options)
    return found


def simulation(projections: dict[str, Sparse], duration: float = 1000.0) -> jn.Simulation:
    """The network with its input from outside, after 200 ms."""
    outside = jn.noise.PoissonBackground(OUTSIDE_HZ, WEIGHT * JUMP, SHARE * EXCITATORY)
    start = {"v": jn.laws.UniformBetween(0.0, NEURON["v_threshold"])}
    cells = jn.Population(jn.neurons.LIF(SIZE, **NEURON), noise={"outside": outside}, initial=start)
    statistics = {"spikes": jn.statistics.SpikeCount(), "activity": jn.statistics.PopulationRate(bin=DT)}
    network = jn.Network({"cells": cells}, projections)
    return jn.Simulation(network, duration=duration, dt=DT, warmup=200.0, statistics=statistics)


def judge(runs: list[dict[str, np.ndarray]], duration: float = 1000.0, delay: float = DELAY) -> None:
    """Rate, spread and delay; raises an AssertionError that names what is wrong."""
    counts = np.stack([run["spikes"] for run in runs])
    rates = counts.mean(axis=1) / duration * 1e3
    error = rates.std(ddof=1) / len(rates) ** 0.5 if len(rates) > 1 else 0.0
    wanted = self_consistent_hz()
    assert abs(rates.mean() - wanted) <= 0.03 * wanted + error, f"rate {rates.mean():.2f} ± {error:.2f} Hz"
    # alike in all numbers, neurons differ by chance alone: less than Poisson's, as each interval is more regular
    assert np.all(counts.var(axis=1) < counts.mean(axis=1)), f"variance {counts.var(axis=1)}"
    assert dropping(np.stack([run["activity"] for run in runs])) == round(delay / DT), "delay"


def dropping(activity: np.ndarray) -> int:
    """The lag [steps], from 0.8 ms on, after which the autocorrelation of the activity falls most."""
    centred = activity - activity.mean(axis=1, keepdims=True)
    lags = range(8, 40)
    lagged = [np.mean(centred[:, : centred.shape[1] - lag] * centred[:, lag:]) for lag in lags]
    return lags[int(np.argmin(np.diff(lagged)))]


def run(sim: jn.Simulation, key: int) -> dict[str, np.ndarray]:
    """One run, with arrays of NumPy."""
    return {k: np.asarray(v) for k, v in jn.simulate(sim, key=key).items() if k in sim.statistics}


def test_the_theory_has_its_fixed_point() -> None:
    assert self_consistent_hz() == pytest.approx(37.95, abs=0.01)


@pytest.mark.slow
def test_the_rate_is_that_of_the_theory() -> None:
    runs = []
    for seed in (1, 2):
        projections = graphs(seed)
        for projection, sources in zip(projections.values(), (EXCITATORY, INHIBITORY), strict=True):
            assert np.all(np.bincount(projection.rows, minlength=SIZE) == SHARE * sources)
        runs.append(run(simulation(projections), seed))
    judge(runs)


@pytest.mark.slow
def test_what_is_wrong_is_seen() -> None:
    duration = 400.0
    right = simulation(graphs(1), duration)
    judge([run(right, 3)], duration)
    for path, value in {
        "network.cells.neuron.v_reset": 8.0,
        "network.inhibit.weights": G * WEIGHT * JUMP,
        "network.excite.weights": 0.98 * WEIGHT * JUMP,
    }.items():
        with pytest.raises(AssertionError, match="rate"):
            judge([run(jn.paths.replace(right, {path: value}), 3)], duration)
    with pytest.raises(AssertionError, match="delay"):
        judge([run(right, 3)], duration, DELAY + DT)
    with pytest.raises(AssertionError, match=r"rate|variance"):
        judge([run(simulation(graphs(1, exact=False), duration), 3)], duration)
