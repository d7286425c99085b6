"""Closed forms of spike backgrounds against quadrature and plain sums in float64."""

import numpy as np
import pytest
from scipy import integrate, stats

from jaxsnn_noise import theory
from jaxsnn_noise._checks import InputError


def difference(t, slow, fast):
    return (np.exp(-t / slow) - np.exp(-t / fast)) / (slow - fast)


KERNELS = {
    "exponential": ([5.0], lambda t: np.exp(-t / 5.0) / 5.0),
    "alpha": ([5.0, 5.0], lambda t: t / 25.0 * np.exp(-t / 5.0)),
    "double": ([5.0, 1.0], lambda t: difference(t, 5.0, 1.0)),
    "membrane": ([3.0, 20.0], lambda t: difference(t, 20.0, 3.0)),
    "third": ([4.0, 4.0, 4.0], lambda t: t**2 / 128.0 * np.exp(-t / 4.0)),
}


@pytest.mark.parametrize("name", KERNELS)
def test_cumulants_and_autocovariance_are_integrals_of_the_kernel(name):
    tau, kernel = KERNELS[name]
    for m in (1, 2, 3, 4):
        integral = integrate.quad(lambda t, m=m: kernel(t) ** m, 0, 400, epsabs=1e-13, limit=200)[0]
        found = theory.campbell_cumulant(2500.0, 1.5, tau_stages=tau, resistance=2.0, order=m)
        assert float(found) == pytest.approx(2.5 * 3.0**m * integral, rel=1e-7)
    for lag in (0.0, 2.0, 15.0, -15.0):
        integral = integrate.quad(lambda t, s=lag: kernel(t) * kernel(t + abs(s)), 0, 400, epsabs=1e-13, limit=200)[0]
        found = theory.campbell_autocovariance(lag, 2500.0, 1.5, tau_stages=tau, resistance=2.0)
        assert float(found) == pytest.approx(2.5 * 9.0 * integral, rel=1e-7)


def test_it_broadcasts_and_has_the_known_cases():
    found = theory.campbell_cumulant(
        [[100.0], [200.0]], 1.0, tau_stages=[[5.0, 20.0], [1.0, 10.0], [2.0, 2.0]], order=2
    )
    assert found.shape == (2, 3)
    np.testing.assert_allclose(found[1], 2 * found[0])
    np.testing.assert_allclose(found[0, :2], theory.filtered_shot_noise_moments(100.0, 1.0, tau_mem=[20.0, 10.0], tau_syn=[5.0, 1.0])[1])  # fmt: skip
    lags = theory.campbell_autocovariance(np.linspace(0, 30, 7), 100.0, 1.0, tau_stages=[20.0])
    np.testing.assert_allclose(lags, 0.1 / 40 * np.exp(-np.linspace(0, 30, 7) / 20))
    jump, tau = 0.1, 20.0
    mean, variance = theory.shot_noise_moments(800.0, jump, tau_mem=tau)
    np.testing.assert_allclose(theory.campbell_cumulant(800.0, jump * tau, tau_stages=[tau], order=1), mean)
    np.testing.assert_allclose(theory.campbell_cumulant(800.0, jump * tau, tau_stages=[tau], order=2), variance)
    np.testing.assert_allclose(theory.campbell_skewness(800.0, -1.0, tau_stages=[tau]), -2 * 2**0.5 / 3 / 16**0.5)


def test_charges_are_the_integrals_and_meet_where_time_constants_do():
    near = theory.double_exponential_charge(0.3, tau_syn=5.0, tau_rise=5.0 * (1 - 1e-9))
    assert float(near) == pytest.approx(float(theory.alpha_charge(0.3, tau_syn=5.0)), rel=1e-8)
    t = np.linspace(0, 200, 2_000_001)
    course = np.exp(-t / 5.0) - np.exp(-t / 1.0)
    wanted = 0.3 * integrate.simpson(course, x=t) / course.max()
    assert float(theory.double_exponential_charge(0.3, tau_syn=5.0, tau_rise=1.0)) == pytest.approx(wanted, rel=1e-7)


@pytest.mark.parametrize("order", [1, 2, 5])
@pytest.mark.parametrize("rate", [3.0, 50.0])
def test_the_variance_under_gamma_trains_is_the_sum_over_pairs_of_spikes(rate, order):
    tau, jump = 20.0, 0.4
    t = (np.arange(40_000) + 0.5) * 5e-4 * tau
    density = sum(stats.gamma(order * n, scale=1000.0 / (order * rate)).pdf(t) for n in range(1, int(20 + rate)))
    pairs = np.sum((density - rate / 1000) * np.exp(-t / tau)) * (t[1] - t[0])
    wanted = 0.5 * jump**2 * tau * rate / 1000 * (1 + 2 * pairs)
    mean, variance = theory.gamma_shot_noise_moments(rate, jump, tau_mem=tau, order=order)
    assert float(variance) == pytest.approx(wanted, rel=2e-3)
    assert float(mean) == pytest.approx(rate / 1000 * tau * jump)
    assert float(theory.gamma_shot_noise_moments(rate, jump, tau_mem=tau, order=order, fibres=7)[1]) == pytest.approx(7 * float(variance))  # fmt: skip


