"""Fault campaigns: one fault after the other, all in one compiled program, under common random numbers."""

from __future__ import annotations

import abc
import math
from collections.abc import Sequence
from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise import paths, random
from jaxsnn_noise._checks import fail, flag, names, one_of
from jaxsnn_noise._checks import name as text
from jaxsnn_noise._typing import Key
from jaxsnn_noise.engine.addresses import Address
from jaxsnn_noise.engine.network import Network, Population
from jaxsnn_noise.engine.simulation import Simulation, is_simulation
from jaxsnn_noise.ensemble.axes.axis import Axis, attributes_of, members, of_what_is_set
from jaxsnn_noise.hardware import DeadNeurons, Faults, SingleSite
from jaxsnn_noise.hardware.sites import Shapes, count_of, layers_in_words, place_of_site
from jaxsnn_noise.neurons import LIF
from jaxsnn_noise.parameters import parameter, real

LAYER, BIT = "layer", "bit"
"""What sites may be stratified by."""


class Campaign(Axis):
    """Abstract: sites of a fault, one after the other.

    The fault is an imperfection of the simulation whose ``sites`` are :class:`SingleSite`; which site that is, the axis sets.
    Coordinates tell the number of each site, its layer, and where in the layer it is.
    """

    imperfection: eqx.AbstractVar[str]
    layers: eqx.AbstractVar[tuple[tuple[str, tuple[int, ...]], ...]]
    counted: eqx.AbstractVar[tuple[str, ...]]
    paired: eqx.AbstractVar[bool]

    @abc.abstractmethod
    def numbers(self) -> np.ndarray:
        """The numbers of the sites along the axis."""

    @abc.abstractmethod
    def site(self, index: jax.Array) -> jax.Array:
        """The number of the site of a member."""

    @property
    def shapes(self) -> Shapes:
        """The layers of the fault, with the shapes of their sites."""
        return dict(self.layers)

    def apply(self, sim: Simulation, address: Address, index: jax.Array, root: Key) -> tuple[Simulation, Address]:
        moved = paths.replace(sim, {self.sets(sim)[0]: self.site(index)})
        return moved, address if self.paired else address.at(self.name, index)

    def sets(self, sim: Simulation) -> tuple[str, ...]:
        del sim
        return (f"imperfections.{self.imperfection}.sites.site",)

    def check(self, sim: Simulation) -> None:
        """The fault is there, and has the sites that the campaign was made for."""
        found = shapes_of(type(self).__name__, sim, self.imperfection)
        if dict(found) != dict(self.layers):
            rule = f"must be made for the sites that there are, {layers_in_words(found)}"
            fail(f"{type(self).__name__}.sim", rule, layers_in_words(self.shapes))

    def coordinate(self) -> Any:
        return self.numbers()

    def columns(self) -> dict[str, tuple[Any, ...]]:
        layer, within = place_of_site(self.shapes, self.numbers())
        called = [name for name, _ in self.layers]
        found: dict[str, tuple[Any, ...]] = {f"{self.name}_{LAYER}": tuple(called[k] for k in layer)}
        for position, what in enumerate(self._dimensions()):
            found[f"{self.name}_{what}"] = tuple(int(p) for p in self._place(layer, within, position))
        return found

    def attributes(self, sim: Simulation) -> dict[str, str]:
        return attributes_of(sim, self.sets(sim)[0])

    @staticmethod
    def suite() -> Simulation:
        """A simulation for examples: three neurons of which one may be dead."""
        network = Network({"cells": Population(LIF(3))})
        return Simulation(network, duration=4.0, dt=1.0, imperfections={"dead": DeadNeurons("cells", SingleSite(-1))})

    def _dimensions(self) -> tuple[str, ...]:
        """What the dimensions of the sites are; a list of synapses has one less than a matrix of them."""
        if len(self.layers[0][1]) == len(self.counted):
            return self.counted
        return ("synapse", *(self.counted[2:]))

    def _place(self, layer: np.ndarray, within: np.ndarray, position: int) -> np.ndarray:
        """Where each site is along a dimension of its layer."""
        shapes = np.array([shape for _, shape in self.layers])[layer]
        after = np.prod(shapes[:, position + 1 :], axis=1)
        return np.asarray(within // after % shapes[:, position])


class AllSites(Campaign):
    """Every site of a fault, one after the other, under common random numbers.

    Args:
        sim: The simulation, with the fault among its imperfections.
        imperfection: Its name there; a :class:`Faults` at a :class:`SingleSite`.
        name: Name of the dimension. Its coordinates are ``<name>``, ``<name>_layer`` and ``<name>_neuron``, or ``<name>_target``,
            ``<name>_source`` and ``<name>_bit``.
        paired: Show all sites the same noise. ``False``: fresh noise for each.

    Raises:
        InputError: no such imperfection, or none with one site.

    Example:
        >>> AllSites(AllSites.suite(), "dead").coordinate().tolist()
        [0, 1, 2]
    """

    imperfection: str = eqx.field(static=True)
    layers: tuple[tuple[str, tuple[int, ...]], ...] = eqx.field(static=True)
    counted: tuple[str, ...] = eqx.field(static=True)
    name: str = eqx.field(static=True)
    paired: bool = eqx.field(static=True)

    def __init__(self, sim: Simulation, imperfection: str, *, name: str = "site", paired: bool = True):
        shapes = shapes_of("AllSites", sim, imperfection)
        self.imperfection, self.layers = imperfection, tuple(shapes.items())
        self.counted = sim.imperfections[imperfection].counted
        self.name, self.paired = text("AllSites.name", name), flag("AllSites.paired", paired)

    @property
    def size(self) -> int:
        return count_of(self.shapes)

    def numbers(self) -> np.ndarray:
        return np.arange(self.size)

    def site(self, index: jax.Array) -> jax.Array:
        return index.astype(jnp.int32)

    @classmethod
    def example(cls) -> Self:
        return cls(cls.suite(), "dead")


class RandomSites(Campaign):
    """Sites of a fault at random, each at most once, under common random numbers.

    The sites are in an order of their own that ``n`` does not change: a larger campaign begins with the same ones, and a store
    serves it. With strata every beginning of the order is spread over them, in proportion to their sizes (within one site) or
    equally. ``theory.fault_sample_size`` says how many it takes.

    Args:
        sim: The simulation, with the fault among its imperfections.
        imperfection: Its name there; a :class:`Faults` at a :class:`SingleSite`.
        n: Number of sites, at most as many as there are.
        seed: Of the order: a whole number or a JAX key.
        by: Strata: ``"layer"``, ``"bit"`` (of :class:`FlippedBits`), or both in a list. None unless given.
        equal: As many sites of each stratum, as long as it has some; else in proportion to their sizes.
        name: Name of the dimension; coordinates as of :class:`AllSites`.
        paired: Show all sites the same noise. ``False``: fresh noise for each.

    Raises:
        InputError: as of :class:`AllSites`; more sites than there are, strata that are none.

    References: Leveugle, Calvez, Maistri, Vanhauwaert 2009, doi:10.1109/DATE.2009.5090716.

    Example:
        >>> RandomSites(AllSites.suite(), "dead", 2, seed=1).size
        2
    """

    imperfection: str = eqx.field(static=True)
    sites: jax.Array = parameter(of_what_is_set, real, shape=None, converter=lambda sites: sites)
    layers: tuple[tuple[str, tuple[int, ...]], ...] = eqx.field(static=True)
    counted: tuple[str, ...] = eqx.field(static=True)
    name: str = eqx.field(static=True)
    paired: bool = eqx.field(static=True)

    def __init__(
        self,
        sim: Simulation,
        imperfection: str,
        n: int,
        *,
        seed: Any = 0,
        by: str | Sequence[str] = (),
        equal: bool = False,
        name: str = "site",
        paired: bool = True,
    ):
        shapes = shapes_of("RandomSites", sim, imperfection)
        members("RandomSites.n", n)
        if n > count_of(shapes):
            fail("RandomSites.n", f"must be at most the number of sites, {count_of(shapes)}", n)
        self.imperfection, self.layers = imperfection, tuple(shapes.items())
        self.counted = sim.imperfections[imperfection].counted
        strata = _strata(shapes, names("RandomSites.by", by), self.counted)
        order = _order(random.stream(random.root(seed), "sites"), strata, equal=flag("RandomSites.equal", equal))
        self.sites = jnp.asarray(order[:n], jnp.int32)
        self.name, self.paired = text("RandomSites.name", name), flag("RandomSites.paired", paired)

    @property
    def size(self) -> int:
        return len(self.sites)

    @property
    def n(self) -> int:
        """Number of sites."""
        return self.size

    def numbers(self) -> np.ndarray:
        return np.asarray(self.sites)

    def site(self, index: jax.Array) -> jax.Array:
        return self.sites[index]

    @classmethod
    def example(cls) -> Self:
        return cls(AllSites.suite(), "dead", 3)


def shapes_of(who: str, sim: Any, imperfection: Any) -> Shapes:
    """The layers of a fault of a simulation, with the shapes of their sites.

    Raises:
        InputError: no simulation, no such imperfection, one that is no fault, or not at one site.
    """
    is_simulation(f"{who}.sim", sim)
    one_of(f"{who}.imperfection", imperfection, sim.imperfections)
    fault = sim.imperfections[imperfection]
    if not isinstance(fault, Faults):
        fail(f"{who}.imperfection", "must be a fault, e.g. hardware.DeadNeurons(...)", type(fault).__name__)
    if not isinstance(fault.sites, SingleSite):
        fail(f"{who}.imperfection", "must have its sites given by SingleSite(-1)", type(fault.sites).__name__)
    return fault.shapes(sim.network)


def _strata(shapes: Shapes, by: tuple[str, ...], counted: tuple[str, ...]) -> np.ndarray:
    """The number of the stratum of each site."""
    known = [LAYER, *([BIT] if BIT in counted else [])]
    for what in by:
        one_of("RandomSites.by", what, known)
    found = np.zeros(count_of(shapes), np.int64)
    sizes = [math.prod(shape) for shape in shapes.values()]
    if LAYER in by:
        found += np.repeat(np.arange(len(sizes)), sizes)
    if BIT in by:
        bits = np.concatenate([np.arange(size) % shape[-1] for size, shape in zip(sizes, shapes.values(), strict=True)])
        found = found * (1 + bits.max()) + bits
    return np.unique(found, return_inverse=True)[1]


def _order(key: Key, strata: np.ndarray, *, equal: bool) -> np.ndarray:
    """All sites in an order of which every beginning is spread over the strata."""
    words = np.asarray(random.bits(random.tick(key, 0), random.entities(len(strata))))
    shuffled = np.argsort(words, kind="stable")
    by_stratum = shuffled[np.argsort(strata[shuffled], kind="stable")]
    sizes = np.bincount(strata)
    rank = np.empty(len(strata))
    rank[by_stratum] = np.concatenate([np.arange(size) for size in sizes])
    due = rank if equal else (rank + 0.5) / sizes[strata]
    return np.lexsort((words, strata, due)) if equal or len(sizes) > 1 else shuffled
