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
from jaxsnn_noise.ensemble import chunked
from jaxsnn_noise.ensemble.chunks import (
    CHUNK,
    LIVE_BYTES,
    RESULT_BYTES,
    SHARED_BYTES,
    chunk_sizes,
    default_workers,
    even_sizes,
    fastest,
    live_bytes,
    predicted,
    stored_workers,
    wide,
)
from jaxsnn_noise.ensemble.costs import Costs, Product, costs

STATISTICS = {"count": jn.statistics.SpikeCount()}


def _simulation(size: int, duration: float = 20.0) -> jn.Simulation:
    noise = {"membrane": jn.noise.VoltageNoise(jn.noise.Diffusion(0.3))}
    network = jn.Network({"cells": jn.Population(jn.neurons.LIF(size, tau_mem=10.0), noise=noise)})
    return jn.Simulation(network, {"cells": jn.coding.Constant(1.1)}, duration=duration, dt=1.0, statistics=STATISTICS)


def _sizes(size: int, axes: list, workers: int) -> tuple[int, ...]:
    return _auto(axes, _simulation(size), workers)


def _auto(axes: list[jn.Axis], sim: jn.Simulation, workers: int) -> tuple[int, ...]:
    names, shape = [axis.name for axis in axes], [axis.size for axis in axes]
    return chunk_sizes("auto", names, shape, lambda: costs(sim, axes, jn.Scan()), workers)


NONE, FIRST, SECOND, BOTH = (frozenset(x) for x in ((), (0,), (1,), (0, 1)))


