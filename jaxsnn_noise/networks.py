"""Ready-made networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jaxsnn_noise import random
from jaxsnn_noise._checks import count, fail, positive
from jaxsnn_noise.engine.network import Network, Population, Port
from jaxsnn_noise.firing import Firing
from jaxsnn_noise.neurons import LIF, LeakyIntegrator, Neuron
from jaxsnn_noise.noise import Source
from jaxsnn_noise.synapses import Dense, Kinetics

__all__ = [
    "feedforward",
]


def feedforward(
    sizes: Sequence[int],
    *,
    key: Any,
    neuron: Callable[[int], Neuron] = LIF,
    readout: Callable[[int], Neuron] = LeakyIntegrator,
    gain: float = 5.0,
    kinetics: Kinetics | None = None,
    firing: Firing | None = None,
    noise: Mapping[str, Source] | None = None,
    prefilter: Any = None,
    delay: float | None = 0.0,
) -> Network:
    """A port, hidden layers of neurons and a readout, fully connected.

    Populations are called ``input``, ``hidden`` (``hidden_1``, ``hidden_2``, ... if there are several) and ``output``,
    projections ``input_to_hidden``, ``hidden_to_output``.

    Args:
        sizes: Channels of the port, neurons per hidden layer, size of the readout: ``[784, 128, 10]``.
        key: Root key or seed of the weights.
        neuron: From a size to the model of a hidden layer, e.g. ``lambda n: LIF(n, tau_mem=10.0)``.
        readout: From a size to the model of the readout.
        gain: Weights are Gaussian with the standard deviation ``gain/sqrt(fan-in)`` [nA]. The exact LIF passes only a
            fraction ``1 - exp(-dt/tau)`` of a held current, hence a gain above one.
        kinetics: Of all projections; ``Held()`` unless given.
        firing: Firing rule of the hidden layers.
        noise: Sources of the hidden layers.
        prefilter: Map of the summed current of the hidden layers.
        delay: Of all projections [ms]. 0: a spike passes all layers in its own step; ``None``: each layer costs one.
    """
    if len(sizes) < 2:
        fail("feedforward.sizes", "needs at least an input and an output size", list(sizes))
    for size in sizes:
        count("feedforward.sizes", size)
    positive("feedforward.gain", gain, "nA")
    hidden = ["hidden"] if len(sizes) == 3 else [f"hidden_{i}" for i in range(1, len(sizes) - 1)]
    names = ["input", *hidden, "output"]
    populations: dict[str, Population | Port] = {
        "input": Port(sizes[0]),
        "output": Population(readout(sizes[-1])),
    }
    for name, size in zip(hidden, sizes[1:-1], strict=True):
        populations[name] = Population(neuron(size), noise=noise, firing=firing, prefilter=prefilter)
    root = random.root(key)
    projections = {}
    for source, target, fan_in, fan_out in zip(names, names[1:], sizes, sizes[1:], strict=False):
        name = f"{source}_to_{target}"
        weights = random.normals(random.stream(root, name), (fan_out, fan_in)) * (gain / fan_in**0.5)
        projections[name] = Dense(source, target, weights, kinetics=kinetics, delay=delay)
    return Network(populations, projections)


def __dir__() -> list[str]:
    return __all__
