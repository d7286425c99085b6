"""Members of a grid cut into chunks of one shape, the program that computes a chunk, and what is computed so far.

A chunk is a block of members; it runs as one compiled program of nested ``vmap``s, one per axis, in which a leaf gains a
dimension only from the axes it depends on. All chunks have the same shape (smaller ones are padded), so a grid compiles
once, whatever its values and whatever part of it is computed.
"""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import equinox as eqx
import jax
import numpy as np

from jaxsnn_noise._typing import Key
from jaxsnn_noise.engine.backend import Backend
from jaxsnn_noise.engine.simulation import Simulation
from jaxsnn_noise.ensemble.axes import Axis
from jaxsnn_noise.ensemble.chunks import Chunk, chunk_sizes, padded
from jaxsnn_noise.ensemble.costs import costs
from jaxsnn_noise.ensemble.labels import fields, parts
from jaxsnn_noise.ensemble.members import acting, member
from jaxsnn_noise.ensemble.store import ranges
from jaxsnn_noise.ensemble.traced import traced

Block = tuple[np.ndarray, ...]
"""Some members: the positions along every axis, of which all combinations are meant."""
PADDED = 1.5
"""Members that are paid for, over those that are missing, from which on what is missing is cut anew. Processes that share a store
find full chunks of each other by their names, so those stay as they are."""


class Chunked:
    """Members of one simulation over axes, cut into chunks of one shape. It is data: it can be pickled.

    Args:
        sim: What is simulated.
        axes: The named axes, in the order of the result's dimensions.
        root: Root key.
        backend: What runs the simulation.
        chosen: The indices that are computed along every axis; all unless given.
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
        chosen: Sequence[np.ndarray] | None = None,
        chunk: Chunk = "auto",
        workers: int = 1,
    ):
        self.sim, self.axes, self.root, self.backend = sim, tuple(axes), root, backend
        self.chosen = tuple(np.arange(axis.size) for axis in axes) if chosen is None else tuple(chosen)
        self.shape = tuple(len(indices) for indices in self.chosen)
        self.fields = fields(sim, traced(sim, self.axes, backend))
        self._chunk, self._workers = chunk, workers
        self.sizes = self._sizes()

    def _sizes(self, left: Sequence[Sequence[int]] = ()) -> tuple[int, ...]:
        names, of = [axis.name for axis in self.axes], partial(costs, self.sim, self.axes, self.backend)
        return chunk_sizes(self._chunk, names, self.shape, of, self._workers, left=left)

    def cut_for(self, left: Sequence[Block]) -> Chunked:
        """The same members in chunks of a shape for some blocks of them."""
        other = copy.copy(self)
        other.sizes = self._sizes([[len(at) for at in block] for block in left])
        return other

    @property
    def members(self) -> int:
        """How many there are."""
        return int(np.prod(self.shape))

    def called(self, block: Block) -> str:
        """A block in words: the ranges of its indices along every axis."""
        return ranges([axis.name for axis in self.axes], [c[at] for c, at in zip(self.chosen, block, strict=True)])

    def chunks(self) -> Iterator[Block]:
        """Its blocks, in order."""
        yield from self.pieces(tuple(np.arange(n) for n in self.shape))

    def pieces(self, block: Block) -> Iterator[Block]:
        """A block in pieces of at most the size of a chunk."""
        ranges = [range(0, len(at), c) for at, c in zip(block, self.sizes, strict=True)]
        for starts in itertools.product(*ranges):
            yield tuple(at[s : s + c] for at, s, c in zip(block, starts, self.sizes, strict=True))

    def compute(self, block: Block) -> dict[str, np.ndarray]:
        """The results of a block by field, on JAX's default device; padding is computed and dropped."""
        indices = [
            np.pad(chosen[at], (0, size - len(at)), mode="edge").astype(np.uint32)
            for chosen, at, size in zip(self.chosen, block, self.sizes, strict=True)
        ]
        result = jax.device_get(run_chunk(self.sim, self.root, self.axes, padded(indices), self.backend))
        keep = tuple(slice(0, len(at)) for at in block)
        return {k: np.asarray(v)[keep] for k, v in flat(result).items()}


class Results:
    """What is computed so far.

    Attributes:
        arrays: By field, [axis, ..., dimensions of the field]; empty before the first block.
        finished: Which members are there [axis, ...].
        devices: What computed them.
    """

    def __init__(self, chunked: Chunked):
        self.chunked = chunked
        self.arrays: dict[str, np.ndarray] = {}
        self.finished = np.zeros(chunked.shape, bool)
        self.devices: set[str] = set()

    @property
    def done(self) -> int:
        """Members that are there."""
        return int(self.finished.sum())

    def put(self, block: Block, arrays: Mapping[str, np.ndarray]) -> None:
        """Add the results of a block."""
        if not self.arrays:
            fields, shape = self.chunked.fields, self.chunked.shape
            self.arrays = {k: np.zeros(shape + f.shape, f.dtype) for k, f in fields.items()}
        place = _place(block)
        for field, array in arrays.items():
            self.arrays[field][place] = array
        self.finished[place] = True

    def left(self) -> list[Block]:
        """What is not there, in chunks; cut anew where most of these would be padding, as in a study that has grown.

        Each costs what a full one costs.
        """
        pieces = [piece for block in self.chunked.chunks() for piece in self.missing(block)]
        paid = len(pieces) * math.prod(self.chunked.sizes)
        if not self.done or paid <= PADDED * (self.chunked.members - self.done):
            return pieces
        blocks = self.missing(tuple(np.arange(n) for n in self.chunked.shape))
        self.chunked = self.chunked.cut_for(blocks)
        return [piece for block in blocks for piece in self.chunked.pieces(block)]

    def missing(self, block: Block) -> list[Block]:
        """The members of a block that are not there, as blocks."""
        return list(_blocks(~self.finished[_place(block)], block))

    def partial(self) -> dict[str, np.ndarray]:
        """What is there; missing members are NaN (whole numbers become floats where some are missing)."""
        missing = ~self.finished
        if not missing.any():
            return self.arrays
        found = {k: a if a.dtype.kind == "f" else a.astype(np.float64) for k, a in self.arrays.items()}
        for array in found.values():
            array[missing] = np.nan
        return found


def _place(block: Block) -> tuple[Any, ...]:
    """Where a block lies in an array: slices if its positions follow each other, which costs no copy of indices."""
    if all(len(at) == at[-1] - at[0] + 1 for at in block):
        return tuple(slice(at[0], at[-1] + 1) for at in block)
    return np.ix_(*block)


def _blocks(which: np.ndarray, block: Block) -> Iterator[Block]:
    """Blocks that together are the marked members of a block: positions of the first axis with equal rows go together."""
    if not which.any():
        return
    if which.all():
        yield block
        return
    rows, of = np.unique(which.reshape(len(which), -1), axis=0, return_inverse=True)
    for i, row in enumerate(rows):
        for rest in _blocks(row.reshape(which.shape[1:]), block[1:]):
            yield (block[0][np.flatnonzero(of.reshape(-1) == i)], *rest)


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
