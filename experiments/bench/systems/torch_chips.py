"""W4 in plain PyTorch: a Python loop over chips around one over time, on tensors [image, neuron], in place where that is faster."""

from __future__ import annotations

import functools
import importlib
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from experiments.bench.chips import LEAVES, Chips, handed

from . import Program


def load() -> Any:
    """PyTorch."""
    return importlib.import_module("torch")


def w4(problem: Chips, data: dict[str, np.ndarray], hoisted: bool = False, threads: int | None = None) -> Program:
    """Spike counts [chip, image, neuron]; the product of images and weights is formed in every step unless ``hoisted``."""
    torch = load()
    if threads:
        torch.set_num_threads(threads)
    images, nominal = torch.from_numpy(data["images"]), _tensors(data)
    one = functools.partial(_counts, images=images, steps=problem.steps, hoisted=hoisted)

    def run(seed: int) -> np.ndarray:
        torch.manual_seed(seed)
        with torch.inference_mode():
            return np.stack([one(_drawn(problem, nominal)) for _ in range(problem.loops)])

    def given() -> np.ndarray:
        with torch.inference_mode():
            return np.stack([one(_tensors(handed(data, i))) for i in range(problem.given)])

    return Program(run, share=problem.loops / problem.chips, given=given)


def product(problem: Chips, data: dict[str, np.ndarray]) -> Program:
    """The product of all images with the first weights of each chip, and nothing else; one thread."""
    torch = load()
    torch.set_num_threads(1)
    images, weights = torch.from_numpy(data["images"]), torch.from_numpy(data["first"])

    def run(seed: int) -> None:
        del seed
        with torch.inference_mode():
            for _ in range(problem.loops):
                images @ weights.T

    return Program(run, share=problem.loops / problem.chips)


def _tensors(leaves: Mapping[str, np.ndarray]) -> dict[str, Any]:
    return {k: load().from_numpy(leaves[k]) for k in LEAVES}


def _drawn(problem: Chips, nominal: dict[str, Any]) -> dict[str, Any]:
    torch, s = load(), math.sqrt(math.log1p(problem.spread**2))
    return {k: torch.randn(x.shape).mul_(s).sub_(s**2 / 2).exp_().mul_(x) for k, x in nominal.items()}


def _counts(leaves: dict[str, Any], images: Any, steps: int, hoisted: bool) -> np.ndarray:
    torch = load()
    first, second, tau_hidden, tau_output, threshold_hidden, threshold_output = (leaves[k] for k in LEAVES)
    decay, fall = torch.exp(-1 / tau_hidden), torch.exp(-1 / tau_output)
    entering: Callable[[], Any] = lambda: (images @ first.T).mul_(1 - decay)  # noqa: E731
    current = entering() if hoisted else None
    v, u, found = (torch.zeros(len(images), n) for n in (len(first), len(second), len(second)))
    for _ in range(steps):
        v.mul_(decay).add_(current if hoisted else entering())
        spikes = v >= threshold_hidden
        v.masked_fill_(spikes, 0.0)
        u.mul_(fall).add_((spikes.to(torch.float32) @ second.T).mul_(1 - fall))
        fired = u >= threshold_output
        u.masked_fill_(fired, 0.0)
        found += fired
    return found.numpy()


PROGRAMS = {
    "w4": w4,
    "one": functools.partial(w4, threads=1),
    "hoisted": functools.partial(w4, hoisted=True),
    "hoisted_one": functools.partial(w4, hoisted=True, threads=1),
    "product": product,
}
