"""Calls of public functions with arguments that are good, for :mod:`helpers.fuzz` to spoil one at a time."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import xarray
from scipy import stats

import jaxsnn_noise as jn
from helpers import small_task
from helpers.nets import SIGMA, recurrent
from helpers.surface import callables
from jaxsnn_noise.distributions import Logistic

RATE = {"rate": jn.statistics.Rate()}

THEORY: dict[str, Any] = {
    "mean": 0.8, "sigma": 0.2, "tau_mem": 20.0, "v_threshold": 1.0, "v_reset": 0.0, "refractory": 2.0, "dt": 0.1, "time": 5.0,
    "start": 0.0, "lag": 2.0, "duration": 100.0, "std": 0.3, "tau_noise": 5.0, "resistance": 2.0, "rate_hz": 10.0, "jump": 0.1,
    "jump_std": 0.05, "probability": 0.1, "weights": np.ones((2, 3)), "intensity": 0.1, "fraction": 0.3, "size": 10,
    "correlation": 0.1, "beta": 0.9, "drive": 1.0, "margin": -0.1, "width": 0.2, "at_threshold_hz": 100.0, "hazard_hz": 50.0,
    "dead_time": 2.0, "steps": 100, "cv": 0.8, "skewness": 1.0, "use": 0.5, "resources": 0.8, "sites": 5, "tau_rec": 100.0,
    "tau_fac": 50.0, "a_plus": 0.01, "a_minus": 0.01, "tau_plus": 20.0, "tau_minus": 20.0, "conductance": 0.1, "tau_syn": 5.0,
    "reversal": 60.0, "v_rest": 0.0, "weight": 0.01, "charge": 1.0, "amplitude": 0.1, "before": 0.5, "after": 0.9,
    "brunel": 0.5, "lag_steps": 3, "state_std": 0.1, "threshold_std": 0.1, "frequency_hz": 20.0, "up_hz": 10.0, "down_hz": 30.0,
    "f_low_hz": 1.0, "f_high_hz": 100.0, "processes": 6, "loadings": np.full((3, 2), 0.5), "distance": 1.0, "length": 2.0,
    "private": 0.1, "signal": np.ones(3), "additive": 0.1, "relative": 0.2,
    "tau_stages": [5.0, 10.0], "order": 2, "channels": 10, "tau_rise": 1.0, "fibres": 4, "potential": -60.0,
    "magnesium": 1.0, "depth": 0.5, "v_critical": 0.5, "v_peak": 2.0,
    "units": 8, "relative_noise": 0.5, "largest_hz": 300.0, "slope": 0.01, "c1": 0.72, "c2": 0.56, "shape": 2.0, "external_hz": 20.0,
    "density": 10.0, "number": 100, "ion": "na", "e_na": 115.0,
    "warmup": 10.0, "logistic": False, "subtract": False,
    "inhibition": 5.0, "excitatory": 100, "inhibitory": 25, "external": 100,
    "injected": 2, "share": 0.4, "confidence": 0.9, "resolution": 0.1, "leak_bits": 12, "age": 100.0, "programmed": 0.5, "drifted": 0.4,
    "temperature": 300.0, "design_temperature": 310.0, "n": 1.3, "overdrive": 0.05, "vth_tempco": 0.001, "mobility_exponent": 1.5,
    "vth": 0.005, "voff": 0.005, "nfactor": 0.02, "n_per_nfactor": 0.2, "tox": 0.01, "gain": 0.01, "kappa": 0.7, "capacitance": 1.0,
    "current": 0.5, "i_tau": 0.01, "i_th": 0.05, "i_spike": 1.0, "i_reset": 0.01, "pulse": 0.1,
    "map_slope": 0.5, "coefficients": [0.2, -0.1], "reach": 1.0,
    "hazard": lambda margin, slope: 20.0 * np.exp(5.0 * margin), "intervals": stats.gamma(4, scale=12.5),
}  # fmt: skip
"""Good values of the arguments of closed forms, by name."""

MACHINE: dict[str, Any] = {"weights": [[0.0, 0.5], [0.5, 0.0]], "biases": [0.1, -0.2]}
WINDOW: dict[str, Any] = {"dt": 1.0, "duration": 10.0, "warmup": 2.0}
OTHERWISE: dict[str, dict[str, Any]] = {
    "membrane_noise_renewal": WINDOW,
    "threshold_noise_renewal": WINDOW,
    "enumerated_network": {"weights": [[0.0, 0.5], [0.5, 0.0]], "steps": 3},
    "boltzmann_probabilities": MACHINE,
    "boltzmann_marginals": MACHINE,
    "neural_sampling": MACHINE | {"steps": 5},
    "fault_sample_size": {"margin": 0.05},
    "kramers_time": {"barrier": 0.3, "well": 2.0, "top": 1.0},
    "passage_time": {"potential": np.square, "end": 1.0, "lowest": -1.0},
    "kullback_leibler": {"probabilities": [0.25, 0.75], "reference": [0.5, 0.5]},
    "sampled_divergence": {"probabilities": [0.25, 0.75], "correlation_times": [1.0, 2.0], "samples": 100.0},
}
"""Those of closed forms of their own kind."""


@functools.cache
def table() -> xarray.DataArray:
    """Counts over chips, trials, bins and neurons."""
    counts = np.random.default_rng(0).integers(0, 2, (4, 6, 5, 3))
    dims = ("device", "trial", "bin", "neuron")
    return xarray.DataArray(
        counts, dims=dims, coords={d: np.arange(n) for d, n in zip(dims, counts.shape, strict=True)}
    )


@functools.cache
def small() -> jn.Simulation:
    """Three neurons for ten steps."""
    return recurrent(3, duration=10.0, statistics=RATE)


@functools.cache
def result() -> Any:
    """A study of three trials."""
    return jn.monte_carlo(small(), [jn.Trials(3)], key=0, progress=False)


def closed_forms() -> Iterator[tuple[str, Callable[..., Any], dict[str, Any]]]:
    """Every function of the theory."""
    for name, function in sorted(callables().items()):
        if name.startswith("jaxsnn_noise.theory.") and not inspect.isclass(function):
            names = inspect.signature(function).parameters
            good = {"noise": Logistic()} | THEORY | OTHERWISE.get(name.split(".")[-1], {})
            yield name, function, {k: good[k] for k in names}


def reductions() -> Iterator[tuple[str, Callable[..., Any], dict[str, Any]]]:
    """Every function over members."""
    array, flat, reduce = table(), table().isel(bin=0, drop=True), jn.reduce
    over = ("device", "trial")
    yield (
        "reduce.mean_and_error",
        reduce.mean_and_error,
        {"array": flat, "over": over, "confidence": 0.95, "nested": None},
    )
    proportion = {"array": flat, "over": over, "confidence": 0.95, "out_of": 1, "nested": None}
    yield "reduce.proportion", reduce.proportion, proportion
    contrast = {"array": flat, "dim": "neuron", "reference": 0, "over": over, "confidence": 0.95, "nested": None}
    yield "reduce.paired_contrast", reduce.paired_contrast, contrast
    yield "reduce.variance_components", reduce.variance_components, {"array": flat, "over": over, "nested": None}
    for name in ("at_least", "at_most"):
        claim = {"values": flat, "bound": 0.5, "over": over, "confidence": 0.95, "nested": None, "correction": None}
        yield f"reduce.{name}", getattr(reduce, name), claim
    yield "reduce.fano_factor", reduce.fano_factor, {"counts": flat, "over": "trial", "confidence": 0.95, "groups": 4}
    binned = {"binned": array.isel(device=0, drop=True), "over": "trial", "confidence": 0.95, "chunk": None}
    yield "reduce.psth", reduce.psth, {**binned, "bins": "bin", "bin_ms": 5.0}
    yield "reduce.reliability", reduce.reliability, {**binned, "bins": "bin", "groups": 4}
    ratio = lambda part: part["a"] / part["b"]  # noqa: E731
    yield (
        "reduce.pseudovalues",
        reduce.pseudovalues,
        {"parts": flat.to_dataset(name="a").assign(b=flat + 1.0), "estimate": ratio, "over": "trial"},
    )
    yield "reduce.decide", reduce.decide, {"low": 0.1, "high": 0.2, "rule": reduce.AtMost(0.3)}
    yield "reduce.every", reduce.every, {"claims": reduce.at_most(flat, 0.5, over), "over": "neuron"}


def runs() -> Iterator[tuple[str, Callable[..., Any], dict[str, Any]]]:
    """What runs simulations, and what is built for them."""
    sim, axes = small(), [jn.Trials(2)]
    network, inputs = sim.network, sim.inputs
    yield (
        "simulate",
        jn.simulate,
        {"sim": sim, "key": 0, "address": {"trial": 1}, "statistics": RATE, "backend": jn.Scan()},
    )
    yield "start", jn.start, {"sim": sim, "key": 0, "address": {"trial": 1}}
    state = jn.start(sim, key=0)
    yield "advance", jn.advance, {"sim": sim, "state": state, "duration": 5.0, "statistics": RATE}
    yield "as_function", jn.as_function, {"sim": sim, "leaves": [SIGMA], "outputs": ["rate"], "key": 0}
    yield "report", jn.report, {"sim": sim}
    yield "with_noise", jn.with_noise, {"system": sim, "sources": {}}
    yield "without_noise", jn.without_noise, {"system": sim}
    yield "paths.get", jn.paths.get, {"tree": sim, "path": SIGMA}
    yield "paths.replace", jn.paths.replace, {"tree": sim, "values": {SIGMA: 0.2}}
    population = {
        "neuron": jn.neurons.LIF(3),
        "noise": {},
        "firing": None,
        "initial": None,
        "stepper": None,
        "combine": None,
    }
    yield "Population", jn.Population, population
    yield "Port", jn.Port, {"size": 3}
    yield "Network", jn.Network, {"populations": network.populations, "projections": network.projections}
    whole = {"network": network, "inputs": inputs, "duration": 10.0, "dt": 1.0, "warmup": 5.0, "imperfections": {}}
    yield "Simulation", jn.Simulation, {**whole, "statistics": RATE, "frozen": {"inputs": ("trial",)}}
    yield "Cases", jn.Cases, {"simulations": {"a": sim}, "name": "case"}
    yield "Grid", jn.Grid, {"sim": sim, "axes": axes, "key": 0, "statistics": RATE, "backend": jn.Scan()}
    weights = {"shape": (3, 3), "probability": 0.5, "std": 0.1, "key": 0}
    yield "random_weights", jn.synapses.random_weights, weights
    yield "networks.feedforward", jn.networks.feedforward, {"sizes": [3, 4, 2], "key": 0}
    noisy = {"std": 0.2, "state_std": 0.1, "distribution": None, "populations": None}
    yield (
        "networks.noise_driven",
        jn.networks.noise_driven,
        {"system": jn.networks.feedforward([3, 4, 2], key=0)} | noisy,
    )
    twin = {"system": jn.networks.feedforward([3, 4, 2], key=0, firing=jn.NoisyThreshold(0.2))}
    yield "networks.deterministic_twin", jn.networks.deterministic_twin, twin
    sampler = MACHINE | {"duration": 10.0, "dt": 1.0}
    deep = jn.networks.feedforward([3, 4, 4, 2], key=0)
    ends = {"patterns": "*.tau_mem", "first": 2.0, "last": 8.0}
    yield "networks.graded", jn.networks.graded, {"network": deep} | ends
    spread = {"patterns": "*.tau_mem", "law": jn.laws.LogNormal(0.5), "key": 0}
    yield "networks.heterogeneous", jn.networks.heterogeneous, {"tree": deep} | spread
    yield "networks.abstract_sampler", jn.networks.abstract_sampler, sampler
    lif = {"activation": jn.networks.Activation(0.0, 1.0), "rectangular": True, "tau_mem": 1.5}
    yield "networks.lif_sampler", jn.networks.lif_sampler, sampler | lif
    cells = {"duration": 10.0, "dt": 1.0, "tau_mem": 1.0, "tau_noise": 10.0, "std": 1.0, "v_rest": 0.0}
    yield "networks.lif_population", functools.partial(jn.networks.lif_population, 5), cells
    measured = {
        "population": jn.networks.lif_population(9, dt=1.0),
        "duration": 10.0,
        "key": 0,
        "dt": 1.0,
        "time": 200.0,
        "reach": 2.0,
    }
    yield "networks.measured_activation", jn.networks.measured_activation, measured


def studies() -> Iterator[tuple[str, Callable[..., Any], dict[str, Any]]]:
    """What runs studies."""
    sim, axes = small(), [jn.Trials(2)]
    study = {"sim": sim, "axes": axes, "key": 0, "chunk": 2, "statistics": RATE, "backend": jn.Scan(), "workers": 1}
    yield "monte_carlo", jn.monte_carlo, {**study, "store": None, "progress": False}
    yield "plan", jn.plan, {**study, "timed": False}
    again = {"result": result(), "grid": None, "statistics": RATE, "sel": {"trial": 1}, "chunk": 2, "workers": 1}
    yield "replay", jn.replay, {**again, "progress": False}
    yield "chip", jn.chip, {"grid": result(), "sel": {"trial": 1}}
    picture = {"network": sim.network, "batch": np.zeros((2, 3)), "key": 0, "steps": 5}
    signature = inspect.signature(jn.apply).parameters
    yield "apply", jn.apply, {k: v for k, v in picture.items() if k in signature}


def trainings() -> Iterator[tuple[str, Callable[..., Any], dict[str, Any]]]:
    """What trains, and what is done with what was trained."""
    data = small_task.points(12)
    fit = {
        "system": small_task.quiet, "train": data, "key": 3, "validation": data, "loss": None, "optimiser": small_task.SGD,
        "shown": "input", "trainable": "network.*.weights", "transforms": None, "tied": (), "augment": None, "noise": None, "epochs": 1,
        "batch_size": 6, "patience": None, "seeds": 1, "seeds_at_once": 1, "checkpoint": None, "callback": None, "backend": None,
        "progress": False, "check_start": False,
    }  # fmt: skip
    yield "training.fit", jn.training.fit, fit
    network = small_task.quiet(0).network
    yield "training.trainable", jn.training.trainable, {"tree": network, "patterns": "*.weights"}
    yield (
        "training.free_space",
        jn.training.free_space,
        {"tree": network, "patterns": "*.weights", "transforms": None, "tied": ()},
    )
    cell = jn.Population(jn.neurons.LIF(2, refractory=2.0), firing=jn.firing.NoisyThreshold(0.3))
    drive = {"cells": jn.coding.Constant(1.0)}
    sim = jn.Simulation(jn.Network({"cells": cell}), drive, duration=4.0, dt=1.0)
    yield "training.clamped", jn.training.clamped, {"sim": sim, "spikes": {"cells": np.eye(4)[:, :2]}}
    fitted = jn.training.fit(**fit)
    yield "Fitted.predict", fitted.predict, {"data": data, "key": 1, "noise": None, "batch_size": 6, "draws": 2}
    yield "Fitted.evaluate", fitted.evaluate, {"data": data, "key": 1, "noise": None, "batch_size": 6}
