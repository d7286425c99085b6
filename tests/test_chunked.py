"""A grid of members is data: it can be sent to another process, and computes the same bits there."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.nets import SIGMA, recurrent
from jaxsnn_noise import random
from jaxsnn_noise.ensemble.chunked import Chunked, Results


@pytest.fixture(scope="module")
def chunks() -> Chunked:
    sim = recurrent(5, duration=8.0, statistics={"raster": jn.statistics.Raster(), "v": jn.statistics.Mean("v")})
    axes = [jn.Sweep(SIGMA, [0.1, 0.4], name="sigma"), jn.Trials(5)]
    return Chunked(sim, axes, root=random.root(3), backend=jn.Scan(), chunk={"trial": 2})


def test_its_chunks_cover_it_once(chunks: Chunked) -> None:
    seen = np.zeros(chunks.shape, int)
    for block in chunks.chunks():
        seen[np.ix_(*block)] += 1
    assert (seen == 1).all()
    assert (chunks.shape, chunks.sizes, chunks.members) == ((2, 5), (2, 2), 10)


def test_a_copy_from_a_pickle_computes_the_same_bits(chunks: Chunked) -> None:
    copy = pickle.loads(pickle.dumps(chunks))
    last = list(chunks.chunks())[-1]
    here, there = chunks.compute(last), copy.compute(last)
    assert here.keys() == there.keys() == chunks.fields.keys()
    for name, array in here.items():
        np.testing.assert_array_equal(array, there[name])
        assert array.shape == (2, 1, *chunks.fields[name].shape)  # the padding is gone


def test_results_fill_block_by_block_and_what_is_missing_is_nan(chunks: Chunked) -> None:
    results = Results(chunks)
    assert (results.done, results.partial()) == (0, {})
    arrays: dict[str, Any] = {k: np.ones((2, 2, *f.shape), f.dtype) for k, f in chunks.fields.items()}
    first, second, last = chunks.chunks()
    for _ in range(2):  # the same block twice counts once
        results.put(first, arrays)
    assert results.done == 4
    partial = results.partial()
    for name, array in partial.items():
        assert array.dtype.kind == "f"
        assert (array[:, :2] == 1).all(), name
        assert np.isnan(array[:, 2:]).all(), name
    assert results.arrays["raster"].dtype.kind != "f"
    results.put(second, arrays)
    results.put(last, {k: a[:, :1] for k, a in arrays.items()})
    assert results.done == chunks.members
    assert results.partial()["raster"].dtype == results.arrays["raster"].dtype
