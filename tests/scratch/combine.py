"""A combination: currents that saturate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import jax.numpy as jnp

from jaxsnn_noise._typing import Leaf, Values
from jaxsnn_noise.parameters import parameter, positive
from jaxsnn_noise.signals import Drive
from jaxsnn_noise.synapses.combine import Combine


class ScratchCombine(Combine):
    """``ceiling tanh(I/ceiling)`` of the sum I of all currents.

    Args:
        ceiling: The largest current [nA], > 0.
    """

    ceiling: Leaf = parameter("nA", positive)

    def __call__(self, external: Drive, drives: Mapping[str, Drive], potential: Values) -> Drive:
        total = external
        for name in sorted(drives):
            total = total + drives[name]
        return Drive(self.ceiling * jnp.tanh(total.current / self.ceiling))

    @classmethod
    def example(cls) -> Self:
        return cls(4.0)
