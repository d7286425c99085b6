"""How much of the time the membrane spends below a level."""

from __future__ import annotations

from typing import ClassVar, Self

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxsnn_noise._typing import Leaf
from jaxsnn_noise.parameters import parameter, real
from jaxsnn_noise.signals import About, Frame
from jaxsnn_noise.statistics.counts import start_counts
from jaxsnn_noise.statistics.fold import Statistic


class FractionBelow(Statistic):
    """Fraction of neurons and steps at which the membrane potential lies below a level [1].

    ``sum_it [v_i(t) < level] / (size steps)``, the potential as it is seen after all noise and before the reset. A
    potential that is not a number does not lie below. No gradient passes.

    Args:
        level: The level [mV]; a leaf, so it can be swept.
        population: The population that is watched; ``None``: the only one.

    Returns:
        float32 [] [1].

    Raises:
        InputError: a level that is not finite; more than 2^24 measured steps.

    >>> import jax.numpy as jnp
    >>> from jaxsnn_noise.statistics import FractionBelow, over_raster
    >>> v = jnp.array([[-6.0, 0.0], [-5.0, -7.0]])
    >>> print(over_raster(FractionBelow(-5.0), jnp.zeros((2, 2)), dt=1.0, voltage=v))
    0.5
    """

    jumps: ClassVar[bool] = True

    level: Leaf = parameter("mV", real)
    population: str | None = eqx.field(static=True, default=None)

    @property
    def reads(self) -> tuple[str, ...]:
        return ("v",)

    @property
    def units(self) -> dict[str, str]:
        return {"": "1"}

    def init(self, about: About) -> Float[Array, " neuron"]:
        return start_counts("FractionBelow", about)

    def update(self, acc: Array, frame: Frame, about: About) -> Float[Array, " neuron"]:
        del about
        return acc + (frame.v < self.level).astype(jnp.float32)

    def merge(self, a: Array, b: Array, about: About) -> Float[Array, " neuron"]:
        del about
        return a + b

    def finalize(self, acc: Array, about: About) -> Float[Array, ""]:
        return acc.sum() / jnp.float32(about.steps * about.size)

    def dims(self, about: About) -> dict[str, tuple[str, ...]]:
        del about
        return {"": ()}

    @classmethod
    def example(cls) -> Self:
        return cls(-60.0)
