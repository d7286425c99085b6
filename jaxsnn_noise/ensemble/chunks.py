"""How a grid of members is cut into chunks, and how many of them run side by side.

The shape of a chunk is the one whose predicted time is smallest, among all even cuts of the axes that fit into memory. The
prediction adds up what :mod:`jaxsnn_noise.ensemble.costs` finds in the program of one member. With ``c_a`` members of axis ``a``
in a chunk, and ``P(D)`` the product of the ``c_a`` over the axes ``D`` that something depends on, a chunk takes::

    CHUNK + TURN turns                                                      to start it, and every turn of its loops
    + sum over plain work w of axes D:          w P(D)
    + sum over products:                        FLOP flops P(D) + READ (bytes_1 P(D_1) + bytes_2 P(D_2))
    + sum over loops, with state b of axes D:   SPILL turns (sum b P(D), as far as it is beyond a core's cache)
    + FRESH (memory of the chunk, as far as it is beyond the cache that cores share)

and a study as many of them as there are chunks per worker. Whatever depends on some axes only, such as the mismatch of a chip, is
built anew in every chunk: cutting the other axes costs it again. Weights that members share are read once for all of them: a chunk
with few members on each device pays for reading. A small chunk waits for its turns; a large one does not fit into the cache. None
of this is a special case: the axes of each part are read off the program.

Constants are ratios, to one plain operation on one float32 of an array in the cache, measured on two cores of a server
processor (2 MB of second-level cache). Only the ranking of shapes matters, and the best ones lie on a plateau.
"""

from __future__ import annotations

import itertools
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise._checks import count, fail, one_of
from jaxsnn_noise.engine.plan import formed_once
from jaxsnn_noise.engine.simulation import Simulation
from jaxsnn_noise.ensemble.costs import Along, Costs

Chunk = int | str | Mapping[str, int] | None
CHUNK = 2e7
"""To start a chunk and fetch its results."""
TURN = 2.5e4
"""A turn of a loop, per equation of its body."""
FLOP = 1.0
"""A product or a sum within a product of matrices."""
READ = 4.0
"""A byte of an operand of a product: it is laid out anew for the product."""
SPILL = 2.0
"""A byte of a loop's state beyond the cache, per turn."""
CACHE_BYTES = 1 << 20
"""State that a core keeps in its cache."""
FRESH = 50.0
"""A byte of a chunk's memory beyond the shared cache: the system hands it out, and it is fetched."""
SHARED_BYTES = 32 << 20
"""Memory that all chunks that run side by side keep in the cache that cores share."""
ACCELERATED = 1e-3
"""Work, products and memory of an accelerator, in those of a core; starting things takes as long."""
RESULT_BYTES = 256 << 20
"""Memory that the results of one chunk may take."""
LIVE_BYTES = 1 << 30
"""Memory that everything else in one chunk may take."""
LIVE_COPIES = 2
"""How many arrays of the largest size of each kind are alive at once."""
WIDE_BYTES = 4 << 20
"""Weights of a projection from which on its product rules the time (2 MB are a core's cache)."""
CLOSE = 1.02
"""Of shapes whose times are within this factor of the best, the one with the fewest members: results come in sooner."""
STORED_WORKERS = 4
"""See :func:`stored_workers`; more would cut short studies too finely on a machine with few cores."""
MOST_SHAPES = 20_000
"""Shapes that are compared."""


def chunk_sizes(
    chunk: Chunk,
    names: Sequence[str],
    shape: Sequence[int],
    costs: Callable[[], Costs],
    workers: int,
    *,
    left: Sequence[Sequence[int]] = (),
) -> tuple[int, ...]:
    """Members per chunk along every axis.

    Args:
        chunk: ``"auto"``, ``None`` (all), a number of members, or a number per axis name.
        names: The names of the axes.
        shape: Members along every axis.
        costs: What a member costs.
        workers: Chunks that run side by side.
        left: Shapes of the blocks that alone are to be computed, if it is not all: no chunk is larger than the largest.
    """
    if left:
        if chunk == "auto":
            return fastest(costs(), shape, workers, left=left)
        most = np.max(left, axis=0)
        return tuple(
            int(min(n, m)) for n, m in zip(chunk_sizes(chunk, names, shape, costs, workers), most, strict=True)
        )
    if isinstance(chunk, Mapping):
        for name, size in chunk.items():
            one_of("monte_carlo.chunk", name, names)
            count(f"monte_carlo.chunk[{name!r}]", size)
        return tuple(min(chunk.get(n, s), s) for n, s in zip(names, shape, strict=True))
    if chunk is None:
        return tuple(shape)
    if isinstance(chunk, str):
        if chunk != "auto":
            fail("monte_carlo.chunk", 'must be "auto", None, a number, or a number per axis', chunk)
        return fastest(costs(), shape, workers) if names else ()
    members, sizes = count("monte_carlo.chunk", chunk), []
    for n in reversed(shape):
        sizes.append(max(1, min(n, members)))
        members //= sizes[-1]
    return tuple(reversed(sizes))


