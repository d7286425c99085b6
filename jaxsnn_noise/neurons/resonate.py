"""The resonate-and-fire neuron, exact for a current held over the step."""

from __future__ import annotations

from typing import Self

import equinox as eqx
import jax.numpy as jnp

from jaxsnn_noise._typing import Parameter, PerNeuron, Values
from jaxsnn_noise.neurons.constructor import Follows
from jaxsnn_noise.neurons.crossing import Crossing, check_levels
from jaxsnn_noise.parameters import below, parameter, positive, real, variable
from jaxsnn_noise.random import Tick
from jaxsnn_noise.signals import Drive


class ResonateState(eqx.Module):
    """Potential [mV] and current-like variable [mV], and 1 where the next crossing is a spike [1]."""

    v: PerNeuron = variable("mV")
    x: PerNeuron = variable("mV")
    armed: PerNeuron = variable("1")


class ResonateAndFire(Crossing):
    r"""Resonate-and-fire: a damped oscillation that fires where it crosses a level.

    Equation: ``dz/dt = (b + i omega) z + I`` with ``z = x + i v``: ``dx/dt = b x - omega v + I - g v``, ``dv/dt = omega x + b v``, solved exactly as a
    damped rotation. A drive of 1 nA is 1 mV/ms, the paper's ``I = 1``. A spike is an upward crossing of ``v_spike``, after which
    ``z = x_reset + i v_reset``: by default on the level itself, from which it turns down. It answers to pulses in phase with
    its period ``2 pi/omega``, and to a step of current with a few spikes or one, as it is no integrator.

    f-I: none below ``I = omega v_spike`` or so; a current moves the point about which it turns to
    ``v = I omega/(b^2 + omega^2)``. Noise on the membrane kicks ``v`` alone, at the end of the step; with the reset on the level it may fire
    again at once: let ``v_reset`` or ``v_rearm`` lie lower there.

    Args:
        size: Number of neurons.
        b: Damping [1/ms], < 0.
        omega: Angular frequency [1/ms], > 0.
        v_spike: What an upward crossing of is a spike [mV].
        v_reset: Potential after a spike [mV], at most ``v_spike``, which it is unless given.
        x_reset: Current-like variable after a spike [mV].
        v_rearm: Below which the next spike may come [mV], at most ``v_spike``, which it is unless given.

    The defaults are those of Izhikevich.

    Reference: Izhikevich 2001, doi:10.1016/S0893-6080(01)00078-8.

    Example:
        >>> float(ResonateAndFire(1, omega=0.5).omega[0])
        0.5
    """

    b: Parameter = parameter("1/ms", below(0.0), default=-0.1)
    omega: Parameter = parameter("1/ms", positive, default=1.0)
    v_spike: Parameter = parameter("mV", real, default=1.0)
    v_reset: Parameter = parameter("mV", real, default=Follows("v_spike"))
    x_reset: Parameter = parameter("mV", real, default=0.0)
    v_rearm: Parameter = parameter("mV", real, default=Follows("v_spike"))

    def check_together(self, who: str) -> None:
        check_levels(who, self.v_rearm, self.v_spike, equal=True)
        check_levels(who, self.v_reset, self.v_spike, equal=True, name="v_reset")

    def rest(self) -> ResonateState:
        nothing = jnp.zeros_like(self.b)
        return ResonateState(nothing, nothing, jnp.ones_like(self.b))

    def integrate(self, state: ResonateState, drive: Drive, key: Tick, dt: Values | float) -> ResonateState:
        del key
        stiff = self.omega if drive.conductance is None else self.omega + drive.conductance
        middle = drive.current * self.omega / (self.b * self.b + self.omega * stiff)
        along = -self.b * middle / self.omega
        turn, stretch = jnp.sqrt(self.omega * stiff), jnp.sqrt(stiff / self.omega)
        v, x = state.v - middle, (state.x - along) / stretch
        kept, c, s = jnp.exp(self.b * dt), jnp.cos(turn * dt), jnp.sin(turn * dt)
        v, x = kept * (c * v + s * x), kept * (c * x - s * v)
        v = v + middle
        return ResonateState(v, x * stretch + along, self.rearmed(state.armed, v))

    def after_spikes(self, state: ResonateState, spikes: PerNeuron, dt: float) -> ResonateState:
        del dt
        fired = spikes > 0
        armed = jnp.where(fired, 0.0, state.armed)
        return ResonateState(jnp.where(fired, self.v_reset, state.v), jnp.where(fired, self.x_reset, state.x), armed)

    @classmethod
    def example(cls) -> Self:
        return cls(5, b=-0.02, omega=0.2)
