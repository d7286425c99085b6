"""Sums over consecutive windows of ``width`` steps, written once per window.

The sum of the open window travels with the loop in an array of one step's size; the large array of all closed windows
is touched once every ``width`` steps only (a conditional on the step index, which is the same for all members of a
batch, so it stays a conditional under ``vmap``). Adding to the large array in every step would double the time of a
cheap loop.
"""

from __future__ import annotations

from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Int

from jaxsnn_noise._checks import fail, positive, steps_of
from jaxsnn_noise.statistics.fold import About

Page = Callable[[Array], Array]
"""What is kept of the sum of a closed window."""


class Windows(eqx.Module):
    """Accumulator: the sum of the open window; the closed ones [window, ...]; the last index seen."""

    open: Array
    closed: Array
    last: Int[Array, ""]


def whole(page: Array) -> Array:
    """Keep the sum as it is."""
    return page


def bins_of(who: str, bin: float, about: About) -> tuple[int, int]:
    """(steps per bin, number of bins) for bins of ``bin`` [ms].

    Raises:
        InputError: the bin is not positive, no multiple of dt, or leaves a partial bin at the end.
    """
    positive(f"{who}.bin", bin, "ms")
    width = steps_of(f"{who}.bin", bin, about.dt)
    if width < 1:
        fail(f"{who}.bin", f"must be a multiple of dt = {about.dt:g} ms [ms]", bin)
    if about.steps < 1 or about.steps % width:
        fail(
            f"{who}.bin",
            f"must divide the measured duration of {about.duration:g} ms into whole bins [ms]",
            bin,
        )
    return width, about.steps // width


def bin_centres(bins: int, bin: float) -> list[float]:
    """Middle of each bin [ms] from the start of the measurement."""
    return [(index + 0.5) * float(bin) for index in range(bins)]


def start(open: Array, windows: int, page: Page = whole) -> Windows:
    """No window seen; ``open`` is the zero of a step's contribution."""
    zero = page(open)
    return Windows(open, jnp.zeros((windows, *zero.shape), zero.dtype), jnp.full((), -1, jnp.int32))


def advance(acc: Windows, contribution: Array, index: Array, width: int, page: Page = whole) -> Windows:
    """One more step: add to the open window, or start a new one; write it down if this was its last step."""
    index = jnp.asarray(index, jnp.int32)
    place = index % jnp.int32(width)
    opened = jnp.where(place == 0, jnp.zeros((), acc.open.dtype), acc.open) + contribution
    closed = lax.cond(
        place == jnp.int32(width - 1),
        lambda closed, opened: _add(closed, page(opened), index // jnp.int32(width)),
        lambda closed, opened: closed,
        acc.closed,
        opened,
    )
    return Windows(opened, closed, index)


def merge(a: Windows, b: Windows, width: int, page: Page = whole) -> Windows:
    """``b`` follows ``a``; the seam may lie inside a window."""
    return Windows(b.open, settled(a, width, page) + b.closed, jnp.maximum(a.last, b.last))


def settled(acc: Windows, width: int, page: Page = whole) -> Array:
    """All windows [window, ...], with what has gathered in the open one, unless it is written down."""
    last = jnp.maximum(acc.last, jnp.int32(0))
    row = page(acc.open)
    pending = last % jnp.int32(width) != jnp.int32(width - 1)
    return _add(acc.closed, jnp.where(pending, row, jnp.zeros_like(row)), last // jnp.int32(width))


def _add(rows: Array, row: Array, index: Array) -> Array:
    old = lax.dynamic_index_in_dim(rows, index, 0, keepdims=False)
    return lax.dynamic_update_index_in_dim(rows, old + row, index, 0)