def test_the_limits_of_gamma_trains():
    ends = theory.gamma_shot_noise_moments([1e-3, 1e7], 1.0, tau_mem=20.0, order=4)[1]
    poisson = theory.shot_noise_moments([1e-3, 1e7], 1.0, tau_mem=20.0)[1]
    np.testing.assert_allclose(ends / poisson, [1.0, 0.25], rtol=1e-3)
    sigma = theory.gamma_diffusion_limit(1e7, 1.0, tau_mem=20.0, order=4)[1]
    assert float(theory.membrane_variance(sigma, tau_mem=20.0)) == pytest.approx(ends[1], rel=1e-3)
    said = []
    for events in (5.0, 2.0, 0.5, 0.05):  # the numbers of the docstring
        variance = theory.gamma_shot_noise_moments(50 * events, 1.0, tau_mem=20.0, order=4)[1]
        sigma = theory.gamma_diffusion_limit(50 * events, 1.0, tau_mem=20.0, order=4)[1]
        said.append(round(float(variance / theory.membrane_variance(sigma, tau_mem=20.0)), 2))
    assert said == [1.12, 1.29, 1.97, 3.61]


def test_correlated_channels_are_compound_poisson():
    n, c, rate, tau, jump = 30, 0.2, 12.0, 20.0, -0.3
    m = np.arange(n + 1)
    p = stats.binom(n, c).pmf(m)
    mothers = rate / 1000 / c
    mean, variance, skewness = theory.correlated_shot_noise_moments(rate, jump, tau_mem=tau, channels=n, correlation=c)
    assert float(mean) == pytest.approx(mothers * tau * jump * np.sum(p * m))
    assert float(variance) == pytest.approx(mothers * tau / 2 * jump**2 * np.sum(p * m**2))
    third = mothers * tau / 3 * jump**3 * np.sum(p * m**3)
    assert float(skewness) == pytest.approx(third / float(variance) ** 1.5)
    one = theory.correlated_shot_noise_moments(rate, jump, tau_mem=tau, channels=1, correlation=c)
    np.testing.assert_allclose(one[:2], theory.shot_noise_moments(rate, jump, tau_mem=tau))
    assert float(one[2]) == pytest.approx(float(theory.campbell_skewness(rate, jump, tau_stages=[tau])))
    limit = theory.correlated_diffusion_limit(rate, jump, tau_mem=tau, channels=n, correlation=c)
    assert float(theory.membrane_variance(limit[1], tau_mem=tau)) == pytest.approx(float(variance))


def test_modulated_moments_are_convolutions():
    rate, depth, f, tau, jump = 500.0, 0.7, 12.0, 20.0, 0.2
    s = (np.arange(200_000) + 0.5) * 2e-3
    for time in (0.0, 13.0, 40.0):
        rates = rate / 1000 * (1 + depth * np.cos(2 * np.pi * f / 1000 * (time - s)))
        found = theory.modulated_shot_noise_moments(time, rate, jump, tau_mem=tau, depth=depth, frequency_hz=f)
        wanted = [np.sum(rates * (jump * np.exp(-s / tau)) ** m) * 2e-3 for m in (1, 2)]
        np.testing.assert_allclose(np.asarray(found, float), wanted, rtol=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: theory.campbell_cumulant(1.0, 1.0, tau_stages=[1.0], order=5), r"order: must lie in \[1, 4\]"),
        (lambda: theory.campbell_cumulant(1.0, 1.0, tau_stages=[0.0], order=2), r"tau_stages: must be finite and > 0 \[ms\]"),
        (lambda: theory.campbell_cumulant(1.0, 1.0, tau_stages=np.ones(5)), r"tau_stages: has up to four stages"),
        (lambda: theory.double_exponential_charge(1.0, tau_syn=1.0, tau_rise=2.0), "tau_rise: must be at most tau_syn"),
        (lambda: theory.gamma_shot_noise_moments(1.0, 1.0, tau_mem=1.0, order=0.0), r"order: must be finite and > 0"),
        (lambda: theory.correlated_shot_noise_moments(1.0, 1.0, tau_mem=1.0, channels=2, correlation=0.0), r"correlation: must lie in \(0, 1\]"),
    ],
)  # fmt: skip
def test_bad_input_is_named(call, message):
    with pytest.raises(InputError, match=message):
        call()
