"""How a grid of members is cut: little is padded, no worker waits, and no bit depends on it."""

from __future__ import annotations

from pathlib import Path

import equinox as eqx
import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import jaxsnn_noise as jn
from jaxsnn_noise import random
from jaxsnn_noise.ensemble import grid
from jaxsnn_noise.ensemble.chunks import AUTO_BYTES, BYTES_PER_NEURON, SHARE_BYTES, default_workers, even, wide
from jaxsnn_noise.ensemble.grid import Grid

STATISTICS = {"count": jn.statistics.SpikeCount()}


def _simulation(size: int, duration: float = 20.0) -> jn.Simulation:
    noise = {"membrane": jn.noise.VoltageNoise(jn.noise.Diffusion(0.3))}
    network = jn.Network({"cells": jn.Population(jn.neurons.LIF(size, tau_mem=10.0), noise=noise)})
    return jn.Simulation(network, {"cells": jn.coding.Constant(1.1)}, duration=duration, dt=1.0, statistics=STATISTICS)


def _sizes(size: int, axes: list, workers: int) -> tuple[int, ...]:
    return Grid(_simulation(size), axes, root=random.root(0), backend=jn.Scan(), workers=workers).sizes


@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(1, 64))
def test_pieces_are_even_and_within_the_size(n: int, size: int, workers: int) -> None:
    piece = even(n, min(n, size), workers)
    pieces = -(-n // piece)
    assert 1 <= piece <= min(n, size)
    assert pieces * piece - n < pieces  # less than one padded member per piece


def test_a_thousand_trials_are_shared_by_two_workers_without_padding() -> None:
    assert _sizes(100, [jn.Trials(1000)], 2) == (500,)
    assert _sizes(100, [jn.Trials(1000)], 4) == (250,)
    assert _sizes(100, [jn.Devices(20), jn.Trials(50)], 2) == (10, 50)


def test_chunks_stay_within_the_budget_and_small_ones_are_not_cut() -> None:
    fit = AUTO_BYTES["cpu"] // (BYTES_PER_NEURON * 100)
    (size,) = _sizes(100, [jn.Trials(100_000)], 2)
    assert 0.9 * fit < size <= fit
    smallest = SHARE_BYTES // (BYTES_PER_NEURON * 100)
    assert _sizes(100, [jn.Trials(smallest)], 16) == (smallest,)


def test_a_wide_network_runs_in_one_chunk_at_a_time() -> None:
    """Its weights are read in every step, so they are read for many members at once."""

    def recurrent(size: int) -> jn.Simulation:
        sim = _simulation(size)
        within = {"within": jn.synapses.Dense("cells", "cells", np.zeros((size, size)))}
        return eqx.tree_at(lambda s: s.network, sim, jn.Network(sim.network.cells(), projections=within))

    devices = jax.local_devices()
    for size, is_wide in ((100, False), (1000, False), (1500, True)):
        assert wide(recurrent(size)) is is_wide
        assert default_workers(devices[:1], [recurrent(size)]) == (1 if is_wide else default_workers(devices[:1]))
    weights = jn.synapses.Dense("image", "cells", np.zeros((1500, 784)))  # 4.7 MB
    shown = jn.Network({"image": jn.Port(784), "cells": jn.Population(jn.neurons.LIF(1500))}, {"first": weights})
    for course, is_wide in ((jn.coding.Constant(np.zeros(784)), False), (jn.coding.PoissonSpikes(np.zeros(784)), True)):
        sim = jn.Simulation(shown, {"image": course}, duration=20.0, dt=1.0)
        assert wide(sim) is is_wide  # the product with a constant image is formed once, not in every step
    narrow, broad = (
        Grid(sim, [jn.Trials(1000)], root=random.root(0), backend=jn.Scan()).sizes[0]
        for sim in (_simulation(1500), recurrent(1500))
    )
    assert narrow < 60 < 90 < broad  # 4 MB of state; as much state as the 9 MB of weights


def test_the_number_of_workers_changes_no_bit() -> None:
    sim = _simulation(64)
    results = [
        jn.monte_carlo(sim, [jn.Trials(130)], key=1, workers=w, progress=False)["count"].values for w in (1, 2, 3)
    ]
    assert results[0].sum() > 0
    assert np.array_equal(results[0], results[1])
    assert np.array_equal(results[0], results[2])


def test_a_store_is_resumed_with_another_number_of_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sim = _simulation(64)
    first = jn.monte_carlo(sim, [jn.Trials(130)], key=1, store=tmp_path, workers=1, progress=False)

    def refuse(*arguments: object) -> None:
        raise AssertionError("a finished chunk was computed again")

    monkeypatch.setattr(grid, "run_chunk", refuse)
    again = jn.monte_carlo(sim, [jn.Trials(130)], key=1, store=tmp_path, workers=2, progress=False)
    assert np.array_equal(first["count"].values, again["count"].values)
