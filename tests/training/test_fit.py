from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import jax
import numpy as np
import optax
import pytest

import jaxsnn_noise as jn
from helpers.small_task import HIDDEN, OUTPUT, SCALE, STILL, fit, noisy, points, quiet, same_bits
from jaxsnn_noise.training import augment, losses

UPHILL = optax.sgd(-0.5)


@functools.cache
def learned() -> Any:
    """Two seeds of the quiet network, trained for long enough to have learned."""
    return fit(quiet, points(24), seeds=2, epochs=60, validation=points(10, 1))


def readout_by_loop(sim: jn.Simulation, values: np.ndarray) -> np.ndarray:
    """Mean potential of the readout [sample, neuron]: a float64 loop that shares only its weights with the package."""
    w, u = (np.asarray(jn.paths.get(sim, p), np.float64) for p in (HIDDEN, OUTPUT))
    decay = np.exp(-1.0 / 20.0)
    means = []
    for x in values.astype(np.float64):
        v, o, total = np.zeros(len(w)), np.zeros(len(u)), 0.0
        for _ in range(6):
            v = decay * v + (1 - decay) * (w @ x)
            spikes = (v >= 1.0).astype(float)
            v = v * (1 - spikes)
            o = decay * o + (1 - decay) * (u @ spikes)  # in the same step
            total = total + o
        means.append(total / 6)
    return np.stack(means)


def cross_entropy(x: np.ndarray, labels: np.ndarray) -> float:
    """Of readouts [sample, neuron]."""
    x = SCALE * x
    return float(np.mean(np.log(np.exp(x).sum(axis=1)) - x[np.arange(len(x)), labels]))


def shown(sim: jn.Simulation, values: np.ndarray) -> jn.Simulation:
    """The simulation with these values at its port."""
    return jn.Simulation(sim.network, {"input": jn.coding.Constant(values)}, duration=6.0, dt=1.0)


def test_learns_and_the_scores_are_those_of_an_independent_loop() -> None:
    fitted, test = learned(), points(10, 1)
    scores = fitted.evaluate(test, key=0)
    for i, sim in enumerate(fitted.sims):
        x = readout_by_loop(sim, test[0])
        expected = cross_entropy(x, test[1])
        np.testing.assert_allclose(scores.loss[i], expected, rtol=1e-5)
        np.testing.assert_allclose(fitted.history.validation_loss[i, -1], expected, rtol=1e-5)
        np.testing.assert_allclose(scores.accuracy[i], np.mean(x.argmax(axis=1) == test[1]), rtol=1e-6)
    assert (scores.accuracy > 0.89).all()  # chance is 1/3; ten samples: one may be wrong
    assert (fitted.history.loss[:, -1] < 0.5 * fitted.history.loss[:, 0]).all()


@pytest.mark.slow
def test_only_the_chosen_leaves_change_and_each_seed_keeps_what_its_builder_gave() -> None:
    built = []

    def remembered(key: Any) -> jn.Simulation:
        built.append(quiet(key))
        return built[-1]

    fitted, test = fit(remembered, points(24), seeds=2, trainable=OUTPUT), points(10, 1)
    assert set(fitted.leaves) == {HIDDEN, OUTPUT}  # the one differs between the seeds, the other was trained
    scores = fitted.evaluate(test, key=0)
    for i, (before, after) in enumerate(zip(built, fitted.sims, strict=True)):
        old, new = jn.paths.leaves(before), jn.paths.leaves(after)
        assert {path for path in old if not np.array_equal(old[path], new[path])} == {OUTPUT}
        assert jax.tree.structure(before) == jax.tree.structure(after)
        assert np.array_equal(fitted.leaves[HIDDEN][i], old[HIDDEN])
        np.testing.assert_allclose(scores.loss[i], cross_entropy(readout_by_loop(after, test[0]), test[1]), rtol=1e-5)


def test_every_seed_starts_from_its_own_network_and_is_the_same_run_alone() -> None:
    three = fit(noisy, points(24), seeds=3)
    second = fit(noisy, points(24), seeds=[1])
    for path in (HIDDEN, OUTPUT):
        assert np.array_equal(three.leaves[path][1], second.leaves[path][0])
        assert not np.array_equal(three.leaves[path][0], three.leaves[path][1])
    assert np.array_equal(three.history.loss.sel(seed=1), second.history.loss.sel(seed=1))
    assert second.history.seed == [1]


