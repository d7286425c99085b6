"""Random graphs: which neurons are connected, drawn from the house's stream.

A graph is a pure function of its key. The rules are those of Senk et al. 2022 (doi:10.1371/journal.pcbi.1010086): pairwise
Bernoulli, fixed in-degree, fixed out-degree, each with or without *autapses* (a neuron onto itself) and *multapses*
(several synapses from one neuron to another).
"""

from __future__ import annotations

import abc
import functools
from collections.abc import Iterator
from typing import Any, ClassVar, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Int32, UInt32

from jaxsnn_noise import random
from jaxsnn_noise._checks import concrete, count, fail, in_range, number
from jaxsnn_noise._typing import Key, is_key
from jaxsnn_noise.parameters import Ranged

PAIRS_AT_ONCE = 1 << 23
"""Pairs, or draws, that are held in memory at once: a few arrays of 32 MB."""

_SIGNED = (1 << 31) - 1


class Graph(eqx.Module):
    """The synapses of a projection, without weights.

    Args:
        rows: [synapse] target of each.
        columns: [synapse] source of each.
        size: (target, source).
        multapses: Whether a pair may have several synapses.
    """

    rows: Int32[Array, "synapse"]
    columns: Int32[Array, "synapse"]
    size: tuple[int, int] = eqx.field(static=True)
    multapses: bool = eqx.field(static=True, kw_only=True)

    @property
    def synapses(self) -> int:
        """Number of synapses."""
        return self.rows.shape[0]


class Connectivity(Ranged):
    """Abstract: a rule that draws a :class:`Graph`."""

    random: ClassVar[bool] = True
    """Whether the graph depends on the key."""
    square: ClassVar[bool] = False
    """Whether both sides must be of one size."""

    @abc.abstractmethod
    def draw(self, key: Any, size: tuple[int, int]) -> Graph:
        """A graph of ``size`` (target, source).

        Args:
            key: A JAX key or a seed; the numbers come from the house's own stream.
            size: (target, source).

        Raises:
            InputError: a size or a degree that does not fit.
        """

    @classmethod
    @abc.abstractmethod
    def example(cls) -> Self:
        """An instance for the tests."""

    @classmethod
    def example_of(cls, size: tuple[int, int]) -> Self:
        """An instance for the tests that fits a size (target, source); by default the example."""
        del size
        return cls.example()


class Probability(Connectivity):
    """Each pair is connected with a probability, independently: degrees are binomial, and a pair has at most one synapse.

    Every pair has a number of its own: with the same key, a larger probability adds synapses and removes none. Takes a time
    of O(target source) and a memory of O(synapses).

    Args:
        probability: In [0, 1], to a multiple of 2^-32.
        autapses: Whether a neuron may connect to itself; without, target and source are one population.
    """

    probability: float = eqx.field(static=True)
    autapses: bool = eqx.field(static=True)

    def __init__(self, probability: float, *, autapses: bool = True):
        self.probability = number("Probability.probability", probability)
        self.autapses = autapses
        in_range("Probability.probability", self.probability, 0.0, 1.0, "1")

    def draw(self, key: Any, size: tuple[int, int]) -> Graph:
        """As the rule says; the number of synapses is drawn too, so the key must be known before tracing."""
        targets, sources = check_size(self, size)
        if concrete(key if not is_key(key) else jax.random.key_data(key)) is None:
            rule = (
                "must be known before tracing, since it says how many synapses there are (fixed degrees can be traced)"
            )
            fail("Probability.draw.key", rule, type(key).__name__)
        rows, columns = [], []
        for first, connected in _pairs(_stream(key), targets, sources, round(self.probability * 2**32)):
            if not self.autapses:
                at = np.arange(len(connected))
                connected[at, at + first] = False
            source, target = np.divmod(np.flatnonzero(connected), targets)
            rows.append(target.astype(np.int32))
            columns.append((source + first).astype(np.int32))
        found = sum(len(part) for part in rows)
        if found > _SIGNED:
            fail("Probability.probability", f"a projection holds at most {_SIGNED} synapses", found)
        return Graph(
            jnp.asarray(np.concatenate(rows)), jnp.asarray(np.concatenate(columns)), (targets, sources), multapses=False
        )

    @classmethod
    def example(cls) -> Self:
        return cls(0.3)


class FixedDegree(Connectivity):
    """Abstract: the same number of synapses for every neuron of one side."""

    degree: int = eqx.field(static=True)
    autapses: bool = eqx.field(static=True)
    multapses: bool = eqx.field(static=True, kw_only=True)

    def __init__(self, degree: int, *, autapses: bool = True, multapses: bool = False):
        self.degree = count(f"{type(self).__name__}.degree", degree, 0)
        self.autapses, self.multapses = autapses, multapses

    @classmethod
    def example(cls) -> Self:
        return cls(2)


class FixedInDegree(FixedDegree):
    """Every target has the same number of synapses, from sources drawn at random.

    Args:
        degree: Synapses per target, >= 0.
        autapses: Whether a neuron may connect to itself; without, target and source are one population.
        multapses: Whether a source may be drawn several times for one target.
    """

    def draw(self, key: Any, size: tuple[int, int]) -> Graph:
        targets, sources = check_size(self, size)
        rows, columns = _fixed(self, key, targets, sources)
        return Graph(rows, columns, (targets, sources), multapses=self.multapses)


class FixedOutDegree(FixedDegree):
    """Every source has the same number of synapses, onto targets drawn at random.

    Args:
        degree: Synapses per source, >= 0.
        autapses: Whether a neuron may connect to itself; without, target and source are one population.
        multapses: Whether a target may be drawn several times for one source.
    """

    def draw(self, key: Any, size: tuple[int, int]) -> Graph:
        targets, sources = check_size(self, size)
        columns, rows = _fixed(self, key, sources, targets)
        return Graph(rows, columns, (targets, sources), multapses=self.multapses)


