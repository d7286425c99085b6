"""The axes of a Monte Carlo study: each a name, a size, and a pure map of a member by its index.

An axis maps ``(simulation, address, index) -> (simulation, address)``. A random axis adds itself to the address, so noise is
drawn anew along it; a sweep changes leaves and leaves the address alone, so all its values see the same noise (common random
numbers). Addresses are folded in the order of names: the order of axes moves no number.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise import paths, random
from jaxsnn_noise._checks import concrete, count, fail, finite
from jaxsnn_noise._typing import Key
from jaxsnn_noise.addresses import Address
from jaxsnn_noise.pinning import opaque_zero, pinned_tree
from jaxsnn_noise.simulation import Simulation, validate


class Axis(eqx.Module):
    """One named dimension of an ensemble."""

    random: ClassVar[bool] = False
    """Whether members along the axis are random draws (and not values of a design)."""
    rebuilds: ClassVar[bool] = False
    """Whether the axis builds the network anew. Such axes act first, so that sweeps change what was built."""

    if TYPE_CHECKING:

        @property
        def name(self) -> str:
            """Name of the dimension: every member has it as a static field, after those without a default."""

    @property
    @abc.abstractmethod
    def size(self) -> int:
        """Number of members along the axis."""

    @abc.abstractmethod
    def apply(self, sim: Simulation, address: Address, index: jax.Array, root: Key) -> tuple[Simulation, Address]:
        """The simulation and address of the member with this index."""

    @abc.abstractmethod
    def check(self, sim: Simulation) -> None:
        """Raise :class:`InputError` if the axis does not fit the simulation."""

    def sets(self, sim: Simulation) -> tuple[str, ...]:
        """The paths of the leaves that the axis sets."""
        del sim
        return ()

    def coordinate(self) -> Any:
        """Values of the labelled coordinate."""
        return np.arange(self.size)


class Trials(Axis):
    """Fresh noise per trial; nothing else differs.

    Args:
        n: Number of trials, >= 1.
    """

    random: ClassVar[bool] = True
    n: int = eqx.field(static=True)
    name: str = eqx.field(static=True, default="trial")

    def __check_init__(self) -> None:
        count("Trials.n", self.n)

    @property
    def size(self) -> int:
        return self.n

    def apply(self, sim: Simulation, address: Address, index: jax.Array, root: Key) -> tuple[Simulation, Address]:
        return sim, address.at(self.name, index)

    def check(self, sim: Simulation) -> None:
        """Fits every simulation."""


class Devices(Axis):
    """One chip per index: the imperfections are drawn per device, and kept for all its trials.

    Args:
        n: Number of devices, >= 1.
        paired: Give all chips the same noise (only the chips differ). Default: fresh noise per chip.
    """

    random: ClassVar[bool] = True
    n: int = eqx.field(static=True)
    paired: bool = eqx.field(static=True, default=False)
    name: str = eqx.field(static=True, default="device")

    def __check_init__(self) -> None:
        count("Devices.n", self.n)

    @property
    def size(self) -> int:
        return self.n

    def apply(self, sim: Simulation, address: Address, index: jax.Array, root: Key) -> tuple[Simulation, Address]:
        return sim, address.at(self.name, index, paired=self.paired)

    def check(self, sim: Simulation) -> None:
        """Some imperfection is redrawn on this axis (if there are imperfections at all)."""
        on = {imperfection.axis for imperfection in sim.imperfections.values()}
        if on and self.name not in on:
            fail(
                "Devices.name", "must be the axis of an imperfection, or all devices are the same", self.name, known=on
            )


class Samples(Axis):
    """One stimulus per index, with fresh noise: the values of an input are set to ``data[index]``.

    Args:
        data: [sample, ...]: the values of the input for each sample, e.g. images [sample, channel].
        path: Path of the input's values; the only input's unless given.
        labels: [sample] kept as the coordinate ``label``.
    """

    random: ClassVar[bool] = True
    data: jax.Array
    path: str | None = eqx.field(static=True, default=None)
    labels: tuple[Any, ...] | None = eqx.field(static=True, default=None)
    name: str = eqx.field(static=True, default="sample")

    def __init__(self, data: Any, path: str | None = None, *, labels: Any = None, name: str = "sample"):
        self.data = jnp.asarray(data, jnp.float32)
        self.path, self.labels, self.name = path, _labels(labels), name
        if self.data.ndim < 1 or len(self.data) < 1:
            fail("Samples.data", "needs at least one sample", self.data.shape)
        finite("Samples.data", self.data)
        if self.labels is not None and len(self.labels) != len(self.data):
            fail("Samples.labels", f"must have one label per sample ({len(self.data)})", len(self.labels))

    @property
    def size(self) -> int:
        return len(self.data)

    def apply(self, sim: Simulation, address: Address, index: jax.Array, root: Key) -> tuple[Simulation, Address]:
        return paths.replace(sim, {self._path(sim): self.data[index]}), address.at(self.name, index)

    def check(self, sim: Simulation) -> None:
        leaf = paths.get(sim, self._path(sim))
        if leaf.shape != self.data.shape[1:]:
            fail(
                "Samples.data",
                f"must have the shape [sample, *{leaf.shape}] of {self._path(sim)}",
                self.data.shape,
            )

        self._check_values(sim)

    def sets(self, sim: Simulation) -> tuple[str, ...]:
        return (self._path(sim),)

    def _check_values(self, sim: Simulation) -> None:
        """What the input says of the smallest, the largest and the most broken value of each entry."""
        kind, name, *_ = self._path(sim).split(".")
        data = concrete(self.data)
        if kind != "inputs" or data is None:
            return
        broken = np.argmax(np.abs(data - np.round(data)), axis=0)[None]
        for values in (data.min(axis=0), data.max(axis=0), np.take_along_axis(data, broken, axis=0)[0]):
            signal = paths.replace(sim, {self._path(sim): values}).inputs[name]
            signal.check(f"Samples.data for inputs.{name}", sim.network.populations[name].size, sim.total_steps)

    def _path(self, sim: Simulation) -> str:
        if self.path is not None:
            return self.path
        if len(sim.inputs) != 1:
            fail(
                "Samples.path",
                "must name the values of one input",
                None,
                known=[f"inputs.{k}.values" for k in sim.inputs],
            )
        return f"inputs.{next(iter(sim.inputs))}.values"


class Sweep(Axis):
    """A leaf set to one value after the other, under common random numbers.

    Args:
        path: Dotted path of the leaf, e.g. ``"network.cells.noise.membrane.amplitude.sigma"``.
        values: [value] or [value, ...]: what the leaf is set to (broadcast to its shape).
        name: Name of the dimension; the last part of the path unless given.
    """

    path: str = eqx.field(static=True)
    values: jax.Array
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
        for i in range(self.size):
            _try(sim, {self.path: self.values[i]})

    def coordinate(self) -> Any:
        return np.asarray(self.values) if self.values.ndim == 1 else np.arange(self.size)


class Vary(Axis):
    """Several leaves that change together (zipped), under common random numbers.

    Args:
        values: From path to its values [value, ...]; all of one length.
        by: Instead of paths: a function ``(simulation, value) -> simulation`` of ``values[index]``.
        name: Name of the dimension.
        labels: Values of the coordinate; those of the first path unless given.
    """

    values: Any
    by: Callable[[Simulation, Any], Simulation] | None = eqx.field(static=True)
    name: str = eqx.field(static=True)
    labels: tuple[Any, ...] | None = eqx.field(static=True)

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
        self.labels = _labels(labels)

    @property
    def size(self) -> int:
        return len(jax.tree.leaves(self.values)[0])

    def apply(self, sim: Simulation, address: Address, index: jax.Array, root: Key) -> tuple[Simulation, Address]:
        chosen = jax.tree.map(lambda v: v[index], self.values)
        return (paths.replace(sim, chosen) if self.by is None else self.by(sim, chosen)), address

    def sets(self, sim: Simulation) -> tuple[str, ...]:
        return tuple(self.values) if self.by is None else ()

    def check(self, sim: Simulation) -> None:
        for i in range(self.size):
            chosen = jax.tree.map(lambda v, i=i: v[i], self.values)
            if self.by is None:
                _try(sim, chosen)
            else:
                validate(self.by(sim, chosen))

    def coordinate(self) -> Any:
        if self.labels is not None:
            return np.asarray(self.labels)
        first = jax.tree.leaves(self.values)[0]
        return np.asarray(first) if first.ndim == 1 else np.arange(self.size)


class Realisations(Axis):
    """A network built anew per index: wiring, weights, initial laws.

    Args:
        n: Number of networks, >= 1.
        builder: ``key -> Network`` of one structure; the key is a JAX key of the realisation.
    """

    random: ClassVar[bool] = True
    rebuilds: ClassVar[bool] = True
    n: int = eqx.field(static=True)
    builder: Callable[[Any], Any] = eqx.field(static=True)
    name: str = eqx.field(static=True, default="realisation")

    def __check_init__(self) -> None:
        count("Realisations.n", self.n)

    @property
    def size(self) -> int:
        return self.n

    def apply(self, sim: Simulation, address: Address, index: jax.Array, root: Key) -> tuple[Simulation, Address]:
        words = random.stream(random.member(root, **{self.name: index}), "realisation")
        # pinned, so that a realisation has the same bits in every program and batch
        network = pinned_tree(self._built, zero=opaque_zero(root))(words)
        return eqx.tree_at(lambda s: s.network, sim, network), address.at(self.name, index)

    def check(self, sim: Simulation) -> None:
        """The builder's network (checked by its own constructor) has the structure of the simulation's."""
        built = eqx.filter_eval_shape(self._built, jax.ShapeDtypeStruct((2,), jnp.uint32))
        old, new = (jax.tree.map(lambda x: (x.shape, x.dtype), eqx.filter(n, _is_shaped)) for n in (sim.network, built))
        if not eqx.tree_equal(old, new):
            rule = "must build networks of the same structure and sizes as that of the simulation"
            fail("Realisations.builder", rule, type(built).__name__)

    def _built(self, words: Key) -> Any:
        return self.builder(jax.random.wrap_key_data(words, impl="threefry2x32"))


class Cases(eqx.Module):
    """Simulations that differ in structure (noise kind, model, dt), as one labelled dimension; one compilation each.

    All cases see the same addresses, hence common random numbers where their streams have the same names.

    Args:
        simulations: From the name of a case to its simulation.
        name: Name of the dimension.
    """

    simulations: dict[str, Simulation]
    name: str = eqx.field(static=True)

    def __init__(self, simulations: Mapping[str, Simulation], *, name: str = "case"):
        if not simulations:
            fail("Cases", "needs at least one simulation", dict(simulations))
        self.simulations, self.name = dict(simulations), name

    @property
    def size(self) -> int:
        """Number of cases."""
        return len(self.simulations)


def _is_shaped(leaf: Any) -> bool:
    return isinstance(leaf, (jax.Array, jax.ShapeDtypeStruct))


def _labels(labels: Any) -> tuple[Any, ...] | None:
    """Labels as plain values: they are part of the structure (strings are no arrays of a program)."""
    return None if labels is None else tuple(np.asarray(labels).tolist())


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
        if path in ("dt", "duration", "warmup"):
            fail(
                f"path {path!r}",
                "is part of the structure of a simulation and cannot be swept; use Cases",
                path,
            )
    changed = paths.replace(sim, values)
    if all(concrete(v) is not None for v in jax.tree.leaves(changed)):
        validate(changed)
