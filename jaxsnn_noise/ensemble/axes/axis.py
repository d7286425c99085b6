"""What an axis is."""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING, Any, ClassVar

import equinox as eqx
import jax
import numpy as np

from jaxsnn_noise._typing import Key
from jaxsnn_noise.engine.addresses import Address
from jaxsnn_noise.engine.simulation import Simulation


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


def plain_labels(labels: Any) -> tuple[Any, ...] | None:
    """Labels as plain values: they are part of the structure (strings are no arrays of a program)."""
    return None if labels is None else tuple(np.asarray(labels).tolist())
