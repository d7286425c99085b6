"""The square root with a gradient that is finite everywhere.

The derivative of a root is unbounded at 0, and what is unbounded times a cotangent of 0 is NaN: one parameter at the end of its
range would spoil the gradient of all others.
"""

from __future__ import annotations

import jax.numpy as jnp

from jaxsnn_noise._typing import Values

__all__ = ["square_root"]


def square_root(x: Values) -> Values:
    """``sqrt(x)``, bits and NaN included; its gradient at exactly 0 is 0."""
    zero = x == 0
    return jnp.where(zero, 0.0, jnp.sqrt(jnp.where(zero, 1.0, x)))


def __dir__() -> list[str]:
    return __all__
