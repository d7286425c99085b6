"""Spectra against SciPy on the same data, and against closed forms: Poisson, dead time, OU, a known signal in noise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from helpers.statistical import assert_mean, negative_control
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.statistics import CrossSpectrum, PowerSpectrum, over_raster

RNG = np.random.default_rng(11)


def ou(steps: int, size: int, decay: float) -> np.ndarray:
    """Stationary AR(1) of variance 1."""
    noise = RNG.normal(size=(steps, size))
    x = noise.copy()
    for t in range(1, steps):
        x[t] = decay * x[t - 1] + np.sqrt(1 - decay**2) * noise[t]
    return x


@pytest.mark.parametrize(
    ("steps", "segment"),
    [
        (460, 50.0),
        *(pytest.param(n, 50.0, marks=pytest.mark.slow) for n in (100, 400, 430)),
    ],
)
def test_it_is_welchs_estimate_as_scipy_has_it(steps: int, segment: float) -> None:
    v, s = RNG.normal(size=(steps, 3)) - 60, (RNG.random((steps, 3)) < 0.2).astype(np.float32)
    options = {
        "nperseg": 100,
        "noverlap": 50,
        "window": "hann",
        "detrend": "constant",
        "return_onesided": False,
        "axis": 0,
    }
    keep = slice(0, 50)  # the Nyquist frequency is at the other end in SciPy
    f, wanted = signal.welch(v, fs=2000.0, **options)
    found = over_raster(PowerSpectrum(segment, "v"), s, dt=0.5, voltage=v)
    np.testing.assert_allclose(found[keep], wanted[keep], rtol=2e-3, atol=1e-9)
    np.testing.assert_allclose(PowerSpectrum(segment).coords(_about(steps))["frequency"][:50], f[keep])
    _, wanted = signal.welch(s * 2000.0, fs=2000.0, **options)
    np.testing.assert_allclose(over_raster(PowerSpectrum(segment), s, dt=0.5)[keep], wanted[keep], rtol=1e-4, atol=1e-3)
    _, wanted = signal.welch((s * 2000.0).mean(axis=1), fs=2000.0, **options)
    np.testing.assert_allclose(
        over_raster(PowerSpectrum(segment, pooled=True), s, dt=0.5)[keep], wanted[keep], rtol=1e-4, atol=1e-3
    )
    _, cross = signal.csd(v, s * 2000.0, fs=2000.0, **options)
    both = over_raster(CrossSpectrum(segment, "v", "spikes"), s, dt=0.5, voltage=v)
    np.testing.assert_allclose(
        np.asarray(both.cross_real)[keep] + 1j * np.asarray(both.cross_imag)[keep], cross[keep], atol=2e-3
    )
    if steps > 100:
        options.pop("return_onesided")
        _, wanted = signal.coherence(v, s, fs=2000.0, **options)
        np.testing.assert_allclose(both.coherence[1:50], wanted[1:50], rtol=1e-3, atol=1e-5)


def _about(steps: int) -> object:
    from jaxsnn_noise.statistics import About

    return About(3, steps, 0.5)


def check(found: np.ndarray, expected: np.ndarray) -> None:
    """Averages over independent neurons at all frequencies but the two that lose the mean."""

    def assertion(factor: float) -> None:
        assert_mean(factor * np.asarray(found, float)[2:-1].T, expected[2:-1])

    assertion(1.0)
    negative_control(assertion)


def test_the_spectrum_of_a_poisson_train_is_its_rate() -> None:
    s = RNG.random((4000, 300)) < 0.02
    found = over_raster(PowerSpectrum(50.0), s, dt=0.5)
    check(found, np.full(51, 0.02 * 0.98 * 2000))
    pooled = np.stack(
        [over_raster(PowerSpectrum(50.0, pooled=True), s[:, k : k + 10], dt=0.5) for k in range(0, 300, 10)]
    )
    assert_mean(pooled[:, 2:-1].mean(axis=1), 0.02 * 0.98 * 2000 / 10)


@pytest.mark.slow
def test_the_spectrum_of_a_train_with_dead_time_is_that_of_renewal_theory() -> None:
    """``S = r (1 - |p|^2)/|1 - p|^2`` with p the characteristic function of the intervals, geometric after the dead time."""
    dead, p, steps, size = 12, 0.06, 8000, 400
    s = np.zeros((steps + 400, size), bool)
    held = np.zeros(size, int)
    for t in range(steps + 400):
        s[t] = (held == 0) & (RNG.random(size) < p)
        held = np.where(s[t], dead, np.maximum(held - 1, 0))
    omega = 2 * np.pi * np.arange(101) / 200
    with np.errstate(invalid="ignore", divide="ignore"):
        f = np.exp(-1j * omega * dead) * p * np.exp(-1j * omega) / (1 - (1 - p) * np.exp(-1j * omega))
        rate = 1000.0 / (0.5 * (dead + 1 / p))
        expected = rate * (1 - np.abs(f) ** 2) / np.abs(1 - f) ** 2
    assert np.nanmin(expected) < 0.5 * rate  # dead time takes power from low frequencies
    # the window smears what is narrow: frequencies where the curve is bent by more than its error are left out
    found = np.asarray(over_raster(PowerSpectrum(100.0), s[400:], dt=0.5), float)
    bent = np.abs(np.gradient(np.gradient(expected))) > 0.01 * expected
    keep = ~(bent | np.isnan(expected))
    keep[:3] = keep[-1] = False
    assert keep.sum() > 30

    def assertion(factor: float) -> None:
        assert_mean(factor * found[keep].T, expected[keep])

    assertion(1.0)
    negative_control(assertion)


def test_the_spectrum_of_an_ornstein_uhlenbeck_process() -> None:
    decay = np.exp(-0.5 / 2.0)
    x = ou(4000, 300, decay)
    found = over_raster(PowerSpectrum(100.0, "v"), np.zeros((4000, 300)), dt=0.5, voltage=x)
    omega = 2 * np.pi * np.arange(101) / 200
    expected = 0.5e-3 * (1 - decay**2) / np.abs(1 - decay * np.exp(-1j * omega)) ** 2
    check(found, expected)
    total = 2 * np.asarray(found)[1:-1].sum() * 10.0 / 300  # both signs of the frequency: the variance, less the mean
    assert total == pytest.approx(1.0, rel=0.06)


def test_the_coherence_of_a_signal_in_noise_is_the_share_of_its_power() -> None:
    x, noise, silent = RNG.normal(size=(8000, 60)), RNG.normal(size=(8000, 60)), np.zeros((8000, 60))
    y = 2.0 * x + noise  # 4/5 of the power
    found = over_raster(CrossSpectrum(20.0, "current", "v"), silent, dt=0.5, voltage=y, current=x)
    coherence = np.asarray(found.coherence, float)[2:-1].mean(axis=0)
    segments = 8000 / 40 * 18 / 11  # independent ones, of those that overlap by half (Welch 1967; Carter et al. 1973)

    def assertion(factor: float) -> None:
        share = (2 * factor) ** 2 / (1 + (2 * factor) ** 2)
        assert_mean(coherence, share + (1 - share) ** 2 / segments)

    assertion(1.0)
    negative_control(assertion)
    apart = over_raster(CrossSpectrum(20.0, "current", "v"), silent, dt=0.5, voltage=noise, current=x)
    floor = np.asarray(apart.coherence, float)[2:-1].mean(axis=0)
    assert floor.mean() == pytest.approx(1 / segments, rel=0.15)


@pytest.mark.slow
def test_the_cross_spectrum_is_the_transfer_function() -> None:
    x = RNG.normal(size=(8000, 60))
    y = 2.0 * x + np.roll(x, 1, axis=0)  # one step late: the phase falls
    found = over_raster(CrossSpectrum(200.0, "current", "v"), np.zeros_like(x), dt=0.5, voltage=y, current=x)
    omega = 2 * np.pi * np.arange(2, 200) / 400
    expected = 2.0 + np.exp(-1j * omega)
    power = np.asarray(found.power_first, float)[2:-1].mean(axis=1)
    for part, wanted in ((found.cross_real, expected.real), (found.cross_imag, expected.imag)):
        gain = np.asarray(part, float)[2:-1] / power[:, None]
        assert_mean(gain.T, wanted, false_alarm=1e-9)
    assert expected.imag.min() < -0.9


@pytest.mark.parametrize(
    ("statistic", "message"),
    [
        (PowerSpectrum(7.5), r"PowerSpectrum.segment: must be an even number of steps of 0.5 ms \[ms\]; got 7.5"),
        (PowerSpectrum(7.4), r"PowerSpectrum.segment: must be a multiple of dt = 0.5 ms"),
        (PowerSpectrum(500.0), r"PowerSpectrum.segment: must be at most the measured 50 ms"),
        (CrossSpectrum(0.0), r"CrossSpectrum.segment: must be finite and > 0 \[ms\]"),
    ],
)  # fmt: skip
def test_bad_segments_are_refused(statistic: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        over_raster(statistic, np.zeros((100, 2)), dt=0.5, voltage=np.zeros((100, 2)), current=np.zeros((100, 2)))
    with pytest.raises(InputError, match=r"PowerSpectrum.variable: unknown name"):
        PowerSpectrum(10.0, "volts")
