"""The leaky integrate-and-fire neuron with exact integration and absolute refractoriness."""

from __future__ import annotations

from typing import ClassVar, Self

import equinox as eqx
import jax.numpy as jnp

from jaxsnn_noise._typing import Parameter, PerNeuron, Values
from jaxsnn_noise.neurons import refractory
from jaxsnn_noise.neurons.constructor import Follows
from jaxsnn_noise.neurons.membrane import LinearMembrane
from jaxsnn_noise.neurons.resets import Reset, ResetToValue
from jaxsnn_noise.neurons.resetting import Resetting
from jaxsnn_noise.parameters import nonnegative, parameter, positive, real, variable
from jaxsnn_noise.random import Tick
from jaxsnn_noise.signals import Drive


class LIFState(eqx.Module):
    """Membrane potential [mV], and for how many steps it is held yet [1] (``None`` in a model without refractoriness).

    ``hold`` is a whole number, plus the fraction of a step that a spike inside a step leaves.
    """

    v: PerNeuron = variable("mV")
    hold: PerNeuron | None = variable("1")


class LIF(Resetting, LinearMembrane):
    """Leaky integrate-and-fire, exact for a current held over the step.

    Equation: ``tau_mem dv/dt = -(v - v_rest) + R (I - g v)``, solved as ``v <- v_inf + (v - v_inf) exp(-dt/tau)`` with
    ``v_inf = (v_rest + R I)/(1 + R g)`` and ``tau = tau_mem/(1 + R g)``; ``g`` is the conductance of the synapses, 0 where
    they give currents. A spike at ``v >= v_threshold`` resets the membrane and holds it for ``refractory`` ms, during which
    neither current nor membrane noise acts: the nearest whole number of steps (half a step more is a whole one), at least one
    if it is not zero. After a spike
    inside a step (see :class:`Decision`) it is held for exactly ``refractory`` from that spike on.

    Args:
        size: Number of neurons.
        tau_mem: Membrane time constant [ms], > 0.
        v_threshold: Threshold [mV], above ``v_reset``.
        v_reset: Potential after a spike [mV]; ``v_rest`` unless given.
        v_rest: Potential without input [mV].
        resistance: Input resistance [MOhm], > 0; ``mV = nA MOhm``.
        refractory: Absolute refractory time [ms], >= 0. ``None``: the model has none (and no such leaf to sweep), which
            is faster than 0.
        reset: Reset policy.

    Every parameter is one number or one per neuron, stored as [neuron].

    References: Lapicque 1907; Gerstner, Kistler, Naud, Paninski 2014, *Neuronal Dynamics*, doi:10.1017/CBO9781107447615;
    exact integration: Rotter and Diesmann 1999, doi:10.1007/s004220050570.

    Example:
        >>> LIF(3, tau_mem=20.0, refractory=2.0).size
        3
    """

    tau_mem: Parameter = parameter("ms", positive, default=20.0)
    v_threshold: Parameter = parameter("mV", real, default=1.0)
    v_reset: Parameter = parameter("mV", real, default=Follows("v_rest"))
    v_rest: Parameter = parameter("mV", real, default=0.0)
    resistance: Parameter = parameter("MOhm", positive, default=1.0)
    refractory: Parameter | None = parameter("ms", nonnegative, default=None)
    reset: Reset = ResetToValue()

    def rest(self) -> LIFState:
        return LIFState(self.v_rest, refractory.none_held(self.refractory, self.v_rest))

    def integrate(self, state: LIFState, drive: Drive, key: Tick, dt: Values | float) -> LIFState:
        del key
        v = self.flow(state.v, drive, dt)
        return LIFState(*refractory.flowed(v, state.v, state.hold))

    @classmethod
    def example(cls) -> Self:
        return cls(5, tau_mem=20.0, refractory=2.0)


class IntegratorState(eqx.Module):
    """Membrane potential [mV]."""

    v: PerNeuron = variable("mV")


class LeakyIntegrator(LinearMembrane):
    """A membrane that never fires: ``tau_mem dv/dt = -(v - v_rest) + R I``, exact as in :class:`LIF`.

    The usual readout of a classifier: read its mean, maximum or last potential.

    Args:
        size: Number of neurons.
        tau_mem: Membrane time constant [ms], > 0.
        v_rest: Potential without input [mV].
        resistance: Input resistance [MOhm], > 0.

    Example:
        >>> LeakyIntegrator(10, tau_mem=20.0).size
        10
    """

    spiking: ClassVar[bool] = False

    tau_mem: Parameter = parameter("ms", positive, default=20.0)
    v_rest: Parameter = parameter("mV", real, default=0.0)
    resistance: Parameter = parameter("MOhm", positive, default=1.0)

    def rest(self) -> IntegratorState:
        return IntegratorState(self.v_rest)

    def integrate(self, state: IntegratorState, drive: Drive, key: Tick, dt: Values | float) -> IntegratorState:
        del key
        v = self.flow(state.v, drive, dt)
        return IntegratorState(v)

    def threshold(self, state: IntegratorState) -> PerNeuron:
        """Zero, and of no consequence: a model with ``spiking = False`` is never asked to fire."""
        return jnp.zeros_like(state.v)

    def after_spikes(self, state: IntegratorState, spikes: PerNeuron, dt: float) -> IntegratorState:
        del spikes, dt
        return state

    @classmethod
    def example(cls) -> Self:
        return cls(5, tau_mem=20.0)
