"""Absolute refractoriness: for how many steps a membrane is held yet.

``hold`` [neuron] is a whole number of steps, plus the fraction of a step that a spike inside a step leaves; ``None`` in a
model without refractoriness, which then carries one array less.
"""

from __future__ import annotations

import jax.numpy as jnp

from jaxsnn_noise._typing import PerNeuron, Values

Hold = PerNeuron | None
_TIE = 1e-6


def none_held(refractory: PerNeuron | None, v: PerNeuron) -> Hold:
    """Of a population that is free."""
    return None if refractory is None else jnp.zeros_like(v)


def flowed(v: PerNeuron, before: PerNeuron, hold: Hold) -> tuple[PerNeuron, Hold]:
    """The potential after a step's flow to ``v``, ``before`` it where it is held for the whole step, and one step less to hold."""
    if hold is None:
        return v, None
    return jnp.where(hold < 1, v, before), jnp.maximum(hold - 1, 0)


def ready(hold: Hold, v: PerNeuron) -> PerNeuron:
    """1 where the membrane is free in (a part of) the coming step, 0 where it is held."""
    return jnp.ones_like(v) if hold is None else (hold < 1).astype(v.dtype)


def free(hold: Hold, v: PerNeuron, dt: float) -> Values:
    """How much of the coming step the membrane is free [ms]."""
    return jnp.full_like(v, dt) if hold is None else dt * jnp.clip(1 - hold, 0.0, 1.0)


def after_spikes(hold: Hold, refractory: PerNeuron | None, spikes: PerNeuron, dt: float) -> Hold:
    """After spikes at the end of a step: the nearest whole number of steps, at least one if it is not zero.

    Half a step more is a whole one; what lies within a millionth of the half counts as it, as neither the time nor ``dt`` need be
    a float (0.35 ms at 0.1 ms).
    """
    if refractory is None or hold is None:
        return None
    steps = jnp.where(refractory > 0, jnp.maximum(jnp.floor(refractory / dt * (1 + _TIE) + 0.5), 1), 0)
    return jnp.where(spikes > 0, steps, hold)


def after_spikes_inside(
    hold: Hold, refractory: PerNeuron | None, spikes: PerNeuron, inside: PerNeuron, dt: float
) -> tuple[Hold, PerNeuron]:
    """After spikes at the times ``inside`` of a step: exactly ``refractory`` from then on, and what is left to flow [ms]."""
    rest = dt - inside
    if refractory is None or hold is None:
        return None, rest
    held = jnp.maximum(refractory - rest, 0.0) / dt
    return jnp.where(spikes > 0, held, hold), jnp.maximum(rest - refractory, 0.0)
