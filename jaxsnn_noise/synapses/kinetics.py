"""Synaptic kinetics: from weighted arrivals to what drives the neuron in the step."""

from __future__ import annotations

import abc
from typing import Any, ClassVar, Self

import equinox as eqx
import jax.numpy as jnp

from jaxsnn_noise._typing import Leaf, PerNeuron
from jaxsnn_noise.parameters import Part, Range, parameter, positive, real, variable
from jaxsnn_noise.signals import Drive, Seen


class Kinetics(Part):
    """Turns the weighted arrivals of a step into a drive held over it: a current [nA], or a conductance [uS] as well."""

    conductance: ClassVar[bool] = False
    """Whether the drive has a conductance."""
    weight_units: ClassVar[str] = "nA"
    """Unit of the weights of a projection with these kinetics."""
    weight_range: ClassVar[Range] = real
    """Range of these weights."""

    @abc.abstractmethod
    def init(self, size: int) -> Any:
        """The state of silent synapses onto ``size`` targets."""

    @abc.abstractmethod
    def step(self, state: Any, arrivals: PerNeuron, seen: Seen, dt: float) -> tuple[Drive, Any]:
        """The drive of this step and the next state; ``seen`` are the potentials at its start."""

    def check_target(self, who: str, threshold: PerNeuron) -> None:
        """Raise :class:`InputError` for a parameter that does not fit neurons with these thresholds [mV]."""

    @classmethod
    def example(cls) -> Self:
        """An instance for the contract suite."""
        return cls()


class Held(Kinetics):
    """A spike gives its weight [nA] for one step: ``I = W s``. The usual choice in machine learning; depends on dt."""

    def init(self, size: int) -> None:
        return None

    def step(self, state: None, arrivals: PerNeuron, seen: Seen, dt: float) -> tuple[Drive, None]:
        return Drive(arrivals), None


class Delta(Kinetics):
    """A spike gives its weight as a charge [nA ms], whatever dt is: ``I = W s/dt``; the membrane jumps by ``R w/tau_mem``."""

    weight_units: ClassVar[str] = "nA ms"

    def init(self, size: int) -> None:
        return None

    def step(self, state: None, arrivals: PerNeuron, seen: Seen, dt: float) -> tuple[Drive, None]:
        return Drive(arrivals / dt), None


class Decaying(eqx.Module):
    """The current [target] at the end of a step."""

    current: PerNeuron = variable("nA")


class Exponential(Kinetics):
    """Current-based exponential synapse: ``tau_syn dI/dt = -I``, a spike adds its weight [nA].

    The mean of the decaying current over the step is held, so the charge of a spike, ``w tau_syn``, is exact at any dt:
    ``I_held = I tau_syn/dt (1 - exp(-dt/tau_syn))``.

    Args:
        tau_syn: Time constant [ms], > 0.
    """

    tau_syn: Leaf = parameter("ms", positive)

    def init(self, size: int) -> Decaying:
        return Decaying(jnp.zeros(size, jnp.float32))

    def step(self, state: Decaying, arrivals: PerNeuron, seen: Seen, dt: float) -> tuple[Drive, Decaying]:
        now = state.current + arrivals
        lost = -jnp.expm1(-dt / self.tau_syn)
        return Drive(now * (self.tau_syn / dt * lost)), Decaying(now - now * lost)

    @classmethod
    def example(cls) -> Self:
        return cls(5.0)
