"""What is measured: divisions of budgets by each method, and what they are worth, by theory or by plain Monte Carlo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import jaxsnn_noise as jn
from jaxsnn_noise import gradients
from jaxsnn_noise.gradients.programs import placed

from . import classifiers, neurons
from .searches import Problem, found

if TYPE_CHECKING:
    import xarray as xr

    from jaxsnn_noise.study import Progress

    from . import Config

EQUAL = "equal noise"
EARLY = 3
"""Steps after which a search by gradients is looked at early."""


def measure(config: Config, progress: Progress) -> dict[str, xr.Dataset]:
    """Systems with a known optimum, then classifiers."""
    data = {"systems": progress.stage("systems", lambda: _systems(config, progress))}
    if config.networks:
        data["classifiers"] = progress.stage("classifiers", lambda: _classifiers(config, progress))
    return data


def _systems(config: Config, progress: Progress) -> xr.Dataset:
    """The share of the gap between equal noise and the optimum that each method closes, after each step, without sampling error."""
    import xarray as xr

    drawn = neurons.drawn(config)
    closed = np.empty((len(config.methods), len(drawn), config.steps + 1))
    outputs, best = np.empty((len(drawn), 2)), np.empty((len(drawn), len(neurons.NAMES)))
    with progress.task("systems", unit="systems", total=len(drawn)) as task:
        for k, system in enumerate(drawn):
            counts = system.counts(config)
            best[k] = neurons.optimum(system, counts)
            outputs[k] = [neurons.exact(system, counts, share) for share in (system.equal, best[k])]
            problem = Problem(
                neurons.simulation(system, config), neurons.FalseSpikes(system.weight), neurons.LEAVES, system.price,
                config.trials, config.steps, 10_000 * config.seed + k,
            )  # fmt: skip
            for m, method in enumerate(config.methods):
                reached = [neurons.exact(system, counts, share) for share in found(method, problem)]
                closed[m, k] = (outputs[k, 0] - reached) / (outputs[k, 0] - outputs[k, 1])
            task.advance()
    columns = {
        "closed": (("approach", "system", "step"), closed),
        "output": (("system", "division"), outputs),
        "optimum": (("system", "neuron"), best),
        "equal": (("system", "neuron"), np.stack([system.equal for system in drawn])),
    }
    coords = {"approach": list(config.methods), "division": ["equal", "optimum"], "neuron": list(neurons.NAMES)}
    return xr.Dataset(columns, coords, {"seed": config.seed})


def _classifiers(config: Config, progress: Progress) -> xr.Dataset:
    """Shares by training images, and loss and errors on test images with fresh noise, common to all divisions of a network."""
    import xarray as xr

    shown = classifiers.images(config)
    sims = classifiers.trained(config, shown["train"])
    samples = gradients.FixedSamples(jn.Samples(shown["design"][0]), shown["design"][1])
    leaves, prices = tuple(classifiers.SITES.values()), classifiers.devices(config)
    early = f"{config.methods[0]}, {EARLY} steps"
    designs = [EQUAL, *config.methods, early]
    share = np.empty((len(sims), len(designs), len(leaves)))
    told = {name: np.empty((len(sims), len(designs), config.images)) for name in ("wrong", "loss")}
    quiet = np.empty((len(sims), config.images))
    with progress.task("classifiers", unit="networks", total=len(sims)) as task:
        for k, sim in enumerate(sims):
            key = 10_000 * config.seed + 5000 + k
            problem = Problem(sim, classifiers.loss(), leaves, prices, config.shows, config.steps, key, samples)
            paths = [found(method, problem) for method in config.methods]
            share[k] = [problem.shares(problem.start), *(one[-1] for one in paths), paths[0][min(EARLY, config.steps)]]
            for d, one in enumerate(share[k]):
                there = placed(sim, leaves, problem.values(one))
                for name, values in _tested(there, shown["test"], config, key).items():
                    told[name][k, d] = values
            silent = placed(sim, leaves, np.zeros(len(leaves)))
            quiet[k] = _tested(silent, shown["test"], config, key, trials=1)["wrong"]
            task.advance()
    columns: dict[str, Any] = {name: (("seed", "design", "sample"), values) for name, values in told.items()}
    columns |= {"share": (("seed", "design", "site"), share), "quiet": (("seed", "sample"), quiet)}
    coords = {"design": designs, "site": list(classifiers.SITES), "seed": np.arange(len(sims))}
    return xr.Dataset(columns, coords, {"seed": config.seed})


def _tested(
    sim: jn.Simulation, test: Any, config: Config, key: int, trials: int | None = None
) -> dict[str, np.ndarray]:
    return classifiers.assessed(sim, test, config.repeats if trials is None else trials, 77_000_000 + key)
