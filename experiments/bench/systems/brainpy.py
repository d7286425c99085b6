"""BrainPy's ``state.LIF`` on brainstate, with its loop over time."""

from __future__ import annotations

import importlib
import math
from typing import Any

import numpy as np

from experiments.bench.workloads import THRESHOLD, MonteCarlo, Training

from . import Program, _scan
from .plain_jax import spike


def load() -> Any:
    """BrainPy and brainstate."""
    return importlib.import_module("brainpy"), importlib.import_module("brainstate")


def w1(problem: MonteCarlo, data: dict[str, np.ndarray]) -> Program:
    """Spike counts [trial, neuron]."""
    brainpy, brainstate = load()
    jnp, unit = importlib.import_module("jax.numpy"), importlib.import_module("brainunit")
    weights, shape = jnp.asarray(data["weights"]).T, (problem.trials, problem.neurons)
    cells = brainpy.state.LIF(problem.neurons, **_parameters(problem.decay, unit), spk_reset="hard")
    gain = 1 - problem.decay

    def step(carry: Any, _: Any) -> tuple[Any, None]:
        spikes, counts = carry
        current = problem.drive + spikes @ weights + problem.sigma / gain * brainstate.random.randn(*shape)
        spikes = cells.update(current * unit.mA)
        return (spikes, counts + spikes), None

    @brainstate.transform.jit
    def program() -> Any:
        cells.init_state(problem.trials)
        zeros = jnp.zeros(shape)
        with brainstate.environ.context(dt=1.0 * unit.ms):
            (_, counts), _ = brainstate.transform.scan(step, (zeros, zeros), jnp.arange(problem.steps))
        return counts

    def run(seed: int) -> np.ndarray:
        brainstate.random.seed(seed)
        return np.asarray(program())

    return Program(run)


def w2(problem: Training, data: dict[str, np.ndarray]) -> Program:
    """Training with the common surrogate as its ``spk_fun``, the gradient by JAX through its loop over time."""
    brainpy, brainstate = load()
    jax, unit = importlib.import_module("jax"), importlib.import_module("brainunit")
    parameters = _parameters(problem.decay, unit) | {"spk_fun": spike(problem.sharpness), "spk_reset": "hard"}
    hidden, output = (brainpy.state.LIF(n, **parameters) for n in (problem.hidden, problem.outputs))
    leak = 1 - problem.decay

    def forward(weights: Any, images: Any) -> Any:
        first, second = weights
        for cells in (hidden, output):
            cells.init_state(problem.batch)

        def step(shown: Any) -> Any:
            spikes = hidden.update(shown @ first.T / leak * unit.mA)
            return output.update(spikes @ second.T / leak * unit.mA)

        with brainstate.environ.context(dt=1.0 * unit.ms):
            train = jax.numpy.broadcast_to(images, (problem.steps, *images.shape))
            return brainstate.transform.for_loop(step, train).sum(axis=0)

    return _scan.training(problem, data, forward)


def _parameters(decay: float, unit: Any) -> dict[str, Any]:
    return {
        "R": 1.0 * unit.ohm,
        "tau": -1.0 / math.log(decay) * unit.ms,
        "V_th": THRESHOLD * unit.mV,
        "V_reset": 0.0 * unit.mV,
        "V_rest": 0.0 * unit.mV,
    }


PROGRAMS = {"w1": w1, "w2": w2}
