"""The squid axon in NumPy and double precision: without noise by Runge and Kutta, with channels event by event (Gillespie)."""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxsnn_noise import theory

G = {"na": 120.0, "k": 36.0, "leak": 0.3}
E = {"na": 115.0, "k": -12.0, "leak": 10.6}


def steady(v: float) -> np.ndarray:
    """m, h and n at a potential that is held."""
    rates = theory.gate_rates(v)
    return rates[..., 0] / rates.sum(axis=-1)


def slope(y: np.ndarray, density: float, conductance: float) -> np.ndarray:
    """The time derivative of (v, m, h, n) under a current [uA/cm2] and a conductance to 0 mV [mS/cm2]."""
    v, m, h, n = y
    rates = theory.gate_rates(v)
    ionic = G["na"] * m**3 * h * (v - E["na"]) + G["k"] * n**4 * (v - E["k"]) + G["leak"] * (v - E["leak"])
    gates = rates[:, 0] * (1 - y[1:]) - rates[:, 1] * y[1:]
    return np.concatenate([[density - conductance * v - ionic], gates])


def course(densities: Any, conductances: Any, dt: float) -> np.ndarray:
    """The potentials [mV] after each step of ``dt`` [ms] from rest, by Runge and Kutta."""
    y, found = np.concatenate([[0.0], steady(0.0)]), []
    for density, g in zip(densities, conductances, strict=True):
        a = slope(y, density, g)
        b = slope(y + 0.5 * dt * a, density, g)
        c = slope(y + 0.5 * dt * b, density, g)
        d = slope(y + dt * c, density, g)
        y = y + dt / 6 * (a + 2 * b + 2 * c + d)
        found.append(y[0])
    return np.array(found)


def _moves() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Of every transition of both channels: from and to which state, by which of the six gate rates, and how many gates can."""
    rows = []
    for j in range(2):
        for i in range(3):
            at = i + 4 * j
            rows += [(at, at + 1, 0, 3 - i), (at + 1, at, 1, i + 1)]
    for i in range(4):
        rows += [(i, i + 4, 2, 1), (i + 4, i, 3, 1)]
        rows += [(8 + i, 9 + i, 4, 4 - i), (9 + i, 8 + i, 5, i + 1)]
    columns = np.array(rows).T
    return columns[0], columns[1], columns[2], columns[3]


def event_by_event(
    area: float, neurons: int, duration: float, *, seed: int, hold: float = 0.005, density: float = 0.0
) -> dict[str, np.ndarray]:
    """Spike times of many axons whose channels move one at a time; each axon has its own clock.

    Between two events the potential relaxes exactly; rates are those at its start, for ``hold`` [ms] at most (at 1 um2 events are
    a hundred times as frequent), then waiting begins anew, which an exponential law allows.

    Returns:
        ``spikes``: lists of times [ms]; ``mean`` and ``variance`` of the potential over time [neuron].
    """
    rng = np.random.default_rng(seed)
    origin, goal, kind, many = _moves()
    n_na, n_k = round(60 * area), round(18 * area)
    m, h, n = steady(0.0)
    law_na = np.outer([1 - h, h], [(1 - m) ** 3, 3 * m * (1 - m) ** 2, 3 * m**2 * (1 - m), m**3]).ravel()
    law_k = [(1 - n) ** 4, 4 * n * (1 - n) ** 3, 6 * n**2 * (1 - n) ** 2, 4 * n**3 * (1 - n), n**4]
    x = np.concatenate([rng.multinomial(n_na, law_na, neurons), rng.multinomial(n_k, law_k, neurons)], axis=1).astype(
        float
    )
    v, time, armed = np.zeros(neurons), np.zeros(neurons), np.ones(neurons, bool)
    spikes: list[list[float]] = [[] for _ in range(neurons)]
    sums, everyone = np.zeros((2, neurons)), np.arange(neurons)
    while time.min() < duration:
        rates = theory.gate_rates(np.clip(v, -199, 299)).reshape(neurons, 6)
        propensities = x[:, origin] * many * rates[:, kind]
        cumulated = np.cumsum(propensities, axis=1)
        wait = rng.exponential(size=neurons) / cumulated[:, -1]
        event, step = wait < hold, np.minimum(wait, hold)
        g_na, g_k = G["na"] * x[:, 7] / n_na, G["k"] * x[:, 12] / n_k
        total = g_na + g_k + G["leak"]
        limit = (g_na * E["na"] + g_k * E["k"] + G["leak"] * E["leak"] + density) / total
        sums += np.array([v, v * v]) * step
        v = limit + (v - limit) * np.exp(-total * step)
        time += step
        chosen = (rng.random(neurons)[:, None] * cumulated[:, -1:] > cumulated).sum(axis=1).clip(max=len(origin) - 1)
        moved = everyone[event]
        x[moved, origin[chosen[event]]] -= 1
        x[moved, goal[chosen[event]]] += 1
        fired = armed & (v >= 50.0)
        armed = (armed & ~fired) | (v < 20.0)
        for k in np.flatnonzero(fired):
            spikes[k].append(time[k])
    mean = sums[0] / time
    return {
        "spikes": np.array([np.array(s) for s in spikes], dtype=object),
        "mean": mean,
        "variance": sums[1] / time - mean**2,
    }
