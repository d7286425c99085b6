"""Batches of one's own, plain functions as losses, answers for each sample, and the look at the start."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jaxsnn_noise as jn
from helpers.small_task import HIDDEN, OUTPUT, SCALE, SGD, STILL, fit, noisy, points, quiet, same_bits
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.training import Batches, losses, optimisers

X, Y = points(24)


def pieces(epoch: int) -> Any:
    """Three batches of eight, in another order in every epoch."""
    order = np.random.default_rng(epoch).permutation(24)
    for i in range(0, 24, 8):
        yield X[order[i : i + 8]], Y[order[i : i + 8]]


@pytest.mark.slow
def test_a_whole_batch_from_outside_is_the_step_of_the_whole_set() -> None:
    inside = fit(quiet, (X, Y), epochs=2, batch_size=24, seeds=2, seeds_at_once=2)
    outside = fit(quiet, [(X, Y)], epochs=2, seeds=2)
    for path in (HIDDEN, OUTPUT):  # the order within the batch is another: rounding
        np.testing.assert_allclose(inside.leaves[path], outside.leaves[path], rtol=1e-4, atol=1e-6)
    for name in ("loss", "accuracy"):
        np.testing.assert_allclose(inside.history[name], outside.history[name], rtol=1e-5)
    assert outside.history.seed.size == 2


@pytest.mark.slow
def test_batches_are_taken_in_their_order_with_fresh_noise_in_every_step() -> None:
    fitted = fit(noisy, [(X[:8], Y[:8])] * 3, optimiser=STILL, epochs=2)
    lost = fitted.history.loss.values[0]
    assert lost[0] != lost[1]
    again = fit(noisy, [(X[:8], Y[:8])] * 3, optimiser=STILL, epochs=2)
    assert same_bits(fitted, again)
    rows = []
    counting = fit(quiet, [(X[:8], Y[:8]), (X[8:12], Y[8:12])], optimiser=STILL, epochs=1)
    for part in (slice(0, 8), slice(8, 12)):
        rows.append(fit(quiet, [(X[part], Y[part])], optimiser=STILL, epochs=1).history.loss.item())
    np.testing.assert_allclose(counting.history.loss.item(), (8 * rows[0] + 4 * rows[1]) / 12, rtol=1e-6)  # by samples


@pytest.mark.slow
def test_noise_in_batches_is_addressed_by_seed_epoch_step_and_place_in_the_epoch() -> None:
    fitted = fit(noisy, [(X[:8], Y[:8]), (X[8:16], Y[8:16])], optimiser=STILL, epochs=1)
    lost = []
    for i in range(16):
        signal = {"input": jn.coding.Constant(X[i])}
        stats = {"x": jn.statistics.Mean("v", population="output")}
        sim = jn.Simulation(fitted.sim.network, signal, duration=6.0, dt=1.0, statistics=stats)
        where = jn.Address.of({"seed": 0, "epoch": 0, "step": i // 8, "sample": i})
        x = SCALE * np.asarray(jn.simulate(sim, key=3, address=where)["x"], np.float64)
        lost.append(np.log(np.exp(x).sum()) - x[Y[i]])
    np.testing.assert_allclose(fitted.history.loss.item(), np.mean(lost), rtol=1e-5)


@pytest.mark.slow
def test_a_loader_and_a_function_of_the_epoch_learn() -> None:
    class Loader:
        def __iter__(self) -> Any:
            return pieces(0)

        def __len__(self) -> int:
            return 3

    told: list[int] = []

    def scheduled(steps: int) -> Any:
        told.append(steps)
        return SGD

    for source in (Loader(), pieces):
        fitted = fit(quiet, source, epochs=30, validation=points(10, 1), optimiser=SGD)
        assert fitted.history.loss[0, -1] < 0.6 * fitted.history.loss[0, 0]
        assert fitted.history.validation_accuracy[0, -1] > 0.7
    fit(quiet, Loader(), epochs=2, optimiser=scheduled)
    fit(quiet, Batches(pieces, per_epoch=3), epochs=2, optimiser=scheduled)
    assert told == [6, 6]


@pytest.mark.slow
def test_batches_go_on_from_a_checkpoint(tmp_path: Path) -> None:
    whole = fit(noisy, pieces, epochs=3)
    fit(noisy, pieces, epochs=1, checkpoint=tmp_path)
    assert same_bits(fit(noisy, pieces, epochs=3, checkpoint=tmp_path), whole)
    with pytest.raises(InputError, match="what differs: data"):
        fit(noisy, lambda epoch: pieces(epoch + 1), epochs=3, checkpoint=tmp_path)

    class Loader:
        def __iter__(self) -> Any:
            return pieces(0)

    with pytest.raises(InputError, match=r"fit.checkpoint: needs batches as a list, or as a function"):
        fit(noisy, Loader(), epochs=3, checkpoint=tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "message"),
    [
        (lambda: pieces(0), "Batches.source: can be gone through only once"),
        (lambda: lambda epoch: 3, "Batches.source: must give an iterable of pairs"),
        (lambda: lambda epoch: [], "fit.train: needs at least one batch in every epoch, got none in epoch 0"),
        (lambda: lambda epoch: [(X, Y)] * (1 - epoch), "needs at least one batch in every epoch, got none in epoch 1"),
        (lambda: [(X, Y), (X, Y + 1)], r"fit.train, batch 1 of epoch 0 targets: labels must lie in \[0, 2\]"),
        (lambda: [(X, Y), (X[:, :1], Y)], r"fit.train, batch 1 of epoch 0"),
        (lambda: [(X, Y), (np.where(X > 1, np.nan, X), Y)], r"batch 1 of epoch 0 values: must be finite"),
        (lambda: [(X, Y[:3])], r"batch 0 of epoch 0: must have one target per sample"),
        (lambda: lambda epoch: [X], r"batch 0 of epoch 0: must be a pair"),
    ],
)
def test_batches_that_do_not_fit_are_told(source: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        fit(quiet, source(), epochs=2, optimiser=STILL)


def test_settings_that_batches_cannot_have_are_told() -> None:
    with pytest.raises(InputError, match=r"fit.seeds_at_once: must be the number of seeds, 2, with batches"):
        fit(quiet, pieces, seeds=2, seeds_at_once=1)
    with pytest.raises(InputError, match=r"fit.optimiser: of the number of steps needs to know how many batches"):
        fit(quiet, pieces, optimiser=optimisers.WarmupCosine())


def scaled_entropy(readouts: Any, targets: Any) -> Any:
    return optax.softmax_cross_entropy_with_integer_labels(SCALE * readouts, targets)


@pytest.mark.slow
def test_a_plain_function_is_a_loss() -> None:
    plain, ours = (fit(quiet, (X, Y), loss=loss) for loss in (scaled_entropy, losses.CrossEntropy(scale=SCALE)))
    np.testing.assert_allclose(plain.history.loss, ours.history.loss, rtol=1e-5)
    np.testing.assert_allclose(plain.leaves[HIDDEN], ours.leaves[HIDDEN], rtol=1e-4, atol=1e-6)

    def regression(readouts: Any, targets: Any) -> Any:
        return jnp.mean((readouts - targets) ** 2)

    values = np.random.default_rng(0).normal(size=(24, 3))
    one, other = (fit(quiet, (X, values), loss=loss, epochs=1) for loss in (regression, losses.SquaredError()))
    np.testing.assert_allclose(one.history.loss, other.history.loss, rtol=1e-5)


@pytest.mark.parametrize(
    ("loss", "targets", "message"),
    [
        (lambda x, y: x, Y, r"the loss <lambda> must give one float, or one per sample; got \(\(24, 3\)"),
        (lambda x, y: jnp.argmax(x), Y, "must give one float, or one per sample"),
        (lambda x, y: jnp.sum(x - y), Y, "must fit the loss <lambda>, which raises"),
        (lambda x, y: jnp.sum(x) + jnp.sum(y), np.where(Y == 1, np.nan, 1.0), "targets: must be finite"),
    ],
)
def test_a_function_that_is_no_loss_is_told(loss: Any, targets: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        fit(quiet, (X, targets), loss=loss)


@pytest.mark.slow
def test_predictions_are_those_of_the_evaluation() -> None:
    fitted, (x, y) = fit(noisy, (X, Y), seeds=2), points(30, 1)
    found, scores = fitted.predict((x, y), key=5), fitted.evaluate((x, y), key=5)
    assert dict(found.sizes) == {"seed": 2, "sample": 30, "class": 3}
    np.testing.assert_allclose(found.correct.mean("sample"), scores.accuracy, rtol=1e-6)
    np.testing.assert_allclose(found.loss.mean("sample"), scores.loss, rtol=1e-5)
    assert np.array_equal(found.prediction, found.readout.argmax("class"))
    blind = fitted.predict(x, key=5, batch_size=7)
    assert set(blind) == {"readout", "prediction"}
    np.testing.assert_allclose(blind.readout, found.readout, rtol=1e-5, atol=1e-6)
    direct = jn.apply(fitted.sims[1].network, x[:1], key=5, duration=6.0)["output"]
    assert direct.shape == (1, 3)
    interval = jn.evaluation.scores(found).sel(score="accuracy")
    assert ((interval.low < scores.accuracy) & (scores.accuracy < interval.high)).all()
    assert jn.evaluation.confusion_matrix(found).sum() == 60
    values = np.random.default_rng(0).normal(size=(24, 3))
    regression = fit(quiet, (X, values), loss=losses.SquaredError(), epochs=1).predict((X, values), key=0)
    assert "correct" not in regression
    np.testing.assert_allclose(regression.loss, np.square(regression.readout - values).mean("class"), rtol=1e-5)
    for bad, message in [(x[:, :4], "predict.data"), ((x, y[:3]), "one target per sample"), ([[np.nan] * 6], "finite")]:
        with pytest.raises(InputError, match=message):
            fitted.predict(bad, key=0)


def looked(sim: Any, x: Any = X, **settings: Any) -> tuple[str, dict[str, Any]]:
    """What is told at the start, and what the history holds of it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fitted = fit(sim, (x, Y), check_start=True, epochs=1, **settings)
    assert len(caught) <= 1
    return (str(caught[0].message) if caught else ""), json.loads(fitted.history.attrs["start"])


