"""Sums of weights that are exact in float32, in any order and with any batch size.

A float32 product ``W @ s`` rounds differently for another batch size, one flipped spike sends a recurrent network down
another path, and "same seed, other chunk size" gives another answer. So each row's weights are rounded to a grid
``q = 2^(e-23)`` with ``2^e`` a bound on the row's sum of |w|: for spikes of 0 or 1 every partial sum is a multiple of q
below ``2^24 q``, hence exact in float32.
"""

from __future__ import annotations

import abc
from functools import partial
from typing import Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float32

from jaxsnn_noise._checks import concrete, fail, positive
from jaxsnn_noise._typing import Leaf, Scalar, as_scalar

Weights = Float32[Array, "target source"]


class Sums(eqx.Module):
    """How the weighted sums of a projection are formed."""

    @abc.abstractmethod
    def prepare(self, weights: Weights, largest: int = 1) -> Weights:
        """The weights that enter the product (once per device and run, after sweeps and imperfections).

        ``largest`` is the largest whole number in the signal that they are summed over: 1 for spikes.
        """

    def check(self, who: str, weights: Weights) -> None:
        """Raise :class:`InputError` for weights that the sums cannot hold."""

    @classmethod
    def example(cls) -> Self:
        """An instance for the contract suite."""
        return cls()


class ExactSums(Sums):
    """Weights rounded to a grid per row: sums over spikes are exact. Weights move by 1e-5 to 3e-4 of their mean size.

    The gradient passes straight through the rounding; the stored weights are untouched. For signals that hold whole numbers up
    to ``largest`` the grid is coarser by ``ceil(log2(largest))`` bits.
    """

    def prepare(self, weights: Weights, largest: int = 1) -> Weights:
        return _on_grid(largest, weights)


class FixedSums(Sums):
    """Weights rounded to one fixed grid, for weights that change while the network runs: sums over spikes are exact.

    The grid is ``q = 2^(e-23)`` with ``2^e >= w_max x sources x largest``, whatever the weights are, so a weight that learns
    keeps the grid of its first value.

    Args:
        w_max: Bound of the weights' absolute values, > 0, in their unit. A weight beyond it becomes NaN, which ``health``
            counts.
    """

    w_max: Leaf = eqx.field(converter=as_scalar)

    def prepare(self, weights: Weights, largest: int = 1) -> Weights:
        return _on_fixed_grid(largest, weights, self.w_max)

    def check(self, who: str, weights: Weights) -> None:
        positive(f"{who}.sums.w_max", self.w_max)
        values, bound = concrete(weights), concrete(self.w_max)
        if values is not None and bound is not None and np.abs(values).max(initial=0.0) > bound:
            fail(f"{who}.weights", f"must lie within the bound of their sums, w_max = {float(bound):g}", values)

    @classmethod
    def example(cls) -> Self:
        return cls(8.0)


class NativeSums(Sums):
    """Weights as they are: sums round in an order that depends on batch size and device."""

    def prepare(self, weights: Weights, largest: int = 1) -> Weights:
        return weights


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _on_grid(largest: int, weights: Weights) -> Weights:
    exponent = _grid_exponent(weights) + _bits(largest)
    step, inverse = _power_of_two(exponent), _power_of_two(-exponent)
    return jnp.round(weights * inverse[:, None]) * step[:, None]


@_on_grid.defjvp
def _on_grid_jvp(largest: int, primals: tuple[Weights], tangents: tuple[Weights]) -> tuple[Weights, Weights]:
    return _on_grid(largest, *primals), tangents[0]


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _on_fixed_grid(largest: int, weights: Weights, w_max: Scalar) -> Weights:
    top = (lax.bitcast_convert_type(w_max, jnp.int32) >> 23) - 126  # w_max < 2^top
    exponent = top + _bits(weights.shape[1]) + _bits(largest) - 23
    rounded = jnp.round(weights * _power_of_two(-exponent)) * _power_of_two(exponent)
    return jnp.where(jnp.abs(weights) <= w_max, rounded, jnp.nan)


@_on_fixed_grid.defjvp
def _on_fixed_grid_jvp(
    largest: int, primals: tuple[Weights, Scalar], tangents: tuple[Weights, Scalar]
) -> tuple[Weights, Weights]:
    return _on_fixed_grid(largest, *primals), tangents[0]


def _bits(count: int) -> int:
    """``ceil(log2(count))``."""
    return (count - 1).bit_length()


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
