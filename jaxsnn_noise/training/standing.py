"""Where a block of seeds stands after an epoch: all that a checkpoint has to hold."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise._typing import Values
from jaxsnn_noise.training.loop import Learner

MONITORED = "validation_loss"


class Standing(eqx.Module):
    """The learners of a block of seeds, their best values so far, and their history.

    Args:
        learners: What the next epoch goes on from.
        best: Free values of the epoch with the least validation loss (of the last epoch, without patience) [seed, ...].
        best_loss: That loss [seed].
        best_epoch: Its epoch, counted from 1 [seed].
        stopped: Epoch after which a seed stopped, 0 while it runs [seed].
        history: Scores by name [seed, epoch]; NaN after a seed stopped.
    """

    learners: Learner
    best: dict[str, Values]
    best_loss: np.ndarray
    best_epoch: np.ndarray
    stopped: np.ndarray
    history: dict[str, np.ndarray]

    @classmethod
    def at_start(cls, learners: Learner, names: list[str], epochs: int = 0) -> Standing:
        """Before the first epoch; with ``epochs``, a template of the shapes after so many."""
        size = len(learners.epoch)
        blank = {name: np.full((size, epochs), np.nan, np.float32) for name in sorted([*names, "seconds"])}
        none = np.zeros(size, np.int32)
        return cls(learners, learners.free, np.full(size, np.inf, np.float32), none, none.copy(), blank)

    @property
    def epochs(self) -> int:
        """Epochs done."""
        return self.history["seconds"].shape[1]

    @property
    def finished(self) -> bool:
        """Whether all seeds stopped."""
        return bool(np.all(self.stopped > 0))

    def after(self, learners: Learner, scores: dict[str, np.ndarray], seconds: float, patience: int | None) -> Standing:
        """After one more epoch with these scores [seed].

        A seed stops when ``patience`` epochs brought no lower validation loss, or when its loss is not finite.
        """
        running, now = self.stopped == 0, self.epochs + 1
        better = running & (scores[MONITORED] < self.best_loss) if patience is not None else running
        monitored = scores[MONITORED] if patience is not None else scores["loss"]
        best_epoch = np.where(better, now, self.best_epoch).astype(np.int32)
        ended = ~np.isfinite(scores["loss"])
        if patience is not None:
            ended |= now - best_epoch >= patience
        row = scores | {"seconds": np.full(len(running), seconds, np.float32)}
        return Standing(
            learners,
            jax.tree.map(lambda old, new: _where(better, new, old), self.best, learners.free),
            np.where(better, monitored, self.best_loss).astype(np.float32),
            best_epoch,
            np.where(running & ended, now, self.stopped).astype(np.int32),
            {k: np.column_stack([v, np.where(running, row[k], np.nan)]) for k, v in self.history.items()},
        )


def _where(choose: np.ndarray, new: Values, old: Values) -> Values:
    if choose.all():
        return new
    return jnp.where(jnp.asarray(choose).reshape(-1, *[1] * (new.ndim - 1)), new, old)
