"""Noise that neurons share: correlations of pairs, and what is left of it in their average."""

from __future__ import annotations

import numpy as np

from jaxsnn_noise import _checks
from jaxsnn_noise.theory._arguments import closed_form
from jaxsnn_noise.theory._quadrature import ArrayLike, Numbers, as_float


@closed_form
def low_rank_correlation(loadings: ArrayLike) -> Numbers:
    """Correlations [neuron, neuron] of ``sum_k L_ik z_k + sqrt(1 - |L_i|^2) own_i``: ``L L^T``, with 1 on the diagonal.

    Args:
        loadings: ``L`` [neuron, factor] [1], rows of norm <= 1.

    Example:
        >>> low_rank_correlation([[0.6, 0.0], [0.5, 0.5]]).tolist()
        [[1.0, 0.3], [0.3, 1.0]]
    """
    rows = as_float(loadings)
    if rows.ndim != 2:
        _checks.fail("loadings", "must be [neuron, factor]", rows.shape)
    _checks.in_range("norms of loadings", np.linalg.norm(rows, axis=1), 0.0, 1.0 + 1e-12)
    found = rows @ rows.T
    np.fill_diagonal(found, 1.0)
    return found


@closed_form
def exponential_correlation(distance: ArrayLike, *, length: ArrayLike, private: ArrayLike = 0.0) -> Numbers:
    """Correlation [1] of two neurons at a distance: ``(1 - private) exp(-distance/length)``, of a neuron with itself 1.

    Args:
        distance: >= 0, in the unit of ``length``.
        length: correlation length, > 0.
        private: share of the variance that is each neuron's own [1]; a distance of 0 is the neuron itself.

    References:
        Rasmussen & Williams (2006), Gaussian Processes for Machine Learning, MIT Press, section 4.2.
    """
    return _falling(np.exp(-_scaled(distance, length)), distance, private)


@closed_form
def gaussian_correlation(distance: ArrayLike, *, length: ArrayLike, private: ArrayLike = 0.0) -> Numbers:
    """Correlation [1] of two neurons at a distance: ``(1 - private) exp(-distance^2/(2 length^2))``, of a neuron with itself 1.

    Arguments as in :func:`exponential_correlation`.
    """
    return _falling(np.exp(-0.5 * np.square(_scaled(distance, length))), distance, private)


@closed_form
def mean_noise_variance(correlation: ArrayLike, sigma: ArrayLike = 1.0) -> Numbers:
    """Variance of the average over neurons of noise of standard deviation ``sigma`` each: ``sigma^2 sum_ij C_ij/n^2``.

    Args:
        correlation: ``C`` [neuron, neuron] [1].
        sigma: of one neuron, in any unit.

    References:
        Abbott & Dayan (1999), Neural Comput. 11:91, doi:10.1162/089976699300016827.
    """
    return np.square(as_float(sigma)) * np.mean(as_float(correlation))


def _scaled(distance: ArrayLike, length: ArrayLike) -> Numbers:
    _checks.nonnegative("distance", distance)
    _checks.positive("length", length)
    return as_float(distance) / as_float(length)


def _falling(kernel: Numbers, distance: ArrayLike, private: ArrayLike) -> Numbers:
    _checks.in_range("private", private, 0.0, 1.0)
    return np.where(as_float(distance) > 0, (1.0 - as_float(private)) * kernel, 1.0)
