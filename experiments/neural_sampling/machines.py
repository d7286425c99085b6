"""Small Boltzmann machines, what samples them, and how far the samples are from the exact sum."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

import jaxsnn_noise as jn
from jaxsnn_noise import networks, random, theory

if TYPE_CHECKING:
    import xarray as xr

BINS = 40
"""Bins of a run."""
DURATION, DT = 10.0, 0.1
"""Of LIF networks [ms]."""


def drawn(key: Any, config: Any) -> tuple[jax.Array, jax.Array]:
    """Couplings [unit, unit] and biases [unit] of a key."""
    root, size = random.root(key), config.units
    half = jnp.triu(random.normals(random.stream(root, "couplings"), (size, size)), 1)
    return config.spread * (half + half.T), config.spread * random.normals(random.stream(root, "biases"), (size,))


def all_drawn(config: Any) -> tuple[np.ndarray, np.ndarray]:
    """Those of all machines [machine, ...], at the keys that ``Realisations`` gives its builder."""
    words = [
        random.stream(random.member(random.root(config.seed), machine=k), "realisation") for k in range(config.machines)
    ]
    found = [drawn(jax.random.wrap_key_data(one, impl="threefry2x32"), config) for one in words]
    return tuple(np.stack([np.asarray(one[k], np.float64) for one in found]) for k in (0, 1))  # type: ignore[return-value]


def guessed() -> networks.Activation:
    """An activation that was not measured, for a look at the networks."""
    return networks.Activation(-0.37, 0.57)


def builders(config: Any, activation: networks.Activation) -> dict[str, tuple[Any, float, float]]:
    """From a key to a network, how long its spikes last, and its step: independent units, abstract neurons, LIF neurons of two kinds of synapses."""
    n = float(config.steps)
    lif = {"duration": DURATION, "dt": DT}

    def builder(make: Any, scale: float, *args: Any, **options: Any) -> Any:
        def build(key: Any) -> jn.Network:
            w, b = drawn(key, config)
            network: jn.Network = make(scale * w, b, *args, **options)
            return network

        return build

    return {
        "independent": (builder(networks.abstract_sampler, 0.0, duration=1.0, dt=1.0), 1.0, 1.0),
        "abstract": (builder(networks.abstract_sampler, 1.0, duration=n, dt=1.0), n, 1.0),
        "exponential": (builder(networks.lif_sampler, 1.0, activation, **lif), DURATION, DT),
        "rectangular": (builder(networks.lif_sampler, 1.0, activation, rectangular=True, **lif), DURATION, DT),
    }


def simulations(config: Any, activation: networks.Activation) -> dict[str, jn.Simulation]:
    """Of one machine."""
    made = builders(config, activation)
    return {name: _simulation(build(0), lasts, dt, config) for name, (build, lasts, dt) in made.items()}


def _simulation(network: Any, lasts: float, dt: float, config: Any) -> jn.Simulation:
    time = config.durations * lasts
    states = {"s": jn.statistics.StateCounts(lasts, time / BINS)}
    return jn.Simulation(network, {}, duration=time, dt=dt, warmup=config.settling * lasts, statistics=states)


def measured(config: Any, progress: Any) -> xr.Dataset:
    """Counts [network, machine, trial, bin, state] as shares, with NaN where a network has fewer trials, and the targets."""
    import xarray

    w, b = all_drawn(config)
    cells = networks.lif_population(41)
    activation = networks.measured_activation(cells, duration=DURATION, dt=DT, time=config.calibration, key=config.seed)
    found: dict[str, Any] = {}
    for name, (build, lasts, dt) in builders(config, activation).items():
        trials = config.lif_trials if name in ("exponential", "rectangular") else config.trials
        # realisations have noise of their own, which machines along a sweep would share
        axes = [jn.Realisations(config.machines, build, name="machine"), jn.Trials(trials)]
        sim = _simulation(build(0), lasts, dt, config)
        with progress.task(name, unit="members") as task:
            data = jn.monte_carlo(sim, axes, key=config.seed, progress=task.update, store=progress.folder(name))
        counts = data["s_counts"].transpose("machine", "trial", ...).values
        found[name] = (("machine", f"trial_{name}", "bin", "state"), counts)
        target = theory.boltzmann_probabilities(0 * w if name == "independent" else w, b)
        found[f"target_{name}"] = (("machine", "state"), target)
    midpoint, width = float(activation.midpoint), float(activation.width)
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
