"""A loss: a hinge."""

from __future__ import annotations

from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise._checks import concrete, fail, one_of
from jaxsnn_noise._typing import Leaf, Scalar, Values
from jaxsnn_noise.engine.network import Network
from jaxsnn_noise.parameters import parameter, positive
from jaxsnn_noise.statistics import Mean, Statistic
from jaxsnn_noise.training.losses import Loss


class ScratchLoss(Loss):
    """``mean_s max_j max(0, lead + x_sj - x_sy)`` over the wrong neurons j: the right one is to lead by ``lead``.

    Args:
        on: Name of the population whose mean potential is read.
        lead: The margin [mV], > 0.
    """

    on: str = eqx.field(static=True)
    lead: Leaf = parameter("mV", positive)

    def reads(self, network: Network) -> Statistic:
        one_of("ScratchLoss.on", self.on, network.cells())
        return Mean("v", population=self.on)

    def __call__(self, readings: Values, targets: Any) -> Scalar:
        right = jax.nn.one_hot(targets, readings.shape[-1], dtype=readings.dtype)
        own = jnp.sum(right * readings, axis=-1)
        others = jnp.max(readings - 1e9 * right, axis=-1)
        return jnp.mean(jax.nn.relu(self.lead + others - own))

    def check(self, network: Network, who: str, targets: Any) -> None:
        labels, size = concrete(targets), network.populations[self.on].size
        if targets.ndim != 1 or not np.issubdtype(targets.dtype, np.integer):
            fail(who, "must be whole numbers of the shape [sample]", (targets.shape, str(targets.dtype)))
        if labels is not None and labels.size and not (labels.min() >= 0 and labels.max() < size):
            fail(who, f"labels must lie in [0, {size - 1}]", labels)

    @classmethod
    def example(cls) -> Self:
        return cls("output", 0.5)
