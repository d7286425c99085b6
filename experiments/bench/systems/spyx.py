"""Spyx's ``LIF``, which tests the membrane before it is updated and resets by subtraction.

For W1 the reset is made one to zero by adding back what the subtraction left; W2 runs the neuron as it is.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from experiments.bench.workloads import THRESHOLD, MonteCarlo, Training

from . import Program, _scan


def load() -> Any:
    """Its layers."""
    return importlib.import_module("spyx.nn")


def w1(problem: MonteCarlo, data: dict[str, np.ndarray]) -> Program:
    """Spike counts [trial, neuron]."""
    jnp, rngs = importlib.import_module("jax.numpy"), importlib.import_module("flax.nnx").Rngs(0)
    shape = (problem.trials, problem.neurons)
    cells = load().LIF((problem.neurons,), beta=problem.decay, threshold=THRESHOLD, rngs=rngs)

    def step(state: Any, increment: Any) -> tuple[Any, Any]:
        v, spikes = state
        _, after = cells(increment, v)
        after = after + spikes * (THRESHOLD - problem.decay * v)  # to zero, not by one
        fired = cells.spike(after - THRESHOLD)
        return (after, fired), fired

    return _scan.trials(problem, data, step, lambda: (jnp.zeros(shape), jnp.zeros(shape)), batch=(problem.trials,))


def w2(problem: Training, data: dict[str, np.ndarray]) -> Program:
    """Training with its SuperSpike surrogate and its ``run`` over time."""
    jax, nnx, nn = importlib.import_module("jax"), importlib.import_module("flax.nnx"), load()
    surrogate = importlib.import_module("spyx.axn").superspike(problem.sharpness)

    def linear(rngs: Any, inputs: int, outputs: int) -> Any:
        return nnx.Linear(inputs, outputs, use_bias=False, rngs=rngs)

    def lif(rngs: Any, size: int) -> Any:
        return nn.LIF((size,), beta=problem.decay, threshold=THRESHOLD, activation=surrogate, rngs=rngs)

    rngs = nnx.Rngs(0)
    model = nn.Sequential(
        linear(rngs, problem.inputs, problem.hidden),
        lif(rngs, problem.hidden),
        linear(rngs, problem.hidden, problem.outputs),
        lif(rngs, problem.outputs),
    )
    graph, start = nnx.split(model)
    values = nnx.to_pure_dict(start)

    def forward(weights: Any, images: Any) -> Any:
        layers = dict(values["layers"])
        layers[0], layers[2] = ({"kernel": matrix.T} for matrix in weights)
        network = nnx.merge(graph, nnx.State({**values, "layers": layers}))
        train = jax.numpy.broadcast_to(images, (problem.steps, *images.shape))
        return nn.run(network, train)[0].sum(axis=0)

    return _scan.training(problem, data, forward)


PROGRAMS = {"w1": w1, "w2": w2}