def deep(values: dict[str, Any], **options: Any) -> jn.Simulation:
    network = jn.networks.feedforward([6, 16, 16, 3], key=0, gain=12.0, **options)
    sim = jn.Simulation(network, {"input": jn.coding.Constant(0.0)}, duration=20.0, dt=1.0)
    return jn.paths.replace(sim, values)


FIRST, SECOND = "network.input_to_hidden_1.weights", "network.hidden_1_to_hidden_2.weights"


@pytest.mark.slow
def test_a_start_that_is_alive_is_told_nothing() -> None:
    told, start = looked(deep({}))
    assert told == ""
    assert set(start) == {"silent", "saturated", "gradient"}
    assert set(start["silent"]) == {"hidden_1", "hidden_2"}
    assert all(0.0 <= share <= 0.3 for share in start["silent"].values())
    assert all(size > 0 for size in start["gradient"].values())


@pytest.mark.slow
def test_layers_that_are_silent_or_saturated_and_gradients_that_do_not_arrive_are_told() -> None:
    told, start = looked(deep({SECOND: 0.01}))
    assert "hidden_2 is silent (100% of its neurons never fire)" in told
    assert "hidden_1 is silent" not in told
    assert start["silent"]["hidden_2"] == 1.0
    told, start = looked(deep({FIRST: 1e3, SECOND: 10.0}))
    assert "hidden_2 is saturated (100% of its neurons fire all the time)" in told
    told, _ = looked(deep({FIRST: 1e3}, neuron=lambda n: jn.neurons.LIF(n, refractory=3.0)))
    assert "hidden_1 is saturated" in told  # as often as the refractory time lets it
    told, start = looked(deep({"network.hidden_2_to_output.weights": 0.0}))
    assert f"no gradient arrives at {FIRST}" in told
    assert f"no gradient arrives at {SECOND}" in told
    far = jn.paths.replace(deep({}), {"network.hidden_2.neuron.v_threshold": 1e6})
    told, _ = looked(far)
    assert all(f"the gradient of {path} vanishes" in told for path in (FIRST, SECOND))
    assert "no gradient arrives at network.hidden_2_to_output.weights" in told


@pytest.mark.slow
def test_the_look_changes_no_number_and_is_not_taken_twice(tmp_path: Path) -> None:
    plain = fit(quiet, (X, Y), epochs=1)
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        seen = fit(quiet, (X, Y), epochs=1, check_start=True, checkpoint=tmp_path)
        assert np.array_equal(seen.leaves[HIDDEN], plain.leaves[HIDDEN])
    with warnings.catch_warnings(action="error"):
        on = fit(jn.paths.replace(quiet(0), {HIDDEN: 1e-3}), (X, Y), epochs=1)
        assert json.loads(on.history.attrs["start"]) is None
