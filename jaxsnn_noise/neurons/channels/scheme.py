"""What a scheme of ion channels is: how the open fractions of a Hodgkin-Huxley membrane move at a held potential."""

from __future__ import annotations

import abc
from typing import Any, ClassVar, Self

import equinox as eqx

from jaxsnn_noise._typing import PerNeuron, Values
from jaxsnn_noise.parameters import Part
from jaxsnn_noise.random import Tick

Fractions = tuple[Values, Values]
"""The open fractions of the sodium and of the potassium channels [1], each [neuron]."""


class Counts(eqx.Module):
    """How many channels a membrane has [neuron]: sodium and potassium."""

    na: PerNeuron
    k: PerNeuron


class Channels(Part):
    """Abstract: moves the channels of each neuron over a step in which the potential is held."""

    stochastic: ClassVar[bool] = True
    """Whether channels are counted: the areal densities of the neuron play a part."""

    largest: ClassVar[float]
    """The largest step [ms]."""

    @abc.abstractmethod
    def start(self, v: Values, counts: Counts) -> Any:
        """The state at the steady state of a potential [mV], without fluctuations."""

    @abc.abstractmethod
    def step(self, state: Any, v: Values, counts: Counts, key: Tick, dt: Values | float) -> Any:
        """The state after ``dt`` [ms] at the potential ``v`` [mV]."""

    @abc.abstractmethod
    def fractions(self, state: Any, counts: Counts) -> Fractions:
        """The open fractions of sodium and potassium [1]."""

    def drift(self, state: Any, v: Values) -> Any | None:
        """The time derivative of the state [1/ms], for steppers; ``None`` for what is no ordinary equation."""
        del state, v
        return None

    @classmethod
    def example(cls) -> Self:
        """An instance for the tests."""
        return cls()
