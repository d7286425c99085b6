"""Synchrony and phase locking against their closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from helpers.statistical import assert_mean, negative_control
from jaxsnn_noise.statistics import SynchronyIndex, VectorStrength, over_raster

RNG = np.random.default_rng(5)


@pytest.mark.parametrize("c", [0.0, 0.04, 0.5])
def test_the_index_is_that_of_the_pairwise_correlation(c: float) -> None:
    size, steps, found = 25, 1000, []
    for _ in range(30):
        v = np.sqrt(c) * RNG.normal(size=(steps, 1)) + np.sqrt(1 - c) * RNG.normal(size=(steps, size))
        found.append(float(over_raster(SynchronyIndex(), np.zeros_like(v), dt=1.0, voltage=0.1 * v - 65)) ** 2)
    assert_mean(np.array(found), c + (1 - c) / size)
    negative_control(lambda a: assert_mean(a * np.array(found), c + (1 - c) / size))


def test_its_ends() -> None:
    wave = np.sin(np.arange(100.0) / 3)[:, None] * np.ones(4)
    assert float(over_raster(SynchronyIndex(), wave * 0, dt=1.0, voltage=wave)) == pytest.approx(1.0, abs=1e-6)
    opposed = wave * [1, -1, 1, -1]
    assert float(over_raster(SynchronyIndex(), wave * 0, dt=1.0, voltage=opposed)) == pytest.approx(0.0, abs=1e-3)
    assert np.isnan(over_raster(SynchronyIndex(), wave * 0, dt=1.0, voltage=wave * 0 + 3))


@pytest.mark.parametrize("kappa", [0.3, 1.0, 4.0])
def test_von_mises_phases_have_the_strength_of_bessel_functions(kappa: float) -> None:
    """A rate ``exp(kappa cos(2 pi f t - 1))``: the strength is ``I_1/I_0``, the phase 1."""
    t = 0.5 * np.arange(1, 8001)[:, None]
    p = 0.08 * np.exp(kappa * (np.cos(2 * np.pi * 0.008 * t - 1.0) - 1))
    s = RNG.random((8000, 400)) < p
    found = over_raster(VectorStrength(8.0), s, dt=0.5)
    n = s.sum(axis=0)
    vector = np.asarray(found.strength) * np.cos(np.asarray(found.phase) - 1.0)  # along the true phase: unbiased
    assert n.min() > 20
    expected = special.i1(kappa) / special.i0(kappa)
    assert_mean(vector, expected)
    negative_control(lambda a: assert_mean(a * vector, expected))


@pytest.mark.slow
def test_without_locking_the_square_is_one_over_the_spikes() -> None:
    s = RNG.random((4000, 2000)) < 0.01
    found = np.asarray(over_raster(VectorStrength(33.0), s, dt=0.5).strength, float)
    scaled = found**2 * s.sum(axis=0)
    assert_mean(scaled, 1.0)
    negative_control(lambda a: assert_mean(a * scaled, 1.0))
    assert np.isnan(over_raster(VectorStrength(33.0), np.zeros((10, 2)), dt=0.5).strength).all()


@pytest.mark.slow
def test_phases_hold_over_long_runs() -> None:
    """A spike in each cycle of 7 ms: a step late in a million is seen, and single precision of the time is not."""
    from jaxsnn_noise.statistics import About, Frame

    statistic, about = VectorStrength(1000.0 / 7.0), About(1, 2**23, 1.0)
    import jax
    import jax.numpy as jnp

    step = jax.jit(lambda acc, index: statistic.update(acc, Frame(*[jnp.ones(1)] * 5, index=index), about))
    acc = statistic.init(about)
    for k in (0, 10, 1000, 100_000, 1_000_000):
        acc = step(acc, jnp.int32(7 * k + 2))
    found = statistic.finalize(acc, about)
    cycles = 7e6 * float(np.float32(1000.0 / 7.0)) / 1e3  # what the parameter itself rounds
    drift = abs(cycles - round(cycles))
    assert float(found.strength[0]) == pytest.approx(1.0, abs=2 * (2 * np.pi * (drift + 0.02)) ** 2)
    assert float(found.phase[0]) == pytest.approx(2 * np.pi * 3 / 7, abs=2 * np.pi * (drift + 0.02))
