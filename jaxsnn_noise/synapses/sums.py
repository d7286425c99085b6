"""Sums of weights that are exact in float32, in any order and with any batch size.

A float32 product ``W @ s`` rounds differently for another batch size, one flipped spike sends a recurrent network down
another path, and "same seed, other chunk size" gives another answer. So each row's weights are rounded to a grid
``q = 2^(e-23)`` with ``2^e`` a bound on the row's sum of |w|: for spikes of 0 or 1 every partial sum is a multiple of q
below ``2^24 q``, hence exact in float32. Signals of whole numbers up to ``L`` get a grid coarser by ``ceil(log2 L)`` bits.
"""

from __future__ import annotations

import abc
import functools
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float32, Int32

from jaxsnn_noise._checks import concrete, fail
from jaxsnn_noise._typing import Leaf, Scalar, Values
from jaxsnn_noise.parameters import Ranged, parameter, positive

Weights = Float32[Array, "target source"]
PerSynapse = Float32[Array, "synapse"]


class Sums(Ranged):
    """How the weighted sums of a projection are formed."""

    @abc.abstractmethod
    def prepare(self, weights: Weights, largest: int = 1) -> Weights:
        """The weights that enter the product (once per device and run, after sweeps and imperfections).

        Args:
            weights: [target, source].
            largest: The largest whole number that a signal may hold, >= 1.
        """

    @abc.abstractmethod
    def prepare_rows(
        self,
        weights: PerSynapse,
        rows: Int32[Array, "synapse"],
        *,
        size: tuple[int, int],
        multapses: bool = False,
        largest: int = 1,
    ) -> PerSynapse:
        """The same for a list of synapses: without multapses, the bits that :meth:`prepare` gives the matrix.

        Args:
            weights: [synapse].
            rows: [synapse] target of each.
            size: (target, source).
            multapses: Whether a pair may have several synapses. Each is rounded for itself, so a row may then differ from
                the row of the matrix, which holds their sum.
            largest: The largest whole number that a signal may hold, >= 1.
        """

    def check(self, who: str, weights: Values) -> None:
        """Raise :class:`InputError` for weights that the sums cannot hold."""

    @classmethod
    def example(cls) -> Self:
        """An instance for the contract suite."""
        return cls()


class ExactSums(Sums):
    """Weights rounded to a grid per row: sums over spikes are exact. Weights move by 1e-5 to 3e-4 of their mean size.

    The gradient passes straight through the rounding; the stored weights are untouched. For signals that hold whole
    numbers up to ``largest`` the grid is coarser by ``ceil(log2(largest))`` bits.
    """

    def prepare(self, weights: Weights, largest: int = 1) -> Weights:
        return _on_grid(weights, largest)

    def prepare_rows(
        self,
        weights: PerSynapse,
        rows: Int32[Array, "synapse"],
        *,
        size: tuple[int, int],
        multapses: bool = False,
        largest: int = 1,
    ) -> PerSynapse:
        return _on_grid_of_rows(weights, rows, size, multapses, largest)


def _unit_of_weights(sums: Sums, projection: Any = None, *outer: Any) -> str | None:
    """That of the weights."""
    del sums, outer
    return None if projection is None else projection.kinetics.weight_units


class FixedSums(Sums):
    """Weights rounded to one fixed grid, for weights that change while the network runs: sums over spikes are exact.

    The grid is ``q = 2^(e-23)`` with ``2^e >= w_max x sources x largest``, whatever the weights are, so a weight that
    learns keeps the grid of its first value. A row with more synapses than there are sources counts these.

    Args:
        w_max: Bound of the weights' absolute values, > 0, in their unit. A weight beyond it becomes NaN, which
            ``health`` counts.
    """

    w_max: Leaf = parameter(_unit_of_weights, positive)

    def prepare(self, weights: Weights, largest: int = 1) -> Weights:
        return _on_fixed_grid(weights, self.w_max, jnp.int32(_bits(weights.shape[1]) + _bits(largest)))

    def prepare_rows(
        self,
        weights: PerSynapse,
        rows: Int32[Array, "synapse"],
        *,
        size: tuple[int, int],
        multapses: bool = False,
        largest: int = 1,
    ) -> PerSynapse:
        terms = _bits_of_rows(rows, size, multapses)
        return _on_fixed_grid(weights, self.w_max, terms[rows] + _bits(largest))

    def check(self, who: str, weights: Values) -> None:
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

    def prepare_rows(
        self,
        weights: PerSynapse,
        rows: Int32[Array, "synapse"],
        *,
        size: tuple[int, int],
        multapses: bool = False,
        largest: int = 1,
    ) -> PerSynapse:
        return weights


@functools.partial(jax.custom_jvp, nondiff_argnums=(1,))
def _on_grid(weights: Weights, largest: int = 1) -> Weights:
    exponent = _grid_exponent(weights, largest)
    step, inverse = _power_of_two(exponent), _power_of_two(-exponent)
    return jnp.round(weights * inverse[:, None]) * step[:, None]


