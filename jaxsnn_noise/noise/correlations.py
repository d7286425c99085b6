"""Correlation across neurons: how one step's innovations of a population depend on each other."""

from __future__ import annotations

import abc
from typing import ClassVar

import jax.numpy as jnp

from jaxsnn_noise import random
from jaxsnn_noise._typing import Leaf, PerNeuron, Scalar, Values
from jaxsnn_noise.distributions import Distribution
from jaxsnn_noise.opacity import opaque, opaque_zero
from jaxsnn_noise.parameters import Part, fraction, parameter
from jaxsnn_noise.random import Tick
from jaxsnn_noise.roots import square_root


class Correlation(Part):
    """Draws one unit-variance innovation per neuron with a given correlation."""

    mixes: ClassVar[bool] = True
    """Whether an innovation is made of several draws, so that its law is not that of one."""

    @abc.abstractmethod
    def innovation(self, distribution: Distribution, at: Tick, size: int) -> PerNeuron:
        """One innovation per neuron, each of mean 0 and variance 1."""

    def parts(self, distribution: Distribution, at: Tick, size: int) -> tuple[Values, Values, PerNeuron] | None:
        """The innovation taken apart, ``given + share own``, with a private draw ``own`` for each neuron; ``None`` without one."""
        del distribution, at, size
        return None

    @abc.abstractmethod
    def coefficient(self) -> Values | float:
        """The correlation between two different neurons: one number, or [neuron, neuron] where pairs differ."""

    @property
    def size(self) -> int | None:
        """The number of neurons that it is made for; ``None``: any."""
        return None

    def prepared(self) -> Correlation:
        """Itself, with what does not change in a run formed once."""
        return self


class Independent(Correlation):
    """Every neuron its own (the literature also says *uncommon*)."""

    mixes: ClassVar[bool] = False

    def innovation(self, distribution: Distribution, at: Tick, size: int) -> PerNeuron:
        return distribution.sample(at, random.entities(size))

    def parts(self, distribution: Distribution, at: Tick, size: int) -> tuple[Values, Values, PerNeuron]:
        return jnp.float32(0), jnp.float32(1), self.innovation(distribution, at, size)

    def coefficient(self) -> float:
        return 0.0


class Common(Correlation):
    """One draw for all neurons."""

    mixes: ClassVar[bool] = False

    def innovation(self, distribution: Distribution, at: Tick, size: int) -> PerNeuron:
        return jnp.broadcast_to(distribution.sample(at, random.shared()), (size,))

    def coefficient(self) -> float:
        return 1.0


class SharedFraction(Correlation):
    """``sqrt(c) common + sqrt(1 - c) own``: pairwise correlation ``c``.

    Args:
        c: Fraction of the variance that is shared, in [0, 1]. The private and the common part are the numbers that
            :class:`Independent` and :class:`Common` would give, so both ends are those policies. Its gradient is unbounded
            towards both ends, and 0 at exactly 0 and 1.

    Reference: de la Rocha et al. 2007, doi:10.1038/nature06028.
    """

    c: Leaf = parameter("1", fraction)

    def innovation(self, distribution: Distribution, at: Tick, size: int) -> PerNeuron:
        given, share, own = self.parts(distribution, at, size)
        return given + share * own

    def parts(self, distribution: Distribution, at: Tick, size: int) -> tuple[Values, Values, PerNeuron]:
        common = distribution.sample(at, random.shared())
        own = distribution.sample(at, random.entities(size))
        given = opaque(square_root(self.c) * jnp.broadcast_to(common, (size,)), opaque_zero(at.key))
        return given, square_root(1.0 - self.c), own

    def coefficient(self) -> Scalar:
        return self.c
