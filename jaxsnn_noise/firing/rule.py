"""What a firing rule is."""

from __future__ import annotations

import abc
from typing import Any, ClassVar, Self

from jaxsnn_noise.parameters import Part
from jaxsnn_noise.random import Tick
from jaxsnn_noise.signals import Crossing, Decision


class Firing(Part):
    """Decides which neurons fire at the end of a step, and what gradient passes through that decision.

    A member whose gradient may be chosen has the field ``gradient`` (see :mod:`jaxsnn_noise.firing.gradients`).
    """

    random: ClassVar[bool] = False
    """Whether the rule draws: its own noise then decides, and none of the noise sources does."""

    asks: ClassVar[bool] = False
    """Whether the rule needs ``Crossing.std`` and ``expected``, the deciding noise, to say which neurons fire."""

    inside: ClassVar[bool] = False
    """Whether its decisions tell the time of a spike within the step."""

    between: ClassVar[bool] = False
    """Whether it looks between the ends of a step and needs ``Crossing.path``: a linear membrane and white Gaussian noise."""

    def check_step(self, who: str, neuron: Any, dt: float) -> None:
        """Raise :class:`InputError` if the rule cannot decide for this neuron in steps of ``dt`` [ms]; most can in any."""

    @abc.abstractmethod
    def __call__(self, crossing: Crossing, key: Tick, dt: float) -> Decision:
        """The decision of one step; the engine clears the spikes of held neurons."""

    @classmethod
    @abc.abstractmethod
    def example(cls) -> Self:
        """An instance for the contract suite."""


def unit_of_margin(rule: Any, population: Any = None, *outer: Any) -> str:
    """That of the neuron's potential, mV without a neuron."""
    del rule, outer
    return getattr(getattr(population, "neuron", None), "units", "mV")
