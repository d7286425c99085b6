"""A coupling: shot noise."""

from __future__ import annotations

import jax.numpy as jnp

from jaxsnn_noise._typing import Leaf, PerNeuron, Values
from jaxsnn_noise.noise.policies import Coupling
from jaxsnn_noise.parameters import parameter, positive
from jaxsnn_noise.signals import Context


class ScratchCoupling(Coupling):
    """``std x sqrt(|y|/pivot)`` at a value ``y``: what is carried by single charges.

    Args:
        pivot: The value at which it is additive noise [mV], > 0.
    """

    pivot: Leaf = parameter("mV", positive)

    @property
    def linear(self) -> bool:
        return True

    def unit(self, context: Context) -> Values | None:
        return context.step

    def perturbation(self, x: PerNeuron, std: Values, context: Context) -> PerNeuron:
        size = jnp.abs(context.value) / self.pivot
        root = jnp.where(size > 0, jnp.sqrt(jnp.where(size > 0, size, 1.0)), 0.0)
        return std * x * root
