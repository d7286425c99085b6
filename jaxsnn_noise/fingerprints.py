"""What tells one computation from another: hashes of values, and of what functions compute.

Arrays and settings are compared by value. Functions have none: two that were made from equal settings are different
objects, and one name may stand for two of them. What is compared is what they compute: the text of the traced program and
the bytes of the constants in it, which the text does not show.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal

from jaxsnn_noise._typing import is_key


def of_values(*parts: Any) -> str:
    """A hash of pytrees: structure (static fields included), shapes, dtypes and values of all leaves.

    Functions count by their names (an address in memory would differ in the next process).
    """
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        arrays, static = eqx.partition(part, eqx.is_array)
        structure = str(jax.tree.structure(arrays)) + repr(jax.tree.leaves(static))
        digest.update(lasting(structure).encode())
        for leaf in jax.tree.leaves(arrays):
            _add(digest, leaf)
    return digest.hexdigest()


def of_function(function: Callable[..., Any], *args: Any) -> str:
    """A hash of what a function computes of arguments of such shapes.

    Functions of one hash compute the same. Those that compute the same in another way, or under another version of JAX,
    have another one: so it errs on the safe side. Python that a program calls back counts by its name alone.

    Args:
        function: A function that JAX can trace.
        *args: Arguments, or their shapes; their values play no part.

    Example:
        >>> import jax.numpy as jnp
        >>> schedules = [lambda x, at=at: jnp.where(x > at, 0.1, 1.0) for at in (1000, 2000, 1000)]
        >>> first, other, same = (of_function(f, jnp.float32(0)) for f in schedules)
        >>> first == same, first == other
        (True, False)
    """
    closed, results = jax.make_jaxpr(function, return_shape=True)(*args)
    return of_program(closed, jax.tree.structure(results))


def of_program(closed: ClosedJaxpr, *beside: Any) -> str:
    """A hash of a traced program: its text, the bytes of its constants, and the texts of what is told beside."""
    text = lasting(" ".join(str(part) for part in (closed, *beside)))
    digest = hashlib.blake2b(text.encode(), digest_size=16)
    for constant in _constants(closed):  # the text shows the shape of one, or a few of its numbers
        _add(digest, jax.random.key_data(constant) if is_key(constant) else constant)
    return digest.hexdigest()


def effects(closed: ClosedJaxpr) -> list[str]:
    """What a program does beside computing: calls of Python, prints. A hash cannot know what such Python does."""
    return sorted({type(effect).__name__ for effect in closed.effects} | set(_calls(closed.jaxpr)))


def lasting(text: str) -> str:
    """A text without places in memory, which objects without a text of their own show, and which the next process has others of."""
    return re.sub(r" at 0x[0-9a-f]+", "", text)


def _add(digest: Any, leaf: Any) -> None:
    array = np.asarray(leaf)
    digest.update(f"{array.shape}{array.dtype}".encode())
    digest.update(array.tobytes())


def _calls(part: Any) -> Iterator[str]:
    """The names of all equations that call Python."""
    if isinstance(part, (ClosedJaxpr, Jaxpr)):  # two classes up to JAX 0.10, one from 0.11 on
        for equation in part.eqns:
            if "callback" in equation.primitive.name:
                yield equation.primitive.name
            yield from _calls(tuple(equation.params.values()))
    elif isinstance(part, (tuple, list)):
        for member in part:
            yield from _calls(member)


def _constants(part: Any) -> Iterator[Any]:
    """All arrays and numbers that a program holds, those of the programs inside it too, in its order."""
    if isinstance(part, (ClosedJaxpr, Jaxpr)):  # as above
        yield from getattr(part, "consts", ())
        part = getattr(part, "jaxpr", part)
        yield from (v.val for v in part.outvars if isinstance(v, Literal))
        for equation in part.eqns:
            yield from (v.val for v in equation.invars if isinstance(v, Literal))
            yield from _constants(tuple(equation.params.values()))
    elif isinstance(part, (tuple, list)):
        for member in part:
            yield from _constants(member)
    elif isinstance(part, (np.ndarray, jax.Array)):
        yield part
