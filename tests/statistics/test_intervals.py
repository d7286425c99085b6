"""Interspike intervals and latencies: exact cases, loops over the raster, and Poisson trains."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from helpers.statistical import assert_mean, negative_control
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.signals import Frame
from jaxsnn_noise.statistics import About, FirstSpikeTime, IntervalCV, IntervalMean, IntervalSums, over_raster


def _raster(steps: int, *trains: list[int]) -> np.ndarray:
    raster = np.zeros((steps, len(trains)), bool)
    for neuron, train in enumerate(trains):
        raster[train, neuron] = True
    return raster


def _loop(raster: np.ndarray, dt: float) -> tuple[list[float], list[float], list[float]]:
    """First spike time, mean interval and CV of each neuron, by walking through its train."""
    firsts, means, cvs = [], [], []
    for train in raster.T:
        previous, intervals, first = None, [], np.nan
        for step, spike in enumerate(train):
            if spike:
                if previous is None:
                    first = (step + 1) * dt
                else:
                    intervals.append((step - previous) * dt)
                previous = step
        mean = sum(intervals) / len(intervals) if intervals else np.nan
        spread = np.sqrt(sum((x - mean) ** 2 for x in intervals) / len(intervals)) if intervals else np.nan
        firsts.append(first)
        means.append(mean)
        cvs.append(spread / mean if len(intervals) >= 2 else np.nan)
    return firsts, means, cvs


@pytest.mark.parametrize("period", [1, 2, 7, 50])
def test_a_regular_train_has_no_variation_at_all(period: int) -> None:
    raster = _raster(1000, list(range(3, 1000, period)))
    assert over_raster(IntervalCV(), raster, dt=0.1)[0] == 0
    np.testing.assert_allclose(over_raster(IntervalMean(), raster, dt=0.1), [0.1 * period], rtol=3e-7)
    np.testing.assert_allclose(over_raster(FirstSpikeTime(), raster, dt=0.1), [0.4], rtol=3e-7)


@pytest.mark.parametrize(("a", "b"), [(1, 3), (9, 11), (1, 99)])
def test_two_intervals_in_turn_vary_by_their_difference_over_their_sum(a: int, b: int) -> None:
    train = np.concatenate([[0], np.cumsum([a, b] * 5)])
    cv = over_raster(IntervalCV(), _raster(600, list(train)), dt=1.0)
    np.testing.assert_allclose(cv, [(b - a) / (b + a)], rtol=3e-7)


def test_intervals_are_those_of_a_loop() -> None:
    raster = np.random.default_rng(5).random((400, 9)) < np.array([0, 0.002, 0.005, 0.01, 0.05, 0.2, 0.5, 0.9, 1.0])
    firsts, means, cvs = _loop(raster, 0.5)
    np.testing.assert_allclose(over_raster(FirstSpikeTime(), raster, dt=0.5), firsts, rtol=1e-7)
    np.testing.assert_allclose(over_raster(IntervalMean(), raster, dt=0.5), means, rtol=3e-7)
    np.testing.assert_allclose(over_raster(IntervalCV(), raster, dt=0.5), cvs, rtol=1e-6)


def test_too_few_spikes_give_nan() -> None:
    raster = _raster(50, [], [10], [10, 20], [10, 20, 35])
    np.testing.assert_array_equal(np.isnan(over_raster(IntervalMean(), raster, dt=1.0)), [True, True, False, False])
    np.testing.assert_array_equal(np.isnan(over_raster(IntervalCV(), raster, dt=1.0)), [True, True, True, False])
    np.testing.assert_array_equal(np.isnan(over_raster(FirstSpikeTime(), raster, dt=1.0)), [True, False, False, False])


@pytest.mark.parametrize("steps", [65_536, 65_537, 200_000])
def test_long_measurements_with_long_intervals_are_exact(steps: int) -> None:
    """Both widths of the sums: squares of intervals beyond 2^32, and one early spike in a regular train."""
    jittered = list(range(0, steps, 10))
    jittered[1000] -= 1
    raster = _raster(steps, [0, steps // 3, steps - 1], [0, 1, steps - 1], list(range(0, steps, 10)), jittered)
    cvs = []
    for train in raster.T:
        intervals = np.diff(np.flatnonzero(train)).astype(float)
        cvs.append(intervals.std() / intervals.mean())
    got = np.asarray(over_raster(IntervalCV(), raster, dt=0.1))
    assert got[2] == 0
    np.testing.assert_allclose(got, cvs, rtol=1e-6)


def test_a_poisson_train_on_a_grid_has_geometric_intervals() -> None:
    p = 0.1
    raster = np.random.default_rng(7).random((20_000, 400)) < p
    cv = np.asarray(over_raster(IntervalCV(), raster, dt=1.0), float)
    mean = np.asarray(over_raster(IntervalMean(), raster, dt=1.0), float)

    def check(factor: float) -> None:
        assert_mean(factor * cv, np.sqrt(1 - p))
        assert_mean(factor * mean, 1 / p)

    check(1.0)
    negative_control(check)


@pytest.mark.parametrize("cls", [IntervalMean, IntervalCV, FirstSpikeTime])
def test_a_measurement_has_steps_that_can_be_numbered(cls: type) -> None:
    for steps in (0, 2**31):
        with pytest.raises(InputError, match="number of measured steps"):
            cls().init(About(size=1, steps=steps, dt=1.0))


@pytest.mark.slow
def test_squares_beyond_one_word_are_carried_into_the_next_also_where_parts_merge() -> None:
    times = np.array([3, 60_003, 120_010, 121_000, 190_000, 255_511, 399_999])
    about = About(size=1, steps=400_000, dt=1.0, fan_out=jnp.zeros(1))
    one, none = jnp.ones(1), jnp.zeros(1)

    def seen(statistic: Any, indices: np.ndarray) -> Any:
        acc = statistic.init(about)
        for index in indices:
            frame = Frame(index=jnp.int32(index), spikes=one, output=one, v=none, current=none, threshold=none)
            acc = statistic.update(acc, frame, about)
        return acc

    d, sums, cv = np.diff(times), IntervalSums(), IntervalCV()
    assert np.sum(d**2) > 2**33
    for cut in range(len(times) + 1):
        parts = [[seen(s, part) for part in (times[:cut], times[cut:])] for s in (sums, cv)]
        found = sums.finalize(sums.merge(*parts[0], about), about)
        assert int(found.squares[0]) + (int(found.squares_high[0]) << 32) == np.sum(d**2)
        np.testing.assert_allclose(cv.finalize(cv.merge(*parts[1], about), about), d.std() / d.mean(), rtol=1e-6)
