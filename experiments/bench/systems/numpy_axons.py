"""W5 as a plain NumPy loop over time: its definition, in float64."""

from __future__ import annotations

import numpy as np

from experiments.bench import axons
from experiments.bench.axons import PAIRS, Axons

from . import Program


def load() -> None:
    """NumPy is there already."""


def w5(problem: Axons, data: dict[str, np.ndarray]) -> Program:
    """From rest."""
    size, dt = problem.neurons, problem.dt
    counts_of = np.array([axons.number(pair[0], problem) for pair in PAIRS])

    def run(seed: int) -> np.ndarray:
        rng = np.random.default_rng((seed, 5))
        v, armed, counts = np.zeros(size), np.ones(size, bool), np.zeros(size)
        x = np.repeat(data["shares"][:, None], size, axis=1)
        for _ in range(problem.steps):
            v = _flow(v, x, problem.drive, 0.5 * dt)
            up, down = _rates(v)
            x = _drifted(x, up, down, 0.5 * dt)
            noise = np.empty((len(PAIRS), size))
            for k, (low, high, *_) in enumerate(PAIRS):
                intensity = up[k] * np.maximum(x[low], 0.0) + down[k] * np.maximum(x[high], 0.0)
                noise[k] = np.sqrt(intensity * dt / counts_of[k]) * rng.standard_normal(size)
            x = _drifted(_exchanged(x, noise), up, down, 0.5 * dt)
            v = _flow(v, x, problem.drive, 0.5 * dt)
            armed |= v < axons.V_REARM
            fired = armed & (v >= axons.V_SPIKE)
            counts += fired
            armed &= ~fired
        return counts

    return Program(run)


def _flow(v: np.ndarray, x: np.ndarray, drive: float, dt: float) -> np.ndarray:
    na, k = axons.G_NA * x[axons.NA_OPEN], axons.G_K * x[axons.K_OPEN]
    rate = na + k + axons.G_LEAK
    slope = na * (axons.E_NA - v) + k * (axons.E_K - v) + axons.G_LEAK * (axons.E_LEAK - v) + drive
    return np.asarray(v - slope / rate * np.expm1(-rate * dt))


def _rates(v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of all pairs, opening and closing [pair, neuron]."""
    opening = {"m": _relative((25 - v) / 10), "h": 0.07 * np.exp(-v / 20), "n": 0.1 * _relative((10 - v) / 10)}
    closing = {"m": 4 * np.exp(-v / 18), "h": 1 / (np.exp((30 - v) / 10) + 1), "n": 0.125 * np.exp(-v / 80)}
    return (
        np.stack([many * opening[gate] for _, _, gate, many, _ in PAIRS]),
        np.stack([many * closing[gate] for _, _, gate, _, many in PAIRS]),
    )


def _relative(x: np.ndarray) -> np.ndarray:
    """``x/(exp(x) - 1)``."""
    near = np.abs(x) < 1e-6
    safe = np.where(near, 1.0, x)
    return np.where(near, 1.0 - 0.5 * x, safe / np.expm1(safe))


def _drifted(x: np.ndarray, up: np.ndarray, down: np.ndarray, dt: float) -> np.ndarray:
    first = _slopes(x, up, down)
    return x + dt * (first + 0.5 * dt * _slopes(first, up, down))


def _slopes(x: np.ndarray, up: np.ndarray, down: np.ndarray) -> np.ndarray:
    low, high = [pair[0] for pair in PAIRS], [pair[1] for pair in PAIRS]
    return _exchanged(np.zeros_like(x), up * x[low] - down * x[high])


def _exchanged(x: np.ndarray, fluxes: np.ndarray) -> np.ndarray:
    x = x.copy()
    for flux, (low, high, *_) in zip(fluxes, PAIRS, strict=True):
        x[low] -= flux
        x[high] += flux
    return x


PROGRAMS = {"w5": w5}
