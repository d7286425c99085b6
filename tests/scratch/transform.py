"""A transform: a straight line with a soft end."""

from __future__ import annotations

from typing import Self

import jax
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise._checks import concrete, fail
from jaxsnn_noise._typing import Leaf, Values
from jaxsnn_noise.parameters import parameter, positive
from jaxsnn_noise.training.transforms import Transform, of_the_leaf


class ScratchTransform(Transform):
    """``bend ln(1 + exp(u/bend))``, in (0, inf): for large values the optimiser moves the leaf itself.

    Args:
        bend: Where it turns, in the unit of the leaf, > 0.
    """

    bend: Leaf = parameter(of_the_leaf, positive)

    def constrain(self, free: Values) -> Values:
        return self.bend * jax.nn.softplus(free / self.bend)

    def free(self, value: Values) -> Values:
        x = value / self.bend
        return self.bend * (x + jnp.log(-jnp.expm1(-x)))

    def check(self, who: str, value: Values) -> None:
        array = concrete(value)
        if array is not None and not (np.all(np.isfinite(array)) and np.all(array > 0)):
            fail(who, "must start above 0 to be trained with this transform", value)

    @classmethod
    def example(cls) -> Self:
        return cls(2.0)
