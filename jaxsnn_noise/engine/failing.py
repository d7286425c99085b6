"""Outputs that do not follow their neurons any more. A population without failures has the program that it would have without this page."""

from __future__ import annotations

import jax.numpy as jnp

from jaxsnn_noise._typing import PerNeuron
from jaxsnn_noise.engine.addresses import Step
from jaxsnn_noise.engine.network import Population
from jaxsnn_noise.signals import Decision


def failed(population: Population, decision: Decision, at: Step, dt: float) -> Decision:
    """The decision that others see. A held output is certain, and its spike lies at the end of the step."""
    level = held(population, at, dt)
    if level is None or not population.neuron.spiking:
        return decision
    healthy, inside = jnp.isnan(level), decision.inside
    return Decision(
        jnp.where(healthy, decision.spikes, level),
        None if decision.probability is None else jnp.where(healthy, decision.probability, level),
        None if decision.log_probability is None else jnp.where(healthy, decision.log_probability, 0.0),
        None if inside is None else jnp.where(healthy, inside, jnp.float32(dt)),
    )


def held_potential(population: Population, potential: PerNeuron, at: Step, dt: float) -> PerNeuron:
    """The potential that others see: of neurons that never fire it is what leaves them."""
    level = None if population.neuron.spiking else held(population, at, dt)
    return potential if level is None else jnp.where(jnp.isnan(level), potential, level)


def held(population: Population, at: Step, dt: float) -> PerNeuron | None:
    """The levels of a step [neuron], NaN where the output follows the neuron; of several failures the last one holds."""
    level = None
    for failure in population.failures:
        now = failure.held(at.index, dt)
        level = now if level is None else jnp.where(jnp.isnan(now), level, now)
    return level
