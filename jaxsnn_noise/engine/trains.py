"""Whole trains: what flows into a group of populations from outside, as one product over time or formed once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp

from jaxsnn_noise._typing import Values
from jaxsnn_noise.engine.addresses import Keys, Step
from jaxsnn_noise.engine.carry import start_noise
from jaxsnn_noise.engine.loop import Flow, Stretch, run_steps
from jaxsnn_noise.engine.network import Network
from jaxsnn_noise.engine.plan import formed_once, largest
from jaxsnn_noise.engine.seams import current_context
from jaxsnn_noise.engine.simulation import Simulation
from jaxsnn_noise.engine.step import release, whole
from jaxsnn_noise.signals import Context


def arrivals_before_the_loop(
    sim: Simulation, network: Network, keys: Keys, group: list[str], trains: Mapping[str, Values], *, batches: bool
) -> dict[str, Values]:
    """From the projections onto a group whose arrivals need no loop to these.

    [target] where a constant port gives the same in every step; with ``batches`` [time, target] of every other linear projection
    from outside of the group.
    """
    fed = {}
    for k, projection in network.projections.items():
        if projection.target not in group or projection.source in group or not projection.linear:
            continue
        if formed_once(sim, k):
            signal = constant_value(sim, network, keys, projection.source)
        elif batches:
            port = projection.source in network.ports()
            train = port_train(sim, network, keys, projection.source) if port else trains[projection.source]
            delay = network.delay_steps(k, sim.dt)
            train = jnp.concatenate([jnp.zeros((delay, train.shape[1]), train.dtype), train])[: len(train)]
            signal = released_train(sim, network, keys, k, train)
        else:
            continue
        fed[k] = projection.arrivals(projection.prepared(largest(sim, projection.source)), signal)
    return fed


def constant_value(sim: Simulation, network: Network, keys: Keys, port: str) -> Values:
    """What a constant input gives in every step; it draws nothing."""
    context = Context(jnp.zeros(network.populations[port].size, jnp.float32))
    value, _ = sim.inputs[port].step(None, 0, Step(jnp.uint32(0), 0).tick(keys.root), context, sim.dt)
    return value


def port_train(sim: Simulation, network: Network, keys: Keys, port: str) -> Values:
    """The signal of a port over the whole run [time, neuron]."""
    signal, key, size = sim.inputs[port], keys(f"inputs.{port}"), network.populations[port].size
    context = current_context(jnp.zeros(size, jnp.float32), sim.dt)

    def body(memory: Any, at: Step, flow: Flow) -> tuple[Any, Any]:
        value, memory = signal.step(memory, at.index, at.tick(key), context, sim.dt)
        return memory, {"value": whole(value, signal.largest)}

    return run_steps(body, signal.init(key, size, sim.dt), {}, Stretch.between(0, sim.total_steps))[1]["value"]


def released_train(sim: Simulation, network: Network, keys: Keys, k: str, train: Values) -> Values:
    """A train with the release noise of a projection, drawn at the same addresses as step by step."""
    noise = network.projections[k].noise
    if not noise:
        return train
    stream_keys = {f"projections.{k}.{s}": keys(f"projections.{k}.{s}") for s in noise}

    def body(memory: Any, at: Step, flow: Flow) -> tuple[Any, Any]:
        released, memory = release(k, noise, memory, flow["train"], stream_keys, at, sim.dt)
        return memory, {"value": released}

    start = start_noise(f"projections.{k}", noise, keys, train.shape[1], sim.dt)
    return run_steps(body, start, {"train": train}, Stretch.between(0, len(train)))[1]["value"]
