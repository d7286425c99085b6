from __future__ import annotations

import errno
import functools
import os
import threading
from pathlib import Path
from typing import Any

import jax
import numpy as np
import optax
import pytest

import jaxsnn_noise as jn
from helpers.small_task import HIDDEN, SGD, fit, noisy, points, quiet, same_bits
from jaxsnn_noise import Interrupted, StoreError
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.training import augment, losses, optimisers


def _jittered(updates: Any, key: Any, params: Any = None) -> tuple[Any, Any]:
    use, keep = jax.random.split(key)
    return jax.tree.map(lambda u: u * (0.5 + jax.random.uniform(use)), updates), keep


WITH_KEY = optax.chain(optax.GradientTransformation(lambda params: jax.random.key(7), _jittered), SGD)
"""An optimiser whose state holds a random key."""

SETTINGS: dict[str, Any] = {
    "validation": points(10, 1),
    "augment": augment.Shift(1, (2, 3)),
    "optimiser": WITH_KEY,
    "epochs": 4,
    "patience": 4,
    "seeds": 2,
}


@functools.cache
def sim() -> jn.Simulation:
    return quiet(0)


def stopping_after(epoch: int) -> Any:
    """A callback that presses Ctrl-C when both seeds have finished so many epochs."""
    done, lock = {0: 0, 1: 0}, threading.Lock()

    def callback(report: Any) -> None:
        with lock:
            done[report.seed] = report.epoch
        if min(done.values()) >= epoch:
            raise KeyboardInterrupt

    return callback


@pytest.mark.slow
def test_a_run_that_was_interrupted_ends_with_the_same_bits(tmp_path: Path) -> None:
    whole = fit(noisy, points(24), **SETTINGS)
    with pytest.raises(Interrupted) as caught:
        fit(noisy, points(24), checkpoint=tmp_path, callback=stopping_after(2), **SETTINGS)
    partial = caught.value.partial
    assert 2 <= partial.history.sizes["epoch"] <= 4
    assert np.array_equal(partial.history.loss[:, :2], whole.history.loss[:, :2])
    held = {p.name for p in tmp_path.iterdir()}
    for block in (0, 1):  # the last two epochs of each
        last = len(partial.history.loss[block].dropna("epoch"))
        assert {f"seeds-{block}-epoch-{n:06d}.eqx" for n in (last - 1, last)} <= held
    assert len(held) == 5
    seen: list[Any] = []
    resumed = fit(noisy, points(24), checkpoint=tmp_path, callback=seen.append, **SETTINGS)
    assert same_bits(whole, resumed)
    assert min(r.epoch for r in seen) >= 3  # the first two epochs were not computed again
    finished: list[Any] = []
    assert same_bits(whole, fit(noisy, points(24), checkpoint=tmp_path, callback=finished.append, **SETTINGS))
    assert finished == []


@pytest.mark.slow
def test_more_epochs_go_on_from_where_a_run_ended(tmp_path: Path) -> None:
    fit(noisy, points(24), checkpoint=tmp_path, epochs=1)
    longer = fit(noisy, points(24), checkpoint=tmp_path, epochs=3)
    assert same_bits(longer, fit(noisy, points(24), epochs=3))
    with pytest.raises(InputError, match=r"fit.epochs: .*3 epochs"):
        fit(noisy, points(24), checkpoint=tmp_path, epochs=2)


RULE = "rule of the updates"


def late(at: int) -> Any:
    """A schedule that changes long after any short trial of it."""
    return optax.sgd(optax.piecewise_constant_schedule(2.0, {at: 0.5}))


@pytest.mark.slow
def test_the_folder_of_another_run_is_refused(tmp_path: Path) -> None:
    fit(sim(), points(24), checkpoint=tmp_path, epochs=1)
    others: list[tuple[dict[str, Any], str]] = [
        ({"key": 4}, "key"),
        ({"batch_size": 4}, RULE),
        ({"optimiser": optax.sgd(2.1)}, RULE),
        ({"optimiser": late(10**6)}, RULE),
        ({"seeds": 2}, "start"),
        ({"seeds": [1]}, "start"),
        ({"trainable": HIDDEN}, RULE),
        ({"augment": augment.Shift(1, (2, 3))}, RULE),
        ({"validation": points(10, 1)}, "validation"),
        ({"loss": losses.CrossEntropy(scale=9.0)}, "system"),
    ]
    for other, part in others:
        with pytest.raises(InputError, match=rf"fit.checkpoint: holds another run .what differs: [^)]*{part}"):
            fit(sim(), points(24), checkpoint=tmp_path, epochs=1, **other)


