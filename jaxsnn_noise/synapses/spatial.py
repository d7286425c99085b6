"""Graphs that are given by place: one to one, and with a probability that falls with the distance."""

from __future__ import annotations

import abc
import functools
from typing import Any, ClassVar, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise._checks import concrete, fail, flag, in_range, number, positive, real_numbers
from jaxsnn_noise._typing import is_key
from jaxsnn_noise.parameters import Ranged
from jaxsnn_noise.random import Tick, bits, entities, root, stream
from jaxsnn_noise.synapses.graphs import Connectivity, Graph, check_size


class OneToOne(Connectivity):
    """Source i reaches target i, and no other: a channel of its own for every neuron. Both sides have one size.

    With it the counts of a port are a private background of each neuron, through any kinetics.

    Example:
        >>> OneToOne().draw(0, (3, 3)).rows.tolist()
        [0, 1, 2]
    """

    random: ClassVar[bool] = False
    square: ClassVar[bool] = True

    def draw(self, key: Any, size: tuple[int, int]) -> Graph:
        """Draws nothing; ``key`` is not read."""
        del key
        targets, sources = check_size(self, size)
        if targets != sources:
            fail("OneToOne.draw.size", "target and source must be of one size", (targets, sources))
        index = jnp.arange(targets, dtype=jnp.int32)
        return Graph(index, index, (targets, sources), multapses=False)

    @classmethod
    def example(cls) -> Self:
        return cls()


class Profile(Ranged):
    """Abstract: the probability of a connection as a function of the distance."""

    @abc.abstractmethod
    def __call__(self, distance: np.ndarray) -> np.ndarray:
        """The probability [1] at distances in the unit of the positions."""

    @classmethod
    @abc.abstractmethod
    def example(cls) -> Self:
        """An instance for the tests."""


class GaussianProfile(Profile):
    """``peak exp(-d^2/(2 width^2))``.

    Args:
        peak: Probability at distance 0, in [0, 1].
        width: In the unit of the positions, > 0.
    """

    peak: float = eqx.field(static=True)
    width: float = eqx.field(static=True)

    def __check_init__(self) -> None:
        _check_profile(self, self.width, "width")

    def __call__(self, distance: np.ndarray) -> np.ndarray:
        return np.asarray(self.peak * np.exp(-0.5 * np.square(distance / self.width)))

    @classmethod
    def example(cls) -> Self:
        return cls(0.8, 1.5)


class ExponentialProfile(Profile):
    """``peak exp(-d/length)``.

    Args:
        peak: Probability at distance 0, in [0, 1].
        length: In the unit of the positions, > 0.
    """

    peak: float = eqx.field(static=True)
    length: float = eqx.field(static=True)

    def __check_init__(self) -> None:
        _check_profile(self, self.length, "length")

    def __call__(self, distance: np.ndarray) -> np.ndarray:
        return np.asarray(self.peak * np.exp(-distance / self.length))

    @classmethod
    def example(cls) -> Self:
        return cls(0.8, 1.5)


