"""SNNAX's ``SimpleLIF``."""

from __future__ import annotations

import importlib
import warnings
from typing import Any

import numpy as np

from experiments.bench.workloads import THRESHOLD, MonteCarlo, Training

from . import Program, _scan
from .plain_jax import spike


def load() -> Any:
    """Its spiking layers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it uses old names of equinox
        return importlib.import_module("snnax.snn")


def w1(problem: MonteCarlo, data: dict[str, np.ndarray]) -> Program:
    """Spike counts [trial, neuron]."""
    cells, jnp = _cells(problem.decay, 10.0), importlib.import_module("jax.numpy")
    leak = 1 - problem.decay

    def step(state: Any, increment: Any) -> tuple[Any, Any]:
        state, spikes = cells(state, increment / leak)
        return state, spikes

    return _scan.trials(problem, data, step, lambda: [jnp.zeros(problem.neurons), jnp.zeros(problem.neurons)])


def w2(problem: Training, data: dict[str, np.ndarray]) -> Program:
    """Training with the common surrogate as its ``spike_fn``, one sample per member of a ``vmap``, as its layers."""
    jax = importlib.import_module("jax")
    jnp, cells, leak = jax.numpy, _cells(problem.decay, problem.sharpness), 1 - problem.decay

    def sample(weights: Any, image: Any) -> Any:
        first, second = weights

        def advance(carry: Any, shown: Any) -> tuple[Any, Any]:
            hidden, spikes = cells(carry[0], first @ shown / leak)
            output, fired = cells(carry[1], second @ spikes / leak)
            return (hidden, output), fired

        start = tuple([jnp.zeros(n), jnp.zeros(n)] for n in (problem.hidden, problem.outputs))
        train = jnp.broadcast_to(image, (problem.steps, *image.shape))
        return jax.lax.scan(advance, start, train)[1].sum(axis=0)

    return _scan.training(problem, data, jax.vmap(sample, in_axes=(None, 0)))


def _cells(decay: float, sharpness: float) -> Any:
    return load().SimpleLIF([decay], spike_fn=spike(sharpness), threshold=THRESHOLD, stop_reset_grad=True)


PROGRAMS = {"w1": w1, "w2": w2}
