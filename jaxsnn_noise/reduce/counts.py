"""Limits of the mean of spike counts, few of which are not zero.

With mean m of n members, their variance s^2 (at least 1/n, the least that one differing whole number gives) and ``C = m
n / F``, ``F = s^2 / m`` the Fano factor (1 where no spike was seen): C is the number of independent events that would
scatter as much. The limits at Student's t are those of a Poisson count of C events (Garwood 1936), its normal quantile
put in place of t, in the unit of ``F / n``::

    lower = F / n * gammaincinv(C, Phi(-t)),     upper = F / n * gammaincinv(C + 1, Phi(t))

Whole numbers of mean x have at least the variance ``f (1 - f)``, f the fraction of x. Where m lies between two whole
numbers, or on one, a limit is never nearer than what that alone allows (Wilson 1927, between the two)::

    (m - x)^2 = t^2 f (1 - f) / n

which is what counts of a neuron that fires once in nearly every bin need.

References:
    Garwood (1936), Fiducial limits for the Poisson distribution, Biometrika 28(3-4), doi:10.1093/biomet/28.3-4.437.
    Wilson (1927), JASA 22(158), doi:10.1080/01621459.1927.10502953.
"""

from __future__ import annotations

import numpy as np


def dispersion(mean: np.ndarray, variance: np.ndarray, n: np.ndarray) -> np.ndarray:
    """The Fano factor that limits are made with [cell]; NaN where the variance is."""
    with np.errstate(divide="ignore", invalid="ignore"):
        least = np.maximum(variance, 1.0 / n)
        return np.where(mean > 0, least / np.where(mean > 0, mean, 1.0), np.where(np.isnan(variance), np.nan, 1.0))


def count_limits(mean: np.ndarray, fano: np.ndarray, n: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper limit of mean counts at Student's t, each [cell]."""
    from scipy.special import gammaincinv, ndtr

    with np.errstate(divide="ignore", invalid="ignore"):
        unit = fano / n
        events = mean / unit
        low = np.where(mean > 0, unit * gammaincinv(np.where(events > 0, events, 1.0), ndtr(-t)), 0.0 * unit)
        high = unit * gammaincinv(events + 1.0, ndtr(t))
        below, above = np.ceil(mean) - 1.0, np.floor(mean)
        square = t**2 / n
        ends = []
        for floor, side in ((below, -1.0), (above, 1.0)):
            part = mean - floor
            reach = np.sqrt(square * (part * (1.0 - part) + square / 4.0))
            ends.append(floor + (part + square / 2.0 + side * np.sign(t) * reach) / (1.0 + square))
        sparse = mean > 0
        inner = [np.where(sparse, end, gamma) for end, gamma in zip(ends, (low, high), strict=True)]
        forward = t >= 0
        low = np.where(forward, np.minimum(low, inner[0]), low)
        high = np.where(forward, np.maximum(high, inner[1]), high)
    return low, high


def count_scores(mean: np.ndarray, fano: np.ndarray, n: np.ndarray, bound: float) -> tuple[np.ndarray, np.ndarray]:
    """Student's t at which the upper and at which the lower limit is ``bound`` (negative where the mean is smaller)."""
    from scipy.special import gammainc, ndtri

    with np.errstate(divide="ignore", invalid="ignore"):
        unit = fano / n
        events, at = mean / unit, np.maximum(bound, 0.0) / unit
        upper = -ndtri(gammainc(events + 1.0, at))
        lower = np.where(mean > 0, -ndtri(gammainc(np.where(events > 0, events, 1.0), at)), -np.inf)
        part = bound - np.floor(bound)
        spread = np.sqrt(part * (1.0 - part) / n)
        same = (np.ceil(mean) - 1.0 <= bound) & (bound <= np.floor(mean) + 1.0) & (mean > 0) & (spread > 0)
        inner = np.where(same, (mean - bound) / np.where(spread > 0, spread, 1.0), np.nan)
        upper = np.where(same & (upper < 0), np.maximum(upper, np.minimum(inner, 0.0)), upper)
        lower = np.where(same & (lower > 0), np.minimum(lower, np.maximum(inner, 0.0)), lower)
    return upper, lower
