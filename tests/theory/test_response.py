"""Linear response and the transform of intervals: the Fokker-Planck equation in cells, an integral equation, limits."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from helpers.passages import modulated_rate, passage_density
from jaxsnn_noise import theory
from jaxsnn_noise._checks import InputError

SCHUECKER = {"tau_mem": 20.0, "v_threshold": 20.0, "v_reset": 15.0}
POINTS = [(16.42, 4.0), (19.66, 4.0), (18.94, 1.5), (20.96, 1.5)]
UNIT = {"tau_mem": 20.0, "v_threshold": 1.0, "v_reset": 0.0, "refractory": 2.0}


@pytest.mark.parametrize(("mean", "brunel"), POINTS)
@pytest.mark.parametrize("refractory", [0.0, 2.0])
def test_the_response_is_that_of_the_fokker_planck_equation(mean, brunel, refractory):
    """At the points of Schuecker, Diesmann and Helias (2015); cells leave 1e-4."""
    frequencies, sigma = [0.5, 5.0, 40.0, 300.0], brunel / 20**0.5
    rate, expected = modulated_rate(
        frequencies, mean=mean, sigma=sigma, tau=20.0, threshold=20.0, reset=15.0, refractory=refractory, cells=1200
    )
    assert_allclose(rate, theory.siegert_rate_hz(mean, sigma, **SCHUECKER, refractory=refractory), rtol=1e-4)
    found = theory.rate_response(frequencies, mean, sigma, **SCHUECKER, refractory=refractory)
    assert_allclose(found, expected, rtol=1.5e-4)
    # 20 % more noise is another response
    other = theory.rate_response(frequencies, mean, 1.2 * sigma, **SCHUECKER, refractory=refractory)
    assert np.all(np.abs(other / expected - 1) > 0.01)


def test_slow_modulation_is_the_slope_of_the_rate_and_fast_modulation_falls_as_a_root():
    for mean, brunel in [*POINTS, (-30.0, 4.0), (100.0, 0.5)]:
        slope = theory.rate_slope_of_mean(mean, brunel / 20**0.5, **SCHUECKER)
        found = theory.rate_response([0.0, 1e-6], mean, brunel / 20**0.5, **SCHUECKER)
        assert_allclose(found[0], slope, rtol=1e-14)
        assert_allclose(found[1].real, slope, rtol=1e-6, atol=1e-300)
    mean, brunel = POINTS[1]
    fast = theory.rate_response([1e4, 4e4], mean, brunel / 20**0.5, **SCHUECKER)
    assert_allclose(abs(fast[0] / fast[1]), 2.0, rtol=0.02)
    assert_allclose(np.angle(fast, deg=True), -45.0, atol=1.0)
    # N -> rate sqrt(2)/(sigma_B sqrt(i w tau)) (Brunel et al. 2001)
    rate, turns = theory.siegert_rate_hz(mean, brunel / 20**0.5, **SCHUECKER), 2 * np.pi * 40.0 * 20.0
    assert_allclose(abs(fast[1]), rate * 2**0.5 / brunel / turns**0.5, rtol=0.02)


@pytest.mark.parametrize(("mean", "brunel"), [(22.0, 30.0), (14.0, 5.0), (24.0, 5.0)])
def test_the_transform_is_that_of_the_density_of_an_integral_equation(mean, brunel):
    neuron = {"tau_mem": 10.0, "v_threshold": 20.0, "v_reset": 0.0}
    sigma, frequencies = brunel / 10**0.5, np.array([1.0, 20.0, 100.0])
    time, density = passage_density(0.0, 20.0, mean=mean, sigma=sigma, tau=10.0, until=900.0 if mean < 20 else 120.0, points=4000)  # fmt: skip
    phase = np.exp(-2j * np.pi * frequencies[:, None] * time / 1000.0)
    expected = (phase * density).sum(-1) * time[1]
    assert_allclose(theory.interval_transform(frequencies, mean, sigma, **neuron), expected, atol=2e-4)
    held = theory.interval_transform(frequencies, mean, sigma, **neuron, refractory=2.0)
    assert_allclose(held / np.exp(-4j * np.pi * frequencies / 1000.0), expected, atol=2e-4)


def test_the_transform_has_the_moments_of_the_interval():
    for mean, sigma in [(0.8, 0.1), (1.2, 0.05), (0.3, 0.2), (40.0, 0.01)]:
        rate, cv = theory.siegert_rate_hz(mean, sigma, **UNIT), theory.siegert_cv(mean, sigma, **UNIT)
        f = 1e-3 * rate
        found = np.log(theory.interval_transform(f, mean, sigma, **UNIT))
        assert_allclose(-found.imag / (2 * np.pi * f / 1000), 1000 / rate, rtol=2e-5)
        assert_allclose(-2 * found.real / (2 * np.pi * f / 1000) ** 2, (cv * 1000 / rate) ** 2, rtol=3e-4)


def test_the_spectrum_is_that_of_the_transform_between_its_limits():
    rate, cv = theory.siegert_rate_hz(1.2, 0.05, **UNIT), theory.siegert_cv(1.2, 0.05, **UNIT)
    f = np.array([3.0, 30.0, 80.0])
    law = theory.interval_transform(f, 1.2, 0.05, **UNIT)
    assert_allclose(theory.lif_spectrum_hz(f, 1.2, 0.05, **UNIT), rate * (1 - abs(law) ** 2) / abs(1 - law) ** 2)
    found = theory.lif_spectrum_hz([0.0, 1e-4, 1e5], 1.2, 0.05, **UNIT)
    assert_allclose(found, [cv**2 * rate, cv**2 * rate, rate], rtol=1e-6)


def test_far_from_the_threshold_nothing_overflows():
    for mean, sigma in [(-1e3, 0.01), (0.9, 1e-6), (1.2, 1e-30), (1e6, 1.0), (0.5, 1e3)]:
        for function in (theory.rate_response, theory.lif_spectrum_hz, theory.interval_transform):
            assert np.all(np.isfinite(function([0.0, 1.0, 100.0], mean, sigma, **UNIT)))
    assert_allclose(
        np.angle(theory.interval_transform(20.0, 1.2, 1e-9, **UNIT)),
        np.angle(np.exp(-2j * np.pi * 0.02 * theory.noise_free_interval(1.2, **UNIT))),
    )


def test_resonance_at_a_frequency_is_response_over_spectrum_and_slow_theory_fails_where_it_must():
    f = np.array([0.0, 0.01, 10.0, 60.0])
    snr = theory.resonance_snr_hz(0.8, 0.03, frequency_hz=f, **UNIT)
    assert_allclose(snr[1], snr[0], rtol=1e-4)
    power = np.abs(theory.rate_response(f[2:], 0.8, 0.03, **UNIT)) ** 2
    assert_allclose(snr[2:], power / 4 / theory.lif_spectrum_hz(f[2:], 0.8, 0.03, **UNIT))
    assert snr[3] < 0.2 * snr[0]


def test_what_broadcasts_and_what_is_refused():
    found = theory.rate_response([[1.0], [10.0]], [0.8, 1.0, 1.2], 0.05, **UNIT)
    assert found.shape == (2, 3)
    assert_allclose(found[1, 2], theory.rate_response(10.0, 1.2, 0.05, **UNIT))
    for function in (theory.rate_response, theory.lif_spectrum_hz, theory.interval_transform):
        with pytest.raises(InputError, match=r"sigma: must be finite and > 0 \[mV/sqrt\(ms\)\]"):
            function(1.0, 0.8, 0.0, **UNIT)
