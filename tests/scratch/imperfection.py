"""An imperfection: synapses that are stuck."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import equinox as eqx
import jax.numpy as jnp

from jaxsnn_noise import random
from jaxsnn_noise._typing import Key, Leaf
from jaxsnn_noise.hardware.imperfection import Imperfection, Stage
from jaxsnn_noise.hardware.leaves import check_path, leaf_of, with_leaf
from jaxsnn_noise.laws.law import unit_of_quantity
from jaxsnn_noise.parameters import fraction, parameter, real


class ScratchImperfection(Imperfection):
    """A share of the synapses holds one value, whatever was written.

    Args:
        path: Dotted path of the weights as seen from the simulation.
        level: The value, in the unit of the weights.
        share: How many of them [1], 0 to 1.
        axis: The axis on which devices are drawn.
    """

    stage: ClassVar[Stage] = Stage.FAILED
    switches_off: ClassVar[bool] = True
    absolute: ClassVar[bool] = True
    path: str = eqx.field(static=True)
    level: Leaf = parameter(unit_of_quantity, real)
    share: Leaf = parameter("1", fraction)
    axis: str = eqx.field(static=True, default="device")

    def apply(self, network: Any, key: Key) -> Any:
        weights = leaf_of(network, self.path)
        stuck = random.uniforms(key, weights.shape) < self.share
        return with_leaf(network, self.path, jnp.where(stuck, self.level, weights))

    def check(self, who: str, network: Any) -> None:
        check_path(who, network, self.path)

    @classmethod
    def example(cls) -> Self:
        return cls("network.recurrent.weights", 0.25, 0.1)
