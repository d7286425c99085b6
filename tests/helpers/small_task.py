"""A small task for the tests of training: three classes of points, a network 6-8-3, six steps of 1 ms.

The builders and the optimisers are module-level objects, so that the fits of many tests share their compiled programs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import optax

import jaxsnn_noise as jn

SGD = optax.sgd(2.0)
STILL = optax.sgd(0.0)
SCALE = 10.0
HIDDEN, OUTPUT = "network.input_to_hidden.weights", "network.hidden_to_output.weights"


def points(size: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Noisy copies of three prototypes [sample, 6] and their labels."""
    numbers = np.random.default_rng(seed)
    labels = np.arange(size) % 3
    prototypes = np.kron(np.eye(3), np.ones(2))
    return (prototypes[labels] + 0.2 * numbers.normal(size=(size, 6))).astype(np.float32), labels


def build(key: Any, sigma: float) -> jn.Simulation:
    """The network with its readout, and voltage noise on the hidden membranes."""
    noise = {"membrane": jn.noise.VoltageNoise(jn.noise.Diffusion(sigma))}
    network = jn.networks.feedforward([6, 8, 3], key=key, gain=12.0, noise=noise)
    return jn.Simulation(network, {"input": jn.coding.Constant(0.0)}, duration=6.0, dt=1.0)


def quiet(key: Any) -> jn.Simulation:
    """The network without noise."""
    return build(key, 0.0)


def noisy(key: Any) -> jn.Simulation:
    """The network with noise."""
    return build(key, 0.2)


def fit(system: Any, train: Any, **settings: Any) -> Any:
    """``training.fit`` with the settings of the small task."""
    standard: dict[str, Any] = {"key": 3, "epochs": 2, "batch_size": 8, "optimiser": SGD, "progress": False}
    standard["check_start"] = False  # a compilation less
    standard["loss"] = jn.training.losses.CrossEntropy(scale=SCALE)
    return jn.training.fit(system, train, **(standard | settings))


def same_bits(first: Any, second: Any) -> bool:
    """Whether two fits agree in all leaves and scores to the bit."""
    if first.leaves.keys() != second.leaves.keys():
        return False
    leaves = all(np.array_equal(first.leaves[k], second.leaves[k]) for k in first.leaves)
    one, other = (f.history.drop_vars("seconds").drop_attrs() for f in (first, second))
    return leaves and bool(one.identical(other))
