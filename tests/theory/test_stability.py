"""Multiplicative noise: critical intensities and moments against moment equations, series and a plain loop."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import special, stats

from helpers.statistical import assert_mean, assert_variance, negative_control
from jaxsnn_noise import theory
from jaxsnn_noise._checks import InputError


def series_lyapunov(beta, intensity):
    """``E ln|beta (1 + g xi)|`` from the logarithm of a noncentral chi-square variable, a Poisson mixture."""
    half = 0.25 / intensity
    j = np.arange(int(half + 40 * np.sqrt(half) + 60))
    mixture = stats.poisson.pmf(j, half) @ (np.log(2) + special.digamma(j + 0.5))
    return np.log(beta) + 0.5 * np.log(2 * intensity) + 0.5 * mixture


def test_published_critical_intensities():
    beta = np.array([0.5, 0.8, 0.9, 0.95, 0.99])
    assert_allclose(theory.critical_intensity(beta), [1.50, 0.281, 0.117, 0.0540, 0.0102], rtol=5e-3)
    assert_allclose(beta**2 * (1 + 2 * theory.critical_intensity(beta)), 1.0)


@pytest.mark.parametrize(("beta", "intensity"), [(0.5, 0.3), (0.9, 0.117), (0.95, 1.6), (0.9, 30.0), (0.99, 1e-4)])
def test_lyapunov_exponent_against_a_series(beta, intensity):
    assert_allclose(theory.lyapunov_exponent(beta, intensity), series_lyapunov(beta, intensity), rtol=0, atol=1e-10)


def test_weak_noise_stabilises_paths():
    small = np.array([0.0, 1e-6, 1e-4])
    # E ln(1 + g xi) = -g^2/2 - 3 g^4/4 - ... with g^2 = 2 D
    assert_allclose(theory.lyapunov_exponent(0.9, small), np.log(0.9) - small, rtol=0, atol=4e-8)


def test_paths_grow_only_beyond_a_second_larger_intensity():
    beta = np.array([0.5, 0.8, 0.9, 0.95, 0.99])
    critical = theory.lyapunov_critical_intensity(beta)
    for b, d in zip(beta, critical, strict=True):
        assert series_lyapunov(b, d) == pytest.approx(0, abs=1e-10)
    assert np.all(theory.lyapunov_exponent(beta, 0.99 * critical) < 0)
    assert np.all(theory.lyapunov_exponent(beta, 1.01 * critical) > 0)
    assert np.all(critical > 4 * theory.critical_intensity(beta))


@pytest.mark.parametrize("intensity", [1e-3, 0.05, 0.117, 0.5, 1.5])
def test_tail_exponent_solves_its_equation(intensity):
    kappa = float(theory.tail_exponent(0.9, intensity))
    gain = np.sqrt(2 * intensity)
    # E|1 + g xi|^k in closed form: g^k 2^(k/2) Gamma((k+1)/2)/sqrt(pi) 1F1(-k/2, 1/2, -1/(2 g^2))
    log_scale = kappa * np.log(0.9 * gain) + 0.5 * kappa * np.log(2) + special.gammaln(0.5 * (kappa + 1))
    below = 0.5 / gain**2
    kummer = special.hyp1f1(0.5 * (1 + kappa), 0.5, below)
    assert log_scale - 0.5 * np.log(np.pi) + np.log(kummer) - below == pytest.approx(0, abs=1e-8)


def test_tail_exponent_falls_from_infinity_through_two_to_zero():
    critical, end = theory.critical_intensity(0.8), theory.lyapunov_critical_intensity(0.8)
    kappa = theory.tail_exponent(0.8, [0.0, 1e-4, critical / 2, critical, (critical + end) / 2, 0.999 * end, 1.1 * end])
    assert kappa[0] == np.inf
    assert np.all(np.diff(kappa[:-1]) < 0)
    assert kappa[3] == pytest.approx(2.0, abs=1e-9)
    assert 0 < kappa[5] < 0.01
    assert np.isnan(kappa[6])
    # fourth moment: beta^4 (1 + 12 D + 12 D^2) = 1
    fourth = (-12 + np.sqrt(144 + 48 * (0.8**-4 - 1))) / 24
    assert theory.tail_exponent(0.8, fourth) == pytest.approx(4.0, abs=1e-9)


@pytest.mark.parametrize(("beta", "intensity", "drive"), [(0.5, 0.2, 0.5), (0.9, 0.05, 0.1), (0.95, 0.01, -0.3)])
def test_moments_are_fixed_points_of_the_moment_equations(beta, intensity, drive):
    mean, variance = theory.multiplicative_voltage_moments(beta, intensity, drive)
    second = variance + mean**2
    assert_allclose(mean, beta * mean + drive)
    assert_allclose(second, (1 + 2 * intensity) * (beta**2 * second + 2 * beta * drive * mean + drive**2))
    assert_allclose(
        theory.multiplicative_current_variance(beta, intensity, drive),
        2 * intensity * drive**2 / (1 - beta**2),
    )


def test_silence_and_divergence():
    assert theory.multiplicative_voltage_moments(0.9, 0.0, 0.1)[1] == pytest.approx(0, abs=1e-12)
    assert theory.multiplicative_voltage_moments(0.9, 0.05, 0.0) == (0.0, 0.0)
    critical = theory.critical_intensity(0.9)
    assert theory.multiplicative_voltage_moments(0.9, 1.0001 * critical, 0.1)[1] == np.inf
    near = theory.multiplicative_voltage_moments(0.9, critical * (1 - np.array([1e-2, 1e-4])), 0.1)[1]
    assert near[1] / near[0] == pytest.approx(100, rel=0.05)


def test_moments_against_a_plain_loop():
    # Far below the intensity where the fourth moment fails (0.0177 for beta = 0.9), so that the variance has an error.
    beta, intensity, drive = 0.9, 0.005, 0.1
    rng = np.random.default_rng(5)
    v = np.full(40_000, 1.0)
    for _ in range(150):
        v = (beta * v + drive) * (1 + np.sqrt(2 * intensity) * rng.standard_normal(v.size))
    mean, variance = theory.multiplicative_voltage_moments(beta, intensity, drive)

    def check(amplitude):
        assert_variance(mean + amplitude * (v - mean), variance, kurtosis=None)

    assert_mean(v, mean)
    check(1.0)
    negative_control(check)


@pytest.mark.parametrize("beta", [0.0, 1.0, 1.5, np.nan])
def test_decay_must_lie_between_zero_and_one(beta):
    for call in (
        lambda: theory.critical_intensity(beta),
        lambda: theory.lyapunov_exponent(beta, 0.1),
        lambda: theory.multiplicative_voltage_moments(beta, 0.1, 0.1),
    ):
        with pytest.raises(InputError, match="beta: must"):
            call()
