"""The leaves that are trained: chosen by dotted path, moved in their free values, put back into the simulation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise import paths
from jaxsnn_noise._checks import concrete, fail, named
from jaxsnn_noise._typing import Values
from jaxsnn_noise.engine.simulation import Simulation
from jaxsnn_noise.parameters import Range, Resolved, declarations
from jaxsnn_noise.training.transforms import Transform, assigned

Tree = TypeVar("Tree")
Tied = str | Sequence[str | Sequence[str]]
"""Patterns of leaves; a group of patterns within stands for leaves that share one number."""


class Parameters(eqx.Module):
    """Which leaves of a tree are trained, and how each is parametrised; holds no values. :func:`free_space` makes one.

    Args:
        paths: Dotted paths below the tree.
        transforms: The transform of each.
        sources: The name of the free value of each; its own path unless it shares one. ``()``: all their own paths.
        shapes: The shape of each leaf whose entries are one number; ``None`` for the others. ``()``: ``None`` for all.
    """

    paths: tuple[str, ...] = eqx.field(static=True)
    transforms: tuple[Transform, ...]
    sources: tuple[str, ...] = eqx.field(static=True, default=())
    shapes: tuple[tuple[int, ...] | None, ...] = eqx.field(static=True, default=())

    def free(self, tree: Any) -> dict[str, Values]:
        """The free values, by path (of tied leaves one number, by the path of the first)."""
        found = {}
        for path, transform, source, shape in reversed(self._rows()):
            leaf = paths.get(tree, path)
            found[source] = transform.free(leaf if shape is None else jnp.ravel(leaf)[0])
        return dict(sorted(found.items()))

    def constrain(self, free: Mapping[str, Values]) -> dict[str, Values]:
        """The values of the leaves, by path, from free ones (any leading dimensions)."""
        return {path: _spread(t.constrain(free[source]), shape) for path, t, source, shape in self._rows()}

    def insert(self, tree: Tree, free: Mapping[str, Values]) -> Tree:
        """The tree with the leaves set from free values; differentiable."""
        return paths.replace(tree, self.constrain(free))

    def check(self, tree: Any) -> None:
        """Raise :class:`InputError` for a leaf that starts outside the range of its transform, or tied values that differ."""
        first: dict[str, tuple[str, float]] = {}
        for path, transform, source, shape in self._rows():
            leaf = paths.get(tree, path)
            transform.check(path, leaf)
            array = None if shape is None else concrete(leaf)
            if array is not None:
                name, value = first.setdefault(source, (path, array.flat[0]))
                if not np.all(array == value):
                    fail(path, f"must start at one number ({value:g}, as the first of {name}): it is tied", leaf)

    def pairs(self) -> list[tuple[str, Transform]]:
        """Each path with its transform."""
        return list(zip(self.paths, self.transforms, strict=True))

    def names(self) -> tuple[str, ...]:
        """The names of the free values: those of leaves that share one number are one."""
        return tuple(sorted(set(self.sources or self.paths)))

    def groups(self) -> dict[str, list[str]]:
        """From the name of each free value that is one number to the leaves that it sets."""
        found: dict[str, list[str]] = {}
        for path, _, source, shape in self._rows():
            if shape is not None:
                found.setdefault(source, []).append(path)
        return found

    def _rows(self) -> list[tuple[str, Transform, str, tuple[int, ...] | None]]:
        sources = self.sources or self.paths
        shapes = self.shapes or (None,) * len(self.paths)
        return list(zip(self.paths, self.transforms, sources, shapes, strict=True))


def trainable(tree: Any, patterns: str | Sequence[str]) -> Any:
    """A filter for Equinox: a tree of the same structure that is True at the chosen leaves, False at all others.

    The tree may be anything that holds a network at any depth: a model of one's own with layers of other libraries. Then
    ``trained, kept = eqx.partition(model, training.trainable(model, "encoder.*.weights"))``.

    Choosing all float arrays instead (``eqx.is_inexact_array``) would train amplitudes of noise, thresholds, resistances and
    time constants too, out of their ranges. For leaves that have one see :func:`free_space`.

    Args:
        tree: A network, a simulation, or any pytree of modules, dictionaries, lists and tuples.
        patterns: Dotted paths below the tree, or patterns of some (``*``, ``?``, ``[...]``; ``*`` crosses dots).

    Raises:
        InputError: a path or pattern that selects no float leaf, with its near matches.

    Example:
        >>> from jaxsnn_noise import networks
        >>> model = {"encoder": networks.feedforward([4, 8, 3], key=0), "scale": jnp.ones(3)}
        >>> chosen = trainable(model, "encoder.*.weights")
        >>> paths.get(chosen, "encoder.input_to_hidden.weights"), chosen["scale"]
        (True, False)
    """
    names = paths.selected("trainable.patterns", _floats(tree), patterns)
    nothing = jax.tree.map(lambda leaf: False, tree)
    return eqx.tree_at(lambda node: [paths.get(node, name) for name in names], nothing, [True] * len(names))


def free_space(
    tree: Any,
    patterns: str | Sequence[str],
    *,
    transforms: Mapping[str, Transform] | None = None,
    tied: Tied = (),
) -> Parameters:
    """The leaves to train in a loop of one's own, as free values that no step can lead out of their ranges.

    ``space.free(tree)`` is a dictionary of arrays for an optimiser; ``space.insert(tree, free)`` the tree made of it, inside
    the loss. This is what ``fit`` does. The range of a leaf is the one declared at its field; leaves of other libraries have
    none, and are moved themselves.

    Args:
        tree: A network, a simulation, or any pytree that holds one.
        patterns: Dotted paths below the tree, or patterns of some.
        transforms: From path or pattern to the transform of a leaf, in place of that of its range.
        tied: Paths or patterns of leaves all of whose entries are one number each (one time constant per layer). A tuple of
            patterns within makes one number of all leaves that it selects.

    Raises:
        InputError: paths or patterns that select nothing; a leaf outside the range of its transform; tied leaves whose entries
            do not start equal.

    Example:
        >>> from jaxsnn_noise import networks
        >>> model = {"encoder": networks.feedforward([4, 8, 3], key=0)}
        >>> space = free_space(model, "encoder.hidden.neuron.tau_mem", tied="*.tau_mem")
        >>> free = space.free(model)
        >>> {name: value.shape for name, value in free.items()}
        {'encoder.hidden.neuron.tau_mem': ()}
        >>> model = space.insert(model, {name: value - 100.0 for name, value in free.items()})
        >>> bool((model["encoder"].populations["hidden"].neuron.tau_mem >= 0).all())
        True
    """
    return chosen(tree, patterns, transforms, tied=tied, who="free_space")


def chosen(
    tree: Any,
    patterns: str | Sequence[str],
    transforms: Mapping[str, Transform] | None = None,
    *,
    tied: Tied = (),
    shown: str | None = None,
    who: str = "fit",
) -> Parameters:
    """The parameters that paths and patterns (``*``, ``?``, ``[...]``; ``*`` crosses dots) select.

    Raises:
        InputError: a path or pattern that selects nothing, with its near matches; the values of the shown input, which the
            samples set; what :meth:`Parameters.check` finds.
    """
    known = {path: leaf for path, leaf in _floats(tree).items() if path != f"inputs.{shown}.values"}
    named(f"{who}.transforms", transforms, "transforms, e.g. {'*.weights': Between(0.0, 1.0)}")
    names = paths.selected(f"{who}.trainable" if who == "fit" else f"{who}.patterns", known, patterns)
    said = declarations(tree)
    trained = {name: said.get(name, Resolved(None, Range())) for name in names}
    found = assigned(trained, transforms or {}, who=who)  # in their order: the first pattern that fits counts
    sources, shapes = _ties(f"{who}.tied", {name: known[name] for name in names}, tied)
    for name, transform in zip(names, found, strict=True):
        if not eqx.tree_equal(transform, found[names.index(sources[name])]):
            fail(
                f"{who}.tied", f"must share one transform with {sources[name]}", f"{type(transform).__name__} of {name}"
            )
    own = any(shape is not None for shape in shapes.values())
    parameters = Parameters(names, found, tuple(sources.values()) if own else (), tuple(shapes.values()) if own else ())
    parameters.check(tree)
    return parameters


def _floats(tree: Any) -> dict[str, jax.Array]:
    return {path: leaf for path, leaf in paths.leaves(tree).items() if jnp.issubdtype(leaf.dtype, jnp.floating)}


def _ties(
    who: str, leaves: Mapping[str, jax.Array], tied: Any
) -> tuple[dict[str, str], dict[str, tuple[int, ...] | None]]:
    """The source and the shape of each trained leaf, as in :class:`Parameters`."""
    sources: dict[str, str] = {name: name for name in leaves}
    shapes: dict[str, tuple[int, ...] | None] = dict.fromkeys(leaves)
    if not isinstance(tied, (str, Sequence)):
        fail(who, "must be a pattern, or a list of patterns and of groups of patterns", tied)
    for entry in (tied,) if isinstance(tied, str) else tied:
        names = paths.selected(who, leaves, entry)
        for name in names:
            if shapes[name] is not None:
                fail(who, "must tie each leaf once", name)
            shapes[name] = leaves[name].shape
            sources[name] = name if isinstance(entry, str) else names[0]
    return sources, shapes


def _spread(value: Values, shape: tuple[int, ...] | None) -> Values:
    """One number as a leaf of the shape; leading dimensions stay."""
    if shape is None:
        return value
    return jnp.broadcast_to(value.reshape(*value.shape, *[1] * len(shape)), (*value.shape, *shape))


def differing(sims: Sequence[Simulation], trained: Sequence[str]) -> dict[str, Values]:
    """Leaves [seed, ...] that are not trained but differ between the simulations of the seeds.

    Raises:
        InputError: simulations of different structure or shapes.
    """
    first = sims[0]
    if all(sim is first for sim in sims):
        return {}
    for sim in sims[1:]:
        if not eqx.tree_equal(_shapes(first), _shapes(sim)):
            fail("fit", "the builder must give simulations of one structure and one set of shapes", "different ones")
    rows = {path: [paths.get(sim, path) for sim in sims] for path in paths.leaves(first) if path not in trained}
    return {path: stacked(row) for path, row in rows.items() if any(not np.array_equal(row[0], r) for r in row)}


def stacked(rows: Sequence[Values]) -> Values:
    """One array of those of several seeds; in NumPy, as every shape would be a program of its own."""
    return jnp.asarray(np.stack(rows))


def _shapes(sim: Simulation) -> Any:
    return jax.tree.map(lambda leaf: (leaf.shape, str(leaf.dtype)) if eqx.is_array(leaf) else leaf, sim)
