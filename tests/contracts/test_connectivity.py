"""Laws that every rule of connectivity keeps. New members are found by themselves, through their ``example()``."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest

from helpers.discovery import label, members
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.synapses import Connectivity, Sparse

RULES = members(Connectivity)
each = pytest.mark.parametrize("cls", RULES, ids=label)


def test_the_known_rules_are_found() -> None:
    assert {"FixedInDegree", "FixedOutDegree", "Probability"} <= {cls.__name__ for cls in RULES}


@each
@pytest.mark.parametrize("size", [(5, 5), (7, 4), (4, 9)])
def test_a_graph_lies_in_its_size_and_has_no_pair_twice_unless_it_says_so(cls: Any, size: tuple[int, int]) -> None:
    if cls.square and size[0] != size[1]:
        pytest.skip("both sides are of one size")
    graph = cls.example_of(size).draw(0, size)
    rows, columns = np.asarray(graph.rows), np.asarray(graph.columns)
    assert graph.size == size
    assert rows.shape == columns.shape == (graph.synapses,)
    assert rows.dtype == columns.dtype == np.int32
    assert graph.synapses > 0
    for index, end in ((rows, size[0]), (columns, size[1])):
        assert index.min() >= 0
        assert index.max() < end
    if not graph.multapses:
        assert len(set(zip(rows.tolist(), columns.tolist(), strict=True))) == graph.synapses


@each
def test_a_graph_is_a_function_of_its_key(cls: Any) -> None:
    drawn = [cls.example_of((30, 30)).draw(key, (30, 30)) for key in (1, jax.random.key(1), 2)]
    pairs = [set(zip(np.asarray(g.rows).tolist(), np.asarray(g.columns).tolist(), strict=True)) for g in drawn]
    assert pairs[0] == pairs[1]
    assert (pairs[1] != pairs[2]) is cls.random


@each
def test_a_projection_takes_it(cls: Any) -> None:
    sparse = Sparse.drawn("a", "b", cls.example_of((6, 6)), size=(6, 6), weights=0.5, key=0)
    sparse.check("projection", 6, 6)
    assert float(sparse.fan_out().sum()) == len(sparse.weights)


@each
def test_a_size_without_neurons_is_refused(cls: Any) -> None:
    with pytest.raises(InputError, match=r"\.draw\.size"):
        cls.example().draw(0, (0, 3))
