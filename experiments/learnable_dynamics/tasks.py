"""The tasks: two temporal ones and a static control; what one leaky memory can know of the synthetic one, in closed form."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

import jaxsnn_noise as jn

FAST, SLOW = 3.0, 30.0
"""Time constants of the two averages that the synthetic task asks for [ms]."""
PARTS = ("learn", "tune", "train", "test")


class Task(NamedTuple):
    """What is asked of a network.

    Attributes:
        name: Its name.
        channels: Inputs.
        steps: Steps of a presentation.
        dt: Their length [ms].
        heads: Questions about one sample, answered by outputs of their own.
        classes: Answers to each.
        taus: Short, middle and long time constant that tuning may take [ms].
        last: Whether the answer is the last potential of the readout, in place of the mean.
        white: Whether the input is white in time, and weights are made for that.
    """

    name: str
    channels: int
    steps: int
    dt: float
    heads: int
    classes: int
    taus: tuple[float, float, float]
    last: bool = False
    white: bool = False

    @property
    def held(self) -> bool:
        """Whether a sample does not change in time."""
        return self.name == "mnist"


def task(name: str, config: Any) -> Task:
    """A task by its name."""
    if name == "two_scale":
        return Task(name, 2, config.steps, 1.0, 2, 2, (4.0, 12.0, 36.0), last=True, white=True)
    if name == "vowels":
        return Task(name, 13, 58, 3.2, 1, 9, (8.0, 24.0, 72.0))
    return Task(name, 784, 15, 1.0, 1, 10, (4.0, 12.0, 36.0))


def data(of: Task, config: Any) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Values [sample, ...] and answers [sample, head] to learn from, to tune with, to train on in the end, and to test with."""
    makers = {"two_scale": _two_scale, "vowels": _vowels, "mnist": _mnist}
    return makers[of.name](of, config)


def kernels(of: Task) -> np.ndarray:
    """Weights of the past in both averages [head, time], the last entry of the present step."""
    age = of.dt * np.arange(of.steps)[::-1]
    return np.exp(-age[None] / np.array([FAST, SLOW])[:, None])


def one_memory(of: Task) -> tuple[float, float]:
    """The best mean share of right answers to the synthetic task for whoever knows one leaky memory of its input, and its tau [ms].

    The state ``s = sum_t exp(-(T - t)/tau) x_t`` and an average ``y`` are jointly Gaussian with the correlation ``rho`` of their kernels, so
    that no answer to "y > 0?" is better than the sign of ``s``, right with probability ``1/2 + arcsin(rho)/pi``; the mean over both
    questions is largest at one tau. Exact for a linear filter and any readout of its state at the end.
    """
    wanted, taus = kernels(of), np.geomspace(0.5, 300.0, 2000)
    age = of.dt * np.arange(of.steps)[::-1]
    own = np.exp(-age[None] / taus[:, None])
    norms = np.linalg.norm(own, axis=1)[:, None] * np.linalg.norm(wanted, axis=1)[None]
    right = (0.5 + np.arcsin(np.clip(own @ wanted.T / norms, -1.0, 1.0)) / math.pi).mean(axis=1)
    best = int(right.argmax())
    return float(right[best]), float(taus[best])


def _two_scale(of: Task, config: Any) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    found = {}
    for i, (part, size) in enumerate((("train", config.train), ("tune", config.images), ("test", config.images))):
        x = np.random.default_rng([config.seed, i]).normal(size=(size, of.steps))
        answers = (x @ kernels(of).T > 0).astype(np.int32)
        found[part] = np.stack([x, np.ones_like(x)], axis=-1).astype(np.float32), answers
    return {"learn": found["train"], **found}


def _vowels(of: Task, config: Any) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    vowels = jn.datasets.load("japanese_vowels")
    learn, tune = vowels.train.split(1 / 3, key=config.seed)
    found = {}
    for part, utterances in (("learn", learn), ("tune", tune), ("train", vowels.train), ("test", vowels.test)):
        frames = np.nan_to_num(utterances.frames)
        there = np.isfinite(utterances.frames[..., :1]).astype(np.float32)
        values = np.repeat(np.concatenate([frames, there], axis=-1), 2, axis=1)
        values = np.pad(values, ((0, 0), (0, of.steps - values.shape[1]), (0, 0)))
        found[part] = values.astype(np.float32), utterances.labels.astype(np.int32)[:, None]
    found["test"] = tuple(x[: config.images] for x in found["test"])  # type: ignore[assignment]
    return found


def _mnist(of: Task, config: Any) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    mnist, rng = jn.datasets.load("mnist"), np.random.default_rng(config.seed)
    middle, spread = float(mnist.train.images.mean()), float(mnist.train.images.std())
    order, tested = rng.permutation(len(mnist.train)), rng.permutation(len(mnist.test))[: config.images]
    parts = {
        "train": (mnist.train, order[: config.train]),
        "tune": (mnist.train, order[-config.images :]),
        "test": (mnist.test, tested),
    }
    found = {}
    for part, (images, at) in parts.items():
        values = (images.images[at].reshape(len(at), -1) - middle) / spread
        found[part] = values.astype(np.float32), images.labels[at].astype(np.int32)[:, None]
    return {"learn": found["train"], **found}
