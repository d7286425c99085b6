"""How a grid of members is cut into chunks, and how many of them run side by side.

On a CPU the body of a scan runs on one thread, mostly, so chunks run side by side, one per core, each as large as keeps
its state in a core's cache. A network of more than about a thousand neurons is another matter: its products read all
weights in every step, use all cores by themselves, and get in each other's way. There one chunk runs at a time, with so
many members that the weights are read for many of them at once.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise._checks import count, fail, one_of
from jaxsnn_noise.engine.plan import formed_once
from jaxsnn_noise.engine.simulation import Simulation

Chunk = int | str | Mapping[str, int] | None
AUTO_BYTES = {"cpu": 4 << 20, "gpu": 1 << 30, "tpu": 1 << 30}
"""Memory that the state of one chunk may take: a few times a core's cache on a CPU, what fills the device elsewhere."""
SHARE_BYTES = 1 << 17
"""Memory of the state of the smallest chunk that is cut only to keep all workers busy; below it a step is mostly
overhead.
"""
WIDE_BYTES = 4 << 20
"""Weights of a projection from which on its product rules the time (2 MB are a core's cache)."""
BYTES_PER_NEURON = 64
"""Memory per neuron that a step works on beside what it carries: currents, noise, frames."""
RESULT_BYTES = 256 << 20
"""Memory that the results of one chunk may take."""


def chunk_sizes(
    chunk: Chunk, names: Sequence[str], shape: Sequence[int], sim: Simulation, result_bytes: int, carry_bytes: int,
    workers: int,
) -> tuple[int, ...]:  # fmt: skip
    """Members per chunk along every axis.

    Args:
        chunk: ``"auto"``, ``None`` (all), a number of members, or a number per axis name.
        names: Names of the axes.
        shape: Members along the axes.
        sim: What is simulated.
        result_bytes: Memory of the results of one member.
        carry_bytes: Memory of what the loop of one member carries from step to step.
        workers: Chunks that run side by side.
    """
    if isinstance(chunk, Mapping):
        for name, size in chunk.items():
            one_of("monte_carlo.chunk", name, names)
            count(f"monte_carlo.chunk[{name!r}]", size)
        return tuple(min(chunk.get(n, s), s) for n, s in zip(names, shape, strict=True))
    if chunk is None:
        return tuple(shape)
    if isinstance(chunk, str) and chunk != "auto":
        fail("monte_carlo.chunk", 'must be "auto", None, a number, or a number per axis', chunk)
    auto = chunk == "auto"
    members = affordable(sim, shape, result_bytes, carry_bytes, workers) if auto else count("monte_carlo.chunk", chunk)
    sizes = []
    for n in reversed(shape):
        size = max(1, min(n, members))
        sizes.append(even(n, size, workers) if auto else size)
        members //= size
    return tuple(reversed(sizes))


def affordable(sim: Simulation, shape: Sequence[int], result_bytes: int, carry_bytes: int, workers: int) -> int:
    """Members whose state fits the budget of the platform, or as few as give every worker a share."""
    member = max(carry_bytes, BYTES_PER_NEURON * sum(p.size for p in sim.network.populations.values()))
    # a state as large as the weights: reading either takes as long
    budget = max(AUTO_BYTES.get(jax.default_backend(), 1 << 30), weight_bytes(sim) if wide(sim) else 0)
    fit = min(budget // member, RESULT_BYTES // max(result_bytes, 1))
    share = max(-(-int(np.prod(shape)) // workers), SHARE_BYTES // member)
    return max(2, min(fit, share))


def even(n: int, size: int, workers: int) -> int:
    """The size of even pieces of ``n``, at most ``size``, in whole rounds of the workers.

    Every chunk costs what a full one costs: 1000 members in chunks of 491 would be paid as 1473.
    """
    pieces = -(-n // size)
    if pieces > 1:
        pieces = min(n, -(-pieces // workers) * workers)
    return -(-n // pieces)


def padded(indices: Sequence[np.ndarray]) -> tuple[jax.Array, ...]:
    """At least two members: with a batch of one, XLA rewrites the program and the last bits move."""
    if indices and all(len(i) == 1 for i in indices):
        indices = [*indices[:-1], np.repeat(indices[-1], 2)]
    return tuple(jnp.asarray(i) for i in indices)


def weight_bytes(sim: Simulation) -> int:
    """Memory of the largest projection whose product is formed in every step."""
    sizes = [
        sum(leaf.nbytes for leaf in jax.tree.leaves(projection) if isinstance(leaf, jax.Array))
        for name, projection in sim.network.projections.items()
        if not formed_once(sim, name)
    ]
    return max(sizes, default=0)


def wide(sim: Simulation) -> bool:
    """Whether products with the weights rule the time of a step and keep all cores of a CPU busy by themselves."""
    return jax.default_backend() == "cpu" and weight_bytes(sim) > WIDE_BYTES


def default_workers(devices: Sequence[Any], sims: Sequence[Simulation] = ()) -> int:
    """One per core on a single CPU device, one in all where a simulation is wide, one per device elsewhere."""
    if len(devices) > 1 or devices[0].platform != "cpu":
        return len(devices)
    if any(wide(sim) for sim in sims):
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, 16))
