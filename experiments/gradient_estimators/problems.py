"""Simulations whose derivatives are asked for: neurons, networks and classifiers, each drawn at random."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import jaxsnn_noise as jn
from jaxsnn_noise import theory
from jaxsnn_noise.distributions import Logistic

if TYPE_CHECKING:
    from . import Config

DT = 1.0
"""Time step [ms]."""
UNIT = np.pi / 3**0.5
"""Standard deviation of a logistic distribution of scale 1."""
SIZE = 20
"""Neurons of a network."""
INPUTS, HIDDEN, CLASSES = 16, 12, 3
"""Of a classifier."""
TASKS = ("noise", "drive", "time constant", "threshold")
"""What the leaves of a neuron are."""
NETWORK = ["network.c.firing.scale", "inputs.c.values"]
"""Leaves of a network: noise and drive."""
CLASSIFIER = ["network.hidden.firing.scale", "network.first.weights", "network.hidden.neuron.v_threshold"]
"""Leaves of a classifier, each shifted as a whole."""
WEIGHTS = ["network.first.weights", "network.second.weights"]
"""Leaves of a classifier, by entry."""


def drawn(kind: str, config: Config) -> list[dict[str, float]]:
    """Noise, drive and time constant of neurons; thresholds are 1 mV and resets 0."""
    rng = np.random.default_rng([config.seed, len(kind)])
    low, high = {"threshold": (0.2, 0.6), "membrane": (0.1, 0.3)}[kind]
    return [
        {"noise": rng.uniform(low, high), "mean": rng.uniform(0.7, 1.3), "tau_mem": rng.uniform(8.0, 20.0)}
        for _ in range(config.neurons)
    ]


def leaves(kind: str) -> list[str]:
    """Of a neuron, in the order of ``TASKS``."""
    noise = {"threshold": "network.c.firing.scale", "membrane": "network.c.noise.m.amplitude.sigma"}[kind]
    return [noise, "inputs.c.values", "network.c.neuron.tau_mem", "network.c.neuron.v_threshold"]


def neuron(kind: str, at: dict[str, float], config: Config) -> jn.Simulation:
    """A leaky neuron with a threshold that is drawn anew (logistic), or with white noise on its membrane."""
    cells = jn.neurons.LIF(1, tau_mem=at["tau_mem"], v_threshold=1.0)
    if kind == "threshold":
        population = jn.Population(cells, firing=jn.NoisyThreshold(at["noise"], distribution=Logistic()))
    else:
        population = jn.Population(cells, noise={"m": jn.noise.VoltageNoise(jn.noise.Diffusion(at["noise"]))})
    return _counted(population, at["mean"], config.steps)


def exact(kind: str, at: dict[str, float], config: Config) -> np.ndarray:
    """Derivatives of expected count and CV of intervals by noise, drive, time constant and threshold [output, leaf]."""
    given: dict[str, Any] = {"mean": at["mean"], "tau_mem": at["tau_mem"], "v_threshold": 1.0, "v_reset": 0.0}
    given |= {"dt": DT, "duration": config.steps * DT}
    if kind == "threshold":
        whole = theory.threshold_noise_renewal(at["noise"], **given, logistic=True)
    else:
        whole = theory.membrane_noise_renewal(at["noise"], **given)
    slopes = list(whole.slopes.values())[: len(TASKS)]
    return np.array([[one.count for one in slopes], [one.interval_cv for one in slopes]])


def network(gain: float, index: int, config: Config) -> jn.Simulation:
    """Neurons with logistic thresholds, coupled at random by weights of both signs; the gain is the std of the sum of a row."""
    weights = jn.synapses.random_weights(
        shape=(SIZE, SIZE), probability=0.5, std=gain / (0.5 * SIZE) ** 0.5, key=1000 * config.seed + index
    )
    cells = jn.Population(
        jn.neurons.LIF(SIZE, tau_mem=10.0), firing=jn.NoisyThreshold(0.2 * UNIT, distribution=Logistic())
    )
    return _counted(cells, 0.9, config.steps // 2, {"w": jn.synapses.Dense("c", "c", weights)})


def classifier(index: int, config: Config) -> tuple[jn.Simulation, jn.gradients.TrialLoss]:
    """A pattern shown to one hidden layer with logistic thresholds and leaky readouts, and its cross-entropy."""
    rng = np.random.default_rng([config.seed, 7, index])
    firing = jn.NoisyThreshold(0.2 * UNIT, distribution=Logistic())
    parts: dict[str, Any] = {
        "input": jn.Port(INPUTS),
        "hidden": jn.Population(jn.neurons.LIF(HIDDEN, tau_mem=10.0), firing=firing),
        "output": jn.Population(jn.neurons.LeakyIntegrator(CLASSES, tau_mem=10.0)),
    }
    wires = {
        "first": jn.synapses.Dense("input", "hidden", rng.normal(0.15, 0.5, (HIDDEN, INPUTS)), delay=0.0),
        "second": jn.synapses.Dense("hidden", "output", rng.normal(0.0, 1.0, (CLASSES, HIDDEN)), delay=0.0),
    }
    pattern = jn.coding.Constant(rng.uniform(0.0, 1.0, INPUTS).astype(np.float32))
    sim = jn.Simulation(jn.Network(parts, wires), {"input": pattern}, duration=20 * DT, dt=DT)
    return sim, jn.gradients.TrialLoss(jn.training.losses.CrossEntropy("output", scale=5.0), index % CLASSES)


def _counted(population: jn.Population, mean: float, steps: int, projections: Any = None) -> jn.Simulation:
    network = jn.Network({"c": population}, projections or {})
    counts = {"count": jn.statistics.SpikeCount()}
    return jn.Simulation(network, {"c": jn.coding.Constant(mean)}, duration=steps * DT, dt=DT, statistics=counts)
