"""Ready-made networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise import random
from jaxsnn_noise._checks import concrete, count, fail, positive
from jaxsnn_noise._typing import Values
from jaxsnn_noise.coding import SpikeTrain
from jaxsnn_noise.engine.network import Network, Population, Port
from jaxsnn_noise.engine.running import simulate
from jaxsnn_noise.engine.simulation import Simulation
from jaxsnn_noise.firing import Firing
from jaxsnn_noise.neurons import LIF, LeakyIntegrator, Neuron
from jaxsnn_noise.noise import Source
from jaxsnn_noise.statistics import Trace
from jaxsnn_noise.synapses import Dense, Kinetics

__all__ = [
    "feedforward",
]

HORIZON = 200
"""Steps over which the response to a spike is summed."""


def feedforward(
    sizes: Sequence[int],
    *,
    key: Any,
    neuron: Callable[[int], Neuron] = LIF,
    readout: Callable[[int], Neuron] = LeakyIntegrator,
    gain: float = 5.0,
    rate_hz: float = 10.0,
    input_rate_hz: float | None = None,
    dt: float = 1.0,
    kinetics: Kinetics | None = None,
    firing: Firing | None = None,
    noise: Mapping[str, Source] | None = None,
    prefilter: Any = None,
    delay: float | None = 0.0,
) -> Network:
    r"""A port, hidden layers of neurons and a readout, fully connected.

    Populations are called ``input``, ``hidden`` (``hidden_1``, ``hidden_2``, ... if there are several) and ``output``,
    projections ``input_to_hidden``, ``hidden_to_output``.

    Weights are Gaussian around 0. From the port, and onto a readout that never fires, their standard deviation is
    ``gain/sqrt(fan-in)``. Between layers that fire it is that at which spikes of the expected rate move the free membrane as
    far as the threshold lies above rest, with a standard deviation of ``theta - v_rest`` (Rossbroich et al. 2022, with mean
    weight 0 and xi = 1)::

        sigma_w = (theta - v_rest) / sqrt(fan-in (p sum_k eps_k^2 + (p sum_k eps_k)^2)),     p = rate_hz dt / 1000

    ``eps_k`` is the potential k steps after one spike at weight 1, found by running one. So layers of any depth, time
    constant and kinetics fire from the start. What enters the port is not known here: with analog values of an rms of 0.2 to 1
    the first hidden layer of LIF neurons fires at ``gain=5`` (presentations of 25 ms and more); spikes into the port want
    ``input_rate_hz``. ``training.fit`` warns where a layer is silent.

    Args:
        sizes: Channels of the port, neurons per hidden layer, size of the readout: ``[784, 128, 10]``.
        key: Root key or seed of the weights.
        neuron: From a size to the model of a hidden layer, e.g. ``lambda n: LIF(n, tau_mem=10.0)``.
        readout: From a size to the model of the readout.
        gain: Of the weights from the port and onto a readout that never fires [nA]. The exact LIF passes only a fraction
            ``1 - exp(-dt/tau)`` of a held current, hence a gain above one.
        rate_hz: Expected rate of the hidden layers [Hz], > 0. A lower one makes larger weights between them.
        input_rate_hz: Expected rate of the spikes that enter the port [Hz]; the weights from it are then made like those
            between layers. ``None``: it takes analog values.
        dt: Time step in which the network will run [ms].
        kinetics: Of all projections; ``Held()`` unless given.
        firing: Firing rule of the hidden layers.
        noise: Sources of the hidden layers.
        prefilter: Map of the summed current of the hidden layers.
        delay: Of all projections [ms]. 0: a spike passes all layers in its own step; ``None``: each layer costs one.

    Raises:
        InputError: sizes, a gain, a rate or a time step out of range; several hidden layers of neurons that do not rest
            below their threshold, or that a spike does not move.

    Reference: Rossbroich, Gygax, Zenke 2022, Fluctuation-driven initialization for spiking neural network training,
    doi:10.1088/2634-4386/ac97bb.
    """
    if not isinstance(sizes, (tuple, list)) or len(sizes) < 2:
        fail("feedforward.sizes", "needs at least an input and an output size", sizes)
    for size in sizes:
        count("feedforward.sizes", size)
    positive("feedforward.gain", gain, "nA")
    positive("feedforward.rate_hz", rate_hz, "Hz")
    positive("feedforward.dt", dt, "ms")
    if input_rate_hz is not None:
        positive("feedforward.input_rate_hz", input_rate_hz, "Hz")
    *hidden, output = layer_names(len(sizes) - 1)
    names = ["input", *hidden, output]
    populations: dict[str, Population | Port] = {
        "input": Port(sizes[0]),
        output: Population(readout(sizes[-1])),
    }
    for name, size in zip(hidden, sizes[1:-1], strict=True):
        populations[name] = Population(neuron(size), noise=noise, firing=firing, prefilter=prefilter)
    root = random.root(key)
    projections = {}
    for source, target, fan_in, fan_out in zip(names, names[1:], sizes, sizes[1:], strict=False):
        name = f"{source}_to_{target}"
        rate = input_rate_hz if source == "input" else _rate_of(populations[source], rate_hz)
        weights = random.normals(random.stream(root, name), (fan_out, fan_in))
        onto = populations[target]
        if rate is not None and isinstance(onto, Population) and onto.neuron.spiking:
            weights = weights * (_spread(onto, kinetics, rate, dt) / fan_in**0.5)[:, None]
        else:
            weights = weights * (gain / fan_in**0.5)
        projections[name] = Dense(source, target, weights, kinetics=kinetics, delay=delay)
    return Network(populations, projections)


def layer_names(layers: int) -> tuple[str, ...]:
    """The names of the layers that follow the port: ``hidden`` (or ``hidden_1``, ... if there are several) and ``output``."""
    hidden = ["hidden"] if layers == 2 else [f"hidden_{i}" for i in range(1, layers)]
    return (*hidden, "output")


def _rate_of(source: Population | Port, rate_hz: float) -> float | None:
    """The expected rate of what leaves a hidden layer; ``None`` where that is no spikes."""
    return rate_hz if isinstance(source, Population) and source.neuron.spiking else None


def _spread(target: Population, kinetics: Kinetics | None, rate_hz: float, dt: float) -> Values:
    """Standard deviation of a weight, times the root of the fan-in, for each neuron of the target."""
    neuron = target.neuron
    rest = neuron.rest()
    distance = neuron.threshold(rest) - neuron.potential(rest)
    if (known := concrete(distance)) is not None and not np.all(known > 0):
        rule = "must rest below its threshold: the weights between layers that fire are made from that distance"
        fail("feedforward.neuron", rule, known)
    asked = None if known is None else _identity((neuron, target.prefilter, kinetics, rate_hz, dt))
    if asked is not None and asked in _SPREADS:
        return _SPREADS[asked]
    alone = Population(neuron, prefilter=target.prefilter)
    tried = 1e-3 * jnp.mean(distance)
    peak = jnp.max(jnp.abs(_response(alone, kinetics, tried, dt)))
    weight = 0.3 * jnp.mean(distance) * tried / jnp.maximum(peak, 1e-12)  # far above rounding, below the threshold
    response = _response(alone, kinetics, weight, dt) / weight
    p = jnp.float32(rate_hz * dt / 1000.0)
    square = p * jnp.sum(jnp.square(response), axis=0) + jnp.square(p * jnp.sum(response, axis=0))
    if (moved := concrete(square)) is not None and not np.all(moved > 0):
        fail("feedforward.neuron", "must be moved by a spike: no weight makes layers of it fire", type(neuron).__name__)
    found = distance / jnp.sqrt(square)
    if asked is not None:
        if len(_SPREADS) >= MOST_SPREADS:
            _SPREADS.clear()
        _SPREADS[asked] = found
    return found


_SPREADS: dict[Any, Values] = {}
"""Spreads that were found outside of compiled functions, by all that they depend on: the layers and seeds of a study ask for few."""
MOST_SPREADS = 64


def _identity(parts: Any) -> Any:
    """What two sets of parts have in common whose spreads are the same, to the bit; ``None`` where that cannot be said."""
    leaves, structure = jax.tree.flatten(parts)
    values = [concrete(leaf) if eqx.is_array(leaf) else leaf for leaf in leaves]
    if any(value is None for value in values):
        return None
    named = tuple((v.shape, str(v.dtype), v.tobytes()) if isinstance(v, np.ndarray) else v for v in values)
    try:
        hash((structure, named))
    except TypeError:
        return None
    return structure, named


def _response(population: Population, kinetics: Kinetics | None, weight: Values, dt: float) -> Values:
    """The potential above rest [time, neuron] after one spike through synapses of the weight."""
    size, steps = population.neuron.size, HORIZON
    weights = jnp.broadcast_to(weight, (size, 1))
    network = Network(
        {"port": Port(1), "cells": population},
        {"p": Dense("port", "cells", weights, kinetics=kinetics, delay=0.0)},
    )
    spike = np.zeros((steps, 1), np.float32)
    spike[0] = 1.0
    sim = Simulation(network, {"port": SpikeTrain(spike)}, duration=steps * dt, dt=dt)
    rest = population.neuron.potential(population.neuron.rest())
    return simulate(sim, key=0, statistics={"v": Trace(("v",), population="cells")})["v"].v - rest[None]


def __dir__() -> list[str]:
    return __all__
