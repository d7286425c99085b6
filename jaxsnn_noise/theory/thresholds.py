"""What a grid in time and a memory of the noise do to the threshold of the rate formulas."""

from __future__ import annotations

import math

import numpy as np

from jaxsnn_noise import _checks
from jaxsnn_noise.theory._quadrature import ArrayLike, Numbers, as_float

ZETA_HALF = 1.4603545088095868
"""``|zeta(1/2)|`` of Riemann's zeta function."""


def grid_threshold(v_threshold: ArrayLike, sigma: ArrayLike, *, dt: ArrayLike) -> Numbers:
    r"""The threshold [mV] with which the formulas give the rate of a threshold seen on grid points only.

    :math:`\theta + \frac{|\zeta(1/2)|}{\sqrt{2\pi}}\,\sigma\sqrt{dt}`, with 0.5826 the mean overshoot of a
    Gaussian random walk; the reset is not shifted. First order in ``sqrt(dt/tau)``. A firing rule with
    :func:`bridge_crossing_probability` needs no shift.

    Args:
        v_threshold: threshold of the simulation [mV].
        sigma: ``Diffusion`` amplitude at the voltage seam [mV/sqrt(ms)].
        dt: step [ms].

    References:
        Broadie, Glasserman & Kou (1997), Math. Finance 7:325, doi:10.1111/1467-9965.00035.

    Example:
        >>> round(float(grid_threshold(1.0, 0.1, dt=0.25)), 5)
        1.02913
    """
    _checks.nonnegative("sigma", sigma, "mV/sqrt(ms)")
    _checks.nonnegative("dt", dt, "ms")
    shift = ZETA_HALF / math.sqrt(2.0 * math.pi) * as_float(sigma) * np.sqrt(as_float(dt))
    return as_float(v_threshold) + shift


def coloured_shift(sigma: ArrayLike, *, tau_noise: ArrayLike) -> Numbers:
    r"""The shift [mV] of threshold *and* reset that makes the white-noise formulas those of coloured noise.

    :math:`\frac{\alpha}{2}\,\sigma\sqrt{\tau_s}` with :math:`\alpha = \sqrt{2}\,|\zeta(1/2)| = 2.0653`, for
    an Ornstein-Uhlenbeck current of correlation time ``tau_noise`` and ``Diffusion`` amplitude ``sigma`` (given here as
    its voltage-seam equivalent). First order in ``k = sqrt(tau_noise/tau_mem)``; good to ``k`` of about 0.3.

    Args:
        sigma: ``Diffusion`` amplitude [mV/sqrt(ms)].
        tau_noise: correlation time [ms].

    References:
        Brunel & Sergi (1998), J. Theor. Biol. 195:87, doi:10.1006/jtbi.1998.0782; Fourcaud & Brunel (2002), Neural
        Comput. 14:2057, doi:10.1162/089976602320264015.
    """
    _checks.nonnegative("sigma", sigma, "mV/sqrt(ms)")
    _checks.nonnegative("tau_noise", tau_noise, "ms")
    return ZETA_HALF / math.sqrt(2.0) * as_float(sigma) * np.sqrt(as_float(tau_noise))


def bridge_crossing_probability(
    before: ArrayLike, after: ArrayLike, sigma: ArrayLike, *, v_threshold: ArrayLike, dt: ArrayLike
) -> Numbers:
    r"""Probability [1] that the path went above the threshold between two grid points.

    :math:`\exp\left(-2(\theta - V_0)(\theta - V_1)/(\sigma^2 dt)\right)` for ends below the threshold, else
    1: exact for a Brownian bridge, and for the membrane to first order in ``dt/tau``.

    Args:
        before: potential at the start of the step [mV].
        after: potential at its end [mV].
        sigma: ``Diffusion`` amplitude [mV/sqrt(ms)].
        v_threshold: threshold [mV].
        dt: step [ms].

    References:
        Borodin & Salminen (2002), Handbook of Brownian Motion, doi:10.1007/978-3-0348-8163-0.
    """
    _checks.nonnegative("sigma", sigma, "mV/sqrt(ms)")
    _checks.positive("dt", dt, "ms")
    threshold = as_float(v_threshold)
    gaps = np.maximum(threshold - as_float(before), 0.0) * np.maximum(threshold - as_float(after), 0.0)
    spread = np.square(as_float(sigma)) * as_float(dt)
    with np.errstate(divide="ignore", invalid="ignore"):
        exponent = np.where(gaps > 0, -2.0 * gaps / spread, 0.0)
    return np.exp(exponent)
