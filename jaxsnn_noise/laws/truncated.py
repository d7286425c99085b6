"""The normal factor that is conditioned on an interval, right in float32 from no spread to any."""

from __future__ import annotations

import math

import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jaxtyping import Bool

from jaxsnn_noise._typing import Leaf, Values, as_float
from jaxsnn_noise.laws.law import Law
from jaxsnn_noise.laws.relative import between
from jaxsnn_noise.parameters import Range, nonnegative, parameter
from jaxsnn_noise.special import erfinv, ndtr, ndtri

_ROOT_HALF = math.sqrt(0.5)
_NORMAL_PEAK = 1.0 / math.sqrt(2.0 * math.pi)
_NODES, _WEIGHTS = (np.asarray(x, np.float32) for x in np.polynomial.legendre.leggauss(8))
_NARROW = 1.0
"""Bounds that are nearer than this [standard deviation of the normal law] hold a density that is nearly flat."""


class TruncatedNormal(Law):
    r"""Multiplicative and bounded: a normal factor, conditioned on ``[low, high]``.

    :math:`p' = p\, f` with ``f`` of mean 1 and standard deviation ``cv`` before it is conditioned.
    Draws by inversion of the conditioned distribution function, so none is clipped to a bound or rejected; with growing
    ``cv`` the law becomes the uniform one between the bounds. With
    :math:`a = (low - 1)/cv`, :math:`b = (high - 1)/cv` and :math:`M = \Phi(b) - \Phi(a)`, the mean factor is
    :math:`1 + cv\,(\varphi(a) - \varphi(b))/M`: it is 1 for symmetric bounds only, and the spread is always less than
    ``cv``. :meth:`mean_std` has both, exactly.

    Args:
        cv: spread of the normal law before it is conditioned [1] >= 0.
        low: smallest factor [1] < 1; 0 keeps the sign, more than 0 keeps away from zero (time constants).
        high: largest factor [1] > 1.

    References:
        Robert (1995), Statistics and Computing 5:121, doi:10.1007/BF00143942.

    Example:
        >>> mean, std = TruncatedNormal(cv=0.5, low=0.5, high=2.0).mean_std(jnp.float32(20.0))
        >>> round(mean.item(), 3), round(std.item(), 3)
        (22.296, 7.209)
    """

    cv: Leaf = parameter("1", nonnegative, shape=None)
    low: Leaf = parameter("1", Range(high=1.0, high_open=True, why="the factor 1 must lie inside"), shape=None)
    high: Leaf = parameter("1", Range(1.0, low_open=True, why="the factor 1 must lie inside"), shape=None)

    def perturb(self, nominal: Values, z: Values) -> Values:
        a, b = self._bounds()
        flat = b - a < _NARROW
        score = jnp.where(flat, _flat_score(*_where(flat, a, b), z), _score(*_where(~flat, a, b), z))
        return nominal * jnp.clip(1.0 + self.cv * score, self.low, self.high)

    def mean_std(self, nominal: Values) -> tuple[Values, Values]:
        a, b = self._bounds()
        flat = b - a < _NARROW
        found = zip(_flat_mean_std(*_where(flat, a, b)), _mean_std(*_where(~flat, a, b)), strict=True)
        mean, std = (jnp.where(flat, *both) for both in found)
        return nominal * (1.0 + self.cv * mean), jnp.abs(nominal) * self.cv * std

    def support(self, nominal: Values) -> tuple[Values, Values]:
        return between(nominal, self.low, self.high)

    @classmethod
    def example(cls) -> TruncatedNormal:
        return cls(cv=as_float(0.3), low=as_float(0.4), high=as_float(1.9))

    def _bounds(self) -> tuple[Values, Values]:
        cv = jnp.maximum(self.cv, 1e-6)  # at cv = 0 the bounds are far away and the factor is exactly 1
        return (self.low - 1.0) / cv, (self.high - 1.0) / cv


def _where(true: Bool[Array, "..."], a: Values, b: Values) -> tuple[Values, Values]:
    """The bounds, or harmless ones where a branch is not taken: its gradient must be finite there too."""
    return jnp.where(true, a, -0.25), jnp.where(true, b, 0.25)


def _score(a: Values, b: Values, z: Values) -> Values:
    inside = ndtr(b) - ndtr(a)
    # Counted from the nearer tail, where float32 resolves small probabilities.
    tail = jnp.where(z <= 0, ndtr(a), ndtr(-b)) + ndtr(-jnp.abs(z)) * inside
    return jnp.where(z <= 0, ndtri(tail), -ndtri(tail))


def _flat_score(a: Values, b: Values, z: Values) -> Values:
    # Counted from the centre, where float32 resolves small differences of probabilities.
    low, high = lax.erf(_ROOT_HALF * a), lax.erf(_ROOT_HALF * b)
    return erfinv(low * ndtr(-z) + high * ndtr(z)) / _ROOT_HALF


def _mean_std(a: Values, b: Values) -> tuple[Values, Values]:
    inside = ndtr(b) - ndtr(a)
    mean = (_density(a) - _density(b)) / inside
    variance = 1.0 + (a * _density(a) - b * _density(b)) / inside - jnp.square(mean)
    return mean, jnp.sqrt(variance)


def _flat_mean_std(a: Values, b: Values) -> tuple[Values, Values]:
    """By Gauss-Legendre quadrature: the closed forms are differences of nearly equal numbers here."""
    half, centre = (0.5 * (b - a))[..., None], (0.5 * (b + a))[..., None]
    weights = _WEIGHTS * jnp.exp(-0.5 * jnp.square(centre + half * _NODES))
    weights = weights / weights.sum(-1, keepdims=True)
    place = (weights * _NODES).sum(-1)
    spread = (weights * jnp.square(_NODES - place[..., None])).sum(-1)
    return centre[..., 0] + half[..., 0] * place, half[..., 0] * jnp.sqrt(spread)


def _density(x: Values) -> Values:
    return _NORMAL_PEAK * jnp.exp(-0.5 * jnp.square(x))
