"""Estimates from means over blocks of trials, with the jackknife, and what theory says of them."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsnn_noise import theory

if TYPE_CHECKING:
    import xarray as xr

TAU, REFRACTORY, THRESHOLD, RESET = 20.0, 2.0, 1.0, 0.0
NEURON: dict[str, Any] = {"tau_mem": TAU, "refractory": REFRACTORY, "v_threshold": THRESHOLD, "v_reset": RESET}


def snr(means: xr.Dataset, config: Any, *, density: str = "density") -> xr.DataArray:
    """Signal-to-noise ratio per squared amplitude of the signal [Hz/mV^2], as it is measured."""
    held = np.sinc(means["frequency"] * config.dt / 1000.0) ** 2  # of the input, and of spikes read at ends of steps
    return (means["real"] ** 2 + means["imag"] ** 2) / means[density] / (means["amplitude"] * held) ** 2


def small_signal_snr(means: xr.Dataset, config: Any) -> xr.DataArray:
    """The ratio in the limit of a weak signal: what theory says of the amplitude used is taken out."""
    return snr(means, config) / amplitude_effect(means["sigma"], config)


def amplitude_effect(sigma: xr.DataArray, config: Any) -> xr.DataArray:
    """By what a slow signal of the amplitude used has another ratio than a weak one [1]: the rate follows it without delay."""
    return sigma.copy(data=[_effect(config.mean, float(s), config.strength * float(s)) for s in sigma.values])


@functools.cache
def _effect(mean: float, sigma: float, amplitude: float) -> float:
    phase = np.pi * (np.arange(8) + 0.5) / 8  # the half of a period: the other one is its mirror
    course, noise = mean + amplitude * np.cos(phase), sigma / TAU**0.5
    rate, cv = theory.siegert_rate_hz(course, noise, **NEURON), theory.siegert_cv(course, noise, **NEURON)
    power = float(np.mean(rate * np.cos(phase))) ** 2  # of one side: a quarter of the squared amplitude
    density = float(np.mean(np.square(cv) * rate))
    return power / density / float(theory.resonance_snr_hz(mean, noise, amplitude=amplitude, **NEURON))


def expected_snr(sigma: Any, config: Any, frequency_hz: Any = 0.0) -> np.ndarray:
    """Theory's ratio of a weak signal per squared amplitude [Hz/mV^2]."""
    noise = np.asarray(sigma, np.float64) / TAU**0.5
    return np.asarray(theory.resonance_snr_hz(config.mean, noise, frequency_hz=frequency_hz, **NEURON))


def vertex(values: xr.DataArray, sigma: Any) -> xr.DataArray:
    """The noise [mV] at which a quadratic in log sigma, by least squares, is largest; NaN if it has no maximum."""
    import xarray

    fit = xarray.DataArray(np.linalg.pinv(np.vander(np.log(sigma), 3)), dims=("power", "sigma"))
    square, slope, _ = (xarray.dot(fit.isel(power=k), values.drop_vars("sigma", errors="ignore"), dim="sigma") for k in range(3))  # fmt: skip
    return np.exp(-slope / (2.0 * square.where(square < 0)))


def information(joint: xr.Dataset) -> xr.DataArray:
    """Mutual information [bit] of the level and the number of units, from the law of the number at each level."""
    given = joint["share"]
    return _entropy(given.mean("level")) - _entropy(given).mean("level")


def _entropy(p: xr.DataArray) -> xr.DataArray:
    return -(p * np.log2(p.where(p > 0, 1.0))).sum("number")