def fastest(of: Costs, shape: Sequence[int], workers: int, *, left: Sequence[Sequence[int]] = ()) -> tuple[int, ...]:
    """The sizes with the smallest predicted time among those that fit into memory: of all, or of the blocks that are left."""
    blocks = Counter(tuple(block) for block in left or (shape,))
    candidates = [even_sizes(int(n)) for n in np.max(list(blocks), axis=0)]
    while np.prod([len(c) for c in candidates]) > MOST_SHAPES:
        longest = max(range(len(candidates)), key=lambda i: len(candidates[i]))
        candidates[longest] = candidates[longest][::2] + candidates[longest][-1:]
    sizes = np.array(list(itertools.product(*candidates)))
    members = sizes.prod(axis=1)
    fit = (of.result * members <= RESULT_BYTES) & (live_bytes(of, sizes) <= LIVE_BYTES)
    if not fit.any():
        fit = members == members.min()
    times = [n * predicted(of, block, sizes, workers) for block, n in blocks.items()]
    time = np.where(fit, np.sum(times, axis=0), np.inf)
    close = np.flatnonzero(time <= CLOSE * time.min())[::-1]  # of equal ones that which cuts the first axes
    return tuple(int(c) for c in sizes[close[np.argmin(members[close])]])


def predicted(of: Costs, shape: Sequence[int], sizes: np.ndarray, workers: int) -> np.ndarray:
    """The time of a study for each row of sizes [shape, axis], in plain operations; see the top of the file."""
    pieces = -(-np.asarray(shape) // sizes)
    alone = sizes.prod(axis=1) == 1  # padded to two
    work = _held(of.work, sizes)
    for p in of.products:
        work += p.times * FLOP * p.flops * _values(p.along, sizes)
        work += p.times * READ * sum(b * _values(along, sizes) for along, b in p.operands)
    for turns, state in of.carried:
        work += SPILL * turns * np.maximum(0.0, _held(state, sizes) - CACHE_BYTES)
    work += FRESH * np.maximum(0.0, live_bytes(of, sizes) - SHARED_BYTES / workers)
    speed = 1.0 if jax.default_backend() == "cpu" else ACCELERATED
    rounds = -(-pieces.prod(axis=1) // workers)
    return rounds * (CHUNK + TURN * of.steps + speed * work * np.where(alone, 2, 1))


def live_bytes(of: Costs, sizes: np.ndarray) -> np.ndarray:
    """Memory of a chunk: a few arrays of the largest size of each kind, and what loops carry."""
    states = [_held(state, sizes) for _, state in of.carried]
    return LIVE_COPIES * _held(of.largest, sizes) + np.max([np.zeros(len(sizes)), *states], axis=0)


def even_sizes(n: int) -> list[int]:
    """Sizes that cut ``n`` into even pieces, the largest first: every number of pieces up to 16, then a quarter more each time.

    Every chunk costs what a full one costs: 1000 members in chunks of 491 would be paid as 1473.
    """
    sizes, pieces = [], 1
    while pieces < n:
        sizes.append(-(-n // pieces))
        pieces += max(1, pieces // 4) if pieces >= 16 else 1
    return list(dict.fromkeys([*sizes, 1]))


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


def stored_workers(sims: Sequence[Simulation]) -> int:
    """Workers for which the chunks of a store are cut, on any machine, so that another one can go on with it."""
    return 1 if any(wide(sim) for sim in sims) else STORED_WORKERS


def _held(parts: Mapping[Along, float], sizes: np.ndarray) -> np.ndarray:
    """The sum of parts, each once per value of what it depends on."""
    return sum((part * _values(along, sizes) for along, part in parts.items()), np.zeros(len(sizes)))


def _values(along: Along, sizes: np.ndarray) -> np.ndarray:
    """How many values of something there are in a chunk: one per member of the axes that it depends on."""
    return sizes[:, sorted(along)].prod(axis=1).astype(float)
