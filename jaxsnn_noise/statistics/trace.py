"""Recorded time courses, on request: the one statistic whose size grows with time x neurons in float32."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int

from jaxsnn_noise._checks import count, fail, one_of
from jaxsnn_noise.statistics.fold import UNITS, VARIABLES, About, Frame, Statistic


class Traces(eqx.Module):
    """One time course [time, neuron] per recorded variable; ``None`` for a variable that was not recorded."""

    v: Float[Array, "time neuron"] | None = None
    current: Float[Array, "time neuron"] | None = None
    threshold: Float[Array, "time neuron"] | None = None
    spikes: Float[Array, "time neuron"] | None = None
    output: Float[Array, "time neuron"] | None = None
    probability: Float[Array, "time neuron"] | None = None
    log_probability: Float[Array, "time neuron"] | None = None
    surprise: Float[Array, "time neuron"] | None = None


class Recorded(eqx.Module):
    """Accumulator: [time, neuron] per variable, in the statistic's order; the last index seen."""

    values: tuple[Array, ...]
    last: Int[Array, ""]


def _variables(names: str | Iterable[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)


def _neurons(which: Iterable[int] | None) -> tuple[int, ...] | None:
    return None if which is None else tuple(count("Trace.neurons", int(i), 0) for i in which)


class Trace(Statistic):
    """Time courses of chosen variables of chosen neurons, every so many steps.

    The sample k is taken in the step ``index = (k + 1) every - 1``, at the time ``(k + 1) every dt``. Memory per member
    is 4 bytes x variables x neurons x samples. Differentiable.

    Args:
        variables: names out of "v" [mV], "current" [nA], "threshold" [mV], "spikes" [1], "output" [1], and of the decisions
            "probability" [1], "log_probability" [1], "surprise" [1] (see :class:`Frame`).
        neurons: indices of the recorded neurons; ``None``: all.
        every: a sample every so many steps.
        population: the population that is watched; ``None``: the only one.

    Returns:
        :class:`Traces`: float32 [time, neuron] per variable; coordinates: time [ms] and neuron index.

    Raises:
        InputError: an unknown variable, none, or one named twice; a neuron out of range or named twice; ``every``
            exceeds the measured steps.

    >>> import jax.numpy as jnp
    >>> from jaxsnn_noise.statistics import Trace, over_raster
    >>> v = jnp.arange(8.0).reshape(4, 2)
    >>> print(over_raster(Trace(("v",), neurons=(1,), every=2), jnp.zeros((4, 2)), dt=1.0, voltage=v).v)
    [[3.]
     [7.]]
    """

    variables: tuple[str, ...] = eqx.field(static=True, default=("v",), converter=_variables)
    neurons: tuple[int, ...] | None = eqx.field(static=True, default=None, converter=_neurons)
    every: int = eqx.field(static=True, default=1)
    population: str | None = eqx.field(static=True, default=None)

    def __check_init__(self) -> None:
        for name in self.variables:
            one_of("Trace.variables", name, VARIABLES)
        if not self.variables or len(set(self.variables)) < len(self.variables):
            fail("Trace.variables", "must be at least one name, each named once", self.variables)
        if self.neurons is not None and (not self.neurons or len(set(self.neurons)) < len(self.neurons)):
            fail("Trace.neurons", "must be at least one index, each named once (None: all)", self.neurons)
        count("Trace.every", self.every)

    @property
    def reads(self) -> tuple[str, ...]:
        return self.variables

    @property
    def units(self) -> dict[str, str]:
        return {name: UNITS[name] for name in self.variables}

    def init(self, about: About) -> Recorded:
        if self.every > about.steps:
            fail("Trace.every", f"must not exceed the {about.steps} measured steps", self.every)
        if self.neurons is not None and max(self.neurons) >= about.size:
            fail("Trace.neurons", f"must be indices below the population's size of {about.size}", self.neurons)
        columns = about.size if self.neurons is None else len(self.neurons)
        zero = jnp.zeros((about.steps // self.every, columns), jnp.float32)
        return Recorded((zero,) * len(self.variables), jnp.full((), -1, jnp.int32))

    def update(self, acc: Recorded, frame: Frame, about: About) -> Recorded:
        del about
        index = jnp.asarray(frame.index, jnp.int32)

        def write(values: tuple[Array, ...], rows: tuple[Array, ...]) -> tuple[Array, ...]:
            row = index // jnp.int32(self.every)
            return tuple(lax.dynamic_update_index_in_dim(v, r, row, 0) for v, r in zip(values, rows, strict=True))

        rows = tuple(self._chosen(frame.variable(name)) for name in self.variables)
        if self.every == 1:
            return Recorded(write(acc.values, rows), index)
        due = index % jnp.int32(self.every) == jnp.int32(self.every - 1)
        return Recorded(lax.cond(due, write, lambda values, rows: values, acc.values, rows), index)

    def merge(self, a: Recorded, b: Recorded, about: About) -> Recorded:
        samples = jnp.arange(about.steps // self.every, dtype=jnp.int32)
        taken = ((samples + jnp.int32(1)) * jnp.int32(self.every) - jnp.int32(1) <= a.last)[:, None]
        values = tuple(jnp.where(taken, x, y) for x, y in zip(a.values, b.values, strict=True))
        return Recorded(values, jnp.maximum(a.last, b.last))

    def finalize(self, acc: Recorded, about: About) -> Traces:
        del about
        return Traces(**dict(zip(self.variables, acc.values, strict=True)))

    def dims(self, about: About) -> dict[str, tuple[str, ...]]:
        del about
        return dict.fromkeys(self.variables, ("time", "neuron"))

    def coords(self, about: About) -> dict[str, list[float] | list[int]]:
        times = [(k + 1) * self.every * about.dt for k in range(about.steps // self.every)]
        return {"time": times, "neuron": list(range(about.size) if self.neurons is None else self.neurons)}

    @classmethod
    def example(cls) -> Self:
        return cls(("v", "spikes"), neurons=(0, 1), every=2)

    def _chosen(self, values: Array) -> Array:
        return values if self.neurons is None else values[np.asarray(self.neurons)]
