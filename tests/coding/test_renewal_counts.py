"""Gamma renewal backgrounds: intervals, counts and pooled trains against renewal theory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import integrate, stats

import jaxsnn_noise as jn
from helpers.counts import assert_counts, counted
from helpers.statistical import assert_ks, assert_mean, assert_proportion, assert_variance, negative_control
from jaxsnn_noise.coding import GammaRenewal


def intervals(raster: np.ndarray, dt: float) -> np.ndarray:
    """Intervals of all channels [ms] of a raster [step, channel] of at most one spike per step."""
    return np.concatenate([np.diff(np.flatnonzero(train)) for train in raster.T]) * dt


def fano(counts: np.ndarray) -> float:
    return float(counts.var() / counts.mean())


def superposed_variance(rate_hz: float, order: int, fibres: int) -> float:
    """Variance of the intervals [ms^2] of pooled gamma trains: ``P(X > t) = R(t) (int_t R/mu)^(n - 1)`` (Cox and Lewis 1966)."""
    mu = 1000.0 / rate_hz
    t = np.linspace(0.0, 20.0 * mu, 400_001)
    survivor = stats.gamma(order, scale=mu / order).sf(t)
    later = np.append(0.0, integrate.cumulative_trapezoid(survivor[::-1], dx=t[1]))[::-1] / mu
    second = 2.0 * integrate.trapezoid(t * survivor * later ** (fibres - 1), t)
    return float(second - (mu / fibres) ** 2)


@pytest.mark.parametrize("order", [1, 4, 20])
def test_intervals_follow_the_gamma_law(order: int) -> None:
    raster = np.asarray(counted(GammaRenewal(40.0, order), 100, 8000, 0.05))
    found = intervals(raster, 0.05)
    assert len(found) > 1200
    assert_ks(
        found[:1200] + np.random.default_rng(0).uniform(-0.025, 0.025, 1200), stats.gamma(order, scale=25.0 / order).cdf
    )
    wrong = stats.gamma(order, scale=25.0 / order).cdf
    negative_control(lambda a: assert_ks(found[:1200], lambda x: wrong(x / a)))


@pytest.mark.slow
def test_one_is_poisson_and_dt_does_not_matter() -> None:
    assert_counts(counted(GammaRenewal(800.0, 1, largest=12), 200, 400, 1.0), stats.poisson(0.8).pmf)
    coarse, fine = (np.asarray(counted(GammaRenewal(800.0, 3), 250, 200 * n, 1.0 / n)) for n in (1, 2))
    fine = fine.reshape(200, 2, 250).sum(axis=1)
    n = 3 * np.arange(30)

    def exact(k: Any) -> Any:
        """Of a uniform phase and Poisson events of the rate 2.4 per ms: the k-th threefold event is passed."""
        phases = [stats.poisson(2.4).pmf(3 * np.asarray(k) + j - p) for p in range(3) for j in range(3)]
        return np.sum(phases, axis=0) / 3

    assert exact(n // 3).sum() == pytest.approx(1.0)
    for found in (coarse, fine):
        assert_counts(found[::10], exact)  # steps apart are nearly independent
    negative_control(lambda a: assert_counts(coarse[::10], lambda k: stats.poisson(0.8 * a).pmf(k)))


def test_it_is_stationary_from_the_first_step_on() -> None:
    found = np.asarray(counted(GammaRenewal(50.0, 8), 20_000, 20, 1.0))
    assert_proportion(found.sum(axis=0)[:1], 20, 0.05, false_alarm=1e-9)
    for step in (0, 1, 10):
        assert_proportion(found[step].sum(), 20_000, 0.05)
    negative_control(lambda a: assert_proportion(found[0].sum(), 20_000, 0.05 * a))


@pytest.mark.slow
def test_slow_counts_are_regular_and_a_pool_is_no_gamma_train() -> None:
    pooled = np.asarray(counted(GammaRenewal(20.0, 4, fibres=10), 200, 16_000, 0.25))
    assert pooled.max() >= 2
    windows = pooled.reshape(8, 2000, 200).sum(axis=1)  # 500 ms: 10 intervals of a fibre
    variance = 10 * jn.theory.renewal_count_variance(500.0, rate_hz=20.0, cv=0.5, skewness=1.0)
    assert_variance(windows[::2].ravel(), variance, kurtosis=None)
    negative_control(lambda a: assert_variance(a * windows[::2].ravel(), variance, kurtosis=None))
    assert_mean(windows[::2].ravel(), 100.0)
    short = pooled[::8].ravel().astype(float)  # 0.25 ms: as Poisson
    assert fano(short) == pytest.approx(1.0, abs=0.06)
    spread = np.concatenate([np.diff(np.repeat(np.arange(16_000), train.astype(int))) for train in pooled.T]) * 0.25
    assert_variance(spread, superposed_variance(20.0, 4, 10), kurtosis=None)
    negative_control(lambda a: assert_variance(a * spread, superposed_variance(20.0, 4, 10), kurtosis=None))
    assert superposed_variance(20.0, 4, 10) > 3 * 5.0**2 / 4  # that of a gamma train of the pooled rate


@pytest.mark.slow
def test_fibres_have_phases_of_their_own_and_more_channels_move_none() -> None:
    few, many = (np.asarray(counted(GammaRenewal(200.0, 3, fibres=2), n, 200, 1.0)) for n in (5, 9))
    np.testing.assert_array_equal(many[:, :5], few)
    rates, orders = np.linspace(50, 400, 5), np.array([1, 2, 3, 4, 5])
    each = np.asarray(counted(GammaRenewal(rates, orders), 5, 4000, 0.5))
    assert_mean((each.mean(axis=0), np.sqrt(rates * 5e-4 / 4000)), rates * 5e-4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"order": 2.5}, r"GammaRenewal.order: must be whole numbers in \[1, 100000\]"),
        ({"order": 0}, r"GammaRenewal.order: must be whole numbers"),
        ({"values": -1.0}, r"GammaRenewal.values: must be finite and >= 0 \[Hz\]"),
        ({"fibres": 0}, r"inputs.port.fibres: must be a whole number >= 1; got 0"),
        ({"order": [1, 2]}, r"inputs.port.order: must be one number or have the shape \(3,\)"),
        ({"fibres": 9}, r"inputs.port.largest: must be at least 18, the largest count .* got 4"),
    ],
)
def test_bad_input_is_named(options: dict[str, Any], message: str) -> None:
    parts = {"port": jn.Port(3), "cells": jn.Population(jn.neurons.LIF(2))}
    network = jn.Network(parts, {"feed": jn.synapses.Dense("port", "cells", np.ones((2, 3)))})

    def made() -> Any:
        source = GammaRenewal(**({"values": 40.0, "order": 2} | options))
        return jn.Simulation(network, {"port": source}, duration=10.0, dt=1.0)

    with pytest.raises(jn.InputError, match=message):
        made()
