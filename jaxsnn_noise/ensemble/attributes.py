"""What a result knows of itself, as attributes that any file format can hold: numbers and texts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxsnn_noise import provenance
from jaxsnn_noise.engine.describe import settings
from jaxsnn_noise.ensemble.chunked import Results
from jaxsnn_noise.ensemble.grid import Grid


def attributes(grid: Grid, fingerprint: str, results: Mapping[str, Results]) -> dict[str, Any]:
    """Where the numbers of a study come from.

    Returns:
        ``fingerprint`` of the grid; ``config``, ``axes`` and ``backend`` as JSON; ``root_key``; ``dt_ms``, ``duration_ms``,
        ``warmup_ms`` and ``steps``, one number or JSON by case; ``health`` as JSON; ``versions``, ``device`` and
        ``stream_version``.
    """
    sims = grid.sims
    config: Any = {case: settings(sim) for case, sim in sims.items()}
    times: dict[str, dict[str, Any]] = {
        "dt_ms": {case: sim.dt for case, sim in sims.items()},
        "duration_ms": {case: sim.duration for case, sim in sims.items()},
        "warmup_ms": {case: sim.warmup for case, sim in sims.items()},
        "steps": {case: sim.total_steps - sim.warmup_steps for case, sim in sims.items()},
    }
    devices = sorted(set().union(*(r.devices for r in results.values())))
    return {
        "fingerprint": fingerprint,
        "config": json.dumps(config if grid.cases else config[""]),
        "axes": json.dumps(_axes(grid)),
        "root_key": [int(w) for w in np.asarray(grid.root)],
        "backend": json.dumps(
            [type(grid.backend).__name__, vars(grid.backend)], default=lambda part: type(part).__name__
        ),
        **{name: _one(by_case) for name, by_case in times.items()},
        "health": json.dumps({case: health(r) for case, r in results.items()} if grid.cases else health(results[""])),
        **provenance.origin(),
        **({"device": ", ".join(devices)} if devices else {}),
    }


def _one(by_case: Mapping[str, Any]) -> Any:
    values = set(by_case.values())
    return values.pop() if len(values) == 1 else json.dumps(dict(by_case))


def _axes(grid: Grid) -> dict[str, Any]:
    """From every dimension to its kind, size, and what its coordinate says of itself: unit and path of what is set."""
    first = {} if grid.cases is None else {grid.cases: {"kind": "Cases", "size": len(grid.sims)}}
    sim = next(iter(grid.sims.values()))
    return first | {
        axis.name: {
            "kind": type(axis).__name__, "size": axis.size, "paths": list(axis.sets(sim)), **axis.attributes(sim),
        }
        for axis in grid.axes
    }  # fmt: skip


def health(results: Results) -> dict[str, dict[str, int]]:
    """Of every spiking population, how many members are ill: with values that are not finite, all cells silent, all saturated."""
    found = {}
    there = results.finished
    for name, population in results.chunked.sim.network.cells().items():
        if f"health_{name}_silent" not in results.arrays:  # nothing is computed
            continue
        nonfinite, silent, saturated = (
            results.arrays[f"health_{name}_{k}"] for k in ("nonfinite", "silent", "saturated")
        )
        ill = {"not_finite": nonfinite > 0, "all_silent": silent >= 1, "all_saturated": saturated >= 1}
        found[name] = {"members": int(there.sum())} | {k: int((which & there).sum()) for k, which in ill.items()}
        if not population.neuron.spiking:
            del found[name]["all_silent"], found[name]["all_saturated"]
    return found


def complaint(by_case: Mapping[str, Mapping[str, Mapping[str, int]]]) -> str:
    """One line that says which members are ill; empty if none is."""
    told = []
    for case, populations in by_case.items():
        for population, counts in populations.items():
            where = f"{case}: " if case else ""
            for key, words in _WORDS.items():
                if counts.get(key):
                    of = f"{counts[key]:,} of {counts['members']:,} members"
                    told.append(f"{where}{of}: {words.format(population)}")
    return "; ".join(told)


_WORDS = {
    "not_finite": "values of {} are not finite",
    "all_silent": "all neurons of {} are silent",
    "all_saturated": "all neurons of {} are saturated",
}
