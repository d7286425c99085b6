"""Imperfections that nobody ships: one of each kind that a user may write."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import equinox as eqx
import jax.numpy as jnp

from jaxsnn_noise import paths, random
from jaxsnn_noise._typing import Key, Leaf
from jaxsnn_noise.hardware import Imperfection, Stage
from jaxsnn_noise.parameters import between, fraction, nonnegative, parameter, positive


class StuckAt(Imperfection):
    """Synapses that hold one value, whatever was written, each with a probability."""

    stage: ClassVar[Stage] = Stage.FAILED
    switches_off: ClassVar[bool] = True
    absolute: ClassVar[bool] = True
    path: str = eqx.field(static=True)
    value: Leaf = parameter("nA", between(-100.0, 100.0))
    probability: Leaf = parameter("1", fraction)
    axis: str = eqx.field(static=True, default="device")

    def apply(self, network: Any, key: Key) -> Any:
        weights = paths.get(network, self.path)
        stuck = random.uniforms(key, weights.shape) < self.probability
        return paths.replace(network, {self.path: jnp.where(stuck, self.value, weights)})

    def check(self, who: str, network: Any) -> None:
        paths.get(network, self.path)

    @classmethod
    def example(cls) -> Self:
        return cls("recurrent.weights", 0.25, 0.1)


class Drift(Imperfection):
    """``w (age/t0)^-nu``, each synapse with its own exponent ``nu (1 + 0.3 z)``."""

    stage: ClassVar[Stage] = Stage.AGED
    switches_off: ClassVar[bool] = True
    absolute: ClassVar[bool] = False
    path: str = eqx.field(static=True)
    nu: Leaf = parameter("1", nonnegative)
    age: Leaf = parameter("s", positive)
    axis: str = eqx.field(static=True, default="device")

    def apply(self, network: Any, key: Key) -> Any:
        weights = paths.get(network, self.path)
        exponents = self.nu * (1.0 + 0.3 * random.normals(key, weights.shape))
        return paths.replace(network, {self.path: weights * jnp.exp(-exponents * jnp.log(self.age / 20.0))})

    def check(self, who: str, network: Any) -> None:
        paths.get(network, self.path)

    @classmethod
    def example(cls) -> Self:
        return cls("recurrent.weights", 0.05, 3600.0)


class Warm(Imperfection):
    """All time constants shortened alike, by a share per kelvin: it draws nothing."""

    stage: ClassVar[Stage] = Stage.AGED
    switches_off: ClassVar[bool] = True
    absolute: ClassVar[bool] = False
    kelvin: Leaf = parameter("K", nonnegative)

    @property
    def axis(self) -> None:
        """None."""

    def apply(self, network: Any, key: Key) -> Any:
        path = "cells.neuron.tau_mem"
        return paths.replace(network, {path: paths.get(network, path) * jnp.exp(-0.01 * self.kelvin)})

    def check(self, who: str, network: Any) -> None:
        """Fits everything."""

    @classmethod
    def example(cls) -> Self:
        return cls(20.0)


SCRATCH = [StuckAt, Drift, Warm]
