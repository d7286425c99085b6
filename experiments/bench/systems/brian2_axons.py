"""W5 by Brian2's C++ standalone mode on one thread: the scheme written out as code of each step."""

from __future__ import annotations

import importlib
import tempfile
from typing import Any

import numpy as np

from experiments.bench import axons
from experiments.bench.axons import PAIRS, Axons

from . import Program


def load() -> Any:
    """Brian2."""
    return importlib.import_module("brian2")


def w5(problem: Axons, data: dict[str, np.ndarray]) -> Program:
    """Spike counts [neuron]; compiled once, every run with a seed of its own; the seconds are those of the time loop alone."""
    b2 = load()
    b2.set_device("cpp_standalone", build_on_run=False)
    b2.prefs.devices.cpp_standalone.openmp_threads = (
        1  # with none the time of a run is that of the processor, not of the clock
    )
    b2.prefs.core.default_float_dtype = np.float32
    b2.defaultclock.dt = problem.dt * b2.ms
    states = range(len(data["shares"]))
    cells = b2.NeuronGroup(
        problem.neurons,
        "\n".join(["v : 1", "armed : 1", "count : 1", *(f"x{i} : 1" for i in states)]),
        threshold=f"v >= {axons.V_SPIKE} and armed > 0.5",
        reset="armed = 0\ncount += 1",
    )
    cells.armed = 1
    for i in states:
        setattr(cells, f"x{i}", float(data["shares"][i]))
    cells.run_regularly(code(problem), when="groups")
    b2.seed()
    b2.run(problem.steps * problem.dt * b2.ms)
    folder = tempfile.TemporaryDirectory(prefix="bench_brian2_")
    b2.device.build(directory=folder.name, compile=True, run=False, debug=False)

    def run(seed: int) -> np.ndarray:
        assert folder.name
        del seed  # drawn by the program itself
        b2.device.run()
        return np.asarray(cells.count[:])

    return Program(run, seconds=lambda: float(b2.device._last_run_time), outside=True)


def code(problem: Axons) -> str:
    """The statements of a step; ``exprel(x)`` is ``(exp(x) - 1)/x``."""
    half = f"{0.5 * problem.dt!r}"
    lines = _flow("a", problem.drive, half)
    lines += [
        "om = 1/exprel((25 - v)/10)", "cm = 4*exp(-v/18)",
        "oh = 0.07*exp(-v/20)", "ch = 1/(exp((30 - v)/10) + 1)",
        "on = 0.1/exprel((10 - v)/10)", "cn = 0.125*exp(-v/80)",
    ]  # fmt: skip
    lines += _drift("p", half)
    for k, (low, high, gate, up, down) in enumerate(PAIRS):
        intensity = f"{up}*o{gate}*clip(x{low}, 0, inf) + {down}*c{gate}*clip(x{high}, 0, inf)"
        lines.append(f"w{k} = sqrt(({intensity})*{problem.dt / axons.number(low, problem)!r})*randn()")
    lines += _sums("w", lambda i: f"x{i} = x{i}")
    lines += _drift("q", half)
    lines += _flow("b", problem.drive, half)
    lines.append(f"armed = int(v < {axons.V_REARM}) + int(v >= {axons.V_REARM})*armed")
    return "\n".join(lines)


def _flow(name: str, drive: float, dt: str) -> list[str]:
    na, k = f"{axons.G_NA}*x{axons.NA_OPEN}", f"{axons.G_K}*x{axons.K_OPEN}"
    return [
        f"r{name} = {na} + {k} + {axons.G_LEAK}",
        f"s{name} = {na}*({axons.E_NA} - v) + {k}*({axons.E_K} - v) + {axons.G_LEAK}*({axons.E_LEAK} - v) + {drive}",
        f"v = v + {dt}*s{name}*exprel(-r{name}*{dt})",
    ]


def _drift(name: str, dt: str) -> list[str]:
    """Shares after ``dt`` of the drift, to second order: slopes of shares, and slopes of slopes."""
    lines = []
    for order, of in ((1, "x"), (2, f"{name}s1_")):
        for k, (low, high, gate, up, down) in enumerate(PAIRS):
            lines.append(f"{name}f{order}_{k} = {up}*o{gate}*{of}{low} - {down}*c{gate}*{of}{high}")
        lines += _sums(f"{name}f{order}_", lambda i, order=order: f"{name}s{order}_{i} = 0")
    lines += [f"x{i} = x{i} + {dt}*({name}s1_{i} + {dt}/2*{name}s2_{i})" for i in range(13)]
    return lines


def _sums(flux: str, start: Any) -> list[str]:
    """Each state with what its pairs bring and take."""
    lines = []
    for i in range(13):
        taken = "".join(f" - {flux}{k}" for k, pair in enumerate(PAIRS) if pair[0] == i)
        brought = "".join(f" + {flux}{k}" for k, pair in enumerate(PAIRS) if pair[1] == i)
        lines.append(start(i) + taken + brought)
    return lines


PROGRAMS = {"w5": w5}
