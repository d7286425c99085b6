"""What a grid in time and a memory of the noise do to the threshold of the rate formulas."""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from jaxsnn_noise import _checks
from jaxsnn_noise.theory._arguments import closed_form
from jaxsnn_noise.theory._quadrature import ArrayLike, Numbers, as_float, elementwise

ZETA_HALF = 1.4603545088095868
"""``|zeta(1/2)|`` of Riemann's zeta function."""


@closed_form
def grid_threshold(
    v_threshold: ArrayLike, sigma: ArrayLike, *, dt: ArrayLike, mean: ArrayLike, tau_mem: ArrayLike
) -> Numbers:
    r"""The threshold [mV] with which the formulas give the rate of a threshold seen on grid points only.

    :math:`\theta + \sigma\sqrt{dt}\,\rho(\beta)` with the mean overshoot :math:`\rho` of a Gaussian random walk of unit variance,
    whose drift is that of the membrane at the threshold, :math:`\beta = (\mathrm{mean} - \theta)\sqrt{dt}/(\tau\sigma)`; the
    reset is not shifted. :math:`\rho = |\zeta(1/2)|/\sqrt{2\pi} = 0.5826` for a mean at or below the threshold;
    :math:`0.5826 + \beta/4 + 0.0415\,\beta^2` while noise dominates; and :math:`(1 + \beta^2)/(2\beta)` while drift does: a
    crossing is then seen ``dt/2`` late. First order in ``sqrt(dt/tau)``. Where noise is weak against the way of one step, spikes
    lock to the grid, and :func:`grid_interval` is the better form. A firing rule with :func:`bridge_crossing_probability` needs
    no shift.

    Args:
        v_threshold: threshold of the simulation [mV].
        sigma: ``Diffusion`` amplitude at the voltage seam [mV/sqrt(ms)].
        dt: step [ms].
        mean: mean drive [mV].
        tau_mem: membrane time constant [ms].

    References:
        Broadie, Glasserman & Kou (1997), Math. Finance 7:325, doi:10.1111/1467-9965.00035; the overshoot: Chang & Peres (1997),
        Ann. Probab. 25:787, doi:10.1214/aop/1024404419; Siegmund (1985), Sequential Analysis, doi:10.1007/978-1-4757-1862-1.

    Example:
        >>> round(float(grid_threshold(1.0, 0.1, dt=0.25, mean=0.9, tau_mem=20.0)), 5)
        1.02913
    """
    _checks.nonnegative("sigma", sigma, "mV/sqrt(ms)")
    _checks.nonnegative("dt", dt, "ms")
    _checks.positive("tau_mem", tau_mem, "ms")
    way = np.maximum(as_float(mean) - as_float(v_threshold), 0.0) / as_float(tau_mem) * as_float(dt)
    return as_float(v_threshold) + elementwise(_overshoot, way, as_float(sigma) * np.sqrt(as_float(dt)))


def _overshoot(drift: float, std: float) -> float:
    """Mean overshoot of a Gaussian random walk with steps of mean ``drift >= 0`` and standard deviation ``std`` over a far level.

    ``(1 + b^2)/(2 b) - E max`` with ``b = drift/std`` and the maximum of the walk that drifts the other way (Spitzer), of which
    Chang and Peres give the series in ``b``.
    """
    if drift > FAR * std or std == 0:
        return 0.5 * drift
    b = drift / std
    if b < 1.0:
        series = sum(z * (-0.5 * b * b) ** n for n, z in enumerate(_SERIES))
        return std * (ZETA_HALF / math.sqrt(2.0 * math.pi) + 0.25 * b - b * b / math.sqrt(2.0 * math.pi) * series)
    n = np.arange(1.0, 100.0)
    density = np.exp(-0.5 * b * b * n) / np.sqrt(2.0 * math.pi * n)
    return std * ((1.0 + b * b) / (2.0 * b) - float(np.sum(density - b * special.ndtr(-b * np.sqrt(n)))))


def _zeta(s: float) -> float:
    """Riemann's zeta function below 0, by its functional equation."""
    return (
        2.0**s * math.pi ** (s - 1.0) * math.sin(0.5 * math.pi * s) * math.gamma(1.0 - s) * float(special.zeta(1.0 - s))
    )


