r"""A leaky membrane with a polynomial of bounded reach: where it rests, and what noise its steps gather.

In units of the way from rest to threshold, ``x = (v - v_rest)/w``: :math:`\tau_{mem} \dot x = -x + P(x) + m`, with
:math:`P(x) = \sum_{k=1}^d c_k x^k` at ``x`` clipped to the reach.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.polynomial import polynomial

from jaxsnn_noise import _checks
from jaxsnn_noise.theory._arguments import closed_form
from jaxsnn_noise.theory._quadrature import ArrayLike, Numbers, as_float

_HALVINGS = 80


@closed_form
def map_noise_gain(map_slope: ArrayLike) -> Numbers:
    r"""Variance [1] that small noise gathers under a map of slope ``f'``, over that of one step: :math:`1/(1 - f'^2)`.

    The stationary variance of :math:`x \leftarrow f(x) + \xi` about a fixed point. ``exp(-dt/tau_mem)`` gives that of a leaky membrane.

    Args:
        map_slope: ``f'`` at the fixed point [1], between -1 and 1.

    References:
        The autoregressive process of first order; Box, Jenkins, Reinsel & Ljung (2015), Time Series Analysis, section 3.2.3.

    Example:
        >>> map_noise_gain([0.0, 0.5])
        array([1.        , 1.33333333])
    """
    slope = as_float(map_slope)
    if not np.all(np.abs(slope) < 1.0):
        _checks.fail("map_slope", "must lie between -1 and 1", map_slope)
    return 1.0 / (1.0 - np.square(slope))


@closed_form
def polynomial_fixed_point(drive: ArrayLike, *, coefficients: Any, reach: ArrayLike = 1.0) -> tuple[Numbers, Numbers]:
    """Where the membrane rests under a drive, and the slope of P there.

    Args:
        drive: ``m`` [1], of the way from rest to threshold.
        coefficients: ``c_k`` [1] of degrees 1 to d, [degree]; the slope of P must stay below 1, so that there is one fixed point.
        reach: beyond it P is constant [1], > 0.

    Returns:
        ``x`` [1] and ``P'(x)`` [1], 0 beyond the reach.

    Example:
        >>> [round(float(part), 4) for part in polynomial_fixed_point(0.5, coefficients=[0.2, -0.1])]
        [0.5826, 0.0835]
    """
    _checks.positive("reach", reach, "1")
    _checks.real_numbers("coefficients", coefficients)
    c = np.asarray(coefficients, np.float64)
    if c.ndim != 1 or not c.size or not np.isfinite(c).all():
        _checks.fail("coefficients", "must be finite numbers [degree], degree >= 1", coefficients)
    drive, reach = np.broadcast_arrays(as_float(drive), as_float(reach))
    whole = np.concatenate([[0.0], c])
    slopes = polynomial.polyval(np.linspace(-reach.max(), reach.max(), 2001), polynomial.polyder(whole))
    if slopes.max() >= 1.0:
        _checks.fail("coefficients", "must keep the slope of P below 1 within the reach", coefficients)
    value = lambda x: polynomial.polyval(np.clip(x, -reach, reach), whole)  # noqa: E731
    farthest = np.abs(drive) + polynomial.polyval(reach, np.abs(whole)) + 1.0
    low, high = -farthest, farthest
    for _ in range(_HALVINGS):
        x = 0.5 * (low + high)
        rising = value(x) - x + drive > 0
        low, high = np.where(rising, x, low), np.where(rising, high, x)
    x = 0.5 * (low + high)
    return x, np.where(np.abs(x) <= reach, polynomial.polyval(x, polynomial.polyder(whole)), 0.0)
