"""What a neuron model is: a few pure methods on one population of one trial of one device."""

from __future__ import annotations

import abc
from typing import Any, ClassVar, Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float32

from jaxsnn_noise._typing import PerNeuron
from jaxsnn_noise.random import Tick


class Neuron(eqx.Module):
    """A model of a population of ``size`` neurons; the state is any module with the membrane potential ``v`` [mV].

    The author writes the flow, the comparison and the reset and never sees noise: the engine perturbs the seams between
    these methods.
    """

    spiking: ClassVar[bool] = True
    """Whether the model fires at all; a readout does not."""

    size: eqx.AbstractVar[int]

    @abc.abstractmethod
    def check(self, who: str) -> None:
        """Raise :class:`InputError` for a parameter outside its range."""

    @abc.abstractmethod
    def rest(self) -> Any:
        """The state of a silent population."""

    @abc.abstractmethod
    def integrate(self, state: Any, current: PerNeuron, key: Tick, dt: float) -> Any:
        """The flow over one step of ``dt`` [ms] under a current [nA] held over the step."""

    @abc.abstractmethod
    def threshold(self, state: Any) -> PerNeuron:
        """What the potential is compared with [mV]; always finite."""

    @abc.abstractmethod
    def reset(self, state: Any, spikes: PerNeuron) -> Any:
        """The state after spikes (0 or 1)."""

    def potential(self, state: Any) -> PerNeuron:
        """What is compared with the threshold [mV]."""
        return state.v

    def ready(self, state: Any) -> PerNeuron:
        """1 where the membrane is free in the coming step, 0 where it is held (refractory)."""
        return jnp.ones_like(state.v)

    def diffuse(self, dt: float) -> Float32[Array, "..."]:
        """Standard deviation that unit white noise on the membrane gathers in one step [sqrt(ms)].

        The default is that of Euler and Maruyama, ``sqrt(dt)``; a linear membrane returns its exact value.
        """
        return jnp.float32(np.sqrt(dt))

    @classmethod
    @abc.abstractmethod
    def example(cls) -> Self:
        """An instance for the contract suite."""
