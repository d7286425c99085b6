"""A measurement: all systems take turns, one run each per round."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .processes import Worker, installed, interpreter
from .systems import System
from .workloads import MonteCarlo, Problem

Say = Callable[[str], None]
PATIENCE = 3600.0
"""Seconds that an assessment may take."""


def measure(
    workload: str,
    problem: Problem,
    systems: Sequence[System],
    given: dict[str, str],
    rounds: int,
    say: Say,
    assessed: bool = True,
) -> dict[str, dict[str, Any]]:
    """Everything measured of every system by its label.

    Keys of a record: ``runs`` (one answer per round), ``prepare``, ``quit``, ``assessed`` where results are compared
    apart from the runs (and unless ``assessed`` is false), or ``unknown`` with the reason why there is nothing.
    """
    records: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(prefix="bench_") as folder, contextlib.ExitStack() as ends:
        ready = start(workload, problem, systems, given, Path(folder), records, say)
        for worker in ready.values():
            ends.callback(worker.close)
        if assessed and not isinstance(problem, MonteCarlo):
            assess(workload, ready, records, say)
        for number in range(1, rounds + 1):
            say(f"{workload}: round {number} of {rounds}, load {os.getloadavg()[0]:.1f}")
            for label in rotated(list(ready), number):
                answer = ready[label].run(number)
                if "failed" in answer:
                    records[label] = {"unknown": answer["failed"]}
                    ready.pop(label).close()
                else:
                    records[label]["runs"].append({"round": number, **answer})
        for label, worker in ready.items():
            records[label]["quit"] = worker.quit()
    return records


def assess(workload: str, ready: dict[str, Worker], records: dict[str, dict[str, Any]], say: Say) -> None:
    """What is compared of each system, in a process of its own, so that neither time nor memory of the others is touched."""
    for label, worker in list(ready.items()):
        if worker.system.part:
            continue
        say(f"{workload}: assessing {label}")
        other = Worker(worker.system, worker.python, worker.question, patience=PATIENCE)
        answer = other.assess()
        other.close()
        if "failed" in answer:
            records[label] = {"unknown": answer["failed"]}
            ready.pop(label).close()
        else:
            records[label]["assessed"] = answer


def start(
    workload: str,
    problem: Problem,
    systems: Sequence[System],
    given: dict[str, str],
    folder: Path,
    records: dict[str, dict[str, Any]],
    say: Say,
) -> dict[str, Worker]:
    """The workers that got ready, one after the other; the others are recorded as unknown."""
    data = folder / f"{workload}.npz"
    arrays: dict[str, Any] = problem.data()
    np.savez(data, **arrays)
    question = {"workload": workload, "problem": vars(problem), "data": str(data)}
    ready = {}
    for system in systems:
        python = interpreter(system, given)
        if not installed(python, system.packages[0]):
            records[system.label] = {"unknown": "not installed"}
            continue
        say(f"{workload}: preparing {system.label}")
        worker = Worker(system, python, question)
        answer = worker.prepare()
        if "failed" in answer:
            worker.close()
            records[system.label] = {"unknown": answer["failed"]}
        else:
            records[system.label] = {"prepare": answer, "runs": []}
            ready[system.label] = worker
    return ready


def rotated(labels: list[str], number: int) -> list[str]:
    """Another one begins each round, so that no system always follows the same neighbour's start."""
    return labels[number % len(labels) :] + labels[: number % len(labels)] if labels else []
