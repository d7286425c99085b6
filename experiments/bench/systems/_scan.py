"""What the JAX systems share: a scan over time around the step of a library, and training around the pass of one."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from experiments.bench.workloads import MonteCarlo, Training

from . import Program

Step = Callable[[Any, Any], tuple[Any, Any]]
"""``(state, increment) -> (state, spikes)`` of ``v <- decay v + increment`` with threshold 1 and reset to 0."""


def trials(
    problem: MonteCarlo, data: dict[str, np.ndarray], step: Step, start: Callable[[], Any], batch: tuple[int, ...] = ()
) -> Program:
    """W1 around a step: over single trials under ``vmap``, or over a batch of trials where the library is batched."""
    jax = importlib.import_module("jax")
    jnp = jax.numpy
    weights = jnp.asarray(data["weights"])
    gain, shape = 1 - problem.decay, (*batch, problem.neurons)

    def one(key: Any, weights: Any) -> Any:
        def advance(carry: Any, key: Any) -> tuple[Any, None]:
            state, spikes, counts = carry
            current = problem.drive + spikes @ weights.T
            state, spikes = step(state, gain * current + problem.sigma * jax.random.normal(key, shape))
            return (state, spikes, counts + spikes), None

        still = jnp.zeros(shape)
        (_, _, counts), _ = jax.lax.scan(advance, (start(), still, still), jax.random.split(key, problem.steps))
        return counts

    program = jax.jit(one if batch else jax.vmap(one, in_axes=(0, None)))

    def run(seed: int) -> np.ndarray:
        key = jax.random.key(seed)
        return np.asarray(program(key if batch else jax.random.split(key, problem.trials), weights))

    return Program(run)


def training(problem: Training, data: dict[str, np.ndarray], forward: Callable[[Any, Any], Any]) -> Program:
    """W2 around a pass ``((first, second), images [sample, pixel]) -> counts [sample, neuron]``; one scan an epoch."""
    jax, optax = importlib.import_module("jax"), importlib.import_module("optax")
    jnp = jax.numpy
    optimiser = optax.adam(problem.rate)
    shape = (problem.epoch, problem.batch)
    images, labels = jnp.asarray(data["images"]).reshape(*shape, -1), jnp.asarray(data["labels"]).reshape(shape)

    def loss(weights: Any, images: Any, labels: Any) -> Any:
        return optax.softmax_cross_entropy_with_integer_labels(forward(weights, images), labels).mean()

    def update(carry: Any, batch: Any) -> tuple[Any, None]:
        weights, state = carry
        change, state = optimiser.update(jax.grad(loss)(weights, *batch), state, weights)
        return (optax.apply_updates(weights, change), state), None

    epoch = jax.jit(lambda carry, images, labels: jax.lax.scan(update, carry, (images, labels))[0])

    def run(seed: int) -> tuple[np.ndarray, np.ndarray]:
        del seed  # no noise: every run is the same
        weights = (jnp.asarray(data["first"]), jnp.asarray(data["second"]))
        carry = (weights, optimiser.init(weights))
        for _ in range(problem.epochs):
            carry = epoch(carry, images, labels)
        first, second = carry[0]
        return np.asarray(first), np.asarray(second)

    return Program(run, lambda weights: weights)
