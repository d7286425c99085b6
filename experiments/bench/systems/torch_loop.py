"""Plain PyTorch: a Python loop over time on tensors [trial, neuron]."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from experiments.bench.workloads import THRESHOLD, MonteCarlo, Training

from . import Program, _loop


def load() -> Any:
    """PyTorch."""
    return importlib.import_module("torch")


def w1(problem: MonteCarlo, data: dict[str, np.ndarray]) -> Program:
    """Spike counts [trial, neuron]."""
    torch = load()

    def step(v: Any, increment: Any) -> tuple[Any, Any]:
        v = problem.decay * v + increment
        spikes = (v >= THRESHOLD).to(torch.float32)
        return v * (1 - spikes), spikes

    return _loop.trials(problem, data, step, lambda zeros: zeros)


def w2(problem: Training, data: dict[str, np.ndarray]) -> Program:
    """Training with an autograd function as surrogate."""
    load()
    fire = _loop.spike(problem.sharpness)

    def step(v: Any, current: Any) -> tuple[Any, Any]:
        v = problem.decay * v + current
        spikes = fire(v - THRESHOLD)
        return v * (1 - spikes.detach()), spikes

    return _loop.training(problem, data, step, lambda zeros: zeros)


PROGRAMS = {"w1": w1, "w2": w2}
