r"""Multiplicative noise on the membrane: a random-coefficient recursion (Kesten process).

The free membrane with ``Intensity(D)``, multiplicative, at the voltage seam (noise on the value after the flow) is

.. math:: V_{t+1} = (\beta V_t + I)\,(1 + \sqrt{2D}\,\xi_t), \qquad \beta = e^{-dt/\tau}

with a constant drive ``I`` per step, ``(1 - beta)`` times the mean drive. Moments fail one after the other as ``D``
grows, long before paths do: the second one at :func:`critical_intensity`, the paths where :func:`lyapunov_exponent`
becomes positive. In between the stationary law has a power-law tail with the exponent :func:`tail_exponent`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np

from jaxsnn_noise import _checks
from jaxsnn_noise.theory._arguments import closed_form
from jaxsnn_noise.theory._quadrature import ArrayLike, Numbers, as_float, elementwise
from jaxsnn_noise.theory._roots import brentq


@closed_form
def critical_intensity(beta: ArrayLike) -> Numbers:
    """Intensity ``D`` [1] from which on the variance is infinite: ``(1/beta^2 - 1)/2``.

    Args:
        beta: decay per step [1], in (0, 1).

    References:
        Kesten (1973), Acta Math. 131:207, doi:10.1007/BF02392040.

    Example:
        >>> round(float(critical_intensity(0.9)), 4)
        0.1173
    """
    _decay(beta)
    return 0.5 * (1.0 / np.square(as_float(beta)) - 1.0)


@closed_form
def multiplicative_voltage_moments(beta: ArrayLike, intensity: ArrayLike, drive: ArrayLike) -> tuple[Numbers, Numbers]:
    r"""Stationary mean [mV] and variance [mV^2] of the recursion above.

    The variance is infinite from ``D_c`` on. Mean :math:`m = I/(1-\beta)`, whatever ``D``; second moment
    :math:`(1+2D)(2\beta m I + I^2)/(1 - \beta^2(1+2D))`.

    Args:
        beta: decay per step [1], in (0, 1).
        intensity: ``D`` [1] >= 0.
        drive: ``I`` [mV] per step.
    """
    _decay(beta)
    _checks.nonnegative("intensity", intensity)
    b, gain, step = as_float(beta), 1.0 + 2.0 * as_float(intensity), as_float(drive)
    mean = step / (1.0 - b)
    room = 1.0 - np.square(b) * gain
    second = gain * (2.0 * b * mean * step + np.square(step)) / np.where(room > 0, room, 1.0)
    variance = np.where(room > 0, second - np.square(mean), np.where(step == 0, 0.0, np.inf))
    return np.float64(1.0) * mean, np.float64(1.0) * variance


@closed_form
def multiplicative_current_variance(beta: ArrayLike, intensity: ArrayLike, drive: ArrayLike) -> Numbers:
    """Stationary variance [mV^2] of ``V <- beta V + I (1 + sqrt(2 D) xi)``: ``2 D I^2/(1 - beta^2)``.

    What the same noise does at the current seam: always finite. Arguments as in :func:`multiplicative_voltage_moments`.
    """
    _decay(beta)
    _checks.nonnegative("intensity", intensity)
    return 2.0 * as_float(intensity) * np.square(as_float(drive)) / (1.0 - np.square(as_float(beta)))


@closed_form
def lyapunov_exponent(beta: ArrayLike, intensity: ArrayLike) -> Numbers:
    r"""Growth rate of paths per step [1]: :math:`E \ln|\beta(1 + \sqrt{2D}\,\xi)|`, by quadrature.

    Negative: the process has a stationary law, whatever its moments. Weak noise *stabilises* paths: ``ln(beta) - D`` to
    first order.

    Args:
        beta: decay per step [1], in (0, 1).
        intensity: ``D`` [1] >= 0.

    References:
        Kesten (1973), Acta Math. 131:207, doi:10.1007/BF02392040.
    """
    _decay(beta)
    _checks.nonnegative("intensity", intensity)
    return elementwise(_lyapunov, beta, intensity)


@closed_form
def lyapunov_critical_intensity(beta: ArrayLike) -> Numbers:
    """Intensity ``D`` [1] at which paths begin to grow: the root of :func:`lyapunov_exponent`.

    Args:
        beta: decay per step [1], in (0, 1).

    Example:
        >>> round(float(lyapunov_critical_intensity(0.9)), 2)
        1.65
    """
    _decay(beta)
    # The mean of ln|1 + sqrt(2 D) xi| falls, then grows like ln(2 D)/2 - 0.635: it is below 0 at D = 0.5, and
    # above -ln(beta) where ln(2 D)/2 exceeds 1 - ln(beta).
    return elementwise(
        lambda b: brentq(lambda d: _lyapunov(b, d), 0.5, 0.5 * math.exp(2.0 - 2.0 * math.log(b)), xtol=1e-12),
        beta,
    )


@closed_form
def tail_exponent(beta: ArrayLike, intensity: ArrayLike) -> Numbers:
    r"""Exponent :math:`\kappa` of the tail, :math:`P(|V| > v) \sim v^{-\kappa}`.

    The root of :math:`E|\beta(1+\sqrt{2D}\,\xi)|^\kappa = 1`: 2 at :func:`critical_intensity`, 0 where the Lyapunov
    exponent vanishes (and NaN beyond, where there is no stationary law), infinite without noise.

    Args:
        beta: decay per step [1], in (0, 1).
        intensity: ``D`` [1] >= 0.

    References:
        Goldie (1991), Ann. Appl. Probab. 1:126, doi:10.1214/aoap/1177005985.

    Example:
        >>> round(float(tail_exponent(0.9, critical_intensity(0.9))), 6)
        2.0
    """
    _decay(beta)
    _checks.nonnegative("intensity", intensity)
    return elementwise(_tail, beta, intensity)


def _lyapunov(beta: float, intensity: float) -> float:
    if intensity == 0:
        return math.log(beta)
    gain = math.sqrt(2.0 * intensity)
    pole = 1.0 / gain  # |1 + gain xi| = gain t at xi = -pole +- t: both sides of the pole together
    return math.log(beta) + _both_sides(lambda t: math.log(gain * t), pole, pole)


def _log_moment(order: float, gain: float) -> float:
    """``ln E|1 + gain xi|^order``, with the largest value of the integrand taken out."""
    pole = 1.0 / gain
    peak = 0.5 * (pole + math.sqrt(pole * pole + 4.0 * order))
    top = order * math.log(gain * peak) - 0.5 * (peak - pole) ** 2
    # log1p keeps what is left of the large and nearly equal terms
    power = lambda t: order * math.log1p((t - peak) / peak) if t > 0 else -math.inf  # noqa: E731
    near = lambda t: math.exp(power(t) - 0.5 * (t - peak) * (t + peak - 2.0 * pole))  # noqa: E731
    far = lambda t: near(t) * math.exp(-2.0 * t * pole)  # noqa: E731
    total = _integral(lambda t: near(t) + far(t), peak)
    return top + math.log(total / math.sqrt(2.0 * math.pi))


def _both_sides(function: Callable[[float], float], pole: float, centre: float) -> float:
    """The mean of ``function(|pole + xi|)`` for a standard normal ``xi``."""

    def integrand(t: float) -> float:
        density = math.exp(-0.5 * (t - pole) ** 2) + math.exp(-0.5 * (t + pole) ** 2)
        return density * function(t)

    return _integral(integrand, centre) / math.sqrt(2.0 * math.pi)


def _integral(integrand: Callable[[float], float], centre: float) -> float:
    """Over positive ``t``; the integrand is a bump at ``centre`` that is no wider than a normal density."""
    from scipy import integrate

    edges = [max(centre - 14.0, 0.0), max(centre - 4.0, 0.0), centre, centre + 4.0, centre + 14.0]
    pairs = [(a, b) for a, b in itertools.pairwise(edges) if b > a]
    return sum(integrate.quad(integrand, a, b, epsabs=1e-13, limit=200)[0] for a, b in pairs)


def _tail(beta: float, intensity: float) -> float:
    if intensity == 0:
        return math.inf
    if _lyapunov(beta, intensity) >= 0:
        return math.nan
    gain = math.sqrt(2.0 * intensity)
    growth = lambda order: order * math.log(beta) + _log_moment(order, gain)  # noqa: E731
    high = 1.0
    while growth(high) < 0:
        high *= 2.0
    low = high / 2.0
    while growth(low) > 0:
        low /= 2.0
    return brentq(growth, low, high, xtol=1e-12)


def _decay(beta: ArrayLike) -> None:
    _checks.positive("beta", beta)
    if np.any(as_float(beta) >= 1.0):
        _checks.fail("beta", "must lie in (0, 1), a decay per step", beta)
