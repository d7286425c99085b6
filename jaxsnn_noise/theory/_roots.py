"""Roots of functions of one number. SciPy's optimisers take a tenth of a second to import, which few who read the closed forms need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def brentq(function: Callable[..., float], low: float, high: float, **options: Any) -> float:
    """The root in the bracket, as ``scipy.optimize.brentq`` finds it."""
    from scipy import optimize

    return float(optimize.brentq(function, low, high, **options))
