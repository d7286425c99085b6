"""W4: a trained network on many chips, each of which sees all images.

Two layers of leaky integrate-and-fire neurons classify a constant image by the counts of the second one, per step of 1 ms::

    v <- decay v + (1 - decay) W x;  s = (v >= threshold);  v <- 0 where s;  decay = exp(-1 / tau)

Both weight matrices, all time constants and all thresholds of a chip are the nominal values times log-normal factors of mean 1
with a coefficient of variation of ``spread``, one for each synapse or neuron. Every system draws its own chips; those that
results are compared on are handed over as arrays.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

LEAVES = ("first", "second", "tau_hidden", "tau_output", "threshold_hidden", "threshold_output")
"""What a chip is made of."""
Arrays = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Chips:
    """W4.

    Args:
        chips, images, steps: Of the study.
        inputs, hidden, outputs: Sizes of the layers.
        tau: Nominal time constant [ms]; the nominal threshold is 1.
        spread: Coefficient of variation of every weight, time constant and threshold.
        loops: Chips that a loop over chips runs; its seconds are scaled up to ``chips``.
        given: Chips that are handed over as arrays.
        updates, batch: Of the training.
    """

    chips: int = 1000
    images: int = 1000
    steps: int = 25
    inputs: int = 784
    hidden: int = 128
    outputs: int = 10
    tau: float = 20.0
    spread: float = 0.1
    loops: int = 25
    given: int = 5
    updates: int = 400
    batch: int = 128

    unit = "chip images"

    @property
    def work(self) -> float:
        """Images times chips."""
        return float(self.chips) * self.images

    def data(self) -> dict[str, np.ndarray]:
        """Images [sample, pixel] with labels, the nominal ``LEAVES``, and those of the chips handed over [chip, ...]."""
        from .workloads import mnist

        rng = np.random.default_rng(20_244)
        seen, labels, unseen, unseen_labels = mnist(self.inputs, rng)
        first, second = trained(self, seen, labels, rng)
        one = np.ones(self.hidden, np.float32), np.ones(self.outputs, np.float32)
        leaves = dict(zip(LEAVES, (first, second, *(self.tau * x for x in one), *one), strict=True))
        chips = [drawn(self, leaves, rng) for _ in range(self.given)]
        return {
            "images": unseen[: self.images],
            "labels": unseen_labels[: self.images],
            **leaves,
            **{f"given_{k}": np.stack([chip[k] for chip in chips]) for k in LEAVES},
        }


def drawn(problem: Chips, leaves: Arrays, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """The leaves of a new chip."""
    s = np.float32(math.sqrt(math.log1p(problem.spread**2)))
    factor = lambda shape: np.exp(s * rng.standard_normal(shape, np.float32) - s**2 / 2)  # noqa: E731
    return {k: leaves[k] * factor(leaves[k].shape) for k in LEAVES}


def handed(data: Arrays, chip: int) -> dict[str, np.ndarray]:
    """The leaves of a chip that is handed over."""
    return {k: data[f"given_{k}"][chip] for k in LEAVES}


def counts(leaves: Arrays, images: np.ndarray, steps: int, dtype: Any = np.float64) -> np.ndarray:
    """Spike counts of the second layer [image, neuron] of one chip: the definition."""
    first, second, *rest = (np.asarray(leaves[k], dtype) for k in LEAVES)
    decays, thresholds = [np.exp(-1 / tau) for tau in rest[:2]], rest[2:]
    current = (1 - decays[0]) * (np.asarray(images, dtype) @ first.T)
    hidden, output = np.zeros_like(current), np.zeros((len(images), len(second)), dtype)
    found = np.zeros_like(output)
    for _ in range(steps):
        hidden = decays[0] * hidden + current
        spikes = hidden >= thresholds[0]
        hidden[spikes] = 0
        output = decays[1] * output + (1 - decays[1]) * (spikes.astype(dtype) @ second.T)
        fired = output >= thresholds[1]
        output[fired] = 0
        found += fired
    return found


def accuracy(found: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Share of images that are told right by counts [chip, image, neuron], and its standard error over chips."""
    right = (found.argmax(axis=-1) == labels).mean(axis=-1)
    return float(right.mean()), float(right.std(ddof=1) / math.sqrt(len(right)))


def differing(problem: Chips, data: Arrays, found: np.ndarray) -> float:
    """Share of counts [chip, image, neuron] of the chips handed over that are not those of the definition."""
    true = [counts(handed(data, i), data["images"], problem.steps) for i in range(problem.given)]
    return float(np.mean(np.asarray(found) != np.stack(true)))


def trained(
    problem: Chips, images: np.ndarray, labels: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Both weight matrices, trained by surrogate gradients through time with Adam, in NumPy."""
    sizes = problem.inputs, problem.hidden, problem.outputs
    weights = [
        (5.0 / math.sqrt(n) * rng.standard_normal((m, n))).astype(np.float32) for n, m in itertools.pairwise(sizes)
    ]
    moments = [[np.zeros_like(w), np.zeros_like(w)] for w in weights]
    for update in range(1, problem.updates + 1):
        chosen = rng.permutation(len(images))[: problem.batch]
        slopes = _slopes(problem, weights, images[chosen], labels[chosen])
        for w, (mean, square), slope in zip(weights, moments, slopes, strict=True):
            mean += 0.1 * (slope - mean)
            square += 0.001 * (slope**2 - square)
            size = 0.01 * math.sqrt(1 - 0.999**update) / (1 - 0.9**update)
            w -= size * mean / (np.sqrt(square) + 1e-8)
    return weights[0], weights[1]


def _slopes(problem: Chips, weights: list[np.ndarray], images: np.ndarray, labels: np.ndarray) -> list[np.ndarray]:
    """Of the cross-entropy on spike counts; the derivative of a spike is ``1 / (1 + 5 |v - 1|)^2``, the reset has none."""
    decay = np.float32(math.exp(-1 / problem.tau))
    gain, (first, second) = 1 - decay, weights
    current = gain * (images @ first.T)
    v, u = np.zeros_like(current), np.zeros((len(images), problem.outputs), np.float32)
    total, past = np.zeros_like(u), []
    for _ in range(problem.steps):
        v = decay * v + current
        s = (v >= 1).astype(np.float32)
        u = decay * u + gain * (s @ second.T)
        f = (u >= 1).astype(np.float32)
        past.append((v, s, u, f))
        v, u, total = v * (1 - s), u * (1 - f), total + f
    share = np.exp(total - total.max(axis=1, keepdims=True))
    share /= share.sum(axis=1, keepdims=True)
    share[np.arange(len(labels)), labels] -= 1
    share /= len(labels)
    dv, du, summed, of_second = np.zeros_like(v), np.zeros_like(u), np.zeros_like(v), np.zeros_like(second)
    for v, s, u, f in reversed(past):
        du = decay * du * (1 - f) + share / (1 + 5 * np.abs(u - 1)) ** 2
        of_second += gain * (du.T @ s)
        dv = decay * dv * (1 - s) + gain * (du @ second) / (1 + 5 * np.abs(v - 1)) ** 2
        summed += dv
    return [gain * (summed.T @ images), of_second]
