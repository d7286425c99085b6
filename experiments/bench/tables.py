"""Results as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

TITLES = {
    "w1": "W1: Monte Carlo of recurrent noisy neurons",
    "w2": "W2: training by surrogate gradients",
    "sparse": "One network of sparse random connections",
    "brunel": "Brunel's network",
    "w4": "W4: a trained network on many chips",
    "w5": "W5: axons with channel noise",
}
UNITS = {
    "w1": ("M neuron updates/s", 1e-6),
    "w2": ("optimiser steps/s", 1.0),
    "sparse": ("M neuron updates/s", 1e-6),
    "brunel": ("simulated s/s", 1.0),
    "w4": ("k chip images/s", 1e-3),
    "w5": ("M neuron updates/s", 1e-6),
}


def markdown(results: dict[str, Any]) -> str:
    """The whole report."""
    machine = results["machine"]
    parts = [
        "# Speed",
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gb']:.0f} GB; load "
        f"{machine['load_before']:.1f} before and {machine['load_after']:.1f} after. Median of {results['rounds']} interleaved "
        "rounds [smallest to largest]; "
        "ratio: seconds over those of the first line in the same round. CPU: seconds of all threads. Peak: resident memory of the "
        "whole process; run: of what follows building and the first run. Compile: building and the first run.",
    ]
    for name in TITLES:
        if name in results:
            parts += [f"## {TITLES[name]}", numbers(results[name]["problem"]), table(name, results[name]["lines"])]
    if "startup" in results:
        parts += ["## Start", startup(results["startup"])]
    if "scaling" in results:
        parts += ["## Scaling", scaling(results["scaling"])]
    if "connectivity" in results:
        parts += ["## Sparse and dense projections", results["connectivity"]["table"]]
    if "chunks" in results:
        parts += ["## Shapes of chunks", results["chunks"]["table"]]
    if "noise" in results:
        parts += ["## Cost of noise", results["noise"]["table"]]
    if "fit" in results:
        parts += ["## A call of fit, and its steps", results["fit"]["table"]]
    if "models" in results:
        parts += ["## Cost of neurons", results["models"]["table"]]
    if "coverage" in results:
        parts += ["## Coverage of intervals", results["coverage"]["table"]]
    if "gradients" in results:
        parts += ["## Gradients of expectations", results["gradients"]["table"]]
    return "\n\n".join(parts) + "\n"


def table(workload: str, lines: Sequence[dict[str, Any]]) -> str:
    """One row per system, the fastest first, the unknown last."""
    unit, factor = UNITS[workload]
    header = ["system", unit, "ratio", "CPU [s]", "peak [MB]", "run [MB]", "import [s]", "compile [s]", "result"]
    known = sorted((x for x in lines if "unknown" not in x), key=lambda x: -x["speed"]["median"])
    rows = [_row(line, factor) for line in known]
    rows += [[line["label"], line["unknown"], *[""] * 7] for line in lines if "unknown" in line]
    return grid(header, rows)


def grid(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    line = lambda cells: "| " + " | ".join(cells) + " |"  # noqa: E731 - one line
    return "\n".join([line(header), line(["---"] * len(header)), *map(line, rows)])


def numbers(problem: dict[str, Any]) -> str:
    """The numbers of a problem in one line."""
    return ", ".join(f"{k} {v:g}" for k, v in problem.items()) + "."


def startup(found: dict[str, Any]) -> str:
    """Import times, the cold process, and what the package loads."""
    rows = [[name, _seconds(x)] for name, x in found["seconds"].items()]
    late = ", ".join(found["loaded"]) or "none"
    return grid(["from a cold process", "seconds"], rows) + f"\n\nHeavy packages that the import loads: {late}."


def scaling(points: Sequence[dict[str, Any]]) -> str:
    """One row per point."""
    rows = []
    for p in points:
        sizes = p["problem"]
        at = (f"{p['axis']} {sizes[p['axis']]:g}", p["label"])
        if "unknown" in p:
            rows.append([p["workload"], *at, p["unknown"], "", "", ""])
        else:
            unit, factor = UNITS[p["workload"]]
            cells = [_seconds(p["seconds"]), f"{p['speed']['median'] * factor:.3g} {unit}"]
            rows.append([p["workload"], *at, *cells, f"{p['peak_mb']:.0f}", f"{p['compile_s']:.1f}"])
    return grid(["workload", "point", "system", "seconds", "speed", "peak [MB]", "compile [s]"], rows)


def _row(line: dict[str, Any], factor: float) -> list[str]:
    speed, ratio, check = line["speed"], line.get("ratio"), line["check"]
    if "loss" in check:
        result = f"loss {check['loss']:.3f} ± {check['error']:.3f}"
    elif "accuracy" in check:
        right, differing = f"{check['accuracy']:.2%} ± {check['error']:.2%}", f"{check['differing']:.1e}"
        result = f"{right} ({check['chips']} chips run); counts of given chips that differ: {differing}"
    elif not check:
        result = "a part of the work"
    else:
        result = f"{check['rate_hz']:.3f} ± {check['error_hz']:.3f} Hz"
    return [
        line["label"],
        f"{speed['median'] * factor:.3g} [{speed['low'] * factor:.3g} to {speed['high'] * factor:.3g}]",
        f"{ratio['median']:.2f} [{ratio['low']:.2f} to {ratio['high']:.2f}]" if ratio else "",
        f"{line['cpu_s']:.2f}",
        *("unknown" if line[k] is None else f"{line[k]:.0f}" for k in ("peak_mb", "run_mb")),
        f"{line['import_s']:.1f}",
        f"{line['compile_s']:.1f}",
        result,
    ]


def _seconds(x: dict[str, float]) -> str:
    return f"{x['median']:.3g} [{x['low']:.3g} to {x['high']:.3g}]"
