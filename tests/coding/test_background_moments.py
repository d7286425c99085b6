"""A free membrane under every spike background has the moments of theory: shot noise through any kinetics."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.statistical import assert_correlation, assert_mean, assert_variance, negative_control
from jaxsnn_noise.coding import CorrelatedPoisson, GammaRenewal, InhomogeneousPoisson, PoissonCounts

TAU, JUMP = 20.0, 0.4


def free(source: Any, weights: np.ndarray, *, dt: float, samples: int) -> np.ndarray:
    """Potentials [sample, neuron] of free membranes, in samples that are three time constants apart."""
    feed = jn.synapses.Sparse.from_dense("port", "cells", weights * JUMP * TAU, kinetics=jn.synapses.Delta())
    cells = jn.Population(jn.neurons.LeakyIntegrator(weights.shape[0], tau_mem=TAU))
    network = jn.Network({"port": jn.Port(weights.shape[1]), "cells": cells}, {"feed": feed})
    course = {"v": jn.statistics.Trace("v", every=round(60.0 / dt))}
    settings = {"duration": 60.0 * samples, "dt": dt, "warmup": 160.0, "statistics": course}
    return np.asarray(jn.simulate(jn.Simulation(network, {"port": source}, **settings), key=5)["v"].v, float)


def potentials(source: Any, *, dt: float = 0.5) -> np.ndarray:
    """Each of 400 cells has a channel of its own."""
    return free(source, np.eye(400), dt=dt, samples=8)


def check_moments(v: np.ndarray, mean: Any, variance: Any) -> None:
    def check(factor: float) -> None:
        assert_mean(v.ravel(), mean)
        assert_variance(factor * v.ravel(), variance, kurtosis=None)

    check(1.0)
    negative_control(check)


@pytest.mark.slow
@pytest.mark.parametrize(
    "dt", [0.5, pytest.param(0.1, marks=pytest.mark.slow), pytest.param(1.0, marks=pytest.mark.slow)]
)
def test_poisson_counts_are_shot_noise(dt: float) -> None:
    v = potentials(PoissonCounts(900.0, largest=12), dt=dt)
    check_moments(v, *jn.theory.shot_noise_moments(900.0, JUMP, tau_mem=TAU))
    third = (v - v.mean()) ** 3
    skewness = float(jn.theory.campbell_skewness(900.0, tau_stages=[TAU]))
    variance = float(jn.theory.shot_noise_moments(900.0, JUMP, tau_mem=TAU)[1])
    assert_mean(third.mean(axis=0), skewness * variance**1.5)


@pytest.mark.slow
def test_gamma_trains_have_less_variance() -> None:
    v = potentials(GammaRenewal(40.0, 4, fibres=3, largest=8))
    check_moments(v, *jn.theory.gamma_shot_noise_moments(40.0, JUMP, tau_mem=TAU, order=4, fibres=3))


@pytest.mark.slow
def test_correlated_channels_have_more_and_share_it() -> None:
    """One cell has five channels, two have one each: ``1 + 4 c`` times the variance of five, and the correlation c."""
    weights = np.array([[1.0] * 5, [1.0, 0, 0, 0, 0], [0, 1.0, 0, 0, 0]])
    v = free(CorrelatedPoisson(300.0, 0.3, largest=16), weights, dt=1.0, samples=2000)
    shape = {"tau_mem": TAU, "correlation": 0.3}
    mean, variance, skewness = jn.theory.correlated_shot_noise_moments(300.0, JUMP, channels=5, **shape)
    check_moments(v[:, :1], mean, variance)
    check_moments(v[:, 1:2], *jn.theory.shot_noise_moments(300.0, JUMP, tau_mem=TAU))
    third = (v[:, 0] - mean) ** 3 / variance**1.5
    assert_mean(third, skewness)
    assert_correlation(v[:, 1], v[:, 2], 0.3)
    negative_control(lambda a: assert_correlation(v[:, 1], v[:, 2], a * 0.3), off_by=0.5)


@pytest.mark.slow
def test_a_modulated_rate_moves_the_mean_and_the_variance() -> None:
    wave = InhomogeneousPoisson(900.0, course=lambda t: 1.0 + 0.8 * jnp.cos(2 * jnp.pi * 0.0125 * t), largest=16)
    v = potentials(wave)
    times = 160.0 + 60.0 * np.arange(1, 9)
    mean, variance = jn.theory.modulated_shot_noise_moments(
        times, 900.0, JUMP, tau_mem=TAU, depth=0.8, frequency_hz=12.5
    )
    assert np.ptp(mean) > 2.0
    assert_mean(v.T, mean)
    assert_variance(v.T, variance, kurtosis=None)
    negative_control(lambda a: assert_mean(v.T, mean.mean() + a * (mean - mean.mean())))
