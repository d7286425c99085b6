"""Spike-triggered averages and interval histograms against plain loops and closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.statistical import assert_mean, assert_proportion, negative_control
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.statistics import IntervalHistogram, SpikeTriggeredAverage, over_raster

RNG = np.random.default_rng(8)


def test_the_average_is_that_of_a_plain_loop() -> None:
    s, x = RNG.random((300, 4)) < [0.0, 0.05, 0.3, 1.0], RNG.normal(size=(300, 4)).astype(np.float32)
    found = np.asarray(over_raster(SpikeTriggeredAverage(5.0), s, dt=0.5, current=x))
    for neuron in range(1, 4):
        times = [t for t in np.flatnonzero(s[:, neuron]) if t >= 10]
        wanted = [np.mean([x[t - lag, neuron] for t in times]) for lag in range(11)]
        np.testing.assert_allclose(found[:, neuron], wanted, atol=1e-5)
    assert np.isnan(found[:, 0]).all()
    np.testing.assert_allclose(SpikeTriggeredAverage(5.0).coords(_about())["lag"], 0.5 * np.arange(11))


def _about() -> object:
    from jaxsnn_noise.statistics import About

    return About(4, 300, 0.5)


def test_under_white_noise_it_is_the_filter_of_a_linear_neuron() -> None:
    """A spike with the probability ``p (1 + (h * x)(t))`` in each step: ``STA = h`` for noise of variance 1."""
    h = 0.15 * np.exp(-np.arange(12) / 4.0)
    x = RNG.normal(size=(20_000, 60))
    drive = sum(h[k] * np.roll(x, k, axis=0) for k in range(12))
    s = RNG.random(x.shape) < np.clip(0.1 * (1 + drive), 0, 1)
    found = np.asarray(over_raster(SpikeTriggeredAverage(6.0), s, dt=0.5, current=x), float)
    expected = np.append(h, 0.0)
    assert_mean(found.T, expected)
    negative_control(lambda a: assert_mean(a * found.T, expected))


def test_intervals_are_counted_as_numpy_does() -> None:
    s = RNG.random((2000, 5)) < [0.0, 0.01, 0.1, 0.5, 1.0]
    found = over_raster(IntervalHistogram(2.0, 8), s, dt=0.5)
    for neuron in range(5):
        steps = np.diff(np.flatnonzero(s[:, neuron]))
        wanted = np.histogram(steps - 0.5, np.arange(0, 33, 4))[0]
        np.testing.assert_array_equal(found.counts[:, neuron], wanted)
        assert int(found.longer[neuron]) == (steps > 32).sum()


def test_intervals_between_times_within_steps_are_counted_by_those() -> None:
    s = RNG.random((2000, 3)) < [0.02, 0.1, 0.5]
    inside = (0.5 * RNG.integers(1, 129, s.shape) / 128).astype(np.float32)  # whole parts: no rounding
    found = over_raster(IntervalHistogram(2.0, 8), s, dt=0.5, inside=inside)
    for neuron in range(3):
        at = np.flatnonzero(s[:, neuron])
        parts = np.diff(128 * at + np.rint(inside[at, neuron] * 256).astype(int))
        np.testing.assert_array_equal(found.counts[:, neuron], np.histogram(parts - 0.5, np.arange(0, 4097, 512))[0])
        assert int(found.longer[neuron]) == (parts > 4096).sum()


def test_geometric_intervals_have_their_law() -> None:
    s = RNG.random((20_000, 50)) < 0.05
    found = over_raster(IntervalHistogram(5.0, 6), s, dt=0.5)
    total = int(found.counts.sum() + found.longer.sum())
    share = np.diff(1 - 0.95 ** (10.0 * np.arange(7)))
    assert_proportion(np.asarray(found.counts).sum(axis=1), np.full(6, total), share)
    negative_control(lambda a: assert_proportion(np.asarray(found.counts).sum(axis=1), np.full(6, total), a * share))


def test_bad_input_is_named() -> None:
    zeros = np.zeros((20, 2))
    for statistic, message in (
        (SpikeTriggeredAverage(0.7), r"SpikeTriggeredAverage.window: must be a multiple of dt"),
        (
            SpikeTriggeredAverage(10.0),
            r"SpikeTriggeredAverage.window: must be at least dt .* shorter than the measured 10 ms",
        ),
        (IntervalHistogram(0.7, 3), r"IntervalHistogram.bin: must be a multiple of dt"),
        (IntervalHistogram(-1.0, 3), r"IntervalHistogram.bin: must be finite and > 0"),
    ):
        with pytest.raises(InputError, match=message):
            over_raster(statistic, zeros, dt=0.5, current=zeros)
    with pytest.raises(InputError, match=r"IntervalHistogram.bins: must be a whole number >= 1"):
        IntervalHistogram(1.0, 0)
