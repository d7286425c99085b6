"""The Laplace transform of the first passage time of the Ornstein-Uhlenbeck process, at imaginary arguments.

``u(y) = E[exp(-p T)]``, with the time in units of ``tau`` and the start ``y`` in units of Brunel's sigma from the mean, solves
``u'' = 2 y u' + 2 p u`` and stays bounded below: up to a factor it is ``exp(y^2/2) D_{-p}(-sqrt(2) y)``, with the parabolic cylinder
function. Its logarithmic slope ``w = u'/u`` solves ``w' = 2 (y w + p) - w^2``, which forgets its start upwards, and below the mean
``w/(2 p) = 1/(-2 y + 2 (p + 1)/(-2 y + 2 (p + 2)/(-2 y + ...)))``, the recurrence of parabolic cylinder functions. No function is
formed that over- or underflows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from jaxsnn_noise.theory._quadrature import doubling, panels

Complexes = NDArray[np.complex128]

_BELOW = -1.0
"""Where the continued fraction hands over to the differential equation."""
_TERMS = 400
_FAR = 30.0
"""Distance above the mean from which on the slope follows its course: a passage from below takes ``exp(900)`` there."""


class Transform(NamedTuple):
    """Minus the logarithm of ``E[exp(-p T)]`` of the passage from low to high, and the slopes ``w`` at both ends, for each ``p``."""

    decay: Complexes
    low: Complexes
    high: Complexes


def transform_of(p: Complexes, low: float, high: float) -> Transform:
    """The transform of the passage from ``low`` to ``high > low`` at arguments ``p`` with a real part >= 0, not 0."""
    if high > _FAR:
        nearer = transform_of(p, low, _FAR) if low < _FAR else None
        decay, bottom, top = _following(p, max(low, _FAR), high)
        return Transform(decay, bottom, top) if nearer is None else Transform(decay + nearer.decay, nearer.low, top)
    if high <= _BELOW:
        decay = _integral(p, low, high)
        return Transform(decay, _slope(p, np.array([low]))[0], _slope(p, np.array([high]))[0])
    start = _slope(p, np.array([_BELOW]))[0]
    if low < _BELOW:
        above, top = _upwards(p, start, _BELOW, high)
        return Transform(_integral(p, low, _BELOW) + above, _slope(p, np.array([low]))[0], top)
    near = low - 40.0 / float(np.sqrt(2.0 * np.abs(p).min()))
    if near > _BELOW:  # from where it forgets a start that is nearly right
        _, bottom = _upwards(p, _course(p, np.array([near]))[0], near, low)
    else:
        _, bottom = _upwards(p, start, _BELOW, low)
    decay, top = _upwards(p, bottom, low, high)
    return Transform(decay, bottom, top)


def _slope(p: Complexes, y: NDArray[np.float64]) -> Complexes:
    """``w`` [y, p] at ``y <= -1``: the continued fraction from its far end."""
    x, far = -2.0 * y[:, None], p + _TERMS
    ratio = (np.sqrt(0.25 * x * x + 2.0 * far) - 0.5 * x) / (2.0 * far)
    for k in range(_TERMS, 0, -1):
        ratio = 1.0 / (x + 2.0 * (p + k) * ratio)
    return np.asarray(2.0 * p * ratio, np.complex128)


def _integral(p: Complexes, low: float, high: float) -> Complexes:
    nodes, weights = panels(doubling(-high, -low, 0.5 * -high))
    return np.asarray(weights @ _slope(p, -nodes), np.complex128)


def _following(p: Complexes, low: float, high: float) -> tuple[Complexes, Complexes, Complexes]:
    """The integral of ``w`` far above the mean, and ``w`` at both ends, to the second order of its slow change."""
    nodes, weights = panels(doubling(low, high, 0.1 * low))
    ends = _course(p, np.array([low, high]))
    return np.asarray(weights @ _course(p, nodes), np.complex128), ends[0], ends[1]


def _course(p: Complexes, y: NDArray[np.float64]) -> Complexes:
    """``w`` [y, p] where ``|y^2 + 2 p|`` is large, to the second order of its slow change."""
    root = np.sqrt(np.square(y)[:, None] + 2.0 * p)
    w = y[:, None] + root
    return np.asarray(w - 0.5 * w / np.square(root), np.complex128)


def _upwards(p: Complexes, start: Complexes, low: float, high: float) -> tuple[Complexes, Complexes]:
    """The integral of ``w`` from ``low``, where it is ``start``, to ``high``, and ``w`` there."""
    if high == low:
        return np.zeros_like(start), start
    from scipy.integrate import solve_ivp

    number = len(p)

    def rise(y: float, state: Complexes) -> Complexes:
        w = state[:number]
        return np.concatenate([2.0 * (y * w + p) - w * w, w])

    scale = np.maximum(np.abs(p), 1e-300)
    tolerance = np.concatenate([scale, scale]) * 1e-12
    found = solve_ivp(
        rise, (low, high), np.concatenate([start, np.zeros_like(start)]), method="DOP853", rtol=1e-11, atol=tolerance
    )
    return found.y[number:, -1], found.y[:number, -1]
