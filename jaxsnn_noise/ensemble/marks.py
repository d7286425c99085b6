"""What tells the members along an axis from each other: their marks.

Two members with the same marks along all axes of one study are the same member and have the same results, whatever else is on
the axes. That lets a store grow: what it holds is found by marks, not by positions.
"""

from __future__ import annotations

import hashlib
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise._typing import Key
from jaxsnn_noise.engine.addresses import Address
from jaxsnn_noise.engine.simulation import Simulation
from jaxsnn_noise.ensemble.axes import Axis
from jaxsnn_noise.fingerprints import of_function

AT_ONCE = 1 << 28
"""Bytes of leaves that are formed at once."""


def marks(axis: Axis, sim: Simulation, root: Key) -> list[str]:
    """One per member: its label, its index where the axis draws numbers with it, and a hash of the leaves that the axis sets.

    What a function makes of a member is told by the program of that function too: it may depend on what other axes set. So are
    networks that an axis builds: their leaves may be too many to form them all.
    """
    told = _Told(axis, sim, root)
    index = jax.ShapeDtypeStruct((), jnp.uint32)
    shapes = jax.eval_shape(told.leaves, index)
    labels, common = [str(label) for label in np.asarray(axis.coordinate()).tolist()], axis.function(sim)
    if axis.rebuilds or (common is None and shapes and not axis.sets(sim)):
        common = of_function(told.leaves, index)
    digests: list[str] = [""] * axis.size
    if shapes and not axis.rebuilds:
        each = max(1, AT_ONCE // max(1, sum(math.prod(s.shape) * s.dtype.itemsize for s in shapes)))
        for start in range(0, axis.size, each):
            at = np.arange(start, min(start + each, axis.size), dtype=np.uint32)
            arrays = [np.asarray(leaf) for leaf in jax.vmap(told.leaves)(at)]
            digests[start : start + each] = [
                _digest(told.where, [np.asarray(array[k]) for array in arrays]) for k in range(len(at))
            ]
    indices = [str(i) if told.addressed else "" for i in range(axis.size)]
    return [
        "|".join((i, label, digest, common or "")) for i, label, digest in zip(indices, labels, digests, strict=True)
    ]


def _digest(where: list[int], leaves: list[np.ndarray]) -> str:
    digest = hashlib.blake2b(f"{where}".encode(), digest_size=12)
    for leaf in leaves:
        digest.update(np.ascontiguousarray(leaf).tobytes())
    return digest.hexdigest()


class _Told:
    """What an axis makes of a simulation at an index: the leaves that it changes, and whether it takes part in addresses."""

    def __init__(self, axis: Axis, sim: Simulation, root: Key):
        self.axis, self.sim, self.root = axis, sim, root
        self.addressed = False
        self.where: list[int] = []

    def leaves(self, index: Any) -> list[jax.Array]:
        """Those that are other objects than before: what an axis leaves alone is handed on."""
        sim, address = self.axis.apply(self.sim, Address.of(), jnp.asarray(index), self.root)
        self.addressed = self.axis.name in address.indices
        before, after = jax.tree.leaves(self.sim), jax.tree.leaves(sim)
        self.where = [i for i, (a, b) in enumerate(zip(before, after, strict=True)) if a is not b]
        return [after[i] for i in self.where]
