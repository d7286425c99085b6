"""Surrogates of unit integral whose tails are their point: exponential and power laws."""

from __future__ import annotations

import math
from typing import ClassVar

import jax.numpy as jnp

from jaxsnn_noise._typing import Leaf, Values
from jaxsnn_noise.parameters import Range, parameter, positive
from jaxsnn_noise.surrogates.surrogate import Surrogate

_HALF_PI = 0.5 * math.pi


class HyperbolicSecant(Surrogate):
    r"""Unit integral, exponential tails and a round top: :math:`s'(x) = \frac{k}{2}\,\mathrm{sech}\frac{\pi k x}{2}`.

    Peak ``k/2``; the standard deviation of the density is ``1/k``.

    Args:
        sharpness: ``k`` [1/mV] > 0.

    References:
        Fischer (2014), Generalized Hyperbolic Secant Distributions, doi:10.1007/978-3-642-45138-6 (the density).

    Example:
        >>> HyperbolicSecant(sharpness=4.0).derivative(jnp.float32(0.0)).item()
        2.0
    """

    sharpness: Leaf = parameter("1/mV", positive, shape=None)
    spread: ClassVar[float | None] = 1.0

    def derivative(self, margin: Values) -> Values:
        half = jnp.exp(-_HALF_PI * jnp.abs(self.sharpness * margin))
        return self.sharpness * half / (1.0 + jnp.square(half))

    def primitive(self, margin: Values) -> Values:
        return 0.5 + jnp.arctan(jnp.tanh(0.5 * _HALF_PI * self.sharpness * margin)) / _HALF_PI


class PowerLawTails(Surrogate):
    r"""Unit integral, tails of any power: :math:`s'(x) = \frac{k}{2} \left(1 + \frac{|k x|}{p - 1}\right)^{-p}`.

    Peak ``k/2``. Power 2 is :class:`FastSigmoid`; a large power comes to :class:`TwoSidedExponential`. How heavy the tails are decides how
    far from its threshold a neuron still learns.

    Args:
        sharpness: ``k`` [1/mV] > 0.
        power: ``p`` [1] >= 1.05.

    References:
        Herranz-Celotti & Rouat (2022), doi:10.48550/arXiv.2202.00282 (q-pseudo-spike; ``k = 2`` is its normalisation).

    Example:
        >>> PowerLawTails(sharpness=4.0, power=3.0).derivative(jnp.array([0.0, 0.5])).tolist()
        [2.0, 0.25]
    """

    sharpness: Leaf = parameter("1/mV", positive, shape=None)
    power: Leaf = parameter("1", Range(1.05), default=3.0, shape=None)

    def derivative(self, margin: Values) -> Values:
        return 0.5 * self.sharpness * jnp.exp(-self.power * self._log(margin))

    def primitive(self, margin: Values) -> Values:
        return 0.5 - 0.5 * jnp.sign(margin) * jnp.expm1((1.0 - self.power) * self._log(margin))

    def _log(self, margin: Values) -> Values:
        return jnp.log1p(jnp.abs(self.sharpness * margin) / (self.power - 1.0))
