"""Spikes that are upward crossings of a level, without a reset."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax.numpy as jnp

from jaxsnn_noise._checks import concrete, fail
from jaxsnn_noise._typing import Parameter, PerNeuron
from jaxsnn_noise.neurons.neuron import Neuron

NEVER = 1e3
"""How far above the level the threshold lies until the potential has come down: out of reach."""


class Crossing(Neuron):
    """Abstract: a spike is an upward crossing of ``v_spike``, and the next one only after the potential has been below ``v_rearm``.

    The state has ``armed``, 1 where the next crossing is a spike and 0 until the potential has come down. Nothing is reset.
    """

    v_spike: eqx.AbstractVar[Parameter]
    v_rearm: eqx.AbstractVar[Parameter]

    def rearmed(self, armed: PerNeuron, v: PerNeuron) -> PerNeuron:
        """1 where the next crossing is a spike, once the potential has been below ``v_rearm``."""
        return jnp.where(v < self.v_rearm, 1.0, armed)

    def elapsed(self, state: Any, dt: float) -> Any:
        """The neuron is armed again where the potential has come down."""
        del dt
        return eqx.tree_at(lambda s: s.armed, state, self.rearmed(state.armed, state.v))

    def threshold(self, state: Any) -> PerNeuron:
        """``v_spike``, and out of reach until the potential has come down."""
        return self.v_spike + NEVER * (1.0 - state.armed)

    def after_spikes(self, state: Any, spikes: PerNeuron, dt: float) -> Any:
        """Nothing but that the next spike has to wait until the potential has come down."""
        del dt
        return eqx.tree_at(lambda s: s.armed, state, jnp.where(spikes > 0, 0.0, state.armed))


def check_levels(
    who: str, v_rearm: PerNeuron, v_spike: PerNeuron, *, equal: bool = False, name: str = "v_rearm", unit: str = "mV"
) -> None:
    """The level below which the next spike may come lies below that of the spike (or at it, if ``equal``)."""
    low, high = concrete(v_rearm), concrete(v_spike)
    if low is None or high is None or (low <= high if equal else low < high).all():
        return
    fail(
        f"{who}.{name}",
        f"must lie below v_spike{' or at it' if equal else ''} [{unit}]: no spike could follow another",
        low,
    )
