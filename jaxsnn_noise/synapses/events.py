"""The product over spikes: a step costs the synapses of those that fired, and nothing for those that are silent.

A spike is any entry of the signal that is not zero, NaN included; its value multiplies the weights of its column. There is
no buffer of spikes that could overflow: a network may fire as a whole. The loop runs over (member, spike, block of
synapses), so the members of a batch are not padded to the one that fires most, as a ``vmap`` of the loop would pad them.

Each target adds up its spikes in an order that depends on the sources alone, so the bits of a member are the same in any
batch, for graded signals too.

On accelerators a loop of small steps would wait for its launches; there all synapses are added at once.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float32, Int32, UInt32

from jaxsnn_noise._typing import Values

LONGEST_BLOCK = 256
"""Synapses that are added at once, at most: a longer block wastes more at the end of a column than it saves in steps."""
GATHERED_AT_ONCE = 1 << 26
"""Synapses times members that an accelerator holds at once."""

_WORD = 32
_HEAD = ("place", "word", "first", "end", "member", "weights", "graph", "value")


class Columns(eqx.Module):
    """Synapses in the order of their sources, and of their targets within a source.

    Args:
        weights: [synapse] as they enter the product.
        rows: [synapse] target of each.
        columns: [synapse] source of each; read by derivatives only.
        starts: [source + 1]: the synapses of source ``j`` are ``starts[j]`` to ``starts[j + 1] - 1``.
    """

    weights: Float32[Array, "synapse"]
    rows: Int32[Array, "synapse"]
    columns: Int32[Array, "synapse"]
    starts: Int32[Array, "offset"]


def over_spikes(columns: Columns, signal: Values, size: int) -> Values:
    """``out_i = sum_k w_k s_col(k)`` over the synapses k of target i, in the time of the spikes alone.

    Forward and reverse derivatives of any order take O(synapses) per member; ``vmap``, nested too, runs one loop over the
    spikes of all members.

    Args:
        columns: The synapses.
        signal: [..., source], zero where nothing was released.
        size: Number of targets.

    Returns:
        [..., target].
    """
    members = signal.reshape(-1, signal.shape[-1])
    out = _product(members, columns.weights, columns.rows, columns.columns, columns.starts, size)
    return out.reshape(*signal.shape[:-1], size)


def source_of_each(starts: Int32[Array, "offset"], synapses: int) -> Int32[Array, "synapse"]:
    """The source of each of the synapses."""
    inner = starts[1:-1]  # columns that begin at the end hold nothing: their marks are dropped
    return jnp.cumsum(jnp.zeros(synapses, jnp.int32).at[inner].add(1, mode="drop"), dtype=jnp.int32)


@functools.partial(jax.custom_jvp, nondiff_argnums=(5,))
def _product(signal: Array, weights: Array, rows: Array, columns: Array, starts: Array, size: int) -> Array:
    """The product for members [member, source]; the rule below differentiates it."""
    first = jnp.zeros(signal.shape[0], jnp.int32)
    return _kernel(size)(signal, weights[None], rows[None], starts[None], first, first)


def _tangent(size: int, primals: tuple[Array, ...], tangents: tuple[Any, ...]) -> tuple[Array, Array]:
    """``d out_i = sum_k dw_k s_col(k) + w_k ds_col(k)``: linear in the tangents, so it transposes."""
    signal, weights, rows, columns, _ = primals
    moved_signal, moved_weights = tangents[:2]
    zero = jax.custom_derivatives.SymbolicZero
    parts = [
        _over_synapses(s, w, rows, columns, size)
        for s, w, moved in ((moved_signal, weights, moved_signal), (signal, moved_weights, moved_weights))
        if not isinstance(moved, zero)
    ]
    out = _product(*primals, size)
    return out, functools.reduce(operator.add, parts, jnp.zeros_like(out)) if len(parts) != 1 else parts[0]


_product.defjvp(_tangent, symbolic_zeros=True)


# Gathered anew on the way back: kept, the signal of every synapse would be stored for every step of a scan.
@functools.partial(jax.checkpoint, static_argnums=(4,))
def _over_synapses(signal: Array, weights: Array, rows: Array, columns: Array, size: int) -> Array:
    """The same product over all synapses, one member after the other: a stack of steps times synapses may not fit."""

    def one(member: Array) -> Array:
        return jax.ops.segment_sum(weights * member[columns], rows, size)

    if signal.shape[0] == 1:
        return one(signal[0])[None]
    return lax.map(one, signal)


@functools.cache
def _kernel(size: int) -> Callable[..., Array]:
    """The product of members [member, source] with the weights and the graph that each of them uses."""

    @jax.custom_batching.custom_vmap
    def product(signal: Array, weights: Array, rows: Array, starts: Array, own: Array, graph: Array) -> Array:
        if weights.shape[1] == 0:
            return jnp.zeros((signal.shape[0], size), jnp.float32)
        args = (signal, weights, rows, starts, own, graph)
        loop, all_at_once = functools.partial(_loop, size), functools.partial(_all_at_once, size)
        return lax.platform_dependent(*args, cpu=loop, default=all_at_once)

    @product.def_vmap
    def flattened(n: int, batched: list[bool], *args: Array) -> tuple[Array, bool]:
        signal, weights, rows, starts, own, graph = args
        members = signal.shape[1] if batched[0] else signal.shape[0]
        # what a member uses: its row of the weights, whose rows are now those of all members of the new axis
        own = _shifted(own, n, batched[4], weights.shape[1] if batched[1] else 0)
        if batched[2] != batched[3]:  # a graph is its rows and starts together
            rows, starts = (x if b else jnp.repeat(x[None], n, 0) for x, b in zip(args[2:4], batched[2:4], strict=True))
        of_graph = batched[2] or batched[3]
        graph = _shifted(graph, n, batched[5], rows.shape[1] if of_graph else 0)
        signal = signal if batched[0] else jnp.repeat(signal[None], n, 0)
        weights = _flat(weights) if batched[1] else weights
        rows, starts = (_flat(rows), _flat(starts)) if of_graph else (rows, starts)
        out = product(_flat(signal), weights, rows, starts, own, graph)
        return out.reshape(n, members, size), True

    return product


def _flat(x: Array) -> Array:
    return x.reshape(x.shape[0] * x.shape[1], *x.shape[2:])


def _shifted(which: Array, n: int, batched: bool, stride: int) -> Array:
    """What the members of ``n`` copies use, where each copy has ``stride`` rows of its own (0: all use the same)."""
    every = which if batched else jnp.repeat(which[None], n, 0)
    return (every + (jnp.arange(n, dtype=jnp.int32) * stride)[:, None]).reshape(-1)


def _all_at_once(
    size: int, signal: Array, weights: Array, rows: Array, starts: Array, own: Array, graph: Array
) -> Array:
    """All synapses of a member in one scatter."""

    def one(member: tuple[Array, Array, Array]) -> Array:
        values, w, g = member
        columns = source_of_each(starts[g], weights.shape[1])
        return jax.ops.segment_sum(weights[w] * values[columns], rows[g], size)

    batch = max(1, GATHERED_AT_ONCE // weights.shape[1])
    return lax.map(one, (signal, own, graph), batch_size=min(batch, signal.shape[0]))


def _loop(size: int, signal: Array, weights: Array, rows: Array, starts: Array, own: Array, graph: Array) -> Array:
    """A loop over the blocks of synapses of all spikes of all members.

    What the next block needs is one small array, formed by one operation at the end of a step: as scalars, XLA's CPU backend
    would form each with an operation of its own, and twice over where several read it (measured: 2 to 3 times the time).
    """
    synapses, block = weights.shape[1], _block(weights.shape[1], signal.shape[1])
    words, width = _spike_words(signal, starts[0, 0] == 0), _width(signal.shape[1])
    places, count = _places(words)
    # with one set of weights, or one graph, for all members there is nothing to look up
    uses = (own if weights.shape[0] > 1 else None, graph if rows.shape[0] > 1 else None)
    load = functools.partial(_column, signal, starts, *uses, places, width)

    def body(carry: tuple[Array, Array]) -> tuple[Array, Array]:
        head, out = carry
        at = dict(zip(_HEAD, head, strict=True))
        # a block at the very end begins earlier; what is not of this column adds nothing
        begin = jnp.minimum(at["first"], synapses - block)
        w = _slice(weights, at["weights"], begin, block)
        targets = _slice(rows, at["graph"], begin, block) + at["member"] * size
        k = lax.iota(jnp.int32, block) + begin
        value = lax.bitcast_convert_type(at["value"], jnp.float32)
        added = jnp.where((k >= at["first"]) & (k < at["end"]), w * value, 0.0)
        return _next(at, words, places, load, block), out.at[targets].add(added, mode="promise_in_bounds")

    word = words[places[0]]
    start = _head(jnp.int32(0), word, *load(jnp.int32(0), word))
    silent = jnp.zeros(signal.shape[0] * size, jnp.float32)
    return lax.while_loop(lambda c: c[0][0] < count, body, (start, silent))[1].reshape(-1, size)


def _next(at: dict[str, Array], words: Array, places: Array, load: Callable[..., Any], block: int) -> Array:
    """The head of the next block: of the same column, of the next spike of the word, or of the next word."""
    word = lax.bitcast_convert_type(at["word"], jnp.uint32)
    done = at["first"] + block >= at["end"]
    word = jnp.where(done, word & (word - jnp.uint32(1)), word)
    place = jnp.where(word == 0, at["place"] + 1, at["place"])
    word = jnp.where(word == 0, words[places[jnp.minimum(place, places.shape[0] - 1)]], word)
    first, *rest = load(place, word)
    return _head(place, word, jnp.where(done, first, at["first"] + block), *rest)


def _head(place: Array, word: Array, *rest: Array) -> Int32[Array, "8"]:
    *rest_ints, value = rest
    return jnp.stack([place, _as_int(word), *rest_ints, _as_int(value)])


def _column(
    signal: Array,
    starts: Array,
    own: Array | None,
    graph: Array | None,
    places: Array,
    width: int,
    place: Array,
    word: Array,
) -> tuple[Array, ...]:
    """First and end of the synapses of the lowest spike in a word, its member, what the member uses, its value."""
    at = places[jnp.minimum(place, places.shape[0] - 1)]
    member = at // width
    lowest = 31 - lax.clz(word & (~word + jnp.uint32(1))).astype(jnp.int32)
    j = jnp.clip(lowest * width + at - member * width, 0, signal.shape[1] - 1)
    w, g = (jnp.int32(0) if which is None else which[member] for which in (own, graph))
    return starts[g, j], starts[g, j + 1], member, w, g, signal[member, j]


def _spike_words(signal: Float32[Array, "member source"], always: Array) -> UInt32[Array, "word"]:
    """Which entries are not zero, 32 to a word: bit k of word i of a member is its entry ``k width + i`` (see ``_width``).

    A member at a time, so that the pieces of 32 are contiguous: together they would take twice as long. What is in a loop or
    a conditional is not computed anew for every reader; ``always`` is true, which the compiler does not know.
    """
    members, sources = signal.shape
    width = _width(sources)

    def of_member(values: Array) -> Array:
        pieces = (values[min(sources, k * width) : (k + 1) * width] != 0 for k in range(_WORD))
        bits = (jnp.pad(p, (0, width - p.shape[0])) if p.shape[0] < width else p for p in pieces)
        return functools.reduce(operator.or_, (b.astype(jnp.uint32) << jnp.uint32(k) for k, b in enumerate(bits)))

    if members == 1:
        return lax.cond(always, of_member, lambda values: jnp.zeros(width, jnp.uint32), signal[0])
    return lax.map(of_member, signal).reshape(members * width)


def _width(sources: int) -> int:
    """Words per member."""
    return -(-sources // _WORD)


def _places(words: UInt32[Array, "word"]) -> tuple[Int32[Array, "word"], Int32[Array, ""]]:
    """Where the words with spikes are, in front, and how many there are."""
    some = words != 0
    rank = jnp.cumsum(some, dtype=jnp.int32)
    at = lax.iota(jnp.int32, words.shape[0])
    places = jnp.zeros_like(at).at[jnp.where(some, rank - 1, words.shape[0])].set(at, mode="drop")
    return places, rank[-1]


def _slice(table: Array, row: Array, begin: Array, block: int) -> Array:
    row = row if table.shape[0] > 1 else jnp.int32(0)
    return lax.dynamic_slice(table, (row, begin), (1, block))[0]


def _block(synapses: int, sources: int) -> int:
    """Synapses per block: the mean column and two standard deviations of a Poisson count, in equal parts if it is long."""
    mean = synapses / sources
    column = mean + 2 * mean**0.5
    parts = -(-column // LONGEST_BLOCK)
    return min(synapses, 16 * max(1, int(-(-column // (16 * parts)))))


def _as_int(x: Array) -> Int32[Array, ""]:
    return lax.bitcast_convert_type(x, jnp.int32)
