"""Noise through weights: what independent and common noise leave of a weighted sum, and of an average."""

from __future__ import annotations

import numpy as np

from jaxsnn_noise import _checks
from jaxsnn_noise.theory._arguments import closed_form
from jaxsnn_noise.theory._quadrature import ArrayLike, Numbers, as_float


@closed_form
def independent_noise_variance(weights: ArrayLike, intensity: ArrayLike) -> Numbers:
    """Variance of ``sum_j W[target, j] n_j`` for independent noise: ``2 D sum_j W^2``, per target.

    Args:
        weights: [target, source] or [source].
        intensity: ``Intensity(D)``; the variance of each ``n_j`` is ``2 D``.

    References:
        Semenova et al. (2019), Chaos 29:103128, doi:10.1063/1.5120824 (noise intensities and their accumulation).

    Example:
        >>> independent_noise_variance([[1.0, 1.0], [1.0, -1.0]], 0.5).tolist()
        [2.0, 2.0]
    """
    return shared_noise_variance(weights, intensity, 0.0)


@closed_form
def common_noise_variance(weights: ArrayLike, intensity: ArrayLike) -> Numbers:
    """Variance of ``sum_j W[target, j] n`` for one common noise: ``2 D (sum_j W)^2``, per target.

    It is smaller than with independent noise where the mean weight is smaller than ``rms(W)/sqrt(sources)``: common
    noise of a layer with balanced weights cancels. Arguments as in :func:`independent_noise_variance`.

    Example:
        >>> common_noise_variance([[1.0, 1.0], [1.0, -1.0]], 0.5).tolist()
        [4.0, 0.0]
    """
    return shared_noise_variance(weights, intensity, 1.0)


@closed_form
def shared_noise_variance(weights: ArrayLike, intensity: ArrayLike, fraction: ArrayLike) -> Numbers:
    """Variance of a weighted sum of noises with pairwise correlation ``fraction``, per target.

    ``2 D ((1 - c) sum_j W^2 + c (sum_j W)^2)``.

    Args:
        weights: [target, source] or [source].
        intensity: ``D``.
        fraction: ``c`` [1] of ``SharedFraction``, 0 (independent) to 1 (common).
    """
    _checks.nonnegative("intensity", intensity)
    _checks.in_range("fraction", fraction, 0.0, 1.0)
    matrix, shared = as_float(weights), as_float(fraction)
    alone, together = np.square(matrix).sum(axis=-1), np.square(matrix.sum(axis=-1))
    return 2.0 * as_float(intensity) * ((1.0 - shared) * alone + shared * together)


@closed_form
def averaging_factor(size: ArrayLike, correlation: ArrayLike = 0.0) -> Numbers:
    """Standard deviation of the mean of ``size`` neurons, relative to that of one.

    ``sqrt((1 + (N - 1) rho)/N)``. Independent spread falls with ``1/sqrt(N)``; correlated spread stops at
    ``sqrt(rho)``.

    Args:
        size: number of neurons ``N``.
        correlation: pairwise ``rho`` [1], at least ``-1/(N - 1)``.

    References:
        Zohary, Shadlen & Newsome (1994), Nature 370:140, doi:10.1038/370140a0.

    Example:
        >>> float(averaging_factor(4))
        0.5
    """
    _checks.positive("size", size)
    number = as_float(size)
    relative = (1.0 + (number - 1.0) * as_float(correlation)) / number
    if np.any(relative < -1e-12):
        _checks.fail("correlation", "must be at least -1/(size - 1)", correlation)
    return np.sqrt(np.maximum(relative, 0.0))
