"""NEST: its exact ``iaf_psc_delta`` with noise from a current generator; trials are independent copies of the network.

The generator's current is held over the step, so that the membrane gains the same standard deviation per step as in W1.
"""

from __future__ import annotations

import importlib
import math
import time
from typing import Any

import numpy as np

from experiments.bench.workloads import THRESHOLD, MonteCarlo

from . import Program

THREADS = 2


def load() -> Any:
    """NEST's Python interface."""
    return importlib.import_module("nest")


def w1(problem: MonteCarlo, data: dict[str, np.ndarray]) -> Program:
    """Spike counts [trial, neuron]; the network is built anew for every run, the seconds are those of the loop."""
    nest = load()
    seconds = [0.0]
    tau, gain = -1 / math.log(problem.decay), 1 - problem.decay
    target, source = np.nonzero(data["weights"])

    def run(seed: int) -> np.ndarray:
        nest.ResetKernel()
        nest.set_verbosity("M_ERROR")
        nest.SetKernelStatus({"resolution": 1.0, "local_num_threads": THREADS, "rng_seed": seed + 1})
        size = problem.neurons * problem.trials
        # C = tau makes the resistance one; a weight of iaf_psc_delta is a jump of the membrane [mV]
        cells = nest.Create(
            "iaf_psc_delta",
            size,
            {"tau_m": tau, "C_m": tau, "E_L": 0.0, "V_th": THRESHOLD, "V_reset": 0.0, "V_m": 0.0, "t_ref": 0.0}
            | {"I_e": problem.drive},
        )
        noise = nest.Create("noise_generator", params={"std": problem.sigma / gain, "dt": 1.0})
        nest.Connect(noise, cells)
        offsets = np.repeat(np.arange(problem.trials) * problem.neurons, len(target)) + cells[0].global_id
        weights = np.tile(data["weights"][target, source] * gain, problem.trials)
        pre, post = (np.tile(k, problem.trials) + offsets for k in (source, target))
        nest.Connect(pre, post, "one_to_one", {"weight": weights, "delay": np.ones(len(weights))})
        recorder = nest.Create("spike_recorder")
        nest.Connect(cells, recorder)
        start = time.perf_counter()
        nest.Simulate(float(problem.steps))
        seconds[0] = time.perf_counter() - start
        senders = recorder.events["senders"] - cells[0].global_id
        return np.bincount(senders, minlength=size).reshape(problem.trials, problem.neurons)

    return Program(run, seconds=lambda: seconds[0])


PROGRAMS = {"w1": w1}
