"""Distances between spike trains that are given by their times."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from jaxsnn_noise._checks import fail, nonnegative, number, positive, real_numbers


def van_rossum_distance(first: Any, second: Any, *, tau: float) -> float:
    r"""Van Rossum's distance of two spike trains [1], exact.

    .. math:: D = \sqrt{\frac{1}{\tau} \int_0^\infty (f - g)^2\,dt}, \qquad f(t) = \sum_j \Theta(t - t_j)\,e^{-(t - t_j)/\tau}

    and g of the second train. A spike more is ``D = sqrt(1/2)``. For ``tau -> 0`` D^2 is half the number of spikes that do not
    coincide, for ``tau -> infinity`` half the squared difference of counts. Computed from sums over pairs of spikes, in the time of
    the spikes (Houghton and Kreuz 2012), in double precision.

    Args:
        first: Times of the spikes of one train [ms], in any order.
        second: Those of the other.
        tau: Time constant [ms], > 0.

    Raises:
        InputError: times that are none; a time constant that is not positive.

    References:
        van Rossum (2001), doi:10.1162/089976601300014321; Houghton & Kreuz (2012), doi:10.3109/0954898X.2012.673048.

    Example:
        >>> round(van_rossum_distance([10.0, 20.0], [10.0], tau=5.0), 6)
        0.707107
    """
    who = "reduce.van_rossum_distance"
    tau = number(f"{who}: tau", tau)
    positive(f"{who}: tau", tau, "ms")
    times = [_times(f"{who}: {name}", train) for name, train in (("first", first), ("second", second))]
    t = np.concatenate(times)
    sign = np.concatenate([np.ones(len(times[0])), -np.ones(len(times[1]))])
    order = np.argsort(t, kind="stable")
    square, level, last = 0.0, 0.0, 0.0
    for now, s in zip(t[order], sign[order], strict=True):
        level *= np.exp(-(now - last) / tau)  # of f - g just before the spike
        square += s * (0.5 * s + level)
        level, last = level + s, now
    return float(np.sqrt(max(square, 0.0)))


def victor_purpura_distance(first: Any, second: Any, *, cost: float) -> float:
    """Victor and Purpura's distance of two spike trains [1]: the least cost to make one of the other.

    A spike is added or deleted for 1, and moved by ``dt`` ms for ``cost dt``. Without a cost of moving it is the difference of
    counts; spikes farther apart than ``2/cost`` are never moved. Computed by dynamic programming (Sellers 1974), in a time of
    the product of the numbers of spikes.

    Args:
        first: Times of the spikes of one train [ms], in any order.
        second: Those of the other.
        cost: Of a shift, ``q`` [1/ms], >= 0.

    Raises:
        InputError: times that are none; a negative cost.

    References:
        Victor & Purpura (1996), doi:10.1152/jn.1996.76.2.1310; (1997), doi:10.1088/0954-898X_8_2_003.

    Example:
        >>> victor_purpura_distance([10.0, 20.0], [12.0], cost=0.1)
        1.2
    """
    who = "reduce.victor_purpura_distance"
    cost = number(f"{who}: cost", cost)
    nonnegative(f"{who}: cost", cost, "1/ms")
    one, other = (_times(f"{who}: {name}", train) for name, train in (("first", first), ("second", second)))
    row = np.arange(len(other) + 1, dtype=np.float64)
    for i, now in enumerate(one):
        moved = row[:-1] + cost * np.abs(now - other)
        best = np.minimum(row[1:] + 1.0, moved)
        following = np.empty_like(row)
        following[0] = i + 1.0
        for j, value in enumerate(best):
            following[j + 1] = min(value, following[j] + 1.0)
        row = following
    return float(row[-1])


def _times(who: str, train: Any) -> np.ndarray:
    """Times in double precision, ascending."""
    if isinstance(train, str) or not isinstance(train, Iterable):
        fail(who, "must be the times of the spikes [ms]", train)
    listed: Any = train if hasattr(train, "dtype") else list(train)
    if np.size(listed):
        real_numbers(who, listed)
    found = np.asarray(listed, np.float64)
    if found.ndim != 1 and found.size:
        fail(
            who, "must be the times of one train [spike] in ms; a raster has times by interop.spike_times", found.shape
        )
    if not np.isfinite(found).all():
        fail(who, "must be finite [ms]", found)
    return np.sort(found.reshape(-1))