@pytest.mark.slow
def test_seeds_in_one_program_agree_within_rounding() -> None:
    apart, together = (fit(noisy, points(24), seeds=2, seeds_at_once=n, epochs=1) for n in (1, 2))
    for path in (HIDDEN, OUTPUT):
        # three steps; no spike has flipped, so that roundings of the products are all that differs
        np.testing.assert_allclose(apart.leaves[path], together.leaves[path], atol=1e-5)


def test_seeds_of_one_simulation_differ_in_order_and_noise() -> None:
    fitted = fit(quiet(5), points(24), seeds=2)
    assert not np.array_equal(fitted.leaves[HIDDEN][0], fitted.leaves[HIDDEN][1])


@pytest.mark.slow
def test_noise_is_addressed_by_seed_and_sample_as_in_the_engine() -> None:
    test = points(10, 1)
    # one batch of all: nothing but fresh noise can tell one epoch from the next
    fitted = fit(noisy, points(24), validation=test, optimiser=STILL, seeds=2, batch_size=24)
    assert (np.ptp(fitted.history.validation_loss.values, axis=1) == 0).all()  # the same noise after every epoch
    assert (np.ptp(fitted.history.loss.values, axis=1) > 1e-3).all()
    readout = {"x": jn.statistics.Mean("v", population="output")}
    for i, sim in enumerate(fitted.sims):
        lost = []
        for j, (values, label) in enumerate(zip(*test, strict=True)):
            where = {"seed": i, "sample": 24 + j}  # the samples for validation come after those for training
            x = jn.simulate(shown(sim, values), key=3, address=where, statistics=readout)["x"]
            lost.append(cross_entropy(np.asarray(x, np.float64)[None], np.asarray([label])))
        np.testing.assert_allclose(fitted.history.validation_loss[i, -1], np.mean(lost), rtol=1e-5)


@pytest.mark.slow
def test_trained_networks_are_an_axis_of_a_study() -> None:
    fitted, (x, y) = learned(), points(10, 1)
    study = jn.monte_carlo(
        shown(fitted.sims[0], x[0]),
        [fitted.axis(), jn.Samples(x, labels=y)],
        key=0,
        statistics={"x": jn.statistics.Mean("v", population="output")},
        progress=False,
    )
    right = study.x.argmax(study.x.dims[-1]) == study.label
    np.testing.assert_allclose(right.mean("sample"), fitted.evaluate((x, y), key=0).accuracy, rtol=1e-6)
    assert list(study.seed) == [0, 1]


@pytest.mark.slow
def test_patience_stops_the_run_and_returns_the_best_epoch() -> None:
    fitted = fit(quiet, points(20), validation=points(10, 1), optimiser=STILL, epochs=9, patience=2)
    assert fitted.history.sizes["epoch"] == 3
    assert np.ptp(fitted.history.loss.values) > 1e-3  # a new order in every epoch leaves out other four of the twenty
    assert (fitted.history.kept_epoch.item(), fitted.history.stopped_epoch.item()) == (1, 3)


@pytest.mark.slow
def test_patience_gives_back_the_weights_of_the_best_epoch_and_not_of_the_last() -> None:
    """Uphill: every epoch is worse than the one before."""
    settings = {"validation": points(10, 1), "optimiser": UPHILL}
    fitted, first = (fit(quiet, points(24), **settings, **o) for o in ({"epochs": 9, "patience": 2}, {"epochs": 1}))
    assert (np.diff(fitted.history.validation_loss.values[0]) > 0).all()
    assert (fitted.history.kept_epoch.item(), fitted.history.stopped_epoch.item()) == (1, 3)
    for path in (HIDDEN, OUTPUT):
        np.testing.assert_array_equal(fitted.leaves[path], first.leaves[path])
        np.testing.assert_array_equal(jn.paths.get(fitted.sim, path), first.leaves[path][0])


def test_the_callback_sees_every_epoch_of_every_seed() -> None:
    seen: list[Any] = []
    fitted = fit(quiet, points(24), validation=points(10, 1), seeds=2, callback=seen.append)
    assert sorted((r.seed, r.epoch) for r in seen) == [(0, 1), (0, 2), (1, 1), (1, 2)]
    last = next(r for r in seen if (r.seed, r.epoch) == (1, 2))
    assert last.scores["validation_accuracy"] == fitted.history.validation_accuracy.sel(seed=1, epoch=2)
    assert not last.stopped


