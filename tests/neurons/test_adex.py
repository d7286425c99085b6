"""The adaptive exponential neuron: against double precision, its eight patterns by numbers, its rest, and what is refused."""

from __future__ import annotations

import functools
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

import jaxsnn_noise as jn
from jaxsnn_noise.neurons import ADEX_PATTERNS, AdEx
from jaxsnn_noise.signals import Drive

NAMES = list(ADEX_PATTERNS)
PUBLISHED = np.array(
    [  # C [pF], g_L [nS], E_L [mV], a [nS], tau_w [ms], b [pA], V_r [mV], I [pA]; V_T -50 mV, slope factor 2 mV
        [200, 10, -70, 2, 30, 0, -58, 500],
        [200, 12, -70, 2, 300, 60, -58, 500],
        [130, 18, -58, 4, 150, 120, -50, 400],
        [200, 10, -58, 2, 120, 100, -46, 210],
        [200, 12, -70, -10, 300, 0, -58, 300],
        [100, 10, -65, -10, 90, 30, -47, 110],
        [100, 10, -65, 10, 90, 100, -47, 180],
        [100, 12, -60, -11, 130, 30, -48, 160],
    ],
    float,
).T


@functools.cache
def neurons() -> tuple[AdEx, np.ndarray]:
    """One neuron of each pattern, and their currents."""
    chosen = {k: [p.parameters[k] for p in ADEX_PATTERNS.values()] for k in ADEX_PATTERNS[NAMES[0]].parameters}
    return AdEx(len(NAMES), **chosen), np.array([p.current for p in ADEX_PATTERNS.values()])


@functools.cache
def run(dt: float, duration: float) -> tuple[np.ndarray, Any]:
    """Spikes [step, pattern], and the trace."""
    neuron, currents = neurons()
    network = jn.Network({"cells": jn.Population(neuron)})
    sim = jn.Simulation(network, {"cells": jn.coding.Constant(currents)}, duration=duration, dt=dt)
    trace = jn.simulate(sim, key=0, statistics={"t": jn.statistics.Trace(("v", "spikes", "state.w"))})["t"]
    return np.asarray(trace.spikes) > 0, trace


def slopes(v: np.ndarray, w: np.ndarray, which: Any = slice(None)) -> tuple[np.ndarray, np.ndarray]:
    """In pF, nS, mV, pA and ms, as published; beyond the peak (0 mV) as there."""
    c, g, leak, a, tau, _, _, current = PUBLISHED[:, which]
    v = np.minimum(v, 0.0)
    return (-g * (v - leak) + 2 * g * np.exp((v + 50) / 2) - w + current) / c, (a * (v - leak) - w) / tau


def test_the_table_is_the_published_one() -> None:
    columns = ("capacitance", "g_leak", "v_leak", "a", "tau_w", "b", "v_reset")
    scale = {"capacitance": 1000, "g_leak": 1000, "a": 1000, "b": 1000}
    for row, pattern in zip(PUBLISHED.T, ADEX_PATTERNS.values(), strict=True):
        given = [pattern.parameters[k] * scale.get(k, 1) for k in columns]
        np.testing.assert_allclose([*given, 1000 * pattern.current], row)
        assert (pattern.parameters["v_onset"], pattern.parameters["slope_factor"]) == (-50.0, 2.0)


