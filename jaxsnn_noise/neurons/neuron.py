"""What a neuron model is: a few pure methods on one population of one trial of one device."""

from __future__ import annotations

import abc
from typing import Any, ClassVar, Self

import equinox as eqx
import jax.numpy as jnp

from jaxsnn_noise._checks import fail
from jaxsnn_noise._typing import PerNeuron, Values
from jaxsnn_noise.neurons.constructor import FromFields
from jaxsnn_noise.parameters import Part
from jaxsnn_noise.random import Tick
from jaxsnn_noise.roots import square_root
from jaxsnn_noise.signals import Drive


class Neuron(Part):
    """A model of a population of ``size`` neurons; the state is any module with the membrane potential ``v`` [mV].

    The author writes the flow, the comparison and the reset and never sees noise: the engine perturbs the seams between
    these methods. The constructor is made of the fields: ``Model(size, *, name=value, ...)``, each :func:`parameter` one number
    or one per neuron, any other field as it is.
    """

    spiking: ClassVar[bool] = True
    """Whether the model fires at all; a readout does not."""

    units: ClassVar[str] = "mV"
    """Unit of what is compared with the threshold."""

    partial_steps: ClassVar[bool] = False
    """Whether ``integrate`` and ``diffuse`` take a ``dt`` per neuron, and ``after_spikes_inside`` is written. A firing rule
    that tells spike times within the step needs that."""

    kicks_potential: ClassVar[bool] = True
    """Whether :meth:`kicked` moves what is compared by the kick itself; noise on the membrane decides no spike otherwise."""

    per_neuron: ClassVar[bool] = True

    size: int = eqx.field(static=True)
    __init__ = FromFields()

    @abc.abstractmethod
    def rest(self) -> Any:
        """The state of a silent population."""

    @abc.abstractmethod
    def integrate(self, state: Any, drive: Drive, key: Tick, dt: Values | float) -> Any:
        """The flow over one step of ``dt`` [ms] under a drive held over the step."""

    @abc.abstractmethod
    def threshold(self, state: Any) -> PerNeuron:
        """What the potential is compared with [mV]; always finite."""

    @abc.abstractmethod
    def after_spikes(self, state: Any, spikes: PerNeuron, dt: float) -> Any:
        """The state after spikes (0 or 1) at the end of a step of ``dt`` [ms]."""

    def after_spikes_inside(self, state: Any, spikes: PerNeuron, inside: PerNeuron, dt: float) -> tuple[Any, PerNeuron]:
        """The state right after spikes at the times ``inside`` in (0, dt] of the step, and how much of it is left to flow [ms].

        The potential at the spike is the threshold. What a refractory membrane is held for counts from ``inside`` on; the
        engine lets the rest flow. Written by models with ``partial_steps``.
        """
        raise NotImplementedError(f"{type(self).__name__} has no partial steps")

    def drift(self, state: Any, drive: Drive) -> Any | None:
        """The time derivative of the state [per ms], as a state, 0 where it is held; ``None`` for a model with an exact flow.

        What a population with a stepper is moved by, in place of ``integrate``.
        """
        del state, drive
        return None

    def check_stepper(self, who: str) -> None:
        """Raise :class:`InputError` for a model that no stepper can move: one without a drift."""
        if type(self).drift is Neuron.drift:
            fail(who, "needs a neuron with a drift; this one is integrated by itself", type(self).__name__)

    def check_step(self, who: str, dt: float) -> None:
        """Raise :class:`InputError` if ``integrate`` cannot take steps of ``dt`` [ms]; an exact flow takes any."""

    def stiffest(self) -> Any:
        """The state, of those that it visits, at which it relaxes fastest: where the step of a stepper is looked at."""
        return self.rest()

    def elapsed(self, state: Any, dt: float) -> Any:
        """The state after ``dt`` [ms] of what does not flow, such as a count of held steps; beside a stepper alone."""
        del dt
        return state

    def potential(self, state: Any) -> PerNeuron:
        """What is compared with the threshold [mV]."""
        return state.v

    def ready(self, state: Any) -> PerNeuron:
        """1 where the membrane is free in (a part of) the coming step, 0 where it is held (refractory)."""
        return jnp.ones_like(state.v)

    def free(self, state: Any, dt: float) -> Values:
        """How much of the coming step the membrane is free [ms]: ``dt`` or 0, or less than ``dt`` after a spike inside a step."""
        return dt * self.ready(state)

    def kicked(self, state: Any, kick: Values) -> Any:
        """The state after a kick [mV] of the membrane."""
        return eqx.tree_at(lambda s: s.v, state, state.v + kick)

    def diffuse(self, drive: Drive, dt: Values | float) -> Values:
        """Standard deviation that unit white noise on the membrane gathers in one step [sqrt(ms)].

        The default is that of Euler and Maruyama, ``sqrt(dt)``; a linear membrane returns its exact value.
        """
        del drive
        return square_root(jnp.float32(dt))

    def gain(self, drive: Drive, dt: Values | float) -> Values | None:
        """How far a current of 1 nA held over the step moves the membrane [MOhm]; ``None`` where that is not linear."""
        del drive, dt
        return None

    def time_constant(self, drive: Drive) -> Values | None:
        """With which the potential relaxes under a drive [ms]; ``None`` where it does not do so exponentially."""
        del drive
        return None

    @classmethod
    @abc.abstractmethod
    def example(cls) -> Self:
        """An instance for the contract suite."""
