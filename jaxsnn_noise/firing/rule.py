"""What a firing rule is."""

from __future__ import annotations

import abc
from typing import Self

import equinox as eqx

from jaxsnn_noise._typing import PerNeuron
from jaxsnn_noise.random import Tick


class Firing(eqx.Module):
    """Decides which neurons fire at the end of a step."""

    @abc.abstractmethod
    def __call__(self, margin: PerNeuron, margin_before: PerNeuron, key: Tick, dt: float) -> PerNeuron:
        """Spikes (0 or 1) from the margin [mV] now and at the end of the last step (after its reset)."""

    @abc.abstractmethod
    def check(self, who: str) -> None:
        """Raise :class:`InputError` for a parameter outside its range."""

    @classmethod
    @abc.abstractmethod
    def example(cls) -> Self:
        """An instance for the contract suite."""
