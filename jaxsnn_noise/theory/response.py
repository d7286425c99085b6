r"""Linear response of the leaky integrate-and-fire neuron, and the law of its intervals as a transform.

The neuron and the arguments are those of :mod:`rates`: ``mean`` [mV], ``sigma`` [mV/sqrt(ms)] at the voltage seam. Frequencies are
in Hz, transforms are of the form :math:`\int e^{-i\omega t} ...\,dt`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from jaxsnn_noise import _checks
from jaxsnn_noise.theory._arguments import closed_form
from jaxsnn_noise.theory._quadrature import ArrayLike, Numbers, as_float
from jaxsnn_noise.theory._transform import Complexes, transform_of
from jaxsnn_noise.theory.rates import check_neuron, dead_time, rate_slope_of_mean, siegert_cv, siegert_rate_hz

ComplexNumbers = np.complex128 | NDArray[np.complex128]
"""A complex scalar, or an array where an argument was one."""


@closed_form
def interval_transform(
    frequency_hz: ArrayLike,
    mean: ArrayLike,
    sigma: ArrayLike,
    *,
    tau_mem: ArrayLike,
    v_threshold: ArrayLike,
    v_reset: ArrayLike,
    refractory: ArrayLike | None = 0.0,
) -> ComplexNumbers:
    r"""The transform :math:`E\,e^{-i\omega T}` [1] of the interspike interval under white noise, in continuous time.

    .. math:: e^{-i\omega t_{ref}}\;\frac{e^{y_r^2/2}\,D_{-i\omega\tau}(-\sqrt{2}\,y_r)}
              {e^{y_t^2/2}\,D_{-i\omega\tau}(-\sqrt{2}\,y_t)}, \qquad \omega = 2\pi f

    with parabolic cylinder functions :math:`D`; its moments are those of :func:`siegert_rate_hz` and :func:`siegert_cv`. It is 1 at
    frequency 0. By the logarithmic slope of these functions, so that nothing overflows.

    Args:
        frequency_hz: [Hz].
        mean: mean drive [mV].
        sigma: ``Diffusion`` amplitude at the voltage seam [mV/sqrt(ms)] > 0.
        tau_mem: membrane time constant [ms].
        v_threshold: threshold [mV], above ``v_reset``.
        v_reset: reset [mV].
        refractory: absolute refractory time [ms]; ``None`` is none, as in a neuron.

    References:
        Siegert (1951), Phys. Rev. 81:617, doi:10.1103/PhysRev.81.617; Lindner, Schimansky-Geier & Longtin (2002), Phys. Rev. E
        66:031916, doi:10.1103/PhysRevE.66.031916.

    Example:
        >>> neuron = {"tau_mem": 20.0, "v_threshold": 1.0, "v_reset": 0.0, "refractory": 2.0}
        >>> float(abs(interval_transform(0.0, 1.2, 0.05, **neuron)))
        1.0
    """
    check_neuron(tau_mem, v_threshold, v_reset, refractory)
    _checks.positive("sigma", sigma, "mV/sqrt(ms)")
    parts = _passages(frequency_hz, mean, sigma, tau_mem, v_threshold, v_reset)
    return _scalar(np.exp(-parts.decay - 1j * parts.omega * as_float(dead_time(refractory))))


@closed_form
def rate_response(
    frequency_hz: ArrayLike,
    mean: ArrayLike,
    sigma: ArrayLike,
    *,
    tau_mem: ArrayLike,
    v_threshold: ArrayLike,
    v_reset: ArrayLike,
    refractory: ArrayLike | None = 0.0,
) -> ComplexNumbers:
    r"""Linear response ``N`` [Hz/mV, complex] of the firing rate to a weak modulation of the mean drive, under white noise.

    ``mean + eps cos(w t)`` gives the rate ``rate + eps Re(N exp(i w t))``:

    .. math:: N(\omega) = \frac{\nu}{\sigma_B\,(1 + i\omega\tau)}\;
              \frac{u'(y_t) - u'(y_r)}{u(y_t) - e^{-i\omega t_{ref}}\,u(y_r)}, \qquad
              u(y) = e^{y^2/2}\,D_{-i\omega\tau}(-\sqrt{2}\,y)

    ``N(0)`` is :func:`rate_slope_of_mean`; for high frequencies ``N`` falls as ``1/sqrt(w)``, with a phase of -45 degrees. For a
    modulated synaptic current, filtered by ``tau_syn``, multiply by ``1/(1 + i w tau_syn)``; noise that is filtered so shifts the
    threshold and the reset by :func:`coloured_shift` (Schuecker et al.).

    Args:
        frequency_hz: [Hz].
        mean: mean drive [mV].
        sigma: ``Diffusion`` amplitude at the voltage seam [mV/sqrt(ms)] > 0.
        tau_mem: membrane time constant [ms].
        v_threshold: threshold [mV], above ``v_reset``.
        v_reset: reset [mV].
        refractory: absolute refractory time [ms]; ``None`` is none, as in a neuron.

    References:
        Lindner & Schimansky-Geier (2001), Phys. Rev. Lett. 86:2934, doi:10.1103/PhysRevLett.86.2934; Brunel, Chance, Fourcaud &
        Abbott (2001), Phys. Rev. Lett. 86:2186, doi:10.1103/PhysRevLett.86.2186; Schuecker, Diesmann & Helias (2015), Phys. Rev. E
        92:052119, doi:10.1103/PhysRevE.92.052119.

    Example:
        >>> neuron = {"tau_mem": 20.0, "v_threshold": 20.0, "v_reset": 15.0}
        >>> response = rate_response([0.0, 100.0], 16.42, 4.0 / 20.0**0.5, **neuron)
        >>> [round(float(abs(one)), 3) for one in response]
        [5.255, 1.514]
    """
    check_neuron(tau_mem, v_threshold, v_reset, refractory)
    _checks.positive("sigma", sigma, "mV/sqrt(ms)")
    neuron = {"tau_mem": tau_mem, "v_threshold": v_threshold, "v_reset": v_reset, "refractory": refractory}
    parts = _passages(frequency_hz, mean, sigma, tau_mem, v_threshold, v_reset)
    tau, held = as_float(tau_mem), parts.omega * as_float(dead_time(refractory))
    scale = siegert_rate_hz(mean, sigma, **neuron) / (as_float(sigma) * np.sqrt(tau)) / (1.0 + 1j * parts.omega * tau)
    left = np.exp(-parts.decay)  # u(y_r)/u(y_t)
    moving = parts.omega != 0
    missed = np.where(moving, -np.expm1(-parts.decay - 1j * held), 1.0)
    change = (parts.high - parts.low * left) / missed
    return _scalar(np.where(moving, scale * change, rate_slope_of_mean(mean, sigma, **neuron)))


@closed_form
def lif_spectrum_hz(
    frequency_hz: ArrayLike,
    mean: ArrayLike,
    sigma: ArrayLike,
    *,
    tau_mem: ArrayLike,
    v_threshold: ArrayLike,
    v_reset: ArrayLike,
    refractory: ArrayLike | None = 0.0,
) -> Numbers:
    r"""Power spectrum [Hz] of the spike train of a leaky integrate-and-fire neuron under white noise (two-sided).

    A renewal train: :math:`\nu\,(1 - |\tilde\rho|^2)/|1 - \tilde\rho|^2` with :func:`interval_transform`; the rate at high
    frequencies, ``CV^2 rate`` at 0. Arguments as in :func:`rate_response`.

    References:
        Lindner, Schimansky-Geier & Longtin (2002), Phys. Rev. E 66:031916, doi:10.1103/PhysRevE.66.031916.

    Example:
        >>> neuron = {"tau_mem": 20.0, "v_threshold": 1.0, "v_reset": 0.0, "refractory": 2.0}
        >>> [round(float(one), 2) for one in lif_spectrum_hz([0.0, 30.0, 5000.0], 1.2, 0.2 / 20.0**0.5, **neuron)]
        [2.39, 48.71, 28.85]
    """
    check_neuron(tau_mem, v_threshold, v_reset, refractory)
    _checks.positive("sigma", sigma, "mV/sqrt(ms)")
    neuron = {"tau_mem": tau_mem, "v_threshold": v_threshold, "v_reset": v_reset, "refractory": refractory}
    parts = _passages(frequency_hz, mean, sigma, tau_mem, v_threshold, v_reset)
    exponent = parts.decay + 1j * parts.omega * as_float(dead_time(refractory))
    rate, slow = siegert_rate_hz(mean, sigma, **neuron), parts.omega == 0
    lost = np.where(slow, 1.0, np.square(np.abs(np.expm1(-exponent))))
    limit = np.square(siegert_cv(mean, sigma, **neuron))
    return np.float64(1.0) * rate * np.where(slow, limit, -np.expm1(-2.0 * exponent.real) / lost)


class _Passages:
    """The passages of broadcast arguments: ``omega`` [1/ms], and of each the transform's logarithm and slopes."""

    def __init__(self, omega: NDArray[np.float64], decay: Complexes, low: Complexes, high: Complexes):
        self.omega, self.decay, self.low, self.high = omega, decay, low, high


