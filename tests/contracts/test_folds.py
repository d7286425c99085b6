"""Laws that every fold over members keeps. New members are found by themselves, through their ``example()``."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from helpers.discovery import label, members
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.reduce.folds import MemberFold

FOLDS = members(MemberFold)
each = pytest.mark.parametrize("cls", FOLDS, ids=label)


def binned(trials: int = 50, bins: int = 12, neurons: int = 3, seed: int = 0) -> np.ndarray:
    """Poisson counts [trial, neuron, bin] with a peak, one silent trial and one missing one."""
    rng = np.random.default_rng(seed)
    rate = 0.3 + 2.0 * np.exp(-0.5 * ((np.arange(bins) - 4) / 1.5) ** 2)
    counts = rng.poisson(rate, size=(trials, neurons, bins)).astype(np.float32)
    counts[3, 0], counts[5, 1, 2] = 0.0, np.nan
    return counts


def vectors(cls: Any) -> np.ndarray:
    """Members of the kind that the fold takes, [trial, neuron, entry]."""
    if cls.vector == "spike counts":
        return binned()
    rng = np.random.default_rng(1)
    members = np.zeros((50, 3, 4), np.float64)
    for trial, neuron in np.ndindex(50, 3):
        intervals = rng.integers(1, 70_000, rng.poisson(3.0))
        squares = int(sum(int(d) ** 2 for d in intervals))
        members[trial, neuron] = [len(intervals), intervals.sum(), squares % 2**32, squares >> 32]
    members[5, 1, 2] = np.nan
    return members


def whole(fold: Any, trains: np.ndarray) -> dict[str, Any]:
    return fold.finalize(fold.update(fold.init(trains.shape[1:]), trains, 0), 0.95)


def test_the_known_folds_are_found() -> None:
    assert {"FanoFactor", "Reliability", "PSTH", "PooledCV"} <= {cls.__name__ for cls in FOLDS}


@each
@pytest.mark.parametrize("smooth", [False, True])
def test_chunks_merged_in_any_order_give_the_bits_of_the_whole(cls: Any, smooth: bool) -> None:
    fold, trains = cls.example(), vectors(cls)
    if smooth and cls.vector == "spike counts":
        trains = np.apply_along_axis(np.convolve, -1, trains, np.array([0.2, 0.5, 0.3]), "same")
        try:
            whole(fold, trains)
        except InputError:
            with pytest.raises(InputError, match="needs spike counts"):
                whole(fold, trains)
            return
    start, wanted = fold.init(trains.shape[1:]), whole(fold, trains)
    for cuts in ([17], [1, 2, 40], list(range(1, 50))):
        edges = [0, *cuts, 50]
        parts = [fold.update(start, trains[a:b], a) for a, b in pairwise(edges)]
        merged = streamed = start
        for part in parts[::-1]:
            merged = fold.merge(part, merged)
        for a, b in pairwise(edges):
            streamed = fold.update(streamed, trains[a:b], a)
        for acc in (merged, streamed):
            for name, value in fold.finalize(acc, 0.95).items():
                np.testing.assert_array_equal(value, wanted[name], err_msg=name)


@each
def test_an_estimate_lies_in_its_interval_which_grows_with_the_confidence(cls: Any) -> None:
    fold, trains = cls.example(), vectors(cls)
    acc = fold.update(fold.init(trains.shape[1:]), trains, 0)
    narrow, wide = (fold.finalize(acc, confidence) for confidence in (0.5, 0.95))
    name = next(iter(narrow))  # the estimate is the first
    for found in (narrow, wide):
        assert (found["low"] <= found[name]).all()
        assert (found[name] <= found["high"]).all()
    assert np.mean(wide["high"] - wide["low"]) > np.mean(narrow["high"] - narrow["low"])
    assert (found["n"] <= 50).all()
    assert (found["n"] >= 49).all()


@each
def test_nothing_but_the_members_counts(cls: Any) -> None:
    """Neither which neuron stands beside, nor the order of trials but for their jackknife groups."""
    fold, trains = cls.example(), vectors(cls)
    alone, beside = whole(fold, trains[:, :1]), whole(fold, trains)
    name = next(iter(alone))
    np.testing.assert_array_equal(alone[name][0], beside[name][0])
    np.testing.assert_array_equal(whole(fold, trains[::-1])[name], beside[name])
