"""One network as a plain NumPy loop over time: the definition of ``sparse`` and ``brunel``, in float64."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from experiments.bench.networks import Brunel, Sparse, synapses

from . import Program

Draw = Callable[[np.random.Generator], np.ndarray]


def load() -> None:
    """NumPy is there already."""


def sparse(problem: Sparse, data: dict[str, np.ndarray]) -> Program:
    """From rest."""
    mean = (1 - problem.decay) * problem.drive
    noise = lambda rng: mean + problem.step_std * rng.standard_normal(problem.neurons)  # noqa: E731
    start = lambda rng: np.zeros(problem.neurons)  # noqa: E731
    return _loop(problem, data, start, noise, 0)


def brunel(problem: Brunel, data: dict[str, np.ndarray]) -> Program:
    """From potentials spread evenly between rest and threshold."""
    events = problem.outside * problem.outside_hz * problem.dt / 1e3
    noise = lambda rng: problem.weight * rng.poisson(events, problem.neurons)  # noqa: E731
    start = lambda rng: rng.uniform(0.0, problem.threshold, problem.neurons)  # noqa: E731
    return _loop(problem, data, start, noise, problem.warm)


def _loop(problem: Sparse | Brunel, data: dict[str, np.ndarray], start: Draw, noise: Draw, warm: int) -> Program:
    source, target, weight = synapses(problem, data)
    starts = np.searchsorted(source, np.arange(problem.neurons + 1))
    late, held = round(problem.delay / problem.dt), round(problem.refractory / problem.dt)

    def arriving(fired: np.ndarray) -> np.ndarray:
        of = [slice(starts[j], starts[j + 1]) for j in fired]
        if not of:
            return np.zeros(problem.neurons)
        hit, by = (np.concatenate([k[s] for s in of]) for k in (target, weight))
        return np.bincount(hit, by, problem.neurons)

    def run(seed: int) -> np.ndarray:
        rng = np.random.default_rng((seed, 1))
        v, free, counts = start(rng), np.zeros(problem.neurons, int), np.zeros(problem.neurons)
        past = [np.zeros(0, int)] * late
        for step in range(warm + problem.steps):
            moved = problem.decay * v + noise(rng) + arriving(past[step % late])
            v = np.where(free <= step, moved, v)
            past[step % late] = fired = np.flatnonzero((v >= problem.threshold) & (free <= step))
            v[fired], free[fired] = problem.reset, step + held + 1
            counts[fired] += step >= warm
        return counts

    return Program(run)


PROGRAMS = {"sparse": sparse, "brunel": brunel}
