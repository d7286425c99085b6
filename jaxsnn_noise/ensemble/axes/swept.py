"""Axes that set leaves to values of a design, under common random numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise import paths
from jaxsnn_noise._checks import concrete, fail, finite
from jaxsnn_noise._typing import Key
from jaxsnn_noise.engine.addresses import Address
from jaxsnn_noise.engine.simulation import Simulation, validate
from jaxsnn_noise.ensemble.axes.axis import (
    STRUCTURE,
    Axis,
    attributes_of,
    check_values,
    of_what_is_set,
    plain_columns,
    plain_labels,
)
from jaxsnn_noise.parameters import parameter, real


class Sweep(Axis):
    """A leaf set to one value after the other, under common random numbers.

    Args:
        path: Dotted path of the leaf, e.g. ``"network.cells.noise.membrane.amplitude.sigma"``.
        values: [value] or [value, ...]: what the leaf is set to (broadcast to its shape).
        name: Name of the dimension; the last part of the path unless given.
    """

    path: str = eqx.field(static=True)
    values: jax.Array = parameter(of_what_is_set, real, shape=None, converter=lambda values: values)
    name: str = eqx.field(static=True)

    def __init__(self, path: str, values: Any, *, name: str | None = None):
        self.path = path
        self.values = _values("Sweep.values", values)
        self.name = path.rsplit(".", 1)[-1] if name is None else name

    @property
    def size(self) -> int:
        return len(self.values)

    def apply(self, sim: Simulation, address: Address, index: jax.Array, root: Key) -> tuple[Simulation, Address]:
        return paths.replace(sim, {self.path: self.values[index]}), address

    def sets(self, sim: Simulation) -> tuple[str, ...]:
        return (self.path,)

    def check(self, sim: Simulation) -> None:
        check_values(f"Sweep of {self.path}", sim, self.path, self.values)
        for i in range(self.size):
            _try(sim, {self.path: self.values[i]})

    def coordinate(self) -> Any:
        return np.asarray(self.values) if self.values.ndim == 1 else np.arange(self.size)

    def attributes(self, sim: Simulation) -> dict[str, str]:
        return attributes_of(sim, self.path) if self.values.ndim == 1 else {"path": self.path}

    @classmethod
    def example(cls) -> Self:
        return cls("network.cells.neuron.tau_mem", [10.0, 20.0])


class Vary(Axis):
    """Several leaves that change together (zipped), under common random numbers.

    Args:
        values: From path to its values [value, ...]; all of one length.
        by: Instead of paths: a function ``(simulation, value) -> simulation`` of ``values[index]``.
        name: Name of the dimension.
        labels: Values of the coordinate; those of the first path unless given. Or a table, a mapping from names of columns to
            their values: each is a coordinate of its own, and a factorial design unfolds by xarray,
            ``data.set_index(vary=["kind", "level"]).unstack("vary")``.

    Raises:
        InputError: values or labels of another length; no numbers; no paths.
    """

    values: Any = parameter(of_what_is_set, real, shape=None, converter=lambda values: values)
    by: Callable[[Simulation, Any], Simulation] | None = eqx.field(static=True)
    name: str = eqx.field(static=True)
    labels: tuple[Any, ...] | None = eqx.field(static=True)
    table: tuple[tuple[str, tuple[Any, ...]], ...] = eqx.field(static=True)

    def __init__(
        self,
        values: Mapping[str, Any] | Any,
        *,
        name: str = "vary",
        by: Callable[[Simulation, Any], Simulation] | None = None,
        labels: Any = None,
    ):
        self.by, self.name = by, name
        if isinstance(values, Mapping):
            self.values = {k: _values(f"Vary[{k!r}]", v) for k, v in sorted(values.items())}
        else:
            self.values = _values("Vary.values", values)
        lengths = {len(v) for v in jax.tree.leaves(self.values)}
        if len(lengths) != 1:
            fail("Vary.values", "must all have the same length", sorted(lengths))
        if by is None and not isinstance(values, Mapping):
            fail("Vary.values", "must map paths to values, unless a function is given", type(values).__name__)
        size = lengths.pop()
        self.labels = None if isinstance(labels, Mapping) else plain_labels(labels)
        self.table = plain_columns("Vary", labels, size) if isinstance(labels, Mapping) else ()
        if self.labels is not None and len(self.labels) != size:
            fail("Vary.labels", f"must have one for each of the {size} values", len(self.labels))

    @property
    def size(self) -> int:
        return len(jax.tree.leaves(self.values)[0])

    def columns(self) -> dict[str, tuple[Any, ...]]:
        return dict(self.table)

    def apply(self, sim: Simulation, address: Address, index: jax.Array, root: Key) -> tuple[Simulation, Address]:
        chosen = jax.tree.map(lambda v: v[index], self.values)
        return (paths.replace(sim, chosen) if self.by is None else self.by(sim, chosen)), address

    def sets(self, sim: Simulation) -> tuple[str, ...]:
        return tuple(self.values) if self.by is None else ()

    def check(self, sim: Simulation) -> None:
        if self.by is None:
            for path, values in self.values.items():
                check_values(f"Vary of {path}", sim, path, values)
        for i in range(self.size):
            chosen = jax.tree.map(lambda v, i=i: v[i], self.values)
            if self.by is None:
                _try(sim, chosen)
            else:
                validate(self.by(sim, chosen))

    def coordinate(self) -> Any:
        if self.labels is not None:
            return np.asarray(self.labels)
        if self.table:
            return np.arange(self.size)
        first = jax.tree.leaves(self.values)[0]
        return np.asarray(first) if first.ndim == 1 else np.arange(self.size)

    def attributes(self, sim: Simulation) -> dict[str, str]:
        if self.by is not None or self.labels is not None or self.table:
            return {}
        path, first = next(iter(self.values.items()))
        return attributes_of(sim, path) if first.ndim == 1 else {}

    @classmethod
    def example(cls) -> Self:
        return cls({"network.cells.neuron.tau_mem": [10.0, 20.0]})


def _values(who: str, values: Any) -> jax.Array:
    try:
        array = jnp.asarray(values)
        array = array if array.dtype in (jnp.int32, jnp.uint32) else jnp.asarray(values, jnp.float32)
    except (TypeError, ValueError):
        fail(who, "must be numbers", values)
    if array.ndim < 1 or len(array) < 1:
        fail(who, "needs at least one value along its first dimension", array.shape)
    finite(who, array)
    return array


def _try(sim: Simulation, values: dict[str, Any]) -> None:
    """Set the leaves as the sweep will, and let every part look at its concrete values."""
    for path in values:
        if path in STRUCTURE:
            fail(
                f"path {path!r}",
                "is part of the structure of a simulation and cannot be swept; use Cases",
                path,
            )
    changed = paths.replace(sim, values)
    if all(concrete(v) is not None for v in jax.tree.leaves(changed)):
        validate(changed)