def _passages(frequency_hz: Any, mean: Any, sigma: Any, tau_mem: Any, v_threshold: Any, v_reset: Any) -> _Passages:
    """One solution of the differential equation for all frequencies of a neuron."""
    given = (frequency_hz, mean, sigma, tau_mem, v_threshold, v_reset)
    frequency, drive, noise, tau, threshold, reset = np.broadcast_arrays(*(as_float(one) for one in given))
    omega = np.asarray(2.0 * np.pi * frequency / 1000.0)
    spread = noise * np.sqrt(tau)
    bounds = np.stack([((reset - drive) / spread).ravel(), ((threshold - drive) / spread).ravel()], axis=-1)
    decay, low, high = (np.zeros(omega.size, np.complex128) for _ in range(3))
    turns = (omega * tau).ravel()
    neurons, which = np.unique(bounds, axis=0, return_inverse=True)
    for k, (bottom, top) in enumerate(neurons):
        mine = np.flatnonzero((which.ravel() == k) & (turns != 0))
        if mine.size:
            found = transform_of(1j * turns[mine], float(bottom), float(top))
            decay[mine], low[mine], high[mine] = found.decay, found.low, found.high
    return _Passages(omega, *(one.reshape(omega.shape) for one in (decay, low, high)))


def _scalar(values: Any) -> ComplexNumbers:
    return np.asarray(values, np.complex128) if np.ndim(values) else np.complex128(values)
