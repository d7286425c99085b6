"""A correlation: some neurons copy a common draw."""

from __future__ import annotations

import jax.numpy as jnp

from jaxsnn_noise import random
from jaxsnn_noise._typing import Leaf, PerNeuron, Scalar
from jaxsnn_noise.distributions import Distribution
from jaxsnn_noise.noise.correlations import Correlation
from jaxsnn_noise.parameters import fraction, parameter
from jaxsnn_noise.random import Tick


class ScratchCorrelation(Correlation):
    """In every step each neuron copies the common draw with the probability ``copied``, or else takes its own.

    Args:
        copied: The probability [1], 0 to 1; the correlation of a pair is its square.
    """

    copied: Leaf = parameter("1", fraction)

    def innovation(self, distribution: Distribution, at: Tick, size: int) -> PerNeuron:
        common, own = distribution.sample(at, random.shared()), distribution.sample(at, random.entities(size))
        coin = random.uniform(random.channel(at, 7), random.entities(size))
        return jnp.where(coin < self.copied, jnp.broadcast_to(common, (size,)), own)

    def coefficient(self) -> Scalar:
        return jnp.square(self.copied)
