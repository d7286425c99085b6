"""Graphs by place: one to one, and probabilities that fall with the distance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.statistical import assert_proportion, negative_control
from jaxsnn_noise.synapses import DistanceDependent, ExponentialProfile, GaussianProfile, OneToOne, Sparse


def matrix(graph: Any) -> np.ndarray:
    found = np.zeros(graph.size, int)
    np.add.at(found, (np.asarray(graph.rows), np.asarray(graph.columns)), 1)
    return found


def test_one_to_one_is_the_identity() -> None:
    np.testing.assert_array_equal(matrix(OneToOne().draw(3, (7, 7))), np.eye(7))
    feed = Sparse.drawn("a", "b", OneToOne(), size=(4, 4), key=0, weights=0.25)
    np.testing.assert_array_equal(feed.dense_weights(), 0.25 * np.eye(4))
    with pytest.raises(jn.InputError, match=r"OneToOne.draw.size: target and source must be of one size; got \(4, 5\)"):
        OneToOne().draw(0, (4, 5))


@pytest.mark.parametrize(
    "profile", [GaussianProfile(0.8, 3.0), ExponentialProfile(0.7, 4.0)], ids=lambda p: type(p).__name__
)
@pytest.mark.parametrize("period", [None, 300.0])
def test_the_probability_is_that_of_the_distance(profile: Any, period: Any) -> None:
    x = np.arange(300.0)
    rule = DistanceDependent(profile, x, x + 0.25, period=period)
    found = matrix(rule.draw(1, (300, 300)))
    assert found.max() == 1
    distance = np.abs(x[:, None] - x - 0.25)
    distance = distance if period is None else np.minimum(distance, period - distance)
    for low, high in ((0, 1), (1, 3), (3, 6), (6, 12)):
        ring = (distance >= low) & (distance < high)
        expected = profile(distance[ring]).mean()
        assert_proportion(found[ring].sum(), ring.sum(), expected, false_alarm=1e-6)
    near = distance < 3
    negative_control(lambda a: assert_proportion(found[near].sum(), near.sum(), a * profile(distance[near]).mean()))


def test_space_of_two_dimensions_is_a_torus_where_it_has_a_period() -> None:
    rng = np.random.default_rng(0)
    places = rng.uniform(0, 10, (200, 2))
    rule = DistanceDependent(GaussianProfile(1.0, 1.0), places, period=(10.0, 10.0), autapses=False)
    graph = rule.draw(2, (200, 200))
    apart = np.abs(places[:, None] - places[None])
    apart = np.sqrt((np.minimum(apart, 10 - apart) ** 2).sum(axis=-1))
    rows, columns = np.asarray(graph.rows), np.asarray(graph.columns)
    np.testing.assert_allclose(rule.distances(rows, columns), apart[rows, columns])
    assert np.trace(matrix(graph)) == 0
    wide = DistanceDependent(GaussianProfile(1.0, 2.0), places, period=10.0, autapses=False)
    assert (matrix(wide.draw(2, (200, 200))) >= matrix(graph)).all()  # larger probabilities add synapses
    np.testing.assert_array_equal(matrix(rule.draw(2, (200, 200))), matrix(graph))
    assert (matrix(rule.draw(3, (200, 200))) != matrix(graph)).any()


def test_pairs_are_independent_and_ends_have_fewer_neighbours() -> None:
    x = np.arange(400.0)
    found = matrix(DistanceDependent(ExponentialProfile(0.5, 1e9), x).draw(4, (400, 400)))
    for here, there in ((found[1:], found[:-1]), (found[:, 1:], found[:, :-1])):
        assert_proportion((here * there).sum(), here.size, 0.25)
    line = matrix(DistanceDependent(GaussianProfile(1.0, 20.0), x).draw(5, (400, 400))).sum(axis=1)
    assert line[:5].mean() < 0.7 * line[195:205].mean()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GaussianProfile(1.2, 1.0), r"GaussianProfile.peak: must lie in \[0, 1\]"),
        (lambda: ExponentialProfile(0.5, 0.0), r"ExponentialProfile.length: must be finite and > 0"),
        (lambda: DistanceDependent(GaussianProfile(1.0, 1.0), np.zeros((3, 2)), np.zeros((3, 1))), r"must have as many dimensions as the targets \(2\)"),
        (lambda: DistanceDependent(GaussianProfile(1.0, 1.0), [0.0, np.nan]), r"DistanceDependent.targets: must be finite"),
        (lambda: DistanceDependent(GaussianProfile(1.0, 1.0), [0.0, 3.0], period=2.0), r"DistanceDependent.period: must hold all positions"),
        (lambda: DistanceDependent(GaussianProfile(1.0, 1.0), [0.0, 3.0]).draw(0, (2, 3)), r"must be that of the positions, \(2, 2\)"),
        (lambda: DistanceDependent(GaussianProfile(1.0, 1.0), [0.0, 3.0], [1.0], autapses=False).draw(0, (2, 1)), r"without autapses"),
    ],
)  # fmt: skip
def test_bad_input_is_named(make: Any, message: str) -> None:
    with pytest.raises(jn.InputError, match=message):
        make()
