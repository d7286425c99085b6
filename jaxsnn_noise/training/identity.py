"""What tells one training run from another: a checkpoint goes on only as the run that it belongs to."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import jax
import jax.numpy as jnp

from jaxsnn_noise import random
from jaxsnn_noise.fingerprints import of_function, of_values
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
        optimiser = of_function(task.optimiser.init, free), of_function(task.optimiser.update, free, state, free)
    augment = None
    if task.augment is not None:
        augment = of_function(task.augment, train.values[0], jax.ShapeDtypeStruct((2,), jnp.uint32))
    settings = dataclasses.replace(task, augment=None, optimiser=None)
    starts = [(block.members, block.learners.free) for block in blocks]
    return of_values(settings, optimiser, augment, starts, train, validation, patience, random.STREAM_VERSION)