FAR = 1e8
"""Drift of a step, in units of its noise, from which on the noise is not seen."""
_SERIES = [_zeta(-0.5 - n) / (math.factorial(n) * (2 * n + 1) * (2 * n + 2)) for n in range(16)]


@closed_form
def coloured_shift(sigma: ArrayLike, *, tau_noise: ArrayLike, refractory: ArrayLike | None = 0.0) -> Numbers:
    r"""The shift [mV] of the threshold, and of the reset, that makes the white-noise formulas those of coloured noise.

    :math:`\frac{\alpha}{2}\,\sigma\sqrt{\tau_s}` with :math:`\alpha = \sqrt{2}\,|\zeta(1/2)| = 2.0653`, for an
    Ornstein-Uhlenbeck current of correlation time ``tau_noise`` and ``Diffusion`` amplitude ``sigma`` (given here as its
    voltage-seam equivalent). The threshold shifts by that. The reset shifts because the noise is still that of the spike when
    the membrane is let go, and so by :math:`e^{-t_{ref}/\tau_s}` of it: give ``refractory`` for the shift of the reset. The papers
    have the case without refractory time; the same shift of both makes rates up to 28 % too high.

    First order in ``k = sqrt(tau_noise/tau_mem)``. Against simulations with ``tau_mem`` 10 ms, threshold 20 mV, reset 0 mV, 0 and
    2 ms refractory time, means of 3 to 40 mV and Brunel's sigma of 5 to 50 mV: within 1 % at k of 0.1 to 0.16, and 2 to 8 % too
    low at k = 0.32.

    Args:
        sigma: ``Diffusion`` amplitude [mV/sqrt(ms)].
        tau_noise: correlation time [ms].
        refractory: for how long the membrane is held at the reset [ms]; leave it out for the shift of the threshold.

    References:
        Brunel & Sergi (1998), J. Theor. Biol. 195:87, doi:10.1006/jtbi.1998.0782; Fourcaud & Brunel (2002), Neural
        Comput. 14:2057, doi:10.1162/089976602320264015.

    Example:
        >>> threshold, reset = (coloured_shift(9.5, tau_noise=1.0, refractory=held) for held in (None, 2.0))
        >>> round(float(threshold), 2), round(float(reset), 2)
        (9.81, 1.33)
    """
    _checks.nonnegative("sigma", sigma, "mV/sqrt(ms)")
    _checks.nonnegative("tau_noise", tau_noise, "ms")
    held, memory = as_float(0.0 if refractory is None else refractory), as_float(tau_noise)
    _checks.nonnegative("refractory", held, "ms")
    with np.errstate(divide="ignore", invalid="ignore"):
        kept = np.where(held > 0, np.exp(-held / memory), 1.0)
    return ZETA_HALF / math.sqrt(2.0) * as_float(sigma) * np.sqrt(memory) * kept


@closed_form
def bridge_crossing_probability(
    before: ArrayLike, after: ArrayLike, sigma: ArrayLike, *, v_threshold: ArrayLike, dt: ArrayLike, tau_mem: ArrayLike | None = None,
) -> Numbers:  # fmt: skip
    r"""Probability [1] that the path went above the threshold between two grid points.

    :math:`\exp\left(-2(\theta - V_0)(\theta - V_1)/(\sigma^2 dt)\right)` for ends below the threshold, else
    1: exact for a Brownian bridge. With ``tau_mem`` that of a membrane, :math:`\tau\sinh(dt/\tau)` in place of ``dt``: exact where
    the mean drive is the threshold, else to second order in ``dt/tau`` (:func:`bridge_passage_cdf`).

    Args:
        before: potential at the start of the step [mV].
        after: potential at its end [mV].
        sigma: ``Diffusion`` amplitude [mV/sqrt(ms)].
        v_threshold: threshold [mV].
        dt: step [ms].
        tau_mem: membrane time constant [ms]; ``None``: a path without leak.

    References:
        Borodin & Salminen (2002), Handbook of Brownian Motion, doi:10.1007/978-3-0348-8163-0.
    """
    _checks.nonnegative("sigma", sigma, "mV/sqrt(ms)")
    _checks.positive("dt", dt, "ms")
    threshold = as_float(v_threshold)
    gaps = np.maximum(threshold - as_float(before), 0.0) * np.maximum(threshold - as_float(after), 0.0)
    spread = np.square(as_float(sigma)) * _bridge_span(dt, tau_mem)
    with np.errstate(divide="ignore", invalid="ignore"):
        exponent = np.where(gaps > 0, -2.0 * gaps / spread, 0.0)
    return np.exp(exponent)


