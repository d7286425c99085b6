"""W4 by one ``jn.monte_carlo`` over chips and images, and by loops over chips around the same program."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from experiments.bench.chips import LEAVES, Chips, drawn, handed

from . import Program

PATHS = {
    "first": "network.first.weights",
    "second": "network.second.weights",
    "tau_hidden": "network.hidden.neuron.tau_mem",
    "tau_output": "network.output.neuron.tau_mem",
    "threshold_hidden": "network.hidden.neuron.v_threshold",
    "threshold_output": "network.output.neuron.v_threshold",
}
"""From the name of a leaf to where it is."""


def load() -> Any:
    """The package, with what a run needs (names are loaded when first used)."""
    jn = importlib.import_module("jaxsnn_noise")
    for name in (
        "monte_carlo",
        "Devices",
        "Samples",
        "Simulation",
        "neurons",
        "synapses",
        "hardware",
        "laws",
        "coding",
    ):
        getattr(jn, name)
    return jn


def w4(problem: Chips, data: dict[str, np.ndarray]) -> Program:
    """Spike counts [chip, image, neuron], in one call."""
    jn, sim, images = load(), _varied(problem, data), _samples(data)

    def run(seed: int) -> Any:
        return jn.monte_carlo(sim, [jn.Devices(problem.chips), images], key=seed, chunk="auto", progress=False)

    def given() -> np.ndarray:
        chips = jn.Vary(
            {path: data[f"given_{k}"] for k, path in PATHS.items()}, name="chip", labels=range(problem.given)
        )
        found = jn.monte_carlo(simulation(problem, data), [chips, images], key=0, progress=False)
        return found["spikes"].transpose("chip", "sample", ...).values

    return Program(run, lambda found: found["spikes"].transpose("device", "sample", ...).values, given=given)


def built(problem: Chips, data: dict[str, np.ndarray]) -> Program:
    """A Python loop that draws a chip, builds its simulation, and calls ``monte_carlo`` on it with all images."""
    jn, images = load(), _samples(data)

    def one(leaves: Mapping[str, np.ndarray], seed: int) -> np.ndarray:
        made = jn.monte_carlo(simulation(problem, leaves), [images], key=seed, progress=False)
        return made["spikes"].values

    def run(seed: int) -> np.ndarray:
        rng = np.random.default_rng((seed, 2))
        return np.stack([one(drawn(problem, data, rng), seed) for _ in range(problem.loops)])

    given = lambda: np.stack([one(handed(data, i), 0) for i in range(problem.given)])  # noqa: E731
    return Program(run, share=problem.loops / problem.chips, given=given)


def jitted(problem: Chips, data: dict[str, np.ndarray]) -> Program:
    """A Python loop over chips around one jitted function, which draws a chip and shows it all images: nothing is built."""
    from experiments.bench.chunks import loop_over_chips

    images, nominal = data["images"], simulation(problem, data)
    loop = loop_over_chips(_varied(problem, data), images, problem.loops)
    given = lambda: np.stack([_shown(nominal, handed(data, i), images) for i in range(problem.given)])  # noqa: E731
    return Program(lambda seed: np.stack(loop()), share=problem.loops / problem.chips, given=given)


def product(problem: Chips, data: dict[str, np.ndarray]) -> Program:
    """The product of all images with the first weights of each chip, and nothing else."""
    jax, jnp = importlib.import_module("jax"), importlib.import_module("jax.numpy")
    multiply = jax.jit(lambda x, w: jnp.matmul(x, w.T, precision="highest"))
    images, weights = jnp.asarray(data["images"]), jnp.asarray(data["first"])

    def run(seed: int) -> None:
        del seed
        for _ in range(problem.loops):
            multiply(images, weights).block_until_ready()

    return Program(run, share=problem.loops / problem.chips)


def simulation(problem: Chips, leaves: Mapping[str, np.ndarray], **options: Any) -> Any:
    """One chip as a Simulation."""
    jn = load()
    layer = lambda size, name: jn.Population(  # noqa: E731
        jn.neurons.LIF(size, tau_mem=leaves[f"tau_{name}"], v_threshold=leaves[f"threshold_{name}"])
    )
    populations = {
        "input": jn.Port(problem.inputs),
        "hidden": layer(problem.hidden, "hidden"),
        "output": layer(problem.outputs, "output"),
    }
    projections = {
        "first": jn.synapses.Dense("input", "hidden", leaves["first"], delay=0.0),
        "second": jn.synapses.Dense("hidden", "output", leaves["second"], delay=0.0),
    }
    return jn.Simulation(
        jn.Network(populations, projections),
        {"input": jn.coding.Constant(np.zeros(problem.inputs, np.float32))},
        duration=float(problem.steps),
        dt=1.0,
        statistics={"spikes": jn.statistics.SpikeCount(population="output")},
        **options,
    )


def _samples(data: Mapping[str, np.ndarray]) -> Any:
    """All images as an axis."""
    return load().Samples(data["images"])


def _varied(problem: Chips, data: dict[str, np.ndarray]) -> Any:
    """The nominal chip with mismatch on all leaves."""
    jn, law = load(), load().laws.LogNormal(problem.spread)
    per = {k: "synapse" if k in ("first", "second") else "neuron" for k in LEAVES}
    mismatch = {k: jn.hardware.Mismatch(PATHS[k], law, per=per[k]) for k in LEAVES}
    return simulation(problem, data, imperfections=mismatch)


def _shown(sim: Any, leaves: Mapping[str, np.ndarray], images: np.ndarray) -> np.ndarray:
    """The counts [image, neuron] of a chip handed over."""
    jn, jax = load(), importlib.import_module("jax")
    chip = jn.paths.replace(sim, {PATHS[k]: leaves[k] for k in LEAVES})

    def one(image: Any) -> Any:
        return jn.simulate(jn.paths.replace(chip, {"inputs.input.values": image}), key=0)["spikes"]

    return np.asarray(jax.jit(jax.vmap(one))(images))


PROGRAMS = {"w4": w4, "built": built, "jitted": jitted, "product": product}
