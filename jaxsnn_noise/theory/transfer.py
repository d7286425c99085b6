"""What goes through a noisy neuron: shared noise into count correlation, a weak slow signal into firing."""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxsnn_noise import _checks
from jaxsnn_noise.theory._arguments import closed_form
from jaxsnn_noise.theory._quadrature import ArrayLike, Numbers, as_float
from jaxsnn_noise.theory.rates import log_rate_slope_of_mean, rate_slope_of_mean, siegert_cv
from jaxsnn_noise.theory.response import lif_spectrum_hz, rate_response


@closed_form
def correlation_gain(
    mean: ArrayLike,
    sigma: ArrayLike,
    *,
    tau_mem: ArrayLike,
    v_threshold: ArrayLike,
    v_reset: ArrayLike,
    refractory: ArrayLike | None = 0.0,
) -> Numbers:
    r"""Spike-count correlation of two neurons per unit of shared white noise [1].

    With a small fraction ``c`` of the noise variance in common, the correlation of counts in long windows is ``S c``,

    .. math:: S = \frac{\sigma_B^2\,\tau\,(d\nu/d\,\mathrm{mean})^2}{CV^2\,\nu}.

    It rises with the rate and stays below 1.

    Args:
        mean: mean drive [mV].
        sigma: ``Diffusion`` amplitude at the voltage seam [mV/sqrt(ms)] > 0 (``sigma_B = sigma sqrt(tau)``).
        tau_mem: membrane time constant [ms].
        v_threshold: threshold [mV], above ``v_reset``.
        v_reset: reset [mV].
        refractory: absolute refractory time [ms].

    References:
        de la Rocha et al. (2007), Nature 448:802, doi:10.1038/nature06028; Shea-Brown et al. (2008), Phys. Rev. Lett.
        100:108102, doi:10.1103/PhysRevLett.100.108102.

    Example:
        >>> gain = correlation_gain(1.2, 0.2 / 20**0.5, tau_mem=20.0, v_threshold=1.0, v_reset=0.0, refractory=2.0)
        >>> round(float(gain), 3)
        0.815
    """
    neuron = {"tau_mem": tau_mem, "v_threshold": v_threshold, "v_reset": v_reset, "refractory": refractory}
    noise = np.square(as_float(sigma) * as_float(tau_mem))  # sigma_B^2 tau
    return noise * _slope_times_growth(mean, sigma, neuron) / np.square(siegert_cv(mean, sigma, **neuron)) / 1000.0


@closed_form
def resonance_snr_hz(
    mean: ArrayLike,
    sigma: ArrayLike,
    *,
    amplitude: ArrayLike = 1.0,
    frequency_hz: ArrayLike = 0.0,
    tau_mem: ArrayLike,
    v_threshold: ArrayLike,
    v_reset: ArrayLike,
    refractory: ArrayLike | None = 0.0,
) -> Numbers:
    r"""Signal-to-noise ratio [Hz] of the firing under a weak cosine, the proxy for stochastic resonance.

    Power of the rate modulation over the spectral density of the spike train at the frequency of the cosine, for a slow one
    ``CV^2 rate``:

    .. math:: SNR = \frac{\epsilon^2\,|N(f)|^2}{4\,S(f)} \;\to\;
              \frac{\epsilon^2\,(d\nu/d\,\mathrm{mean})^2}{4\,CV^2\,\nu}

    with the amplitude :math:`\epsilon` of the cosine in the mean drive, :func:`rate_response` and :func:`lif_spectrum_hz`. As a
    function of ``sigma`` it passes through a maximum where the mean is below the threshold.

    Args:
        mean: mean drive [mV].
        sigma: ``Diffusion`` amplitude at the voltage seam [mV/sqrt(ms)] > 0.
        amplitude: of the cosine [mV].
        frequency_hz: of the cosine [Hz]; 0 is the limit of slow ones.
        tau_mem: membrane time constant [ms].
        v_threshold: threshold [mV], above ``v_reset``.
        v_reset: reset [mV].
        refractory: absolute refractory time [ms].

    References:
        Gammaitoni et al. (1998), Rev. Mod. Phys. 70:223, doi:10.1103/RevModPhys.70.223; McNamara & Wiesenfeld (1989),
        Phys. Rev. A 39:4854, doi:10.1103/PhysRevA.39.4854.
    """
    neuron = {"tau_mem": tau_mem, "v_threshold": v_threshold, "v_reset": v_reset, "refractory": refractory}
    slow = _slope_times_growth(mean, sigma, neuron) / np.square(siegert_cv(mean, sigma, **neuron))
    moving, frequency = as_float(frequency_hz) != 0, as_float(frequency_hz)
    if np.any(moving):
        density = lif_spectrum_hz(frequency, mean, sigma, **neuron)
        power = np.square(np.abs(rate_response(frequency, mean, sigma, **neuron)))
        slow = np.where(moving, power / np.where(density > 0, density, np.inf), slow)
    return np.float64(0.25) * np.square(as_float(amplitude)) * slow


def _slope_times_growth(mean: ArrayLike, sigma: ArrayLike, neuron: dict[str, Any]) -> Numbers:
    """``(d rate / d mean)^2 / rate`` [Hz/mV^2] as ``d rate/d mean`` times ``d ln rate/d mean``, which a rate of 0 leaves finite."""
    _checks.positive("sigma", sigma, "mV/sqrt(ms)")
    return rate_slope_of_mean(mean, sigma, **neuron) * log_rate_slope_of_mean(mean, sigma, **neuron)
