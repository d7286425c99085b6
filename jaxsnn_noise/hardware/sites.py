"""Where faults sit: scattered over a chip, or at one place that a campaign moves."""

from __future__ import annotations

import abc
import math
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool

from jaxsnn_noise import random
from jaxsnn_noise._checks import concrete, fail, real_numbers
from jaxsnn_noise._typing import Key, Leaf
from jaxsnn_noise.parameters import Range, Ranged, fraction, parameter

Shapes = Mapping[str, tuple[int, ...]]
"""From the name of a layer (a population, a path of weights) to the shape of its sites, in the order in which they are counted."""

NOWHERE = -1
"""The site of no fault."""
MOST_SITES = (1 << 31) - 1
"""A site is a whole number of 32 bits."""


class Sites(Ranged):
    """Abstract: which sites of the layers of a fault have failed."""

    draws: ClassVar[bool]
    """Whether devices differ in it."""

    @property
    def nowhere(self) -> bool:
        """Whether it is known that no site has failed."""
        return False

    @abc.abstractmethod
    def chosen(self, key: Key, shapes: Shapes, layer: str) -> Bool[Array, "..."]:
        """Whether each site of a layer has failed, in the shape of its sites."""

    @abc.abstractmethod
    def check(self, who: str, shapes: Shapes) -> None:
        """Raise :class:`InputError` if it does not fit the layers."""

    @classmethod
    @abc.abstractmethod
    def example(cls) -> Self:
        """An instance for the contract suite."""


class Scattered(Sites):
    """Each site has failed with a probability, independently of the others; what has failed at a small one has at a larger one.

    Args:
        fraction: Probability that a site has failed [1], 0 to 1: one number, or one for each layer. 0: none, 1: all, exactly.

    Example:
        >>> Scattered(1.0).chosen(random.root(0), {"cells": (3,)}, "cells").tolist()
        [True, True, True]
    """

    draws: ClassVar[bool] = True
    fraction: Leaf = parameter("1", fraction, shape=None)

    def chosen(self, key: Key, shapes: Shapes, layer: str) -> Bool[Array, "..."]:
        share = self.fraction if self.fraction.ndim == 0 else self.fraction[list(shapes).index(layer)]
        return random.uniforms(random.stream(key, layer), shapes[layer]) < share

    def check(self, who: str, shapes: Shapes) -> None:
        if self.fraction.shape not in ((), (len(shapes),)):
            rule = f"must be one number, or one for each of the {len(shapes)} layers {list(shapes)}"
            fail(f"{who}.fraction", rule, self.fraction.shape)

    @classmethod
    def example(cls) -> Self:
        return cls(0.1)


def _as_site(value: Any) -> Any:
    """A whole number as an int32 leaf."""
    real_numbers("SingleSite.site", value)
    array = concrete(value)
    if array is not None and (array.ndim or not NOWHERE <= array <= MOST_SITES or array % 1):
        fail("SingleSite.site", f"must be a whole number in [{NOWHERE}, {MOST_SITES}]", value)
    return jnp.asarray(value, jnp.int32)


class SingleSite(Sites):
    """One site has failed and no other: what :class:`AllSites` and :class:`RandomSites` move, in one compiled program.

    Sites are counted through the layers of a fault in the order in which it names them, row by row in each.

    Args:
        site: Number of the site, from 0 on; -1 is nowhere. A whole-number leaf: sweeping it compiles nothing.

    Example:
        >>> layers = {"hidden": (2,), "output": (3,)}
        >>> [SingleSite(3).chosen(random.root(0), layers, name).tolist() for name in layers]
        [[False, False], [False, True, False]]
    """

    draws: ClassVar[bool] = False
    site: Leaf = parameter("1", Range(NOWHERE, MOST_SITES, whole=True), converter=_as_site)

    @property
    def nowhere(self) -> bool:
        site = concrete(self.site)
        return site is not None and bool(site == NOWHERE)

    def chosen(self, key: Key, shapes: Shapes, layer: str) -> Bool[Array, "..."]:
        del key
        names, shape = list(shapes), shapes[layer]
        first = sum(math.prod(shapes[name]) for name in names[: names.index(layer)])
        return lax.iota(jnp.int32, math.prod(shape)).reshape(shape) == self.site - first

    def check(self, who: str, shapes: Shapes) -> None:
        total, site = count_of(shapes), concrete(self.site)
        if total > MOST_SITES:
            fail(who, f"can address {MOST_SITES} sites", total)
        if site is not None and site >= total:
            rule = f"must be a site of the layers {layers_in_words(shapes)}: in [{NOWHERE}, {total - 1}]"
            fail(f"{who}.site", rule, int(site))

    @classmethod
    def example(cls) -> Self:
        return cls(0)


def count_of(shapes: Shapes) -> int:
    """How many sites there are."""
    return sum(math.prod(shape) for shape in shapes.values())


def layers_in_words(shapes: Shapes) -> str:
    """The layers with the sizes of their sites."""
    return ", ".join(f"{name} ({'x'.join(map(str, shape))})" for name, shape in shapes.items())


def place_of_site(shapes: Shapes, sites: Any) -> tuple[np.ndarray, np.ndarray]:
    """The number of the layer of each site, and the site's number within it."""
    ends = np.cumsum([math.prod(shape) for shape in shapes.values()])
    numbers = np.asarray(sites, np.int64)
    layer = np.searchsorted(ends, numbers, side="right")
    return layer, numbers - np.concatenate([[0], ends])[layer]