@functools.partial(jax.custom_jvp, nondiff_argnums=(2, 3, 4))
def _on_grid_of_rows(
    weights: PerSynapse, rows: Int32[Array, "synapse"], size: tuple[int, int], multapses: bool, largest: int
) -> PerSynapse:
    exponent = _grid_exponent_of_rows(weights, rows, size, multapses, largest)
    return jnp.round(weights * _power_of_two(-exponent)[rows]) * _power_of_two(exponent)[rows]


@_on_grid.defjvp
def _straight_through(largest: int, primals: Any, tangents: Any) -> tuple[jax.Array, jax.Array]:
    return _on_grid(*primals, largest), tangents[0]


@_on_grid_of_rows.defjvp
def _straight_through_rows(
    size: tuple[int, int], multapses: bool, largest: int, primals: Any, tangents: Any
) -> tuple[jax.Array, jax.Array]:
    return _on_grid_of_rows(*primals, size, multapses, largest), tangents[0]


@jax.custom_jvp
def _on_fixed_grid(weights: Values, w_max: Scalar, terms: jax.Array) -> Values:
    top = (lax.bitcast_convert_type(w_max, jnp.int32) >> 23) - 126  # w_max < 2^top
    exponent = top + terms - 23
    rounded = jnp.round(weights * _power_of_two(-exponent)) * _power_of_two(exponent)
    return jnp.where(jnp.abs(weights) <= w_max, rounded, jnp.nan)


@_on_fixed_grid.defjvp
def _straight_through_fixed(primals: Any, tangents: Any) -> tuple[jax.Array, jax.Array]:
    return _on_fixed_grid(*primals), tangents[0]


def _grid_exponent(weights: Weights, largest: int = 1) -> jax.Array:
    """``e - 23`` per row, from integers alone: a float sum of the row would depend on its order."""
    top = _bound(jnp.max(jnp.abs(weights), axis=1))
    depth = 30 - _bits(max(weights.shape[1], 2))
    units = jnp.ceil(jnp.abs(weights) * _power_of_two(depth - top)[:, None]).astype(jnp.int32)
    return _exponent(top - depth, jnp.sum(units, axis=1, dtype=jnp.int32), largest)


def _grid_exponent_of_rows(
    weights: PerSynapse, rows: Int32[Array, "synapse"], size: tuple[int, int], multapses: bool, largest: int
) -> jax.Array:
    """The same for a list of synapses; a row may hold more of them than there are sources, and counts them then."""
    targets, absolute = size[0], jnp.abs(weights)
    top = _bound(jnp.zeros(targets, jnp.float32).at[rows].max(absolute))
    depth = 30 - jnp.maximum(_bits_of_rows(rows, size, multapses), 1)
    units = jnp.ceil(absolute * _power_of_two(depth - top)[rows]).astype(jnp.int32)
    return _exponent(top - depth, jnp.zeros(targets, jnp.int32).at[rows].add(units), largest)


def _bound(largest: jax.Array) -> jax.Array:
    """An exponent: 2 to it bounds every |w| of a row; a subnormal or zero row gets the smallest grid."""
    return jnp.maximum((lax.bitcast_convert_type(largest, jnp.int32) >> 23) - 126, -60)


def _exponent(unit: jax.Array, total: jax.Array, largest: int) -> jax.Array:
    """The exponent of the grid of a row whose |w| sum up to at most ``total`` units of ``2^unit``."""
    sum_bits = 32 - lax.clz(total)
    return jnp.maximum(unit + sum_bits - 23 + _bits(largest), -100)


def _bits(terms: int) -> int:
    """``ceil(log2(terms))``: bits that a sum of so many whole numbers may gain."""
    return (terms - 1).bit_length()


def _bits_of_rows(rows: Int32[Array, "synapse"], size: tuple[int, int], multapses: bool) -> jax.Array:
    """The same per row [target] of a list of synapses: of its sources, or of its synapses where these are more."""
    targets, sources = size
    bits = jnp.full(targets, _bits(sources), jnp.int32)
    if not multapses:
        return bits
    synapses = jnp.zeros(targets, jnp.int32).at[rows].add(1)
    return jnp.maximum(bits, 32 - lax.clz(jnp.maximum(synapses, 1) - 1))


def _power_of_two(exponent: jax.Array) -> jax.Array:
    """``2^exponent`` exactly (``exp2`` is not exact under jit); the exponent lies in the normal range."""
    return lax.bitcast_convert_type((jnp.clip(exponent, -126, 127) + 127).astype(jnp.int32) << 23, jnp.float32)


def dot(weights: Weights, signal: Float32[Array, "... source"]) -> Float32[Array, "... target"]:
    """``W @ s`` for a vector or a stack of them, in full float32 (defaults are TF32 or bfloat16 on some accelerators)."""
    return jnp.matmul(signal, weights.T, precision=lax.Precision.HIGHEST)
