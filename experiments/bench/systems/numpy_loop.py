"""W1 as a plain NumPy loop over time, vectorised over trials and neurons: the definition that others are held to."""

from __future__ import annotations

import numpy as np

from experiments.bench.workloads import THRESHOLD, MonteCarlo

from . import Program


def load() -> None:
    """NumPy is there already."""


def w1(problem: MonteCarlo, data: dict[str, np.ndarray]) -> Program:
    """Spike counts [trial, neuron]."""
    weights = np.ascontiguousarray(data["weights"].T)
    decay, gain, sigma = (np.float32(x) for x in (problem.decay, 1 - problem.decay, problem.sigma))
    drive, shape = np.float32(problem.drive), (problem.trials, problem.neurons)

    def run(seed: int) -> np.ndarray:
        rng = np.random.default_rng(seed)
        v, spikes, counts = (np.zeros(shape, np.float32) for _ in range(3))
        for _ in range(problem.steps):
            v = decay * v + gain * (drive + spikes @ weights) + sigma * rng.standard_normal(shape, np.float32)
            spikes = (v >= THRESHOLD).astype(np.float32)
            v = v * (1 - spikes)
            counts += spikes
        return counts

    return Program(run)


PROGRAMS = {"w1": w1}
