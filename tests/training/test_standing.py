"""What is kept after an epoch, and when a seed stops: plain bookkeeping, held without training anything."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxsnn_noise.training.loop import Learner
from jaxsnn_noise.training.standing import Standing


def learners(epoch: int, size: int) -> Learner:
    """Learners whose value tells their epoch."""
    value = jnp.full((size, 2), float(epoch), jnp.float32)
    return Learner({"w": value}, (), jnp.full(size, epoch, jnp.int32))


def ran(validation: list[list[float]], patience: int | None, *, loss: Any = None) -> Standing:
    """The standing after epochs with these validation losses [epoch][seed]."""
    size = len(validation[0])
    standing = Standing.at_start(learners(0, size), ["loss", "validation_loss"])
    for number, row in enumerate(validation, start=1):
        scores = {"loss": np.asarray(row if loss is None else loss[number - 1], np.float32)}
        scores["validation_loss"] = np.asarray(row, np.float32)
        standing = standing.after(learners(number, size), scores, 0.5, patience)
    return standing


def test_the_best_epoch_is_kept() -> None:
    standing = ran([[3.0], [1.0], [2.0], [1.0]], patience=9)
    assert standing.best_epoch == [2]  # equal is not better
    assert standing.best_loss == [1.0]
    assert (standing.best["w"] == 2.0).all()
    assert not standing.finished


def test_without_patience_the_last_is_kept() -> None:
    standing = ran([[3.0], [1.0], [2.0]], patience=None)
    assert standing.best_epoch == [3]
    assert (standing.best["w"] == 3.0).all()
    assert standing.stopped == [0]


def test_each_seed_stops_for_itself_and_stays_as_it_was() -> None:
    losses = [[1.0, 3.0], [2.0, 2.0], [2.0, 1.0], [0.5, 4.0], [0.4, 4.0]]
    standing = ran(losses, patience=2)
    assert standing.stopped.tolist() == [3, 5]
    assert standing.best_epoch.tolist() == [1, 3]  # the later improvement of the first seed came too late
    assert standing.best["w"][:, 0].tolist() == [1.0, 3.0]
    history = standing.history["validation_loss"]
    np.testing.assert_array_equal(history[0], np.asarray([1.0, 2.0, 2.0, np.nan, np.nan], np.float32))
    np.testing.assert_array_equal(history[1], np.asarray([3.0, 2.0, 1.0, 4.0, 4.0], np.float32))
    assert standing.finished
    assert standing.epochs == 5


def test_a_patience_of_one_stops_at_the_first_epoch_that_is_no_better() -> None:
    assert ran([[2.0], [1.0]], patience=1).stopped == [0]
    assert ran([[2.0], [1.0], [1.0]], patience=1).stopped == [3]


def test_a_loss_that_is_not_finite_stops_the_seed_and_stays_visible() -> None:
    standing = ran([[1.0, 1.0], [np.nan, 0.9], [np.nan, 0.8]], patience=None)
    assert standing.stopped.tolist() == [2, 0]
    assert np.isnan(standing.history["loss"][0, 1])
    assert not standing.finished


def test_a_validation_loss_that_is_not_finite_is_never_the_best() -> None:
    standing = ran([[np.nan], [2.0], [np.nan]], patience=3, loss=[[1.0]] * 3)
    assert standing.best_epoch == [2]
    assert standing.stopped == [0]


def test_a_template_has_the_shapes_after_so_many_epochs() -> None:
    template = Standing.at_start(learners(0, 2), ["loss", "validation_loss"], 3)
    standing = ran([[1.0, 1.0]] * 3, patience=None)
    assert {k: v.shape for k, v in template.history.items()} == {k: v.shape for k, v in standing.history.items()}
    assert all(v.dtype == standing.history[k].dtype for k, v in template.history.items())
