"""How a product of whole numbers loses its last bits."""

from __future__ import annotations

import abc
from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Bool, Int32

from jaxsnn_noise import random
from jaxsnn_noise.parameters import Ranged
from jaxsnn_noise.random import Tick


class Rounding(Ranged):
    r"""Abstract: ``(x + offset) >> bits`` with the arithmetic shift of hardware, which rounds down.

    A member writes the offset, a whole number in :math:`[0, 2^{bits})`.
    """

    random: ClassVar[bool] = False
    """Whether it draws."""

    @abc.abstractmethod
    def offset(self, negative: Bool[Array, " neuron"], bits: int, key: Tick) -> Int32[Array, " neuron"]:
        """What is added before the shift; ``negative`` says where the product is below 0."""


class RoundDown(Rounding):
    """The shift alone: to the next whole number below, of negative numbers too. A membrane drifts down by half a step on average."""

    def offset(self, negative: Bool[Array, " neuron"], bits: int, key: Tick) -> Int32[Array, " neuron"]:
        del bits, key
        return jnp.zeros(negative.shape, jnp.int32)


class RoundTowardsZero(Rounding):
    """What is cut off makes the magnitude smaller: a leak stops early, ``theory.leak_deadband``."""

    def offset(self, negative: Bool[Array, " neuron"], bits: int, key: Tick) -> Int32[Array, " neuron"]:
        del key
        return jnp.where(negative, jnp.int32((1 << bits) - 1), jnp.int32(0))


class RoundToNearest(Rounding):
    """To the nearest whole number, halves up. A leak stops at half as far as it does towards zero."""

    def offset(self, negative: Bool[Array, " neuron"], bits: int, key: Tick) -> Int32[Array, " neuron"]:
        del key
        return jnp.full(negative.shape, 1 << (bits - 1), jnp.int32)


class StochasticRounding(Rounding):
    """Up with a probability that is the part cut off: the mean is exact, whatever the resolution is.

    References: Forsythe 1950; Gupta, Agrawal, Gopalakrishnan, Narayanan 2015, arXiv:1502.02551; in spiking hardware Hopkins,
    Mikaitis, Lester, Furber 2020, doi:10.1098/rsta.2019.0052.
    """

    random: ClassVar[bool] = True

    def offset(self, negative: Bool[Array, " neuron"], bits: int, key: Tick) -> Int32[Array, " neuron"]:
        words = random.bits(key, random.entities(negative.shape[-1]))
        return (words >> jnp.uint32(32 - bits)).astype(jnp.int32)
