"""A grid of members over named axes, cut into chunks of one shape, and the program that computes a chunk.

A chunk is a block of the grid; it runs as one compiled program of nested ``vmap``s, one per axis, in which a leaf gains
a dimension only from the axes it depends on. All chunks have the same shape (the last ones are padded), so a grid
compiles once, whatever its values.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import numpy as np

from jaxsnn_noise._typing import Key
from jaxsnn_noise.engine.backend import Backend
from jaxsnn_noise.engine.simulation import Simulation
from jaxsnn_noise.ensemble.axes import Axis
from jaxsnn_noise.ensemble.chunks import Chunk, chunk_sizes, padded
from jaxsnn_noise.ensemble.labels import fields, parts
from jaxsnn_noise.ensemble.members import acting, member

Block = tuple[slice, ...]
"""A part of a grid: one range of indices per axis."""


class Grid:
    """One simulation over a grid of axes, cut into chunks of one shape. It is data: it can be pickled.

    Args:
        sim: What is simulated.
        axes: The named axes, in the order of the result's dimensions.
        root: Root key.
        backend: What runs the simulation.
        chunk: Members computed at once, as ``monte_carlo`` takes them.
        workers: Chunks that run side by side.

    Attributes:
        shape: Members along every axis.
        sizes: Members of a chunk along every axis.
        fields: The arrays of one member's results by name.

    Raises:
        InputError: a chunk that does not fit the axes.
    """

    def __init__(
        self,
        sim: Simulation,
        axes: Sequence[Axis],
        *,
        root: Key,
        backend: Backend,
        chunk: Chunk = "auto",
        workers: int = 1,
    ):
        self.sim, self.axes, self.root, self.backend = sim, tuple(axes), root, backend
        self.shape = tuple(axis.size for axis in axes)
        self.fields = fields(sim, backend, self.axes)
        self.sizes = chunk_sizes(chunk, self.axes, sim, backend, workers)

    @property
    def members(self) -> int:
        """How many there are."""
        return int(np.prod(self.shape))

    def chunks(self) -> Iterator[Block]:
        """The blocks of the grid, in order."""
        ranges = [range(0, n, c) for n, c in zip(self.shape, self.sizes, strict=True)]
        for starts in itertools.product(*ranges):
            yield tuple(slice(s, min(s + c, n)) for s, c, n in zip(starts, self.sizes, self.shape, strict=True))

    def compute(self, block: Block) -> dict[str, np.ndarray]:
        """The results of a block by field, on JAX's default device; padding is computed and dropped."""
        indices = [
            np.minimum(np.arange(b.start, b.start + c, dtype=np.uint32), np.uint32(n - 1))
            for b, c, n in zip(block, self.sizes, self.shape, strict=True)
        ]
        result = jax.device_get(run_chunk(self.sim, self.root, self.axes, padded(indices), self.backend))
        keep = tuple(slice(0, b.stop - b.start) for b in block)
        return {k: np.asarray(v)[keep] for k, v in flat(result).items()}

    def member(self, indices: Sequence[int], sim: Simulation) -> dict[str, Any]:
        """The results of one member, of a simulation that differs in its statistics: the same bits, by the same program."""
        block = [np.array([index], np.uint32) for index in indices]
        result = run_chunk(sim, self.root, self.axes, padded(block), self.backend)
        return jax.tree.map(lambda x: x[(0,) * len(block)], result)


class Results:
    """What is computed of a grid so far.

    Attributes:
        arrays: By field, [axis, ..., dimensions of the field]; empty before the first block.
        finished: Which members are there [axis, ...].
    """

    def __init__(self, grid: Grid):
        self.grid = grid
        self.arrays: dict[str, np.ndarray] = {}
        self.finished = np.zeros(grid.shape, bool)

    @property
    def done(self) -> int:
        """Members that are there."""
        return int(self.finished.sum())

    def put(self, block: Block, arrays: Mapping[str, np.ndarray]) -> None:
        """Add the results of a block."""
        if not self.arrays:
            self.arrays = {k: np.zeros(self.grid.shape + f.shape, f.dtype) for k, f in self.grid.fields.items()}
        for field, array in arrays.items():
            self.arrays[field][block] = array
        self.finished[block] = True

    def partial(self) -> dict[str, np.ndarray]:
        """What is there; missing members are NaN (whole numbers become floats where some are missing)."""
        missing = ~self.finished
        if not missing.any():
            return self.arrays
        found = {k: a if a.dtype.kind == "f" else a.astype(np.float64) for k, a in self.arrays.items()}
        for array in found.values():
            array[missing] = np.nan
        return found


@eqx.filter_jit
def run_chunk(
    sim: Simulation, root: Key, axes: tuple[Axis, ...], indices: tuple[jax.Array, ...], backend: Backend
) -> dict[str, Any]:
    """The results of all members of a block: one leading dimension per axis.

    The axes act, and are batched, in one order (those that rebuild the network first, then by name), whatever the order of
    dimensions: another nesting would be another program, which rounds differently.
    """
    order = acting(axes)

    def function(*chosen: jax.Array) -> dict[str, Any]:
        return member(sim, root, axes, chosen, backend)

    for depth in reversed(order):
        function = jax.vmap(function, in_axes=tuple(0 if i == depth else None for i in range(len(axes))))
    result: dict[str, Any] = function(*indices)
    return jax.tree.map(lambda x: x.transpose(*np.argsort(order), *range(len(order), x.ndim)), result)


def flat(result: Mapping[str, Any]) -> dict[str, Any]:
    """Results by field: ``name`` for a plain array, ``name_field`` for a module."""
    out: dict[str, Any] = {}
    for name, value in result.items():
        out |= {f"{name}_{part}" if part else name: array for part, array in parts(value).items()}
    return out
