"""Brunel's network in NEST, which has its rules of connection: ``iaf_psc_delta`` and a Poisson generator for all neurons."""

from __future__ import annotations

import importlib
import time
from typing import Any

import numpy as np

from experiments.bench.networks import Brunel

from . import Program

THREADS = 2


def load() -> Any:
    """NEST's Python interface."""
    return importlib.import_module("nest")


def brunel(problem: Brunel, data: dict[str, np.ndarray]) -> Program:
    """A run begins where the last one ended, and its warm-up is run all the same; a seed belongs to a kernel, with its graph."""
    nest = load()
    cells = _network(problem, int(data["graph"]))
    recorder = nest.Create("spike_recorder", params={"record_to": "memory"})
    nest.Connect(cells, recorder)
    seconds = [0.0]

    def run(seed: int) -> np.ndarray:
        del seed
        begin = time.perf_counter()
        nest.Simulate(problem.warm * problem.dt)
        recorder.n_events = 0
        nest.Simulate(problem.steps * problem.dt)
        seconds[0] = time.perf_counter() - begin
        return np.bincount(recorder.events["senders"] - cells[0].global_id, minlength=problem.neurons)

    return Program(run, seconds=lambda: seconds[0])


def _network(problem: Brunel, seed: int) -> Any:
    nest = load()
    nest.ResetKernel()
    nest.set_verbosity("M_ERROR")
    nest.SetKernelStatus({"resolution": problem.dt, "local_num_threads": THREADS, "rng_seed": seed + 1})
    model = {"tau_m": problem.tau, "C_m": 1.0, "E_L": 0.0, "V_th": problem.threshold, "V_reset": problem.reset}
    cells = nest.Create("iaf_psc_delta", problem.neurons, {**model, "t_ref": problem.refractory})
    cells.V_m = nest.random.uniform(0.0, problem.threshold)
    for _, first, size, degree, weight in problem.kinds:
        rule = {"rule": "fixed_indegree", "indegree": degree, "allow_multapses": False, "allow_autapses": True}
        nest.Connect(cells[first : first + size], cells, rule, {"weight": weight, "delay": problem.delay})
    outside = nest.Create("poisson_generator", params={"rate": problem.outside * problem.outside_hz})
    nest.Connect(outside, cells, syn_spec={"weight": problem.weight, "delay": problem.delay})
    return cells


PROGRAMS = {"brunel": brunel}
