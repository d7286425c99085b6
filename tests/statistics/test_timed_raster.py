"""The raster that tells times within steps."""

from __future__ import annotations

import numpy as np
import pytest

import jaxsnn_noise as jn
from jaxsnn_noise import interop
from jaxsnn_noise.statistics import About, Raster, TimedRaster

DT = 0.5


def noisy(firing: jn.Firing) -> jn.Simulation:
    noise = {"membrane": jn.noise.VoltageNoise(jn.noise.Diffusion(0.3))}
    cells = jn.Population(jn.neurons.LIF(6, tau_mem=10.0, refractory=1.3), firing=firing, noise=noise)
    statistics = {
        "timed": TimedRaster(),
        "raster": Raster(),
        "mean": jn.statistics.IntervalMean(),
        "cv": jn.statistics.IntervalCV(),
        "locked": jn.statistics.VectorStrength(300.0),
    }
    inputs = {"cells": jn.coding.Constant(1.2)}
    return jn.Simulation(jn.Network({"cells": cells}), inputs, duration=400.0, dt=DT, warmup=3.0, statistics=statistics)


def test_times_within_steps_give_the_intervals_that_statistics_count() -> None:
    sim = noisy(jn.BridgeThreshold(times=True))
    found = jn.simulate(sim, key=1)
    table = interop.spike_times(found, "timed", sim=sim)
    coarse = interop.spike_times(found, "raster", sim=sim)
    np.testing.assert_array_equal(np.ceil(np.round(table["time"] / DT, 9)) * DT, coarse["time"])
    assert table["time"].mod(DT).nunique() > 50
    intervals = [np.diff(times) for times in interop.times_of(table)]
    assert min(map(len, intervals)) > 5
    np.testing.assert_allclose([d.mean() for d in intervals], found["mean"], rtol=1e-6)
    np.testing.assert_allclose([d.std() / d.mean() for d in intervals], found["cv"], rtol=1e-4)
    locked = [np.exp(2j * np.pi * 0.3 * times).mean() for times in interop.times_of(table)]
    np.testing.assert_allclose(found["locked"].strength, np.abs(locked), atol=0.01)
    np.testing.assert_allclose(np.exp(1j * np.asarray(found["locked"].phase)), locked / np.abs(locked), atol=0.05)
    rounded = [np.diff(times) for times in interop.times_of(coarse)]
    assert max(abs(d.std() / d.mean() - cv) / cv for d, cv in zip(rounded, found["cv"], strict=True)) > 1e-3


@pytest.mark.slow
def test_without_times_spikes_lie_at_the_ends_of_steps() -> None:
    sim = noisy(jn.HardThreshold())
    found = jn.simulate(sim, key=1)
    timed, coarse = (interop.spike_times(found, name, sim=sim) for name in ("timed", "raster"))
    assert len(timed) > 50
    np.testing.assert_array_equal(timed, coarse)
    assert set(np.unique(found["timed"])) == {-1, 127}


@pytest.mark.slow
def test_a_study_keeps_them_by_member() -> None:
    sim = noisy(jn.BridgeThreshold(times=True))
    data = jn.monte_carlo(sim, [jn.Trials(3)], key=2, statistics={"timed": TimedRaster()}, progress=False)
    assert data.timed.dtype == np.int8
    table = interop.spike_times(data)
    assert table.attrs["stop"] == 400.0
    for trial in range(3):
        alone = interop.spike_times(jn.simulate(sim, key=2, address={"trial": trial}), "timed", sim=sim)
        of_trial = table.query("trial == @trial")
        np.testing.assert_array_equal(of_trial[["neuron", "time"]], alone[["neuron", "time"]])


def test_too_many_steps_are_refused() -> None:
    with pytest.raises(jn.InputError, match=r"TimedRaster.*1 to 2\^24"):
        TimedRaster().init(About(1, 2**24 + 1, 0.1, inside=True))
