"""What the PyTorch systems share: a loop over time around a library's step, and training around two of its layers."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from experiments.bench.workloads import MonteCarlo, Training, batches

from . import Program

Step = Callable[[Any, Any], tuple[Any, Any]]
"""``(state, increment) -> (state, spikes)`` of ``v <- decay v + increment`` with threshold 1 and reset to 0."""


def trials(problem: MonteCarlo, data: dict[str, np.ndarray], step: Step, start: Callable[[Any], Any]) -> Program:
    """W1 around a step; ``start`` makes the first state from zeros [trial, neuron]."""
    torch = importlib.import_module("torch")
    weights = torch.from_numpy(data["weights"]).T.contiguous()
    gain, shape = 1 - problem.decay, (problem.trials, problem.neurons)

    def run(seed: int) -> Any:
        torch.manual_seed(seed)
        with torch.inference_mode():
            spikes, counts = torch.zeros(shape), torch.zeros(shape)
            state = start(torch.zeros(shape))
            for _ in range(problem.steps):
                current = problem.drive + spikes @ weights
                state, spikes = step(state, gain * current + problem.sigma * torch.randn(shape))
                counts += spikes
            return counts.numpy()

    return Program(run)


def training(problem: Training, data: dict[str, np.ndarray], step: Step, start: Callable[[Any], Any]) -> Program:
    """W2 around the step of a layer; the first product is formed in every time step, as the libraries' tutorials do."""
    torch = importlib.import_module("torch")
    pairs = [(torch.from_numpy(x), torch.from_numpy(y)) for x, y in batches(problem, data)]

    def run(seed: int) -> tuple[np.ndarray, np.ndarray]:
        del seed  # no noise: every run is the same
        first, second = (torch.from_numpy(data[k].copy()).requires_grad_() for k in ("first", "second"))
        optimiser = torch.optim.Adam([first, second], lr=problem.rate)
        for images, labels in pairs:
            hidden, output = (start(torch.zeros(len(images), n)) for n in (problem.hidden, problem.outputs))
            counts = torch.zeros(len(images), problem.outputs)
            for _ in range(problem.steps):
                hidden, spikes = step(hidden, images @ first.T)
                output, fired = step(output, spikes @ second.T)
                counts = counts + fired
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(counts, labels).backward()
            optimiser.step()
        return first.detach().numpy(), second.detach().numpy()

    return Program(run, lambda weights: weights)


def spike(sharpness: float) -> Any:
    """The step function with the derivative ``1 / (1 + sharpness |x|)^2``."""
    torch = importlib.import_module("torch")

    def forward(context: Any, x: Any) -> Any:
        context.save_for_backward(x)
        return (x >= 0).to(x.dtype)

    def backward(context: Any, slope: Any) -> Any:
        (x,) = context.saved_tensors
        return slope / (1 + sharpness * x.abs()) ** 2

    members = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
    function: Any = type("Spike", (torch.autograd.Function,), members)
    return function.apply
