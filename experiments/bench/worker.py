"""The process side: one system, one problem, questions and answers as JSON lines.

Run by path, so that an interpreter that knows nothing of this package can run it: ``python worker.py``. What a library
prints goes to standard error; standard output carries answers alone.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import json
import os
import platform
import resource
import statistics
import sys
import time
import traceback
from pathlib import Path
from typing import Any, TextIO

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Answer until told to quit, or until the questions end."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    package = _package()
    state: dict[str, Any] = {}
    for line in sys.stdin:
        question = json.loads(line)
        try:
            if question["do"] == "prepare":
                _reply(answers, prepare(package, question, state))
            elif question["do"] == "assess":
                _reply(answers, assess(package, question))
            elif question["do"] == "run":
                _reply(answers, run(state, question["seed"]))
            else:
                outside = "program" in state and state["program"].outside
                run_mb = peak_mb()
                known = {} if outside else {"peak_mb": max(run_mb, state.get("whole_mb", 0.0)), "run_mb": run_mb}
                _reply(answers, known or {"peak_mb": None, "run_mb": None})
                return
        except Exception as error:
            _reply(answers, {"failed": f"{type(error).__name__}: {error}".splitlines()[0][:200]})
            traceback.print_exc()


def prepare(package: str, question: dict[str, Any], state: dict[str, Any]) -> dict[str, Any]:
    """Import the system, build the problem, and run it once (which compiles): the seconds of each apart."""
    workloads, problem, data = given(package, question)
    system = importlib.import_module(f"{package}.systems.{question['module']}")
    start = time.perf_counter()
    system.load()
    imported = time.perf_counter()
    program = system.PROGRAMS[question["program"]](problem, data)
    built, build_mb = time.perf_counter(), peak_mb()
    program.run(0)
    warm, whole_mb = time.perf_counter(), peak_mb()
    forget_peak()
    state.update(program=program, problem=problem, workloads=workloads, whole_mb=whole_mb)
    return {
        "build_mb": build_mb,
        "import_s": imported - start,
        "build_s": built - imported,
        "warm_s": warm - built,
        "versions": versions(question["packages"]),
    }


def assess(package: str, question: dict[str, Any]) -> dict[str, float]:
    """What is compared, mean and standard error: W2 over orders of the images, W4 over chips, one network over seeds."""
    workloads, problem, data = given(package, question)
    system = importlib.import_module(f"{package}.systems.{question['module']}")
    system.load()
    make = system.PROGRAMS[question["program"]]
    if isinstance(problem, workloads.Training):
        return losses(workloads, problem, data, make)
    if isinstance(problem, workloads.Chips):
        return on_chips(package, problem, data, make(problem, data))
    found, program = [], None if problem.redrawn else make(problem, data)
    for seed in range(1, problem.seeds + 1):
        each = program or make(problem, problem.data(seed))
        found.append(problem.rate_hz(each.outcome(each.run(seed))))
        del each  # before the next graph is drawn
    return {"rate_hz": statistics.fmean(found), "error_hz": statistics.stdev(found) / len(found) ** 0.5}


def losses(workloads: Any, problem: Any, data: dict[str, Any], make: Any) -> dict[str, float]:
    """The loss of W2 after two epochs on unseen images: mean over orders of the images, standard error."""
    found = []
    for order in range(workloads.ORDERS):
        short = make(problem.short(), workloads.shuffled(data, order))
        found.append(workloads.loss(problem, data, *short.outcome(short.run(order))))
    return {"loss": statistics.fmean(found), "error": statistics.stdev(found) / len(found) ** 0.5}


def on_chips(package: str, problem: Any, data: dict[str, Any], program: Any) -> dict[str, float]:
    """Accuracy of W4 over chips with its standard error, and how many counts of the chips handed over differ."""
    chips = importlib.import_module(f"{package}.chips")
    found = program.outcome(program.run(1))
    right, error = chips.accuracy(found, data["labels"])
    differing = chips.differing(problem, data, program.given())
    return {"accuracy": right, "error": error, "chips": len(found), "differing": differing}


def given(package: str, question: dict[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
    """The module of workloads, the problem, and its arrays."""
    workloads = importlib.import_module(f"{package}.workloads")
    with importlib.import_module("numpy").load(question["data"]) as held:
        return workloads, workloads.problem(question["workload"], question["problem"]), dict(held)


def run(state: dict[str, Any], seed: int) -> dict[str, Any]:
    """One timed run, and after the clock has stopped the numbers that results are compared by."""
    program = state["program"]
    cpu, start = _cpu_seconds(), time.perf_counter()
    result = program.run(seed)
    seconds, cpu = time.perf_counter() - start, _cpu_seconds() - cpu
    own = program.seconds() if program.seconds else None
    return {
        "seconds": (seconds if own is None else own) / program.share,
        "cpu_s": cpu / program.share,
        "check": check(state, result),
    }


def check(state: dict[str, Any], result: Any) -> dict[str, float] | None:
    """Mean firing rate of a run [Hz], for W1 with its standard error over trials; nothing of W2 and W4, which are assessed apart."""
    problem, workloads = state["problem"], state["workloads"]
    if isinstance(problem, (workloads.Training, workloads.Chips)):
        return None
    outcome = state["program"].outcome(result)
    if not isinstance(problem, workloads.MonteCarlo):
        return {"rate_hz": problem.rate_hz(outcome)}
    per_trial = outcome.reshape(problem.trials, -1).sum(axis=1) / problem.neurons / problem.steps * 1000.0
    error = per_trial.std(ddof=1) / problem.trials**0.5 if problem.trials > 1 else float("inf")
    return {"rate_hz": float(per_trial.mean()), "error_hz": float(error)}


def peak_mb() -> float:
    """Largest resident memory of this process [MB = 1e6 bytes].

    From the kernel's record of this program's own memory where there is one: ``getrusage`` also counts that of the
    process which started it.
    """
    try:
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    except OSError:
        pass
    return _megabytes(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def forget_peak() -> None:
    """Let the kernel's record begin anew, so that what follows the first run has a peak of its own; where there is one."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def versions(packages: list[str]) -> dict[str, str]:
    """Versions of the interpreter and of the named packages."""
    found = {"python": platform.python_version()}
    for name in packages:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "from source"
    return found


def _package() -> str:
    """Put the checkout on the path instead of this folder; the name of the package in it."""
    sys.path[:] = [str(HERE.parent.parent), *(p for p in sys.path if Path(p or ".").resolve() != HERE)]
    return f"{HERE.parent.name}.{HERE.name}"


def _cpu_seconds() -> float:
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def _megabytes(maximum: int) -> float:
    return maximum / 1e6 if sys.platform == "darwin" else maximum * 1024 / 1e6


def _reply(answers: TextIO, answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
