"""What an axis is."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

import jax
import numpy as np

from jaxsnn_noise import paths
from jaxsnn_noise._checks import concrete, fail
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


def of_what_is_set(axis: Any, *outer: Any) -> str | None:
    """That of the leaf that they set. Only a simulation tells it."""
    del axis, outer
    return None


def attributes_of(sim: Simulation, path: str) -> dict[str, str]:
    """The unit and the path of a leaf, for a coordinate of its values."""
    said = declaration(sim, path)
    return ({"units": said.unit} if said is not None and said.unit else {}) | {"path": path}


def check_values(who: str, sim: Simulation, path: str, values: jax.Array) -> None:
    """The values [value, ...] that an axis sets a leaf to lie in the range that the leaf declares.

    Raises:
        InputError: who, the rule with its unit, the first value outside.
    """
    if not path or path in STRUCTURE:
        return
    paths.get(sim, path)
    said, array = declaration(sim, path), concrete(values)
    if said is not None and array is not None and not said.range.holds(array):
        outside = [value for value in array.reshape(len(array), -1) if not said.range.holds(value)]
        fail(who, said.range.asked(said.unit), outside[0].item() if outside[0].size == 1 else outside[0])


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


def plain_labels(labels: Any) -> tuple[Any, ...] | None:
    """Labels as plain values: they are part of the structure (strings are no arrays of a program)."""
    return None if labels is None else tuple(np.asarray(labels).tolist())
