"""The cases in this package: groups are trials, or networks one after the other."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

import experiments.brunel as study
import jaxsnn_noise as jn
from helpers.parity.cases import (  # fmt: skip
    CASES,
    NETWORK,
    NETWORKS,
    Case,
    Conducting,
    Exponential,
    Kicked,
    Noisy,
    Released,
    measure,
    measure_group,
)
from helpers.parity.times import cell


def simulate(name: str, seed: int, case: Case | None = None) -> dict[str, np.ndarray]:
    """The quantities [group] of a case, with its numbers or those given."""
    if name in NETWORKS:
        found = [_network(NETWORKS[name], seed + k, case or NETWORK) for k in range((case or NETWORK).groups)]
        return {key: np.array([one[key] for one in found]) for key in found[0]}
    case = case or CASES[name]
    sim = BUILD[name](case)
    data = jn.monte_carlo(sim, [jn.Trials(case.groups)], key=seed, progress=False)
    steps = round(case.duration / case.dt)
    group, step, neuron = np.nonzero(np.stack([_unpacked(one, steps) for one in data["raster"].values]))
    return measure(step, group * case.size + neuron, case)


def _unpacked(packed: Any, steps: int) -> np.ndarray:
    return np.asarray(jn.statistics.unpack(packed, steps)) > 0


def _simulation(case: Case, network: jn.Network, inputs: dict[str, Any]) -> jn.Simulation:
    return jn.Simulation(
        network,
        inputs,
        duration=case.duration,
        dt=case.dt,
        warmup=case.warmup,
        statistics={"raster": jn.statistics.Raster()},
    )


def _cells(case: Case, **parameters: Any) -> jn.neurons.LIF:
    given: dict[str, Any] = {
        "tau_mem": case.tau,
        "v_threshold": case.threshold,
        "v_reset": case.reset,
        "refractory": case.refractory,
    }
    return jn.neurons.LIF(case.size, **given, **parameters)


def _noisy(case: Noisy) -> jn.Simulation:
    shared = jn.noise.SharedFraction(case.shared)
    noise = {"white": jn.noise.VoltageNoise(jn.noise.Diffusion(case.sigma), correlation=shared)}
    network = jn.Network({"cells": jn.Population(_cells(case), noise=noise)})
    return _simulation(case, network, {"cells": jn.coding.Constant(case.drive)})


def _one_to_one(case: Case, port: str, weight: float, kinetics: Any) -> jn.synapses.Sparse:
    wire = {"size": (case.size, case.size), "key": 0, "weights": weight, "kinetics": kinetics}
    return jn.synapses.Sparse.drawn(port, "cells", jn.synapses.OneToOne(), **wire)


def _counts(rate_hz: float, largest: int = 12) -> jn.coding.PoissonCounts:
    return jn.coding.PoissonCounts(rate_hz, largest=largest)


def _exponential(case: Exponential) -> jn.Simulation:
    """Own and shared spikes come from ports."""
    kinetics = jn.synapses.Exponential(case.tau_syn)
    shared = jn.synapses.Dense("shared", "cells", np.full((case.size, 1), case.weight), kinetics=kinetics)
    network = jn.Network(
        {"own": jn.Port(case.size), "shared": jn.Port(1), "cells": jn.Population(_cells(case))},
        {"to_own": _one_to_one(case, "own", case.weight, kinetics), "to_all": shared},
    )
    return _simulation(case, network, {"own": _counts(case.own_hz), "shared": _counts(case.shared_hz)})


def _conductance(case: Conducting) -> jn.Simulation:
    """The resistance is that of the leak; weights in uS."""
    opens = jn.synapses.Conductance(case.tau_excitation, reversal=case.excitatory)
    closes = jn.synapses.Conductance(case.tau_inhibition, reversal=case.inhibitory)
    weight = case.weight / 1e3
    shared = jn.synapses.Dense("shared", "cells", np.full((case.size, 1), weight), kinetics=opens)
    cells = _cells(case, v_rest=case.rest, resistance=1e3 / case.leak)
    ports = {"own": jn.Port(case.size), "inhibition": jn.Port(case.size), "shared": jn.Port(1)}
    network = jn.Network(
        {**ports, "cells": jn.Population(cells)},
        {
            "to_own": _one_to_one(case, "own", weight, opens),
            "to_all": shared,
            "inhibit": _one_to_one(case, "inhibition", case.inhibition / 1e3, closes),
        },
    )
    rates = {"own": case.own_hz, "shared": case.shared_hz, "inhibition": case.inhibition_hz}
    return _simulation(case, network, {name: _counts(rate) for name, rate in rates.items()})


def _quantal(case: Released) -> jn.Simulation:
    charge = case.jump * case.dt / -math.expm1(-case.dt / case.tau)
    weights = np.full((case.size, case.sources), charge)
    options: dict[str, Any] = {"sites": case.sites, "use": case.use, "tau_rec": case.tau_rec, "tau_fac": case.tau_fac}
    release = jn.synapses.Quantal("sources", "cells", weights, **options, kinetics=jn.synapses.Delta())
    cells = jn.Population(_cells(case))
    network = jn.Network({"sources": jn.Port(case.sources), "cells": cells}, {"release": release})
    return _simulation(case, network, {"sources": jn.coding.PoissonSpikes(case.source_hz)})


def _kicked(name: str) -> Callable[[Kicked], jn.Simulation]:
    def build(case: Kicked) -> jn.Simulation:
        neuron, unit = cell(name, case.size)
        shared = jn.noise.SharedFraction(case.shared)
        noise = {"white": jn.noise.VoltageNoise(jn.noise.Diffusion(case.sigma), correlation=shared)}
        stepper = jn.neurons.Heun() if name == "izhikevich" else None
        network = jn.Network({"cells": jn.Population(neuron, noise=noise, stepper=stepper)})
        return _simulation(case, network, {"cells": jn.coding.Constant(unit * case.drive)})

    return build


BUILD: dict[str, Callable[[Any], jn.Simulation]] = {
    "noisy": _noisy,
    "exponential": _exponential,
    "conductance": _conductance,
    "quantal": _quantal,
    "adex": _kicked("adex"),
    "izhikevich": _kicked("izhikevich"),
    "axon": _kicked("axon"),
}


def _network(panel: str, seed: int, case: Case) -> dict[str, float]:
    """A network of the study, with all of its spikes."""
    config = study.Config(duration=case.duration, warmup=case.warmup, dt=case.dt)
    sim = study.of_panel(config, panel, seed)
    found = jn.simulate(sim, key=seed, statistics={"raster": jn.statistics.Raster()})
    step, neuron = np.nonzero(_unpacked(found["raster"], round(case.duration / case.dt)))
    return measure_group(step, neuron, case)
