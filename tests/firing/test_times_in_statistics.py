"""Statistics of intervals and latencies read the times of spikes within their steps; what does not tell them is as it was."""

from __future__ import annotations

import functools
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from jaxsnn_noise import noise
from jaxsnn_noise.statistics import (
    FirstSpikeTime,
    IntervalCV,
    IntervalCV2,
    IntervalLV,
    IntervalMean,
    IntervalSums,
    Trace,
    over_raster,
)

STATISTICS = {
    "mean": IntervalMean(),
    "cv": IntervalCV(),
    "cv2": IntervalCV2(),
    "lv": IntervalLV(),
    "first": FirstSpikeTime(),
}
DT = 0.5


def simulation(times: bool = True, sigma: float = 0.3, **options: Any) -> jn.Simulation:
    cells = jn.Population(
        jn.neurons.LIF(20, tau_mem=10.0, refractory=1.3),
        noise={"membrane": noise.VoltageNoise(noise.Diffusion(sigma))},
        firing=jn.BridgeThreshold(times=times),
    )
    given = {"duration": 400.0, "dt": DT, "statistics": STATISTICS | {"sums": IntervalSums()}}
    if times:
        given["statistics"] = given["statistics"] | {"t": Trace(("spikes", "inside"))}
    return jn.Simulation(jn.Network({"cells": cells}), {"cells": jn.coding.Constant(1.2)}, **(given | options))


@functools.cache
def run() -> Any:
    return jn.simulate(simulation(), key=2)


def trains(traces: Any) -> list[np.ndarray]:
    """Spike times [ms], rounded up to 1/128 of a step."""
    spikes, inside = np.asarray(traces["spikes"]), np.asarray(traces["inside"], np.float64)
    part = np.ceil(inside * 128 / DT)
    return [(np.flatnonzero(s) + part[s > 0, k] / 128) * DT for k, s in enumerate(spikes.T)]


def test_they_are_those_of_the_times() -> None:
    found = run()
    traces = found["t"]
    assert (np.asarray(traces["inside"])[np.asarray(traces["spikes"]) == 0] == 0).all()
    for k, train in enumerate(trains(traces)):
        d = np.diff(train)
        contrast = np.abs(np.diff(d)) / (d[1:] + d[:-1])
        expected = [d.mean(), d.std() / d.mean(), 2 * contrast.mean(), 3 * (contrast**2).mean(), train[0]]
        np.testing.assert_allclose([found[name][k] for name in STATISTICS], expected, rtol=2e-5)
        sums = found["sums"]
        assert int(sums.parts[k]) == 128
        assert int(sums.count[k]) == len(d)
        np.testing.assert_allclose(
            int(sums.squares[k]) + 2.0**32 * int(sums.squares_high[k]), ((d * 128 / DT) ** 2).sum()
        )
        assert np.any(np.abs(d / DT - np.round(d / DT)) > 0.1)  # no grid


@pytest.mark.slow
def test_so_they_are_over_a_stored_raster_and_merged_from_parts() -> None:
    found = run()
    traces = found["t"]
    for name, statistic in {"first": FirstSpikeTime(), "sums": IntervalSums()}.items():
        again = over_raster(statistic, traces["spikes"], dt=DT, inside=traces["inside"])
        np.testing.assert_array_equal(
            np.asarray(getattr(again, "squares", again)), np.asarray(getattr(found[name], "squares", found[name]))
        )
    with pytest.raises(jn.InputError, match=r"over_raster.inside: must lie in \(0, dt\]"):
        over_raster(IntervalMean(), traces["spikes"], dt=DT, inside=traces["inside"] + 1.0)
    sim = simulation(statistics={"mean": IntervalMean(), "sums": IntervalSums()})
    state = jn.start(sim, key=2)
    for _ in range(4):
        state, parts = jn.advance(sim, state, 100.0, continued=True)
    np.testing.assert_allclose(parts["mean"], found["mean"], rtol=1e-6)


def test_without_times_intervals_are_whole_steps() -> None:
    sums = jn.simulate(simulation(times=False), key=2)["sums"]
    np.testing.assert_array_equal(sums.parts, 1)
    raster = np.zeros((40, 1))
    raster[[3, 9, 20]] = 1
    assert float(over_raster(IntervalMean(), raster, dt=1.0)[0]) == 8.5
    half = over_raster(IntervalMean(), raster, dt=1.0, inside=np.array([0.5, 1.0, 0.25])[np.cumsum(raster).astype(int).clip(1) - 1][:, None])  # fmt: skip
    np.testing.assert_allclose(half, 8.375)


def test_times_that_nobody_tells_are_not_read() -> None:
    with pytest.raises(jn.InputError, match=r"statistics.t: reads inside.*does not tell.*BridgeThreshold"):
        simulation(times=False, statistics={"t": Trace(("inside",))})


@pytest.mark.slow
@pytest.mark.parametrize("chunk", [1, 3])
def test_bits_do_not_depend_on_the_chunk(chunk: int) -> None:
    sim = simulation(statistics={"mean": IntervalMean(), "n": jn.statistics.SpikeCount()}, duration=100.0)
    run = lambda size: jn.monte_carlo(sim, [jn.Trials(6)], key=7, progress=False, chunk=size)  # noqa: E731
    whole, parts = run(None), run(chunk)
    assert float(whole["n"].sum()) > 100
    for name in ("mean", "n"):
        np.testing.assert_array_equal(whole[name].values, parts[name].values)


@pytest.mark.slow
def test_pinned_a_single_run_has_the_bits_of_a_member() -> None:
    sim = simulation(statistics={"mean": IntervalMean()}, duration=100.0)
    study = jn.monte_carlo(sim, [jn.Trials(3)], key=7, progress=False, backend=jn.Scan(pinned=True))
    single = jn.simulate(sim, key=7, address=jn.Address.of({"trial": 1}), backend=jn.Scan(pinned=True))
    np.testing.assert_array_equal(study["mean"].sel(trial=1).values, single["mean"])


def test_probabilities_are_those_of_the_spikes() -> None:
    """Sums of spikes minus probability are a martingale, also weighted by what was known before; held neurons have none."""
    read = ("spikes", "probability", "log_probability")
    sim = simulation(statistics={"t": Trace(read)}, duration=2000.0)
    traces = jn.simulate(sim, key=5)["t"]
    spikes, p = np.asarray(traces["spikes"], np.float64), np.asarray(traces["probability"], np.float64)
    for weight in (np.ones_like(p), (p > 0.3) * 1.0):
        spread = np.sqrt((p * (1 - p) * weight**2).sum())
        assert abs(((spikes - p) * weight).sum()) < 4.5 * spread
    assert 0.05 < (p * (1 - p)).sum() / spikes.sum() < 1.0  # a good part of the spikes lies between the ends
    after = np.roll(spikes, 1, axis=0)[1:] > 0
    np.testing.assert_array_equal(p[1:][after][:50], 0)
    np.testing.assert_allclose(jnp.exp(traces["log_probability"]), np.where(spikes > 0, p, 1 - p), atol=1e-4)
