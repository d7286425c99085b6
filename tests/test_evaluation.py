"""Answers, their scores with intervals, and which class was taken for which."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from jaxsnn_noise import reduce
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.evaluation import answers, confusion_matrix, scores


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
