"""snnTorch's ``Leaky``, reset to zero in the step of the spike."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from experiments.bench.workloads import THRESHOLD, MonteCarlo, Training

from . import Program, _loop


def load() -> Any:
    """The package."""
    return importlib.import_module("snntorch")


def w1(problem: MonteCarlo, data: dict[str, np.ndarray]) -> Program:
    """Spike counts [trial, neuron]."""
    return _loop.trials(problem, data, _step(problem.decay), lambda zeros: zeros)


def w2(problem: Training, data: dict[str, np.ndarray]) -> Program:
    """Training with its fast sigmoid."""
    surrogate = importlib.import_module("snntorch.surrogate").fast_sigmoid(slope=problem.sharpness)
    return _loop.training(problem, data, _step(problem.decay, spike_grad=surrogate), lambda zeros: zeros)


def _step(decay: float, **options: Any) -> _loop.Step:
    options = {"threshold": THRESHOLD, "reset_mechanism": "zero", "reset_delay": False} | options
    cells = load().Leaky(beta=decay, **options)

    def step(v: Any, increment: Any) -> tuple[Any, Any]:
        spikes, v = cells(increment, v)
        return v, spikes

    return step


PROGRAMS = {"w1": w1, "w2": w2}