@closed_form
def bridge_passage_cdf(
    time: ArrayLike, before: ArrayLike, after: ArrayLike, sigma: ArrayLike, *, v_threshold: ArrayLike, dt: ArrayLike,
    tau_mem: ArrayLike | None = None,
) -> Numbers:  # fmt: skip
    r"""Distribution function [1] of the time in a step at which the path first meets the threshold, given that it does.

    With the gaps :math:`a = \theta - V_0` and :math:`c = |\theta - V_1|` the ratio :math:`s/(dt - s)` of a Brownian bridge is
    inverse Gaussian, of mean :math:`a/c` and shape :math:`a^2/(\sigma^2 dt)`; the same for ends that are as far above the threshold
    as below it, by reflection. With ``tau_mem`` it is a bridge in the time :math:`\frac{\tau}{2}(e^{2s/\tau} - 1)`, in which the
    threshold is nearly straight: off by :math:`(\mathrm{mean} - \theta)\,dt^2/(8\tau^2)`.

    Args:
        time: since the start of the step [ms].
        before: potential at the start of the step, below the threshold [mV].
        after: potential at its end, at either side [mV].
        sigma: ``Diffusion`` amplitude [mV/sqrt(ms)] > 0.
        v_threshold: threshold [mV].
        dt: step [ms].
        tau_mem: membrane time constant [ms]; ``None``: a path without leak.

    References:
        Borodin & Salminen (2002), Handbook of Brownian Motion, doi:10.1007/978-3-0348-8163-0; the time change: Doob (1942), Ann.
        Math. 43:351, doi:10.2307/1968873.

    Example:
        >>> round(float(bridge_passage_cdf(0.5, 0.9, 0.95, 0.1, v_threshold=1.0, dt=1.0)), 4)
        0.4901
    """
    _checks.positive("sigma", sigma, "mV/sqrt(ms)")
    _checks.positive("dt", dt, "ms")
    if np.any(as_float(before) >= as_float(v_threshold)):
        _checks.fail("before", "must lie below v_threshold [mV]", before)
    step, tau = as_float(dt), as_float(np.inf if tau_mem is None else tau_mem)
    moment = np.minimum(as_float(time), step)
    a, c = (
        as_float(v_threshold) - as_float(before),
        np.abs(as_float(v_threshold) - as_float(after)) * np.exp(step / tau),
    )
    span, passed = _brownian(step, tau), _brownian(moment, tau)
    with np.errstate(divide="ignore"):
        ratio = passed / (span - passed)
    shape = np.square(a) / (np.square(as_float(sigma)) * span)
    with np.errstate(divide="ignore", invalid="ignore"):
        root = np.sqrt(shape / ratio)
        near, far = special.ndtr(root * (ratio * c / a - 1.0)), special.log_ndtr(-root * (ratio * c / a + 1.0))
        inner = near + np.exp(2.0 * shape * c / a + far)
    return np.float64(1.0) * np.where(moment <= 0, 0.0, np.where(moment >= step, 1.0, inner))


def _bridge_span(dt: ArrayLike, tau_mem: ArrayLike | None) -> Numbers:
    """``tau sinh(dt/tau)`` [ms]."""
    if tau_mem is None:
        return as_float(dt)
    _checks.positive("tau_mem", tau_mem, "ms")
    return as_float(tau_mem) * np.sinh(as_float(dt) / as_float(tau_mem))


def _brownian(time: Numbers, tau: Numbers) -> Numbers:
    """``tau/2 (exp(2 t/tau) - 1)`` [ms], ``t`` for a ``tau`` without end."""
    finite = np.isfinite(tau)
    leaky = np.where(finite, tau, 1.0)
    return np.float64(1.0) * np.where(finite, 0.5 * leaky * np.expm1(2.0 * time / leaky), time)
