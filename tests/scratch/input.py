"""An input: a current that alternates."""

from __future__ import annotations

from typing import Any, Self

import jax.numpy as jnp

from jaxsnn_noise._checks import fail
from jaxsnn_noise._typing import Leaf, PerNeuron
from jaxsnn_noise.coding.inputs import Input
from jaxsnn_noise.parameters import fraction, parameter, positive, real
from jaxsnn_noise.random import Tick


class ScratchInput(Input):
    """``values (1 + depth)`` in the first half of each period, ``values (1 - depth)`` in the second; for a population.

    Args:
        values: Mean current [nA], one number or one per neuron.
        depth: Relative size of the alternation [1], 0 to 1.
        period: Of the alternation [ms], > 0.
    """

    values: Leaf = parameter("nA", real, shape=None)
    depth: Leaf = parameter("1", fraction)
    period: Leaf = parameter("ms", positive)

    def init(self, key: Any, size: int, dt: float) -> None:
        return None

    def step(self, state: Any, index: Any, key: Tick, context: Any, dt: float) -> tuple[PerNeuron, None]:
        first = jnp.mod(jnp.asarray(index, jnp.float32) * dt / self.period, 1.0) < 0.5
        factor = jnp.where(first, 1.0 + self.depth, 1.0 - self.depth)
        return jnp.broadcast_to(self.values * factor, context.value.shape), None

    def check(self, who: str, size: int, steps: int) -> None:
        if self.values.shape not in ((), (size,)):
            fail(f"{who}.values", f"must be one number or have the shape ({size},)", self.values.shape)

    @classmethod
    def example(cls) -> Self:
        return cls(1.1, 0.5, 16.0)
