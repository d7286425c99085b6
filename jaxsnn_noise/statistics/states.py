"""Which state a network of few neurons is in: how often, and for how long it remembers."""

from __future__ import annotations

from functools import partial
from typing import Self

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from jaxsnn_noise._checks import fail, number, positive, steps_of
from jaxsnn_noise.statistics import windows
from jaxsnn_noise.statistics.fold import About, Frame, Statistic

MOST_UNITS = 16
"""Of a network whose states are all counted."""

_NEVER = -(2**30)
_NOT_YET = 2**30


class StateOccupancy(eqx.Module):
    """Steps in each network state [1], and the integrated autocorrelation time of its indicator [ms]."""

    counts: Int[Array, "bin state"]
    correlation_time: Float[Array, " state"]


class Visited(eqx.Module):
    """Accumulator: first and last step seen (-1: none), first and last spikes [neuron], counts by bin and state."""

    begins: Int[Array, ""]
    ends: Int[Array, ""]
    first: Int[Array, " neuron"]
    last: Int[Array, " neuron"]
    counts: Int[Array, "bin state"]


class StateCounts(Statistic):
    r"""How many steps a network spends in each of its ``2^K`` states, and how long each state is remembered.

    A neuron is on, ``z_k = 1``, in the step of a spike and for ``duration`` from its begin on. The number of a state is
    :math:`x = \sum_k 2^k z_k`, as in ``theory.network_states``. Steps before the end of the first ``duration`` are not counted:
    spikes before the measurement might keep a neuron on in them. Memory is that of bins times states.

    The integrated autocorrelation time of the indicator of a state, :math:`\tau_x = dt\,(1 + 2 \sum_{k \ge 1} \rho_x(k))`, is
    found from the variance of its share ``p_b`` of whole bins,

    .. math:: \tau(B) = B \, \frac{\mathrm{Var}_b\, p_b}{p (1 - p)}, \qquad \tau_x = 2 \tau(2 B) - \tau(B),

    of which the second takes out the bias, of order 1/B, of the first. Bins should last many correlation times, and there
    should be many of them: the relative error of ``tau`` is about ``3/sqrt(bins)``. NaN for a state that never or always occurs, and
    with fewer than five bins. ``theory.sampled_divergence`` says what histograms make of it. No gradient passes.

    Args:
        duration: how long a spike keeps a neuron on [ms]; a multiple of dt, at least one step.
        bin: length of a bin [ms]; a multiple of dt that divides the measured duration. ``None``: one bin of all.
        population: the population that is watched; ``None``: the only one. At most 16 neurons.

    Returns:
        :class:`StateOccupancy`: ``counts`` int32 [bin, state] [1], whose coordinates are the middle of a bin [ms] and the number of
        the state, and ``correlation_time`` float32 [state] [ms].

    Raises:
        InputError: more than 16 neurons; durations that are no multiple of dt; a bin that leaves a partial one at the end.

    References:
        Buesing, Bill, Nessler, Maass (2011), doi:10.1371/journal.pcbi.1002211 (spikes as states); Flegal and Jones (2010),
        doi:10.1214/09-AOS735 (batch means); Vats and Flegal (2022), doi:10.1093/biomet/asab049 (the difference of two).

    >>> import jax.numpy as jnp
    >>> from jaxsnn_noise.statistics import StateCounts, over_raster
    >>> raster = jnp.array([[0, 0], [1, 0], [0, 0], [0, 1], [0, 0], [0, 0]])
    >>> print(over_raster(StateCounts(2.0), raster, dt=1.0).counts)
    [[1 2 2 0]]
    """

    duration: float = eqx.field(static=True, converter=partial(number, "StateCounts.duration"))
    bin: float | None = eqx.field(
        static=True, default=None, converter=lambda x: None if x is None else number("StateCounts.bin", x)
    )
    population: str | None = eqx.field(static=True, default=None)

    @property
    def units(self) -> dict[str, str]:
        return {"counts": "1", "correlation_time": "ms"}

    def _lasts(self, about: About) -> int:
        positive("StateCounts.duration", self.duration, "ms")
        lasts = steps_of("StateCounts.duration", self.duration, about.dt)
        if lasts < 1:
            fail("StateCounts.duration", f"must be a multiple of dt = {about.dt:g} ms [ms]", self.duration)
        return lasts

    def _bins(self, about: About) -> tuple[int, int]:
        return (max(about.steps, 1), 1) if self.bin is None else windows.bins_of("StateCounts", self.bin, about)

    def init(self, about: About) -> Visited:
        if about.size > MOST_UNITS:
            rule = f"counts the states of at most {MOST_UNITS} neurons (2^neurons of them); watch a part of the network"
            fail("StateCounts", rule, f"{about.size} neurons")
        self._lasts(about)
        none = jnp.full((), -1, jnp.int32)
        first, last = (jnp.full(about.size, when, jnp.int32) for when in (_NOT_YET, _NEVER))
        return Visited(none, none, first, last, jnp.zeros((self._bins(about)[1], 2**about.size), jnp.int32))

    def update(self, acc: Visited, frame: Frame, about: About) -> Visited:
        lasts, (width, _) = self._lasts(about), self._bins(about)
        now = jnp.asarray(frame.index, jnp.int32)
        fired = frame.spikes > 0
        last = jnp.where(fired, now, acc.last)
        first = jnp.where(fired, jnp.minimum(acc.first, now), acc.first)
        counted = (now >= jnp.int32(lasts - 1)).astype(jnp.int32)
        counts = acc.counts.at[now // jnp.int32(width), _number(now - last < jnp.int32(lasts))].add(counted)
        return Visited(jnp.where(acc.begins < 0, now, acc.begins), now, first, last, counts)

    def merge(self, a: Visited, b: Visited, about: About) -> Visited:
        """The first steps of ``b`` did not know what was on in ``a``; until a spike's end their own states are told by first spikes."""
        lasts, (width, bins) = self._lasts(about), self._bins(about)
        step = (b.begins + jnp.arange(lasts - 1, dtype=jnp.int32))[:, None]
        alone = b.first[None, :] <= step
        joined = alone | (step - a.last[None, :] < jnp.int32(lasts))
        seen = (b.begins >= 0) & (step[:, 0] <= b.ends) & (step[:, 0] >= jnp.int32(lasts - 1))
        place, moved = jnp.clip(step[:, 0] // jnp.int32(width), 0, bins - 1), seen.astype(jnp.int32)
        counts = a.counts + b.counts
        counts = counts.at[place, _number(joined)].add(moved).at[place, _number(alone)].add(-moved)
        begins = jnp.where(a.begins < 0, b.begins, a.begins)
        first, last = jnp.minimum(a.first, b.first), jnp.maximum(a.last, b.last)
        return Visited(begins, jnp.maximum(a.ends, b.ends), first, last, counts)

    def finalize(self, acc: Visited, about: About) -> StateOccupancy:
        width, _ = self._bins(about)
        whole = acc.counts[1:] if self._lasts(about) > 1 else acc.counts
        times = jnp.float32(about.dt) * _correlation_times(whole, width)
        return StateOccupancy(acc.counts, lax.stop_gradient(times))

    def dims(self, about: About) -> dict[str, tuple[str, ...]]:
        del about
        return {"counts": ("bin", "state"), "correlation_time": ("state",)}

    def coords(self, about: About) -> dict[str, list[float] | list[int]]:
        width, bins = self._bins(about)
        return {"bin": windows.bin_centres(bins, width * about.dt), "state": list(range(2**about.size))}

    @classmethod
    def example(cls) -> Self:
        return cls(5.0)


def _number(on: Bool[Array, "... neuron"]) -> Int[Array, ...]:
    """The number of a state, unit k its bit k."""
    bits = jnp.left_shift(jnp.int32(1), jnp.arange(on.shape[-1], dtype=jnp.int32))
    return on.astype(jnp.int32) @ bits


def _correlation_times(counts: Int[Array, "bin state"], width: int) -> Float[Array, " state"]:
    """In steps, from whole bins of ``width`` steps."""
    pairs = counts.shape[0] // 2
    if pairs < 2:
        return jnp.full(counts.shape[1], jnp.nan, jnp.float32)
    share = counts[: 2 * pairs].astype(jnp.float32) / jnp.float32(width)
    p = share.mean(axis=0)
    apart = share - p[None, :]
    double = 0.5 * (apart[0::2] + apart[1::2])
    one = jnp.sum(apart * apart, axis=0) * jnp.float32(width / (2 * pairs - 1))
    two = jnp.sum(double * double, axis=0) * jnp.float32(2 * width / (pairs - 1))
    varies = (p > 0) & (p < 1)
    return jnp.where(varies, (2 * two - one) / jnp.where(varies, p * (1 - p), jnp.float32(1)), jnp.float32(jnp.nan))
