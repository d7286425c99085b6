"""Integrate-and-fire: a threshold, a reset by policy, and absolute refractoriness, whatever the membrane."""

from __future__ import annotations

from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp

from jaxsnn_noise._typing import Parameter, PerNeuron, Values
from jaxsnn_noise.neurons import refractory
from jaxsnn_noise.neurons.neuron import Neuron
from jaxsnn_noise.neurons.refractory import Hold
from jaxsnn_noise.neurons.resets import Reset, check_reset


class Resetting(Neuron):
    """Abstract: a state with the potential ``v`` and the count ``hold`` of steps for which it is held yet."""

    partial_steps: ClassVar[bool] = True

    v_threshold: eqx.AbstractVar[Parameter]
    v_reset: eqx.AbstractVar[Parameter]
    refractory: eqx.AbstractVar[Parameter | None]
    reset: eqx.AbstractVar[Reset]

    def check_together(self, who: str) -> None:
        check_reset(who, self.reset, self.v_reset, self.v_threshold)

    def threshold(self, state: Any) -> PerNeuron:
        del state
        return self.v_threshold

    def ready(self, state: Any) -> PerNeuron:
        return refractory.ready(state.hold, state.v)

    def free(self, state: Any, dt: float) -> Values:
        return refractory.free(state.hold, state.v, dt)

    def after_spikes(self, state: Any, spikes: PerNeuron, dt: float) -> Any:
        v = self.reset(state.v, spikes, self.v_reset, self.v_threshold)
        return _with(state, v, refractory.after_spikes(state.hold, self.refractory, spikes, dt))

    def after_spikes_inside(self, state: Any, spikes: PerNeuron, inside: PerNeuron, dt: float) -> tuple[Any, PerNeuron]:
        crossed = jnp.where(spikes > 0, self.v_threshold, state.v)
        v = self.reset(crossed, spikes, self.v_reset, self.v_threshold)
        hold, left = refractory.after_spikes_inside(state.hold, self.refractory, spikes, inside, dt)
        return _with(state, v, hold), left


def _with(state: Any, v: PerNeuron, hold: Hold) -> Any:
    return eqx.tree_at(lambda s: (s.v, s.hold), state, (v, hold), is_leaf=lambda x: x is None)
