"""Surrogates of unit integral and compact support without kinks at the top: neurons far from threshold cost and learn nothing."""

from __future__ import annotations

import math
from typing import ClassVar

import jax.numpy as jnp

from jaxsnn_noise._typing import Leaf, Values
from jaxsnn_noise.parameters import parameter, positive
from jaxsnn_noise.surrogates.surrogate import Surrogate


class EpanechnikovWindow(Surrogate):
    r"""Unit integral, a parabola: :math:`s'(x) = \frac{3k}{4} \max(0, 1 - (k x)^2)`.

    Peak ``3k/4``; zero beyond ``|x| = 1/k``; the standard deviation of the density is ``1/(sqrt(5) k)``.

    Args:
        sharpness: ``k`` [1/mV] > 0.

    References:
        Epanechnikov (1969), Theory of Probability and Its Applications 14:153, doi:10.1137/1114019 (the density).

    Example:
        >>> EpanechnikovWindow(sharpness=4.0).derivative(jnp.array([0.0, 0.125, 0.5])).tolist()
        [3.0, 2.25, 0.0]
    """

    sharpness: Leaf = parameter("1/mV", positive, shape=None)
    spread: ClassVar[float | None] = 1.0 / math.sqrt(5.0)

    def derivative(self, margin: Values) -> Values:
        u = jnp.minimum(1.0, jnp.abs(self.sharpness * margin))
        return 0.75 * self.sharpness * (1.0 - jnp.square(u))

    def primitive(self, margin: Values) -> Values:
        u = jnp.clip(self.sharpness * margin, -1.0, 1.0)
        return 0.5 + 0.25 * u * (3.0 - jnp.square(u))


class CosineWindow(Surrogate):
    r"""Unit integral, a raised cosine: :math:`s'(x) = \frac{k}{2} (1 + \cos \pi k x)` where :math:`|k x| \le 1`, else 0.

    Peak ``k``; smooth at its ends too. The standard deviation of the density is ``sqrt(1/3 - 2/pi^2)/k``.

    Args:
        sharpness: ``k`` [1/mV] > 0.

    References:
        Harris (1978), Proceedings of the IEEE 66:51, doi:10.1109/PROC.1978.10837 (Hann's window, which it is).

    Example:
        >>> CosineWindow(sharpness=4.0).derivative(jnp.array([0.0, 0.5])).tolist()
        [4.0, 0.0]
    """

    sharpness: Leaf = parameter("1/mV", positive, shape=None)
    spread: ClassVar[float | None] = math.sqrt(1.0 / 3.0 - 2.0 / math.pi**2)

    def derivative(self, margin: Values) -> Values:
        u = jnp.minimum(1.0, jnp.abs(self.sharpness * margin))
        return jnp.where(u < 1.0, self.sharpness * jnp.square(jnp.cos(0.5 * math.pi * u)), 0.0)

    def primitive(self, margin: Values) -> Values:
        u = jnp.clip(self.sharpness * margin, -1.0, 1.0)
        return 0.5 + 0.5 * u + jnp.sin(math.pi * u) / (2.0 * math.pi)
