"""Synaptic kinetics: from weighted arrivals to what drives the neuron in the step."""

from __future__ import annotations

import abc
from typing import Any, ClassVar, Self

import equinox as eqx
import jax.numpy as jnp

from jaxsnn_noise._checks import positive
from jaxsnn_noise._typing import Leaf, PerNeuron, Values, as_scalar
from jaxsnn_noise.signals import Drive, Seen


class Kinetics(eqx.Module):
    """Turns the weighted arrivals of a step into a drive held over it: a current [nA], or a conductance [uS] as well."""

    conductance: ClassVar[bool] = False
    """Whether the drive has a conductance."""

    @abc.abstractmethod
    def init(self, size: int) -> Any:
        """The state of silent synapses onto ``size`` targets."""

    @abc.abstractmethod
    def step(self, state: Any, arrivals: PerNeuron, seen: Seen, dt: float) -> tuple[Drive, Any]:
        """The drive of this step and the next state; ``seen`` are the potentials at its start."""

    def check(self, who: str) -> None:
        """Raise :class:`InputError` for a parameter outside its range."""

    def check_weights(self, who: str, weights: Values) -> None:
        """Raise :class:`InputError` for weights that make no sense with these kinetics."""

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

    def init(self, size: int) -> None:
        return None

    def step(self, state: None, arrivals: PerNeuron, seen: Seen, dt: float) -> tuple[Drive, None]:
        return Drive(arrivals / dt), None


class Exponential(Kinetics):
    """Current-based exponential synapse: ``tau_syn dI/dt = -I``, a spike adds its weight [nA].

    The mean of the decaying current over the step is held, so the charge of a spike, ``w tau_syn``, is exact at any dt:
    ``I_held = I tau_syn/dt (1 - exp(-dt/tau_syn))``.

    Args:
        tau_syn: Time constant [ms], > 0.
    """

    tau_syn: Leaf = eqx.field(converter=as_scalar)

    def init(self, size: int) -> PerNeuron:
        return jnp.zeros(size, jnp.float32)

    def step(self, state: PerNeuron, arrivals: PerNeuron, seen: Seen, dt: float) -> tuple[Drive, PerNeuron]:
        now = state + arrivals
        lost = -jnp.expm1(-dt / self.tau_syn)
        return Drive(now * (self.tau_syn / dt * lost)), now - now * lost

    def check(self, who: str) -> None:
        positive(f"{who}.tau_syn", self.tau_syn, "ms")

    @classmethod
    def example(cls) -> Self:
        return cls(5.0)
