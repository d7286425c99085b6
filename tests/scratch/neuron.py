"""A neuron: quadratic integrate-and-fire, by Euler."""

from __future__ import annotations

from typing import Self

import equinox as eqx
import jax.numpy as jnp

from jaxsnn_noise._typing import Parameter, PerNeuron, Values
from jaxsnn_noise.neurons.neuron import Neuron
from jaxsnn_noise.parameters import parameter, positive, real, variable
from jaxsnn_noise.random import Tick
from jaxsnn_noise.signals import Drive


class ScratchState(eqx.Module):
    """Membrane potential [mV]."""

    v: PerNeuron = variable("mV")


class ScratchNeuron(Neuron):
    """``tau_quad dv/dt = (v - v_low)(v - v_unstable)/(v_unstable - v_low) + R_in I``; a spike at ``v_cut`` leads to ``v_low``.

    Args:
        size: Number of neurons.
        tau_quad: Time constant near ``v_low`` [ms], > 0.
        v_low: Stable potential without input [mV].
        v_unstable: Potential from which it runs away [mV].
        v_cut: Where a spike is cut off [mV].
        r_in: Input resistance [MOhm], > 0.
    """

    tau_quad: Parameter = parameter("ms", positive, default=20.0)
    v_low: Parameter = parameter("mV", real, default=0.0)
    v_unstable: Parameter = parameter("mV", real, default=1.0)
    v_cut: Parameter = parameter("mV", real, default=3.0)
    r_in: Parameter = parameter("MOhm", positive, default=2.0)

    def rest(self) -> ScratchState:
        return ScratchState(self.v_low)

    def integrate(self, state: ScratchState, drive: Drive, key: Tick, dt: Values | float) -> ScratchState:
        del key
        return ScratchState(state.v + dt * self.drift(state, drive).v)

    def drift(self, state: ScratchState, drive: Drive) -> ScratchState:
        pull = (state.v - self.v_low) * (state.v - self.v_unstable) / (self.v_unstable - self.v_low)
        return ScratchState((pull + self.r_in * drive.at(state.v)) / self.tau_quad)

    def threshold(self, state: ScratchState) -> PerNeuron:
        del state
        return self.v_cut

    def after_spikes(self, state: ScratchState, spikes: PerNeuron, dt: float) -> ScratchState:
        del dt
        return ScratchState(jnp.where(spikes > 0, self.v_low, state.v))

    @classmethod
    def example(cls) -> Self:
        return cls(5)
