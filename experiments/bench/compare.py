"""From answers to lines of a table: first whether results agree, then, and only then, times."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from .systems import REFERENCE, System
from .workloads import Chips, Problem, Training

SIGMAS = 4.5
"""Half width of a joint interval in standard errors: a false alarm in 150,000 comparisons, in 500 of two means of 5 runs."""
BAND = 0.15
"""Half width of the common band of losses, relative to their median; two standard errors of a loss are added to it."""
ROUNDING = 1e-3
"""Share of the spike counts of chips handed over that single precision may change."""


def lines(
    workload: str, problem: Problem, systems: Sequence[System], records: dict[str, dict[str, Any]]
) -> list[dict[str, Any]]:
    """One line per system, in the order of the systems."""
    agreed = agreement(workload, problem, records)
    ours = next((s.label for s in systems if not s.peer), "")
    basis = records.get(ours, {}).get("runs", []) if agreed.get(ours, "") is None else []
    return [_line(system, problem, records[system.label], agreed, basis) for system in systems]


def agreement(workload: str, problem: Problem, records: dict[str, dict[str, Any]]) -> dict[str, str | None]:
    """From label to what is wrong with the results of a system; ``None`` if they agree with the reference."""
    known = {label: r for label, r in records.items() if "unknown" not in r}
    if isinstance(problem, Chips):
        return _chips_apart(REFERENCE[workload], known)
    if isinstance(problem, Training):
        trained = {label: r["assessed"] for label, r in known.items()}
        middle = statistics.median(t["loss"] for t in trained.values()) if trained else 0.0
        return {label: _loss_apart(middle, t["loss"], t["error"]) for label, t in trained.items()}
    rates = {label: rate(r) for label, r in known.items()}
    first = REFERENCE[workload] if REFERENCE[workload] in rates else next(iter(rates), "")
    return {label: _rate_apart(rates[first], found, first) for label, found in rates.items()}


def rate(record: dict[str, Any]) -> tuple[float, float]:
    """Mean rate of a system [Hz] and its standard error: as assessed, or from its runs."""
    if "assessed" in record:
        return record["assessed"]["rate_hz"], record["assessed"]["error_hz"]
    return pooled([run["check"] for run in record["runs"]])


def pooled(checks: Sequence[dict[str, float]]) -> tuple[float, float]:
    """Mean rate over runs [Hz] and its standard error; runs that repeat each other (a fixed seed) count once."""
    distinct = {check["rate_hz"]: check["error_hz"] for check in checks}
    mean = sum(distinct) / len(distinct)
    return mean, sum(e**2 for e in distinct.values()) ** 0.5 / len(distinct)


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, smallest and largest."""
    return {"median": statistics.median(values), "low": min(values), "high": max(values)}


def _rate_apart(reference: tuple[float, float], rate: tuple[float, float], name: str) -> str | None:
    apart, error = abs(rate[0] - reference[0]), (rate[1] ** 2 + reference[1] ** 2) ** 0.5
    if apart <= SIGMAS * error:
        return None
    return f"rate {rate[0]:.3f} Hz, {apart / error:.0f} standard errors from the {reference[0]:.3f} Hz of {name}"


def _loss_apart(middle: float, loss: float, error: float) -> str | None:
    if abs(loss - middle) <= BAND * middle + 2 * error:
        return None
    return f"loss {loss:.3f} ± {error:.3f}, not within {BAND:.0%} of {middle:.3f}"


def _chips_apart(reference: str, known: dict[str, dict[str, Any]]) -> dict[str, str | None]:
    """Counts of the chips handed over first, then the accuracy of the chips that each has drawn; parts have neither."""
    assessed = {label: r["assessed"] for label, r in known.items() if "assessed" in r}
    found: dict[str, str | None] = dict.fromkeys(known)
    first: dict[str, Any] = assessed.get(reference) or next(iter(assessed.values()), {})
    for label, one in assessed.items():
        apart, error = abs(one["accuracy"] - first["accuracy"]), (one["error"] ** 2 + first["error"] ** 2) ** 0.5
        if one["differing"] > ROUNDING:
            found[label] = f"{one['differing']:.2%} of the counts of chips handed over"
        elif not apart <= SIGMAS * error:
            found[label] = f"accuracy {one['accuracy']:.2%}, not the {first['accuracy']:.2%} of {reference}"
    return found


def _line(
    system: System,
    problem: Problem,
    record: dict[str, Any],
    agreed: dict[str, str | None],
    basis: Sequence[dict[str, Any]],
) -> dict[str, Any]:
    line: dict[str, Any] = {"label": system.label, "peer": system.peer}
    if "unknown" in record:
        return {**line, "unknown": record["unknown"]}
    if agreed[system.label] is not None:
        return {**line, "unknown": f"different result: no time ({agreed[system.label]})"}
    runs, prepare = record["runs"], record["prepare"]
    check = (
        {} if system.part else record.get("assessed") or dict(zip(("rate_hz", "error_hz"), rate(record), strict=True))
    )
    line |= {
        "seconds": spread([run["seconds"] for run in runs]),
        "speed": spread([problem.work / run["seconds"] for run in runs]),
        "cpu_s": statistics.median(run["cpu_s"] for run in runs),
        "import_s": prepare["import_s"],
        "compile_s": prepare["build_s"] + prepare["warm_s"],
        "peak_mb": record.get("quit", {}).get("peak_mb"),
        "run_mb": record.get("quit", {}).get("run_mb"),
        "versions": prepare["versions"],
        "check": check,
    }
    ours = {run["round"]: run["seconds"] for run in basis}
    ratios = [run["seconds"] / ours[run["round"]] for run in runs if run["round"] in ours]
    return line | ({"ratio": spread(ratios)} if ratios else {})