@pytest.mark.slow
def test_schedules_that_part_late_are_two(tmp_path: Path) -> None:
    fit(sim(), points(24), checkpoint=tmp_path, epochs=1, optimiser=late(10**6))
    fit(sim(), points(24), checkpoint=tmp_path, epochs=1, optimiser=late(10**6))
    with pytest.raises(InputError, match=rf"what differs: {RULE}\)"):
        fit(sim(), points(24), checkpoint=tmp_path, epochs=1, optimiser=late(10**6 + 1))


@pytest.mark.slow
def test_what_a_loss_of_ones_own_closes_over_is_a_part_of_the_rule(tmp_path: Path) -> None:
    def closing(factor: float) -> losses.Loss:
        class Own(losses.SquaredError):
            def __call__(self, readings: Any, targets: Any) -> Any:
                return factor * super().__call__(readings, targets)

        return Own()

    data = points(24)[0], np.zeros((24, 3))
    fit(sim(), data, checkpoint=tmp_path, epochs=1, loss=closing(1.0))
    fit(sim(), data, checkpoint=tmp_path, epochs=1, loss=closing(1.0))
    with pytest.raises(InputError, match=rf"what differs: {RULE}\)"):
        fit(sim(), data, checkpoint=tmp_path, epochs=1, loss=closing(2.0))


def test_what_calls_back_into_python_is_refused(tmp_path: Path) -> None:
    def host(values: Any, key: Any) -> Any:
        like = jax.ShapeDtypeStruct(values.shape, values.dtype)
        return jax.pure_callback(lambda x: x, like, values, vmap_method="expand_dims")

    with pytest.raises(InputError, match=r"cannot tell runs apart that call back into Python.*pure_callback"):
        fit(sim(), points(24), checkpoint=tmp_path, epochs=1, augment=host)


@pytest.mark.slow
def test_other_data_or_weights_are_another_run(tmp_path: Path) -> None:
    fit(sim(), points(24), checkpoint=tmp_path, epochs=1)
    for system, data in ((sim(), points(24, 5)), (quiet(1), points(24))):
        with pytest.raises(InputError, match=r"fit.checkpoint: holds another run"):
            fit(system, data, checkpoint=tmp_path, epochs=1)


@pytest.mark.slow
def test_a_schedule_cannot_be_prolonged(tmp_path: Path) -> None:
    """One that knows the number of steps is another optimiser for more epochs, so the bits would differ."""
    scheduled = optimisers.WarmupCosine(2e-3)
    fit(sim(), points(24), checkpoint=tmp_path / "a", epochs=1, optimiser=scheduled)
    with pytest.raises(InputError, match=r"fit.checkpoint: holds another run"):
        fit(sim(), points(24), checkpoint=tmp_path / "a", epochs=2, optimiser=scheduled)
    fit(sim(), points(24), checkpoint=tmp_path / "b", epochs=1, optimiser=lambda steps: SGD)
    longer = fit(sim(), points(24), checkpoint=tmp_path / "b", epochs=2, optimiser=lambda steps: SGD)
    assert same_bits(longer, fit(sim(), points(24), epochs=2))  # of this one nothing depends on it


@pytest.mark.slow
def test_functions_are_compared_by_what_they_compute(tmp_path: Path) -> None:
    def brighter(by: float) -> Any:
        return lambda values, key: values * by

    fit(sim(), points(24), checkpoint=tmp_path, epochs=1, augment=brighter(1.25))
    fit(sim(), points(24), checkpoint=tmp_path, epochs=1, augment=brighter(1.25))
    with pytest.raises(InputError, match=r"fit.checkpoint: holds another run .what differs: rule of the updates"):
        fit(sim(), points(24), checkpoint=tmp_path, epochs=1, augment=brighter(1.5))


def test_a_folder_with_other_things_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("do not touch")
    with pytest.raises(InputError, match=r"fit.checkpoint: must be empty or hold this run"):
        fit(sim(), points(24), checkpoint=tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"fit.checkpoint: must be a folder that can be made"):
        fit(sim(), points(24), checkpoint=tmp_path / "file")


@pytest.mark.slow
def test_a_full_disk_leaves_the_last_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sync, calls = os.fsync, []

    def full(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 4:  # the manifest, two epochs, and then no more
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match=r"the disk is full; the last checkpoint is safe"):
        fit(noisy, points(24), checkpoint=tmp_path, epochs=4)
    assert {p.name for p in tmp_path.iterdir()} == {"training.json", *(f"seeds-0-epoch-00000{n}.eqx" for n in (1, 2))}
    seen: list[Any] = []
    resumed = fit(noisy, points(24), checkpoint=tmp_path, epochs=4, callback=seen.append)
    assert [r.epoch for r in seen] == [3, 4]
    assert same_bits(resumed, fit(noisy, points(24), epochs=4))


@pytest.mark.slow
def test_an_error_in_a_callback_is_shown_as_it_is() -> None:
    def callback(report: Any) -> None:
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        fit(sim(), points(24), seeds=2, callback=callback)
