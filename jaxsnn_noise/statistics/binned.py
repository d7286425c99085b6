"""Spike counts in time bins: per neuron, and the rate of the whole population (the PSTH of one member)."""

from __future__ import annotations

from functools import partial
from typing import Self

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxsnn_noise._checks import number
from jaxsnn_noise.statistics import windows
from jaxsnn_noise.statistics.counts import start_counts
from jaxsnn_noise.statistics.fold import About, Frame, Statistic


class BinnedCounts(Statistic):
    """Spikes of each neuron in consecutive bins, ``n_bi = sum_(t in bin b) s_i(t)`` [1].

    Bin b holds the steps ``b * bin/dt .. (b + 1) * bin/dt - 1``. Gradients flow: ``dn_bi / ds_i(t) = 1`` inside the
    bin.

    Args:
        bin: length of a bin [ms]; a multiple of dt that divides the measured duration.
        population: the population that is watched; ``None``: the only one.

    Returns:
        float32 [bin, neuron]: whole numbers; the coordinate of a bin is its middle [ms].

    Raises:
        InputError: the bin is no multiple of dt, or leaves a partial bin at the end.

    >>> import jax.numpy as jnp
    >>> from jaxsnn_noise.statistics import BinnedCounts, over_raster
    >>> print(over_raster(BinnedCounts(2.0), jnp.array([[1, 0], [1, 1], [0, 0], [0, 1]]), dt=1.0))
    [[2. 1.]
     [0. 1.]]
    """

    bin: float = eqx.field(static=True, converter=partial(number, "BinnedCounts.bin"))
    population: str | None = eqx.field(static=True, default=None)

    @property
    def units(self) -> dict[str, str]:
        return {"": "1"}

    def init(self, about: About) -> windows.Windows:
        _, bins = windows.bins_of("BinnedCounts", self.bin, about)
        return windows.start(start_counts("BinnedCounts", about), bins)

    def update(self, acc: windows.Windows, frame: Frame, about: About) -> windows.Windows:
        width, _ = windows.bins_of("BinnedCounts", self.bin, about)
        return windows.advance(acc, frame.spikes, frame.index, width)

    def merge(self, a: windows.Windows, b: windows.Windows, about: About) -> windows.Windows:
        width, _ = windows.bins_of("BinnedCounts", self.bin, about)
        return windows.merge(a, b, width)

    def finalize(self, acc: windows.Windows, about: About) -> Float[Array, "bin neuron"]:
        width, _ = windows.bins_of("BinnedCounts", self.bin, about)
        return windows.settled(acc, width)

    def dims(self, about: About) -> dict[str, tuple[str, ...]]:
        del about
        return {"": ("bin", "neuron")}

    def coords(self, about: About) -> dict[str, list[float] | list[int]]:
        _, bins = windows.bins_of("BinnedCounts", self.bin, about)
        return {"bin": windows.bin_centres(bins, self.bin)}

    @classmethod
    def example(cls) -> Self:
        return cls(10.0)


class PopulationRate(Statistic):
    """Mean firing rate of the population in consecutive bins, ``r_b = sum_i n_bi / (size * bin)`` [Hz].

    Averaged over trials it is the peristimulus time histogram. Gradients flow as in :class:`BinnedCounts`.

    Args:
        bin: length of a bin [ms]; a multiple of dt that divides the measured duration.
        population: the population that is watched; ``None``: the only one.

    Returns:
        float32 [bin] [Hz]; the coordinate of a bin is its middle [ms].

    Raises:
        InputError: the bin is no multiple of dt, or leaves a partial bin at the end.

    >>> import jax.numpy as jnp
    >>> from jaxsnn_noise.statistics import PopulationRate, over_raster
    >>> print(over_raster(PopulationRate(2.0), jnp.array([[1, 0], [1, 1], [0, 0], [0, 1]]), dt=1.0))
    [750. 250.]
    """

    bin: float = eqx.field(static=True, converter=partial(number, "PopulationRate.bin"))
    population: str | None = eqx.field(static=True, default=None)

    @property
    def units(self) -> dict[str, str]:
        return {"": "Hz"}

    def init(self, about: About) -> windows.Windows:
        _, bins = windows.bins_of("PopulationRate", self.bin, about)
        return windows.start(start_counts("PopulationRate", about), bins, jnp.sum)

    def update(self, acc: windows.Windows, frame: Frame, about: About) -> windows.Windows:
        width, _ = windows.bins_of("PopulationRate", self.bin, about)
        return windows.advance(acc, frame.spikes, frame.index, width, jnp.sum)

    def merge(self, a: windows.Windows, b: windows.Windows, about: About) -> windows.Windows:
        width, _ = windows.bins_of("PopulationRate", self.bin, about)
        return windows.merge(a, b, width, jnp.sum)

    def finalize(self, acc: windows.Windows, about: About) -> Float[Array, " bin"]:
        width, _ = windows.bins_of("PopulationRate", self.bin, about)
        return windows.settled(acc, width, jnp.sum) * jnp.float32(1000.0 / (about.size * self.bin))

    def dims(self, about: About) -> dict[str, tuple[str, ...]]:
        del about
        return {"": ("bin",)}

    def coords(self, about: About) -> dict[str, list[float] | list[int]]:
        _, bins = windows.bins_of("PopulationRate", self.bin, about)
        return {"bin": windows.bin_centres(bins, self.bin)}

    @classmethod
    def example(cls) -> Self:
        return cls(10.0)
