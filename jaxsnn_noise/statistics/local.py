"""Irregularity of neighbouring intervals: what slow changes of the rate, and the length of the record, leave alone.

Of k intervals ``d_j`` the k - 1 pairs of neighbours count. Sums of ratios are real numbers: parts of a measurement merge within
rounding. No gradient passes (a spike time moves in whole steps).
"""

from __future__ import annotations

import abc
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxsnn_noise.statistics.fold import About, Frame, OfNeurons
from jaxsnn_noise.statistics.intervals import Times, advance_times, merge_times, start_times


class Neighbours(eqx.Module):
    """Accumulator per neuron: spike times, the first and the last interval (0: none yet), the sum over pairs of neighbours."""

    times: Times
    first: Int[Array, " neuron"]
    last: Int[Array, " neuron"]
    sum: Float[Array, " neuron"]


class LocalVariation(OfNeurons):
    """Abstract: the mean over pairs of neighbouring intervals of a function of ``|d - d'|/(d + d')``."""

    exact: ClassVar[bool] = False

    @abc.abstractmethod
    def of_contrast(self, contrast: Array) -> Array:
        """What a pair with this contrast, 0 to 1, adds."""

    def _pair(self, one: Array, other: Array) -> Array:
        """What two intervals add; nothing where one of them is none."""
        both = (one > 0) & (other > 0)
        apart, together = jnp.abs(one - other), jnp.where(both, one + other, jnp.int32(1))
        contrast = apart.astype(jnp.float32) / together.astype(jnp.float32)
        return jnp.where(both, self.of_contrast(contrast), jnp.float32(0))

    @property
    def units(self) -> dict[str, str]:
        return {"": "1"}

    def init(self, about: About) -> Neighbours:
        times = start_times(type(self).__name__, about)
        none = jnp.zeros(about.size, jnp.int32)
        return Neighbours(times, none, none, jnp.zeros(about.size, jnp.float32))

    def update(self, acc: Neighbours, frame: Frame, about: About) -> Neighbours:
        times, interval = advance_times(acc.times, frame, about)
        first = jnp.where(acc.first > 0, acc.first, interval)
        last = jnp.where(interval > 0, interval, acc.last)
        return Neighbours(times, first, last, acc.sum + self._pair(acc.last, interval))

    def merge(self, a: Neighbours, b: Neighbours, about: About) -> Neighbours:
        del about
        times, seam = merge_times(a.times, b.times)
        either = lambda one, other: jnp.where(one > 0, one, other)  # noqa: E731
        # without an interval across the seam one of the parts has no spike, and so no interval either
        across = self._pair(a.last, seam) + self._pair(seam, b.first)
        first, last = either(a.first, either(seam, b.first)), either(b.last, either(seam, a.last))
        return Neighbours(times, first, last, a.sum + b.sum + across)

    def finalize(self, acc: Neighbours, about: About) -> Float[Array, " neuron"]:
        del about
        enough = acc.times.spikes >= 3
        pairs = jnp.where(enough, acc.times.spikes - jnp.int32(2), jnp.int32(1))
        return jnp.where(enough, acc.sum / pairs.astype(jnp.float32), jnp.float32(jnp.nan))


class IntervalCV2(LocalVariation):
    """CV2 of each neuron, the mean of ``2 |d_{j+1} - d_j|/(d_{j+1} + d_j)`` over neighbouring intervals [1].

    0 for a regular train, 1 for a Poisson train, whose rate may change slowly. NaN for a neuron with fewer than two intervals.
    Other trains of independent intervals have another CV2 than CV: gamma intervals of CV 0.5 have 0.545.

    Args:
        population: the population that is watched; ``None``: the only one.

    Returns:
        float32 [neuron] [1].

    Raises:
        InputError: no measured step.

    References:
        Holt, Softky, Koch & Douglas (1996), J. Neurophysiol. 75:1806, doi:10.1152/jn.1996.75.5.1806.

    >>> import jax.numpy as jnp
    >>> from jaxsnn_noise.statistics import IntervalCV2, over_raster
    >>> print(over_raster(IntervalCV2(), jnp.array([[1, 1], [1, 0], [0, 1], [0, 0], [1, 1]]), dt=1.0))
    [1. 0.]
    """

    population: str | None = eqx.field(static=True, default=None)

    def of_contrast(self, contrast: Array) -> Array:
        return jnp.float32(2) * contrast


class IntervalLV(LocalVariation):
    """LV of each neuron, the mean of ``3 ((d_{j+1} - d_j)/(d_{j+1} + d_j))^2`` over neighbouring intervals [1].

    0 for a regular train, 1 for a Poisson train, whose rate may change slowly; gamma intervals of shape ``k`` have
    ``3/(2 k + 1)``. NaN for a neuron with fewer than two intervals.

    Args:
        population: the population that is watched; ``None``: the only one.

    Returns:
        float32 [neuron] [1].

    Raises:
        InputError: no measured step.

    References:
        Shinomoto, Shima & Tanji (2003), Neural Comput. 15:2823, doi:10.1162/089976603322518759.

    >>> import jax.numpy as jnp
    >>> from jaxsnn_noise.statistics import IntervalLV, over_raster
    >>> print(over_raster(IntervalLV(), jnp.array([[1, 1], [1, 0], [0, 1], [0, 0], [1, 1]]), dt=1.0))
    [0.75 0.  ]
    """

    population: str | None = eqx.field(static=True, default=None)

    def of_contrast(self, contrast: Array) -> Array:
        return jnp.float32(3) * contrast * contrast