def check_size(rule: Any, size: Any) -> tuple[int, int]:
    """The numbers of targets and sources, each at least 1; equal where there are no autapses."""
    who = f"{type(rule).__name__}.draw.size"
    if not isinstance(size, (tuple, list)) or len(size) != 2:
        fail(who, "must be (target, source)", size)
    targets, sources = (count(who, n) for n in size)
    if not getattr(rule, "autapses", True) and targets != sources:
        fail(who, "without autapses, target and source are one population and of one size", tuple(size))
    return targets, sources


def _stream(key: Any) -> Key:
    return random.stream(random.root(key), "connections")


def _pairs(key: Key, targets: int, sources: int, threshold: int) -> Iterator[tuple[int, np.ndarray]]:
    """Whether pairs are connected, as blocks of sources [source, target] with the first source of each.

    The number of a pair is the word of step ``source`` and entity ``target``; two steps share one call of the cipher.
    """
    block = 2 * max(1, PAIRS_AT_ONCE // (2 * targets))
    for first in range(0, sources, block):
        last = min(first + block, sources)
        steps = np.arange(first // 2, first // 2 + min(block, sources + 1) // 2, dtype=np.uint32)
        words = _connected(key, steps, np.uint32(min(threshold, 2**32 - 1)), targets)
        connected = np.array(words).reshape(-1, targets)[: last - first]
        yield first, connected if threshold < 2**32 else np.ones_like(connected)


@functools.partial(jax.jit, static_argnums=(3,))
def _connected(key: Key, blocks: Array, threshold: Array, targets: int) -> Array:
    def lanes(block: Array) -> Array:
        words = [random.bits(random.Tick(key, block, lane), random.entities(targets)) for lane in (0, 1)]
        return jnp.stack(words) < threshold

    return jax.vmap(lanes)(blocks)


def _fixed(rule: Any, key: Any, groups: int, choices: int) -> tuple[Array, Array]:
    """For each of the groups ``rule.degree`` of the choices: (group, choice) of each synapse, in the order of groups."""
    who, degree = f"{type(rule).__name__}.degree", rule.degree
    others = choices if rule.autapses else choices - 1
    if degree > (others if not rule.multapses else (_SIGNED if others else 0)):
        fail(who, f"there are {others} to choose from", degree)
    if groups * degree > _SIGNED:
        fail(who, f"a projection holds at most {_SIGNED} synapses", groups * degree)
    # few are left out where most are chosen: draw those
    without = not rule.multapses and 2 * degree > others
    drawn = others - degree if without else degree
    chosen = _choices(_stream(key), groups, drawn, others, rule.multapses)
    if without:
        chosen = _left(chosen, others)
    group = lax.broadcasted_iota(jnp.int32, chosen.shape, 0)
    if not rule.autapses:
        chosen = chosen + (chosen >= group).astype(jnp.int32)  # itself is skipped
    return group.reshape(-1), chosen.reshape(-1)


@functools.partial(jax.jit, static_argnums=(1, 2, 3, 4))
def _choices(key: Key, groups: int, degree: int, others: int, multapses: bool) -> Int32[Array, "group degree"]:
    """Choices per group, sorted: uniform, and without multapses those of a draw without replacement.

    Those drawn again are replaced until all differ, which is to draw in sequence and pass over what is there already. A
    number is the word of step ``round`` and entity ``group * degree + position``; each is used once.
    """
    if not degree or not groups:
        return jnp.zeros((groups, degree), jnp.int32)

    def of_group(group: Array) -> Array:
        entity = group.astype(jnp.uint32) * np.uint32(degree) + lax.iota(jnp.uint32, degree)

        def fresh(turn: Array) -> Array:
            return _below(random.bits(random.Tick(key, turn, 0), entity), others)

        def body(state: tuple[Array, Array]) -> tuple[Array, Array]:
            turn, chosen = state
            return turn + jnp.uint32(1), jnp.sort(jnp.where(_again(chosen), fresh(turn), chosen))

        start = (jnp.uint32(1), jnp.sort(fresh(jnp.uint32(0))))
        if multapses:
            return start[1]
        return lax.while_loop(lambda state: jnp.any(_again(state[1])), body, start)[1]

    return lax.map(of_group, lax.iota(jnp.int32, groups))


def _again(ordered: Array) -> Array:
    return jnp.concatenate([jnp.zeros(1, bool), ordered[1:] == ordered[:-1]])


def _below(words: UInt32[Array, "..."], n: int) -> Int32[Array, "..."]:
    """Whole numbers in [0, n), ``floor(word n / 2^32)`` in 32-bit arithmetic; n < 2^31."""
    high, low = words >> jnp.uint32(16), words & jnp.uint32(0xFFFF)
    upper, lower = np.uint32(n >> 16), np.uint32(n & 0xFFFF)
    middle = high * lower + ((low * lower) >> jnp.uint32(16))  # at most (2^16 - 1)^2 + 2^16 - 1 < 2^32
    cross = low * upper
    total = middle + cross
    carry = (total < middle).astype(jnp.uint32) << jnp.uint32(16)
    return (high * upper + (total >> jnp.uint32(16)) + carry).astype(jnp.int32)


@functools.partial(jax.jit, static_argnums=(1,))
def _left(out: Int32[Array, "group left"], others: int) -> Int32[Array, "group degree"]:
    """What is left of the choices when those in ``out`` are gone, in order."""

    def of_group(gone: Array) -> Array:
        there = jnp.ones(others, bool).at[gone].set(False)
        return jnp.nonzero(there, size=others - out.shape[1])[0].astype(jnp.int32)

    return lax.map(of_group, out)
