"""What is simulated, and the theory of escapes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import jaxsnn_noise as jn
from jaxsnn_noise import theory

from . import puzzles

if TYPE_CHECKING:
    import xarray as xr

TAU, PEAK, LOWEST = 10.0, 3.0, -2.5
BARRIER = 1.0 / (6.0 * TAU)
"""Height of the barrier [mV^2/ms]."""


def potential(v: np.ndarray) -> np.ndarray:
    """``U`` of ``tau dv/dt = v (v - 1)`` [mV^2/ms]."""
    return np.asarray((v**2 / 2 - v**3 / 3) / TAU)


def sigmas(config: Any) -> np.ndarray:
    """Noise at which the barrier has these heights over D [mV/sqrt(ms)]."""
    return np.sqrt(2 * BARRIER / np.asarray(config.heights))


def particles(config: Any) -> jn.Simulation:
    """Neurons whose spikes are escapes."""
    neuron = jn.neurons.QIF(config.neurons, tau_mem=TAU, v_rest=0.0, v_critical=1.0, v_peak=PEAK, v_reset=0.0)
    noise = {"membrane": jn.noise.VoltageNoise(jn.noise.Diffusion(0.1))}
    cells = jn.Population(neuron, noise=noise)
    return jn.Simulation(
        jn.Network({"cells": cells}),
        {},
        duration=config.duration,
        dt=config.dt,
        warmup=10 * TAU,
        statistics={"rate": jn.statistics.Rate()},
    )


def escapes(config: Any, progress: Any) -> xr.Dataset:
    """Rate of escape [height, trial], all particles together, in Hz."""
    path = "network.cells.noise.membrane.amplitude.sigma"
    axes = [jn.Sweep(path, sigmas(config).astype(np.float32), name="sigma"), jn.Trials(config.trials)]
    with progress.task("escape", unit="members") as task:
        data = jn.monte_carlo(particles(config), axes, key=config.seed, progress=task.update, store=progress.folder("escape"))  # fmt: skip
    rate = data["rate"].mean("cells_neuron").transpose("sigma", "trial")
    return rate.to_dataset().rename(sigma="height").assign_coords(height=list(config.heights)).assign_attrs(data.attrs)


def exact(config: Any) -> np.ndarray:
    """Mean escape times [height] in ms, by quadrature."""
    return np.asarray(theory.passage_time(potential, start=0.0, end=PEAK, lowest=LOWEST, sigma=sigmas(config)))


def kramers(config: Any) -> np.ndarray:
    """By Kramers' formula [height] in ms."""
    return np.asarray(theory.kramers_time(BARRIER, sigma=sigmas(config), well=1 / TAU, top=1 / TAU))


def searches(config: Any, progress: Any) -> xr.Dataset:
    """Steps to a solution, NaN if none is found: of the network [width, puzzle, repeat], of the others [search, puzzle, repeat]."""
    import xarray

    rng = np.random.default_rng((config.seed, 3))
    given = [puzzles.puzzle(rng, config.clues) for _ in range(config.puzzles)]
    axes = [
        jn.Sweep("network.units.firing.width", np.asarray(config.widths, np.float32), name="width"),
        jn.Samples(np.stack([puzzles.biases(one) for one in given]).astype(np.float32), "network.units.neuron.v_rest", name="puzzle"),
        jn.Trials(config.repeats),
    ]  # fmt: skip
    with progress.task("network", unit="members") as task:
        data = jn.monte_carlo(puzzles.network(config.steps), axes, key=config.seed, progress=task.update, store=progress.folder("network"))  # fmt: skip
    solved = data["solved"].transpose("width", "puzzle", "trial").values
    others = np.stack(
        [
            [puzzles.annealed(one, config.steps, config.hot, config.cold, rng, config.repeats) for one in given],
            [puzzles.restarted(one, config.steps, rng, config.repeats) for one in given],
        ]
    )
    return xarray.Dataset(
        {"network": (("width", "puzzle", "repeat"), solved), "others": (("search", "puzzle", "repeat"), others)},
        {"width": list(config.widths), "search": ["annealing", "restarts"]},
    ).assign_attrs(data.attrs)
