"""Small networks that several test files run."""

from __future__ import annotations

from typing import Any

import jaxsnn_noise as jn

SIGMA = "network.cells.noise.membrane.amplitude.sigma"


def recurrent(
    size: int = 100,
    *,
    duration: float = 60.0,
    warmup: float = 0.0,
    statistics: dict[str, Any] | None = None,
    noise: dict[str, Any] | None = None,
    **options: Any,
) -> jn.Simulation:
    """Randomly connected noisy cells, driven above threshold; a flipped spike changes everything after it."""
    sources = {"membrane": jn.noise.VoltageNoise(jn.noise.Diffusion(0.1))} if noise is None else noise
    cells = jn.Population(jn.neurons.LIF(size, tau_mem=10.0, refractory=2.0), noise=sources)
    weights = jn.synapses.random_weights(shape=(size, size), probability=min(1.0, 10 / size), std=1.0, key=1)
    network = jn.Network({"cells": cells}, {"recurrent": jn.synapses.Dense("cells", "cells", weights)})
    return jn.Simulation(
        network,
        {"cells": jn.coding.Constant(1.2)},
        duration=duration,
        dt=1.0,
        warmup=warmup,
        statistics={"raster": jn.statistics.Raster()} if statistics is None else statistics,
        **options,
    )


def layered(*, duration: float = 25.0) -> jn.Simulation:
    """Poisson spikes through a port, a hidden layer that is recurrent, and a readout with a longer delay."""
    dense, weights = jn.synapses.Dense, jn.synapses.random_weights
    exponential = jn.synapses.Exponential(5.0)
    network = jn.Network(
        {
            "input": jn.Port(20),
            "hidden": jn.Population(jn.neurons.LIF(30, refractory=2.0)),
            "output": jn.Population(jn.neurons.LIF(10, tau_mem=15.0)),
        },
        {
            "feed": dense("input", "hidden", weights(shape=(30, 20), probability=1.0, std=4.0, key=1)),
            "loop": dense(
                "hidden", "hidden", weights(shape=(30, 30), probability=0.3, std=1.0, key=2), kinetics=exponential
            ),
            "read": dense("hidden", "output", weights(shape=(10, 30), probability=1.0, std=6.0, key=3), delay=3.0),
        },
    )
    rasters = {"hidden": jn.statistics.Raster(population="hidden"), "output": jn.statistics.Raster(population="output")}
    signal = {"input": jn.coding.PoissonSpikes(100.0)}
    return jn.Simulation(network, signal, duration=duration, dt=1.0, warmup=3.0, statistics=rasters)
