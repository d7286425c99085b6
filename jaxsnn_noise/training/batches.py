"""Minibatches from a data pipeline of one's own: loaders, generators, files that do not fit into memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from dataclasses import dataclass
from typing import Any, cast

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise._checks import count, fail
from jaxsnn_noise._typing import Values
from jaxsnn_noise.engine.simulation import Simulation
from jaxsnn_noise.training.loop import Data, Learner, Member, Task, step_on
from jaxsnn_noise.training.losses import Loss


@dataclass(frozen=True)
class Batches:
    """Minibatches that somebody else makes, one pair (values [sample, ...], targets [sample, ...]) after the other.

    Every batch is one step of the optimiser, in the order given. Batches of one length share a compiled program; another
    length (a shorter last batch) is compiled once more.

    Args:
        source: What can be gone through again and again, an epoch each time: a list, a loader. Or a function from the number
            of the epoch (0, 1, ...) to an iterable; that alone, or a list, can go on from a checkpoint, since a loader
            that shuffles by itself shows something else the next time.
        per_epoch: Batches of an epoch, for optimisers that are functions of the number of steps; ``len(source)`` unless
            given, where it has one.

    Raises:
        InputError: an iterator, which can be gone through only once; nothing to go through.

    Example:
        >>> rows = np.eye(4, dtype=np.float32), np.arange(4)
        >>> pieces = Batches(lambda epoch: [(rows[0][i : i + 2], rows[1][i : i + 2]) for i in (0, 2)], per_epoch=2)
        >>> [labels.tolist() for _, labels in pieces.epoch(0)]
        [[0, 1], [2, 3]]
    """

    source: Iterable[Any] | Callable[[int], Iterable[Any]]
    per_epoch: int | None = None

    def __post_init__(self) -> None:
        source = cast("Any", self.source)
        if self.per_epoch is not None:
            count("Batches.per_epoch", self.per_epoch)
        if isinstance(source, Iterator):
            rule = (
                "can be gone through only once; give a list, a loader, or a function from the number of the epoch to it"
            )
            fail("Batches.source", rule, type(source).__name__)
        if not callable(source) and not isinstance(source, Iterable):
            rule = "must be an iterable of pairs (values, targets), or a function from the number of the epoch to one"
            fail("Batches.source", rule, type(self.source).__name__)

    @property
    def size(self) -> int | None:
        """Batches of an epoch, where that is known."""
        source = cast("Any", self.source)
        if self.per_epoch is None and isinstance(source, Sized):
            return len(source)
        return self.per_epoch

    @property
    def lasting(self) -> bool:
        """Whether an epoch of a number is the same whenever it is asked for, as far as that can be told."""
        return not isinstance(self.source, Iterable) or isinstance(self.source, Sequence)

    def epoch(self, number: int) -> Iterator[Any]:
        """The batches of an epoch."""
        made = self.source if isinstance(self.source, Iterable) else self.source(number)
        if not isinstance(made, Iterable):
            fail("Batches.source", "must give an iterable of pairs (values, targets)", type(made).__name__)
        return iter(made)


@dataclass(frozen=True)
class Feed:
    """Batches, and what each of them is held to.

    Attributes:
        batches: The batches.
        check: From a name, a pair and the number of samples before it to the checked data.
        first: The first batch of the first epoch.
    """

    batches: Batches
    check: Callable[..., Data]
    first: Data

    @property
    def size(self) -> int | str:
        """Samples of an epoch, which nobody knows."""
        return "as the batches have"

    def epoch(self, task: Task, members: Member, learners: Learner) -> tuple[Learner, dict[str, Values]]:
        """One pass over the batches for a block of seeds, and the mean scores of its samples [seed]."""
        number, seen, sums = int(np.asarray(learners.epoch)[0]), 0, []
        for step, pair in enumerate(self.batches.epoch(number)):
            data = self.check(f"fit.train, batch {step} of epoch {number}", pair, seen)
            if data.values.shape[1:] != self.first.values.shape[1:]:
                rule = (
                    f"values must have the shape [sample, *{self.first.values.shape[1:]}] of those of the first batch"
                )
                fail(f"fit.train, batch {step} of epoch {number}", rule, data.values.shape)
            learners, scores = step_on(task, data, members, learners, jnp.uint32(step))
            sums.append((data.size, scores))
            seen += data.size
        if not sums:
            fail("fit.train", f"needs at least one batch in every epoch, got none in epoch {number}", 0)
        mean = {name: sum(jnp.float32(n / seen) * scores[name] for n, scores in sums) for name in sums[0][1]}
        return eqx.tree_at(lambda one: one.epoch, learners, learners.epoch + 1), mean


def batches_of(train: Any) -> Batches | None:
    """Data as batches; ``None`` if they are a pair of arrays."""
    if isinstance(train, Batches):
        return train
    if isinstance(train, tuple):
        return None
    if isinstance(train, list):
        pairs = bool(train) and all(isinstance(part, tuple) and len(part) == 2 for part in train)
        return Batches(train) if pairs else None
    if callable(train) or (isinstance(train, Iterable) and not hasattr(train, "dtype")):
        return Batches(train)
    return None


def feed_of(
    batches: Batches, sim: Simulation, shown: str, losses: Iterable[Loss], data_of: Callable[..., Data]
) -> Feed:
    """The batches, after a look at the first of them.

    Raises:
        InputError: no batch, or one that does not fit.
    """
    known = list(losses)

    def check(who: str, pair: Any, before: int) -> Data:
        return data_of(who, pair, sim, shown, known, first=before)

    for pair in batches.epoch(0):
        return Feed(batches, check, check("fit.train, batch 0 of epoch 0", pair, 0))
    fail("fit.train", "needs at least one batch in every epoch, got none in epoch 0", 0)
