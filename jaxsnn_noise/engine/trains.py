"""Whole trains: what flows into a group of populations from outside, as one product over time or formed once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp

from jaxsnn_noise._typing import Values
from jaxsnn_noise.engine.addresses import Keys, Step
from jaxsnn_noise.engine.carry import start_noise
from jaxsnn_noise.engine.entering import entering, summed
from jaxsnn_noise.engine.loop import Flow, Stretch, run_steps
from jaxsnn_noise.engine.network import Network
from jaxsnn_noise.engine.plan import formed_once, largest, watched
from jaxsnn_noise.engine.simulation import Simulation
from jaxsnn_noise.engine.step import release


def arrivals_before_the_loop(
    sim: Simulation, network: Network, keys: Keys, group: list[str], trains: Mapping[str, Values], *, batches: bool
) -> dict[str, Values]:
    """From the projections onto a group whose arrivals need no loop to these.

    [target] where a constant port gives the same in every step; with ``batches`` [time, target] of every other linear projection
    from outside of the group.
    """
    fed = {}
    for k, projection in network.projections.items():
        if projection.target not in group or projection.source in group or not projection.linear or k in watched(sim):
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
    """What constant inputs give in every step; they draw nothing."""
    given = entering(sim.inputs)[port]
    unread = {f"inputs.{k}": keys.root for k in given}
    return summed(given, dict.fromkeys(given), unread, Step(jnp.uint32(0), 0), network.populations[port].size, sim.dt)[
        0
    ]


def port_train(sim: Simulation, network: Network, keys: Keys, port: str) -> Values:
    """The signal of a port over the whole run [time, neuron]."""
    given, size = entering(sim.inputs)[port], network.populations[port].size
    stream_keys = {f"inputs.{k}": keys(f"inputs.{k}") for k in given}

    def body(memory: Any, at: Step, flow: Flow) -> tuple[Any, Any]:
        value, memory = summed(given, memory, stream_keys, at, size, sim.dt)
        return memory, {"value": value}

    start = {k: signal.init(stream_keys[f"inputs.{k}"], size, sim.dt) for k, signal in given.items()}
    return run_steps(body, start, {}, Stretch.between(0, sim.total_steps))[1]["value"]


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
