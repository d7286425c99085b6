"""A surrogate: power-law tails of any power."""

from __future__ import annotations

from typing import Self

import jax.numpy as jnp

from jaxsnn_noise._typing import Leaf, Values
from jaxsnn_noise.parameters import above, parameter, positive
from jaxsnn_noise.surrogates import Surrogate


class ScratchSurrogate(Surrogate):
    r"""Unit integral: :math:`s'(x) = \frac{k (p - 1)}{2 (1 + |k x|)^p}`.

    Args:
        sharpness: ``k`` [1/mV] > 0.
        decay: The power ``p`` [1] > 1; 2 is :class:`FastSigmoid`.

    References:
        Zenke & Ganguli (2018), Neural Computation 30:1514, doi:10.1162/neco_a_01086 (for the power 2).
    """

    sharpness: Leaf = parameter("1/mV", positive, shape=None)
    decay: Leaf = parameter("1", above(1.0))

    def derivative(self, margin: Values) -> Values:
        far = 1.0 + jnp.abs(self.sharpness * margin)
        return 0.5 * self.sharpness * (self.decay - 1.0) * jnp.power(far, -self.decay)

    def primitive(self, margin: Values) -> Values:
        far = 1.0 + jnp.abs(self.sharpness * margin)
        return 0.5 + 0.5 * jnp.sign(margin) * (1.0 - jnp.power(far, 1.0 - self.decay))

    @classmethod
    def example(cls) -> Self:
        return cls(4.0, 2.5)