@given(st.integers(1, 100_000))
def test_pieces_are_even_and_go_from_all_to_one(n: int) -> None:
    sizes = even_sizes(n)
    assert sizes[0] == n
    assert sizes[-1] == 1
    assert sizes == sorted(set(sizes), reverse=True)
    for size in sizes:
        pieces = -(-n // size)
        assert pieces * size - n < pieces or size == 1  # less than one padded member per piece


def test_work_is_shared_by_the_workers_in_as_many_chunks() -> None:
    of = Costs(work={BOTH: CHUNK / 100})
    for workers in (1, 2, 4, 8):
        sizes = fastest(of, (16, 100), workers)
        assert np.prod(-(-np.array([16, 100]) // sizes)) == workers
    assert fastest(Costs(work={BOTH: 1.0}), (16, 100), 8) == (2, 100)  # costs nothing, and comes in soon


def test_what_is_built_per_value_of_an_axis_is_built_once() -> None:
    """Cutting the other axis would build it again in every piece."""
    for along, cut in ((FIRST, 0), (SECOND, 1)):
        of = Costs(work={along: 30 * CHUNK, BOTH: 1e-2 * CHUNK})
        sizes = fastest(of, (40, 40), 4)
        assert sizes[1 - cut] == 40
        assert sizes[cut] <= 10
    shared = (NONE, 1e6)  # an operand that all members share is read once per chunk, so chunks are few
    of = Costs(work={BOTH: 1e-3 * CHUNK}, products=[Product(100.0, 1.0, BOTH, (shared, (BOTH, 4.0)))])
    assert np.prod(-(-np.array([40, 40]) // fastest(of, (40, 40), 1))) == 1


def test_loops_that_outgrow_the_cache_are_cut_and_so_is_what_outgrows_memory() -> None:
    state = [(1000.0, {FIRST: 4096.0})]
    small = Costs(work={FIRST: 1e6}, steps=10.0, carried=state)
    (size,) = fastest(small, (100_000,), 1)
    assert 64 < size <= 512
    for of in (Costs(work={FIRST: 1.0}, result=1e6), Costs(work={FIRST: 1.0}, largest={FIRST: 1e6})):
        (size,) = fastest(of, (100_000,), 1)
        assert of.result * size <= RESULT_BYTES
        assert live_bytes(of, np.array([[size]]))[0] <= min(LIVE_BYTES, 2 * SHARED_BYTES)
    assert fastest(Costs(work={FIRST: 1.0}, result=1e12), (100,), 1) == (1,)


def test_the_prediction_is_the_sum_that_is_documented() -> None:
    of = Costs(work={FIRST: 7.0}, products=[Product(3.0, 11.0, BOTH, ((BOTH, 4.0), (SECOND, 8.0)))], steps=2.0)
    chunk = 2e7 + 2.5e4 * 2 + 7 * 5 + 3 * 11 * 10 + 4.0 * 3 * (4 * 10 + 8 * 2)
    np.testing.assert_allclose(predicted(of, (10, 6), np.array([[5, 2]]), 1), 6 * chunk, rtol=1e-15)
    np.testing.assert_allclose(predicted(of, (10, 6), np.array([[5, 2]]), 4), 2 * chunk, rtol=1e-15)


def _chips(steps: float = 25.0) -> tuple[jn.Simulation, list]:
    mismatch = jn.hardware.Mismatch("network.input_to_hidden.weights", jn.laws.LogNormal(0.1), per="synapse")
    network = jn.networks.feedforward([784, 128, 10], key=0)
    still = {"input": jn.coding.Constant(np.zeros(784))}
    sim = jn.Simulation(network, still, duration=steps, dt=1.0, imperfections={"m": mismatch})
    return sim, [jn.Devices(300), jn.Samples(np.zeros((200, 784)))]


def test_the_axes_of_every_part_are_read_off_the_program() -> None:
    sim, axes = _chips()
    found = costs(sim, axes, jn.Scan())
    assert found.work[FIRST] > 50 * 128 * 784  # the mismatch and the exact sums of a chip
    assert found.work[SECOND] < 128 * 784
    first, second = found.products[0], found.products[1]
    assert (first.times, first.along, first.flops) == (1.0, BOTH, 2.0 * 784 * 128)
    assert {along for along, _ in first.operands} == {FIRST, SECOND}
    assert second.times == 12.0  # a block of two steps has two of them
    assert {along for along, _ in second.operands} == {NONE, BOTH}
    ((turns, state),) = found.carried
    assert turns == 12.0
    assert state[BOTH] > 4 * 138
    path = "network.cells.noise.membrane.amplitude.sigma"
    swept = costs(_simulation(50), [jn.Sweep(path, [0.1, 0.2]), jn.Trials(5)], jn.Scan())
    assert swept.work[SECOND] > 20 * 50 * 10  # noise is common along a sweep
    assert swept.work[FIRST] < swept.work[SECOND] / 4


def test_what_an_axis_builds_anew_depends_on_it() -> None:
    def built(key: jax.Array) -> jn.Network:
        weights = jn.synapses.random_weights(shape=(30, 30), probability=0.5, std=0.1, key=key)
        return jn.Network(
            {"cells": jn.Population(jn.neurons.LIF(30))}, {"loop": jn.synapses.Dense("cells", "cells", weights)}
        )

    sim = jn.Simulation(built(jax.random.key(0)), {}, duration=10.0, dt=1.0)
    found = costs(sim, [jn.Trials(3), jn.Realisations(4, built)], jn.Scan())
    assert found.work[SECOND] > 50 * 900
    assert all((SECOND, 3600.0) in p.operands for p in found.products)


def test_other_values_are_not_traced_again() -> None:
    sim, axes = _chips(4.0)
    first = costs(sim, axes, jn.Scan())
    other = jn.paths.replace(sim, {"imperfections.m.law.cv": 0.2})
    assert costs(other, [axes[0], jn.Samples(np.ones((200, 784)))], jn.Scan()) is first


def test_many_chips_and_images_keep_the_images_of_a_chip_together() -> None:
    sim, axes = _chips()
    for workers in (1, 2):
        devices, samples = _auto(axes, sim, workers)
        assert samples == 200
        assert 4 <= devices <= 32


def test_a_thousand_trials_are_shared_by_two_workers_without_padding() -> None:
    assert _sizes(100, [jn.Trials(1000)], 2) == (500,)
    devices, trials = _sizes(100, [jn.Devices(20), jn.Trials(50)], 2)
    assert devices * trials == 500


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


@pytest.mark.slow
def test_the_number_of_workers_changes_no_bit() -> None:
    sim = _simulation(64)
    results = [jn.monte_carlo(sim, [jn.Trials(130)], key=1, workers=w, progress=False)["count"].values for w in (1, 2)]
    assert results[0].sum() > 0
    assert np.array_equal(results[0], results[1])


def test_a_store_is_resumed_with_another_number_of_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sim = _simulation(64)
    first = jn.monte_carlo(sim, [jn.Trials(130)], key=1, store=tmp_path, workers=1, progress=False)
    assert len(list(tmp_path.glob("*.npz"))) == -(-130 // _sizes(64, [jn.Trials(130)], stored_workers([sim]))[0])

    def refuse(*arguments: object) -> None:
        raise AssertionError("a finished chunk was computed again")

    monkeypatch.setattr(chunked, "run_chunk", refuse)
    again = jn.monte_carlo(sim, [jn.Trials(130)], key=1, store=tmp_path, workers=2, progress=False)
    assert np.array_equal(first["count"].values, again["count"].values)


def test_what_is_left_alone_decides_the_shape() -> None:
    """One more value of the first axis: a chunk of that shape, not of the whole study's."""
    of = Costs(work={BOTH: CHUNK})
    assert fastest(of, (21, 20), 1, left=[(1, 20)])[0] == 1
    both = [
        (20, 1),
        (1, 21),
    ]  # grown along both axes: no chunk is more than either of these, and a chunk of one costs two
    assert np.prod(fastest(of, (21, 21), 1, left=both)) <= 3
    assert chunk_sizes({"b": 7}, ["a", "b"], (21, 20), lambda: of, 1, left=[(1, 20)]) == (1, 7)
    assert chunk_sizes(None, ["a", "b"], (21, 20), lambda: of, 1, left=[(1, 20), (2, 5)]) == (2, 20)
