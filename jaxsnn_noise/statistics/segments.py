"""Segments of a course that are looked at whole: kept until their last step, whatever parts the measurement is done in.

A part that begins or ends inside a segment keeps what it has of it, and ``merge`` joins the two. What is taken of a whole
segment (a periodogram) is computed once per segment, under a conditional on the step index, which is the same for all members.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Int

Taken = Callable[[Array], Any]
"""What is summed over whole segments [step, ...]."""


class Segments(eqx.Module):
    """Accumulator: the first and last step seen (-1: none), a segment that began before them, the open one, and the sums."""

    first: Int[Array, ""]
    last: Int[Array, ""]
    head: Array
    open: Array
    sums: Any


def start(length: int, entries: tuple[int, ...], taken: Taken) -> Segments:
    """Nothing seen, of segments of ``length`` steps."""
    none = jnp.full((), -1, jnp.int32)
    silent = jnp.zeros((length, *entries), jnp.float32)
    shapes = jax.eval_shape(taken, silent)
    return Segments(none, none, silent, silent, jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), shapes))


def advance(acc: Segments, row: Array, index: Array, taken: Taken) -> Segments:
    """One more step, of the course counted in segments from index 0 on."""
    length = acc.open.shape[0]
    index = jnp.asarray(index, jnp.int32)
    place = index % jnp.int32(length)
    first = jnp.where(acc.first < 0, index, acc.first)
    opened = jnp.where(place == 0, jnp.zeros_like(acc.open), acc.open)
    opened = lax.dynamic_update_index_in_dim(opened, row, place, 0)
    ended = place == jnp.int32(length - 1)
    whole = ended & (first <= index - place)
    sums = lax.cond(whole, lambda sums, seen: _plus(sums, taken(seen)), lambda sums, seen: sums, acc.sums, opened)
    head = jnp.where(ended & ~whole, opened, acc.head)
    return Segments(first, index, head, opened, sums)


def merge(a: Segments, b: Segments, taken: Taken) -> Segments:
    """``b`` follows ``a``; the seam may lie inside a segment."""
    length = jnp.int32(a.open.shape[0])
    inside = (a.last + jnp.int32(1)) % length != 0  # the seam lies inside a segment
    begins = a.last - a.last % length
    passed = b.last - begins >= length - jnp.int32(1)
    joined = a.open + jnp.where(passed, b.head, b.open)
    whole = inside & passed & (a.first <= begins)
    more = jax.tree.map(lambda x: jnp.where(whole, x, jnp.zeros_like(x)), taken(joined))
    head = jnp.where(inside & passed & (a.first > begins), joined, a.head)
    opened = jnp.where(inside & ~passed, joined, b.open)
    both = Segments(a.first, b.last, head, opened, _plus(_plus(a.sums, more), b.sums))
    merged: Segments = either(a, b, both)
    return merged


def either(a: Any, b: Any, both: Any) -> Any:
    """``both``, or the part that has seen steps where the other one has none (``first`` is -1)."""
    chosen = jax.tree.map(lambda x, y: jnp.where(b.first < 0, x, y), a, both)
    return jax.tree.map(lambda x, y: jnp.where(a.first < 0, x, y), b, chosen)


def _plus(x: Any, y: Any) -> Any:
    return jax.tree.map(lambda one, other: one + other, x, y)
