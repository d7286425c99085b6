"""The leaves that are trained: chosen by dotted path, moved in their free values, put back into the simulation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from jaxsnn_noise import paths
from jaxsnn_noise._checks import fail
from jaxsnn_noise._typing import Values
from jaxsnn_noise.engine.simulation import Simulation
from jaxsnn_noise.parameters import Range, Resolved, declarations
from jaxsnn_noise.training.transforms import Transform, assigned


class Parameters(eqx.Module):
    """Which leaves are trained, and how each is parametrised; holds no values.

    Args:
        paths: Dotted paths below the simulation.
        transforms: The transform of each.
    """

    paths: tuple[str, ...] = eqx.field(static=True)
    transforms: tuple[Transform, ...]

    def free(self, sim: Simulation) -> dict[str, Values]:
        """The free values of the leaves, by path."""
        return {p: t.free(paths.get(sim, p)) for p, t in self.pairs()}

    def constrain(self, free: Mapping[str, Values]) -> dict[str, Values]:
        """The values of the leaves, by path, from free ones (any leading dimensions)."""
        return {p: t.constrain(free[p]) for p, t in self.pairs()}

    def insert(self, sim: Simulation, free: Mapping[str, Values]) -> Simulation:
        """The simulation with the leaves set from free values; differentiable."""
        return paths.replace(sim, self.constrain(free))

    def check(self, sim: Simulation) -> None:
        """Raise :class:`InputError` for a leaf that starts outside the range of its transform."""
        for path, transform in self.pairs():
            transform.check(path, paths.get(sim, path))

    def pairs(self) -> list[tuple[str, Transform]]:
        """Each path with its transform."""
        return list(zip(self.paths, self.transforms, strict=True))


def chosen(
    sim: Simulation,
    trainable: str | Sequence[str],
    transforms: Mapping[str, Transform] | None = None,
    *,
    shown: str | None = None,
) -> Parameters:
    """The parameters that paths and patterns (``*``, ``?``, ``[...]``; ``*`` crosses dots) select.

    Raises:
        InputError: a path or pattern that selects nothing, with its near matches; the values of the shown input, which the
            samples set.
    """
    known = {path: leaf for path, leaf in paths.leaves(sim).items() if jnp.issubdtype(leaf.dtype, jnp.floating)}
    known = {path: leaf for path, leaf in known.items() if path != f"inputs.{shown}.values"}
    patterns = (trainable,) if isinstance(trainable, str) else tuple(trainable)
    if not patterns:
        fail("fit.trainable", "needs at least one path or pattern", patterns, known=known)
    selected = set()
    for pattern in patterns:
        found = {path for path in known if fnmatchcase(path, pattern)}
        if not found:
            fail("fit.trainable", "must be the path of a float leaf, or a pattern of some", pattern, known=known)
        selected |= found
    names = tuple(sorted(selected))
    said = declarations(sim)
    trained = {name: said.get(name, Resolved(None, Range())) for name in names}
    parameters = Parameters(names, assigned(trained, transforms or {}))
    parameters.check(sim)
    return parameters


def differing(sims: Sequence[Simulation], trained: Sequence[str]) -> dict[str, Values]:
    """Leaves [seed, ...] that are not trained but differ between the simulations of the seeds.

    Raises:
        InputError: simulations of different structure or shapes.
    """
    first = sims[0]
    for sim in sims[1:]:
        if not eqx.tree_equal(_shapes(first), _shapes(sim)):
            fail("fit", "the builder must give simulations of one structure and one set of shapes", "different ones")
    rows = {path: [paths.get(sim, path) for sim in sims] for path in paths.leaves(first) if path not in trained}
    return {path: jnp.stack(row) for path, row in rows.items() if any(not jnp.array_equal(row[0], r) for r in row)}


def _shapes(sim: Simulation) -> Any:
    return jax.tree.map(lambda leaf: (leaf.shape, str(leaf.dtype)) if eqx.is_array(leaf) else leaf, sim)
