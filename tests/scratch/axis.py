"""An axis: a sweep in equal ratios between two ends that are leaves."""

from __future__ import annotations

from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise import paths
from jaxsnn_noise._checks import count
from jaxsnn_noise._typing import Key, Leaf, Values
from jaxsnn_noise.engine.addresses import Address
from jaxsnn_noise.engine.simulation import Simulation
from jaxsnn_noise.ensemble.axes.axis import Axis, attributes_of, check_values, of_what_is_set
from jaxsnn_noise.parameters import parameter, positive


class ScratchAxis(Axis):
    """A leaf set to ``n`` values from ``start`` to ``stop``, each the last one times the same factor.

    Args:
        path: Dotted path of the leaf.
        start: The first value, > 0.
        stop: The last value, > 0.
        n: How many, >= 2.
        name: Name of the dimension.
    """

    path: str = eqx.field(static=True)
    start: Leaf = parameter(of_what_is_set, positive)
    stop: Leaf = parameter(of_what_is_set, positive)
    n: int = eqx.field(static=True, default=3)
    name: str = eqx.field(static=True, default="ratio")

    def __check_init__(self) -> None:
        count("ScratchAxis.n", self.n, least=2)

    @property
    def size(self) -> int:
        return self.n

    def apply(self, sim: Simulation, address: Address, index: jax.Array, root: Key) -> tuple[Simulation, Address]:
        return paths.replace(sim, {self.path: self._values()[index]}), address

    def sets(self, sim: Simulation) -> tuple[str, ...]:
        return (self.path,)

    def check(self, sim: Simulation) -> None:
        check_values(f"ScratchAxis of {self.path}", sim, self.path, self._values())

    def coordinate(self) -> Any:
        return np.asarray(self._values())

    def attributes(self, sim: Simulation) -> dict[str, str]:
        return attributes_of(sim, self.path)

    def _values(self) -> Values:
        return self.start * (self.stop / self.start) ** jnp.linspace(0.0, 1.0, self.n)

    @classmethod
    def example(cls) -> Self:
        return cls("network.cells.neuron.tau_mem", 5.0, 20.0)
