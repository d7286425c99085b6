"""Plain JAX: ``jit``, ``vmap`` over trials, ``lax.scan`` over time, and JAX's own generator."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from experiments.bench.workloads import THRESHOLD, MonteCarlo, Training

from . import Program, _scan


def load() -> Any:
    """JAX."""
    return importlib.import_module("jax")


def w1(problem: MonteCarlo, data: dict[str, np.ndarray]) -> Program:
    """Spike counts [trial, neuron]."""
    jnp = load().numpy

    def step(v: Any, increment: Any) -> tuple[Any, Any]:
        v = problem.decay * v + increment
        spikes = (v >= THRESHOLD).astype(jnp.float32)
        return v * (1 - spikes), spikes

    return _scan.trials(problem, data, step, lambda: jnp.zeros(problem.neurons))


def w2(problem: Training, data: dict[str, np.ndarray]) -> Program:
    """The first product inside the loop over time, as it is usually written."""
    return _scan.training(problem, data, _passed(problem, hoisted=False))


def w2_hoisted(problem: Training, data: dict[str, np.ndarray]) -> Program:
    """The first product once per image: the image does not change while it is shown."""
    return _scan.training(problem, data, _passed(problem, hoisted=True))


def spike(sharpness: float) -> Any:
    """The step function with the derivative ``1 / (1 + sharpness |x|)^2``."""
    jax = load()
    jnp = jax.numpy

    @jax.custom_jvp
    def heaviside(x: Any) -> Any:
        return (x >= 0).astype(jnp.float32)

    @heaviside.defjvp
    def _(primals: Any, tangents: Any) -> tuple[Any, Any]:
        (x,), (dx,) = primals, tangents
        return heaviside(x), dx / (1 + sharpness * jnp.abs(x)) ** 2

    return heaviside


def _passed(problem: Training, *, hoisted: bool) -> Any:
    jax, fire = load(), spike(problem.sharpness)
    jnp = jax.numpy

    def layer(v: Any, current: Any) -> tuple[Any, Any]:
        v = problem.decay * v + current
        spikes = fire(v - THRESHOLD)
        return v * (1 - jax.lax.stop_gradient(spikes)), spikes

    def forward(weights: Any, images: Any) -> Any:
        first, second = weights
        current = images @ first.T

        def advance(carry: Any, shown: Any) -> tuple[Any, None]:
            hidden, output, counts = carry
            hidden, spikes = layer(hidden, current if hoisted else shown @ first.T)
            output, fired = layer(output, spikes @ second.T)
            return (hidden, output, counts + fired), None

        hidden, output = (jnp.zeros((len(images), size)) for size in (problem.hidden, problem.outputs))
        train = None if hoisted else jnp.broadcast_to(images, (problem.steps, *images.shape))
        (_, _, counts), _ = jax.lax.scan(advance, (hidden, output, output), train, length=problem.steps)
        return counts

    return forward


PROGRAMS = {"w1": w1, "w2": w2, "w2_hoisted": w2_hoisted}
