"""The cases in NEST. A membrane of capacitance tau has the resistance one; weights of ``iaf_psc_delta`` are jumps."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from helpers.parity.cases import (  # fmt: skip
    CASES,
    NETWORK,
    NETWORKS,
    PANELS,
    Case,
    Conducting,
    Exponential,
    Noisy,
    Released,
    measure,
    measure_group,
)

THREADS = 2


def simulate(name: str, seed: int) -> dict[str, np.ndarray]:
    """The quantities [group] of a case or of networks."""
    if name in NETWORKS:
        found = [_network(NETWORKS[name], seed + k) for k in range(NETWORK.groups)]
        return {key: np.array([one[key] for one in found]) for key in found[0]}
    case = CASES[name]
    nest = _fresh(case.dt, seed)
    cells = BUILD[name](nest, case)
    return measure(*_spikes(nest, cells, case), case)


def _fresh(dt: float, seed: int) -> Any:
    nest = importlib.import_module("nest")
    nest.ResetKernel()
    nest.set_verbosity("M_ERROR")
    nest.SetKernelStatus({"resolution": dt, "local_num_threads": THREADS, "rng_seed": seed + 1})
    return nest


def _spikes(nest: Any, cells: Any, case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Steps and senders after the warm-up; a spike in the last step of it belongs to it."""
    recorder = nest.Create("spike_recorder", params={"record_to": "memory", "time_in_steps": True})
    nest.Connect(cells, recorder)
    nest.Simulate(case.warmup)
    recorder.n_events = 0
    nest.Simulate(case.duration + 10 * case.dt)  # spikes are recorded with a delay
    steps = np.asarray(recorder.events["times"]) - round(case.warmup / case.dt) - 1
    senders = np.asarray(recorder.events["senders"]) - cells[0].global_id
    kept = (steps >= 0) & (steps < round(case.duration / case.dt))
    return steps[kept], senders[kept]


def _cells(nest: Any, case: Case, model: str, **parameters: float) -> Any:
    given = {"tau_m": case.tau, "C_m": case.tau, "E_L": 0.0, "V_th": case.threshold, "V_reset": case.reset}
    return nest.Create(model, case.neurons, {**given, "t_ref": case.refractory, **parameters})


def _by_group(cells: Any, case: Case) -> list[Any]:
    return [cells[k * case.size : (k + 1) * case.size] for k in range(case.groups)]


def _noisy(nest: Any, case: Noisy) -> Any:
    """A current that is held over a step; of the variance that a free membrane gains in a step."""
    step_std = case.sigma * math.sqrt(-case.tau / 2 * math.expm1(-2 * case.dt / case.tau))
    std = step_std / -math.expm1(-case.dt / case.tau)
    cells = _cells(nest, case, "iaf_psc_delta", I_e=case.drive)
    own = nest.Create("noise_generator", params={"std": std * math.sqrt(1 - case.shared), "dt": case.dt})
    nest.Connect(own, cells)
    steps = round((case.warmup + case.duration) / case.dt) + 20
    times = np.arange(1, steps + 1) * case.dt
    rng = np.random.default_rng(nest.rng_seed)
    for group in _by_group(cells, case):
        amplitudes = std * math.sqrt(case.shared) * rng.normal(size=steps)
        shared = nest.Create("step_current_generator", params={"amplitude_times": times, "amplitude_values": amplitudes, "allow_offgrid_times": True})  # fmt: skip
        nest.Connect(shared, group)
    return cells


def _poisson(nest: Any, cells: Any, case: Exponential | Conducting) -> Any:
    """A generator sends each target a train of its own; a parrot sends its one train to all."""
    nest.Connect(
        nest.Create("poisson_generator", params={"rate": case.own_hz}), cells, syn_spec={"weight": case.weight}
    )
    source = nest.Create("poisson_generator", params={"rate": case.shared_hz})
    parrots = nest.Create("parrot_neuron", case.groups)
    nest.Connect(source, parrots)
    for parrot, group in zip(parrots, _by_group(cells, case), strict=True):
        nest.Connect(parrot, group, syn_spec={"weight": case.weight})
    return cells


def _exponential(nest: Any, case: Exponential) -> Any:
    return _poisson(nest, _cells(nest, case, "iaf_psc_exp", tau_syn_ex=case.tau_syn), case)


def _conductance(nest: Any, case: Conducting) -> Any:
    cells = nest.Create(
        "iaf_cond_exp",
        case.neurons,
        {"C_m": case.tau * case.leak, "g_L": case.leak, "E_L": case.rest, "V_th": case.threshold}
        | {"V_reset": case.reset, "V_m": case.rest, "t_ref": case.refractory}
        | {"E_ex": case.excitatory, "E_in": case.inhibitory}
        | {"tau_syn_ex": case.tau_excitation, "tau_syn_in": case.tau_inhibition},
    )
    inhibition = nest.Create("poisson_generator", params={"rate": case.inhibition_hz})
    nest.Connect(inhibition, cells, syn_spec={"weight": -case.inhibition})
    return _poisson(nest, cells, case)


def _quantal(nest: Any, case: Released) -> Any:
    cells = _cells(nest, case, "iaf_psc_delta")
    synapse = {"synapse_model": "quantal_stp_synapse", "U": case.use, "u": 0.0, "n": case.sites, "a": case.sites}
    synapse |= {"tau_rec": case.tau_rec, "tau_fac": case.tau_fac, "weight": case.jump}
    source = nest.Create("poisson_generator", params={"rate": case.source_hz})
    for group in _by_group(cells, case):
        parrots = nest.Create("parrot_neuron", case.sources)
        nest.Connect(source, parrots)
        nest.Connect(parrots, group, "all_to_all", synapse)
    return cells


BUILD: dict[str, Callable[[Any, Any], Any]] = {
    "noisy": _noisy,
    "exponential": _exponential,
    "conductance": _conductance,
    "quantal": _quantal,
}


def _network(panel: str, seed: int) -> dict[str, float]:
    """One network of Brunel (2000): in-degrees are exact, sources distinct."""
    case, (g, eta), weight, delay = NETWORK, PANELS[panel], 0.1, 1.5
    nest = _fresh(case.dt, seed)
    model = {"tau_m": case.tau, "C_m": case.tau, "E_L": 0.0, "V_th": case.threshold, "V_reset": case.reset}
    cells = nest.Create("iaf_psc_delta", case.size, {**model, "t_ref": case.refractory})
    cells.V_m = nest.random.uniform(0.0, case.threshold)
    for sources, degree, jump in ((cells[:10_000], 1000, weight), (cells[10_000:], 250, -g * weight)):
        rule = {"rule": "fixed_indegree", "indegree": degree, "allow_multapses": False, "allow_autapses": True}
        nest.Connect(sources, cells, rule, {"weight": jump, "delay": delay})
    outside = nest.Create("poisson_generator", params={"rate": 1000 * 10.0 * eta})
    nest.Connect(outside, cells, syn_spec={"weight": weight, "delay": delay})
    return measure_group(*_spikes(nest, cells, case), case)
