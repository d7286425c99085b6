"""The bridge rule against continuous time: mean and spread of intervals of neurons from 1 to 135 Hz, at steps of 0.1 and 1 ms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jaxsnn_noise as jn
from jaxsnn_noise import noise

SCORES = 4.5
"""Standard errors that chance is left: a false-alarm rate of 7e-6 a comparison."""

NNMT = [(2, 30), (4, 40), (22, 30), (30, 40), (22, 0.5), (30, 0.3)]
MORE = [(14, 5), (16, 3), (18, 2), (19, 1), (20, 5), (20, 1), (25, 2), (25, 10), (40, 4), (10, 10), (12, 20), (8, 10)]
UNIT = [(0.5, 0.4), (0.8, 0.2), (0.8, 0.4), (1.0, 0.2), (1.2, 0.2), (1.2, 0.4)]
POINTS = np.array(
    [(m, s, 10.0, 2.0, 20.0, 0.0) for m, s in NNMT + MORE]
    + [(m, s, 20.0, 2.0, 1.0, 0.0) for m, s in UNIT]
    + [(15, 2, 10.0, 2.0, 15.0, 0.0), (12, 4, 10.0, 2.0, 15.0, 0.0), (18, 1, 10.0, 2.0, 15.0, 0.0), (21.03, 7.68, 20.0, 2.0, 20.0, 10.0)]
)  # fmt: skip
"""Mean drive, Brunel's sigma [mV], tau_mem, refractory time [ms], threshold and reset [mV]."""
RARE = np.array([(m, s, 10.0, 2.0, 20.0, 0.0) for m, s in [(17.5, 1.2), (14, 3), (12, 4.5), (8, 7)]])
"""Of 1.3 to 4.1 Hz, whose intervals vary so much that chance leaves more than the bars."""
FAST = [2, 3, 4, 5, 10, 17, 20, 23]


