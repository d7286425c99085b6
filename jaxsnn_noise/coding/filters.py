"""Pre-filters: elementwise maps of an image before it is presented, or of the current that enters a neuron."""

from __future__ import annotations

import abc

import equinox as eqx
import jax
import jax.numpy as jnp

from jaxsnn_noise._typing import Values


class Filter(eqx.Module):
    """An elementwise map."""

    @abc.abstractmethod
    def __call__(self, x: Values) -> Values:
        """The filtered value."""


class Identity(Filter):
    """``x``."""

    def __call__(self, x: Values) -> Values:
        return x


class Tanh(Filter):
    """``tanh(x)``: bounded, keeps the sign."""

    def __call__(self, x: Values) -> Values:
        return jnp.tanh(x)


class Relu(Filter):
    """``max(x, 0)``: non-negative, unbounded."""

    def __call__(self, x: Values) -> Values:
        return jax.nn.relu(x)


class Sigmoid(Filter):
    """``1/(1 + exp(-x))``: strictly positive, bounded; 1/2 at zero input."""

    def __call__(self, x: Values) -> Values:
        return jax.nn.sigmoid(x)
