"""Sums of weights that are exact in float32, in any order and with any batch size.

A float32 product ``W @ s`` rounds differently for another batch size, one flipped spike sends a recurrent network down
another path, and "same seed, other chunk size" gives another answer. So each row's weights are rounded to a grid
``q = 2^(e-23)`` with ``2^e`` a bound on the row's sum of |w|: for spikes of 0 or 1 every partial sum is a multiple of q
below ``2^24 q``, hence exact in float32.
"""

from __future__ import annotations

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float32

Weights = Float32[Array, "target source"]


class Sums(eqx.Module):
    """How the weighted sums of a projection are formed."""

    @abc.abstractmethod
    def prepare(self, weights: Weights) -> Weights:
        """The weights that enter the product (once per device and run, after sweeps and imperfections)."""


class ExactSums(Sums):
    """Weights rounded to a grid per row: sums over spikes are exact. Weights move by 1e-5 to 3e-4 of their mean size.

    The gradient passes straight through the rounding; the stored weights are untouched.
    """

    def prepare(self, weights: Weights) -> Weights:
        return _on_grid(weights)


class NativeSums(Sums):
    """Weights as they are: sums round in an order that depends on batch size and device."""

    def prepare(self, weights: Weights) -> Weights:
        return weights


@jax.custom_jvp
def _on_grid(weights: Weights) -> Weights:
    step = _power_of_two(_grid_exponent(weights))
    inverse = _power_of_two(-_grid_exponent(weights))
    return jnp.round(weights * inverse[:, None]) * step[:, None]


_on_grid.defjvps(lambda tangent, answer, weights: tangent)


def _grid_exponent(weights: Weights) -> jax.Array:
    """``e - 23`` per row, from integers alone: a float sum of the row would depend on its order."""
    largest = jnp.max(jnp.abs(weights), axis=1)
    # 2^top bounds every |w| of the row; a subnormal or zero row gets the smallest grid.
    top = jnp.maximum((lax.bitcast_convert_type(largest, jnp.int32) >> 23) - 126, -60)
    depth = 30 - int(np.ceil(np.log2(max(weights.shape[1], 2))))
    units = jnp.ceil(jnp.abs(weights) * _power_of_two(depth - top)[:, None]).astype(jnp.int32)
    total = jnp.sum(units, axis=1, dtype=jnp.int32)
    bits = 32 - lax.clz(total)
    return jnp.maximum(top - depth + bits - 23, -100)


def _power_of_two(exponent: jax.Array) -> jax.Array:
    """``2^exponent`` exactly (``exp2`` is not exact under jit); the exponent lies in the normal range."""
    return lax.bitcast_convert_type((jnp.clip(exponent, -126, 127) + 127).astype(jnp.int32) << 23, jnp.float32)


def dot(weights: Weights, signal: Float32[Array, "... source"]) -> Float32[Array, "... target"]:
    """``W @ s`` for a vector or a stack of them, in full float32 (defaults are TF32 or bfloat16 on some accelerators)."""
    return jnp.matmul(signal, weights.T, precision=lax.Precision.HIGHEST)
