"""When a neuron fires first."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxsnn_noise._checks import fail
from jaxsnn_noise.statistics.fold import About, Frame, OfNeurons


class FirstSpikeTime(OfNeurons):
    """Time of the first spike of each neuron since the start of the measurement, ``(index + 1) dt`` [ms].

    A spike belongs to the end of its step. NaN for a neuron that never fired. No gradient passes.

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
        if not 0 < about.steps < 2**31:
            fail("FirstSpikeTime", "the number of measured steps must lie in 1 to 2^31 - 1", about.steps)
        return jnp.full(about.size, -1, jnp.int32)

    def update(self, acc: Array, frame: Frame, about: About) -> Int[Array, " neuron"]:
        del about
        index = jnp.broadcast_to(jnp.asarray(frame.index, jnp.int32), acc.shape)
        return jnp.where((acc < 0) & (frame.spikes > 0), index, acc)

    def merge(self, a: Array, b: Array, about: About) -> Int[Array, " neuron"]:
        del about
        return jnp.where(a >= 0, a, b)

    def finalize(self, acc: Array, about: About) -> Float[Array, " neuron"]:
        time = (acc + jnp.int32(1)).astype(jnp.float32) * jnp.float32(about.dt)
        return jnp.where(acc >= 0, time, jnp.float32(jnp.nan))
