"""A network of integrate-and-fire neurons as a plain NumPy loop: apart from the engine, fed with the same noise."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise import random

F = np.float32


def normals(seed: int, stream: str, steps: int, size: int, *, entity: int = 0, **indices: int) -> np.ndarray:
    """The standard normals [step, neuron] of a stream, from an entity on, one block of two steps after the other."""
    key = random.stream(random.member(random.root(seed), **indices), stream)
    return np.asarray(_normals(key, jnp.uint32(entity), steps, size)).reshape(-1, size)[:steps]


@partial(jax.jit, static_argnums=(2, 3))
def _normals(key: jax.Array, first: jax.Array, steps: int, size: int) -> jax.Array:
    entity = jnp.arange(size, dtype=jnp.uint32) + first

    def block(number: jax.Array) -> jax.Array:
        return jnp.stack([random.normal(random.Tick(key, number, lane), entity) for lane in (0, 1)])

    return jax.vmap(block)(jnp.arange((steps + 1) // 2, dtype=jnp.uint32))


class Cells:
    """One population: parameters in float32, its state, and what it showed."""

    def __init__(self, size: int, *, dt: float, tau: Any, reset: str, refractory: float = 0.0, v: Any = 0.0):
        self.decay = np.exp(F(-dt) / np.broadcast_to(np.asarray(tau, F), size))
        self.reset, self.hold = reset, 0 if not refractory else max(1, round(refractory / dt))
        self.v = np.broadcast_to(np.asarray(v, F), size).copy()
        self.held = np.zeros(size, int)
        self.spikes: list[np.ndarray] = []
        self.potential: list[np.ndarray] = []

    def step(self, current: np.ndarray, kick: Any = 0.0, threshold: Any = 1.0) -> np.ndarray:
        """Flow, kick, comparison, reset; held neurons do nothing."""
        free = self.held == 0
        flown = current + (self.v - current) * self.decay + np.asarray(kick, F)
        v = np.where(free, flown, self.v).astype(F)
        spikes = free & (v >= threshold)
        self.potential.append(v)
        self.held = np.where(spikes, self.hold, np.maximum(self.held - 1, 0))
        self.v = np.where(spikes, F(0) if self.reset == "value" else v - F(1), v)
        self.spikes.append(spikes)
        return spikes.astype(F)


def diffuse(dt: float, tau: float) -> np.float32:
    """What unit white noise gathers on a linear membrane in one step."""
    return F(np.sqrt(tau / 2 * (1 - np.exp(-2 * dt / tau))))
