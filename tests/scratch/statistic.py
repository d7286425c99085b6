"""A statistic: how far the membrane lies above a level."""

from __future__ import annotations

from typing import ClassVar, Self

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxsnn_noise._typing import Leaf
from jaxsnn_noise.parameters import parameter, real
from jaxsnn_noise.signals import About, Frame
from jaxsnn_noise.statistics.fold import Statistic


class ScratchStatistic(Statistic):
    """Mean over the steps of ``max(v - bar, 0)`` [mV] of each neuron.

    Args:
        bar: The level [mV].
        population: The population that is watched; ``None``: the only one.
    """

    exact: ClassVar[bool] = False

    bar: Leaf = parameter("mV", real)
    population: str | None = eqx.field(static=True, default=None)

    @property
    def reads(self) -> tuple[str, ...]:
        return ("v",)

    @property
    def units(self) -> dict[str, str]:
        return {"": "mV"}

    def init(self, about: About) -> Float[Array, " neuron"]:
        return jnp.zeros(about.size, jnp.float32)

    def update(self, acc: Array, frame: Frame, about: About) -> Float[Array, " neuron"]:
        del about
        return acc + jax.nn.relu(frame.v - self.bar)

    def merge(self, a: Array, b: Array, about: About) -> Float[Array, " neuron"]:
        del about
        return a + b

    def finalize(self, acc: Array, about: About) -> Float[Array, " neuron"]:
        return acc / jnp.float32(about.steps)

    def dims(self, about: About) -> dict[str, tuple[str, ...]]:
        del about
        return {"": ("neuron",)}

    @classmethod
    def example(cls) -> Self:
        return cls(-61.0)
