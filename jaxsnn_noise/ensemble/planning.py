"""What a study will be, before anything of it is computed: members, chunks, bytes, and on request the time."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxsnn_noise import provenance
from jaxsnn_noise._checks import flag, path_of
from jaxsnn_noise.engine.backend import Backend
from jaxsnn_noise.engine.simulation import Simulation
from jaxsnn_noise.ensemble import checks
from jaxsnn_noise.ensemble.axes import Axis, Cases
from jaxsnn_noise.ensemble.chunked import Chunked, Results
from jaxsnn_noise.ensemble.chunks import Chunk, live_bytes
from jaxsnn_noise.ensemble.computing import Keeping, Work
from jaxsnn_noise.ensemble.costs import costs
from jaxsnn_noise.ensemble.grid import Grid
from jaxsnn_noise.ensemble.memory import available, result_bytes, shown
from jaxsnn_noise.ensemble.montecarlo import grid_of_arguments
from jaxsnn_noise.progress import duration_text
from jaxsnn_noise.statistics import Statistic


@dataclass(frozen=True)
class Plan:
    """What :func:`plan` found; ``print`` shows it.

    Attributes:
        sizes: Members along every dimension.
        members: How many there are.
        stored: How many of them a store has.
        chunk: Members of a chunk along every axis, by case.
        chunks: How many chunks are to be computed.
        results: Bytes of each result.
        free: Bytes of memory that are free, if that is known.
        live: Bytes that the chunks which run side by side need besides (an estimate).
        workers: How many run side by side.
        device: What computes them.
        seconds: How long it will take, compilation included; ``None`` unless it was timed.
    """

    sizes: dict[str, int]
    members: int
    stored: int
    chunk: dict[str, dict[str, int]]
    chunks: int
    results: dict[str, int]
    free: int | None
    live: int
    workers: int
    device: str
    seconds: float | None = None

    @property
    def result_bytes(self) -> int:
        """Bytes of all results."""
        return sum(self.results.values())

    def __str__(self) -> str:
        along = " x ".join(f"{size:,} {name}" for name, size in self.sizes.items()) or "one member"
        lines = [f"members   {self.members:,} ({along})"]
        if self.stored:
            lines.append(f"stored    {self.stored:,} of them")
        for case, sizes in self.chunk.items():
            of = " x ".join(f"{size:,} {name}" for name, size in sizes.items()) or "one member"
            lines.append(f"chunk     {case + ': ' if case else ''}{of}")
        lines.append(f"chunks    {self.chunks:,} to compute, {self.workers} at a time")
        free = "" if self.free is None else f" ({shown(self.free)} are free)"
        lines.append(f"result    {shown(self.result_bytes)} in memory, and as much in a store{free}")
        largest = sorted(self.results.items(), key=lambda item: -item[1])[:3]
        lines.append("          " + ", ".join(f"{name} {shown(size)}" for name, size in largest))
        lines.append(f"beside    about {shown(self.live)} while chunks run")
        lines.append(f"device    {self.device}")
        if self.seconds is not None:
            lines.append(f"time      about {duration_text(self.seconds)}")
        return "\n".join(lines)


def plan(
    sim: Simulation | Cases | Grid,
    axes: Iterable[Axis] | None = None,
    *,
    key: Any = None,
    chunk: Chunk = "auto",
    statistics: Mapping[str, Statistic] | None = None,
    backend: Backend | None = None,
    store: str | os.PathLike[str] | None = None,
    workers: int | None = None,
    timed: bool = False,
) -> Plan:
    """What :func:`monte_carlo` with the same arguments will do: all its checks, and nothing is computed.

    Args:
        sim: As for :func:`monte_carlo`, and so are the others; without a key the seed is 0.
        axes: Named axes.
        store: A store, to see what it has: it is left as it is, and a new one is not made.
        timed: Compute one chunk of each case, twice, to tell how long the study will take (its results are dropped).

    Raises:
        InputError: whatever ``monte_carlo`` would refuse, results larger than memory too.

    Example:
        >>> import jaxsnn_noise as jn
        >>> cells = jn.Network({"cells": jn.Population(jn.neurons.LIF(100))})
        >>> rate = {"rate": jn.statistics.Rate()}
        >>> sim = jn.Simulation(cells, {"cells": jn.coding.Constant(1.2)}, duration=1000.0, dt=1.0, statistics=rate)
        >>> planned = jn.plan(sim, [jn.Sweep("inputs.cells.values", [0.5, 1.0, 1.5], name="current"), jn.Trials(100)])
        >>> planned.members, planned.result_bytes
        (300, 123600)
    """
    flag("plan.timed", timed)
    is_grid = isinstance(sim, Grid)
    grid = grid_of_arguments("plan", sim, axes, key if is_grid or key is not None else 0, statistics, backend)
    number = checks.workers(workers, "plan")
    work = Work("plan", grid, chunk=chunk, workers=number, stored=store is not None)
    results = {case: Results(cut) for case, cut in work.cut.items()}
    folder = None if store is None else path_of("plan.store", store)
    if folder is not None and folder.is_dir() and any(folder.iterdir()):
        Keeping(folder, work, results)
    missing = {case: len(result.left()) for case, result in results.items()}
    work.cut = {case: result.chunked for case, result in results.items()}
    each: dict[str, int] = {}
    for case, cut in work.cut.items():
        sized = result_bytes(cut.fields, cut.members)
        each |= {f"{case}: {name}" if case else name: size for name, size in sized.items()}
    names = [axis.name for axis in grid.axes]
    return Plan(
        grid.sizes, work.members, sum(r.done for r in results.values()),
        {case: dict(zip(names, cut.sizes, strict=True)) for case, cut in work.cut.items()},
        sum(missing.values()), each, available(), max(_live(cut) for cut in work.cut.values()) * work.workers, work.workers,
        provenance.device(), _seconds(work, missing) if timed else None,
    )  # fmt: skip


def _live(cut: Chunked) -> int:
    """Bytes that a chunk needs while it runs."""
    if not cut.axes:
        return 0
    return int(live_bytes(costs(cut.sim, cut.axes, cut.backend), np.array([cut.sizes]))[0])


def _seconds(work: Work, missing: Mapping[str, int]) -> float:
    """How long all chunks will take, by one of each case: the first time it is compiled."""
    total = 0.0
    for case, cut in work.cut.items():
        if not missing[case]:
            continue
        block, took = next(cut.chunks()), []
        for _ in range(2):
            start = time.monotonic()
            cut.compute(block)
            took.append(time.monotonic() - start)
        total += took[0] + took[1] * (math.ceil(missing[case] / work.workers) - 1)
    return total
