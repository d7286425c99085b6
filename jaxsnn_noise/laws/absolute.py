"""Absolute laws: initial states and other draws that have no nominal value."""

from __future__ import annotations

import abc
import math
from typing import Any

import jax.numpy as jnp

from jaxsnn_noise import _checks
from jaxsnn_noise._typing import Leaf, Values, as_float
from jaxsnn_noise.laws.law import Law, unit_of_quantity
from jaxsnn_noise.parameters import nonnegative, parameter, real
from jaxsnn_noise.special import ndtr

_SQRT_12 = math.sqrt(12.0)


class AbsoluteLaw(Law):
    """Abstract: a law that does not look at the nominal value.

    A member writes :meth:`quantile`; its parameters are one number or one per element.
    """

    @abc.abstractmethod
    def quantile(self, z: Values) -> Values:
        """The value of the score ``z`` (standard normal), elementwise."""

    def perturb(self, nominal: Values, z: Values) -> Values:
        return jnp.broadcast_to(self.quantile(z), nominal.shape)

    def draw(self, key: Any, size: int) -> Values:
        """``size`` values; element ``i`` is entity ``i``, so a larger population begins with the same values.

        Args:
            key: two words, or any JAX key.
            size: how many.
        """
        return self.apply(jnp.zeros(_checks.count("size", size)), key)


class Fixed(AbsoluteLaw):
    """The same value every time, no randomness.

    Args:
        value: the value [unit of the quantity].

    Example:
        >>> Fixed(value=0.5).draw(0, 3).tolist()
        [0.5, 0.5, 0.5]
    """

    value: Leaf = parameter(unit_of_quantity, real, shape=None)

    def quantile(self, z: Values) -> Values:
        return jnp.broadcast_to(self.value, z.shape)

    def mean_std(self, nominal: Values) -> tuple[Values, Values]:
        return jnp.broadcast_to(self.value, nominal.shape), jnp.zeros_like(nominal)

    def support(self, nominal: Values) -> tuple[Values, Values]:
        return jnp.broadcast_to(self.value, nominal.shape), jnp.broadcast_to(self.value, nominal.shape)

    @classmethod
    def example(cls) -> Fixed:
        return cls(value=as_float(0.5))


class UniformBetween(AbsoluteLaw):
    """Uniform on the interval [low, high].

    Args:
        low: lower end [unit of the quantity].
        high: upper end, >= ``low``.

    Example:
        >>> phases = UniformBetween(low=0.0, high=1.0).draw(0, 100)
        >>> bool(phases.min() >= 0) and bool(phases.max() <= 1)
        True
    """

    low: Leaf = parameter(unit_of_quantity, real, shape=None)
    high: Leaf = parameter(unit_of_quantity, real, shape=None)

    def quantile(self, z: Values) -> Values:
        return jnp.clip(self.low + (self.high - self.low) * ndtr(z), self.low, self.high)

    def mean_std(self, nominal: Values) -> tuple[Values, Values]:
        mean, std = 0.5 * (self.low + self.high), (self.high - self.low) / _SQRT_12
        return jnp.broadcast_to(mean, nominal.shape), jnp.broadcast_to(std, nominal.shape)

    def support(self, nominal: Values) -> tuple[Values, Values]:
        return jnp.broadcast_to(self.low, nominal.shape), jnp.broadcast_to(self.high, nominal.shape)

    def check_together(self, who: str) -> None:
        known = _checks.concrete(self.high - self.low)
        if known is not None and known.min() < 0:
            _checks.fail(f"{who}.high", "must be at least low", self.high)

    @classmethod
    def example(cls) -> UniformBetween:
        return cls(low=as_float(-0.5), high=as_float(1.0))


class GaussianAround(AbsoluteLaw):
    """Normal with given mean and standard deviation.

    Args:
        mean: [unit of the quantity].
        std: [unit of the quantity] >= 0.

    Example:
        >>> GaussianAround(mean=1.0, std=0.0).draw(0, 2).tolist()
        [1.0, 1.0]
    """

    mean: Leaf = parameter(unit_of_quantity, real, shape=None)
    std: Leaf = parameter(unit_of_quantity, nonnegative, shape=None)

    def quantile(self, z: Values) -> Values:
        return self.mean + self.std * z

    def mean_std(self, nominal: Values) -> tuple[Values, Values]:
        return jnp.broadcast_to(self.mean, nominal.shape), jnp.broadcast_to(self.std, nominal.shape)

    def support(self, nominal: Values) -> tuple[Values, Values]:
        return jnp.full_like(nominal, -jnp.inf), jnp.full_like(nominal, jnp.inf)

    @classmethod
    def example(cls) -> GaussianAround:
        return cls(mean=as_float(-0.5), std=as_float(0.3))
