"""The gated leaky integrate-and-fire neuron: between two leaks and two resets, wherever learning puts it."""

from __future__ import annotations

from typing import Self

import equinox as eqx
import jax.numpy as jnp

from jaxsnn_noise._typing import Parameter, PerNeuron, Values
from jaxsnn_noise.neurons import refractory
from jaxsnn_noise.neurons.constructor import Follows
from jaxsnn_noise.neurons.lif import LIFState
from jaxsnn_noise.neurons.membrane import LinearMembrane
from jaxsnn_noise.neurons.resets import GatedReset, Reset
from jaxsnn_noise.neurons.resetting import Resetting
from jaxsnn_noise.parameters import fraction, nonnegative, parameter, positive, real
from jaxsnn_noise.random import Tick
from jaxsnn_noise.relaxation import grown
from jaxsnn_noise.roots import square_root
from jaxsnn_noise.signals import Drive

SLOWEST = 1e-9
"""Smallest relative leak that a time constant is told of [1]: without any it is infinite."""


class GatedLIF(Resetting, LinearMembrane):
    r"""Leaky integrate-and-fire with gates between an exponential and a constant leak, and between two resets.

    Equation: :math:`\dot v = -\alpha (v - v_{rest})/\tau_{mem} - (1 - \alpha) \lambda + R (I - g v)/\tau_{mem}`, solved exactly for a drive
    held over the step, whatever :math:`\alpha \in [0, 1]` is. A spike leads to :math:`v - \gamma (v - v_{reset}) - (1 - \gamma)
    (v_{threshold} - v_{reset})`, see :class:`GatedReset`. With both gates 1 it is :class:`LIF`; with ``leak_gate = 0`` and ``leak_rate = 0``
    an integrator. The constant leak goes on below rest, as in the published neuron: without input and with ``leak_gate < 1`` the
    potential settles at ``v_rest - (1 - leak_gate)/leak_gate leak_rate tau_mem``, below rest.

    The published neuron is a map, ``(1 - a (1 - b)) v - (1 - a) l + x``; where a gate is 0 or 1 both agree, with ``b = exp(-dt/tau_mem)``
    and ``l = leak_rate dt``, but that its subtractive reset comes after the leak of the next step. Its third gate, a weight of the input
    for each time step of a presentation, is a matter of the input and not of a neuron whose time has no end: held over time it is a
    factor of ``resistance``.

    Args:
        size: Number of neurons.
        tau_mem: Membrane time constant [ms], > 0.
        v_threshold: Threshold [mV], above ``v_reset``.
        v_reset: Potential after a spike [mV]; ``v_rest`` unless given.
        v_rest: Where the exponential leak leads [mV].
        resistance: Input resistance [MOhm], > 0.
        refractory: Absolute refractory time [ms], >= 0; ``None``: none.
        leak_gate: Share of the exponential leak [1], 0 to 1; learned strictly between.
        leak_rate: The constant leak [mV/ms], >= 0.
        reset: Reset policy; a :class:`GatedReset` unless given.

    References: Yao, Li, Mo, Cheng 2022, arXiv:2210.13768 (GLIF); its published code: SpikingJelly, ``GatedLIFNode``. The exact flow:
    Rotter and Diesmann 1999, doi:10.1007/s004220050570.

    Example:
        >>> GatedLIF(3, leak_gate=0.25, reset=GatedReset([0.1, 0.5, 0.9])).reset.gate.shape
        (3,)
    """

    tau_mem: Parameter = parameter("ms", positive, default=20.0)
    v_threshold: Parameter = parameter("mV", real, default=1.0)
    v_reset: Parameter = parameter("mV", real, default=Follows("v_rest"))
    v_rest: Parameter = parameter("mV", real, default=0.0)
    resistance: Parameter = parameter("MOhm", positive, default=1.0)
    refractory: Parameter | None = parameter("ms", nonnegative, default=None)
    leak_gate: Parameter = parameter("1", fraction, default=0.5)
    leak_rate: Parameter = parameter("mV/ms", nonnegative, default=0.01)
    reset: Reset = eqx.field(default_factory=GatedReset)

    def rest(self) -> LIFState:
        return LIFState(self.v_rest, refractory.none_held(self.refractory, self.v_rest))

    def integrate(self, state: LIFState, drive: Drive, key: Tick, dt: Values | float) -> LIFState:
        del key
        v = self.flow(state.v, drive, dt)
        return LIFState(*refractory.flowed(v, state.v, state.hold))

    def flow(self, v: PerNeuron, drive: Drive, dt: Values | float) -> PerNeuron:
        """The potential [mV] after ``dt`` [ms] of a drive that is held: by its slope now, which fades with the leak."""
        current = drive.current if drive.conductance is None else drive.current - drive.conductance * v
        towards = (self.resistance * current - self.leak_gate * (v - self.v_rest)) / self.tau_mem
        slope = towards - (1.0 - self.leak_gate) * self.leak_rate
        return v + slope * dt * grown(-dt / self.tau_mem * self._leak(drive))

    def diffuse(self, drive: Drive, dt: Values | float) -> Values:
        """Exact: ``sqrt((1 - exp(-2 k dt/tau))/(2 k/tau))`` [sqrt(ms)] with the relative leak ``k = leak_gate + R g``."""
        return square_root(dt * grown(-2.0 * dt / self.tau_mem * self._leak(drive)))

    def time_constant(self, drive: Drive) -> Values:
        """``tau_mem/(leak_gate + R g)`` [ms]."""
        return self.tau_mem / jnp.maximum(self._leak(drive), SLOWEST)

    def gain(self, drive: Drive, dt: Values | float) -> Values:
        """How far 1 nA held over ``dt`` moves the membrane [MOhm]."""
        return self.resistance * dt / self.tau_mem * grown(-dt / self.tau_mem * self._leak(drive))

    def _leak(self, drive: Drive) -> Values:
        """The leak in units of ``1/tau_mem`` [1]."""
        return self.leak_gate if drive.conductance is None else self.leak_gate + self.resistance * drive.conductance

    @classmethod
    def example(cls) -> Self:
        return cls(5, tau_mem=20.0, leak_gate=0.7, leak_rate=0.01, refractory=2.0)
