"""Whole trains: what flows into a group of populations from outside, as one product over time or formed once."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from jaxsnn_noise._typing import Values
from jaxsnn_noise.engine.addresses import Keys, Step
from jaxsnn_noise.engine.carry import Carry
from jaxsnn_noise.engine.entering import entering, summed
from jaxsnn_noise.engine.loop import Flow, Pin, Stretch, run_steps
from jaxsnn_noise.engine.network import Network
from jaxsnn_noise.engine.plan import Plan, formed_once, largest
from jaxsnn_noise.engine.simulation import Simulation
from jaxsnn_noise.engine.step import release


def constant_arrivals(sim: Simulation, network: Network, keys: Keys) -> dict[str, Values]:
    """From the projections with the same arrivals in every step to these [target]."""
    found = {}
    for k, projection in network.projections.items():
        if formed_once(sim, k) and not any(failure.projection == k for failure in network.failures):
            signal = _constant_value(sim, network, keys, projection.source)
            found[k] = projection.arrivals(projection.prepared(largest(sim, projection.source)), signal)
    return found


def port_train(plan: Plan, carry: Carry, port: str, steps: Stretch, pin: Pin) -> tuple[Values, dict[str, Any]]:
    """The signal of a port over a stretch [time, neuron], and the next memories of its inputs."""
    given, size = entering(plan.sim.inputs)[port], plan.size(port)

    def body(memory: Any, at: Step, flow: Flow) -> tuple[Any, Any]:
        value, memory = summed(given, memory, plan.stream_keys, at, size, plan.dt)
        return memory, {"value": value}

    memory, outputs = run_steps(body, {k: carry.inputs[k] for k in given}, {}, steps, pin=pin)
    return outputs["value"], memory


def arriving_train(
    plan: Plan, carry: Carry, k: str, train: Values, steps: Stretch, pin: Pin
) -> tuple[Values, dict[str, Any]]:
    """The weighted arrivals of a linear projection [time, target] from its source's train, and the next release memories.

    Release noise is drawn at the same addresses as step by step.
    """
    projection, delay = plan.projections[k], plan.delays[k]
    if delay:
        before = carry.lines[projection.source].history(delay, steps.at(0))
        train = jnp.concatenate([before, train])[: len(train)]
    memory = carry.projections[k].memory
    if projection.noise:

        def body(memory: Any, at: Step, flow: Flow) -> tuple[Any, Any]:
            released, memory = release(k, projection.noise, memory, flow["train"], plan.stream_keys, at, plan.dt)
            return memory, {"value": released}

        memory, outputs = run_steps(body, memory, {"train": train}, steps, pin=pin)
        train = outputs["value"]
    return projection.arrivals(plan.prepared[k], train), memory


def _constant_value(sim: Simulation, network: Network, keys: Keys, port: str) -> Values:
    """What constant inputs give in every step; they draw nothing."""
    given = entering(sim.inputs)[port]
    unread = {f"inputs.{k}": keys.root for k in given}
    return summed(given, dict.fromkeys(given), unread, Step(jnp.uint32(0), 0), network.populations[port].size, sim.dt)[
        0
    ]
