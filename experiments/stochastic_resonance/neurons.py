"""The response of noisy neurons to a weak cosine: one spectral line, and the density beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

import jaxsnn_noise as jn

from .estimates import NEURON, TAU

if TYPE_CHECKING:
    import xarray as xr

SIGMA = "network.cells.noise.membrane.amplitude.sigma"
LINES = ("at", "below", "above")
"""The frequency of the signal, and those one period of the measured time away."""


def amplitude(sigma: Any, frequency_hz: Any, config: Any) -> np.ndarray:
    """Of the cosine [mV]: its course of the membrane has ``strength`` times sigma at every frequency."""
    lag = 2.0 * np.pi * np.asarray(frequency_hz) * TAU / 1000.0
    return np.asarray(config.strength * np.asarray(sigma) * np.sqrt(1.0 + lag**2))


def single(config: Any) -> jn.Simulation:
    """Neurons without connections, each with a noise of its own."""
    return _simulation(config, {})


def recurrent(config: Any) -> jn.Simulation:
    """The same neurons, connected at random."""
    synapse = jn.synapses.Exponential(config.tau_syn)
    dense = jn.synapses.Dense("cells", "cells", weights(config)[0], kinetics=synapse)
    return _simulation(config, {"recurrent": dense})


def weights(config: Any) -> np.ndarray:
    """The weights of all networks [network, target, source]."""
    shape = (config.size, config.size)
    options = {"shape": shape, "probability": config.probability, "std": config.weight_std}
    return np.stack([jn.synapses.random_weights(**options, key=2000 + i) for i in range(config.networks)])


def _simulation(config: Any, projections: dict[str, Any]) -> jn.Simulation:
    noise = jn.noise.VoltageNoise(jn.noise.Diffusion(config.primary / TAU**0.5))
    cells = jn.Population(
        jn.neurons.LIF(config.size, **NEURON), noise={"membrane": noise}, firing=jn.BridgeThreshold(times=True)
    )
    course = courses([config.primary], [config.frequency_hz], config)[0]
    lines = lines_of(config.frequency_hz, config)
    return jn.Simulation(
        jn.Network({"cells": cells}, projections),
        {"cells": jn.coding.TimeSeries(course)},
        duration=config.duration,
        dt=config.dt,
        warmup=config.warmup,
        statistics={"count": jn.statistics.SpikeCount()}
        | {name: jn.statistics.VectorStrength(f) for name, f in lines.items()},
    )


def lines_of(frequency_hz: Any, config: Any) -> dict[str, Any]:
    """The three frequencies that are looked at [Hz]."""
    beside = 1000.0 / config.duration
    return dict(zip(LINES, (frequency_hz, frequency_hz - beside, frequency_hz + beside), strict=True))


def courses(sigma: Any, frequency_hz: Any, config: Any, sign: float = 1.0) -> np.ndarray:
    """The drive in each step [cell, time]: a cosine about the mean."""
    steps = round((config.warmup + config.duration) / config.dt)
    turns = np.asarray(frequency_hz)[:, None] * (np.arange(steps) * config.dt - config.warmup) / 1000.0
    height = amplitude(sigma, frequency_hz, config)[:, None]
    return (config.mean + sign * height * np.cos(2.0 * np.pi * turns)).astype(np.float32)


def responses(
    sim: jn.Simulation, sigma: Sequence[float], frequency_hz: Sequence[float], extra: Sequence[Any], *,
    trials: int, blocks: int, key: int, config: Any, store: Any, told: Any,
) -> xr.Dataset:  # fmt: skip
    """Means over blocks of trials [cell, ..., block] of what the ratio is made of.

    Each cell is run with the cosine and with its negative, by the same random numbers; ``real`` and ``imag`` [Hz] are half the
    difference of the spectral line, in which what is even in the amplitude drops out, and most of the noise. ``density`` [Hz] is
    the spectral density of a neuron beside the line, ``pooled`` that of the sum of all over their number.
    """
    two = np.repeat(np.asarray(sigma, np.float64), 2), np.repeat(np.asarray(frequency_hz, np.float64), 2)
    drive = np.stack([courses(*two, config), courses(*two, config, -1.0)])[np.arange(len(two[0])) % 2, np.arange(len(two[0]))]  # fmt: skip
    values = {SIGMA: (two[0] / TAU**0.5).astype(np.float32), "inputs.cells.values": drive}
    values |= {f"statistics.{name}.frequency_hz": f.astype(np.float32) for name, f in lines_of(two[1], config).items()}
    axes = [jn.Vary(values, name="cell"), *extra, jn.Trials(trials)]
    data = jn.monte_carlo(sim, axes, key=key, store=store, progress=told)
    line, *beside = (_line(data, name, config) for name in LINES)
    odd = 0.5 * (line.isel(cell=slice(0, None, 2)) - line.isel(cell=slice(1, None, 2)))
    seconds = config.duration / 1000.0
    each = _power(beside, over=("cells_neuron",))
    summed = _power([one.mean("cells_neuron") for one in beside], over=())
    mean = odd.mean("cells_neuron")
    found = mean.real.to_dataset(name="real").assign(
        imag=mean.imag,
        density=seconds * each,
        pooled=seconds * config.size * summed,
        rate=data["count"].mean("cells_neuron").isel(cell=slice(0, None, 2)) / seconds,
    )
    found = (
        found.coarsen(trial=trials // blocks)
        .mean()
        .rename(trial="block")
        .drop_vars(["trial", "block"], errors="ignore")
    )
    made = {"sigma": sigma, "frequency": frequency_hz, "amplitude": amplitude(sigma, frequency_hz, config)}
    labels = {name: ("cell", np.asarray(value, np.float64)) for name, value in made.items()}
    return found.drop_vars("cell", errors="ignore").assign_coords(labels).assign_attrs(data.attrs)


def _line(data: xr.Dataset, name: str, config: Any) -> xr.DataArray:
    """Fourier component of each spike train [Hz]."""
    strength, phase = (data[f"{name}_{part}"].fillna(0.0).astype(np.float64) for part in ("strength", "phase"))
    found = data["count"] * strength * np.exp(1j * phase) * (1000.0 / config.duration)
    return found.drop_vars("cell")


def _power(lines: list[Any], over: tuple[str, ...]) -> xr.DataArray:
    """Mean square of both lines, and of both signs of the signal [Hz^2]."""
    square = sum((np.abs(one) ** 2).mean(over) for one in lines) / len(lines)
    return 0.5 * (square.isel(cell=slice(0, None, 2)) + square.isel(cell=slice(1, None, 2)))
