"""GIF and SRM0 as compositions: escape rate, moving threshold, spike-triggered current; against a likelihood in double precision."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.statistical import Deviation, assert_ks
from jaxsnn_noise.neurons import LIF, AdaptiveLIF
from jaxsnn_noise.synapses import Exponential, Sparse

DT, SIZE, DURATION = 0.5, 200, 1500.0
CELL = {"tau_mem": 15.0, "v_threshold": 1.0, "v_reset": 0.0, "refractory": 2.0}
SFA, STC = (40.0, 0.25), (60.0, -0.08)
"""Time constant [ms] and jump of the threshold [mV]; of the spike-triggered current [nA]."""
ESCAPE = jn.EscapeRate(jn.ExponentialHazard(at_threshold_hz=20.0, width=0.15))


def current(t: np.ndarray) -> np.ndarray:
    return 1.2 + 0.3 * np.sin(t / 37.0)


def run(neuron: Any, *, after_spike: tuple[float, float] | None) -> Any:
    cells = jn.Population(neuron, firing=ESCAPE)
    projections = {}
    if after_spike is not None:
        tau, jump = after_spike
        own = {"rows": np.arange(SIZE), "columns": np.arange(SIZE), "size": (SIZE, SIZE)}
        projections["stc"] = Sparse("cells", "cells", **own, weights=jump, kinetics=Exponential(tau))
    signal = jn.coding.TimeSeries(current(np.arange(round(DURATION / DT)) * DT))
    network = jn.Network({"cells": cells}, projections)
    sim = jn.Simulation(network, {"cells": signal}, duration=DURATION, dt=DT)
    names = ("v", "spikes", "threshold", "current", "probability")
    return jn.simulate(sim, key=2, statistics={"t": jn.statistics.Trace(names)})["t"]


def rescaled(spikes: np.ndarray, *, sfa: tuple[float, float], stc: tuple[float, float]) -> np.ndarray:
    """Integrals of the hazard between spikes, given the trains: exponential if the model is the one that made them.

    Written from the model's equations; within the step of the spike the passage is drawn given that it falls there (Haslinger,
    Pipa, Brown 2010, doi:10.1162/neco_a_00015).
    """
    rng = np.random.default_rng(4)
    v, lift, triggered, since = (np.zeros(SIZE) for _ in range(4))
    held, seen = np.zeros(SIZE, int), []
    for k, fired in enumerate(spikes):
        now = current(k * DT) + triggered * stc[0] / DT * -np.expm1(-DT / stc[0])
        lift = lift * np.exp(-DT / sfa[0])
        free = held == 0
        v = np.where(free, now + (v - now) * np.exp(-DT / CELL["tau_mem"]), v)
        held = np.maximum(held - 1, 0)
        hazard = np.where(free, 0.02 * np.exp((v - CELL["v_threshold"] - lift) / 0.15) * DT, 0.0)
        inside = -np.log1p(-rng.uniform(size=SIZE) * -np.expm1(-hazard))
        seen += list((since + inside)[fired & (since > 0)])
        since = np.where(fired, 0.0, since + hazard)
        triggered = triggered * np.exp(-DT / stc[0]) + stc[1] * fired
        v, lift = np.where(fired, CELL["v_reset"], v), lift + sfa[1] * fired
        held = np.where(fired, round(CELL["refractory"] / DT), held)
    return np.array(seen)


def exponential(t: np.ndarray) -> np.ndarray:
    return -np.expm1(-t)


@pytest.mark.slow
def test_a_generalized_integrate_and_fire_neuron_has_the_hazard_of_its_equations() -> None:
    """Rescaled by the hazard of the right model, intervals are exponential; with any part left out they are not."""
    neuron = AdaptiveLIF(SIZE, **CELL, tau_adapt=SFA[0], jump=SFA[1])
    spikes = np.asarray(run(neuron, after_spike=STC).spikes) > 0
    assert spikes.sum() > 3000
    assert_ks(rescaled(spikes, sfa=SFA, stc=STC), exponential)
    for wrong in (
        {"sfa": (SFA[0], 0.8 * SFA[1]), "stc": STC},
        {"sfa": SFA, "stc": (STC[0], 0.5 * STC[1])},
        {"sfa": (1.0, 0.0), "stc": STC},
    ):
        with pytest.raises(Deviation):
            assert_ks(rescaled(spikes, **wrong), exponential)


@pytest.mark.slow
def test_without_memory_beyond_the_last_spike_it_is_srm0() -> None:
    """LIF with an escape rate: the hazard depends on the time since the last spike alone."""
    trace = run(LIF(SIZE, **CELL), after_spike=None)
    spikes = np.asarray(trace.spikes) > 0
    none = {"sfa": (1.0, 0.0), "stc": (1.0, 0.0)}
    assert_ks(rescaled(spikes, **none), exponential)
    # potentials of neurons that fired last in the same step are the same, whatever came before
    v, steps = np.asarray(trace.v), np.arange(len(spikes))[:, None]
    last = np.maximum.accumulate(np.where(spikes, steps, 0), axis=0)
    for k in (200, 700, 1500):
        groups = [v[k, last[k - 1] == step] for step in np.unique(last[k - 1])]
        assert max(len(group) for group in groups) > 1
        assert max(np.ptp(group) for group in groups) == 0
