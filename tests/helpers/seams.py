"""Noise sources by themselves: the contexts of the seams, and time courses of a source at a constant value."""

from __future__ import annotations

from functools import cache
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax

from jaxsnn_noise import random
from jaxsnn_noise.engine.seams import current_context, voltage_context
from jaxsnn_noise.neurons import LIF
from jaxsnn_noise.noise import Context, Seam, Source
from jaxsnn_noise.signals import no_drive

TAU = 20.0


def context(seam: Seam, value: Any, dt: float) -> Context:
    """What the engine tells a source at this seam; the membrane is that of an LIF with ``tau_mem = 20 ms``."""
    value = jnp.asarray(value, jnp.float32)
    if seam is Seam.CURRENT:
        return current_context(value, dt)
    if seam is Seam.VOLTAGE:
        diffuse = LIF(value.shape[-1], tau_mem=TAU).diffuse(no_drive(value.shape[-1]), dt)
        return voltage_context(value, diffuse, dt)
    return Context(value)


@eqx.filter_jit
def course(source: Source, at: Context, key: jax.Array, steps: int, dt: float) -> jax.Array:
    """Perturbations [step, neuron] of an even number of steps at a constant value of the seam."""

    def block(memory: Any, number: jax.Array) -> tuple[Any, jax.Array]:
        drawn = []
        for lane in (0, 1):
            x, memory = source.draw(memory, at, random.Tick(key, number, lane), dt)
            drawn.append(jnp.broadcast_to(x, at.value.shape))
        return memory, jnp.stack(drawn)

    start = source.init(key, at.value.shape[-1], dt)
    out = lax.scan(block, start, jnp.arange(steps // 2, dtype=jnp.uint32))[1]
    return out.reshape(-1, at.value.shape[-1])


@eqx.filter_jit
def courses(source: Source, at: Context, keys: jax.Array, steps: int, dt: float) -> jax.Array:
    """Courses [key, step, neuron] of many independent streams."""
    return jax.vmap(lambda key: course(source, at, key, steps, dt))(keys)


@cache
def keys(n: int) -> jax.Array:
    """The stream keys of ``n`` trials."""
    key = jax.vmap(lambda i: random.stream(random.member(random.root(0), trial=i), "noise.cells.test"))
    with jax.ensure_compile_time_eval():  # kept for all tests, so no tracer of the one that asks first
        return jax.jit(key)(jnp.arange(n, dtype=jnp.uint32))
