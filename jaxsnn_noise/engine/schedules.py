"""Schedules: which populations advance together in one scan over time."""

from __future__ import annotations

import abc
from typing import ClassVar

import numpy as np

from jaxsnn_noise.engine.network import Network
from jaxsnn_noise.parameters import Ranged


class Schedule(Ranged):
    """Which populations advance together in one scan over time."""

    batches: ClassVar[bool]
    """Whether what flows into a group from outside is one product over time (and not one per step)."""

    @abc.abstractmethod
    def groups(self, network: Network, tied: frozenset[str] = frozenset()) -> list[list[str]]:
        """Groups of populations in the order of their scans; between groups whole trains flow.

        ``tied`` names projections whose ends have to advance together, as if they were not linear.
        """


class ByStep(Schedule):
    """All populations in one scan: holds no trains. The default: on CPU the faster one in training, too."""

    batches: ClassVar[bool] = False

    def groups(self, network: Network, tied: frozenset[str] = frozenset()) -> list[list[str]]:
        return [network.order()]


class ByComponent(Schedule):
    """One scan per strongly connected component: whole trains flow between them, and a projection is one product over time.

    Fewer and larger products, for memory in proportion to the number of steps.
    """

    batches: ClassVar[bool] = True

    def groups(self, network: Network, tied: frozenset[str] = frozenset()) -> list[list[str]]:
        return components(network, tied)


def components(network: Network, tied: frozenset[str] = frozenset()) -> list[list[str]]:
    """The strongly connected components of the populations, sources before targets, each in the order of a step.

    A projection that is not linear, or named in ``tied``, ties its source, its target, the populations that it reads, and all between them together.
    """
    names = network.order()
    reach = np.eye(len(names), dtype=bool)
    for k, p in network.projections.items():
        if p.source in names:
            reach[names.index(p.source), names.index(p.target)] = True
        if not p.linear or k in tied:
            ends = [names.index(n) for n in {p.source, p.target, *p.reads} if n in names]
            reach[np.ix_(ends, ends)] = True
    for i in range(len(names)):
        reach |= reach[:, i : i + 1] & reach[i : i + 1]
    mutual = reach & reach.T
    groups = {tuple(np.flatnonzero(row)) for row in mutual}
    ordered = sorted(groups, key=lambda g: (reach[:, g[0]].sum(), g))
    return [[names[i] for i in group] for group in ordered]