class DistanceDependent(Connectivity):
    """Each pair is connected with a probability that depends on the distance between them, independently of the others.

    Every pair has a number of its own: a larger probability adds synapses and removes none. Takes a time and memory of
    O(target source), one block of sources after the other.

    Args:
        profile: ``GaussianProfile(peak, width)``, ``ExponentialProfile(peak, length)``, or another :class:`Profile`.
        targets: Positions of the targets [target, dimension] (or [target] on a line), in any one unit of length.
        sources: Those of the sources; ``None``: the targets are the sources.
        period: Length of the box in each dimension (one number, or one per dimension), beyond which space begins anew, as on a
            ring or torus; ``None``: space has ends, and neurons there have fewer neighbours.
        autapses: Whether a neuron may connect to itself; without, target and source are one population.

    Raises:
        InputError: positions of another number of neurons or dimensions; positions outside a periodic box.

    References: Senk et al. 2022, doi:10.1371/journal.pcbi.1010086.

    Example:
        >>> ring = DistanceDependent(GaussianProfile(1.0, 0.2), np.arange(4.0), period=4.0)
        >>> ring.distances([0, 0], [1, 3]).tolist()
        [1.0, 1.0]
    """

    profile: Profile
    targets: tuple[tuple[float, ...], ...] = eqx.field(static=True)
    sources: tuple[tuple[float, ...], ...] = eqx.field(static=True)
    period: tuple[float, ...] | None = eqx.field(static=True)
    autapses: bool = eqx.field(static=True)

    def __init__(
        self, profile: Profile, targets: Any, sources: Any = None, *, period: Any = None, autapses: bool = True
    ):
        self.profile = profile
        to = _positions("DistanceDependent.targets", targets)
        of = to if sources is None else _positions("DistanceDependent.sources", sources)
        if to.shape[1] != of.shape[1]:
            rule = f"must have as many dimensions as the targets ({to.shape[1]})"
            fail("DistanceDependent.sources", rule, of.shape[1])
        self.targets, self.sources = (tuple(map(tuple, places.tolist())) for places in (to, of))
        self.period = None if period is None else _period(period, to, of)
        self.autapses = flag("DistanceDependent.autapses", autapses)

    def draw(self, key: Any, size: tuple[int, int]) -> Graph:
        targets, sources = check_size(self, size)
        if (targets, sources) != (len(self.targets), len(self.sources)):
            rule = f"must be that of the positions, ({len(self.targets)}, {len(self.sources)})"
            fail("DistanceDependent.draw.size", rule, (targets, sources))
        if concrete(key if not is_key(key) else jax.random.key_data(key)) is None:
            fail("DistanceDependent.draw.key", "must be known before tracing", type(key).__name__)
        drawn = stream(root(key), "connections")
        rows, columns, places = [], [], np.asarray(self.targets)
        for source in range(sources):
            chance = self.profile(self._apart(places, np.asarray(self.sources[source])))
            word = np.asarray(_words(drawn, jnp.uint32(source // 2), source % 2, targets))
            connected = word < np.round(np.clip(chance, 0.0, 1.0) * 2.0**32)
            if not self.autapses:
                connected[source] = False
            found = np.flatnonzero(connected).astype(np.int32)
            rows.append(found)
            columns.append(np.full(len(found), source, np.int32))
        graph = jnp.asarray(np.concatenate(rows)), jnp.asarray(np.concatenate(columns))
        return Graph(*graph, (targets, sources), multapses=False)

    def distances(self, rows: Any, columns: Any) -> np.ndarray:
        """The distance of each pair of target and source; over a speed it is a delay, for ``DelayedSparse``."""
        return self._apart(np.asarray(self.targets)[np.asarray(rows)], np.asarray(self.sources)[np.asarray(columns)])

    def _apart(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        apart = np.abs(one - other)
        if self.period is not None:
            apart = np.minimum(apart, np.asarray(self.period) - apart)
        return np.asarray(np.sqrt(np.sum(np.square(apart), axis=-1)))

    @classmethod
    def example(cls) -> Self:
        return cls.example_of((6, 6))

    @classmethod
    def example_of(cls, size: tuple[int, int]) -> Self:
        return cls(GaussianProfile(0.6, 40.0), np.arange(float(size[0])), np.arange(float(size[1])))


@functools.partial(jax.jit, static_argnums=(2, 3))
def _words(key: Any, block: Any, lane: int, size: int) -> Any:
    """The number of each target of a source, as for ``Probability``: step ``source``, entity ``target``."""
    return bits(Tick(key, block, lane), entities(size))


def _check_profile(profile: Any, length: float, name: str) -> None:
    who = type(profile).__name__
    in_range(f"{who}.peak", number(f"{who}.peak", profile.peak), 0.0, 1.0, "1")
    positive(f"{who}.{name}", number(f"{who}.{name}", length))


def _positions(who: str, value: Any) -> np.ndarray:
    """Positions [neuron, dimension]."""
    real_numbers(who, value)
    found = np.asarray(value, np.float64)
    found = found[:, None] if found.ndim == 1 else found
    if found.ndim != 2 or not found.size:
        fail(who, "must be positions [neuron, dimension], or [neuron] on a line", found.shape)
    if not np.isfinite(found).all():
        fail(who, "must be finite", found)
    return found


def _period(period: Any, *positions: np.ndarray) -> tuple[float, ...]:
    real_numbers("DistanceDependent.period", period)
    positive("DistanceDependent.period", period)
    dimensions = positions[0].shape[1]
    if np.shape(period) not in ((), (dimensions,)):
        fail("DistanceDependent.period", f"must be one number, or one for each of {dimensions} dimensions", period)
    box = np.broadcast_to(np.asarray(period, np.float64), dimensions)
    for found in positions:
        if np.any(np.ptp(found, axis=0) > box):
            fail("DistanceDependent.period", "must hold all positions: they extend farther than it is long", period)
    return tuple(float(one) for one in box)
