"""Axes that set leaves to values of a design, under common random numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise import paths
from jaxsnn_noise._checks import concrete, fail, finite, flag
from jaxsnn_noise._checks import name as text
from jaxsnn_noise._checks import names as texts
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
from jaxsnn_noise.fingerprints import of_function
from jaxsnn_noise.opacity import opaque, opaque_zero
from jaxsnn_noise.parameters import as_parameter, parameter, real


class Sweep(Axis):
    """A leaf set to one value after the other, under common random numbers.

    Args:
        path: Dotted path of the leaf, e.g. ``"network.cells.noise.membrane.amplitude.sigma"``.
        values: [value] or [value, ...]: what the leaf is set to. One number sets a leaf whose entries are all the same, such as
            a parameter of all neurons; for others there are arrays of their shape, or :class:`Scale`.
        name: Name of the dimension; the last part of the path unless given.
        paired: Show all values the same noise (common random numbers), so that their differences are those of the values.
            ``False``: fresh noise for each, so that the errors of neighbours are independent.

    Raises:
        InputError: values that are no finite numbers, lie outside the range of the leaf, or do not fit its shape.
    """

    path: str = eqx.field(static=True)
    values: jax.Array = parameter(of_what_is_set, real, shape=None, converter=lambda values: values)
    name: str = eqx.field(static=True)
    paired: bool = eqx.field(static=True)

    def __init__(self, path: str, values: Any, *, name: str | None = None, paired: bool = True):
        self.path = text("Sweep.path", path)
        self.values = as_values("Sweep.values", values)
        self.name = last_part(path) if name is None else name
        self.paired = flag("Sweep.paired", paired)

    @property
    def size(self) -> int:
        return len(self.values)

    def apply(self, sim: Simulation, address: Address, index: jax.Array, root: Key) -> tuple[Simulation, Address]:
        return paths.replace(sim, {self.path: self.values[index]}), drawn(self, address, index)

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


class Scale(Axis):
    """Leaves times one factor after the other, under common random numbers: all weights of a network, all noise of a map.

    The factor 1 leaves it as it is, to the bit. What is swept is relative, so entries keep their ratios; zeros stay zeros.

    Args:
        path: Dotted path of the leaf, e.g. ``"network.recurrent.weights"``, or several in a list, all of them times the factor.
        factors: [value]: what each entry is multiplied with [1].
        name: Name of the dimension; ``<last part of the first path>_factor`` unless given.
        paired: Show all values the same noise; see :class:`Sweep`.

    Raises:
        InputError: factors that are no finite numbers, or that lead out of the range of the leaf.
    """

    path: tuple[str, ...] = eqx.field(static=True)
    factors: jax.Array = parameter("1", real, shape=None, converter=lambda factors: factors)
    name: str = eqx.field(static=True)
    paired: bool = eqx.field(static=True)

    def __init__(self, path: str | Sequence[str], factors: Any, *, name: str | None = None, paired: bool = True):
        self.path = _paths("Scale.path", path)
        self.factors = jnp.asarray(as_values("Scale.factors", factors), jnp.float32)
        self.name = f"{last_part(self.path[0])}_factor" if name is None else name
        self.paired = flag("Scale.paired", paired)
        if self.factors.ndim != 1:
            fail("Scale.factors", "must be [value], one number each", self.factors.shape)

    @property
    def size(self) -> int:
        return len(self.factors)

    def apply(self, sim: Simulation, address: Address, index: jax.Array, root: Key) -> tuple[Simulation, Address]:
        # rounded by itself: a compiler that merged it with what the leaf enters would round differently in another batch
        factor, zero = self.factors[index], opaque_zero(root)
        scaled = {path: opaque(paths.get(sim, path) * factor, zero) for path in self.path}
        return paths.replace(sim, scaled), drawn(self, address, index)

    def sets(self, sim: Simulation) -> tuple[str, ...]:
        return self.path

    def check(self, sim: Simulation) -> None:
        found = {path: paths.get(sim, path) for path in self.path}
        for path, leaf in found.items():
            if not eqx.is_array(leaf) or not jnp.issubdtype(leaf.dtype, jnp.floating):
                fail(f"Scale of {path}", "must lead to an array of real numbers", type(leaf).__name__)
        for factor in self.factors:
            _try(sim, {path: leaf * factor for path, leaf in found.items()})

    def coordinate(self) -> Any:
        return np.asarray(self.factors)

    def attributes(self, sim: Simulation) -> dict[str, str]:
        return {"units": "1", "path": ", ".join(self.path)}

    @classmethod
    def example(cls) -> Self:
        return cls("network.cells.neuron.tau_mem", [0.5, 2.0])


class Vary(Axis):
    """Several leaves that change together (zipped), under common random numbers.

    Args:
        values: From path to its values [value, ...]; all of one length.
        by: Instead of paths: a function ``(simulation, value) -> simulation`` of ``values[index]``, or a module with arrays as
            fields and such a ``__call__`` (see :class:`Realisations`).
        name: Name of the dimension.
        labels: Values of the coordinate; those of the first path unless given. Or a table, a mapping from names of columns to
            their values: each is a coordinate of its own, and a factorial design unfolds by xarray,
            ``data.set_index(vary=["kind", "level"]).unstack("vary")``.

    Raises:
        InputError: values or labels of another length; no numbers; no paths.
    """

    values: Any = parameter(of_what_is_set, real, shape=None, converter=lambda values: values)
    by: Callable[[Simulation, Any], Simulation] | None
    name: str = eqx.field(static=True)
    labels: tuple[Any, ...] | None = eqx.field(static=True)
    table: tuple[tuple[str, tuple[Any, ...]], ...] = eqx.field(static=True)
    paired: bool = eqx.field(static=True)

    def __init__(
        self,
        values: Mapping[str, Any] | Any,
        *,
        name: str = "vary",
        by: Callable[[Simulation, Any], Simulation] | None = None,
        labels: Any = None,
        paired: bool = True,
    ):
        self.by, self.name, self.paired = by, name, flag("Vary.paired", paired)
        if by is not None and not callable(by):
            fail("Vary.by", "must be a function (simulation, value) -> simulation", by)
        if isinstance(values, Mapping):
            self.values = {k: as_values(f"Vary[{k!r}]", v) for k, v in sorted(values.items())}
        else:
            self.values = as_values("Vary.values", values)
        lengths = {len(v) for v in jax.tree.leaves(self.values)}
        if len(lengths) != 1:
            fail("Vary.values", "must all have the same length", sorted(lengths))
        if by is None and not isinstance(values, Mapping):
            fail("Vary.values", "must map paths to values, unless a function is given", type(values).__name__)
        size = lengths.pop()
        self.labels = None if isinstance(labels, Mapping) else plain_labels("Vary", labels, size)
        self.table = plain_columns("Vary", labels, size) if isinstance(labels, Mapping) else ()

    @property
    def size(self) -> int:
        return len(jax.tree.leaves(self.values)[0])

    def columns(self) -> dict[str, tuple[Any, ...]]:
        return dict(self.table)

    def apply(self, sim: Simulation, address: Address, index: jax.Array, root: Key) -> tuple[Simulation, Address]:
        chosen = jax.tree.map(lambda v: v[index], self.values)
        changed = paths.replace(sim, chosen) if self.by is None else self.by(sim, chosen)
        return changed, drawn(self, address, index)

    def sets(self, sim: Simulation) -> tuple[str, ...]:
        return tuple(self.values) if self.by is None else ()

    def function(self, sim: Simulation) -> str | None:
        if self.by is None:
            return None
        arrays, rest = eqx.partition(sim, eqx.is_array)

        def of_one(arrays: Any, chosen: Any) -> Any:
            assert self.by is not None
            return eqx.filter(self.by(eqx.combine(arrays, rest), chosen), eqx.is_array)

        return of_function(of_one, arrays, jax.tree.map(lambda v: v[0], self.values))

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


def as_values(who: str, values: Any) -> jax.Array:
    """Numbers [value, ...] along an axis: whole ones as they are, others as float32."""
    whole = getattr(values, "dtype", None) in (jnp.int32, jnp.uint32)
    array = jnp.asarray(values) if whole else as_parameter(who, values)
    if array.ndim < 1 or len(array) < 1:
        fail(who, "needs at least one value along its first dimension", array.shape)
    finite(who, array)
    return array


def _paths(who: str, given: Any) -> tuple[str, ...]:
    found = texts(who, given)
    if not all(found) or not 0 < len(set(found)) == len(found):
        fail(who, "must be a path, or a list of different ones", given)
    return found


def last_part(path: str) -> str:
    """The name of what a path leads to."""
    return path.rsplit(".", 1)[-1]


def drawn(axis: Sweep | Vary | Scale, address: Address, index: jax.Array) -> Address:
    """The address of a member: only along an axis that is not paired is noise drawn anew."""
    return address if axis.paired else address.at(axis.name, index)


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
