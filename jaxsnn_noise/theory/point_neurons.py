r"""Intervals of one-dimensional neurons that are not the leaky integrator: perfect and quadratic."""

from __future__ import annotations

import numpy as np
from scipy.special import log_ndtr, ndtr

from jaxsnn_noise import _checks
from jaxsnn_noise.theory._arguments import closed_form
from jaxsnn_noise.theory._quadrature import ArrayLike, Numbers, as_float
from jaxsnn_noise.theory.rates import dead_time


@closed_form
def integrator_interval(
    slope: ArrayLike,
    sigma: ArrayLike,
    *,
    v_threshold: ArrayLike,
    v_reset: ArrayLike,
    refractory: ArrayLike | None = 0.0,
) -> tuple[Numbers, Numbers]:
    r"""Mean [ms] and CV [1] of the intervals of a perfect integrator under white noise, in continuous time.

    :math:`dV = \mu\,dt + \sigma\,dW` first meets a threshold :math:`L = \theta - V_r` away at a time of the inverse Gaussian law, of
    mean :math:`L/\mu` and variance :math:`L \sigma^2/\mu^3`; the refractory time is added.

    Args:
        slope: :math:`\mu = I/C` [mV/ms] > 0. (Without a drift towards the threshold the mean is infinite.)
        sigma: ``Diffusion`` amplitude of the voltage seam [mV/sqrt(ms)] >= 0.
        v_threshold: threshold [mV], above ``v_reset``.
        v_reset: reset [mV].
        refractory: absolute refractory time [ms]; ``None`` is none.

    References:
        Gerstein and Mandelbrot (1964), Biophys. J. 4:41, doi:10.1016/S0006-3495(64)86768-0.

    Example:
        >>> [round(float(one), 3) for one in integrator_interval(0.05, 0.1, v_threshold=1.0, v_reset=0.0)]
        [20.0, 0.447]
    """
    gap = _gap(slope, sigma, v_threshold, v_reset)
    drift, spread = as_float(slope), as_float(sigma)
    mean = gap / drift + as_float(dead_time(refractory))
    return mean, np.sqrt(gap * np.square(spread) / drift**3) / mean


@closed_form
def integrator_interval_cdf(
    time: ArrayLike,
    slope: ArrayLike,
    sigma: ArrayLike,
    *,
    v_threshold: ArrayLike,
    v_reset: ArrayLike,
    refractory: ArrayLike | None = 0.0,
) -> Numbers:
    r"""Probability [1] that an interval of :func:`integrator_interval` is at most ``time``.

    :math:`\Phi\left(\frac{\mu t - L}{\sigma\sqrt{t}}\right) + e^{2 \mu L/\sigma^2}\,\Phi\left(-\frac{\mu t + L}{\sigma\sqrt{t}}\right)`,
    with :math:`t` counted from the end of the refractory time.

    Args:
        time: [ms] >= 0.
        slope: [mV/ms] > 0.
        sigma: [mV/sqrt(ms)] > 0.
        v_threshold: threshold [mV], above ``v_reset``.
        v_reset: reset [mV].
        refractory: absolute refractory time [ms]; ``None`` is none.

    References:
        Chhikara and Folks (1989), The Inverse Gaussian Distribution.

    Example:
        >>> round(float(integrator_interval_cdf(20.0, 0.05, 0.1, v_threshold=1.0, v_reset=0.0)), 4)
        0.5853
    """
    gap = _gap(slope, sigma, v_threshold, v_reset)
    _checks.positive("sigma", sigma, "mV/sqrt(ms)")
    drift, spread = as_float(slope), as_float(sigma)
    since = as_float(time) - as_float(dead_time(refractory))
    some = since > 0
    t = np.where(some & np.isfinite(since), since, 1.0)
    root = spread * np.sqrt(t)
    late = np.exp(2.0 * drift * gap / np.square(spread) + log_ndtr(-(drift * t + gap) / root))
    return np.where(np.isposinf(since), 1.0, np.where(some, ndtr((drift * t - gap) / root) + late, 0.0))


