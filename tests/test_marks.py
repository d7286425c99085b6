"""Marks of members: equal where results are the same whatever else is on the axis, and different where noise or leaves differ."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.nets import SIGMA, recurrent
from jaxsnn_noise.ensemble.computing import _pairs
from jaxsnn_noise.ensemble.marks import marks

SIM, ROOT = recurrent(6), jn.random.root(3)
INPUT, WEIGHTS = "inputs.cells.values", "network.recurrent.weights"


def of(axis: Any) -> list[str]:
    return marks(axis, SIM, ROOT)


def louder(sim: Any, value: Any) -> Any:
    return jn.paths.replace(sim, {INPUT: value * jn.paths.get(sim, INPUT)})


def softer(sim: Any, value: Any) -> Any:
    return jn.paths.replace(sim, {INPUT: jn.paths.get(sim, INPUT) / value})


PAIRED = {
    "sweep": (jn.Sweep(SIGMA, [0.1, 0.3]), jn.Sweep(SIGMA, [0.2, 0.1, 0.3])),
    "scale": (jn.Scale(WEIGHTS, [1.0, 2.0]), jn.Scale(WEIGHTS, [0.0, 1.0, 2.0])),
    "vary": (jn.Vary({SIGMA: [0.1, 0.3]}), jn.Vary({SIGMA: [0.2, 0.1, 0.3]})),
    "function": (jn.Vary([1.5, 3.0], by=louder), jn.Vary([2.0, 1.5, 3.0], by=louder)),
}
MOVED = {
    "sweep": (jn.Sweep(SIGMA, [0.1, 0.3], paired=False), jn.Sweep(SIGMA, [0.2, 0.1, 0.3], paired=False)),
    "scale": (jn.Scale(WEIGHTS, [1.0, 2.0], paired=False), jn.Scale(WEIGHTS, [0.0, 1.0, 2.0], paired=False)),
    "vary": (jn.Vary({SIGMA: [0.1, 0.3]}, paired=False), jn.Vary({SIGMA: [0.2, 0.1, 0.3]}, paired=False)),
    "samples": (jn.Samples([0.5, 1.5]), jn.Samples([1.0, 0.5, 1.5])),
}


@pytest.mark.parametrize("kind", PAIRED)
def test_values_with_the_same_noise_are_known_again_at_another_place(kind: str) -> None:
    few, many = map(of, PAIRED[kind])
    assert many[1:] == few
    assert many[0] not in few


@pytest.mark.parametrize("kind", MOVED)
def test_values_that_moved_have_other_noise_and_are_not_taken_for_those_before(kind: str) -> None:
    """Index 1 draws other numbers than index 0: what a store has of the one is no result of the other."""
    few, many = map(of, MOVED[kind])
    assert not set(few) & set(many)


def test_trials_and_samples_at_the_end_leave_those_before_as_they_are() -> None:
    assert of(jn.Trials(5))[:2] == of(jn.Trials(2))
    assert of(jn.Samples([0.5, 1.5, 1.0]))[:2] == of(jn.Samples([0.5, 1.5]))
    assert len(set(of(jn.Trials(5)))) == 5


def test_what_is_set_counts_and_not_only_its_label() -> None:
    """Two values that look alike, other leaves behind the same label, another leaf with the same values."""
    near = np.nextafter(np.float32(0.1), np.float32(1))
    assert of(jn.Sweep(SIGMA, [0.1], name="x")) != of(jn.Sweep(SIGMA, [near], name="x"))
    a, b = (of(jn.Vary({SIGMA: [0.1], INPUT: [v]}, labels=["same"])) for v in (1.1, 1.2))
    assert a != b
    one, other = (of(jn.Vary({path: [1.5]}, labels=["same"])) for path in (SIGMA, INPUT))
    assert one != other
    assert not set(of(jn.Vary([1.0, 2.0], by=louder))) & set(of(jn.Vary([1.0, 2.0], by=softer)))  # 1.0 sets the same


def test_a_member_that_is_asked_for_twice_is_found_twice() -> None:
    stored, here = _pairs(["a", "b", "c"], {"c": [1], "a": [0, 2]})
    assert (stored.tolist(), here.tolist()) == ([0, 0, 2], [0, 2, 1])
