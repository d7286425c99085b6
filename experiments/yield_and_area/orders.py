"""Quantiles of critical areas with distribution-free intervals."""

from __future__ import annotations

import numpy as np
from scipy import stats

LEVEL = 0.95


def ranks(n: int, share: float, confidence: float = LEVEL) -> tuple[int, int]:
    """Ranks (from 1) of the order statistics between which a quantile lies, equal tails; 0 and n + 1 are none.

    The order statistic of rank r lies above the quantile if fewer than r members lie below it, with the binomial probability
    ``P(B <= r - 1)``, and below it with ``P(B >= r)``.

    References: David and Nagaraja 2003, Order Statistics, section 7.1, doi:10.1002/0471722162.
    """
    tail = 0.5 * (1.0 - confidence)
    numbers = np.arange(n + 2)
    below = stats.binom.cdf(numbers - 1, n, share)
    low = int(numbers[below <= tail].max())
    return low, int(numbers[1.0 - below <= tail].min(initial=n + 1))


def quantile(brackets: np.ndarray, share: float, confidence: float = LEVEL) -> tuple[float, float, float]:
    """Area that a share of the chips needs at most [um2], with its interval: the ends of brackets are taken outwards.

    Args:
        brackets: Lower and upper end of the critical area of each chip [chip, 2].
        share: Yield.
        confidence: Of the interval.
    """
    n = len(brackets)
    lower, upper = np.sort(brackets[:, 0]), np.sort(brackets[:, 1])
    low, high = ranks(n, share, confidence)
    middle = int(np.ceil(share * n)) - 1
    centre = (
        np.sqrt(lower[middle] * upper[middle]) if np.isfinite(upper[middle]) and lower[middle] > 0 else upper[middle]
    )
    return float(centre), float(lower[low - 1]) if low else 0.0, float(upper[high - 1]) if high <= n else np.inf


def shown_without_failures(n: int, confidence: float = LEVEL) -> float:
    """Yield that n chips without a failure show, two-sided as of Clopper and Pearson: 96.4 % for 100."""
    return float((0.5 * (1.0 - confidence)) ** (1.0 / n))