def test_the_history_says_where_it_comes_from() -> None:
    history = learned().history
    assert history.attrs["stream_version"] == jn.random.STREAM_VERSION
    assert history.attrs["root_key"] == [0, 3]
    assert (history.attrs["batch_size"], history.attrs["epochs"]) == (8, 60)
    assert json.loads(history.attrs["trainable"]) == {HIDDEN: "Unbounded", OUTPUT: "Unbounded"}
    assert "jax" in json.loads(history.attrs["versions"])
    assert history.seconds.attrs["units"] == "s"
    assert (history.seconds > 0).all()
    assert set(history) >= {"loss", "accuracy", "validation_loss", "validation_accuracy", "kept_epoch"}


def test_a_network_is_shown_each_sample_for_25_ms() -> None:
    network = jn.networks.feedforward([6, 3], key=1)
    fitted = fit(network, points(24), epochs=1)
    assert (fitted.sim.duration, fitted.sim.dt) == (25.0, 1.0)
    assert not np.array_equal(
        fitted.leaves["network.input_to_output.weights"][0], network.projections["input_to_output"].weights
    )


@pytest.mark.slow
def test_random_spikes_in_and_counts_out_train_too() -> None:
    def counting(key: object) -> jn.Simulation:
        network = jn.networks.feedforward([6, 3], key=key, gain=20.0, readout=lambda n: jn.neurons.LIF(n, tau_mem=10.0))
        return jn.Simulation(network, {"input": jn.coding.PoissonSpikes(0.0)}, duration=20.0, dt=1.0)

    values, labels = points(24)
    rates = 300.0 * np.abs(values)
    fitted = fit(counting, (rates, labels), loss=losses.CrossEntropy(), epochs=40, optimiser=optax.sgd(30.0))
    accuracy = fitted.history.accuracy.values[0]
    # fresh spikes in every epoch: ten epochs of 24 samples have a standard error of 0.02 at 0.9
    assert accuracy[0] < 0.8
    assert accuracy[-10:].mean() > 0.9


@pytest.mark.slow
def test_a_schedule_is_told_the_number_of_steps() -> None:
    asked = []

    def scheduled(steps: int) -> optax.GradientTransformation:
        asked.append(steps)
        return STILL

    fitted = fit(quiet, points(24), optimiser=scheduled)
    assert asked == [6]  # two epochs of three batches
    expected = cross_entropy(readout_by_loop(fitted.sim, points(24)[0]), points(24)[1])
    np.testing.assert_allclose(fitted.history.loss[0], expected, rtol=1e-5)  # of an epoch the mean over its batches


@pytest.mark.slow
def test_every_sample_is_augmented_by_itself() -> None:
    """The loss is the spread of the readouts, of samples that the augmentation replaces by numbers of its own."""
    fitted = fit(quiet, points(24), loss=spread, optimiser=STILL, augment=replaced, epochs=1)
    assert fitted.history.loss.item() > 1e-4


def spread(readouts: Any, targets: Any) -> Any:
    return readouts.var(axis=0).sum()


def replaced(values: Any, key: Any) -> Any:
    return jn.random.uniforms(key, values.shape)


@pytest.mark.slow
def test_augmentation_acts_in_training_only_and_is_fresh() -> None:
    moved = fit(quiet, points(24), validation=points(10, 1), optimiser=STILL, augment=augment.Shift(1, (2, 3)))
    plain = fit(quiet, points(24), validation=points(10, 1), optimiser=STILL)
    assert np.array_equal(moved.history.validation_loss, plain.history.validation_loss)
    assert np.ptp(plain.history.loss.values) < 1e-6 < np.ptp(moved.history.loss.values)


def test_runs_are_repeatable_and_keys_matter() -> None:
    first, again, other = (fit(noisy, points(24), key=k) for k in (3, jax.random.key(3), 4))
    assert same_bits(first, again)
    assert not same_bits(first, other)


@pytest.mark.slow
def test_what_was_trained_is_saved_and_scores_as_before(tmp_path: Path) -> None:
    train = points(24)
    fitted = fit(quiet, train, seeds=2)
    jn.save(tmp_path / "fitted.jsnn", fitted)
    back = jn.load(tmp_path / "fitted.jsnn")
    assert same_bits(fitted, back)
    assert back.seeds == fitted.seeds
    assert back.history.attrs["versions"] == fitted.history.attrs["versions"]
    test = points(12, seed=5)
    before, after = (one.evaluate(test, key=1) for one in (fitted, back))
    assert before.identical(after)
    jn.save(tmp_path / "own.jsnn", fit(quiet, train, loss=lambda readings, targets: readings.sum()))
    with pytest.raises(jn.InputError, match="own="):
        jn.load(tmp_path / "own.jsnn")
