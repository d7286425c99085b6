"""Outputs over the samples of a data set: against enumeration, against loops, and which errors count samples as random."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.statistical import assert_mean
from jaxsnn_noise import gradients, theory
from jaxsnn_noise.distributions import Logistic
from jaxsnn_noise.gradients import (
    DrawnSamples,
    FiniteDifference,
    FixedSamples,
    Flip,
    Margin,
    NoiseDensity,
    Reverse,
    Score,
    TrialLoss,
    WrongAnswers,
)
from jaxsnn_noise.gradients.samples import Over, Scatter

WEIGHTS = np.array([[0.0, 0.9, -0.5], [0.7, 0.0, 0.4], [-0.3, 0.8, 0.0]])
STEPS = 4
IMAGES = np.array([[1.4, 0.9, 0.7], [0.8, 1.5, 1.0], [0.6, 0.9, 1.3], [1.1, 0.4, 0.9], [0.9, 1.2, 0.8]], np.float32)
LABELS = np.array([0, 1, 2, 0, 2])
LEAVES = ["network.c.firing.scale", "network.c.neuron.tau_mem", "network.c.neuron.v_threshold", "network.w.weights"]
NAMES = ("threshold_std", "tau_mem", "v_threshold", "weights")
Z = 4.0
"""Standard errors, of at most 12 comparisons a test: a false alarm in 1000."""


def three(**options: Any) -> jn.Simulation:
    """Three coupled neurons; each is a class, and the most spikes win."""
    cells = jn.Population(
        jn.neurons.LIF(3, tau_mem=3.0, v_threshold=1.0), firing=jn.NoisyThreshold(0.4, distribution=Logistic())
    )
    network = jn.Network({"c": cells}, {"w": jn.synapses.Dense("c", "c", WEIGHTS)})
    counts = {"n": jn.statistics.SpikeCount(), "v": jn.statistics.Mean("v")}
    inputs = {"c": jn.coding.Constant([0.0, 0.0, 0.0])}
    return jn.Simulation(network, inputs, duration=float(STEPS), dt=1.0, statistics=counts, **options)


def loss_of(counts: np.ndarray, label: int) -> np.ndarray:
    """Cross-entropy of counts [..., class]."""
    return np.asarray(np.log(np.exp(counts).sum(axis=-1)) - counts[..., label])


@functools.cache
def exact(labels: tuple[int, ...] = tuple(LABELS)) -> tuple[np.ndarray, np.ndarray]:
    """Share of wrong answers, cross-entropy and mean count over samples, and their derivatives, by all histories."""
    values, slopes = [], []
    for image, label in zip(IMAGES, labels, strict=True):
        every = theory.enumerated_network(
            WEIGHTS,
            threshold_std=0.4,
            mean=list(image),
            tau_mem=3.0,
            v_threshold=1.0,
            dt=1.0,
            steps=STEPS,
            logistic=True,
        )
        counts = every.spikes.sum(axis=1)
        found = [
            every.expectation(x)
            for x in (1.0 * (counts.argmax(axis=-1) != label), loss_of(counts, label), counts.mean(axis=1))
        ]
        values.append([value for value, _ in found])
        slopes.append([[slope[name] for name in NAMES] for _, slope in found])
    return np.mean(values, axis=0), np.mean(slopes, axis=0)


def outputs() -> list[Any]:
    return [WrongAnswers("n"), TrialLoss(jn.training.losses.CrossEntropy("c"))]


def test_the_layout_of_histories_is_that_of_the_oracle() -> None:
    every = theory.enumerated_network(
        WEIGHTS,
        threshold_std=0.4,
        mean=[1.0, 1.2, 0.9],
        tau_mem=3.0,
        v_threshold=1.0,
        dt=1.0,
        steps=STEPS,
        logistic=True,
    )
    assert every.spikes.shape == (2 ** (3 * STEPS), STEPS, 3)


def test_differences_over_samples_agree_with_enumeration_and_other_labels_do_not() -> None:
    shown = FixedSamples(jn.Samples(IMAGES), LABELS)
    found = FiniteDifference()(three(), outputs(), LEAVES[:1], trials=4000, key=1, samples=shown, at_once=5000)
    values, slopes = (x[:2] for x in exact())
    assert found.samples == 5
    assert (np.abs(found.value - values) < Z * found.value_error).all()
    bias = found.diagnostics["step_bias"]
    assert (np.abs(found.gradient - slopes[:, :1]) < Z * found.error + bias).all()
    wrong, _ = exact(tuple(np.roll(LABELS, 1)))
    assert (np.abs(found.value - wrong[:2]) > 10 * found.value_error).all()


@pytest.mark.slow
@pytest.mark.parametrize("estimator", [Score(), Score(mode=Reverse()), Flip(2), Flip(2, None)], ids=str)
def test_scores_and_flips_over_samples_agree_with_enumeration(estimator: Any) -> None:
    shown = FixedSamples(jn.Samples(IMAGES), LABELS)
    found = estimator(three(), outputs(), LEAVES, trials=6000, key=3, samples=shown, at_once=7001)
    values, slopes = (x[:2] for x in exact())
    assert (np.abs(found.value - values) < Z * found.value_error).all()
    assert (np.abs(found.gradient - slopes) < Z * found.error).all(), (found.gradient, slopes, found.error)
    assert found.error[1, 0] < 0.1 * np.abs(slopes[1, 0])
    _, other = exact(tuple(np.roll(LABELS, 1)))
    assert (np.abs(found.gradient - other[:2]) > 8 * found.error).any()
    for leaf, (mean, error) in found.entries.items():
        k = list(LEAVES).index(leaf)
        np.testing.assert_allclose(mean.reshape(2, -1).sum(axis=1), found.gradient[:, k], rtol=1e-6, atol=1e-9)
        assert (error >= 0).all()


@pytest.mark.slow
def test_the_density_over_samples_is_near_for_counts_and_far_for_a_loss_of_few_spikes() -> None:
    shown = FixedSamples(jn.Samples(IMAGES), LABELS)
    found = NoiseDensity()(three(), ["n", outputs()[1]], LEAVES, trials=2000, key=4, samples=shown)
    _, slopes = exact()
    np.testing.assert_allclose(found.gradient[0], slopes[2], rtol=0.1, atol=0.005)
    assert abs(found.gradient[1, 0] - slopes[1, 0]) > 10 * found.error[1, 0]


def test_each_run_is_the_member_of_its_trial_and_sample() -> None:
    sim, shown, label = three(), DrawnSamples(jn.Samples(IMAGES[2:]), LABELS[2:]), np.repeat(LABELS[2:], 2)
    found = gradients.sensitivity(
        sim,
        [*outputs(), Margin("n"), "n"],
        LEAVES[:1],
        trials=2,
        key=5,
        samples=shown,
        estimator=FiniteDifference(order=2),
    )
    runs = np.array([
        np.asarray(jn.simulate(jn.paths.replace(sim, {"inputs.c.values": IMAGES[2 + j // 2]}), key=5, address={"trial": j, "sample": j // 2})["n"])
        for j in range(6)
    ])  # fmt: skip
    right = runs[np.arange(6), label]
    others = np.where(np.arange(3) == label[:, None], -np.inf, runs).max(axis=1)
    loss = [loss_of(run, y) for run, y in zip(runs, label, strict=True)]
    per_run = np.stack([runs.argmax(axis=1) != label, loss, right - others, runs.mean(axis=1)])
    np.testing.assert_allclose(found.value, per_run.mean(axis=1), rtol=1e-5, atol=1e-6)
    of_samples = per_run.reshape(4, 3, 2).mean(axis=2)
    np.testing.assert_allclose(found.value_error, of_samples.std(axis=1, ddof=1) / 3**0.5, rtol=1e-4, atol=1e-7)
    assert (found.attrs["samples"], found.attrs["errors_count"]) == (3, "samples and trials")


@pytest.mark.parametrize(("kind", "variance"), [(DrawnSamples, 4.0 / 20 + 1.0 / 60), (FixedSamples, 1.0 / 60)])
def test_errors_count_samples_as_random_or_not(kind: Any, variance: float) -> None:
    """Effects of samples of variance 4 and of trials of variance 1: the squared error is the variance that it speaks of."""
    rng = np.random.default_rng(1)
    over = Over(("trial",), kind(jn.Samples(np.zeros((20, 1)))), 3)
    found = []
    for _ in range(400):
        runs = np.repeat(2.0 * rng.normal(size=20), 3) + rng.normal(size=60)
        mean, error = over.spread(runs)
        assert mean == pytest.approx(runs.mean())
        found.append(error**2)
    assert_mean(np.array(found), variance)
    other = 1.0 / 60 if kind is DrawnSamples else 4.0 / 20 + 1.0 / 60
    assert abs(np.mean(found) - other) > 10 * np.std(found) / 20
    assert over.blocks(runs).shape == ((20,) if kind is DrawnSamples else (3,))


@pytest.mark.parametrize("kind", [DrawnSamples, FixedSamples, None])
@pytest.mark.parametrize("batch", [1, 2, 5, 7, 24])
def test_batches_change_no_error(kind: Any, batch: int) -> None:
    runs = np.random.default_rng(2).normal(3.0, 1.0, size=(24, 2))
    over = Over(("trial",), None if kind is None else kind(jn.Samples(np.zeros((6, 1)))), 1 if kind is None else 4)
    scatter = Scatter(over)
    for start in range(0, 24, batch):
        scatter.add(runs[start : start + batch])
    mean, error = scatter.mean_and_error()
    np.testing.assert_allclose(mean, runs.mean(axis=0))
    by_sample = runs.reshape(6, 4, 2)
    known = {
        DrawnSamples: by_sample.mean(axis=1).std(axis=0, ddof=1) / 6**0.5,
        FixedSamples: (by_sample.var(axis=1, ddof=1).mean(axis=0) / 24) ** 0.5,
        None: runs.std(axis=0, ddof=1) / 24**0.5,
    }
    np.testing.assert_allclose(error, known[kind])


def asking(output: Any, shown: Any, estimator: Any = None, **options: Any) -> Any:
    given: dict[str, Any] = {"trials": 4, "key": 0, "leaves": LEAVES[:1]} | options
    return lambda: gradients.sensitivity(three(), [output], estimator=estimator, samples=shown, **given)


SHOWN = DrawnSamples(jn.Samples(IMAGES), LABELS)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (asking(Margin("n"), None), "needs the target of what is shown"),
        (asking(Margin("n"), DrawnSamples(jn.Samples(IMAGES))), "needs the target of what is shown"),
        (asking(Margin("n", 0), SHOWN), "no target of its own"),
        (asking(TrialLoss(jn.training.losses.CrossEntropy("c"), 1), SHOWN), "no target of its own"),
        (asking(Margin("n"), DrawnSamples(jn.Samples(IMAGES), [0, 1, 2, 3, 0])), "needs labels, whole numbers"),
        (asking(WrongAnswers("n"), DrawnSamples(jn.Samples(IMAGES), [0.0, 1.0, 2.0, 0.0, 0.0])), "needs labels, whole numbers"),
        (asking(TrialLoss(jn.training.losses.CrossEntropy("c")), DrawnSamples(jn.Samples(IMAGES), [0, 1, 2, 3, 0])), "TrialLoss: targets"),
        (asking("n", DrawnSamples(jn.Samples(IMAGES[:, :2]))), "Samples.data"),
        (asking("n", SHOWN, leaves=["inputs.c.values"]), "must not be set by the samples"),
        (asking("n", SHOWN, over=("trial", "sample")), "must not hold the axis of the samples"),
        (asking("n", FixedSamples(jn.Samples(IMAGES)), trials=1), "at least 2 of each sample"),
        (asking(gradients.FanoOfCounts(), FixedSamples(jn.Samples(IMAGES))), "at least 10 of each sample"),
        (asking("n", DrawnSamples(jn.Samples(IMAGES[:1]))), "at least two, where they count as draws"),
        (asking("n", jn.Samples(IMAGES)), "FiniteDifference.samples"),
        (asking(WrongAnswers("n"), SHOWN, NoiseDensity()), "lets no derivative pass"),
        (asking(WrongAnswers("v"), SHOWN, Score()), "a part of its derivative is missed"),
        (asking(WrongAnswers("v"), SHOWN, Flip()), "a part of its derivative is missed"),
        (lambda: Margin(3), r"Margin\.statistic: must be a name"),
        (lambda: WrongAnswers("n", 0.5), r"WrongAnswers\.label: must be a whole number"),
        (lambda: DrawnSamples(jn.Samples(IMAGES), LABELS[:3]), "one for each of the 5 samples"),
        (lambda: DrawnSamples(IMAGES, LABELS), "DrawnSamples.samples"),
        (lambda: FixedSamples(jn.Samples(IMAGES), [0, 1, 2, np.nan, 1]), "FixedSamples.targets"),
    ],
)  # fmt: skip
def test_what_has_no_meaning_is_refused_before_anything_is_computed(call: Any, message: str) -> None:
    with pytest.raises(jn.InputError, match=message):
        call()
