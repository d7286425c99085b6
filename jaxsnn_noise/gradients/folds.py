"""Sums over spikes through which derivatives pass."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxsnn_noise.statistics import About, Frame
from jaxsnn_noise.statistics.counts import start_counts
from jaxsnn_noise.statistics.fold import OfNeurons


class SummedSpikes(eqx.Module):
    """Of each neuron: its count and the square of that, and number, sum [ms] and sum of squares [ms^2] of its intervals."""

    count: Float[Array, " neuron"]
    count_squared: Float[Array, " neuron"]
    intervals: Float[Array, " neuron"]
    total: Float[Array, " neuron"]
    squares: Float[Array, " neuron"]


class SpikeSumsState(eqx.Module):
    """Accumulator: ``age`` [steps] since the last spike or the start, ``started`` once there was a spike, ``before`` [steps] it."""

    count: Float[Array, " neuron"]
    started: Float[Array, " neuron"]
    before: Float[Array, " neuron"]
    age: Float[Array, " neuron"]
    intervals: Float[Array, " neuron"]
    total: Float[Array, " neuron"]
    squares: Float[Array, " neuron"]


class SpikeSums(OfNeurons):
    """Counts and intervals of each neuron as sums that are smooth in the spikes, where :class:`IntervalSums` has whole numbers.

    Exact while a sum stays below 2^24 steps or squares of steps.

    Args:
        population: the population that is watched; ``None``: the only one.

    Returns:
        :class:`SummedSpikes`.

    Example:
        >>> import jax.numpy as jnp
        >>> from jaxsnn_noise.statistics import over_raster
        >>> sums = over_raster(SpikeSums(), jnp.array([[1.0], [0.0], [1.0], [1.0]]), dt=0.5)
        >>> print(sums.count_squared, sums.intervals, sums.total, sums.squares)
        [9.] [2.] [1.5] [1.25]
    """

    population: str | None = eqx.field(static=True, default=None)

    @property
    def units(self) -> dict[str, str]:
        return {"count": "1", "count_squared": "1", "intervals": "1", "total": "ms", "squares": "ms^2"}

    def init(self, about: About) -> SpikeSumsState:
        none = start_counts("SpikeSums", about)
        return SpikeSumsState(none, none, none, none, none, none, none)

    def update(self, acc: SpikeSumsState, frame: Frame, about: About) -> SpikeSumsState:
        del about
        one = jnp.float32(1)
        s, age = frame.spikes, acc.age + one
        first, ends = s * (one - acc.started), s * acc.started
        return SpikeSumsState(
            acc.count + s, acc.started + first, acc.before + first * age, age * (one - s),
            acc.intervals + ends, acc.total + ends * age, acc.squares + ends * age * age,
        )  # fmt: skip

    def merge(self, a: SpikeSumsState, b: SpikeSumsState, about: About) -> SpikeSumsState:
        del about
        one = jnp.float32(1)
        first, both, way = (one - a.started) * b.started, a.started * b.started, a.age + b.before
        return SpikeSumsState(
            a.count + b.count, a.started + first, a.before + first * way, b.age + (one - b.started) * a.age,
            a.intervals + b.intervals + both, a.total + b.total + both * way,
            a.squares + b.squares + both * way * way,
        )  # fmt: skip

    def finalize(self, acc: SpikeSumsState, about: About) -> SummedSpikes:
        dt = jnp.float32(about.dt)
        return SummedSpikes(acc.count, acc.count * acc.count, acc.intervals, acc.total * dt, acc.squares * (dt * dt))
