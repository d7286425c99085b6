"""The spike raster with the times of spikes within their steps, one byte per neuron and step."""

from __future__ import annotations

from typing import Self

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Int, Int8

from jaxsnn_noise.statistics.fold import About, Frame, Statistic
from jaxsnn_noise.statistics.intervals import PARTS, check_steps, part_of, parts_of

SILENT = -1
"""Of a step without a spike."""


class Timed(eqx.Module):
    """Accumulator: the raster so far, and the last step seen (-1: none)."""

    parts: Int8[Array, "step neuron"]
    last: Int[Array, ""]


class TimedRaster(Statistic):
    """Which neuron fired in which step, and when inside it: at the end of one of 128 parts of the step.

    A spike of part ``p`` of step ``k`` (both from 0) lies at ``(k + (p + 1)/128) dt``, its time rounded up as statistics of intervals
    do, so ``interop.spike_times`` gives exactly the intervals that they count. Firing rules that do not tell times have spikes at the ends of steps, ``p =
    127``. A raster takes one byte per neuron and step, eight times what :class:`Raster` takes. No gradient passes.

    Args:
        population: the population that is watched; ``None``: the only one.

    Returns:
        int8 [step, neuron], -1: no spike.

    Raises:
        InputError: no measured step, or more than 2^24.

    >>> import jax.numpy as jnp
    >>> from jaxsnn_noise.statistics import TimedRaster, over_raster
    >>> print(over_raster(TimedRaster(), jnp.array([[1, 0], [0, 1]]), dt=1.0))
    [[127  -1]
     [ -1 127]]
    """

    population: str | None = eqx.field(static=True, default=None)

    @property
    def units(self) -> dict[str, str]:
        return {"": "1"}

    def init(self, about: About) -> Timed:
        check_steps("TimedRaster", about)
        return Timed(jnp.full((about.steps, about.size), SILENT, jnp.int8), jnp.full((), -1, jnp.int32))

    def update(self, acc: Timed, frame: Frame, about: About) -> Timed:
        index = jnp.asarray(frame.index, jnp.int32)
        told = parts_of(about) > 1
        part = part_of(frame, about) % jnp.int32(PARTS) if told else jnp.int32(PARTS - 1)
        row = jnp.where(frame.spikes > 0, part, jnp.int32(SILENT)).astype(jnp.int8)
        return Timed(lax.dynamic_update_index_in_dim(acc.parts, row, index, 0), index)

    def merge(self, a: Timed, b: Timed, about: About) -> Timed:
        of_a = (jnp.arange(about.steps, dtype=jnp.int32) <= a.last)[:, None]
        return Timed(jnp.where(of_a, a.parts, b.parts), jnp.maximum(a.last, b.last))

    def finalize(self, acc: Timed, about: About) -> Int8[Array, "step neuron"]:
        del about
        return acc.parts

    def dims(self, about: About) -> dict[str, tuple[str, ...]]:
        del about
        return {"": ("step", "neuron")}

    @classmethod
    def example(cls) -> Self:
        return cls()