@pytest.mark.slow
@pytest.mark.parametrize("dt", [0.05, 0.1, 0.25])
def test_it_is_what_its_equations_say(dt: float) -> None:
    """Spikes of half a second to one step, against a loop in double precision; less where rounding grows.

    The irregular pattern is chaotic, and that of delayed bursts has neither leak nor adaptation at rest: both cancel.
    """
    spikes, trace = run(dt, 500.0)
    neuron, _ = neurons()
    v, w = (np.asarray(x, float) for x in (neuron.rest().v, 1000.0 * neuron.rest().w))
    seen, fired = [], []
    for _ in range(round(500.0 / dt)):
        dv, dw = slopes(v, w)
        dv_ahead, dw_ahead = slopes(v + dt * dv, w + dt * dw)
        v, w = np.minimum(v + 0.5 * dt * (dv + dv_ahead), 0.0), w + 0.5 * dt * (dw + dw_ahead)
        seen.append((v, w))
        fired.append(v >= 0.0)
        v, w = np.where(fired[-1], PUBLISHED[6], v), w + PUBLISHED[5] * fired[-1]
    for k, name in enumerate(NAMES):
        ours, theirs = np.flatnonzero(spikes[:, k]), np.flatnonzero(np.array(fired)[:, k])
        until = {"irregular spiking": 60.0, "delayed regular bursting": 150.0}.get(name, np.inf) / dt
        ours, theirs = ours[ours < until], theirs[theirs < until]
        assert len(ours) == len(theirs) > 0, name
        assert np.abs(ours - theirs).max() <= 1, name
    early = round(20.0 / dt)  # before rounding has grown
    np.testing.assert_allclose(trace.v[:early], np.array(seen)[:early, 0], atol=0.05)
    np.testing.assert_allclose(1000.0 * np.asarray(trace["state.w"])[:early], np.array(seen)[:early, 1], atol=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in NAMES if n != "irregular spiking"])
def test_intervals_are_those_of_continuous_time(name: str) -> None:
    """The first to two steps, all to 1 % or three steps: against an adaptive Runge-Kutta rule with events, at dt 0.02 ms."""
    k, dt = NAMES.index(name), 0.02
    found = np.flatnonzero(run(dt, 600.0)[0][:, k]) * dt
    neuron, _ = neurons()
    state = np.array([float(neuron.rest().v[k]), 1000.0 * float(neuron.rest().w[k])])
    peak = lambda t, x: x[0] + 15.0  # noqa: E731  # a millionth of a ms before 0 mV
    peak.terminal = True  # type: ignore[attr-defined]
    times, now = [], 0.0
    while now < 600.0:
        part = solve_ivp(lambda t, x: slopes(x[0], x[1], k), (now, 600.0), state, events=peak, rtol=1e-8, atol=1e-8)
        now, state = float(part.t[-1]), np.array([PUBLISHED[6, k], part.y[1, -1] + PUBLISHED[5, k]])
        times += [now] if part.t_events[0].size else []
    exact = np.array(times)
    assert abs(len(found) - len(exact)) <= 1
    assert abs(found[0] - exact[0]) <= 2 * dt
    several = min(len(found), len(exact), 12 if name == "delayed regular bursting" else 1000)
    np.testing.assert_allclose(np.diff(found[:several]), np.diff(exact[:several]), rtol=0.01, atol=3 * dt)


def intervals(name: str) -> tuple[float, np.ndarray]:
    """The latency and the intervals [ms] in two seconds."""
    times = np.flatnonzero(run(0.1, 2000.0)[0][:, NAMES.index(name)]) * 0.1
    return float(times[0]), np.diff(times)


def test_eight_patterns_are_told_by_their_intervals() -> None:
    latency, gaps = intervals("tonic spiking")
    assert np.ptp(gaps[10:]) <= 0.1
    assert gaps[0] > 0.9 * gaps[-1]

    latency, gaps = intervals("adaptation")
    assert (np.diff(gaps[:6]) > 0).all()
    assert gaps[-1] > 5 * gaps[0]
    assert np.ptp(gaps[-5:]) <= 0.2

    latency, gaps = intervals("initial burst")
    assert (gaps[:2] < 10).all()
    assert (gaps[2:] > 50).all()
    assert np.ptp(gaps[5:]) <= 0.2

    latency, gaps = intervals("regular bursting")
    assert np.ptp(gaps[3::2][:8]) < 1.0
    assert np.ptp(gaps[2::2][:8]) < 5.0
    assert gaps[2::2][:8].min() > 20 * gaps[3::2][:8].max()

    latency, gaps = intervals("delayed accelerating")
    assert latency > 1.5 * gaps[0]
    assert (np.diff(gaps[:20]) < 0).all()
    assert gaps[-1] < 0.6 * gaps[0]

    latency, gaps = intervals("delayed regular bursting")
    pauses = np.flatnonzero(gaps > 30)
    assert latency > 10 * gaps[0]
    np.testing.assert_array_equal(np.diff(pauses), 4)  # four spikes a burst
    assert np.ptp(gaps[pauses]) < 3.0
    assert gaps[gaps < 30].max() < 10

    times = np.flatnonzero(run(0.1, 2000.0)[0][:, NAMES.index("transient spiking")]) * 0.1
    assert 1 <= len(times) <= 5
    assert times[-1] < 100.0
    assert -50.0 > float(run(0.1, 2000.0)[1].v[-1, NAMES.index("transient spiking")]) > -60.0

    latency, gaps = intervals("irregular spiking")
    assert np.std(gaps) > 0.4 * np.mean(gaps)
    for period in range(1, 13):  # no short cycle is repeated
        assert np.abs(gaps[20 + period :] - gaps[20:-period]).max() > 2.0


