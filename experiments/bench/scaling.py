"""Time and memory against size: each point a process of its own, so that its peak of memory is its own."""

from __future__ import annotations

import dataclasses
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from .compare import spread
from .rounds import start
from .systems import SYSTEMS, System
from .workloads import MonteCarlo, Problem, Training

RUNS = 3
GRIDS: dict[str, dict[str, tuple[int, ...]]] = {
    "w1": {
        "trials": (10, 100, 1000, 10_000, 100_000),
        "neurons": (10, 30, 100, 300, 1000, 3000),
        "steps": (100, 1000, 10_000, 100_000),
    },
    "w2": {"steps": (5, 25, 100, 400)},
}
BASE: dict[str, Problem] = {"w1": MonteCarlo(trials=100, steps=200), "w2": Training(updates=20, epoch=10)}
LABELS = {"w1": ("jaxsnn_noise", "plain JAX scan"), "w2": ("jaxsnn_noise", "plain JAX, product hoisted")}


def measure(
    given: dict[str, str],
    budget: float,
    say: Callable[[str], None],
    grids: dict[str, dict[str, tuple[int, ...]]] = GRIDS,
    base: dict[str, Problem] = BASE,
) -> list[dict[str, Any]]:
    """All points of all grids within ``budget`` seconds; what does not fit is unknown, and says so."""
    end, found = time.monotonic() + budget, []
    shares = sum(len(grid) for grid in grids.values())
    for workload, grid in grids.items():
        for axis in grid:
            until = time.monotonic() + (end - time.monotonic()) / shares
            shares -= 1
            found += list(_along(workload, axis, grid[axis], base[workload], given, until, say))
    return found


def _along(
    workload: str,
    axis: str,
    sizes: tuple[int, ...],
    base: Problem,
    given: dict[str, str],
    until: float,
    say: Callable[[str], None],
) -> Iterator[dict[str, Any]]:
    systems = [s for label in LABELS[workload] for s in SYSTEMS[workload] if s.label == label]
    last: dict[str, float] = {}
    for i, size in enumerate(sizes):
        change: Any = {axis: size}
        problem = dataclasses.replace(base, **change)
        for system in systems:
            growth = size / sizes[i - 1] if i else 1.0
            point = {"workload": workload, "axis": axis, "label": system.label, "problem": vars(problem)}
            if time.monotonic() + growth * last.get(system.label, 0.0) > until:
                yield {**point, "unknown": "beyond the time budget"}
                continue
            begun = time.monotonic()
            say(f"scaling {workload}: {axis} = {size}, {system.label}")
            yield {**point, **_point(workload, problem, system, given)}
            last[system.label] = time.monotonic() - begun


def _point(workload: str, problem: Problem, system: System, given: dict[str, str]) -> dict[str, Any]:
    records: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(prefix="bench_") as folder:
        ready = start(workload, problem, [system], given, Path(folder), records, lambda text: None)
        if not ready:
            return {"unknown": records[system.label]["unknown"]}
        worker, prepare = ready[system.label], records[system.label]["prepare"]
        answers = [worker.run(seed) for seed in range(1, RUNS + 1)]
        peak = worker.quit().get("peak_mb")
    failed = next((a["failed"] for a in answers if "failed" in a), None)
    if failed is not None or peak is None:
        return {"unknown": failed or "the process ended early"}
    seconds = [a["seconds"] for a in answers]
    return {
        "seconds": spread(seconds),
        "speed": spread([problem.work / s for s in seconds]),
        "peak_mb": peak,
        "compile_s": prepare["build_s"] + prepare["warm_s"],
    }


def crossover(points: list[dict[str, Any]], axis: str, label: str, share: float = 0.5) -> float | None:
    """The smallest size at which a system reaches ``share`` of its best speed along an axis: where overhead ends."""
    known = [p for p in points if p["axis"] == axis and p["label"] == label and "unknown" not in p]
    best = max((p["speed"]["median"] for p in known), default=0.0)
    return next((p["problem"][axis] for p in known if p["speed"]["median"] >= share * best), None)
