r"""Power spectra of renewal trains, and what a grid in time makes of their intervals.

A stationary train of independent intervals of density :math:`\rho(T)` and rate :math:`\nu` has the two-sided spectrum (Cox and Lewis
1966; Stratonovich 1963)

.. math:: S(f) = \nu\,\frac{1 - |\tilde\rho(f)|^2}{|1 - \tilde\rho(f)|^2}, \qquad
          \tilde\rho(f) = E\,e^{-2\pi i f T}, \qquad S(0) = CV^2\,\nu, \quad S(\infty) = \nu.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from jaxsnn_noise import _checks
from jaxsnn_noise.theory._arguments import closed_form
from jaxsnn_noise.theory._quadrature import ArrayLike, Numbers, as_float, elementwise, panels
from jaxsnn_noise.theory._transform import transform_of
from jaxsnn_noise.theory.rates import check_neuron, dead_time, siegert_cv, siegert_rate_hz
from jaxsnn_noise.theory.spiking import dead_time_rate_hz

_MOST_TURNS = 1e6
"""Phase over the longest interval that the quadrature follows."""


@closed_form
def dead_time_spectrum_hz(frequency_hz: ArrayLike, hazard_hz: ArrayLike, *, dead_time: ArrayLike) -> Numbers:
    r"""Power spectrum [Hz] of a Poisson train with dead time.

    :math:`\nu\,\left[1 + 2\,\frac{\lambda}{\omega}\sin\omega D + 2\,\frac{\lambda^2}{\omega^2}(1 - \cos\omega D)\right]^{-1}` with the
    hazard :math:`\lambda` and the dead time :math:`D`; flat without dead time.

    Args:
        frequency_hz: [Hz].
        hazard_hz: escape rate outside the dead time [Hz] > 0.
        dead_time: [ms].

    References:
        Cox & Lewis (1966), The Statistical Analysis of Series of Events; Bair, Koch, Newsome & Britten (1994), J. Neurosci. 14:2870,
        doi:10.1523/JNEUROSCI.14-05-02870.1994.

    Example:
        >>> round(float(dead_time_spectrum_hz(0.0, 100.0, dead_time=2.0)), 3)
        57.87
    """
    _checks.positive("hazard_hz", hazard_hz, "Hz")
    _checks.nonnegative("dead_time", dead_time, "ms")
    hazard, dead = as_float(hazard_hz) / 1000.0, as_float(dead_time)
    f = as_float(frequency_hz) / 1000.0
    sine, half = 2.0 * dead * np.sinc(2.0 * f * dead), dead * np.sinc(f * dead)
    rate = dead_time_rate_hz(hazard_hz, dead_time=dead_time)
    return rate / (1.0 + hazard * sine + np.square(hazard * half))


@closed_form
def gamma_spectrum_hz(frequency_hz: ArrayLike, rate_hz: ArrayLike, *, shape: ArrayLike) -> Numbers:
    r"""Power spectrum [Hz] of a train of gamma intervals, :math:`\tilde\rho = (1 + i\omega/(k\nu))^{-k}`.

    Args:
        frequency_hz: [Hz].
        rate_hz: [Hz] > 0.
        shape: ``k`` [1] > 0; ``CV = 1/sqrt(k)``.

    References:
        Cox (1962), Renewal Theory.

    Example:
        >>> [float(one) for one in gamma_spectrum_hz([0.0, 1e6], 20.0, shape=4.0)]
        [5.0, 20.0]
    """
    _checks.positive("rate_hz", rate_hz, "Hz")
    _checks.positive("shape", shape)
    rate, order = as_float(rate_hz), as_float(shape)
    exponent = order * np.log1p(2j * np.pi * as_float(frequency_hz) / (order * rate))
    return rate * _ratio(exponent, 1.0 / order)


@closed_form
def renewal_spectrum_hz(frequency_hz: ArrayLike, intervals: Any) -> Numbers:
    """Power spectrum [Hz] of a stationary train of independent intervals of any law.

    By quadrature over the density, between quantiles of 1e-13; a density with a pole or a jump inside costs digits.

    Args:
        frequency_hz: [Hz]; many cycles within an interval take more points.
        intervals: a frozen distribution of ``scipy.stats`` [ms], positive, such as ``stats.gamma(4, scale=12.5)`` or
            ``stats.invgauss(0.25, scale=200.0)``.

    References:
        Cox & Lewis (1966), The Statistical Analysis of Series of Events.

    Example:
        >>> from scipy import stats
        >>> round(float(renewal_spectrum_hz(20.0, stats.gamma(4, scale=12.5))), 6) == round(float(gamma_spectrum_hz(20.0, 20.0, shape=4)), 6)
        True
    """
    if not all(callable(getattr(intervals, name, None)) for name in ("pdf", "ppf", "mean", "var")):
        rule = "must be a frozen continuous distribution of scipy.stats, such as stats.gamma(4, scale=12.5) [ms]"
        _checks.fail("intervals", rule, intervals)
    low, high = float(intervals.ppf(1e-13)), float(intervals.isf(1e-13))
    mean, variance = float(intervals.mean()), float(intervals.var())
    if not (low >= 0 and np.isfinite(high) and np.isfinite(variance)):
        _checks.fail("intervals", "must be positive, with a finite variance [ms]", intervals)
    middle = float(intervals.ppf(0.5))
    edges = np.unique(np.concatenate([low + (middle - low) * 2.0 ** np.arange(-40.0, 1.0), [low]]))

    def spectrum(frequency: float) -> float:
        if frequency == 0:
            return 1000.0 / mean * variance / mean**2
        omega = 2.0 * math.pi * abs(frequency) / 1000.0
        if omega * high > _MOST_TURNS:
            rule = (
                f"must be at most {_MOST_TURNS / high * 1000.0 / (2.0 * math.pi):.4g} Hz for intervals as long as these"
            )
            _checks.fail("frequency_hz", rule, frequency)
        tail = np.linspace(middle, high, 2 + int((high - middle) * (4.0 / middle + omega / 8.0)))
        body = np.linspace(edges[-2], middle, 2 + int((middle - edges[-2]) * omega / 8.0))
        nodes, weights = panels([*edges[:-2], *body[:-1], *tail])
        density = weights * intervals.pdf(nodes)
        lost = complex(density @ -np.expm1(-1j * omega * nodes))  # 1 - rho
        return 1000.0 / mean * (2.0 * lost.real - abs(lost) ** 2) / abs(lost) ** 2

    return elementwise(spectrum, frequency_hz)


@closed_form
def bridge_interval(
    mean: ArrayLike, sigma: ArrayLike, *, dt: ArrayLike, tau_mem: ArrayLike, v_threshold: ArrayLike, v_reset: ArrayLike,
    refractory: ArrayLike | None = 0.0,
) -> tuple[Numbers, Numbers]:  # fmt: skip
    r"""Mean [ms] and variance [ms^2] of the interval where every crossing is seen, but at the end of its step.

    What a bridge without times inside the step gives: :math:`dt\,\lceil T/dt \rceil` with the passage time :math:`T` of continuous time,
    as each passage starts on the grid, and the refractory time in whole steps. With the transform :math:`\varphi_k = E\,e^{2\pi i k
    T/dt}` of the passage

    .. math:: E\,\lceil T/dt \rceil = \frac{E\,T}{dt} + \frac12 + \frac1\pi \sum_{k \ge 1} \frac{\mathrm{Im}\,\varphi_k}{k}

    and likewise for the square. Where passages vary by more than half a step, the sums vanish: the mean is that of continuous time
    plus ``dt/2``, the variance that plus ``dt^2/12``. Below that spikes lock to the grid.

    Args:
        mean: mean drive [mV].
        sigma: ``Diffusion`` amplitude at the voltage seam [mV/sqrt(ms)] > 0.
        dt: step [ms].
        tau_mem: membrane time constant [ms].
        v_threshold: threshold [mV], above ``v_reset``.
        v_reset: reset [mV].
        refractory: absolute refractory time [ms]; ``None`` is none, as in a neuron.

    Example:
        >>> found = bridge_interval(30.0, 0.3 / 10**0.5, dt=1.0, tau_mem=10.0, v_threshold=20.0, v_reset=0.0, refractory=2.0)
        >>> [round(float(one), 3) for one in found]
        [13.463, 0.249]
    """
    check_neuron(tau_mem, v_threshold, v_reset, refractory)
    _checks.positive("sigma", sigma, "mV/sqrt(ms)")
    _checks.positive("dt", dt, "ms")
    if np.any(as_float(dt) > 0.25 * as_float(tau_mem) * (1 + 1e-9)):
        _checks.fail("dt", f"must be at most tau_mem/4, {0.25 * np.min(as_float(tau_mem)):g} ms here", dt)
    free: dict[str, Any] = {"tau_mem": tau_mem, "v_threshold": v_threshold, "v_reset": v_reset}
    passage, step = 1000.0 / siegert_rate_hz(mean, sigma, **free), as_float(dt)
    spread, dead = siegert_cv(mean, sigma, **free) * passage, as_float(dead_time(refractory))
    held = step * np.where(dead > 0, np.maximum(np.floor(dead / step * (1.0 + 1e-6) + 0.5), 1.0), 0.0)
    given = (mean, sigma, dt, tau_mem, v_threshold, v_reset)
    rounding = functools.lru_cache(_rounding)
    first, cross = (elementwise(lambda *one, i=i: rounding(*one)[i], *given) for i in (0, 1))
    up = 0.5 + first  # E s of the rounding up, s = ceil(x) - x; E s^2 = 1/3 + cross_1, E x s = E x/2 + cross_2
    x, around = passage / step, np.square(spread / step)
    # Var ceil(x) = E (x + s)^2 - (E x + E s)^2, without the squares of E x
    variance = around + 1.0 / 3.0 + cross - 2.0 * x * first - np.square(up)
    return held + step * (x + up), np.square(step) * np.where(np.isfinite(x), variance, np.inf)


def _rounding(mean: float, sigma: float, dt: float, tau: float, threshold: float, reset: float) -> tuple[float, float]:
    """The sums over harmonics in ``E s`` and in ``E s^2 + 2 E x s``, for ``s = ceil(x) - x`` of ``x = T/dt``."""
    spread = sigma * math.sqrt(tau)
    low, high, nudge = (reset - mean) / spread, (threshold - mean) / spread, 1e-4
    first = square = 0.0
    if high > 0 and high * high - max(low, 0.0) ** 2 > 100.0:  # an escape without memory, over very many steps
        return first, square
    for k in np.split(np.arange(1.0, 257.0), [1, 4, 16, 40, 100]):
        p = 2j * math.pi * k * tau / dt
        both = transform_of(np.concatenate([p, p * (1 + nudge), p * (1 - nudge)]), low, high).decay.reshape(3, -1)
        law = np.conj(np.exp(-both[0]))  # E exp(2 pi i k x)
        moment = 1j * law * np.conj(both[1] - both[2]) / (4.0 * math.pi * nudge * k)  # E x exp(2 pi i k x)
        first += float(np.sum(law.imag / k)) / math.pi
        square += float(np.sum(law.real / np.square(math.pi * k) + law.imag / (math.pi * k)))
        square += 2.0 * float(np.sum(moment.imag / k)) / math.pi
        if both[0, -1].real > _VANISHED:
            return first, square
    return _checks.fail("sigma", "must be weaker: passages take less than a step [mV/sqrt(ms)]", sigma)


_VANISHED = 24.0
"""Minus the logarithm of a harmonic that no longer counts."""


def _ratio(exponent: Any, limit: Any) -> Numbers:
    """``(1 - |rho|^2)/|1 - rho|^2`` of ``rho = exp(-exponent)``, and its limit for none."""
    lost = np.square(np.abs(np.expm1(-exponent)))
    some = lost > 0
    return np.float64(1.0) * np.where(some, -np.expm1(-2.0 * exponent.real) / np.where(some, lost, 1.0), limit)
