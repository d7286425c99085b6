"""The protocol of a probability law, and how draws are addressed."""

from __future__ import annotations

import abc
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, UInt32

from jaxsnn_noise import _checks, random
from jaxsnn_noise._typing import Values
from jaxsnn_noise.parameters import Part, declaration


class Law(Part):
    """Abstract: how a parameter spreads around its nominal value.

    A member writes four elementwise methods; :class:`LogNormal` is the pattern to follow. All its parameters are
    float32 array leaves.
    """

    @abc.abstractmethod
    def perturb(self, nominal: Values, z: Values) -> Values:
        """The value of the score ``z`` (standard normal), elementwise, in the unit of ``nominal``."""

    @abc.abstractmethod
    def mean_std(self, nominal: Values) -> tuple[Values, Values]:
        """The exact mean and standard deviation of the perturbed values."""

    @abc.abstractmethod
    def support(self, nominal: Values) -> tuple[Values, Values]:
        """The smallest and the largest value that can come out (infinite where there is none)."""

    @classmethod
    @abc.abstractmethod
    def example(cls) -> Law:
        """A member with ordinary parameters, for tests and documentation."""

    def scores(self, key: Any, entity: UInt32[Array, "..."]) -> Values:
        """The standard normal score of each entity; independent unless a law says otherwise."""
        return random.normal(random.tick(random.root(key), 0), entity)

    @property
    def farthest(self) -> Values | float:
        """No score lies farther from 0; a law with scores of its own says so of those."""
        return random.LARGEST_NORMAL

    def apply(self, nominal: Values, key: Any, groups: Any = None) -> Values:
        """The nominal values, perturbed.

        Args:
            nominal: values of a parameter, any shape.
            key: the key of this device and imperfection (two words, or any JAX key).
            groups: the entity of each element (whole numbers, the shape of ``nominal``): elements of one group share
                their score. Without it, element ``i`` in row-major order is entity ``i``.

        Returns:
            An array like ``nominal``.

        Raises:
            InputError: ``groups`` has another shape or is not integer, or is negative.
        """
        return self.perturb(nominal, self.scores(key, entities(nominal.shape, groups)))


def entities(shape: tuple[int, ...], groups: Any = None) -> UInt32[Array, "..."]:
    """The entity of each element of a leaf: its row-major index, or its group.

    Raises:
        InputError: ``groups`` has another shape, is not integer, or is negative.
    """
    if groups is None:
        return random.entities(int(np.prod(shape))).array().reshape(shape)
    groups = jnp.asarray(groups)
    if groups.shape != shape or not jnp.issubdtype(groups.dtype, jnp.integer):
        _checks.fail("groups", f"must be whole numbers of shape {shape}, the entity of each element", groups)
    _checks.nonnegative("groups", groups)
    return groups.astype(jnp.uint32)


def unit_of_quantity(*owners: Any) -> str | None:
    """That of the leaf that it changes. An imperfection says the path of that, and a simulation holds it."""
    path = next((owner.path for owner in owners if hasattr(owner, "path")), None)
    if path is None:  # of one that changes several leaves, each by a law
        path = next((owner.path_of(owners[0]) for owner in owners if hasattr(owner, "path_of")), None)
    if path is None or not hasattr(owners[-1], "network"):
        return None
    said = declaration(owners[-1], path)
    return None if said is None else said.unit
