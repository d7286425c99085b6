"""What a neuron costs: seconds of CPU per simulated neuron second, from LIF to the axon with its channels counted one by one.

A model runs with ``neurons`` independent cells, noise on its membrane or in its channels, in the steps it is used with; the cost of a
step and that of a second of a neuron are told. Rounds are interleaved. How far a scheme of channels is from the truth is another
measurement, whose table stands in the findings.
"""

from __future__ import annotations

import importlib
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .tables import grid

SCHEMES = ("Deterministic", "SubunitLangevin", "ConductanceNoise", "TransitionLangevin", "Markov")
STEPS = {"LIF": 0.1, "AdEx": 0.1, "Izhikevich": 0.1, **dict.fromkeys(SCHEMES, 0.01)}
"""Of each model [ms]."""
AREA = 100.0
"""Of the axons [um2]."""


def measure(rounds: int, say: Callable[[str], None], neurons: int = 1000, steps: int = 2000) -> list[dict[str, Any]]:
    """One line per model: CPU nanoseconds per neuron and step in each round."""
    jax, runs = importlib.import_module("jax"), {}
    for name in STEPS:
        few = max(1, steps // 10) if name == "Markov" else steps
        say(f"models: preparing {name}")
        runs[name] = (few, _program(name, neurons, few))
        jax.block_until_ready(runs[name][1](0))
    found: dict[str, list[float]] = {name: [] for name in STEPS}
    for number in range(1, rounds + 1):
        say(f"models: round {number} of {rounds}")
        for name, (few, run) in runs.items():
            start = time.process_time()
            jax.block_until_ready(run(number))
            found[name].append((time.process_time() - start) / neurons / few)
    return [{"model": name, "dt": STEPS[name], "seconds": values} for name, values in found.items()]


def table(found: Sequence[Mapping[str, Any]]) -> str:
    """Markdown."""
    rows = []
    for one in found:
        ns = 1e9 * np.array(one["seconds"])
        each = 1000.0 / one["dt"] * statistics.median(one["seconds"])
        cost = f"{np.median(ns):.3g} [{ns.min():.3g} to {ns.max():.3g}]"
        rows.append([one["model"], f"{one['dt']:g}", cost, f"{1e3 * each:.3g}"])
    return grid(["model", "dt [ms]", "CPU per step [ns]", "CPU per neuron second [ms]"], rows)


def _program(name: str, size: int, steps: int) -> Callable[[int], Any]:
    jn = importlib.import_module("jaxsnn_noise")
    noise = {"membrane": jn.noise.VoltageNoise(jn.noise.Diffusion(0.5))}
    drive: Any = {"LIF": 1.1, "AdEx": 1.0, "Izhikevich": 10.0}.get(name)
    if name in SCHEMES:
        noise = {}
        neuron = jn.neurons.HodgkinHuxley(size, area=AREA, channels=getattr(jn.neurons.channels, name)())
        drive = neuron.current(7.0)
    else:
        neuron = getattr(jn.neurons, name)(size)
    sim = jn.Simulation(
        jn.Network({"cells": jn.Population(neuron, noise=noise)}), {"cells": jn.coding.Constant(drive)},
        duration=steps * STEPS[name], dt=STEPS[name], statistics={"spikes": jn.statistics.SpikeCount()},
    )  # fmt: skip
    return lambda seed: jn.simulate(sim, key=seed)["spikes"]
