"""The histogram of interspike intervals."""

from __future__ import annotations

from functools import partial
from typing import Self

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Int

from jaxsnn_noise._checks import count, fail, number, positive, steps_of
from jaxsnn_noise.statistics.fold import About, Frame, Statistic
from jaxsnn_noise.statistics.intervals import Times, advance_times, merge_times, parts_of, start_times


class IntervalCounts(eqx.Module):
    """Number of intervals of each neuron in each bin, and of those longer than all bins."""

    counts: Int[Array, "bin neuron"]
    longer: Int[Array, " neuron"]


class Binned(eqx.Module):
    """Accumulator: spike times, and intervals by bin; the last row holds the longer ones."""

    times: Times
    counts: Int[Array, "row neuron"]


class IntervalHistogram(Statistic):
    """Interspike intervals of each neuron by their length, exact.

    Bin b holds the intervals in ``(b bin, (b + 1) bin]``: an interval is a whole number of steps (or of 128th parts of them, where
    the firing rule tells times within steps), and one of a whole bin belongs to the bin that it fills. The interval that runs when the measurement begins, and the last one, are not counted, so long
    intervals are missing in short records. No gradient passes.

    Args:
        bin: length of a bin [ms]; a multiple of dt.
        bins: number of bins.
        population: the population that is watched; ``None``: the only one.

    Returns:
        :class:`IntervalCounts`: ``counts`` int32 [bin, neuron], whose coordinate is the middle of a bin [ms], and ``longer`` int32
        [neuron], [1] each.

    Raises:
        InputError: a bin that is no multiple of dt.

    References:
        Perkel, Gerstein, Moore (1967), doi:10.1016/S0006-3495(67)86596-2.

    >>> import jax.numpy as jnp
    >>> from jaxsnn_noise.statistics import IntervalHistogram, over_raster
    >>> found = over_raster(IntervalHistogram(2.0, 2), jnp.array([[1], [1], [0], [1], [0], [0], [0], [0], [1]]), dt=1.0)
    >>> print(found.counts[:, 0], found.longer)
    [2 0] [1]
    """

    bin: float = eqx.field(static=True, converter=partial(number, "IntervalHistogram.bin"))
    bins: int = eqx.field(static=True)
    population: str | None = eqx.field(static=True, default=None)

    def __check_init__(self) -> None:
        count("IntervalHistogram.bins", self.bins)

    @property
    def units(self) -> dict[str, str]:
        return {"counts": "1", "longer": "1"}

    def _width(self, about: About) -> int:
        positive("IntervalHistogram.bin", self.bin, "ms")
        width = steps_of("IntervalHistogram.bin", self.bin, about.dt)
        if width < 1:
            fail("IntervalHistogram.bin", f"must be a multiple of dt = {about.dt:g} ms [ms]", self.bin)
        return width

    def init(self, about: About) -> Binned:
        self._width(about)
        counts = jnp.zeros((self.bins + 1, about.size), jnp.int32)
        return Binned(start_times("IntervalHistogram", about), counts)

    def update(self, acc: Binned, frame: Frame, about: About) -> Binned:
        times, interval = advance_times(acc.times, frame, about)
        return Binned(times, self._counted(acc.counts, interval, about))

    def merge(self, a: Binned, b: Binned, about: About) -> Binned:
        times, seam = merge_times(a.times, b.times)
        return Binned(times, self._counted(a.counts + b.counts, seam, about))

    def _counted(self, counts: Array, interval: Array, about: About) -> Array:
        """The counts with one more interval of each neuron; 0: none."""
        width = min(self._width(about) * parts_of(about), 2**31 - 1)
        row = jnp.minimum((interval - jnp.int32(1)) // jnp.int32(width), jnp.int32(self.bins))
        rows = jnp.arange(self.bins + 1, dtype=jnp.int32)[:, None]
        return counts + ((rows == row[None, :]) & (interval > 0)[None, :]).astype(jnp.int32)

    def finalize(self, acc: Binned, about: About) -> IntervalCounts:
        del about
        return IntervalCounts(acc.counts[:-1], acc.counts[-1])

    def dims(self, about: About) -> dict[str, tuple[str, ...]]:
        del about
        return {"counts": ("bin", "neuron"), "longer": ("neuron",)}

    def coords(self, about: About) -> dict[str, list[float] | list[int]]:
        del about
        return {"bin": [(k + 0.5) * self.bin for k in range(self.bins)]}

    @classmethod
    def example(cls) -> Self:
        return cls(5.0, 10)
