"""The command: ``python -m experiments.bench``."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import chunks, compare, connectivity, coverage, models, noise, rounds, scaling, startup, tables
from .axons import Axons
from .chips import Chips
from .networks import Brunel, Sparse
from .systems import SYSTEMS
from .workloads import MonteCarlo, Problem, Training

PARTS = (
    "w1",
    "w2",
    "sparse",
    "brunel",
    "w4",
    "w5",
    "startup",
    "scaling",
    "connectivity",
    "chunks",
    "noise",
    "fit",
    "models",
    "coverage",
    "gradients",
)
FULL: dict[str, Problem] = {
    "w1": MonteCarlo(),
    "w2": Training(),
    "sparse": Sparse(),
    "brunel": Brunel(),
    "w4": Chips(),
    "w5": Axons(),
}
TINY: dict[str, Problem] = {
    "w1": MonteCarlo(neurons=20, steps=100, trials=20),
    "w2": Training(inputs=20, hidden=16, steps=8, batch=16, updates=4, epoch=2),
    "sparse": Sparse(neurons=50, steps=400, seeds=8),
    "w4": Chips(chips=6, images=20, steps=16, inputs=20, hidden=16, tau=5.0, loops=3, given=2, updates=4),
    "w5": Axons(neurons=20, steps=400, seeds=4),
    "brunel": Brunel(
        excitatory=80,
        inhibitory=20,
        in_excitatory=40,
        in_inhibitory=10,
        weight=2.5,
        outside=40,
        warm=200,
        steps=400,
        seeds=4,
    ),
}
TINY_GRIDS: dict[str, dict[str, tuple[int, ...]]] = {"w1": {"trials": (4, 16)}, "w2": {"steps": (4, 8)}}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, write ``results.json``, ``results.md`` and the pictures, and print the tables."""
    options = parser().parse_args(arguments)
    given = dict(entry.split("=", 1) for entry in options.env)
    out = Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    problems = TINY if options.tiny else FULL
    results: dict[str, Any] = {"rounds": options.rounds, "started": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())}
    results["machine"] = machine() | {"load_before": os.getloadavg()[0]}
    for part in options.parts or PARTS:
        if part in problems:
            results[part] = compared(part, problems[part], options, given)
        elif part == "startup":
            results[part] = startup.measure(options.rounds, 10 if options.tiny else 100, say)
        elif part == "connectivity":
            sizes: dict[str, Any] = {"neurons": (20,), "steps": 50, "rich": (20, 0.1)} if options.tiny else {}
            points = connectivity.measure(options.rounds, say, **sizes)
            results[part] = {"points": points, "table": connectivity.table(points)}
        elif part == "chunks":
            found = chunks.measure(options.rounds, say, chunks.TINY if options.tiny else chunks.FULL)
            results[part] = {"studies": found, "table": chunks.table(found)}
        elif part == "noise":
            costs = noise.measure(options.rounds, say, noise.TINY if options.tiny else noise.FULL)
            results[part] = {"sources": costs, "table": noise.table(costs)}
        elif part == "fit":
            from . import fitting  # loads JAX

            calls = fitting.measure(options.rounds, say, fitting.TINY if options.tiny else fitting.FULL)
            results[part] = {"clocks": calls, "table": fitting.table(calls)}
        elif part == "models":
            priced = models.measure(options.rounds, say, **({"neurons": 20, "steps": 20} if options.tiny else {}))
            results[part] = {"models": priced, "table": models.table(priced)}
        elif part == "coverage":
            measured = coverage.measure(say, coverage.TINY if options.tiny else coverage.FULL)
            results[part] = measured | {"table": coverage.table(measured)}
        elif part == "gradients":
            from . import gradients  # loads the package, and JAX with it

            bars = gradients.measure(say, gradients.TINY if options.tiny else gradients.FULL)
            results[part] = {"bars": bars, "table": gradients.table(bars)}
        elif options.tiny:
            results[part] = scaling.measure(given, options.budget, say, TINY_GRIDS, TINY)
        else:
            results[part] = scaling.measure(given, options.budget, say)
        results["machine"]["load_after"] = os.getloadavg()[0]
        (out / "results.json").write_text(json.dumps(results, indent=1), encoding="utf-8")
    report = tables.markdown(results)
    (out / "results.md").write_text(report, encoding="utf-8")
    print(report)
    from .picture import draw

    for file in draw(results, out):
        print(file)
    return 0


def compared(workload: str, problem: Problem, options: Any, given: dict[str, str]) -> dict[str, Any]:
    """A workload with its problem, all records, and the lines of its table."""
    names = options.systems or [s.module for s in SYSTEMS[workload]]
    wanted = [s for s in SYSTEMS[workload] if s.module in names or f"{s.module}:{s.program}" in names]
    records = rounds.measure(workload, problem, wanted, given, options.rounds, say)
    lines = compare.lines(workload, problem, wanted, records)
    return {"problem": dataclasses.asdict(problem), "lines": lines, "records": records}


def machine() -> dict[str, Any]:
    """What ran it."""
    processor, cores = platform.processor() or platform.machine(), os.cpu_count()
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        processor = next(x.split(":", 1)[1].strip() for x in text.splitlines() if x.startswith("model name"))
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    except (OSError, StopIteration, ValueError):
        memory = float("nan")
    return {"processor": processor, "cores": cores, "memory_gb": memory, "system": platform.system()}


def say(text: str) -> None:
    """One line of progress."""
    print(text, file=sys.stderr, flush=True)


def parser() -> argparse.ArgumentParser:
    """The options."""
    it = argparse.ArgumentParser(prog="python -m experiments.bench", description=__doc__)
    it.add_argument(
        "parts", nargs="*", metavar="PART", choices=[*PARTS, []], help=f"of {', '.join(PARTS)}; all unless given"
    )
    it.add_argument(
        "--env", action="append", default=[], metavar="NAME=PYTHON", help="interpreter of a system's module"
    )
    it.add_argument("--systems", nargs="+", metavar="NAME", help="only these: a MODULE of systems/, or MODULE:PROGRAM")
    it.add_argument("--rounds", type=int, default=5)
    it.add_argument("--budget", type=float, default=600.0, help="seconds that the scaling part may take")
    it.add_argument("--out", default="results/bench", help="folder of the results")
    it.add_argument("--tiny", action="store_true", help="sizes that show that it works, and nothing else")
    return it


if __name__ == "__main__":
    sys.exit(main())