def test_it_rests_where_both_equations_stand_still() -> None:
    neuron = AdEx(2, a=[0.004, -0.02], v_onset=[-50.4, -60.0])
    state = neuron.rest()
    moved = neuron.drift(state, Drive(jnp.zeros(2)))
    np.testing.assert_allclose(moved.v, 0.0, atol=2e-5)
    np.testing.assert_allclose(moved.w, 0.0, atol=1e-8)
    for k, (a, onset) in enumerate([(0.004, -50.4), (-0.02, -60.0)]):
        flat = lambda v, a=a, onset=onset: 0.03 * (-(v + 70.6) + 2 * np.exp((v - onset) / 2)) - a * (v + 70.6)  # noqa: E731
        np.testing.assert_allclose(float(state.v[k]), brentq(flat, -75.0, onset - 3.0), atol=2e-5)
    # where the leak and the adaptation pull in no direction there is no rest
    np.testing.assert_array_equal(AdEx(1, a=-0.03).rest().v, np.float32(-70.6))


@pytest.mark.slow
def test_in_refractory_time_the_adaptation_goes_on() -> None:
    neuron = AdEx(1, refractory=2.0, tau_w=10.0, a=0.0)
    network = jn.Network({"cells": jn.Population(neuron)})
    sim = jn.Simulation(network, {"cells": jn.coding.Constant(2.0)}, duration=30.0, dt=0.25)
    trace = jn.simulate(sim, key=0, statistics={"t": jn.statistics.Trace(("v", "spikes", "state.w"))})["t"]
    at = np.flatnonzero(np.asarray(trace.spikes)[:, 0])[0]
    v, w = np.asarray(trace.v)[:, 0], np.asarray(trace["state.w"])[:, 0]
    np.testing.assert_array_equal(v[at + 1 : at + 9], np.float32(-70.6))
    assert v[at + 9] > -70.6
    expected = 0.0805 * np.exp(-0.25 * np.arange(1, 9) / 10.0)
    np.testing.assert_allclose(w[at + 1 : at + 9] - w[at] * np.exp(-0.025 * np.arange(1, 9)), expected, rtol=1e-3)


def test_a_step_beyond_a_tenth_of_the_shorter_time_constant_is_refused() -> None:
    def sim(**options: Any) -> jn.Simulation:
        return jn.Simulation(jn.Network({"cells": jn.Population(AdEx(2, **options))}), duration=10.0, dt=1.0)

    with pytest.raises(jn.InputError, match=r"at most 0.937 ms"):
        jn.simulate(sim(), key=0)
    with pytest.raises(jn.InputError, match=r"at most 0.5 ms"):
        jn.simulate(sim(capacitance=1.0, tau_w=[5.0, 100.0]), key=0)
    with pytest.raises(jn.InputError, match=r"AdEx.v_leak: must lie below v_onset, on one scale with it"):
        sim(v_leak=0.0)
    with pytest.raises(jn.InputError, match=r"AdEx.v_onset: must lie below v_peak \[mV\]"):
        sim(v_onset=30.0)
