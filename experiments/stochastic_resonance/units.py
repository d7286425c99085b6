"""Threshold units that all see one signal: what their number says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import jaxsnn_noise as jn

if TYPE_CHECKING:
    import xarray as xr

DT = 1.0
FORGETS = DT / 50.0
"""Time constant of a unit [ms]: in a step nothing is left of the one before (exp(-50))."""


def array(config: Any) -> jn.Simulation:
    """Units with noise on the threshold, and a signal about it that takes one of its quantiles in each step."""
    neuron = jn.neurons.LIF(config.units, tau_mem=FORGETS, refractory=0.0)
    noise = {"threshold": jn.noise.ThresholdNoise(jn.noise.PerStep(0.0))}
    return jn.Simulation(
        jn.Network({"cells": jn.Population(neuron, noise=noise)}),
        {"cells": jn.coding.TimeSeries(1.0 + levels(config))},
        duration=config.levels * DT,
        dt=DT,
        statistics={"active": jn.statistics.PopulationRate(DT)},
    )


def levels(config: Any) -> np.ndarray:
    """Quantiles of a normal signal of variance 1, equally likely [level] in mV."""
    from scipy import special

    return np.asarray(special.ndtri((np.arange(config.levels) + 0.5) / config.levels))


def numbers(config: Any, *, key: int, store: Any, told: Any) -> xr.Dataset:
    """How often so many units were active [noise, block, level, number], as shares of the block's repeats."""
    import xarray

    path = "network.cells.noise.threshold.amplitude.sigma"
    axes = [jn.Sweep(path, np.asarray(config.noises, np.float32), name="noise"), jn.Trials(config.repeats)]
    data = jn.monte_carlo(array(config), axes, key=key, store=store, progress=told)
    active = data["active"].transpose("noise", "trial", ...).values * (config.units * DT / 1000.0)
    shape = len(config.noises), config.blocks, config.repeats // config.blocks, config.levels
    number = np.rint(active).astype(int).reshape(shape)
    share = np.stack([(number == k).mean(axis=2) for k in range(config.units + 1)], axis=-1)
    coords = {"noise": list(config.noises), "number": np.arange(config.units + 1)}
    found = xarray.Dataset({"share": (("noise", "block", "level", "number"), share)}, coords)
    return found.assign_attrs(data.attrs)
