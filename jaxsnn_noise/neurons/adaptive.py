"""The leaky integrate-and-fire neuron whose threshold rises with every spike."""

from __future__ import annotations

from typing import Self

import equinox as eqx
import jax.numpy as jnp

from jaxsnn_noise._typing import Parameter, PerNeuron, Values
from jaxsnn_noise.neurons import refractory
from jaxsnn_noise.neurons.constructor import Follows
from jaxsnn_noise.neurons.membrane import LinearMembrane
from jaxsnn_noise.neurons.resets import Reset, ResetToValue, check_reset
from jaxsnn_noise.parameters import nonnegative, parameter, positive, real, variable
from jaxsnn_noise.random import Tick
from jaxsnn_noise.relaxation import faded
from jaxsnn_noise.signals import Drive


class AdaptiveState(eqx.Module):
    """Membrane potential [mV], how far the threshold is lifted [mV], for how many steps the membrane is held yet [1]."""

    v: PerNeuron = variable("mV")
    lift: PerNeuron = variable("mV")
    hold: PerNeuron | None = variable("1")


class AdaptiveLIF(LinearMembrane):
    """Leaky integrate-and-fire with an adaptive threshold; the membrane is that of :class:`LIF`.

    The threshold is ``v_threshold + a``, with ``tau_adapt da/dt = -a``, solved as ``a <- a exp(-dt/tau_adapt)``; a spike adds
    ``jump`` to ``a``. The lift decays in refractory time too. A spike in step t lifts the threshold from step t + 1 on: at the
    end of that step by ``jump exp(-dt/tau_adapt)``. A regular train with the interval T meets a threshold that is lifted by
    ``jump/(exp(T/tau_adapt) - 1)``. With ``jump = 0`` it is :class:`LIF`, to the bit.

    Args:
        size: Number of neurons.
        tau_mem: Membrane time constant [ms], > 0.
        v_threshold: Threshold without adaptation [mV], above ``v_reset``.
        v_reset: Potential after a spike [mV]; ``v_rest`` unless given.
        v_rest: Potential without input [mV].
        resistance: Input resistance [MOhm], > 0.
        refractory: Absolute refractory time [ms], >= 0; ``None``: none.
        tau_adapt: Time constant of the adaptation [ms], > 0.
        jump: What a spike adds to the threshold [mV], >= 0.
        reset: Reset policy; a reset by subtraction takes off the lifted threshold, as it stood at the spike.

    References: Chacron, Pakdaman, Longtin 2003, doi:10.1162/089976603762552915; Kobayashi, Tsubo, Shinomoto 2009,
    doi:10.3389/neuro.10.009.2009; trained: Bellec, Salaj, Subramoney, Legenstein, Maass 2018, arXiv:1803.09574.

    Example:
        >>> float(AdaptiveLIF(3, tau_adapt=200.0, jump=0.1).tau_adapt[0])
        200.0
    """

    tau_mem: Parameter = parameter("ms", positive, default=20.0)
    v_threshold: Parameter = parameter("mV", real, default=1.0)
    v_reset: Parameter = parameter("mV", real, default=Follows("v_rest"))
    v_rest: Parameter = parameter("mV", real, default=0.0)
    resistance: Parameter = parameter("MOhm", positive, default=1.0)
    refractory: Parameter | None = parameter("ms", nonnegative, default=None)
    tau_adapt: Parameter = parameter("ms", positive, default=100.0)
    jump: Parameter = parameter("mV", nonnegative, default=0.1)
    reset: Reset = ResetToValue()

    def check_together(self, who: str) -> None:
        check_reset(who, self.reset, self.v_reset, self.v_threshold)

    def rest(self) -> AdaptiveState:
        lift = jnp.zeros_like(self.v_rest)
        return AdaptiveState(self.v_rest, lift, refractory.none_held(self.refractory, self.v_rest))

    def integrate(self, state: AdaptiveState, drive: Drive, key: Tick, dt: Values | float) -> AdaptiveState:
        del key
        v = self.flow(state.v, drive, dt)
        v, hold = refractory.flowed(v, state.v, state.hold)
        return AdaptiveState(v, faded(state.lift, self.tau_adapt, dt), hold)

    def threshold(self, state: AdaptiveState) -> PerNeuron:
        return self.v_threshold + state.lift

    def ready(self, state: AdaptiveState) -> PerNeuron:
        return refractory.ready(state.hold, state.v)

    def free(self, state: AdaptiveState, dt: float) -> Values:
        return refractory.free(state.hold, state.v, dt)

    def after_spikes(self, state: AdaptiveState, spikes: PerNeuron, dt: float) -> AdaptiveState:
        v = self.reset(state.v, spikes, self.v_reset, self.threshold(state))
        hold = refractory.after_spikes(state.hold, self.refractory, spikes, dt)
        return AdaptiveState(v, state.lift + self.jump * spikes, hold)

    @classmethod
    def example(cls) -> Self:
        return cls(5, tau_mem=20.0, refractory=2.0)
