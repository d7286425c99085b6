"""Recorded time courses, on request: the one statistic whose size grows with time x neurons in float32."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int

from jaxsnn_noise._checks import count, fail, one_of, unmasked
from jaxsnn_noise.statistics.fold import VARIABLES, About, Frame, Statistic, Watched, check_variable, field_of, unit_of


class Traces(eqx.Module, Mapping[str, Any]):  # type: ignore[misc]  # both define ==; that of modules holds
    """A mapping from variables to their time courses [time, neuron]: ``traces["state.lift"]``, and ``traces.v`` for plain names."""

    courses: dict[str, Float[Array, "time neuron"]]

    def __getitem__(self, name: str) -> Any:
        one_of("Traces", name, self.courses)
        return self.courses[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.courses)

    def __len__(self) -> int:
        return len(self.courses)

    def __getattr__(self, name: str) -> Any:
        if name in VARIABLES and name in self.courses:
            return self.courses[name]
        raise AttributeError(f"{type(self).__name__} has no variable {name!r}")


class Recorded(eqx.Module):
    """Accumulator: [time, neuron] per variable, in the statistic's order; the last index seen."""

    values: tuple[Array, ...]
    last: Int[Array, ""]


def _variables(names: str | Iterable[str]) -> tuple[str, ...]:
    found = (names,) if isinstance(names, str) else tuple(names) if isinstance(names, Iterable) else ()
    if not found or not all(isinstance(name, str) for name in found):
        fail("Trace.variables", 'must be names of variables, e.g. "v" or ("v", "state.w")', names)
    return found


def _neurons(which: Iterable[int] | None) -> tuple[int, ...] | None:
    return None if which is None else tuple(count("Trace.neurons", i, 0) for i in _listed("Trace.neurons", which))


def _synapses(which: Iterable[Any] | None) -> tuple[Any, ...] | None:
    return None if which is None else tuple(_synapse(one) for one in _listed("Trace.synapses", which))


def _listed(who: str, which: Any) -> list[Any]:
    """The entries of what chooses some; a mask says it with truth values, which are no indices."""
    unmasked(who, which)
    if isinstance(which, (str, Mapping)) or not isinstance(which, Iterable) or getattr(which, "ndim", 1) != 1:
        fail(who, "must be a sequence of indices, e.g. (0, 3) or range(10)", which)
    entries = list(which)
    if entries and all(isinstance(one, (bool, np.bool_)) for one in entries):
        fail(who, "must be indices; those of a mask are numpy.flatnonzero(mask)", which)
    return entries


def _synapse(one: Any) -> int | tuple[int, int]:
    if isinstance(one, (tuple, list)):
        if len(one) != 2:
            fail("Trace.synapses", "must be indices, or pairs (target, source)", one)
        return count("Trace.synapses", one[0], 0), count("Trace.synapses", one[1], 0)
    return count("Trace.synapses", one, 0)


