"""Student's t: tails that fall as a power."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

import jax
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise import random
from jaxsnn_noise._typing import Leaf, Scalar, Values
from jaxsnn_noise.distributions.distribution import Distribution
from jaxsnn_noise.opacity import opaque, opaque_zero
from jaxsnn_noise.parameters import parameter
from jaxsnn_noise.random import Entity, Tick
from jaxsnn_noise.ranges import Range
from jaxsnn_noise.special import gammaln

_NODES, _WEIGHTS = ((np.polynomial.legendre.leggauss(48) + np.array([[1.0], [0.0]])) / 2.0).astype(np.float32)
"""Gauss and Legendre's rule on (0, 1)."""
_FAR = 2.0


class StudentT(Distribution):
    r"""Student's t with ``df`` degrees of freedom, scaled to variance 1: :math:`x = \sqrt{(\nu-2)/\nu}\; t_\nu`.

    .. math:: f(x) = \frac{\Gamma(\frac{\nu+1}{2})}{\Gamma(\frac{\nu}{2})\sqrt{\pi(\nu-2)}}
              \left(1 + \frac{x^2}{\nu-2}\right)^{-(\nu+1)/2}

    Heavy tails: a fourth moment only from ``df > 4`` on, kurtosis :math:`3 + 6/(\nu-4)`; Gaussian as ``df`` grows. Two normals of
    one step give a draw exactly (Bailey's polar method, with the radius and the angle of Box and Muller's pair ``z, w``),

    .. math:: x = z \sqrt{(\nu-2)\,\mathrm{expm1}(s/\nu)/s}, \qquad s = z^2 + w^2,

    which reaches as far as the normals do: to tails of 1e-10. Draws, density and distribution function are differentiable in ``df``, too.

    Args:
        df: Degrees of freedom [1], > 2: the variance is infinite at 2.

    Reference: Bailey 1994, doi:10.1090/S0025-5718-1994-1219702-8.

    Example:
        >>> round(float(StudentT(5.0).cdf(jnp.float32(2.0))), 4)
        0.9753
    """

    df: Leaf = parameter("1", Range(2.0, 1e6, low_open=True, why="beyond 1e6 it is Gaussian()"))

    def sample(self, at: Tick, entity: Entity) -> Values:
        zero = opaque_zero(at.key)
        z, w = random.normal(at, entity), random.normal(random.channel(at, 1), entity)
        s = opaque(z * z, zero) + opaque(w * w, zero)
        s = jnp.where(s > 0, s, 1.0)
        return z * jnp.sqrt((self.df - 2.0) * jnp.expm1(s / self.df) / s)

    def cdf(self, x: Values) -> Values:
        return _cdf(jnp.asarray(x), self.df)

    def pdf(self, x: Values) -> Values:
        return _pdf(jnp.asarray(x), self.df)

    @classmethod
    def example(cls) -> Self:
        """An instance for the contract suite: of eight, with a finite fourth moment."""
        return cls(8.0)


@jax.custom_jvp
def _cdf(x: Values, df: Scalar) -> Values:
    """``P(X <= x)``, with the digits of its lower tail; by quadrature, since incomplete beta functions lose theirs for many ``df``."""
    size = jnp.abs(x)
    tail = jnp.where(
        size < _FAR, 0.5 - _from_zero(_pdf, jnp.minimum(size, _FAR), df), _beyond(jnp.maximum(size, _FAR), df)
    )
    return jnp.where(x < 0, tail, 1.0 - tail)


@_cdf.defjvp
def _cdf_jvp(primals: tuple[Values, Scalar], tangents: tuple[Values, Scalar]) -> tuple[Values, Values]:
    """The density; and with respect to ``df`` the integral of its slope."""
    (x, df), (dx, ddf) = primals, tangents

    def slope(y: Values, nu: Scalar) -> Values:
        return jax.jvp(lambda nu: _pdf(y, nu), (nu,), (jnp.ones_like(nu),))[1]

    return _cdf(x, df), _pdf(x, df) * dx + _from_zero(slope, x, df) * ddf


def _from_zero(function: Callable[[Values, Scalar], Values], x: Values, df: Scalar) -> Values:
    """The integral of a function from 0 to x, over ``y = sinh v``: tails of any power are smooth in ``v``."""
    nodes, weights = _rule(x)
    v = jnp.arcsinh(x)[..., None] * nodes
    return jnp.arcsinh(x) * jnp.sum(weights * function(jnp.sinh(v), df) * jnp.cosh(v), axis=-1)


def _beyond(x: Values, df: Scalar) -> Values:
    """``P(X > x)`` far out: over ``v = arcsinh x - log(u)/r``, at the rate ``r`` at which the density falls in ``v``."""
    nodes, weights = _rule(x)
    root = jnp.sqrt(1.0 + x * x)
    rate = jnp.minimum((df + 1.0) * x * root / (df - 2.0 + x * x) - x / root, df)[..., None]
    v = jnp.arcsinh(x)[..., None] - jnp.log(nodes) / rate
    return jnp.sum(weights * _pdf(jnp.sinh(v), df) * jnp.cosh(v) / (rate * nodes), axis=-1)


def _rule(x: Values) -> tuple[Values, Values]:
    """Nodes and weights along a last dimension behind those of x."""
    shape = (1,) * x.ndim + (-1,)
    return jnp.asarray(_NODES.reshape(shape)), jnp.asarray(_WEIGHTS.reshape(shape))


def _pdf(x: Values, df: Scalar) -> Values:
    return jnp.exp(_log_gammas(0.5 * df) - 0.5 * (df + 1.0) * jnp.log1p(x * x / (df - 2.0))) / jnp.sqrt(
        jnp.pi * (df - 2.0)
    )


def _log_gammas(a: Scalar) -> Scalar:
    """``log(Gamma(a + 1/2)/Gamma(a))``; by its series where both logarithms are large and near to each other."""
    few, many = jnp.minimum(a, 12.0), jnp.maximum(a, 6.0)
    series = 0.5 * jnp.log(many) - 0.125 / many + 1.0 / (192.0 * many**3) - 1.0 / (640.0 * many**5)
    return jnp.where(a < 8.0, gammaln(few + 0.5) - gammaln(few), series)


def __dir__() -> list[str]:
    return ["StudentT"]
