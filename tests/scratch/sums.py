"""Sums: weights in whole steps."""

from __future__ import annotations

from typing import Any, Self

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int32

from jaxsnn_noise._typing import Leaf, Scalar, Values
from jaxsnn_noise.parameters import parameter, positive
from jaxsnn_noise.synapses.sums import PerSynapse, Sums, Weights


class ScratchSums(Sums):
    """Weights rounded to multiples of a step; the gradient passes straight through.

    Args:
        grain: The step [nA], > 0.
    """

    grain: Leaf = parameter("nA", positive)

    def prepare(self, weights: Weights, largest: int = 1) -> Weights:
        return _in_steps(weights, self.grain)

    def prepare_rows(
        self,
        weights: PerSynapse,
        rows: Int32[Array, "synapse"],
        *,
        size: tuple[int, int],
        multapses: bool = False,
        largest: int = 1,
    ) -> PerSynapse:
        return _in_steps(weights, self.grain)

    @classmethod
    def example(cls) -> Self:
        return cls(0.125)


@jax.custom_jvp
def _in_steps(weights: Values, grain: Scalar) -> Values:
    return jnp.round(weights / grain) * grain


@_in_steps.defjvp
def _straight_through(primals: Any, tangents: Any) -> tuple[Values, Values]:
    return _in_steps(*primals), tangents[0]
