"""What is measured: problems with all their numbers, and the arrays that every system gets the same.

W1 is a Monte Carlo study of recurrent leaky integrate-and-fire neurons, per step and trial::

    v <- decay v + (1 - decay) (drive + W s) + sigma N(0, 1);  s = (v >= 1);  v <- 0 where s

W2 trains two layers of such neurons without noise on constant images, per step::

    v <- decay v + W x;  s = (v >= 1);  v <- 0 where s

with cross-entropy on the spike counts of the second layer and Adam. Its surrogate derivative is
``1 / (1 + sharpness |v - 1|)^2``. The problems of one network are in :mod:`networks`, W5 in
:mod:`axons`, W4 in :mod:`chips`.
"""

from __future__ import annotations

import dataclasses
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np

from .axons import Axons
from .chips import Chips
from .networks import Brunel, Sparse

THRESHOLD = 1.0
ORDERS = 10
"""Orders of the images that the loss is averaged over: after 50 steps a single one moves it by a fifth."""


@dataclasses.dataclass(frozen=True)
class MonteCarlo:
    """W1. ``neurons`` neurons per trial, ``steps`` steps of 1 ms, ``trials`` trials with fresh noise."""

    neurons: int = 100
    steps: int = 1000
    trials: int = 1000
    decay: float = 0.95
    drive: float = 1.1
    sigma: float = 0.1
    probability: float = 0.1
    spread: float = 0.1

    @property
    def work(self) -> float:
        """Neuron updates in a run."""
        return float(self.neurons) * self.steps * self.trials

    unit = "neuron updates"

    def data(self) -> dict[str, np.ndarray]:
        """The weights [target, source]: Gaussian with standard deviation ``spread`` where two neurons are connected."""
        rng = np.random.default_rng(20_240)
        shape = (self.neurons, self.neurons)
        connected = rng.random(shape) < self.probability
        return {"weights": (connected * rng.normal(0.0, self.spread, shape)).astype(np.float32)}


@dataclasses.dataclass(frozen=True)
class Training:
    """W2. ``updates`` optimiser steps on ``batch`` images shown for ``steps`` steps; an epoch is ``epoch`` of them."""

    inputs: int = 784
    hidden: int = 100
    outputs: int = 10
    steps: int = 25
    batch: int = 128
    updates: int = 100
    epoch: int = 25
    decay: float = 0.95
    sharpness: float = 25.0
    rate: float = 1e-3

    @property
    def work(self) -> float:
        """Optimiser steps in a run."""
        return float(self.updates)

    unit = "optimiser steps"

    @property
    def epochs(self) -> int:
        """Passes over the images."""
        return self.updates // self.epoch

    def short(self) -> Training:
        """The training whose result is compared: two epochs."""
        return dataclasses.replace(self, updates=2 * self.epoch)

    def data(self) -> dict[str, np.ndarray]:
        """Images [sample, pixel], labels, first weights of both layers [target, source], images to assess with."""
        rng = np.random.default_rng(20_241)
        size = self.batch * self.epoch
        images, labels, held_out, held_out_labels = mnist(self.inputs, rng)
        chosen = rng.permutation(len(images))[:size]
        bounds = [1 / np.sqrt(n) for n in (self.inputs, self.hidden)]
        shapes = (self.hidden, self.inputs), (self.outputs, self.hidden)
        first, second = (rng.uniform(-b, b, s).astype(np.float32) for b, s in zip(bounds, shapes, strict=True))
        return {
            "images": images[chosen],
            "labels": labels[chosen],
            "first": first,
            "second": second,
            "held_out": held_out,
            "held_out_labels": held_out_labels,
        }


Problem = MonteCarlo | Training | Sparse | Brunel | Axons | Chips
WORKLOADS: dict[str, type[Problem]] = {
    "w1": MonteCarlo, "w2": Training, "sparse": Sparse, "brunel": Brunel, "w5": Axons, "w4": Chips,
}  # fmt: skip


def problem(workload: str, numbers: dict[str, Any]) -> Problem:
    """The problem of a workload with the given numbers, as they came through JSON."""
    return WORKLOADS[workload](**numbers)


def batches(of: Training, data: dict[str, np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
    """The minibatches of all updates, in order."""
    starts = [i * of.batch for i in range(of.epoch)] * of.epochs
    return [(data["images"][i : i + of.batch], data["labels"][i : i + of.batch]) for i in starts]


def shuffled(data: dict[str, np.ndarray], order: int) -> dict[str, np.ndarray]:
    """The data with the training images in another order."""
    mixed = np.random.default_rng(order).permutation(len(data["images"]))
    return {**data, "images": data["images"][mixed], "labels": data["labels"][mixed]}


def loss(of: Training, data: dict[str, np.ndarray], first: np.ndarray, second: np.ndarray) -> float:
    """Cross-entropy of trained weights on the images that training has not seen, by one loop that all systems share."""
    current = data["held_out"] @ np.asarray(first, np.float32).T
    hidden = np.zeros_like(current)
    output = np.zeros((len(current), of.outputs), np.float32)
    counts = np.zeros_like(output)
    for _ in range(of.steps):
        hidden = of.decay * hidden + current
        spikes = (hidden >= THRESHOLD).astype(np.float32)
        hidden = hidden * (1 - spikes)
        output = of.decay * output + spikes @ np.asarray(second, np.float32).T
        fired = (output >= THRESHOLD).astype(np.float32)
        output = output * (1 - fired)
        counts += fired
    shifted = counts - counts.max(axis=1, keepdims=True)
    chosen = shifted[np.arange(len(counts)), data["held_out_labels"]]
    return float(np.mean(np.log(np.exp(shifted).sum(axis=1)) - chosen))


def mnist(inputs: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The images that ship with the package, read without importing it; random ones of another size."""
    spec = importlib.util.find_spec("jaxsnn_noise")
    file = Path(spec.origin).parent / "data" / "mnist" / "mnist_5000_1000.npz" if spec and spec.origin else Path()
    if inputs != 784 or not file.is_file():
        images = [rng.random((size, inputs), np.float32) for size in (5000, 1000)]
        labels = [rng.integers(0, 10, size=(size,)) for size in (5000, 1000)]
        return images[0], labels[0], images[1], labels[1]
    with np.load(file) as held:
        seen, unseen = (held[k].reshape(-1, 784) / np.float32(255) for k in ("x_train", "x_test"))
        return seen, np.asarray(held["y_train"], np.int64), unseen, np.asarray(held["y_test"], np.int64)
