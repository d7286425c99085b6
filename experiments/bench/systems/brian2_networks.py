"""One network with Brian2's Cython target, in this process, on one thread (it has no other way).

The steps are those of the other systems: Euler's method with the constants that make it the exact step, arrivals before
the threshold is looked at, so that a delay is one step less here, and a refractory time of one step more, since Brian2
counts the step of the spike.
"""

from __future__ import annotations

import importlib
import math
import time
from typing import Any

import numpy as np

from experiments.bench.networks import Brunel, Sparse, synapses

from . import Program

WHEN = "before_thresholds"


def load() -> Any:
    """Brian2."""
    return importlib.import_module("brian2")


def sparse(problem: Sparse, data: dict[str, np.ndarray]) -> Program:
    """The seconds are those of ``run``, without setting the network back to its start."""
    b2, tau = load(), problem.dt / (1 - problem.decay)
    names = {"drive": problem.drive, "loud": problem.step_std * math.sqrt(tau / problem.dt)}
    cells = _cells(problem, "dv/dt = (drive - v) / tau + loud * tau**-0.5 * xi", names)
    network, seconds = b2.Network(cells, _synapses(problem, data, cells)), [0.0]
    counter = b2.SpikeMonitor(cells, record=False)
    network.add(counter)
    network.store()

    def run(seed: int) -> np.ndarray:
        network.restore()
        b2.seed(seed)
        start = time.perf_counter()
        network.run(problem.steps * problem.dt * b2.ms, namespace={})
        seconds[0] = time.perf_counter() - start
        return np.array(counter.count)

    return Program(run, seconds=lambda: seconds[0])


def brunel(problem: Brunel, data: dict[str, np.ndarray]) -> Program:
    """A run begins where the last one ended; its warm-up is run all the same."""
    b2 = load()
    cells = _cells(problem, "dv/dt = -v / tau", {})
    b2.seed(int(data["graph"]))
    cells.v = f"rand() * {problem.threshold}"
    # a hundred times as many sources of a hundredth of the rate: a binomial number that is Poisson's
    events = (100 * problem.outside, problem.outside_hz / 100 * b2.Hz, problem.weight)
    outside = b2.PoissonInput(cells, "v", *events, when=WHEN)
    counter = b2.SpikeMonitor(cells, record=False)
    network = b2.Network(cells, _synapses(problem, data, cells), outside, counter)

    def run(seed: int) -> np.ndarray:
        b2.seed(seed)
        network.run(problem.warm * problem.dt * b2.ms, namespace={})
        before = np.array(counter.count)
        network.run(problem.steps * problem.dt * b2.ms, namespace={})
        return np.array(counter.count) - before

    return Program(run)


def _cells(problem: Sparse | Brunel, equation: str, names: dict[str, float]) -> Any:
    b2 = load()
    b2.prefs.codegen.target = "cython"
    b2.prefs.core.default_float_dtype = np.float32
    b2.defaultclock.dt = problem.dt * b2.ms
    return b2.NeuronGroup(
        problem.neurons,
        f"{equation} : 1 (unless refractory)",
        threshold=f"v >= {problem.threshold}",
        reset=f"v = {problem.reset}",
        refractory=(problem.refractory + problem.dt) * b2.ms,
        method="euler",
        namespace={"tau": problem.dt / (1 - problem.decay) * b2.ms, **names},
    )


def _synapses(problem: Sparse | Brunel, data: dict[str, np.ndarray], cells: Any) -> Any:
    b2 = load()
    source, target, weight = synapses(problem, data)
    found = b2.Synapses(cells, cells, "w : 1", on_pre="v_post += w", delay=(problem.delay - problem.dt) * b2.ms)
    found.pre.when = WHEN
    found.connect(i=source, j=target)
    found.w = weight
    return found


PROGRAMS = {"sparse": sparse, "brunel": brunel}
