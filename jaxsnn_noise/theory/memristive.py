"""Moments of memristive devices: programming, drift and read noise of phase-change and resistive memory.

Conductances are shares of the largest one, ``g_max``.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from jaxsnn_noise import _checks
from jaxsnn_noise.theory._arguments import closed_form
from jaxsnn_noise.theory._quadrature import ArrayLike, Numbers, as_float

PCM_G_MAX = 25.0
"""Largest conductance of the phase-change devices [uS]."""
PCM_FIRST_READ = 20.0
"""From when on drift is counted [s]."""
PCM_READ = 250e-9
"""Length of a read [s]."""
_PCM_PROGRAMMING = (0.26348, 1.9650, -1.1731)
RERAM_G_MAX = 40.0
"""Largest conductance of the resistive devices [uS]."""
RERAM_AGES = (1.0, 86_400.0, 172_800.0)
"""When their spread was measured [s]."""
_RERAM_SPREAD = (
    (0.348, 16.030, -43.853, 45.393, -16.815),
    (0.701, 22.086, -50.773, 47.095, -16.458),
    (0.782, 20.274, -43.507, 37.062, -11.934),
)


@closed_form
def rectified_moments(mean: ArrayLike, std: ArrayLike) -> tuple[Numbers, Numbers]:
    r"""Mean and variance of :math:`\max(0, X)` for a Gaussian ``X``.

    .. math:: \mu\Phi + \sigma\varphi, \qquad (\mu^2 + \sigma^2)\Phi + \mu\sigma\varphi - (\mu\Phi + \sigma\varphi)^2,
              \qquad \Phi = \Phi(\mu/\sigma),\ \varphi = \varphi(\mu/\sigma)

    Args:
        mean: :math:`\mu`, in any unit.
        std: :math:`\sigma` in that unit, >= 0.

    Example:
        >>> [round(float(x), 4) for x in rectified_moments(0.0, 1.0)]
        [0.3989, 0.3408]
    """
    _checks.nonnegative("std", std)
    mu, s = np.broadcast_arrays(as_float(mean), as_float(std))
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(s > 0, mu / np.where(s > 0, s, 1.0), np.where(mu > 0, np.inf, -np.inf))
    below = special.ndtr(z)
    density = np.exp(-0.5 * np.square(np.clip(z, -40, 40))) / np.sqrt(2 * np.pi)
    first = mu * below + s * density
    second = (np.square(mu) + np.square(s)) * below + mu * s * density
    return first, np.maximum(second - np.square(first), 0.0)


@closed_form
def pcm_programming_std(conductance: ArrayLike) -> Numbers:
    r"""Standard deviation of a programmed phase-change device [1], before what is below 0 is cut off.

    :math:`\sigma g_{max} = 0.26348 + 1.9650\,g - 1.1731\,g^2` uS with :math:`g_{max} = 25` uS.

    Args:
        conductance: target ``g`` [1], 0 to 1.

    References:
        Joshi et al. (2020), doi:10.1038/s41467-020-16108-9; Nandakumar et al. (2019), doi:10.1109/ICECS46596.2019.8964852.

    Example:
        >>> round(float(pcm_programming_std(1.0)), 4)
        0.0422
    """
    return as_float(np.polynomial.polynomial.polyval(_share(conductance), _PCM_PROGRAMMING)) / PCM_G_MAX


@closed_form
def pcm_drift_exponent(conductance: ArrayLike) -> tuple[Numbers, Numbers]:
    r"""Mean and standard deviation of the drift exponent of a phase-change device [1], before what is below 0 is cut off.

    :math:`\mu_\nu = -0.0155\ln g + 0.0244` in [0.049, 0.1], :math:`\sigma_\nu = -0.0125\ln g - 0.0059` in [0.008, 0.045].

    Args:
        conductance: target ``g`` [1], 0 to 1.

    References:
        As of :func:`pcm_programming_std`.

    Example:
        >>> [float(x) for x in pcm_drift_exponent(1.0)]
        [0.049, 0.008]
    """
    with np.errstate(divide="ignore"):
        log = np.log(np.maximum(_share(conductance), 1e-7))
    return np.clip(-0.0155 * log + 0.0244, 0.049, 0.1), np.clip(-0.0125 * log - 0.0059, 0.008, 0.045)


@closed_form
def pcm_moments(conductance: ArrayLike, age: ArrayLike) -> tuple[Numbers, Numbers]:
    r"""Mean and variance over devices of a phase-change conductance [1] at an age, without read noise.

    :math:`g(t) = \max(0, g_T + \sigma\xi_1)\,(t/t_0)^{-\nu}` with :math:`\nu = \max(0, \mu_\nu + \sigma_\nu\xi_2)`, :math:`t = \mathrm{age} + t_0`
    and :math:`t_0 = 20` s: the moments of a rectified Gaussian, times

    .. math:: E\,e^{-\nu L} = \Phi(-\mu_\nu/\sigma_\nu) + e^{-\mu_\nu L + \sigma_\nu^2 L^2/2}\,\Phi(\mu_\nu/\sigma_\nu - \sigma_\nu L),
              \qquad L = \ln(t/t_0)

    Args:
        conductance: target ``g_T`` [1], 0 to 1.
        age: since the end of programming [s], >= 0.

    References:
        As of :func:`pcm_programming_std`.

    Example:
        >>> mean, variance = pcm_moments(1.0, [0.0, 86_400.0])
        >>> mean.round(3).tolist()
        [1.0, 0.665]
    """
    _checks.nonnegative("age", age, "s")
    mean, variance = rectified_moments(as_float(conductance), pcm_programming_std(conductance))
    log = np.log1p(as_float(age) / PCM_FIRST_READ)
    fades = [_faded(conductance, k * log) for k in (1.0, 2.0)]
    first = mean * fades[0]
    return first, (variance + np.square(mean)) * fades[1] - np.square(first)


@closed_form
def pcm_read_std(programmed: ArrayLike, drifted: ArrayLike, age: ArrayLike) -> Numbers:
    r"""Standard deviation of a read of a phase-change device [1], from its 1/f noise since programming, before what is below 0 is cut off.

    .. math:: \sigma = g\,q\sqrt{\ln\frac{t + t_r}{2 t_r}}, \qquad q = \min\!\left(\frac{0.0088}{\max(g_P^{0.65}, 10^{-3})},\ 0.2\right)

    with a read of :math:`t_r = 250` ns and :math:`t = \mathrm{age} + 20` s.

    Args:
        programmed: conductance :math:`g_P` right after programming [1], >= 0.
        drifted: conductance ``g`` at this age [1], >= 0.
        age: since the end of programming [s], >= 0.

    References:
        As of :func:`pcm_programming_std`.

    Example:
        >>> round(float(pcm_read_std(1.0, 0.66, 86_400.0)), 4)
        0.0295
    """
    for name, value, unit in (("programmed", programmed, "1"), ("drifted", drifted, "1"), ("age", age, "s")):
        _checks.nonnegative(name, value, unit)
    q = np.minimum(0.0088 / np.maximum(as_float(programmed) ** 0.65, 1e-3), 0.2)
    return as_float(drifted) * q * np.sqrt(np.log((as_float(age) + PCM_FIRST_READ + PCM_READ) / (2 * PCM_READ)))


@closed_form
def reram_std(conductance: ArrayLike, age: ArrayLike) -> Numbers:
    r"""Standard deviation over devices of a resistive conductance [1] around its target, before what is below 0 is cut off.

    Polynomials of fourth degree at 1 s, 1 day and 2 days (:math:`g_{max} = 40` uS), between these linear in the logarithm of the age.

    Args:
        conductance: target [1], 0 to 1.
        age: since programming [s], from 1 to 172,800: nothing is known beyond.

    References:
        Wan et al. (2022), doi:10.1038/s41586-022-04992-8, as fitted by Rasch et al. (2021), arXiv:2104.02184 (aihwkit).

    Example:
        >>> reram_std(1.0, [1.0, 86_400.0]).round(4).tolist()
        [0.0276, 0.0663]
    """
    _checks.in_range("age", age, RERAM_AGES[0], RERAM_AGES[-1], "s")
    x, log = np.broadcast_arrays(_share(conductance), np.log(as_float(age)))
    spreads = [np.polynomial.polynomial.polyval(x, c) / RERAM_G_MAX for c in _RERAM_SPREAD]
    ends = np.log(RERAM_AGES)
    early = spreads[0] + (spreads[1] - spreads[0]) * (log - ends[0]) / (ends[1] - ends[0])
    late = spreads[1] + (spreads[2] - spreads[1]) * (log - ends[1]) / (ends[2] - ends[1])
    return np.where(log <= ends[1], early, late)


def _share(conductance: ArrayLike) -> Numbers:
    _checks.in_range("conductance", conductance, 0.0, 1.0, "1")
    return as_float(conductance)


def _faded(conductance: ArrayLike, log: Numbers) -> Numbers:
    """``E exp(-nu L)`` of the exponents of devices of a target."""
    mu, s = pcm_drift_exponent(conductance)
    return special.ndtr(-mu / s) + np.exp(-mu * log + 0.5 * np.square(s * log)) * special.ndtr(mu / s - s * log)
