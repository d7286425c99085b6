"""Brian2's C++ standalone mode on two threads; the trials are independent copies of the network."""

from __future__ import annotations

import importlib
import tempfile
from typing import Any

import numpy as np

from experiments.bench.workloads import THRESHOLD, MonteCarlo

from . import Program

THREADS = 2


def load() -> Any:
    """Brian2."""
    return importlib.import_module("brian2")


def w1(problem: MonteCarlo, data: dict[str, np.ndarray]) -> Program:
    """Spike counts [trial, neuron]; compiled once, the seconds are those of the time loop alone."""
    b2 = load()
    b2.set_device("cpp_standalone", build_on_run=False)
    b2.prefs.devices.cpp_standalone.openmp_threads = THREADS
    b2.prefs.core.default_float_dtype = np.float32
    b2.defaultclock.dt = 1 * b2.ms
    size = problem.neurons * problem.trials
    cells = b2.NeuronGroup(
        size, "v : 1\ncurrent : 1\ncount : 1", threshold=f"v >= {THRESHOLD}", reset="v = 0\ncount += 1"
    )
    code = f"v = {problem.decay} * v + {1 - problem.decay} * ({problem.drive} + current) + {problem.sigma} * randn()"
    cells.run_regularly(f"{code}\ncurrent = 0", when="groups")
    target, source = np.nonzero(data["weights"])
    offsets = np.repeat(np.arange(problem.trials) * problem.neurons, len(target))
    synapses = b2.Synapses(cells, cells, "w : 1", on_pre="current_post += w")
    synapses.connect(i=np.tile(source, problem.trials) + offsets, j=np.tile(target, problem.trials) + offsets)
    synapses.w = np.tile(data["weights"][target, source], problem.trials)
    b2.seed(1)
    b2.run(problem.steps * b2.ms)
    folder = tempfile.TemporaryDirectory(prefix="bench_brian2_")
    b2.device.build(directory=folder.name, compile=True, run=False, debug=False)

    def run(seed: int) -> np.ndarray:
        assert folder.name
        del seed  # it is compiled in
        b2.device.run()
        return np.asarray(cells.count[:]).reshape(problem.trials, problem.neurons)

    return Program(run, seconds=lambda: float(b2.device._last_run_time), outside=True)


PROGRAMS = {"w1": w1}
