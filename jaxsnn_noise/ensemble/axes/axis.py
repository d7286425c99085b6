"""What an axis is."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

import equinox as eqx
import jax
import numpy as np

from jaxsnn_noise import paths
from jaxsnn_noise._checks import concrete, count, fail, name
from jaxsnn_noise._typing import Key
from jaxsnn_noise.engine.addresses import Address
from jaxsnn_noise.engine.simulation import Simulation
from jaxsnn_noise.parameters import Ranged, declaration

STRUCTURE = ("dt", "duration", "warmup")
"""Fields of a simulation that are part of its structure."""


class Axis(Ranged):
    """One named dimension of an ensemble."""

    random: ClassVar[bool] = False
    """Whether members along the axis are random draws (and not values of a design)."""
    rebuilds: ClassVar[bool] = False
    """Whether the axis builds the network anew. Such axes act first, so that sweeps change what was built."""

    if TYPE_CHECKING:

        @property
        def name(self) -> str:
            """Name of the dimension: every member has it as a static field, after those without a default."""

    def __check_init__(self) -> None:
        name(f"{type(self).__name__}.name", self.name)

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

    @classmethod
    @abc.abstractmethod
    def example(cls) -> Self:
        """An instance for the contract suite: three LIF neurons ``cells`` with an input of three values of the same name."""

    def sets(self, sim: Simulation) -> tuple[str, ...]:
        """The paths of the leaves that the axis sets."""
        del sim
        return ()

    def function(self, sim: Simulation) -> str | None:
        """A hash of the function of the user that makes the members from values, if there is one: values do not tell it."""
        del sim
        return None

    def coordinate(self) -> Any:
        """Values of the labelled coordinate."""
        return np.arange(self.size)

    def columns(self) -> dict[str, tuple[Any, ...]]:
        """Further coordinates along the axis, by name: a value for each member."""
        return {}

    def attributes(self, sim: Simulation) -> dict[str, str]:
        """What is told with the coordinate: the unit and the path of what is set."""
        del sim
        return {}


def members(who: str, n: Any) -> None:
    """``n`` is a number of members: whole, >= 1, and such that each has an index of 32 bits."""
    if count(who, n) > 1 << 32:
        fail(who, "must be at most 2**32, since indices have 32 bits", n)


def of_what_is_set(axis: Any, *outer: Any) -> str | None:
    """That of the leaf that they set. Only a simulation tells it."""
    del axis, outer
    return None


def attributes_of(sim: Simulation, path: str) -> dict[str, str]:
    """The unit and the path of a leaf, for a coordinate of its values."""
    said = declaration(sim, path)
    return ({"units": said.unit} if said is not None and said.unit else {}) | {"path": path}


def check_values(who: str, sim: Simulation, path: str, values: jax.Array) -> None:
    """The values [value, ...] that an axis sets a leaf to fit its shape, and lie in the range that it declares.

    Raises:
        InputError: who, the rule with its unit, the first value outside; one number for entries that differ.
    """
    if not path or path in STRUCTURE:
        return
    leaf = paths.get(sim, path)
    said, array = declaration(sim, path), concrete(values)
    if said is not None and array is not None and not said.range.holds(array):
        outside = [value for value in array.reshape(len(array), -1) if not said.range.holds(value)]
        fail(who, said.range.asked(said.unit), outside[0].item() if outside[0].size == 1 else outside[0])
    if eqx.is_array(leaf) and values.shape[1:] != leaf.shape:
        _check_alike(who, leaf, values)


def _check_alike(who: str, leaf: jax.Array, values: jax.Array) -> None:
    """One number may set entries that are all the same, such as a parameter of all neurons, but not a matrix."""
    if values.shape[1:] != ():
        fail(who, f"must broadcast: one number for each value, or the shape [value, *{leaf.shape}]", values.shape)
    array = concrete(leaf)
    if leaf.ndim > 1 or (array is not None and array.size and (array != array.flat[0]).any()):
        what = "a matrix" if leaf.ndim > 1 else "entries that differ"
        rule = f"one number would overwrite {what} of shape {leaf.shape}: give arrays [value, *shape], or Scale(path, factors)"
        fail(who, rule, values)


def plain_columns(who: str, labels: Mapping[str, Any], size: int) -> tuple[tuple[str, tuple[Any, ...]], ...]:
    """A table of labels as plain values, in the order in which it is given.

    Raises:
        InputError: a column that is not named, or has not one value for each member.
    """
    for column, values in labels.items():
        if not isinstance(column, str) or not column:
            fail(f"{who}.labels", "needs names of columns", column)
        if np.shape(values)[:1] != (size,) or np.ndim(values) != 1:
            fail(f"{who}.labels[{column!r}]", f"must have one value for each of the {size}", np.shape(values))
    return tuple((column, tuple(np.asarray(values).tolist())) for column, values in labels.items())


def plain_labels(who: str, labels: Any, size: int) -> tuple[Any, ...] | None:
    """Labels as plain values: they are part of the structure (strings are no arrays of a program).

    Raises:
        InputError: not one label for each member.
    """
    if labels is None:
        return None
    try:
        shape = np.shape(labels)
    except ValueError:  # rows of several lengths
        shape = None
    if shape != (size,):
        fail(f"{who}.labels", f"must be one for each of the {size} members", shape or labels)
    return tuple(np.asarray(labels).tolist())
