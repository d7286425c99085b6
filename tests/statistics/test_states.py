"""Counts of network states against a plain loop, and their correlation times against the exact chain of a sampler."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from helpers.statistical import assert_mean, negative_control
from jaxsnn_noise import theory
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.statistics import About, Frame, StateCounts, over_raster


def by_hand(raster: np.ndarray, lasts: int, bins: int) -> np.ndarray:
    counts = np.zeros((bins, 2 ** raster.shape[1]), int)
    for t in range(lasts - 1, len(raster)):
        on = raster[t - lasts + 1 : t + 1].any(axis=0)
        counts[t * bins // len(raster), sum(1 << k for k in np.flatnonzero(on))] += 1
    return counts


@pytest.mark.parametrize(("lasts", "bins"), [(1, 1), (3, 4), (7, 30)])
def test_counts_are_those_of_a_plain_loop(lasts: int, bins: int) -> None:
    raster = (np.random.default_rng(lasts).random((120, 3)) < [0.05, 0.2, 0.5]).astype(np.float32)
    statistic = StateCounts(0.25 * lasts, None if bins == 1 else 30.0 / bins)
    found = over_raster(statistic, raster, dt=0.25)
    np.testing.assert_array_equal(found.counts, by_hand(raster, lasts, bins))
    assert found.counts.sum() == 120 - lasts + 1


def sampled(w: np.ndarray, b: np.ndarray, lasts: int, steps: int, runs: int) -> np.ndarray:
    """Spikes [run, time, unit] of sampling networks whose units are updated all at once."""
    rng = np.random.default_rng(1)
    left, raster = np.zeros((runs, len(b)), int), np.zeros((runs, steps, len(b)), np.float32)
    for t in range(steps):
        chance = 1 / (1 + np.exp(np.log(lasts) - b - (left > 0) @ w))
        fires = (left <= 1) & (rng.random(left.shape) < chance)
        left = np.where(fires, lasts, np.maximum(left - 1, 0))
        raster[:, t] = fires
    return raster


@pytest.mark.slow
def test_correlation_times_are_those_of_the_chain() -> None:
    w, b = np.array([[0.0, 1.2], [1.2, 0.0]]), np.array([-0.5, 0.4])
    wanted = theory.neural_sampling(w, b, steps=4)[1] * 0.5
    rasters = sampled(w, b, 4, 18_000, 40)
    found = jax.jit(jax.vmap(lambda raster: over_raster(StateCounts(2.0, 10.0), raster, dt=0.5).correlation_time))(rasters)  # fmt: skip

    def check(amplitude: float) -> None:
        assert_mean(np.asarray(found) * amplitude, wanted, false_alarm=1e-3)

    check(1.0)
    negative_control(check)


def test_parts_merge_to_the_bins_of_the_whole() -> None:
    about, statistic = About(size=2, steps=60, dt=1.0), StateCounts(7.0, 10.0)
    raster = jnp.asarray(np.random.default_rng(5).random((60, 2)) < 0.15, jnp.float32)

    def step(t: Any, acc: Any) -> Any:
        return statistic.update(acc, Frame(*[raster[t]] * 5, index=t), about)

    part = jax.jit(lambda first, last: lax.fori_loop(first, last, step, statistic.init(about)))
    merge = jax.jit(lambda a, b: statistic.merge(a, b, about))
    for cut in (0, 1, 2, 7, 31, 55, 59, 60):
        both = merge(part(0, cut), part(cut, 60))
        np.testing.assert_array_equal(both.counts, by_hand(np.asarray(raster), 7, 6))


def test_states_of_one_bin_and_states_that_never_occur_have_no_time() -> None:
    raster = np.zeros((100, 2), np.float32)
    raster[::2, 0] = 1
    assert np.isnan(over_raster(StateCounts(1.0), raster, dt=1.0).correlation_time).all()
    time = over_raster(StateCounts(1.0, 5.0), raster, dt=1.0).correlation_time
    assert np.isnan(time[2:]).all()
    assert np.isfinite(time[:2]).all()


@pytest.mark.parametrize(
    ("statistic", "size", "words"),
    [
        (StateCounts(1.0), 17, "at most 16 neurons"),
        (StateCounts(0.75), 3, "duration"),
        (StateCounts(0.1), 3, "duration"),
        (StateCounts(-1.0), 3, r"must be finite and > 0 \[ms\]"),
        (StateCounts(1.0, 7.0), 3, "whole bins"),
    ],
)
def test_what_cannot_be_counted_is_refused(statistic: StateCounts, size: int, words: str) -> None:
    with pytest.raises(InputError, match=words):
        statistic.init(About(size=size, steps=40, dt=0.5))
