"""Which simulations have passed their checks: a value that does not change is not looked at a second time.

What is remembered is the object itself with its leaves and structure, for as long as it lives. Other values (of sweeps, ``tree_at``, files) are
other objects, and a dictionary of a simulation that is edited in place shows in its leaves or its structure. Arrays of NumPy can be
written to, and tracers are none of ours to keep: simulations that hold either are looked at every time.
"""

from __future__ import annotations

import functools
import weakref
from typing import Any

import jax

_PASSED: dict[int, tuple[weakref.ref[Any], list[Any], Any]] = {}


def has_passed(tree: Any) -> bool:
    """Whether this very object passed its checks, and is what it was then."""
    known = _PASSED.get(id(tree))
    if known is None or known[0]() is not tree:
        return False
    leaves, structure = jax.tree.flatten(tree)
    same = len(leaves) == len(known[1]) and all(a is b for a, b in zip(leaves, known[1], strict=True))
    return bool(same and structure == known[2])


def remember(tree: Any) -> None:
    """It has passed."""
    leaves, structure = jax.tree.flatten(tree)
    if all(_constant(leaf) for leaf in leaves):
        _PASSED[id(tree)] = (weakref.ref(tree, functools.partial(_forget, id(tree), _PASSED)), leaves, structure)


def _forget(number: int, held: dict[int, Any], gone: Any) -> None:
    del gone
    held.pop(number, None)


def _constant(leaf: Any) -> bool:
    if isinstance(leaf, jax.Array):
        return not isinstance(leaf, jax.core.Tracer)
    return isinstance(leaf, (bool, int, float, complex, str, bytes, type(None)))
