"""The named distributions."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from jaxsnn_noise import random
from jaxsnn_noise._typing import Values
from jaxsnn_noise.distributions.distribution import Distribution
from jaxsnn_noise.random import Entity, Tick
from jaxsnn_noise.special import ndtr

_LOGISTIC = np.float32(np.sqrt(3) / np.pi)
_LAPLACE = np.float32(1 / np.sqrt(2))
_UNIFORM = np.float32(np.sqrt(3))
_TRIANGLE = np.float32(np.sqrt(6))


class Gaussian(Distribution):
    """Standard normal (Box-Muller on the addressed words)."""

    def sample(self, at: Tick, entity: Entity) -> Values:
        return random.normal(at, entity)

    def cdf(self, x: Values) -> Values:
        return ndtr(x)

    def pdf(self, x: Values) -> Values:
        return jnp.exp(-0.5 * x * x) * np.float32(1 / np.sqrt(2 * np.pi))


class Logistic(Distribution):
    """Logistic with scale ``s = sqrt(3)/pi``, so that the variance ``s^2 pi^2 / 3`` is 1."""

    def sample(self, at: Tick, entity: Entity) -> Values:
        u = random.uniform(at, entity)
        return _LOGISTIC * (jnp.log(u) - jnp.log1p(-u))

    def cdf(self, x: Values) -> Values:
        return 0.5 * (1.0 + jnp.tanh(x / (2.0 * _LOGISTIC)))

    def pdf(self, x: Values) -> Values:
        slope = jnp.tanh(x / (2.0 * _LOGISTIC))
        return (1.0 - slope * slope) / (4.0 * _LOGISTIC)


class Laplace(Distribution):
    """Laplace with scale ``b = 1/sqrt(2)``."""

    def sample(self, at: Tick, entity: Entity) -> Values:
        u = random.uniform(at, entity)
        small = jnp.minimum(u, 1.0 - u)
        return -_LAPLACE * jnp.sign(u - 0.5) * jnp.log(2.0 * small)

    def cdf(self, x: Values) -> Values:
        tail = 0.5 * jnp.exp(-jnp.abs(x) / _LAPLACE)
        return jnp.where(x < 0, tail, 1.0 - tail)

    def pdf(self, x: Values) -> Values:
        return jnp.exp(-jnp.abs(x) / _LAPLACE) / (2.0 * _LAPLACE)


class Uniform(Distribution):
    """Uniform on (-sqrt(3), sqrt(3))."""

    def sample(self, at: Tick, entity: Entity) -> Values:
        return _UNIFORM * (2.0 * random.uniform(at, entity) - 1.0)

    def cdf(self, x: Values) -> Values:
        return jnp.clip((x + _UNIFORM) / (2.0 * _UNIFORM), 0.0, 1.0)

    def pdf(self, x: Values) -> Values:
        return jnp.where(jnp.abs(x) <= _UNIFORM, 1.0 / (2.0 * _UNIFORM), jnp.zeros_like(x))


class Triangular(Distribution):
    """Symmetric triangle on (-sqrt(6), sqrt(6))."""

    def sample(self, at: Tick, entity: Entity) -> Values:
        u = random.uniform(at, entity)
        small = jnp.minimum(u, 1.0 - u)
        return _TRIANGLE * jnp.sign(u - 0.5) * (1.0 - jnp.sqrt(2.0 * small))

    def cdf(self, x: Values) -> Values:
        y = jnp.clip(x / _TRIANGLE, -1.0, 1.0)
        return jnp.where(y < 0, 0.5 * (1.0 + y) ** 2, 1.0 - 0.5 * (1.0 - y) ** 2)

    def pdf(self, x: Values) -> Values:
        return jnp.maximum(1.0 - jnp.abs(x) / _TRIANGLE, 0.0) / _TRIANGLE
