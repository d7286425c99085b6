"""Small Boltzmann machines, what samples them, and how far the samples are from the exact sum."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import jaxsnn_noise as jn
from jaxsnn_noise import networks, theory

if TYPE_CHECKING:
    import xarray as xr

BINS = 40
"""Bins of a run."""
WEIGHTS, REST = "network.couplings.weights", "network.units.neuron.v_rest"
DURATION, DT = 10.0, 0.1
"""Of LIF networks [ms]."""


def drawn(config: Any) -> tuple[np.ndarray, np.ndarray]:
    """Couplings [machine, unit, unit] and biases [machine, unit]."""
    rng = np.random.default_rng((config.seed, 1))
    half = np.triu(rng.normal(size=(config.machines, config.units, config.units)), 1)
    return config.spread * (half + half.swapaxes(1, 2)), config.spread * rng.normal(
        size=(config.machines, config.units)
    )


def guessed() -> networks.Activation:
    """An activation that was not measured, for a look at the networks."""
    return networks.Activation(-0.37, 0.57)


def simulations(config: Any, activation: networks.Activation) -> dict[str, jn.Simulation]:
    """Of the first machine: independent units, the abstract network, and LIF networks of two kinds of synapses."""
    w, b = (x[0] for x in drawn(config))
    n = float(config.steps)
    made = {
        "independent": (networks.abstract_sampler(0 * w, b, duration=1.0, dt=1.0), 1.0, 1.0),
        "abstract": (networks.abstract_sampler(w, b, duration=n, dt=1.0), n, 1.0),
        "exponential": (networks.lif_sampler(w, b, activation, duration=DURATION, dt=DT), DURATION, DT),
        "rectangular": (networks.lif_sampler(w, b, activation, duration=DURATION, dt=DT, rectangular=True), DURATION, DT),
    }  # fmt: skip
    return {name: _simulation(*one, config) for name, one in made.items()}


def _simulation(network: Any, lasts: float, dt: float, config: Any) -> jn.Simulation:
    time = config.durations * lasts
    states = {"s": jn.statistics.StateCounts(lasts, time / BINS)}
    return jn.Simulation(network, {}, duration=time, dt=dt, warmup=20 * lasts, statistics=states)


def measured(config: Any, progress: Any) -> xr.Dataset:
    """Counts [network, machine, trial, bin, state] as shares, with NaN where a network has fewer trials, and the targets."""
    import xarray

    w, b = drawn(config)
    cells = networks.lif_population(41)
    activation = networks.measured_activation(cells, duration=DURATION, dt=DT, time=config.calibration, key=config.seed)
    midpoint, width = float(activation.midpoint), float(activation.width)
    found: dict[str, Any] = {}
    for k, (name, sim) in enumerate(simulations(config, activation).items()):
        lif = name in ("exponential", "rectangular")
        wires: Any = sim.network.projections["couplings"]
        scale = float(wires.weights[0, 1]) / w[0, 0, 1] if lif else 1.0
        given = {
            WEIGHTS: (0.0 if name == "independent" else scale) * w,
            REST: midpoint + width * b if lif else b,
        }
        axes = [
            jn.Vary({path: x.astype(np.float32) for path, x in given.items()}, name="machine"),
            jn.Trials(config.lif_trials if lif else config.trials),
        ]
        with progress.task(name, unit="members") as task:
            data = jn.monte_carlo(sim, axes, key=config.seed + k, progress=task.update, store=progress.folder(name))
        counts = data["s_counts"].transpose("machine", "trial", ...).values
        found[name] = (("machine", f"trial_{name}", "bin", "state"), counts)
        target = theory.boltzmann_probabilities(0 * w if name == "independent" else w, b)
        found[f"target_{name}"] = (("machine", "state"), target)
    names = {"midpoint": midpoint, "width": width, "error": activation.error}
    return xarray.Dataset(found).assign_attrs({**data.attrs, **names})


def divergence(counts: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Of counts [..., machine, trial, state] from the target [machine, state], in nat."""
    return np.asarray(theory.kullback_leibler(counts / counts.sum(axis=-1, keepdims=True), target[:, None, :]))


def against_time(data: xr.Dataset, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Ends of growing parts [part] in bins, and the mean divergence after them [part, machine]."""
    counts, target = data[name].values, data[f"target_{name}"].values
    parts = np.unique(np.geomspace(1, BINS, 8).round().astype(int))
    return parts, np.stack([divergence(counts[:, :, :n].sum(axis=2), target).mean(axis=1) for n in parts])


def correlation_times(data: xr.Dataset, name: str) -> np.ndarray:
    """Of the indicators [machine, state], in steps, from bins of all trials; those of doubled bins take out the bias."""
    counts = data[name].values[:, :, 1:]
    counts = counts[:, :, : counts.shape[2] // 2 * 2].astype(float)
    steps = counts.sum(axis=-1)[0, 0, 0]
    share = counts / steps
    p = share.mean(axis=(1, 2))
    apart = share - p[:, None, None, :]
    double = 0.5 * (apart[:, :, 0::2] + apart[:, :, 1::2])
    one, two = (steps * np.square(apart).mean(axis=(1, 2)), 2 * steps * np.square(double).mean(axis=(1, 2)))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.nan_to_num((2 * two - one) / (p * (1 - p)))


def rule(data: xr.Dataset, name: str) -> tuple[np.ndarray, np.ndarray]:
    """``2 n KL``, the mean over trials, and ``sum (1 - p) tau`` [machine]."""
    counts, target = data[name].values, data[f"target_{name}"].values
    whole = counts.sum(axis=2)
    n = whole.sum(axis=-1)
    found = (2 * n * divergence(whole, target)).mean(axis=1)
    return found, ((1 - target) * correlation_times(data, name)).sum(axis=-1)


def floor(data: xr.Dataset, name: str) -> np.ndarray:
    """The divergence [machine] of all trials together, less what their length explains, in nat."""
    pooled = data[name].values.sum(axis=(1, 2))[:, None, :]
    target = data[f"target_{name}"].values
    noise = ((1 - target) * correlation_times(data, name)).sum(axis=-1) / (2 * pooled.sum(axis=(1, 2)))
    return divergence(pooled, target)[:, 0] - noise
