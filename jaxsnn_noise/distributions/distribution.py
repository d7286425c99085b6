"""What a distribution is."""

from __future__ import annotations

import abc

from jaxsnn_noise._typing import Values
from jaxsnn_noise.parameters import Part
from jaxsnn_noise.random import Entity, Tick


class Distribution(Part):
    """A symmetric distribution with mean 0 and variance 1."""

    @abc.abstractmethod
    def sample(self, at: Tick, entity: Entity) -> Values:
        """One draw per entity."""

    @abc.abstractmethod
    def cdf(self, x: Values) -> Values:
        """P(X <= x)."""

    @abc.abstractmethod
    def pdf(self, x: Values) -> Values:
        """The density at ``x``."""

    @classmethod
    def example(cls) -> Distribution:
        """An instance for the contract suite."""
        return cls()
