"""Flows in the plane in double precision: intervals between crossings, fixed points and their stability."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

import jaxsnn_noise as jn

COURSES = jn.statistics.Trace(("v", "spikes", "threshold"))


def run(
    neuron: Any,
    current: Any,
    *,
    dt: float,
    duration: float,
    statistics: Any = None,
    warmup: float = 0.0,
    **options: Any,
) -> Any:
    cells = jn.Population(neuron, **options)
    signal = jn.coding.TimeSeries(current) if np.ndim(current) == 2 else jn.coding.Constant(current)
    sim = jn.Simulation(jn.Network({"cells": cells}), {"cells": signal}, duration=duration, dt=dt, warmup=warmup)
    return jn.simulate(sim, key=5, statistics=statistics or {"t": COURSES})


def interval(flow: Any, current: float, start: list[float], level: float, until: float) -> float:
    """The last interval between upward crossings of the level [ms]; NaN for fewer than two."""
    crossing = lambda t, x: x[0] - level  # noqa: E731
    crossing.direction = 1  # type: ignore[attr-defined]
    found = solve_ivp(lambda t, x: flow(x, current), (0, until), start, events=crossing, rtol=1e-8, atol=1e-8)
    times = found.t_events[0]
    return float(times[-1] - times[-2]) if len(times) > 2 else np.nan


def growth(flow: Any, point: np.ndarray, current: float) -> float:
    """The largest real part of the eigenvalues of the flow at a fixed point [1/ms]."""
    h = 1e-5
    columns = [(np.array(flow(point + h * e, current)) - flow(point - h * e, current)) / (2 * h) for e in np.eye(2)]
    return float(np.linalg.eigvals(np.stack(columns, axis=1)).real.max())


def resting(flow: Any, current: float, low: float, high: float, slave: Any) -> np.ndarray:
    v = brentq(lambda v: flow(np.array([v, slave(v)]), current)[0], low, high)
    return np.array([v, slave(v)])
