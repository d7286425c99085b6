"""Correlations of spike counts between neurons (Pearson, over time bins)."""

from __future__ import annotations

from functools import partial
from typing import Self

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float

from jaxsnn_noise._checks import fail, number
from jaxsnn_noise.statistics import windows
from jaxsnn_noise.statistics.binned import BinnedCounts
from jaxsnn_noise.statistics.fold import About, Frame, Statistic


class Centred(eqx.Module):
    """Counts less their rounded mean (small whole numbers), their sum over bins, and which neurons vary."""

    counts: Float[Array, "bin neuron"]
    total: Float[Array, " neuron"]
    varies: Bool[Array, " neuron"]


def _start(who: str, bin: float, about: About) -> windows.Windows:
    _, bins = windows.bins_of(who, bin, about)
    if bins < 2:
        fail(f"{who}.bin", f"must be at most half the measured {about.duration:g} ms [ms]", bin)
    return BinnedCounts(bin).init(about)


def _centred(acc: windows.Windows, bin: float, about: About) -> Centred:
    counts = BinnedCounts(bin).finalize(acc, about)
    # A whole number near the mean is as good a shift as the mean, and keeps sums of products exact.
    shift = lax.stop_gradient(jnp.round(counts.sum(axis=0) * _per_bin(counts)))
    shifted = counts - shift[None, :]
    return Centred(shifted, shifted.sum(axis=0), counts.max(axis=0) > counts.min(axis=0))


def _per_bin(counts: Array) -> Array:
    return jnp.float32(1.0 / counts.shape[0])


class CountCorrelation(Statistic):
    """Mean Pearson correlation of the binned spike counts over all pairs of neurons [1].

    With z_i the counts of neuron i over the bins, centred and of unit norm, the mean over the m (m - 1) / 2 pairs is
    ``(|sum_i z_i|^2 - m) / (m (m - 1))``: no pair is ever formed, the cost is O(bins x neurons). Neurons whose counts
    do not vary have no correlation and are left out of m. NaN if fewer than two neurons vary. Differentiable.

    Args:
        bin: length of a bin [ms]; a multiple of dt that divides the measured duration into two bins or more.
        population: the population that is watched; ``None``: the only one.

    Returns:
        float32 [] [1].

    Raises:
        InputError: the bin is no multiple of dt, or leaves a partial bin at the end, or is the only one.

    >>> import jax.numpy as jnp
    >>> from jaxsnn_noise.statistics import CountCorrelation, over_raster
    >>> raster = jnp.array([[1, 1, 0], [0, 0, 0], [1, 1, 0]])
    >>> print(over_raster(CountCorrelation(1.0), raster, dt=1.0).round(4))
    1.0
    """

    bin: float = eqx.field(static=True, converter=partial(number, "CountCorrelation.bin"))
    population: str | None = eqx.field(static=True, default=None)

    @property
    def units(self) -> dict[str, str]:
        return {"": "1"}

    def init(self, about: About) -> windows.Windows:
        return _start("CountCorrelation", self.bin, about)

    def update(self, acc: windows.Windows, frame: Frame, about: About) -> windows.Windows:
        return BinnedCounts(self.bin).update(acc, frame, about)

    def merge(self, a: windows.Windows, b: windows.Windows, about: About) -> windows.Windows:
        return BinnedCounts(self.bin).merge(a, b, about)

    def finalize(self, acc: windows.Windows, about: About) -> Float[Array, ""]:
        centred = _centred(acc, self.bin, about)
        deviations = centred.counts - (centred.total * _per_bin(centred.counts))[None, :]
        norm2 = jnp.where(centred.varies, (deviations * deviations).sum(axis=0), jnp.float32(1))
        units = jnp.where(centred.varies[None, :], deviations / jnp.sqrt(norm2)[None, :], jnp.float32(0))
        together = units.sum(axis=1)
        m = centred.varies.sum(dtype=jnp.int32).astype(jnp.float32)
        enough = m >= 2
        pairs = jnp.where(enough, m * (m - jnp.float32(1)), jnp.float32(1))
        mean = ((together * together).sum() - m) / pairs
        return jnp.where(enough, mean, jnp.float32(jnp.nan))

    def dims(self, about: About) -> dict[str, tuple[str, ...]]:
        del about
        return {"": ()}

    @classmethod
    def example(cls) -> Self:
        return cls(10.0)


class CountCorrelationMatrix(Statistic):
    """Pearson correlation of the binned spike counts of each pair of neurons [1].

    ``C_ij = cov(n_i, n_j) / sqrt(var(n_i) var(n_j))`` over bins. Rows and columns of neurons whose counts do not vary
    are NaN; the diagonal of the others is 1. The sums of products are exact (in any order) as long as they stay below
    2^24. Differentiable off the diagonal.

    Args:
        bin: length of a bin [ms]; a multiple of dt that divides the measured duration into two bins or more.
        population: the population that is watched; ``None``: the only one.

    Returns:
        float32 [neuron, partner] [1].

    Raises:
        InputError: the bin is no multiple of dt, or leaves a partial bin at the end, or is the only one.

    >>> import jax.numpy as jnp
    >>> from jaxsnn_noise.statistics import CountCorrelationMatrix, over_raster
    >>> print(over_raster(CountCorrelationMatrix(1.0), jnp.array([[1, 0, 0], [0, 1, 0]]), dt=1.0))
    [[ 1. -1. nan]
     [-1.  1. nan]
     [nan nan nan]]
    """

    bin: float = eqx.field(static=True, converter=partial(number, "CountCorrelationMatrix.bin"))
    population: str | None = eqx.field(static=True, default=None)

    @property
    def units(self) -> dict[str, str]:
        return {"": "1"}

    def init(self, about: About) -> windows.Windows:
        return _start("CountCorrelationMatrix", self.bin, about)

    def update(self, acc: windows.Windows, frame: Frame, about: About) -> windows.Windows:
        return BinnedCounts(self.bin).update(acc, frame, about)

    def merge(self, a: windows.Windows, b: windows.Windows, about: About) -> windows.Windows:
        return BinnedCounts(self.bin).merge(a, b, about)

    def finalize(self, acc: windows.Windows, about: About) -> Float[Array, "neuron partner"]:
        centred = _centred(acc, self.bin, about)
        products = jnp.matmul(centred.counts.T, centred.counts, precision=lax.Precision.HIGHEST)
        means = centred.total[:, None] * centred.total[None, :] * _per_bin(centred.counts)
        covariance = products - means
        variance = jnp.where(centred.varies, jnp.diagonal(covariance), jnp.float32(1))
        matrix = covariance / jnp.sqrt(variance[:, None] * variance[None, :])
        matrix = jnp.where(jnp.eye(about.size, dtype=bool), jnp.float32(1), matrix)
        return jnp.where(centred.varies[:, None] & centred.varies[None, :], matrix, jnp.float32(jnp.nan))

    def dims(self, about: About) -> dict[str, tuple[str, ...]]:
        del about
        return {"": ("neuron", "partner")}

    @classmethod
    def example(cls) -> Self:
        return cls(10.0)
