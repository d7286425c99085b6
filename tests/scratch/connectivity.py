"""A rule of connectivity: neighbours on a ring."""

from __future__ import annotations

from typing import Any, Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise import random
from jaxsnn_noise._checks import fail, number
from jaxsnn_noise.synapses.graphs import Connectivity, Graph


class ScratchConnectivity(Connectivity):
    """Each pair on a ring is connected with the probability ``exp(-distance/reach)``, ``distance`` in neurons.

    Args:
        reach: Of the connections [neurons], > 0.
    """

    reach: float = eqx.field(static=True)

    def __check_init__(self) -> None:
        if not number("ScratchConnectivity.reach", self.reach) > 0:
            fail("ScratchConnectivity.reach", "must be > 0", self.reach)

    def draw(self, key: Any, size: tuple[int, int]) -> Graph:
        targets, sources = size
        if min(size) < 1:
            fail("ScratchConnectivity.draw.size", "must be two whole numbers >= 1", size)
        ring = np.abs(np.arange(targets)[:, None] / targets - np.arange(sources) / sources)
        distance = np.minimum(ring, 1.0 - ring) * max(size)
        u = random.uniforms(random.stream(random.root(key), "ring"), size)
        rows, columns = np.nonzero(np.asarray(u) < np.exp(-distance / self.reach))
        return Graph(jnp.asarray(rows, jnp.int32), jnp.asarray(columns, jnp.int32), size, multapses=False)

    @classmethod
    def example(cls) -> Self:
        return cls(2.0)
