"""Schedules: which populations advance together in one scan over time."""

from __future__ import annotations

import abc
from typing import ClassVar

import equinox as eqx

from jaxsnn_noise.engine.network import Network


class Schedule(eqx.Module):
    """Which populations advance together in one scan over time."""

    batches: ClassVar[bool]
    """Whether what flows into a group from outside is one product over time (and not one per step)."""

    @abc.abstractmethod
    def groups(self, network: Network) -> list[list[str]]:
        """Groups of populations in the order of their scans; between groups whole trains flow."""


class ByStep(Schedule):
    """All populations in one scan: holds no trains. The default: on CPU the faster one in training, too."""

    batches: ClassVar[bool] = False

    def groups(self, network: Network) -> list[list[str]]:
        return [list(network.cells())]


class ByComponent(Schedule):
    """One scan per strongly connected component: whole trains flow between them, and a projection is one product over time.

    Fewer and larger products, for memory in proportion to the number of steps.
    """

    batches: ClassVar[bool] = True

    def groups(self, network: Network) -> list[list[str]]:
        return network.components()
