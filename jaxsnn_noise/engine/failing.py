"""Outputs that do not follow their neurons any more, and weights that are others for a time.

A network without failures has the program that it would have without this page.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import equinox as eqx
import jax.numpy as jnp

from jaxsnn_noise._checks import fail
from jaxsnn_noise._typing import PerNeuron
from jaxsnn_noise.engine.addresses import Step
from jaxsnn_noise.engine.network import Network, Population
from jaxsnn_noise.signals import Decision, WeightFailure
from jaxsnn_noise.synapses import Projection


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


def failing_weights(network: Network, projections: Iterable[str]) -> dict[str, WeightFailure]:
    """From those projections whose weights are others for a time to their failure.

    Raises:
        InputError: two failures of one projection, which may last at once.
    """
    found: dict[str, WeightFailure] = {}
    for failure in network.failures:
        if failure.projection in found:
            rule = "has one transient fault of its weights at a time: give the other one to a run of its own"
            fail(f"network.{failure.projection}", rule, "two")
        found[failure.projection] = failure
    return {k: found[k] for k in projections if k in found}


def with_failure(projection: Projection, failure: WeightFailure) -> Projection:
    """The projection while the failure lasts."""
    weights_of: Any = lambda p: p.weights  # noqa: E731
    weights = weights_of(projection)
    failing: Projection = eqx.tree_at(weights_of, projection, jnp.where(failure.chosen, failure.values, weights))
    return failing
