"""What a variable does before a spike: the spike-triggered average."""

from __future__ import annotations

from functools import partial
from typing import ClassVar, Self

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int

from jaxsnn_noise._checks import fail, number, positive, steps_of
from jaxsnn_noise.statistics.fold import About, Frame, Statistic, check_variable, unit_of
from jaxsnn_noise.statistics.segments import either


class Triggered(eqx.Module):
    """Accumulator, with what parts on either side need.

    First and last step seen (-1: none); the spikes of the first steps and the variable in the last ones; the number of spikes that
    count, and the sums over them.
    """

    first: Int[Array, ""]
    last: Int[Array, ""]
    head: Float[Array, "lag neuron"]
    tail: Float[Array, "lag neuron"]
    spikes: Float[Array, " neuron"]
    sums: Float[Array, "lag neuron"]


class SpikeTriggeredAverage(Statistic):
    r"""Mean of a variable at each time before the spikes of the neuron: ``STA(lag) = <x(t_spike - lag)>``.

    Lag 0 is the step of the spike itself, seen after the flow and before the reset. Spikes of the first ``window`` of the
    measurement have no whole past and do not count. Of a current it is, for weak Gaussian white noise, proportional to the
    linear filter of the neuron (de Boer and Kuyper 1968). NaN for a neuron without spikes. A step costs ``window/dt`` numbers per
    neuron. Differentiable.

    Args:
        window: Longest lag [ms], a multiple of dt.
        variable: ``"current"``, ``"v"``, or a name that can be recorded.
        population: the population that is watched; ``None``: the only one.

    Returns:
        float32 [lag, neuron] in the unit of the variable; the coordinate is the lag [ms].

    Raises:
        InputError: a window that is no multiple of dt, or as long as the measurement.

    References:
        de Boer and Kuyper (1968), doi:10.1109/TBME.1968.4502561.

    >>> import jax.numpy as jnp
    >>> from jaxsnn_noise.statistics import SpikeTriggeredAverage, over_raster
    >>> raster, v = jnp.array([[0], [0], [1], [0]]), jnp.array([[1.0], [2.0], [3.0], [4.0]])
    >>> print(over_raster(SpikeTriggeredAverage(1.0, "v"), raster, dt=1.0, voltage=v)[:, 0])
    [3. 2.]
    """

    exact: ClassVar[bool] = False

    window: float = eqx.field(static=True, converter=partial(number, "SpikeTriggeredAverage.window"))
    variable: str = eqx.field(static=True, default="current")
    population: str | None = eqx.field(static=True, default=None)

    def __check_init__(self) -> None:
        check_variable("SpikeTriggeredAverage.variable", self.variable, None)

    @property
    def reads(self) -> tuple[str, ...]:
        return ("spikes", self.variable) if self.variable != "spikes" else ("spikes",)

    @property
    def units(self) -> dict[str, str]:
        return {"": unit_of(self.variable)}

    def _lags(self, about: About) -> int:
        positive("SpikeTriggeredAverage.window", self.window, "ms")
        return steps_of("SpikeTriggeredAverage.window", self.window, about.dt) + 1

    def init(self, about: About) -> Triggered:
        lags = self._lags(about)
        if lags < 2 or lags > about.steps:
            rule = f"must be at least dt = {about.dt:g} ms and shorter than the measured {about.duration:g} ms [ms]"
            fail("SpikeTriggeredAverage.window", rule, self.window)
        none, rows = jnp.full((), -1, jnp.int32), jnp.zeros((lags, about.size), jnp.float32)
        return Triggered(none, none, rows, rows, jnp.zeros(about.size, jnp.float32), rows)

    def update(self, acc: Triggered, frame: Frame, about: About) -> Triggered:
        del about
        lags = acc.tail.shape[0]
        index = jnp.asarray(frame.index, jnp.int32)
        first = jnp.where(acc.first < 0, index, acc.first)
        counted = jnp.where(index >= jnp.int32(lags - 1), frame.spikes, jnp.zeros_like(frame.spikes))
        tail = jnp.concatenate([acc.tail[1:], frame.variable(self.variable)[None]])
        place = index - first
        kept = lax.dynamic_update_index_in_dim(acc.head, counted, jnp.minimum(place, jnp.int32(lags - 1)), 0)
        head = jnp.where(place < jnp.int32(lags), kept, acc.head)
        sums = acc.sums + counted[None, :] * tail[::-1]
        return Triggered(first, index, head, tail, acc.spikes + counted, sums)

    def merge(self, a: Triggered, b: Triggered, about: About) -> Triggered:
        del about
        lags = a.tail.shape[0]
        size, more = a.last - a.first + jnp.int32(1), b.last - b.first + jnp.int32(1)
        # what spikes of b's first steps need of a: at lag l the spike i steps after the seam sees a's row l - i before it
        past = jnp.concatenate([a.tail, jnp.zeros_like(a.tail)])

        def across(lag: Array) -> Array:
            return (b.head * lax.dynamic_slice_in_dim(past, jnp.int32(lags) - lag, lags)).sum(axis=0)

        sums = a.sums + b.sums + jax.vmap(across)(jnp.arange(lags, dtype=jnp.int32))
        both = Triggered(
            a.first, b.last,
            a.head + _shifted(b.head, jnp.minimum(size, jnp.int32(lags))),
            b.tail + _shifted(a.tail, -jnp.minimum(more, jnp.int32(lags))),
            a.spikes + b.spikes, sums,
        )  # fmt: skip
        merged: Triggered = either(a, b, both)
        return merged

    def finalize(self, acc: Triggered, about: About) -> Float[Array, "lag neuron"]:
        del about
        some = acc.spikes > 0
        mean = acc.sums / jnp.where(some, acc.spikes, jnp.float32(1))[None, :]
        return jnp.where(some[None, :], mean, jnp.float32(jnp.nan))

    def dims(self, about: About) -> dict[str, tuple[str, ...]]:
        del about
        return {"": ("lag", "neuron")}

    def coords(self, about: About) -> dict[str, list[float] | list[int]]:
        return {"lag": [k * about.dt for k in range(self._lags(about))]}

    @classmethod
    def example(cls) -> Self:
        return cls(5.0)


def _shifted(rows: Array, by: Array) -> Array:
    """Rows moved ``by`` places down (up where negative), with zeros where there is none."""
    lags = rows.shape[0]
    nothing = jnp.zeros_like(rows)
    return lax.dynamic_slice_in_dim(jnp.concatenate([nothing, rows, nothing]), jnp.int32(lags) - by, lags)
