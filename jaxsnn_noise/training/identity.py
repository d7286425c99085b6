"""What tells one training run from another: a checkpoint goes on only as the run that it belongs to."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from jaxsnn_noise import fingerprints, random
from jaxsnn_noise._checks import fail
from jaxsnn_noise.fingerprints import of_values
from jaxsnn_noise.training.batches import Feed
from jaxsnn_noise.training.checkpoints import without_keys
from jaxsnn_noise.training.loop import Data, Member, Task, assess, epoch, step_on, to_assess, usual_promotion
from jaxsnn_noise.training.runner import Block


def identity(
    task: Task, blocks: Sequence[Block], *, train: Data | Feed, validation: Data | None, patience: int | None
) -> dict[str, str]:
    """What determines the numbers of a run, the number of epochs apart: from the name of each part to its hash.

    The rule of the updates is the traced program of an epoch: loss, optimiser, schedule, augmentation and simulation are
    what they compute, with the bytes of all constants. Whatever else enters the program is an argument, compared by value.

    Args:
        task: What is trained.
        blocks: The seeds, with where they start.
        train: Training data; of batches that come from outside, the first of the first epoch stands for all.
        validation: Validation data.
        patience: When a seed stops.

    Raises:
        InputError: the program calls back into Python, of which nothing can be said; batches that may be others next time.
    """
    block = blocks[0]
    if isinstance(train, Feed):
        if not train.batches.lasting:
            rule = (
                "needs batches as a list, or as a function from the number of the epoch to them, to go on with the same"
            )
            fail("fit.checkpoint", rule, type(train.batches.source).__name__)
        data = train.first
        rules = [_rule(step_on, task, data, block.members, block.learners, jnp.uint32(0))]
    else:
        data = train
        rules = [_rule(epoch, task, data, block.members, block.learners)]
    if validation is not None:
        own = block.members.own | task.parameters.constrain(block.learners.free)
        rules.append(_rule(assess, to_assess(task), validation, Member(block.members.seed, own)))
    settings = dataclasses.replace(task, augment=None, optimiser=None, root=jnp.zeros_like(task.root))
    return {
        "rule of the updates": of_values(rules),
        "system": of_values(settings),
        "start": of_values(without_keys([(b.members, b.learners) for b in blocks])),
        "key": of_values(task.root),
        "data": of_values(data),
        "validation": of_values(validation),
        "patience": of_values(patience),
        "random stream": str(random.STREAM_VERSION),
        "JAX": jax.__version__,
    }


def _rule(function: Callable[..., Any], *args: Any) -> str:
    """The hash of the program of a function of modules, their arrays being its arguments."""
    arrays, static = eqx.partition(args, eqx.is_array)
    with usual_promotion():
        closed, results = jax.make_jaxpr(lambda arrays: function(*eqx.combine(arrays, static)), return_shape=True)(
            arrays
        )
    calls = [name for name in fingerprints.effects(closed) if name in ("pure_callback", "io_callback")]
    if calls:
        fail("fit.checkpoint", "cannot tell runs apart that call back into Python; train without it", calls)
    return fingerprints.of_program(closed, jax.tree.structure(results))
