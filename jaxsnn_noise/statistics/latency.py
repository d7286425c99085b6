"""When a neuron fires first."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxsnn_noise.statistics.fold import About, Frame, OfNeurons
from jaxsnn_noise.statistics.intervals import check_steps, part_of, parts_of


class FirstSpikeTime(OfNeurons):
    """Time of the first spike of each neuron since the start of the measurement, ``(index + 1) dt`` [ms].

    A spike belongs to the end of its step, or has a time within it that the firing rule tells (to 1/128 of a step). NaN for a neuron that never fired. No gradient passes.

    Args:
        population: the population that is watched; ``None``: the only one.

    Returns:
        float32 [neuron] [ms].

    Raises:
        InputError: no measured step, or 2^31 of them.

    >>> import jax.numpy as jnp
    >>> from jaxsnn_noise.statistics import FirstSpikeTime, over_raster
    >>> print(over_raster(FirstSpikeTime(), jnp.array([[0, 0], [1, 0], [1, 0]]), dt=0.5))
    [ 1. nan]
    """

    population: str | None = eqx.field(static=True, default=None)

    @property
    def units(self) -> dict[str, str]:
        return {"": "ms"}

    def init(self, about: About) -> Int[Array, " neuron"]:
        check_steps("FirstSpikeTime", about)
        return jnp.full(about.size, -1, jnp.int32)

    def update(self, acc: Array, frame: Frame, about: About) -> Int[Array, " neuron"]:
        return jnp.where((acc < 0) & (frame.spikes > 0), part_of(frame, about), acc)

    def merge(self, a: Array, b: Array, about: About) -> Int[Array, " neuron"]:
        del about
        return jnp.where(a >= 0, a, b)

    def finalize(self, acc: Array, about: About) -> Float[Array, " neuron"]:
        time = (acc.astype(jnp.float32) + jnp.float32(1)) * jnp.float32(about.dt / parts_of(about))
        return jnp.where(acc >= 0, time, jnp.float32(jnp.nan))
