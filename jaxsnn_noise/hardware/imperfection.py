"""Static imperfections: pure maps from a network to the network that a device really is."""

from __future__ import annotations

import abc
from typing import Any, Self

from jaxsnn_noise._typing import Key
from jaxsnn_noise.parameters import Ranged


class Imperfection(Ranged):
    """A pure map ``(network, key) -> network``, applied inside the simulation with the key of the device."""

    @property
    @abc.abstractmethod
    def axis(self) -> str:
        """The Monte Carlo axis on which it is redrawn: a static field of every member, ``"device"`` by default."""

    @abc.abstractmethod
    def apply(self, network: Any, key: Key) -> Any:
        """The network of this device."""

    @abc.abstractmethod
    def check(self, who: str, network: Any) -> None:
        """Raise :class:`InputError` if the imperfection does not fit the network."""

    @classmethod
    @abc.abstractmethod
    def example(cls) -> Self:
        """An instance for the contract suite, for a network with a population ``cells`` of LIF neurons."""
