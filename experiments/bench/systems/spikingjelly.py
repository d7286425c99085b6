"""SpikingJelly's ``LIFNode`` in single-step mode, PyTorch backend."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from experiments.bench.workloads import THRESHOLD, MonteCarlo, Training

from . import Program, _loop


def load() -> Any:
    """The module of neurons."""
    return importlib.import_module("spikingjelly.activation_based.neuron")


def w1(problem: MonteCarlo, data: dict[str, np.ndarray]) -> Program:
    """Spike counts [trial, neuron]."""
    return _loop.trials(problem, data, _step(problem.decay), lambda zeros: _Layer(zeros))


def w2(problem: Training, data: dict[str, np.ndarray]) -> Program:
    """Training with the common surrogate as its ``surrogate_function``."""
    step = _step(problem.decay, surrogate_function=_loop.spike(problem.sharpness))
    return _loop.training(problem, data, step, lambda zeros: _Layer(zeros))


class _Layer:
    """A layer of its own per run, made at the first step: the node keeps its state."""

    def __init__(self, zeros: Any):
        self.zeros, self.node = zeros, None


def _step(decay: float, **options: Any) -> _loop.Step:
    neurons, leak = load(), 1 - decay
    options = {"tau": 1 / leak, "decay_input": True, "v_threshold": THRESHOLD, "v_reset": 0.0} | options

    def step(layer: Any, increment: Any) -> tuple[Any, Any]:
        if layer.node is None:
            layer.node = neurons.LIFNode(detach_reset=True, **options)
        return layer, layer.node(increment / leak)

    return step


PROGRAMS = {"w1": w1, "w2": w2}
