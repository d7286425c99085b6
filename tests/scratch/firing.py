"""A firing rule: an exponential hazard."""

from __future__ import annotations

from typing import ClassVar, Self

import jax.numpy as jnp
from jax import lax

from jaxsnn_noise import random
from jaxsnn_noise._typing import Leaf
from jaxsnn_noise.firing.rule import Firing, unit_of_margin
from jaxsnn_noise.parameters import parameter, positive
from jaxsnn_noise.random import Tick
from jaxsnn_noise.signals import Crossing, Decision


class ScratchFiring(Firing):
    """A spike with the probability ``1 - exp(-dt hazard exp(m/softness))`` at a margin m; its derivative passes backward.

    Args:
        hazard: Rate at the threshold [1/ms], > 0.
        softness: Width of the threshold [mV], > 0.
    """

    random: ClassVar[bool] = True

    hazard: Leaf = parameter("1/ms", positive)
    softness: Leaf = parameter(unit_of_margin, positive)

    def __call__(self, crossing: Crossing, key: Tick, dt: float) -> Decision:
        u = random.uniform(key, random.entities(crossing.margin.shape[-1]))
        expected = dt * self.hazard * jnp.exp(jnp.clip(crossing.margin / self.softness, -80.0, 80.0))
        probability = -jnp.expm1(-expected)
        drawn = (u < probability).astype(crossing.margin.dtype)
        spikes = drawn + (probability - lax.stop_gradient(probability))
        if not crossing.probabilities:
            return Decision(spikes)
        return Decision(spikes, probability, jnp.where(drawn > 0, jnp.log(probability), -expected))

    @classmethod
    def example(cls) -> Self:
        return cls(0.5, 0.2)
