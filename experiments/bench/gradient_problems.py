"""Problems on which estimators of gradients are measured."""

from __future__ import annotations

from typing import Any

import numpy as np

import jaxsnn_noise as jn
from jaxsnn_noise import theory
from jaxsnn_noise.distributions import Logistic

KINDS = ("logistic", "gaussian")
AT: dict[str, Any] = {"mean": 0.9, "tau_mem": 10.0, "v_threshold": 1.0, "v_reset": 0.0}
SCALE = 0.2 * np.pi / 3**0.5
"""Standard deviation of a logistic threshold of scale 0.2 [mV]."""


def neuron(kind: str, steps: int = 200, *, threshold: float = 1.0, refractory: Any = None, reset: Any = None, current: bool = False) -> jn.Simulation:  # fmt: skip
    """One leaky neuron with a noisy threshold, or white noise on its membrane or current."""
    cells = jn.neurons.LIF(
        1, tau_mem=10.0, v_threshold=threshold, refractory=refractory, reset=reset or jn.neurons.ResetToValue()
    )
    if kind == "logistic":
        population = jn.Population(cells, firing=jn.NoisyThreshold(SCALE, distribution=Logistic()))
    elif current:
        population = jn.Population(cells, noise={"m": jn.noise.CurrentNoise(jn.noise.Diffusion(2.0))})
    else:
        population = jn.Population(cells, noise={"m": jn.noise.VoltageNoise(jn.noise.Diffusion(0.2))})
    return simulation(population, steps)


def simulation(population: jn.Population, steps: int, projections: Any = None, warmup: float = 0.0) -> jn.Simulation:
    """It, driven by 0.9, with counts as its statistic."""
    network = jn.Network({"c": population}, projections or {})
    counts = {"n": jn.statistics.SpikeCount()}
    return jn.Simulation(
        network, {"c": jn.coding.Constant(0.9)}, duration=float(steps), dt=1.0, warmup=warmup, statistics=counts
    )


def leaves(kind: str) -> list[str]:
    """Noise, drive, time constant, threshold."""
    noise = {"logistic": "network.c.firing.scale", "gaussian": "network.c.noise.m.amplitude.sigma"}[kind]
    return [noise, "inputs.c.values", "network.c.neuron.tau_mem", "network.c.neuron.v_threshold"]


def exact(kind: str, steps: int = 200, *, v_threshold: float = 1.0) -> theory.GridRenewal:
    """What theory says of :func:`neuron`."""
    at = AT | {"v_threshold": v_threshold, "dt": 1.0, "duration": float(steps)}
    if kind == "logistic":
        return theory.threshold_noise_renewal(SCALE, **at, logistic=True)
    return theory.membrane_noise_renewal(0.2, **at)


def slopes(whole: theory.GridRenewal, fields: tuple[str, ...]) -> np.ndarray:
    """Derivatives [field, leaf]."""
    return np.array([[getattr(slope, field) for slope in list(whole.slopes.values())[:4]] for field in fields])


def network(gain: float, size: int = 20) -> jn.Simulation:
    """Neurons with logistic thresholds, coupled at random by weights of both signs; the gain is the std of a row's sum."""
    weights = jn.synapses.random_weights(shape=(size, size), probability=0.5, std=gain / (0.5 * size) ** 0.5, key=1)
    cells = jn.Population(jn.neurons.LIF(size, tau_mem=10.0), firing=jn.NoisyThreshold(SCALE, distribution=Logistic()))
    return simulation(cells, 100, {"w": jn.synapses.Dense("c", "c", weights)})


WEIGHTS = np.array([[0.0, 0.9, -0.5], [0.7, 0.0, 0.4], [-0.3, 0.8, 0.0]])
THREE = ["network.c.firing.scale", "inputs.c.values", "network.c.neuron.tau_mem", "network.c.neuron.v_threshold", "network.w.weights"]  # fmt: skip


def three() -> jn.Simulation:
    """Three coupled neurons in four steps, of which all histories are known."""
    cells = jn.Population(jn.neurons.LIF(3, tau_mem=3.0), firing=jn.NoisyThreshold(0.4, distribution=Logistic()))
    return simulation(cells, 4, {"w": jn.synapses.Dense("c", "c", WEIGHTS)})


def enumerated() -> np.ndarray:
    """Derivatives of the mean count of :func:`three` [leaf]."""
    every = theory.enumerated_network(WEIGHTS, threshold_std=0.4, mean=0.9, tau_mem=3.0, v_threshold=1.0, dt=1.0, steps=4, logistic=True)  # fmt: skip
    _, found = every.expectation(every.spikes.mean(axis=2).sum(axis=1))
    return np.array([found[name] for name in ("threshold_std", "mean", "tau_mem", "v_threshold", "weights")])


DIRECTIONS = ["network.hidden.firing.scale", "network.first.weights", "network.hidden.neuron.v_threshold"]
BY_WEIGHT = ["network.first.weights", "network.second.weights"]


def classifier(pattern: int, inputs: int = 16, hidden: int = 12) -> tuple[jn.Simulation, jn.gradients.TrialLoss]:
    """A pattern shown to ``inputs-hidden(noisy)-3`` with leaky readouts, and its cross-entropy."""
    rng = np.random.default_rng(2)
    patterns, labels = rng.uniform(0.0, 1.0, (8, inputs)), rng.integers(0, 3, 8)
    parts: dict[str, Any] = {
        "input": jn.Port(inputs),
        "hidden": jn.Population(jn.neurons.LIF(hidden, tau_mem=10.0), firing=jn.NoisyThreshold(SCALE, distribution=Logistic())),
        "output": jn.Population(jn.neurons.LeakyIntegrator(3, tau_mem=10.0)),
    }  # fmt: skip
    wires = {
        "first": jn.synapses.Dense("input", "hidden", rng.normal(0.15, 0.5, (hidden, inputs)), delay=0.0),
        "second": jn.synapses.Dense("hidden", "output", rng.normal(0.0, 1.0, (3, hidden)), delay=0.0),
    }
    sim = jn.Simulation(
        jn.Network(parts, wires), {"input": jn.coding.Constant(patterns[pattern])}, duration=20.0, dt=1.0
    )
    return sim, jn.gradients.TrialLoss(jn.training.losses.CrossEntropy("output", scale=5.0), int(labels[pattern]))
