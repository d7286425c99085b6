"""Coloured noise of unit variance: autocovariances and power spectra of telegraph and power-law noise.

Spectra are two-sided densities [1/Hz] over frequencies [Hz] of both signs: their integral is the variance, 1. A one-sided
estimate (Welch's by default) is twice that. Of noise of standard deviation ``std`` everything is multiplied by ``std^2``.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from jaxsnn_noise import _checks
from jaxsnn_noise.theory._arguments import closed_form
from jaxsnn_noise.theory._quadrature import ArrayLike, Numbers, as_float

Arrays: TypeAlias = NDArray[np.float64]

MOST_PROCESSES = 10_000
"""More of them are no band."""


@closed_form
def telegraph_autocovariance(lag: ArrayLike, up_hz: ArrayLike, down_hz: ArrayLike) -> Numbers:
    """Autocovariance [1] of random telegraph noise of unit variance: ``exp(-(up + down) |lag|)``.

    Args:
        lag: [ms].
        up_hz: rate of switches from low to high [Hz].
        down_hz: rate of switches from high to low [Hz].

    References:
        Machlup (1954), J. Appl. Phys. 25:341, doi:10.1063/1.1721637.
    """
    return np.exp(-_total(up_hz, down_hz) * np.abs(as_float(lag)) / 1000.0)


@closed_form
def telegraph_spectrum(frequency_hz: ArrayLike, up_hz: ArrayLike, down_hz: ArrayLike) -> Numbers:
    """Two-sided spectrum [1/Hz] of random telegraph noise of unit variance: ``2 r/(r^2 + (2 pi f)^2)``, ``r = up + down``.

    References:
        Machlup (1954), J. Appl. Phys. 25:341, doi:10.1063/1.1721637.

    Example:
        >>> float(telegraph_spectrum(0.0, 10.0, 30.0))
        0.05
    """
    total = _total(up_hz, down_hz)
    return 2.0 * total / (np.square(total) + np.square(2.0 * np.pi * as_float(frequency_hz)))


@closed_form
def telegraph_levels(up_hz: ArrayLike, down_hz: ArrayLike) -> tuple[Numbers, Numbers, Numbers]:
    """The two levels of random telegraph noise of mean 0 and variance 1, and the share of time at the high one.

    ``-sqrt(q/(1-q))``, ``sqrt((1-q)/q)`` and ``q = up/(up + down)``; the skewness is ``(1 - 2q)/sqrt(q (1-q))``, the sum of the levels.

    Example:
        >>> low, high, share = telegraph_levels(10.0, 30.0)
        >>> round(float(low), 4), round(float(high), 4), float(share)
        (-0.5774, 1.7321, 0.25)
    """
    share = as_float(up_hz) / _total(up_hz, down_hz)
    odds = share / (1.0 - share)
    return -np.sqrt(odds), 1.0 / np.sqrt(odds), share


@closed_form
def power_law_processes(
    beta: ArrayLike, *, f_low_hz: ArrayLike, f_high_hz: ArrayLike, processes: int
) -> tuple[Arrays, Arrays]:
    r"""Corner frequencies [Hz] and variances [1] of the Ornstein-Uhlenbeck processes that ``noise.PowerLaw`` is the sum of.

    The corners divide ``f_low_hz/5`` to ``5 f_high_hz`` into equal ratios :math:`\rho`; :math:`v_k \propto f_k^{1-\beta}`, of the first more
    by the factor :math:`1/(1 - \rho^{\beta-2})`, of the last by :math:`1/(1 - \rho^{-\beta})`, the geometric sums of what lies beyond. Any closed
    form for noise of one time constant, ``tau_k = 1000/(2 pi f_k)`` ms, is summed over them.

    Args:
        beta: exponent [1], in (0, 2).
        f_low_hz: lower end of the band [Hz].
        f_high_hz: upper end [Hz].
        processes: number of processes.

    Returns:
        Both with the processes as last dimension.

    References:
        van der Ziel (1950), Physica 16:359, doi:10.1016/0031-8914(50)90078-4.

    Example:
        >>> corners, variances = power_law_processes(1.0, f_low_hz=5.0, f_high_hz=20.0, processes=3)
        >>> [float(f) for f in corners.round(6)], round(float(variances.sum()), 6)
        ([1.0, 10.0, 100.0], 1.0)
    """
    exponent, low, high = _band(beta, f_low_hz, f_high_hz)
    if _checks.count("processes", processes, 2) > MOST_PROCESSES:
        _checks.fail("processes", f"must be at most {MOST_PROCESSES}", processes)
    low, high, exponent = low[..., None] / 5.0, high[..., None] * 5.0, exponent[..., None]
    ratio = (high / low) ** (1.0 / (processes - 1))
    corners = low * ratio ** np.arange(processes)
    variances = corners ** (1.0 - exponent)
    variances[..., :1] /= 1.0 - ratio ** (exponent - 2.0)
    variances[..., -1:] /= 1.0 - ratio**-exponent
    return corners, variances / variances.sum(axis=-1, keepdims=True)


@closed_form
def power_law_autocovariance(
    lag: ArrayLike, beta: ArrayLike, *, f_low_hz: ArrayLike, f_high_hz: ArrayLike, processes: int
) -> Numbers:
    """Autocovariance [1] of ``noise.PowerLaw``: the sum of ``v_k exp(-2 pi f_k |lag|)``, exact at grid points of any dt.

    Args:
        lag: [ms].
        beta: exponent [1].
        f_low_hz: lower end of the band [Hz].
        f_high_hz: upper end [Hz].
        processes: number of processes.
    """
    corners, variances = power_law_processes(beta, f_low_hz=f_low_hz, f_high_hz=f_high_hz, processes=processes)
    turns = 2.0 * np.pi * np.abs(as_float(lag))[..., None] / 1000.0
    return np.sum(variances * np.exp(-corners * turns), axis=-1)


@closed_form
def power_law_spectrum(
    frequency_hz: ArrayLike,
    beta: ArrayLike,
    *,
    f_low_hz: ArrayLike,
    f_high_hz: ArrayLike,
    processes: int,
    dt: ArrayLike = 0.0,
) -> Numbers:
    r"""Two-sided spectrum [1/Hz] of ``noise.PowerLaw``: a sum of Lorentzians, within the band the power law and its ripple.

    :math:`\sum_k v_k/(\pi f_k (1 + (f/f_k)^2))`; sampled in steps of ``dt``, so with its aliases,
    :math:`\sum_k v_k dt (1 - b_k^2)/(1 - 2 b_k \cos(2\pi f dt) + b_k^2)` with :math:`b_k = e^{-2\pi f_k dt}`.

    Args:
        frequency_hz: [Hz].
        beta: exponent [1].
        f_low_hz: lower end of the band [Hz].
        f_high_hz: upper end [Hz].
        processes: number of processes.
        dt: step [ms]; 0 is continuous time.

    References:
        Priestley (1981), Spectral Analysis and Time Series, Academic Press: the spectrum of an autoregression.
    """
    _checks.nonnegative("dt", dt, "ms")
    corners, variances = power_law_processes(beta, f_low_hz=f_low_hz, f_high_hz=f_high_hz, processes=processes)
    f, step = as_float(frequency_hz)[..., None], as_float(dt)[..., None] / 1000.0
    tiny = np.where(step > 0, step, 1e-3)
    lost = -np.expm1(-2.0 * np.pi * corners * tiny)
    turn = np.square(2.0 * np.sin(np.pi * f * tiny))
    sampled = tiny * lost * (2.0 - lost) / (np.square(lost) + (1.0 - lost) * turn)
    smooth = 1.0 / (np.pi * corners * (1.0 + np.square(f / corners)))
    return np.sum(variances * np.where(step > 0, sampled, smooth), axis=-1)


@closed_form
def power_law_level(beta: ArrayLike, *, f_low_hz: ArrayLike, f_high_hz: ArrayLike, processes: int) -> Numbers:
    r"""The power law that ``noise.PowerLaw`` is designed for: its two-sided density at 1 Hz, to be multiplied by ``f^-beta``.

    With the variance of an inner process, :math:`v_k = A f_k^{1-\beta}`, it is :math:`A/(2 h \sin(\pi\beta/2))`, :math:`h = \log(f_{k+1}/f_k)`.

    Example:
        >>> band = {"f_low_hz": 1.0, "f_high_hz": 1000.0, "processes": 8}
        >>> found = power_law_spectrum(30.0, 1.0, **band) * 30.0 / power_law_level(1.0, **band)
        >>> bool(abs(found - 1) < 0.005)
        True
    """
    corners, variances = power_law_processes(beta, f_low_hz=f_low_hz, f_high_hz=f_high_hz, processes=processes)
    exponent, apart = as_float(beta), np.log(corners[..., 1] / corners[..., 0])
    amplitude = variances[..., 0] * (1.0 - np.exp((exponent - 2.0) * apart)) * corners[..., 0] ** (exponent - 1.0)
    return amplitude / (2.0 * apart * np.sin(0.5 * np.pi * exponent))


def _total(up_hz: ArrayLike, down_hz: ArrayLike) -> Numbers:
    _checks.positive("up_hz", up_hz, "Hz")
    _checks.positive("down_hz", down_hz, "Hz")
    return as_float(up_hz) + as_float(down_hz)


def _band(beta: ArrayLike, f_low_hz: ArrayLike, f_high_hz: ArrayLike) -> tuple[Arrays, Arrays, Arrays]:
    _checks.inside("beta", beta, _checks.ranges.Range(0.0, 2.0, low_open=True, high_open=True), "1")
    _checks.positive("f_low_hz", f_low_hz, "Hz")
    exponent, low, high = np.broadcast_arrays(as_float(beta), as_float(f_low_hz), as_float(f_high_hz))
    if not np.all(high > low):
        _checks.fail("f_high_hz", "must lie above f_low_hz [Hz]", f_high_hz)
    return exponent, low, high
