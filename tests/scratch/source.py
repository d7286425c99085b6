"""A noise source: a random telegraph signal on the threshold."""

from __future__ import annotations

from typing import ClassVar, Self

import jax.numpy as jnp

from jaxsnn_noise import random
from jaxsnn_noise._typing import Key, Leaf, PerNeuron
from jaxsnn_noise.noise.sources import Source, SourceMoments
from jaxsnn_noise.parameters import nonnegative, parameter, positive
from jaxsnn_noise.random import Tick
from jaxsnn_noise.signals import Context, Seam


class ScratchSource(Source):
    """Two levels, ``height`` above and below, each left after ``dwell`` ms on average: a trap in a transistor.

    Args:
        height: Of the levels [mV], >= 0.
        dwell: Mean time in a level [ms], > 0.
    """

    seam: ClassVar[Seam] = Seam.THRESHOLD

    height: Leaf = parameter("mV", nonnegative)
    dwell: Leaf = parameter("ms", positive)

    def init(self, key: Key, size: int, dt: float) -> PerNeuron:
        del dt
        start = random.channel(random.tick(key, 0), 15)
        return jnp.where(random.uniform(start, random.entities(size)) < 0.5, -1.0, 1.0)

    def draw(self, state: PerNeuron, context: Context, key: Tick, dt: float) -> tuple[PerNeuron, PerNeuron]:
        # an odd number of flips in a step
        odd = -0.5 * jnp.expm1(-2.0 * dt / self.dwell)
        flips = random.uniform(key, random.entities(context.value.shape[-1])) < odd
        return self.height * state, jnp.where(flips, -state, state)

    def moments(self, context: Context, dt: float) -> SourceMoments:
        variance = jnp.broadcast_to(jnp.square(self.height), context.value.shape)
        time = 0.5 * dt / jnp.tanh(dt / self.dwell)
        return SourceMoments(jnp.zeros_like(variance), variance, time)

    @classmethod
    def example(cls) -> Self:
        return cls(0.3, 4.0)
