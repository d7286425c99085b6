"""The random stream of the house: every number is addressed, none is drawn from a changing state.

A number is a pure function of ``(root key, axis members, stream name, step, entity)``. Results are therefore the same
bits for any chunk size, order of axes, device count, process count or restart, and adding a source moves no other
number.

The stream is ours and versioned: Threefry-2x32 with 20 rounds (Salmon et al. 2011, doi:10.1145/2063384.2063405) on a
key of two words and the counter ``(entity, block)``; one block of the cipher holds the words of the two steps
``2 block`` and ``2 block + 1`` (the *lanes*), which Box and Muller (1958, doi:10.1214/aoms/1177706645) turn into the
two normals of these steps. JAX's default generator plays no part. Any change that moves a bit raises
:data:`STREAM_VERSION`.

This module is the only place that derives keys. Derivation and drawing use different tweaks of the key, so that a key
never yields the same block for both.

A source that draws several times in a step gives each draw another address: ``channel(key, k)`` for k up to 15, or entities of
its own, ``entities(size, draw=k)``, as many as it likes. ``uniform``, ``normal`` and ``bits`` of one address are functions of
the same words: they are not independent of each other.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import math
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.extend.core import get_opaque_trace_state
from jaxtyping import Array, Float32, Int32, UInt32

from jaxsnn_noise._checks import fail
from jaxsnn_noise._typing import is_key

__all__ = [
    "LARGEST_NORMAL",
    "MAX_STEPS",
    "STREAM_VERSION",
    "Entities",
    "Entity",
    "Memo",
    "Tick",
    "bits",
    "channel",
    "entities",
    "member",
    "normal",
    "normals",
    "root",
    "shared",
    "stream",
    "threefry2x32",
    "tick",
    "uniform",
    "uniforms",
]

STREAM_VERSION = 1
"""Version of the map from addresses to numbers; stored with every result."""

MAX_STEPS = (1 << 29) - 2
"""Steps that one stream can address (the upper bits of the block word carry the channel)."""

LARGEST_NORMAL = 6.764
"""No normal lies farther from 0 [standard deviations]: the radius of the smallest word is ``sqrt(66 ln 2)`` = 6.7637."""

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = np.uint32(0x1BD11BDA)
_DERIVE = np.array([0x6A09E667, 0xBB67AE85], np.uint32)  # fractional parts of sqrt(2), sqrt(3): tweak for deriving
_MEMBER = np.array([0x3C6EF372, 0xA54FF53A], np.uint32)  # of sqrt(5), sqrt(7): tweak for members of an axis
_CHANNEL_SHIFT = 28
_SHARED = 0xFFFFFFFF
_SHARED_FACTORS = 1 << 16
_NEVER = np.uint32(0xFFFFFFFF)  # a block that no step and channel has
_Transform = Callable[[Array, Array], tuple[Array, Array]]


class Memo:
    """Draws of a block that its other lane will ask for too; local to one trace of a block.

    All memos compare equal: they are a help for the compiler, and no part of an address.
    """

    def __init__(self) -> None:
        self.pairs: dict[Any, _Held] = {}
        self.drawn: dict[Any, list[tuple[str, Array, Array, Entities]]] = {}

    def note(self, kind: str, at: Tick, entity: Entities) -> None:
        """Refuse a draw of another kind at an address that has been drawn from: both would be functions of the same words."""
        before = self.drawn.setdefault((id(at.key), id(at.block), at.channel), [])
        for other, _, _, taken in before:  # keys and blocks are kept, so that their ids stay theirs
            if other != kind and max(entity.first, taken.first) < min(entity.end, taken.end):
                rule = f"must not have the address of random.{other}: both are made of the same words (take random.channel(key, 1))"
                fail(f"random.{kind}", rule, entity)
        before.append((kind, at.key, at.block, entity))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Memo)

    def __hash__(self) -> int:
        return 0


class Tick(eqx.Module):
    """The address of one step in one stream: what a source is handed as its ``key``.

    ``lane`` and ``channel`` are static: the engine scans over blocks of two steps, and both lanes of a block share one cipher
    call for each channel (through ``memo``).
    """

    key: UInt32[Array, "2"]
    block: UInt32[Array, ""]
    lane: int = eqx.field(static=True)
    memo: Memo | None = eqx.field(static=True, default=None)
    channel: int = eqx.field(static=True, default=0)

    @property
    def index(self) -> Int32[Array, ""]:
        """The step, counted from the start of the run, warm-up included."""
        return 2 * self.block.astype(jnp.int32) + self.lane

    @property
    def word(self) -> UInt32[Array, ""]:
        """The block word of the counter: block and channel."""
        return self.block | jnp.uint32(self.channel << _CHANNEL_SHIFT) if self.channel else self.block


@dataclasses.dataclass(frozen=True)
class _Held:
    """A pair of numbers with the trace that it lives in; its key and block are kept, so that their ids stay theirs."""

    key: Array
    block: Array
    trace: Any
    pair: tuple[Array, Array]


@dataclasses.dataclass(frozen=True)
class Entities:
    """Consecutive entity addresses ``first, first + 1, ...``."""

    first: int
    size: int

    @property
    def end(self) -> int:
        """The address behind the last one."""
        return self.first + self.size

    def array(self) -> UInt32[Array, "entity"]:
        """The addresses themselves."""
        return lax.iota(jnp.uint32, self.size) + np.uint32(self.first)  # wraps around behind the last shared one


Entity = Entities | UInt32[Array, "..."]


def root(key: Any) -> UInt32[Array, "2"]:
    """The root of a key tree from a JAX key (typed or raw, of any implementation) or a whole number.

    Args:
        key: ``jax.random.key(seed)``, a raw key array of two or four uint32 words, or the seed itself.

    Returns:
        Two words. ``jax.random.key(s)``, ``jax.random.PRNGKey(s)`` and ``s`` (0 <= s < 2**32) give the same root,
        whatever JAX's default implementation is.
    """
    if isinstance(key, (int, np.integer)) and not isinstance(key, bool):
        if not 0 <= int(key) < 1 << 64:
            fail("key", "a seed must lie in [0, 2**64)", key)
        return jnp.array([int(key) >> 32, int(key) & 0xFFFFFFFF], jnp.uint32)
    if is_key(key):
        key = jax.random.key_data(key)
    shape = getattr(key, "shape", None)
    if shape not in ((2,), (4,)) or key.dtype != jnp.uint32:
        fail("key", "must be one JAX key (jax.random.key(seed)) or a whole number", key)
    return jnp.asarray(key)[:2]  # the four words of an rbg key are the threefry words twice


def stream(key: UInt32[Array, "2"], name: str) -> UInt32[Array, "2"]:
    """The key of the named stream below ``key`` (names are hashed with BLAKE2b to 64 bits)."""
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    return _fold(key, _DERIVE, *np.frombuffer(digest, "<u4"))


def member(key: UInt32[Array, "2"], /, **indices: Any) -> UInt32[Array, "2"]:
    """The key of one member of a Monte Carlo ensemble: axis names with indices, folded in name order.

    ``member(key, trial=3, device=1)`` is the key that member sees, whatever the order or chunking of the axes.
    """
    for name in sorted(indices):
        digest = hashlib.blake2b(name.encode(), digest_size=4).digest()
        key = _fold(key, _MEMBER, jnp.asarray(indices[name], jnp.uint32), np.frombuffer(digest, "<u4")[0])
    return key


def tick(key: UInt32[Array, "2"], step: int) -> Tick:
    """The address of a step that is known before tracing (the engine makes its own ticks inside the scan)."""
    return Tick(key, jnp.uint32(step // 2), step % 2)


def channel(at: Tick, index: int) -> Tick:
    """The address of an independent draw at the same step and entities; ``index`` in 1..15 (0 is the tick itself).

    Both steps of a block share its cipher call, as they do for the tick itself. A tick that is on a channel already (the first
    memory of a source, the engine's second draw of a step with a spike inside it) has channels of its own, under a key that its
    channel derives: who is handed a tick need not know where it stands.

    Raises:
        InputError: an index out of range.
    """
    if not 0 <= index < 16:
        fail("channel", "must lie in [0, 15]", index)
    if index and at.channel:
        at = dataclasses.replace(at, key=stream(at.key, f"channel {at.channel}"))
    return dataclasses.replace(at, channel=index or at.channel)


def entities(size: int, *, draw: int = 0) -> Entities:
    """The addresses of the ``size`` entities (neurons, synapses) of a population, for each of any number of draws.

    Draw ``k`` has the addresses ``k size, ..., (k + 1) size - 1``. All draws of one tick must have the same size, or their
    addresses meet; and for ``k > 0`` they depend on it, so that a larger population has other numbers, where a channel gives
    the first neurons the same.

    Args:
        size: Number of entities.
        draw: Which draw, from 0 on.

    Raises:
        InputError: addresses behind the last one, 2**32 - 2**16 - 1 (those above are for draws that all entities share).

    Example:
        >>> entities(1000, draw=40)
        Entities(first=40000, size=1000)
    """
    first, end = draw * size, (draw + 1) * size
    if draw < 0 or end > _SHARED + 1 - _SHARED_FACTORS:
        rule = f"must lie from 0 on, and with their size have addresses below {_SHARED + 1 - _SHARED_FACTORS}"
        fail("entities.draw", rule, f"{draw} of {size}")
    return Entities(first, size)


def shared(index: int = 0) -> Entities:
    """The address of a draw that all entities share; different indices, 0 to 65535, are different factors."""
    if not 0 <= index < _SHARED_FACTORS:
        fail("shared", f"must lie in [0, {_SHARED_FACTORS - 1}]", index)
    return Entities(_SHARED - index, 1)


def bits(at: Tick, entity: Entity) -> UInt32[Array, "..."]:
    """Uniform 32-bit words, one per entity."""
    if at.memo is not None and isinstance(entity, Entities):
        at.memo.note("bits", at, entity)
    static, words = (entity, None) if isinstance(entity, Entities) else (None, entity)
    return _words(static, at.key, jnp.asarray(at.word), words)[at.lane]


def uniform(at: Tick, entity: Entity) -> Float32[Array, "..."]:
    """Uniforms in the open interval (0, 1): ``(w >> 9 + 1/2) / 2**23``, symmetric about 1/2."""
    return _pair(_two_uniforms, at, entity)[at.lane]


def normal(at: Tick, entity: Entity) -> Float32[Array, "..."]:
    """Standard normals, one per entity: the Box-Muller pair of a block serves its two steps.

    The radius uses all 32 bits of its word, so the tails reach 6.764 standard deviations (:data:`LARGEST_NORMAL`). Of the words
    of ``uniform`` and ``bits`` at the same address, and so no more independent of them than a number of itself: a source that
    wants both takes two addresses, such as a :func:`channel`. In a run one address that is drawn from in two ways is refused.

    Raises:
        InputError: in a run, an address that another kind of draw has had.
    """
    return _pair(_box_muller, at, entity)[at.lane]


def normals(key: UInt32[Array, "2"], shape: tuple[int, ...]) -> Float32[Array, "..."]:
    """An array of standard normals outside time; element ``i`` (row-major) is entity ``i``.

    Of the words of ``uniforms`` of the same key: who wants both takes two keys, as by :func:`stream`.
    """
    return _drawn_once(normal, key, tuple(shape))


def uniforms(key: UInt32[Array, "2"], shape: tuple[int, ...]) -> Float32[Array, "..."]:
    """An array of uniforms in (0, 1) outside time; element ``i`` (row-major) is entity ``i``. See :func:`normals`."""
    return _drawn_once(uniform, key, tuple(shape))


@functools.partial(jax.jit, static_argnums=(0, 2))
def _drawn_once(sampler: Callable[[Tick, Entity], Array], key: Array, shape: tuple[int, ...]) -> Array:
    """An array of draws as one compiled program: op by op, every new shape would compile each step apart."""
    return sampler(tick(key, 0), entities(math.prod(shape))).reshape(shape)


def threefry2x32(
    key: UInt32[Array, "2"], first: UInt32[Array, "..."], second: UInt32[Array, "..."]
) -> tuple[UInt32[Array, "..."], UInt32[Array, "..."]]:
    """Threefry-2x32-20 of the counter ``(first, second)`` under ``key``; the counter words broadcast.

    Known answer (Random123): key 0, counter 0 gives 0x6b200159, 0x99ba4efe.
    """
    schedule = (key[0], key[1], key[0] ^ key[1] ^ _PARITY)
    x = first + schedule[0]
    y = second + schedule[1]
    for group in range(5):
        for rotation in _ROTATIONS[group % 2]:
            x = x + y
            y = _rotate(y, rotation) ^ x
        x = x + schedule[(group + 1) % 3]
        y = y + (schedule[(group + 2) % 3] + np.uint32(group + 1))
    return x, y


def _pair(transform: _Transform, at: Tick, entity: Entity) -> tuple[Array, Array]:
    """Both lanes' numbers of a block.

    The second lane finds those of the first in the memo, if it is in the same trace.
    """
    if at.memo is None or not isinstance(entity, Entities):
        return _drawn(transform, at.key, at.word, entity)
    at.memo.note("normal" if transform is _box_muller else "uniform", at, entity)
    address = (transform, id(at.key), id(at.block), at.channel, entity)
    trace = get_opaque_trace_state(convention="nnx")
    held = at.memo.pairs.get(address)
    if held is None or held.trace != trace:
        held = _Held(at.key, at.block, trace, _drawn(transform, at.key, at.word, entity))
        at.memo.pairs[address] = held
    return held.pair


def _drawn(transform: _Transform, key: Array, block: Array, entity: Entity) -> tuple[Array, Array]:
    """The pair of numbers, formed once.

    XLA's CPU backend fuses a producer into each of its consumers and would compute the cipher again for every one
    (three to seven times in a simulation step). Nothing fuses across a conditional, and one complex result leaves one
    loop, where two results would leave two. Accelerators fuse to several outputs and need no such fence, which would
    cost them a synchronisation per step.
    """
    static, words = (entity, None) if isinstance(entity, Entities) else (None, entity)
    single = static is not None and static.size == 1
    if static is not None and single:
        # one element is computed by other instructions than several, and rounds differently; so two are drawn
        static = Entities(static.first, 2)
    both = _fenced(transform, static, key, jnp.asarray(block), words)
    both = both[:1] if single else both
    return lax.real(both), lax.imag(both)


@functools.partial(jax.jit, static_argnums=(0, 1))
def _fenced(transform: _Transform, consecutive: Entities | None, key: Array, block: Array, words: Any) -> Array:
    """The pair as complex numbers.

    A function of its own for the tracer: the rounds are traced and batched once per size.
    """

    def pair(key: Array, block: Array) -> Array:
        return lax.complex(*transform(*_words(consecutive, key, block, words)))

    def fenced(key: Array, block: Array) -> Array:
        shape = jax.eval_shape(pair, key, block).shape
        return lax.cond(block != _NEVER, pair, lambda key, block: jnp.zeros(shape, jnp.complex64), key, block)

    return lax.platform_dependent(key, block, cpu=fenced, default=pair)


@functools.partial(jax.jit, static_argnums=0)
def _words(
    consecutive: Entities | None, key: Array, block: Array, words: Any
) -> tuple[UInt32[Array, "..."], UInt32[Array, "..."]]:
    """The words of the entities' blocks; outside of a compiled function one program, where every round would be some."""
    return threefry2x32(key, words if consecutive is None else consecutive.array(), block)


@jax.jit
def _fold(key: Array, tweak: Any, first: Any, second: Any) -> Array:
    """The key below ``key`` at an address of two words.

    A function of its own for the tracer, like the pair of numbers.
    """
    x, y = threefry2x32(key ^ jnp.asarray(tweak), jnp.asarray(first, jnp.uint32), jnp.asarray(second, jnp.uint32))
    return jnp.stack([x, y])


def _rotate(word: Array, by: int) -> Array:
    return lax.shift_left(word, jnp.uint32(by)) | lax.shift_right_logical(word, jnp.uint32(32 - by))


def _two_uniforms(first: Array, second: Array) -> tuple[Array, Array]:
    return _unit(first), _unit(second)


def _unit(word: Array) -> Array:
    return lax.shift_right_logical(word, jnp.uint32(9)).astype(jnp.float32) * np.float32(2.0**-23) + np.float32(
        2.0**-24
    )


def _box_muller(radius_word: Array, angle_word: Array) -> tuple[Array, Array]:
    """A pair of standard normals from two words.

    The radius is ``sqrt(-2 log((w + 1/2) / 2**32))``. Of the angle word, one bit swaps the pair, one gives its sign and
    30 give an angle in [-pi/4, pi/4), where short polynomials for sine and cosine are accurate to 3e-8; the three steps
    together make the angle uniform on the circle.
    """
    u = radius_word.astype(jnp.float32) * np.float32(2.0**-32) + np.float32(2.0**-33)
    radius = lax.sqrt(np.float32(-2.0) * lax.log(u))
    turn = lax.bitcast_convert_type(lax.shift_left(angle_word, jnp.uint32(2)), jnp.int32)
    x = turn.astype(jnp.float32) * np.float32(np.pi / 4 * 2.0**-31)
    square = x * x
    sine = x + x * square * (
        np.float32(-1.6666654611e-1) + square * (np.float32(8.3321608736e-3) + square * np.float32(-1.9515295891e-4))
    )
    cosine = np.float32(1.0) + square * (
        np.float32(-0.5)
        + square
        * (
            np.float32(4.166664568298827e-2)
            + square * (np.float32(-1.388731625493765e-3) + square * np.float32(2.443315711809948e-5))
        )
    )
    sign = lax.shift_left(lax.shift_right_logical(angle_word, jnp.uint32(31)), jnp.uint32(31))
    signed = lax.bitcast_convert_type(lax.bitcast_convert_type(radius, jnp.uint32) ^ sign, jnp.float32)
    swap = (angle_word & jnp.uint32(0x40000000)) != 0
    return signed * jnp.where(swap, cosine, sine), signed * jnp.where(swap, sine, cosine)


def __dir__() -> list[str]:
    return __all__
