"""The cases in Brian2, with its C++ runtime in this process (the Cython target), on one thread.

Arrivals come before the threshold is looked at, as in the other systems; the refractory time has a step more, since Brian2
counts the step of the spike.
"""

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
    Kicked,
    Noisy,
    Released,
    measure,
    measure_group,
)
from helpers.parity.times import CASES as NEURONS
from helpers.parity.times import REARM, under

WHEN = "before_thresholds"
MANY = 40


def simulate(name: str, seed: int) -> dict[str, np.ndarray]:
    """The quantities [group] of a case or of networks."""
    if name in NETWORKS:
        found = [_one_network(NETWORKS[name], seed + k) for k in range(NETWORK.groups)]
        return {key: np.array([one[key] for one in found]) for key in found[0]}
    case = CASES[name]
    b2 = _fresh(case.dt, seed)
    return measure(*_spikes(b2, BUILD[name](b2, case, seed), case), case)


def _fresh(dt: float, seed: int) -> Any:
    b2 = importlib.import_module("brian2")
    b2.start_scope()
    b2.prefs.codegen.target = "cython"
    b2.defaultclock.dt = dt * b2.ms
    b2.seed(seed)
    return b2


def _spikes(b2: Any, parts: list[Any], case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Steps and senders after the warm-up; the first of the parts are the cells."""
    monitor = b2.SpikeMonitor(parts[0])
    monitor.active = False
    network = b2.Network(*parts, monitor)
    network.run(case.warmup * b2.ms, namespace={})
    monitor.active = True
    network.run(case.duration * b2.ms, namespace={})
    steps = np.round(np.asarray(monitor.t / b2.ms) / case.dt).astype(int) - round(case.warmup / case.dt)
    return steps, np.asarray(monitor.i)


def _cells(b2: Any, case: Case, equations: str, method: str, **names: Any) -> Any:
    return b2.NeuronGroup(
        case.size if case is NETWORK else case.neurons,
        equations,
        threshold=f"v >= {case.threshold}",
        reset=f"v = {case.reset}",
        refractory=(case.refractory + case.dt) * b2.ms,
        method=method,
        namespace={"tau": case.tau * b2.ms, **names},
    )


def _noisy(b2: Any, case: Noisy, seed: int) -> list[Any]:
    """A step as it is written: that of a free membrane, whose noise is the sum of an own and a shared part."""
    decay = math.exp(-case.dt / case.tau)
    step_std = case.sigma * math.sqrt(-case.tau / 2 * math.expm1(-2 * case.dt / case.tau))
    steps = round((case.warmup + case.duration) / case.dt) + 1
    rng = np.random.default_rng(seed)
    shared = b2.TimedArray(rng.normal(size=(steps, case.groups)), dt=case.dt * b2.ms)
    names = {"decay": decay, "own": step_std * math.sqrt(1 - case.shared), "common": step_std * math.sqrt(case.shared)}
    cells = _cells(b2, case, "v : 1\ngroup : integer (constant)", "euler", shared=shared, **names)
    cells.group = np.arange(case.neurons) // case.size
    step = (
        f"v = v + int(not_refractory) * ((1 - decay) * ({case.drive} - v) + own * randn() + common * shared(t, group))"
    )
    operation = cells.run_regularly(step, when="groups")
    return [cells, operation]


def _shared(b2: Any, cells: Any, case: Exponential | Conducting, variable: str) -> list[Any]:
    """A Poisson train for each group, whose spikes all of its neurons get: many sources, which fire once in a step at most."""
    sources = b2.PoissonGroup(case.groups * MANY, case.shared_hz / MANY * b2.Hz)
    synapses = b2.Synapses(sources, cells, on_pre=f"{variable}_post += {case.weight}")
    target = np.repeat(np.arange(case.neurons), MANY)
    synapses.connect(i=(target // case.size) * MANY + np.tile(np.arange(MANY), case.neurons), j=target)
    return [sources, synapses]


def _input(b2: Any, cells: Any, variable: str, rate: float, weight: float) -> Any:
    """Poisson numbers: a binomial one of a thousand sources of a thousandth of the rate."""
    return b2.PoissonInput(cells, variable, 1000, rate / 1000 * b2.Hz, weight)


def _exponential(b2: Any, case: Exponential, seed: int) -> list[Any]:
    equations = "dv/dt = (current - v) / tau : 1 (unless refractory)\ndcurrent/dt = -current / tau_syn : 1"
    cells = _cells(b2, case, equations, "exact", tau_syn=case.tau_syn * b2.ms)
    own = _input(b2, cells, "current", case.own_hz, case.weight)
    return [cells, own, *_shared(b2, cells, case, "current")]


def _conductance(b2: Any, case: Conducting, seed: int) -> list[Any]:
    """Integrated by Runge and Kutta's method of fourth order; conductances over that of the leak."""
    equations = f"""
    dv/dt = ({case.rest} - v + excite / {case.leak} * ({case.excitatory} - v) + inhibit / {case.leak} * ({case.inhibitory} - v)) / tau : 1 (unless refractory)
    dexcite/dt = -excite / tau_e : 1
    dinhibit/dt = -inhibit / tau_i : 1
    """
    names = {"tau_e": case.tau_excitation * b2.ms, "tau_i": case.tau_inhibition * b2.ms}
    cells = _cells(b2, case, equations, "rk4", **names)
    cells.v = case.rest
    own = _input(b2, cells, "excite", case.own_hz, case.weight)
    inhibition = _input(b2, cells, "inhibit", case.inhibition_hz, case.inhibition)
    return [cells, own, inhibition, *_shared(b2, cells, case, "excite")]


def _quantal(b2: Any, case: Released, seed: int) -> list[Any]:
    """Each site by itself: whether it is filled meanwhile, and whether it releases; a draw for each, since sites are alike."""
    cells = _cells(b2, case, "dv/dt = -v / tau : 1 (unless refractory)", "exact")
    sources = b2.PoissonGroup(case.groups * case.sources, case.source_hz * b2.Hz)
    sites = range(case.sites)
    model = "\n".join(["use : 1", "last : second", "refilled : 1", *(f"full{k} : 1\ndrawn{k} : 1" for k in sites)])
    refill = [f"drawn{k} = rand()\nfull{k} = clip(full{k} + int(drawn{k} < refilled), 0, 1)" for k in sites]
    release = [f"drawn{k} = full{k} * int(rand() < use)\nfull{k} = full{k} - drawn{k}" for k in sites]
    code = "\n".join(
        [
            "refilled = 1 - exp(-(t - last) / tau_rec)",
            *refill,
            f"use = {case.use} + use * (1 - {case.use}) * exp(-(t - last) / tau_fac)",
            *release,
            "last = t",
            f"v_post += {case.jump} * ({' + '.join(f'drawn{k}' for k in sites)})",
        ]
    )
    names = {"tau_rec": case.tau_rec * b2.ms, "tau_fac": case.tau_fac * b2.ms}
    synapses = b2.Synapses(sources, cells, model, on_pre=code, namespace=names)
    target = np.repeat(np.arange(case.neurons), case.sources)
    source = (target // case.size) * case.sources + np.tile(np.arange(case.sources), case.neurons)
    synapses.connect(i=source, j=target)
    for k in sites:
        setattr(synapses, f"full{k}", 1)
    synapses.pre.when = WHEN
    return [cells, sources, synapses]


def _kicked(name: str) -> Callable[[Any, Kicked, int], list[Any]]:
    """A neuron of ``helpers.parity.times``, moved by Runge and Kutta's method, and then its potential by own and shared noise."""

    def build(b2: Any, case: Kicked, seed: int) -> list[Any]:
        neuron = NEURONS[name]
        steps = round((case.warmup + case.duration) / case.dt) + 1
        values = np.random.default_rng(seed).normal(size=(steps, case.groups))
        equations = under(name, case.drive) + "\ngroup : integer (constant)"
        names = {"common": b2.TimedArray(values, dt=case.dt * b2.ms)}
        cells = b2.NeuronGroup(
            case.neurons, equations, threshold=neuron.threshold, reset=neuron.reset, method="rk4",
            namespace=names,
        )  # fmt: skip
        cells.group = np.arange(case.neurons) // case.size
        for variable, value in neuron.start.items():
            setattr(cells, variable, value)
        own, shared = (case.sigma * math.sqrt(case.dt * part) for part in (1 - case.shared, case.shared))
        kick = f"v = v + {own} * randn() + {shared} * common(t, group)"
        rearm = [REARM] if "armed" in neuron.start else []
        return [cells, cells.run_regularly("\n".join([kick, *rearm]), when="after_groups")]

    return build


BUILD: dict[str, Callable[[Any, Any, int], list[Any]]] = {
    "noisy": _noisy,
    "exponential": _exponential,
    "conductance": _conductance,
    "quantal": _quantal,
    "adex": _kicked("adex"),
    "izhikevich": _kicked("izhikevich"),
    "axon": _kicked("axon"),
}


def _one_network(panel: str, seed: int) -> dict[str, float]:
    """One network of Brunel (2000): in-degrees are exact, sources distinct."""
    case, (g, eta), weight, delay = NETWORK, PANELS[panel], 0.1, 1.5
    b2, rng = _fresh(case.dt, seed), np.random.default_rng(seed)
    cells = _cells(b2, case, "dv/dt = -v / tau : 1 (unless refractory)", "exact")
    cells.v = f"rand() * {case.threshold}"
    parts = [cells, b2.PoissonInput(cells, "v", 100_000, eta * 10.0 / 100 * b2.Hz, weight, when=WHEN)]
    for first, number, degree, jump in ((0, 10_000, 1000, weight), (10_000, 2500, 250, -g * weight)):
        chosen = [rng.choice(number, degree, replace=False, shuffle=False).astype(np.int32) for _ in range(case.size)]
        source, target = (
            np.concatenate(chosen) + np.int32(first),
            np.repeat(np.arange(case.size, dtype=np.int32), degree),
        )
        synapses = b2.Synapses(cells, cells, on_pre=f"v_post += {jump}", delay=(delay - case.dt) * b2.ms)
        synapses.pre.when = WHEN
        synapses.connect(i=source, j=target)
        parts.append(synapses)
    return measure_group(*_spikes(b2, parts, case), case)
