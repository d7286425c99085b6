"""What a call of ``fit`` costs beside its steps, and its steps where many are taken, against a plain loop of the same training.

The training is W2's. A short and a long one, both compiled before, give a line: its slope is what a step of the optimiser costs, and what
is left of the short one is the call. The plain loop has the product of the constant image hoisted by hand, and no checks.
"""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from .compare import spread
from .systems import ours, plain_jax
from .tables import grid
from .workloads import Training

OURS, PLAIN, BUILDING = "fit", "plain loop, product hoisted", "building the simulation"
CLOCKS = {"cpu": time.process_time, "wall": time.perf_counter}


@dataclasses.dataclass(frozen=True)
class Sizes:
    """The training, and the updates of the long one; the short one is an epoch."""

    training: Training
    long: int


FULL = Sizes(Training(), 2000)
TINY = Sizes(Training(inputs=20, hidden=16, steps=8, batch=16, updates=4, epoch=2), 4)


def measure(number: int, say: Callable[[str], None], sizes: Sizes = FULL) -> dict[str, Any]:
    """By clock and system: milliseconds of a step and of a call, and the ratio of steps in the same round; interleaved rounds."""
    short = sizes.training.epoch
    lengths = {n: dataclasses.replace(sizes.training, updates=n) for n in (short, sizes.long)}
    data = sizes.training.data()
    run: dict[tuple[str, int], Callable[[], Any]] = {}
    for n, problem in lengths.items():
        run[OURS, n] = partial(ours.fit(problem, data).run, 0)
        run[PLAIN, n] = partial(plain_jax.w2_hoisted(problem, data).run, 0)
    run[BUILDING, short] = partial(ours.shown, sizes.training, data)
    for program in run.values():
        program()
    found: dict[str, dict[str, list[float]]] = {clock: {} for clock in CLOCKS}
    for k in range(number):
        say(f"fit: round {k + 1} of {number}, load {os.getloadavg()[0]:.1f}")
        took = {name: _timed(program) for name, program in run.items()}
        for clock, rows in found.items():
            for system in (OURS, PLAIN):
                first, last = (took[system, n][clock] for n in (short, sizes.long))
                step = (last - first) / (sizes.long - short)
                rows.setdefault(f"{system}: a step", []).append(1e3 * step)
                rows.setdefault(f"{system}: a call", []).append(1e3 * (first - short * step))
            rows.setdefault(f"{BUILDING}, in a call", []).append(1e3 * took[BUILDING, short][clock])
            rows.setdefault("a step of fit over one of the loop", []).append(
                rows[f"{OURS}: a step"][-1] / rows[f"{PLAIN}: a step"][-1]
            )
    return {clock: {name: spread(values) for name, values in rows.items()} for clock, rows in found.items()}


def table(found: dict[str, Any]) -> str:
    """In Markdown: median, smallest and largest round."""
    rows = []
    for name in next(iter(found.values())):
        said = [[f"{of[name][k]:.3g}" for k in ("median", "low", "high")] for of in found.values()]
        rows.append([name, *(f"{middle} [{low}, {high}]" for middle, low, high in said)])
    return grid(["[ms], or a ratio", *found], rows)


def _timed(program: Callable[[], Any]) -> dict[str, float]:
    """Seconds of each clock."""
    before = {clock: read() for clock, read in CLOCKS.items()}
    program()
    return {clock: read() - before[clock] for clock, read in CLOCKS.items()}
