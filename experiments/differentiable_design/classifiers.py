"""Classifiers of digits with five kinds of noisy circuits, and what these cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

import jaxsnn_noise as jn
from jaxsnn_noise import gradients

if TYPE_CHECKING:
    from . import Config

SIDE = 14
"""Pixels of a side: 28 x 28 by means of 2 x 2."""
GAIN = 2.0
"""Current of a white pixel [nA]."""
SCALE = 10.0
"""From mean potentials of the readout to logits [1/mV]."""
SITES = {
    "integrators 1": "network.hidden_1.noise.integrator.amplitude.sigma",
    "comparators 1": "network.hidden_1.noise.comparator.amplitude.sigma",
    "integrators 2": "network.hidden_2.noise.integrator.amplitude.sigma",
    "comparators 2": "network.hidden_2.noise.comparator.amplitude.sigma",
    "readouts": "network.output.noise.integrator.amplitude.sigma",
}
"""Kinds of circuits, and where their noise is: standard deviation of a step [mV]; the threshold is 1 mV."""


def images(config: Config) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Images with labels: ``train`` for the weights, ``design``, some of them, for the budget, and ``test`` by other writers."""
    mnist, rng = jn.datasets.load("mnist"), np.random.default_rng(config.seed)
    train, test = rng.permutation(len(mnist.train)), rng.permutation(len(mnist.test))
    parts = {
        "train": mnist.train.subset(train[: config.samples]),
        "design": mnist.train.subset(train[: config.designs]),
        "test": mnist.test.subset(test[: config.images]),
    }
    return {
        name: (GAIN * part.averaged(2).reshape(-1, SIDE**2), part.labels.astype(np.int32))
        for name, part in parts.items()
    }


def devices(config: Config) -> np.ndarray:
    """Circuits of each kind: what precision costs goes with their number."""
    return np.array([config.hidden] * 4 + [10], float)


def simulation(key: Any, config: Config, sigma: float) -> jn.Simulation:
    """A network that is shown an image; all circuits are equally noisy."""
    network = jn.networks.feedforward(
        [SIDE**2, config.hidden, config.hidden, 10],
        key=key,
        neuron=lambda n: jn.neurons.LIF(n, tau_mem=10.0, reset=jn.neurons.ResetToValue(detach=False)),
        readout=lambda n: jn.neurons.LeakyIntegrator(n, tau_mem=10.0),
        rate_hz=60.0,
    )
    integrator = jn.noise.VoltageNoise(jn.noise.PerStep(sigma))
    layer: dict[str, Any] = {"integrator": integrator, "comparator": jn.noise.ThresholdNoise(jn.noise.PerStep(sigma))}
    network = jn.with_noise(network, {"hidden_1": layer, "hidden_2": layer, "output": {"integrator": integrator}})
    nothing = np.zeros(SIDE**2, np.float32)
    return jn.networks.classifier(network, nothing, duration=float(config.presentation))


def trained(config: Config, data: tuple[np.ndarray, np.ndarray]) -> list[jn.Simulation]:
    """Networks, each trained from weights of its own, with noise of the size that all circuits have before the budget is divided."""
    fitted = jn.training.fit(
        lambda key: simulation(key, config, config.noise), data, key=config.seed, epochs=config.epochs, batch_size=50,
        loss=jn.training.losses.CrossEntropy(scale=SCALE), seeds=config.networks, progress=False, check_start=False,
    )  # fmt: skip
    return list(fitted.sims)


def loss() -> gradients.TrialLoss:
    """What is designed for: the cross-entropy of images with labels."""
    return gradients.TrialLoss(jn.training.losses.CrossEntropy(scale=SCALE))


def assessed(sim: jn.Simulation, test: tuple[np.ndarray, np.ndarray], trials: int, key: Any) -> dict[str, np.ndarray]:
    """Share of wrong answers and cross-entropy of each test image over trials [sample], by plain Monte Carlo."""
    axes = [jn.Trials(trials), jn.Samples(test[0])]
    readout = jn.monte_carlo(sim, axes, key=key, progress=False)["readout"]
    values = np.asarray(readout.transpose("trial", "sample", "output_neuron").values, np.float64)
    logs = special.log_softmax(SCALE * values, axis=-1)
    right = np.take_along_axis(logs, np.broadcast_to(test[1][None, :, None], (*logs.shape[:2], 1)), axis=-1)[..., 0]
    return {"wrong": (values.argmax(axis=-1) != test[1]).mean(axis=0), "loss": -right.mean(axis=0)}
