"""Information that an array of noisy threshold units carries about a signal."""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxsnn_noise import _checks
from jaxsnn_noise.theory._arguments import closed_form
from jaxsnn_noise.theory._quadrature import ArrayLike, Numbers, as_float

_NODES = 4096


@closed_form
def threshold_array_information(units: ArrayLike, relative_noise: ArrayLike) -> Numbers:
    r"""Mutual information [bit] between a Gaussian signal and how many of N threshold units are above their threshold.

    Unit i says 1 where ``x + noise_i > 0``, with a normal signal ``x`` of variance 1, whose mean lies at the threshold, and private
    normal noise. With :math:`p(x) = \Phi(x/\mathrm{relative\_noise})` the number K of ones is binomial given x, and

    .. math:: I = H(K) - E_x\,H(K \mid x).

    Without noise all units say the same, one bit; with ``relative_noise = 1`` the number is uniform on 0 .. N. The maximum lies at a noise
    that is not 0 for N > 1: suprathreshold stochastic resonance. By the midpoint rule over the quantiles of x.

    Args:
        units: number N of units [1], a whole number from 1 to 10,000 (its table has as many rows).
        relative_noise: standard deviation of the noise over that of the signal [1], >= 0.

    Raises:
        InputError: a number of units that is not whole, below 1 or above 10,000; a negative noise.

    References:
        Stocks (2000), Phys. Rev. Lett. 84:2310, doi:10.1103/PhysRevLett.84.2310; McDonnell et al. (2008), *Stochastic Resonance*,
        doi:10.1017/CBO9780511535239.

    Example:
        >>> [round(float(one), 3) for one in threshold_array_information(15, [0.0, 0.5, 1.0])]
        [1.0, 1.858, 1.475]
    """
    _checks.inside("units", units, _checks.ranges.Range(1, 10_000, whole=True), "1")
    _checks.nonnegative("relative_noise", relative_noise, "1")
    many, spread = np.broadcast_arrays(as_float(units), as_float(relative_noise))
    found = [_information(round(float(n)), float(s)) for n, s in zip(many.ravel(), spread.ravel(), strict=True)]
    return np.float64(1.0) * np.reshape(found, many.shape)


def _information(units: int, noise: float) -> float:
    from scipy import special

    x = special.ndtri((np.arange(_NODES) + 0.5) / _NODES)
    above, below = (special.log_ndtr(side * x / noise) if noise > 0 else _sign(side * x) for side in (1.0, -1.0))
    k = np.arange(units + 1)[:, None]
    ways = special.gammaln(units + 1) - special.gammaln(k + 1) - special.gammaln(units - k + 1)
    with np.errstate(invalid="ignore"):
        ones, zeros = np.where(k > 0, k * above, 0.0), np.where(k < units, (units - k) * below, 0.0)
    given = np.exp(ways + ones + zeros)
    return float(_entropy(given.mean(axis=1)) - _entropy(given).mean())


def _sign(x: Any) -> Any:
    """The logarithm of 1 where x is positive, else of 0."""
    return np.where(x > 0, 0.0, -np.inf)


def _entropy(p: Any) -> Any:
    """In bits, over the first dimension."""
    from scipy import special

    return special.entr(p).sum(axis=0) / np.log(2.0)
