"""Norse's boxed leaky integrate-and-fire step (the one without a synaptic current)."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from experiments.bench.workloads import THRESHOLD, MonteCarlo, Training

from . import Program, _loop

STEP = 1e-3  # [s]


def load() -> Any:
    """The module of the step."""
    return importlib.import_module("norse.torch.functional.lif_box")


def w1(problem: MonteCarlo, data: dict[str, np.ndarray]) -> Program:
    """Spike counts [trial, neuron]."""
    return _loop.trials(problem, data, *_parts(problem.decay))


def w2(problem: Training, data: dict[str, np.ndarray]) -> Program:
    """Training with its SuperSpike surrogate."""
    return _loop.training(problem, data, *_parts(problem.decay, problem.sharpness))


def _parts(decay: float, sharpness: float = 1.0) -> tuple[_loop.Step, Any]:
    """The step, with membrane and threshold in units of ``1/sharpness``.

    The derivative of its ``super`` is ``1/(1 + |x|)^2`` whatever its ``alpha`` (version 1.1.0), so the membrane is
    scaled instead; Adam does not see the common factor of the gradient.
    """
    lif, torch = load(), importlib.import_module("torch")
    leak = 1 - decay  # one Euler step: v <- v + leak (current - v)
    parameters = lif.LIFBoxParameters(
        tau_mem_inv=torch.as_tensor(leak / STEP),
        v_th=torch.as_tensor(sharpness * THRESHOLD),
        method="super",
        # its own lets the gradient through the reset, which is another training
        reset_method=lambda spikes, v, v_reset, v_threshold: v - spikes.detach() * (v - v_reset),
    )

    def step(state: Any, increment: Any) -> tuple[Any, Any]:
        spikes, state = lif.lif_box_feed_forward_step(increment * (sharpness / leak), state, parameters, dt=STEP)
        return state, spikes

    return step, lambda zeros: lif.LIFBoxFeedForwardState(v=zeros)


PROGRAMS = {"w1": w1, "w2": w2}