def theory(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rate [Hz], mean [ms] and variance [ms^2] of intervals in continuous time."""
    rate, cv = (function(points[:, 0], points[:, 1] / points[:, 2] ** 0.5, **_neuron(points)) for function in (jn.theory.siegert_rate_hz, jn.theory.siegert_cv))  # fmt: skip
    return rate, 1000.0 / rate, np.square(cv * 1000.0 / rate)


def _neuron(points: np.ndarray) -> dict[str, Any]:
    return dict(zip(("tau_mem", "refractory", "v_threshold", "v_reset"), points[:, 2:].T, strict=True))


def intervals(
    points: np.ndarray, rule: Any, *, dt: float, duration: float, copies: int, current: bool = False
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Number, mean [ms] and variance [ms^2] of the intervals of each point, of neurons in units of their own noise."""
    mean, brunel, tau, refractory, threshold, reset = np.repeat(points, copies, axis=0).T
    scale = np.sqrt(tau) / brunel
    neuron = jn.neurons.LIF(
        len(mean),
        tau_mem=tau,
        v_threshold=threshold * scale,
        v_reset=reset * scale,
        refractory=refractory,
        resistance=tau,
    )
    source = (noise.CurrentNoise if current else noise.VoltageNoise)(noise.Diffusion(1.0))
    sim = jn.Simulation(
        jn.Network({"cells": jn.Population(neuron, noise={"membrane": source}, firing=rule)}),
        {"cells": jn.coding.Constant(mean * scale / tau)},
        duration=duration, dt=dt, warmup=100.0, statistics={"sums": jn.statistics.IntervalSums()},
    )  # fmt: skip
    sums = jn.simulate(sim, key=1)["sums"]
    unit = dt / float(sums.parts[0])
    total = lambda x: np.asarray(x, np.float64).reshape(len(points), copies).sum(1)  # noqa: E731
    count, first = total(sums.count), total(sums.total) * unit
    second = total(np.asarray(sums.squares, np.float64) + 2.0**32 * np.asarray(sums.squares_high)) * unit**2
    return count, first / count, second / count - np.square(first / count)


def beyond(points: np.ndarray, found: Any, *, dt: float, duration: float, times: bool) -> dict[str, np.ndarray]:
    """By how much mean and spread lie outside of their bars and what chance leaves; none is 0.

    The mean of the intervals of a record is low by their variance over its length, as long ones do not fit into it.
    """
    count, mean, variance = found
    rate, expected, spread = theory(points)
    expected, spread = (expected, spread) if times else (expected + dt / 2, spread + dt**2 / 12)
    expected = expected - spread / duration
    cv2 = np.square(rate / 1000.0) * spread
    off = np.abs(mean - expected) - 0.05 * dt - SCORES * np.sqrt(spread / count)
    # fourth moments as of gamma intervals; the spread of records is low by a few of their intervals
    chance = SCORES * np.sqrt((2.0 + 6.0 * cv2) / count) + 3.0 * cv2 / (rate * duration / 1000.0)
    relative = np.abs(variance / spread - 1.0)
    allowed = 0.02 if times else 0.01  # of the variance: 1 % of the standard deviation
    return {"mean": np.maximum(off, 0.0), "spread": np.maximum(relative - allowed - chance, 0.0)}


def within(points: np.ndarray, found: Any, **options: Any) -> np.ndarray:
    """Which points lie within both bars."""
    off = beyond(points, found, **options)
    return (off["mean"] == 0) & (off["spread"] == 0)


def locked(points: np.ndarray, dt: float) -> np.ndarray:
    """Points whose intervals vary by less than half a step: they lock to the grid (:func:`theory.bridge_interval`)."""
    return np.sqrt(theory(points)[2]) < 0.5 * dt


def test_the_points_are_those_that_they_should_be() -> None:
    rate, _, _ = theory(POINTS)
    weak = POINTS[:, 1] / (POINTS[:, 4] - POINTS[:, 5])
    assert len(POINTS) >= 24
    assert rate.min() < 6
    assert 130 < rate.max() < 135
    assert (weak.min(), weak.max()) == (0.015, 2.0)
    assert locked(POINTS, 1.0).sum() == 1
    assert not locked(POINTS, 0.1).any()


@pytest.mark.parametrize("current", [False, True])
def test_with_times_inside_a_step_of_1_ms_intervals_are_those_of_continuous_time(current: bool) -> None:
    points, options = POINTS[FAST], {"dt": 1.0, "duration": 6000.0}
    found = intervals(points, jn.BridgeThreshold(times=True), **options, copies=100, current=current)
    assert within(points, found, **options, times=True).all(), beyond(points, found, **options, times=True)


@pytest.mark.slow
def test_without_times_they_are_longer_by_half_a_step_and_a_hard_threshold_misses_far_more() -> None:
    points, options = POINTS[FAST], {"dt": 1.0, "duration": 6000.0}
    found = intervals(points, jn.BridgeThreshold(), **options, copies=100)
    fits, lock = within(points, found, **options, times=False), locked(points, 1.0)
    assert fits[~lock].all(), beyond(points, found, **options, times=False)
    _check_locked(points, found, lock, dt=1.0)
    # negative controls: the rule that looks at ends of steps only, and the wrong one of both bars
    hard = intervals(points, jn.HardThreshold(), **options, copies=100)
    assert not within(points, hard, **options, times=False)[~lock].any()
    late = beyond(points, found, **options, times=True)["mean"]  # by half a step, of which these have intervals enough
    assert (late[[2, 3]] > 0).all()


def _check_locked(points: np.ndarray, found: Any, lock: np.ndarray, *, dt: float) -> None:
    """Where spikes lock to the grid, no rule that puts them at ends of steps has the bar; theory knows what is there."""
    for point, count, mean, variance in zip(points[lock], *(one[lock] for one in found), strict=True):
        expected = jn.theory.bridge_interval(point[0], point[1] / point[2] ** 0.5, dt=dt, **{k: v[0] for k, v in _neuron(point[None]).items()})  # fmt: skip
        assert abs(mean - expected[0]) < 0.02 * dt + SCORES * np.sqrt(expected[1] / count)
        np.testing.assert_allclose(variance, expected[1], rtol=0.01)
        assert variance / (theory(point[None])[2][0] + dt**2 / 12) > 1.5


@pytest.mark.slow
@pytest.mark.parametrize("times", [False, True])
@pytest.mark.parametrize("dt", [0.1, 1.0])
def test_all_points_lie_within_their_bars(dt: float, times: bool) -> None:
    slow = theory(POINTS)[0] < 20.0
    for which, duration in ((slow, 200_000.0), (~slow, 50_000.0)):
        points, copies = POINTS[which], 8 if dt < 1.0 else 40
        found = intervals(points, jn.BridgeThreshold(times=times), dt=dt, duration=duration, copies=copies)
        lock = np.zeros(len(points), bool) if times else locked(points, dt)
        fits = within(points, found, dt=dt, duration=duration, times=times)
        assert fits[~lock].all(), beyond(points, found, dt=dt, duration=duration, times=times)
        _check_locked(points, found, lock, dt=dt)


@pytest.mark.slow
@pytest.mark.parametrize(("dt", "times"), [(0.1, True), (1.0, False), (1.0, True)])
def test_rare_spikes_lie_within_what_chance_leaves_and_a_hard_threshold_does_not(dt: float, times: bool) -> None:
    """50,000 intervals and more (dt 1 ms), 5,000 (0.1 ms): chance leaves 2 and 6 % of their mean."""
    options = {"dt": dt, "duration": 400_000.0 if dt == 1.0 else 40_000.0}
    found = intervals(RARE, jn.BridgeThreshold(times=times), **options, copies=100)
    assert within(RARE, found, **options, times=times).all(), beyond(RARE, found, **options, times=times)
    if not times:
        hard = intervals(RARE, jn.HardThreshold(), **options, copies=100)
        assert not within(RARE, hard, **options, times=False).any()
