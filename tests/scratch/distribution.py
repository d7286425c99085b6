"""A distribution: two bumps."""

from __future__ import annotations

import math
from typing import Self

import jax.numpy as jnp
from jax.scipy.special import ndtr

from jaxsnn_noise import random
from jaxsnn_noise._typing import Leaf, Values
from jaxsnn_noise.distributions import Distribution
from jaxsnn_noise.parameters import Range, parameter
from jaxsnn_noise.random import Entity, Tick


class ScratchDistribution(Distribution):
    """Normals of the variance ``1 - offset^2`` around ``offset`` and ``-offset``, each as likely.

    Args:
        offset: Of the bumps [1], 0 <= offset < 1.
    """

    offset: Leaf = parameter("1", Range(0.0, 1.0, high_open=True))

    def sample(self, at: Tick, entity: Entity) -> Values:
        side = jnp.where(random.uniform(random.channel(at, 6), entity) < 0.5, -1.0, 1.0)
        return self.offset * side + self._width() * random.normal(at, entity)

    def cdf(self, x: Values) -> Values:
        width = self._width()
        return 0.5 * (ndtr((x - self.offset) / width) + ndtr((x + self.offset) / width))

    def pdf(self, x: Values) -> Values:
        width = self._width()
        bumps = sum(jnp.exp(-0.5 * jnp.square((x + side * self.offset) / width)) for side in (-1, 1))
        return bumps / (2.0 * math.sqrt(2.0 * math.pi) * width)

    def _width(self) -> Values:
        return jnp.sqrt(1.0 - jnp.square(self.offset))

    @classmethod
    def example(cls) -> Self:
        return cls(0.6)
