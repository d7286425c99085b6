"""What tells one training run from another: a checkpoint goes on only as the run that it belongs to.

Arrays and settings are compared by value. Functions have none: two that were made from equal settings are different
objects, and one name may stand for two of them. What is compared is what they compute.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal

from jaxsnn_noise import random
from jaxsnn_noise._typing import is_key
from jaxsnn_noise.engine.state import lasting
from jaxsnn_noise.ensemble.store import fingerprint
from jaxsnn_noise.training.loop import Data, Task, usual_promotion
from jaxsnn_noise.training.runner import Block


def identity(task: Task, blocks: Sequence[Block], *, train: Data, validation: Data | None, patience: int | None) -> str:
    """A hash of everything that determines the numbers of a run, the number of epochs apart.

    Args:
        task: What is trained.
        blocks: The seeds, with where they start.
        train: Training data.
        validation: Validation data.
        patience: When a seed stops.
    """
    free = jax.tree.map(lambda leaf: leaf[0], blocks[0].learners.free)
    with usual_promotion():
        state = jax.eval_shape(task.optimiser.init, free)
        optimiser = program(task.optimiser.init, free), program(task.optimiser.update, free, state, free)
    augment = None
    if task.augment is not None:
        augment = program(task.augment, train.values[0], jax.ShapeDtypeStruct((2,), jnp.uint32))
    settings = dataclasses.replace(task, augment=None, optimiser=None)
    starts = [(block.members, block.learners.free) for block in blocks]
    return fingerprint(settings, optimiser, augment, starts, train, validation, patience, random.STREAM_VERSION)


def program(function: Callable[..., Any], *args: Any) -> str:
    """A hash of what a function computes of arguments of such shapes: the text of its program and its constants' bytes.

    Functions of one hash compute the same. Those that compute the same in another way, or under another version of JAX,
    have another one: so it errs on the safe side. Python that a program calls back counts by its name alone.

    Args:
        function: A function that JAX can trace.
        *args: Arguments, or their shapes; their values play no part.

    Example:
        >>> schedules = [lambda x, at=at: jnp.where(x > at, 0.1, 1.0) for at in (1000, 2000, 1000)]
        >>> first, other, same = (program(f, jnp.float32(0)) for f in schedules)
        >>> first == same, first == other
        (True, False)
    """
    closed, structure = jax.make_jaxpr(function, return_shape=True)(*args)
    text = lasting(f"{closed} {jax.tree.structure(structure)}")
    digest = hashlib.blake2b(text.encode(), digest_size=16)
    for constant in _constants(closed):  # the text shows the shape of one, or a few of its numbers
        array = np.asarray(jax.random.key_data(constant) if is_key(constant) else constant)
        digest.update(f"{array.shape}{array.dtype}".encode() + array.tobytes())
    return digest.hexdigest()


def _constants(part: Any) -> Iterator[Any]:
    """All arrays and numbers that a program holds, those of the programs inside it too, in its order."""
    if isinstance(part, ClosedJaxpr):
        yield from part.consts
        yield from _constants(part.jaxpr)
    elif isinstance(part, Jaxpr):
        yield from (v.val for v in part.outvars if isinstance(v, Literal))
        for equation in part.eqns:
            yield from (v.val for v in equation.invars if isinstance(v, Literal))
            yield from _constants(tuple(equation.params.values()))
    elif isinstance(part, (tuple, list)):
        for member in part:
            yield from _constants(member)
    elif isinstance(part, (np.ndarray, jax.Array)):
        yield part
