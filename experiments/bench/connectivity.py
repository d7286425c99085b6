"""Where a projection of single synapses pays: ``Sparse`` beside ``Dense`` over size, connectivity and rate.

Each point is an interleaved measurement of its own. At one of them, what two trials in a chunk, and the derivative of the mean
rate with respect to all weights, take as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from . import rounds
from .compare import spread
from .networks import Sparse
from .systems import OURS, System
from .tables import grid

NEURONS = (1000, 4000)
PROBABILITIES = (0.01, 0.1, 1.0)
DRIVES = (14.0, 26.5)
"""Of about 5 and 50 Hz."""
RICH = (1000, 0.1)
"""The number of neurons and the probability where all programs are measured."""


def _ours(label: str, program: str) -> System:
    return System(label, "ours_networks", program, OURS, peer=False)


FORWARD = (_ours("Sparse", "sparse"), _ours("Dense", "dense"))
EVERY = (
    *FORWARD,
    _ours("Sparse, two trials", "pair"),
    _ours("Dense, two trials", "dense_pair"),
    _ours("Sparse, gradient", "gradient"),
    _ours("Dense, gradient", "dense_gradient"),
)


def measure(
    number: int,
    say: Callable[[str], None],
    neurons: Sequence[int] = NEURONS,
    steps: int = 2000,
    rich: tuple[int, float] = RICH,
) -> list[dict[str, Any]]:
    """One point per size, probability and drive: microseconds per step of each program, and its time over that of ``Sparse``."""
    found = []
    for n in neurons:
        for probability in PROBABILITIES:
            for drive in DRIVES:
                problem = Sparse(neurons=n, probability=probability, drive=drive, steps=steps)
                systems = EVERY if (n, probability) == rich else FORWARD
                say(f"connectivity: {n} neurons, probability {probability:g}, drive {drive:g} mV")
                records = rounds.measure("sparse", problem, systems, {}, number, lambda text: None, assessed=False)
                found.append({"neurons": n, "probability": probability, "drive": drive} | _point(problem, records))
    return found


def table(points: Sequence[dict[str, Any]]) -> str:
    """One row per point and program."""
    rows = []
    for p in points:
        at = [f"{p['neurons']}", f"{100 * p['probability']:g} %", f"{p['rate_hz']:.1f}"]
        for label, x in p["programs"].items():
            if "unknown" in x:
                rows.append([*at, label, x["unknown"], "", ""])
            else:
                ratio = f"{x['ratio']['median']:.2f} [{x['ratio']['low']:.2f} to {x['ratio']['high']:.2f}]"
                rows.append([*at, label, f"{x['us_per_step']:.3g}", ratio, f"{x['run_mb']:.0f}"])
    return grid(["neurons", "connected", "rate [Hz]", "program", "us per step", "time over Sparse", "run [MB]"], rows)


def _point(problem: Sparse, records: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Ratios within rounds; the rate is that of ``Sparse``."""
    basis = {run["round"]: run["seconds"] for run in records["Sparse"].get("runs", [])}
    programs: dict[str, dict[str, Any]] = {}
    for label, record in records.items():
        if "unknown" in record or not basis:
            programs[label] = {"unknown": record.get("unknown", "nothing to compare with")}
            continue
        ratios = [run["seconds"] / basis[run["round"]] for run in record["runs"]]
        programs[label] = {
            "us_per_step": spread([run["seconds"] / problem.steps * 1e6 for run in record["runs"]])["median"],
            "ratio": spread(ratios),
            "run_mb": record["quit"].get("run_mb") or float("nan"),
        }
    rates = [run["check"]["rate_hz"] for run in records["Sparse"].get("runs", [])]
    return {"rate_hz": sum(rates) / len(rates) if rates else float("nan"), "programs": programs}
