"""One-dimensional neurons in double precision: intervals by quadrature, without noise and with white noise on the membrane."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import integrate

Slope = Callable[[np.ndarray], np.ndarray]
"""From potentials [mV] to their time derivative without noise [mV/ms]."""


def interval(slope: Slope, reset: float, peak: float) -> float:
    """From the reset to the peak without noise [ms]."""
    return float(integrate.quad(lambda v: 1.0 / slope(v), reset, peak, limit=1000, epsabs=1e-10, epsrel=1e-10)[0])


def noisy_interval(
    slope: Slope, sigma: float, *, reset: float, peak: float, bottom: float, points: int = 200_001
) -> tuple[float, float]:
    """Mean and CV of the first passage of ``dv = slope(v) dt + sigma dW`` from the reset to the peak [ms, 1].

    The moments solve ``(sigma^2/2) T_n'' + f T_n' = -n T_(n-1)``: with ``T_n' = -(2/sigma^2) J_n`` each is two equations of first
    order, the inner one stepped by its exact solution in cells of constant ``f``, upwards from where the potential never is.
    """
    x = np.linspace(bottom, peak, points)
    h = x[1] - x[0]
    rate = 2.0 * slope(0.5 * (x[1:] + x[:-1])) / sigma**2
    before = np.ones(points)
    moments = []
    for order in (1, 2):
        source = order * 0.5 * (before[1:] + before[:-1])
        inner = np.empty(points)
        inner[0] = source[0] / rate[0]
        kept, added = np.exp(-rate * h), -np.expm1(-rate * h) / rate * source
        for k in range(points - 1):
            inner[k + 1] = inner[k] * kept[k] + added[k]
        above = 2.0 / sigma**2 * np.append(np.cumsum(0.5 * (inner[1:] + inner[:-1])[::-1])[::-1] * h, 0.0)
        moments.append(float(np.interp(reset, x, above)))
        before = above
    mean, square = moments
    return mean, float(np.sqrt(square - mean**2) / mean)