class Trace(Statistic):
    """Time courses of chosen variables of chosen neurons, every so many steps.

    The sample k is taken in the step ``index = (k + 1) every - 1``, at the time ``(k + 1) every dt``. Memory per member
    is 4 bytes x variables x neurons x samples. Differentiable.

    Of a population: "v" [mV], "current" [nA], "threshold" [mV], "spikes" [1], "output" [1], of the decisions "probability" [1],
    "log_probability" [1], "surprise" [1] (see :class:`Frame`); "state.<field>" of its neurons after the flow and before the
    reset, such as "state.lift"; "noise.<source>", the memory of a source as this step's draw found it; "drive.current" [nA] and
    "drive.conductance" [uS], of which the neuron is moved.

    Of a projection: "release" [1] [source], what arrived in the step, with its noise; "state.<field>" before it learns, such as
    "state.weights" [synapse]; "kinetics.<field>" and "drive.current", "drive.conductance" [target]; "noise.<source>" [source].
    A matrix of weights is a list of synapses, row by row of its targets; where these lie, the results say by coordinates.

    Args:
        variables: names, all of the same neurons or synapses.
        neurons: indices of the recorded neurons; ``None``: all.
        every: a sample every so many steps.
        population: the population that is watched; ``None``: the only one.
        projection: the projection that is watched in place of a population.
        synapses: indices of the recorded synapses, or pairs (target, source); ``None``: all.

    Returns:
        :class:`Traces`: float32 [time, neuron] per variable; coordinates: time [ms] and index.

    Raises:
        InputError: an unknown variable, none, or one named twice; neurons and synapses in one; an index out of range or named
            twice; a pair that has no synapse; ``every`` exceeds the measured steps.

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
    projection: str | None = eqx.field(static=True, default=None, kw_only=True)
    synapses: tuple[Any, ...] | None = eqx.field(static=True, default=None, kw_only=True, converter=_synapses)

    def __check_init__(self) -> None:
        for name in self.variables:
            check_variable("Trace.variables", name, self.projection)
        if not self.variables or len(set(self.variables)) < len(self.variables):
            fail("Trace.variables", "must be at least one name, each named once", self.variables)
        for field, chosen in (("neurons", self.neurons), ("synapses", self.synapses)):
            if chosen is not None and (not chosen or len(set(chosen)) < len(chosen)):
                fail(f"Trace.{field}", "must be at least one, each named once (None: all)", chosen)
        if self.synapses is not None and (self.projection is None or self.neurons is not None):
            fail("Trace.synapses", "are those of a projection, in place of neurons", self.synapses)
        count("Trace.every", self.every)

    def on(self, projection: Any) -> Self:
        """With pairs (target, source) as indices of synapses."""
        if self.synapses is None or not any(isinstance(one, tuple) for one in self.synapses):
            return self
        field: dict[str, Any] = {"synapses": tuple(_index(one, projection) for one in self.synapses)}
        return dataclasses.replace(self, **field)

    @property
    def reads(self) -> tuple[str, ...]:
        return self.variables

    @property
    def units(self) -> dict[str, str]:
        return {field_of(name): unit_of(name) for name in self.variables}

    def init(self, about: About) -> Recorded:
        if self.every > about.steps:
            fail("Trace.every", f"must not exceed the {about.steps} measured steps", self.every)
        chosen = self._which()
        if chosen is not None and max(chosen) >= about.size:
            field = "neurons" if self.synapses is None else "synapses"
            fail(f"Trace.{field}", f"must be indices below the number of them, {about.size}", chosen)
        columns = about.size if chosen is None else len(chosen)
        zero = jnp.zeros((about.steps // self.every, columns), jnp.float32)
        return Recorded((zero,) * len(self.variables), jnp.full((), -1, jnp.int32))

    def update(self, acc: Recorded, frame: Frame | Watched, about: About) -> Recorded:
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
        return Traces(dict(zip(self.variables, acc.values, strict=True)))

    def dims(self, about: About) -> dict[str, tuple[str, ...]]:
        del about
        return dict.fromkeys(map(field_of, self.variables), ("time", "neuron"))

    def coords(self, about: About) -> dict[str, list[float] | list[int]]:
        times = [(k + 1) * self.every * about.dt for k in range(about.steps // self.every)]
        chosen = self._which()
        return {"time": times, "neuron": list(range(about.size) if chosen is None else chosen)}

    @classmethod
    def example(cls) -> Self:
        return cls(("v", "spikes"), neurons=(0, 1), every=2)

    def _which(self) -> tuple[int, ...] | None:
        return self.neurons if self.synapses is None else self.synapses

    def _chosen(self, values: Array) -> Array:
        which = self._which()
        return values if which is None else values[np.asarray(which)]


def _index(one: Any, projection: Any) -> int:
    """The index of a synapse from its pair."""
    if not isinstance(one, tuple):
        return int(one)
    pairs = projection.pairs()
    if pairs is None:
        fail("Trace.synapses", f"{type(projection).__name__} does not tell where its synapses are: name indices", one)
    found = np.flatnonzero((pairs[0] == one[0]) & (pairs[1] == one[1]))
    if not len(found):
        fail("Trace.synapses", "a pair (target, source) must have a synapse", one)
    return int(found[0])