@closed_form
def quadratic_interval(
    drive: ArrayLike,
    *,
    tau_mem: ArrayLike,
    v_rest: ArrayLike,
    v_critical: ArrayLike,
    v_peak: ArrayLike,
    v_reset: ArrayLike,
    refractory: ArrayLike | None = 0.0,
) -> Numbers:
    r"""Interspike interval [ms] of a quadratic integrate-and-fire neuron without noise, in continuous time.

    With :math:`L = v_c - v_{rest}`, :math:`u = v - (v_c + v_{rest})/2` and :math:`q = R I\,L - L^2/4` the flow is
    :math:`\tau L\,\dot u = u^2 + q`, so that

    .. math:: T = t_{ref} + \frac{\tau L}{\sqrt{q}} \left[\arctan\frac{u_{peak}}{\sqrt q} - \arctan\frac{u_{reset}}{\sqrt q}\right],

    with the hyperbolic form for :math:`q < 0`. Infinite where the reset lies below the potential that it cannot pass.

    Args:
        drive: :math:`R I` [mV].
        tau_mem: time constant at rest [ms] > 0.
        v_rest: stable potential without input [mV].
        v_critical: unstable potential without input [mV], above ``v_rest``.
        v_peak: where the upstroke is cut [mV], above ``v_reset`` and ``v_critical``.
        v_reset: reset [mV].
        refractory: absolute refractory time [ms]; ``None`` is none.

    References:
        Ermentrout and Kopell (1986), SIAM J. Appl. Math. 46:233, doi:10.1137/0146017.

    Example:
        >>> unit = {"v_rest": 0.0, "v_critical": 1.0, "v_peak": 100.5, "v_reset": -99.5}
        >>> round(float(quadratic_interval(1.25, tau_mem=10.0, **unit)), 3)
        31.216
    """
    for name, low, high, value in (
        ("v_critical", v_rest, v_critical, "v_rest"),
        ("v_peak", v_reset, v_peak, "v_reset"),
        ("v_peak", v_critical, v_peak, "v_critical"),
    ):
        if np.any(as_float(high) <= as_float(low)):
            _checks.fail(name, f"must lie above {value} [mV]", high)
    _checks.positive("tau_mem", tau_mem, "ms")
    length, middle = as_float(v_critical) - as_float(v_rest), 0.5 * (as_float(v_critical) + as_float(v_rest))
    q = as_float(drive) * length - 0.25 * length**2
    start, end = as_float(v_reset) - middle, as_float(v_peak) - middle
    root = np.sqrt(np.where(q == 0, 1.0, np.abs(q)))
    turned = (np.arctan2(end, root) - np.arctan2(start, root)) / root
    away = start > np.where(q < 0, root, 0.0)
    s, e = np.where(away & (q < 0), start, root + 1.0), np.where(away & (q < 0), end, root + 2.0)
    ran = (np.arctanh(root / s) - np.arctanh(root / e)) / root
    at_once = 1.0 / np.where(away, start, 1.0) - 1.0 / np.where(away, end, 1.0)
    passage = np.where(q > 0, turned, np.where(away, np.where(q < 0, ran, at_once), np.inf))
    return as_float(dead_time(refractory)) + as_float(tau_mem) * length * passage


def _gap(slope: ArrayLike, sigma: ArrayLike, v_threshold: ArrayLike, v_reset: ArrayLike) -> Numbers:
    _checks.positive("slope", slope, "mV/ms")
    _checks.nonnegative("sigma", sigma, "mV/sqrt(ms)")
    gap = as_float(v_threshold) - as_float(v_reset)
    if np.any(gap <= 0):
        _checks.fail("v_threshold", "must lie above v_reset [mV]", v_threshold)
    return gap
