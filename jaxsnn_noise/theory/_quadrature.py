"""Quadrature and elementwise evaluation in float64, shared by the closed forms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

ArrayLike: TypeAlias = Any
"""A number, a sequence or an array of any library (NumPy's alias refuses floats under run-time type checks)."""

Numbers: TypeAlias = np.float64 | NDArray[np.float64]
"""A float64 scalar, or an array where an argument was one."""

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(32)


def elementwise(function: Callable[..., float], *arguments: ArrayLike) -> Numbers:
    """A scalar function of floats at every element of the broadcast arguments."""
    arrays = np.broadcast_arrays(*(as_float(a) for a in arguments))
    values = [function(*(float(x) for x in point)) for point in zip(*(a.ravel() for a in arrays), strict=True)]
    result = np.array(values, np.float64).reshape(arrays[0].shape)
    return result if result.ndim else np.float64(result)


def as_float(value: Any) -> NDArray[np.float64]:
    """``value`` (number, sequence or array of any library) as a float64 array."""
    return np.asarray(value, np.float64)


def panels(edges: Sequence[float]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Nodes and weights of Gauss and Legendre's rule with 32 points between neighbouring edges."""
    bounds = np.asarray(edges, np.float64)
    half = 0.5 * np.diff(bounds)[:, None]
    nodes = bounds[:-1, None] + half * (_NODES + 1.0)
    return nodes.ravel(), (half * _WEIGHTS).ravel()


def doubling(low: float, high: float, first: float = 1.0) -> list[float]:
    """Edges from ``low`` to ``high`` at distances ``first``, ``2 first``, ``4 first``, ... from ``low``."""
    edges, distance = [low], first
    while low + distance < high:
        edges.append(low + distance)
        distance *= 2.0
    return [*edges, high]


def integral_of_erfcx(low: float, high: float) -> float:
    """The integral of ``erfcx`` from ``low >= 0`` to ``high`` (negative when ``high < low``)."""
    if high < low:
        return -integral_of_erfcx(high, low)
    nodes, weights = panels(doubling(low, high))
    return float(weights @ special.erfcx(nodes))


def log_erfcx_of_minus(x: Numbers) -> Numbers:
    """``log(erfcx(-x))`` without overflow for large positive ``x``."""
    below = np.log(special.erfcx(np.maximum(-x, 0.0)))
    above = np.square(x) + np.log1p(special.erf(np.maximum(x, 0.0)))
    return np.float64(1.0) * np.where(x <= 0, below, above)
