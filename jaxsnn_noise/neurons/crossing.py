"""Spikes that are upward crossings of a level, without a reset."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax.numpy as jnp

from jaxsnn_noise._checks import concrete, fail
from jaxsnn_noise._typing import PerNeuron

NEVER = 1e3
"""How far above the level the threshold lies until the potential has come down: out of reach."""


def rearmed(armed: PerNeuron, v: PerNeuron, v_rearm: PerNeuron) -> PerNeuron:
    """1 where the next crossing is a spike, once the potential has been below ``v_rearm``."""
    return jnp.where(v < v_rearm, 1.0, armed)


def level(armed: PerNeuron, v_spike: PerNeuron) -> PerNeuron:
    """The threshold: ``v_spike``, and out of reach until the potential has come down."""
    return v_spike + NEVER * (1.0 - armed)


def disarmed(state: Any, spikes: PerNeuron) -> Any:
    """The state after spikes: nothing but that the next one has to wait until the potential has come down."""
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
