"""Get, replace and list the leaves of a simulation by dotted path.

A path follows attributes, dictionary keys and positions: ``"network.cells.neuron.tau_mem"``. A node that wants other
children than its fields (a network's populations and projections go by their names) offers ``path_children()``, a
mapping from name to ``(getter, child)``.
"""

from __future__ import annotations

import dataclasses
import functools
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp

from jaxsnn_noise._checks import concrete, fail, real_numbers

__all__ = [
    "Getter",
    "children",
    "get",
    "leaves",
    "nodes",
    "replace",
    "selected",
]

Tree = TypeVar("Tree")
Getter = Callable[[Any], Any]


def get(tree: Any, path: str) -> Any:
    """The leaf or subtree at ``path``; an unknown name is an :class:`InputError` with its near matches."""
    return _getter(tree, path)(tree)


def replace(tree: Tree, values: Mapping[str, Any]) -> Tree:
    """A copy of ``tree`` with the array leaves at the given paths set.

    Args:
        tree: A simulation, network, population, ...
        values: From path to value. A value keeps the dtype of the leaf and is broadcast to its shape (one number sets
            all neurons).

    Raises:
        InputError: unknown path, a path that leads to no array, a shape that does not broadcast.
    """
    if not isinstance(values, Mapping) or not all(isinstance(path, str) for path in values):
        fail("paths.replace", "takes a mapping from paths to values", values)
    getters, new = [], []
    for path in sorted(values):
        getter = _getter(tree, path)
        old = getter(tree)
        if not eqx.is_array(old):
            fail(path, "must lead to an array leaf (structure is varied with Cases)", type(old).__name__)
        getters.append(getter)
        new.append(_fitted(path, values[path], old))
    return eqx.tree_at(lambda node: [getter(node) for getter in getters], tree, new) if new else tree


def leaves(tree: Any) -> dict[str, jax.Array]:
    """All array leaves with their dotted paths, in path order."""
    return dict(sorted(_walk(tree, "")))


def nodes(tree: Any) -> Iterator[tuple[str, eqx.Module]]:
    """All modules of the tree with their dotted paths (the root has the empty path)."""
    yield from _modules(tree, "")


def selected(who: str, known: Mapping[str, Any], patterns: Any) -> tuple[str, ...]:
    """The paths among ``known`` that any of the patterns selects (``*``, ``?``, ``[...]``; ``*`` crosses dots), sorted.

    Raises:
        InputError: of ``who``, for a pattern that selects none, with its near matches.
    """
    each = (patterns,) if isinstance(patterns, str) else patterns
    if not isinstance(each, Sequence) or not each or not all(isinstance(pattern, str) for pattern in each):
        fail(who, "needs at least one path or pattern (texts)", patterns, known=known)
    found = set()
    for pattern in each:
        some = {path for path in known if fnmatchcase(path, pattern)}
        if not some:
            fail(who, "must be the path of a float leaf, or a pattern of some", pattern, known=known)
        found |= some
    return tuple(sorted(found))


def children(node: Any) -> dict[str, tuple[Getter, Any]]:
    """The named children of a node, each with the function that gets it from the node."""
    cls = type(node)  # asked in place of the node: attributes of modules are slow
    if hasattr(cls, "path_children"):
        return node.path_children()
    if isinstance(node, (dict, Mapping)):
        return {str(k): (operator.itemgetter(k), v) for k, v in node.items()}
    if isinstance(node, (tuple, list)):
        return {str(i): (operator.itemgetter(i), v) for i, v in enumerate(node)}
    if dataclasses.is_dataclass(cls):
        return {name: (get, get(node)) for name, get in _fields(cls)}
    return {}


@functools.cache
def _fields(cls: Any) -> tuple[tuple[str, Getter], ...]:
    """The fields of a class that are no part of its structure, each with its getter."""
    names = [f.name for f in dataclasses.fields(cls) if not f.metadata.get("static", False)]
    return tuple((name, operator.attrgetter(name)) for name in names)


def _getter(tree: Any, path: str) -> Getter:
    if not isinstance(path, str):
        fail("path", 'must be a text, e.g. "network.cells.neuron.tau_mem"', path)
    steps: list[Getter] = []
    node = tree
    for position, name in enumerate(path.split(".")):
        known = children(node)
        if name not in known:
            where = ".".join(path.split(".")[:position]) or type(tree).__name__
            rooted = [f"{root}.{path}" for root, (_, child) in known.items() if not position and _leads(child, path)]
            if rooted:
                fail(f"path {path!r}", f"must start at the {where}", path, known=rooted)
            fail(f"path {path!r}", f"no such name under {where}", name, known=known)
        getter, node = known[name]
        steps.append(getter)
    return lambda root: _follow(root, steps)


def _leads(node: Any, path: str) -> bool:
    for name in path.split("."):
        known = children(node)
        if name not in known:
            return False
        node = known[name][1]
    return True


def _follow(root: Any, steps: list[Getter]) -> Any:
    for step in steps:
        root = step(root)
    return root


def _fitted(path: str, value: Any, old: jax.Array) -> jax.Array:
    real_numbers(path, value, flags=old.dtype == bool)
    if not jnp.issubdtype(old.dtype, jnp.floating) and (held := concrete(value)) is not None and (held % 1 != 0).any():
        fail(path, f"must be whole numbers, as the leaf is ({old.dtype})", value)
    value = jnp.asarray(value, old.dtype)
    try:
        fits = jnp.broadcast_shapes(value.shape, old.shape) == old.shape
    except ValueError:
        fits = False
    if not fits:
        fail(path, f"must broadcast to the leaf's shape {old.shape}", value.shape)
    return jnp.broadcast_to(value, old.shape)


def _walk(node: Any, prefix: str) -> Iterator[tuple[str, jax.Array]]:
    if eqx.is_array(node):
        yield prefix, node
    for name, (_, child) in children(node).items():
        yield from _walk(child, f"{prefix}.{name}" if prefix else name)


def _modules(node: Any, prefix: str) -> Iterator[tuple[str, eqx.Module]]:
    if isinstance(node, eqx.Module):
        yield prefix, node
    for name, (_, child) in children(node).items():
        yield from _modules(child, f"{prefix}.{name}" if prefix else name)


def __dir__() -> list[str]:
    return __all__
