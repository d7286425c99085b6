"""Answers, their scores with intervals, and which class was taken for which."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from jaxsnn_noise import reduce
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.evaluation import answers, by_draws, confusion_matrix, scores


def outputs(samples: int = 60, classes: int = 3, seeds: int = 2) -> tuple[np.ndarray, np.ndarray]:
    numbers = np.random.default_rng(0)
    labels = numbers.integers(0, classes, samples)
    return numbers.normal(size=(seeds, samples, classes)) + 1.5 * np.eye(classes)[labels], labels


def test_answers_are_the_largest_outputs() -> None:
    values, labels = outputs()
    found = answers(values, labels, dims=("seed", "sample"))
    assert np.array_equal(found.prediction, values.argmax(axis=-1))
    assert np.array_equal(found.correct, values.argmax(axis=-1) == labels)
    first = answers(values[0], labels)
    assert np.array_equal(first.correct, found.correct[0])


def test_intervals_are_those_of_wilson_and_of_the_design() -> None:
    values, labels = outputs()
    found = answers(values, labels, dims=("seed", "sample"))
    alone = scores(found).sel(score="accuracy")
    assert alone.sizes == {"seed": 2}
    expected = stats.binomtest(int(found.correct[1].sum()), 60).proportion_ci(method="wilson")
    np.testing.assert_allclose([alone.low[1], alone.high[1]], [expected.low, expected.high], rtol=1e-6)
    both = scores(found, over=("seed", "sample"), confidence=0.9).sel(score="accuracy")
    np.testing.assert_allclose(both.low, reduce.proportion(found.correct, ("seed", "sample"), confidence=0.9).low)
    assert both["mean"] == found.correct.mean()


def test_losses_have_a_t_interval() -> None:
    values, labels = outputs()
    found = answers(values[0], labels)
    found["loss"] = ("sample", values[0, :, 0])
    mean, error = values[0, :, 0].mean(), values[0, :, 0].std(ddof=1) / 60**0.5
    lost = scores(found).sel(score="loss")
    np.testing.assert_allclose(lost["mean"], mean)
    np.testing.assert_allclose(lost.high, mean + stats.t.ppf(0.975, 59) * error, rtol=1e-6)
    assert list(scores(found).score.values) == ["accuracy", "loss"]


def test_a_confusion_matrix_counts_pairs() -> None:
    values, labels = outputs()
    found = answers(values, labels, dims=("seed", "sample"))
    expected = np.zeros((2, 3, 3), int)
    for seed in range(2):
        for sample, label in enumerate(labels):
            expected[seed, label, values[seed, sample].argmax()] += 1
    each = confusion_matrix(found)
    assert each.dims == ("seed", "target", "predicted")
    assert np.array_equal(each, expected)
    assert np.array_equal(confusion_matrix(found, over=("seed", "sample")), expected.sum(axis=0))
    assert confusion_matrix(found, classes=5).shape == (2, 5, 5)
    np.testing.assert_array_equal(each.sum("predicted")[0], np.bincount(labels))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda v, y: answers(v, y), r"answers.dims: must name the dimensions of outputs \(2, 60, 3\)"),
        (lambda v, y: answers(v, y, dims=("seed", "trial")), "answers.dims"),
        (lambda v, y: answers(v[0], y[:-1]), r"answers.labels: must be whole numbers of the shape \(60,\)"),
        (lambda v, y: answers(v[0], y.astype(float)), "answers.labels: must be whole numbers"),
        (lambda v, y: answers(v[0], y + 1), r"answers.labels: must lie in \[0, 2\]"),
        (
            lambda v, y: answers(np.where(v[0] > 1, np.nan, v[0]), y),
            "answers.outputs: must be real numbers and none of them NaN",
        ),
        (lambda v, y: answers(v[0] * 1j, y), "answers.outputs: must be real numbers"),
        (lambda v, y: answers(np.ma.masked_less(v[0], 0), y), "answers.outputs: must have no masked entries"),
        (lambda v, y: scores(answers(v[0], y).drop_vars("correct")), "scores: needs what was right"),
        (lambda v, y: scores(answers(v[0], y), over="seed"), "seed"),
        (lambda v, y: confusion_matrix(answers(v[0], y), classes=2), "confusion_matrix.classes: must be as many"),
        (lambda v, y: confusion_matrix(answers(v[0], y), over="seed"), "confusion_matrix.over: must be dimensions"),
        (lambda v, y: confusion_matrix(answers(v[0], y).drop_vars("target")), "confusion_matrix: needs labels"),
    ],
)
def test_what_does_not_fit_is_told(call: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call(*outputs())


def drawn(draws: int = 8, samples: int = 40, seeds: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Noisy outputs [seed, draw, sample, class] whose means over draws are better answers."""
    numbers = np.random.default_rng(1)
    labels = numbers.integers(0, 3, samples)
    return numbers.normal(size=(seeds, draws, samples, 3)) + 0.6 * np.eye(3)[labels], labels


def test_answers_of_several_draws_are_those_of_their_mean_or_vote() -> None:
    values, labels = drawn()
    found = answers(values, labels, dims=("seed", "draw", "sample"))
    table = by_draws(found, over=("seed", "sample"))
    assert table.draws.values.tolist() == [1, 2, 4, 8]
    single = (values.argmax(-1) == labels).mean(axis=1)
    for size in (1, 2, 4, 8):
        groups = values.reshape(3, 8 // size, size, 40, 3).mean(axis=2)
        right = (groups.argmax(-1) == labels).mean(axis=1)
        row = table.sel(draws=size)
        assert float(row["mean"]) == pytest.approx(right.mean())
        assert float(row["gain_mean"]) == pytest.approx((right - single).mean(), abs=1e-12)
        assert row.low < row["mean"] < row.high
    assert table.gain_low.sel(draws=8) > 0.1
    each = by_draws(found, [3])
    assert each.sizes == {"draws": 1, "seed": 3}
    right = (values[:, :6].reshape(3, 2, 3, 40, 3).mean(axis=2).argmax(-1) == labels).mean(axis=1)
    expected = right[0].mean() + stats.t.ppf([0.025, 0.975], 39) * right[0].std(ddof=1) / 40**0.5
    np.testing.assert_allclose([each.low[0, 0], each.high[0, 0]], expected, rtol=1e-9)
    votes = by_draws(found, [8], vote=True)
    ballots = np.eye(3)[values.argmax(-1)].mean(axis=1)
    np.testing.assert_allclose(votes["mean"][0], (ballots.argmax(-1) == labels).mean(axis=-1))


def test_draws_that_cannot_be_grouped_are_refused() -> None:
    values, labels = drawn()
    found = answers(values, labels, dims=("seed", "draw", "sample"))
    for bad, message in [
        ({"counts": [9]}, "counts"), ({"counts": [2, 2]}, "each once"), ({"counts": []}, "each once"),
        ({"draw": "trial"}, "must have targets, and outputs over 'trial'"), ({"over": ("draw", "sample")}, "must have targets"),
    ]:  # fmt: skip
        with pytest.raises(InputError, match=message):
            by_draws(found, **bad)
    with pytest.raises(InputError, match="must have targets"):
        by_draws(found.drop_vars("target"))
