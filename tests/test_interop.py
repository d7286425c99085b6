"""Spike times out and in again: tables of one run and of a study, Neo, and the same raster in the end."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest

import jaxsnn_noise as jn
from jaxsnn_noise import interop
from jaxsnn_noise._checks import InputError

STEPS, DT = 60, 0.5
SIGMA = "network.e.noise.m.amplitude.sigma"


@pytest.fixture(scope="module")
def sim() -> jn.Simulation:
    noise = {"m": jn.noise.VoltageNoise(jn.noise.Diffusion(0.4))}
    cells = {name: jn.Population(jn.neurons.LIF(size, tau_mem=5.0), noise=noise) for name, size in (("e", 4), ("i", 2))}
    statistics = {f"raster_{name}": jn.statistics.Raster(population=name) for name in cells}
    drives = {name: jn.coding.Constant(1.1) for name in cells}
    return jn.Simulation(jn.Network(cells), drives, duration=STEPS * DT, dt=DT, warmup=2.0, statistics=statistics)


@pytest.fixture(scope="module")
def one(sim: jn.Simulation) -> dict[str, Any]:
    return jn.simulate(sim, key=0)


@pytest.fixture(scope="module")
def study(sim: jn.Simulation) -> Any:
    axes = [jn.Sweep(SIGMA, [0.0, 0.4], name="sigma"), jn.Trials(3)]
    return jn.monte_carlo(sim, axes, key=0, progress=False)


def unpacked(packed: Any) -> np.ndarray:
    return np.asarray(jn.statistics.unpack(np.asarray(packed), STEPS))


def test_a_run_has_one_row_per_spike_at_the_end_of_its_step(sim: jn.Simulation, one: dict[str, Any]) -> None:
    table = interop.spike_times(one, sim=sim)
    assert list(table.columns) == ["population", "neuron", "time"]
    for name in ("e", "i"):
        steps, neurons = np.nonzero(unpacked(one[f"raster_{name}"]))
        rows = table[table.population == name].sort_values(["time", "neuron"])
        assert rows.time.tolist() == ((steps + 1) * DT).tolist()
        assert rows.neuron.tolist() == neurons.tolist()
    assert table.attrs["sizes"] == {"e": 4, "i": 2}
    assert (table.attrs["dt"], table.attrs["start"], table.attrs["stop"]) == (DT, 0.0, STEPS * DT)
    later = interop.spike_times(one, sim=sim, start=2.0)
    np.testing.assert_array_equal(later.time, table.time + 2.0)


def test_without_the_simulation_dt_is_asked_for_and_names_stand_for_populations(one: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"interop.spike_times.dt: must be given, or sim=.* \[ms\]"):
        interop.spike_times(one)
    table = interop.spike_times(one, "raster_i", dt=DT)
    assert set(table.population) == {"raster_i"}
    assert table.attrs["stop"] == 64 * DT  # whole bytes: the number of steps is not known


@pytest.mark.slow
def test_a_study_keeps_the_labels_of_its_members(study: Any, sim: jn.Simulation) -> None:
    table = interop.spike_times(study)
    assert list(table.columns) == ["sigma", "trial", "population", "neuron", "time"]
    assert table.attrs["dt"] == DT  # from the attributes of the dataset
    raster = unpacked(study["raster_e"].sel(trial=2).isel(sigma=1))
    rows = table[(table.trial == 2) & (table.sigma == study.sigma.values[1]) & (table.population == "e")]
    times = interop.times_of(rows, population="e")
    assert [t.tolist() for t in times] == [((np.flatnonzero(train) + 1) * DT).tolist() for train in raster.T]
    assert table.attrs["stop"] == STEPS * DT
    assert len(table) == sum(int(unpacked(study[name]).sum()) for name in ("raster_e", "raster_i"))
    assert table.attrs["members"]["trial"] == [0, 1, 2]
    member = interop.spike_times(study.sel(trial=1), "raster_e")
    assert "trial" not in member
    assert table.sort_values(["sigma", "trial", "population", "neuron", "time"]).equals(table)


@pytest.mark.slow
def test_out_and_in_again_gives_the_same_raster(study: Any) -> None:
    """Into a port, whose cells show what arrives."""
    table = interop.spike_times(study, "raster_e").query("trial == 1 and sigma > 0.1")
    assert len(table) > 10
    given = jn.coding.SpikeTimes(interop.times_of(table))
    cells = jn.Population(jn.neurons.LeakyIntegrator(4, tau_mem=1e-3))
    network = jn.Network({"port": jn.Port(4), "cells": cells}, {"f": jn.synapses.Dense("port", "cells", np.eye(4))})
    again = jn.Simulation(
        network, {"port": given}, duration=STEPS * DT, dt=DT, statistics={"v": jn.statistics.Trace("v")}
    )
    shown = np.asarray(jn.simulate(again, key=0)["v"].v)
    np.testing.assert_array_equal(shown, unpacked(study["raster_e"].sel(trial=1).isel(sigma=1)))


@pytest.mark.slow
def test_neo_has_a_segment_per_member_and_a_train_per_neuron(study: Any) -> None:
    table = interop.spike_times(study)
    block = interop.to_neo(table)
    assert [(s.annotations["sigma"], s.annotations["trial"]) for s in block.segments] == [
        (pytest.approx(sigma), trial) for sigma in (0.0, 0.4) for trial in range(3)
    ]
    assert [group.name for group in block.groups] == ["e", "i"]
    assert [len(group.spiketrains) for group in block.groups] == [24, 12]
    segment = block.segments[4]
    assert [(t.annotations["population"], t.annotations["neuron"]) for t in segment.spiketrains] == [
        ("e", 0), ("e", 1), ("e", 2), ("e", 3), ("i", 0), ("i", 1),
    ]  # fmt: skip
    train = segment.spiketrains[2]
    assert (float(train.t_start), float(train.t_stop), train.dimensionality.string) == (0.0, STEPS * DT, "ms")
    raster = unpacked(study["raster_e"].isel(sigma=1).sel(trial=1))
    np.testing.assert_allclose(train.magnitude, (np.flatnonzero(raster[:, 2]) + 1) * DT)
    back = interop.from_neo(segment)
    rows = table.query("trial == 1 and sigma > 0.1")
    for found, expected in zip(
        back, [*interop.times_of(rows, population="e"), *interop.times_of(rows, population="i")], strict=True
    ):
        np.testing.assert_allclose(found, expected)
    # in seconds, and from another start of the record
    import neo

    shifted = neo.SpikeTrain([1.001, 1.5], units="s", t_start=1.0, t_stop=2.0)
    np.testing.assert_allclose(interop.from_neo([shifted])[0], [1.0, 500.0])


def test_silent_members_and_neurons_are_there_too() -> None:
    table = pd.DataFrame({"trial": [0, 2], "population": ["e", "e"], "neuron": [0, 0], "time": [1.0, 2.0]})
    table.attrs = {"sizes": {"e": 2}, "members": {"trial": [0, 1, 2]}, "start": 0.0, "stop": 5.0, "dt": 1.0}
    block = interop.to_neo(table)
    assert [[len(train) for train in segment.spiketrains] for segment in block.segments] == [[1, 0], [0, 0], [1, 0]]


def test_without_neo_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "neo", None)
    table = pd.DataFrame({"population": ["e"], "neuron": [0], "time": [1.0]})
    for call in (lambda: interop.to_neo(table, stop=2.0), lambda: interop.from_neo([])):
        with pytest.raises(InputError, match="needs Neo, which is not installed: pip install neo"):
            call()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s, d: interop.spike_times(3), "needs the results of simulate or monte_carlo; got 'int'"),
        (lambda s, d: interop.spike_times({"rate": np.ones(3)}, dt=1.0), "needs a result of statistics.Raster"),
        (lambda s, d: interop.spike_times(s, "raster"), "names: must name results of statistics.Raster or TimedRaster; got 'raster'. Did you mean"),
        (lambda s, d: interop.spike_times(s, dt=1.0), r"dt: must be one for all \[ms\]; got \[1.0, 0.5"),
        (lambda s, d: interop.times_of(interop.spike_times(s)), "population: must name one of several populations"),
        (lambda s, d: interop.times_of(interop.spike_times(s), population="x"), "unknown name; got 'x'"),
        (lambda s, d: interop.times_of(interop.spike_times(s, "raster_e")), "needs one member: select one along 'sigma'"),
        (lambda s, d: interop.times_of(d, size=1), "size: must be the number of neurons, above 1"),
        (lambda s, d: interop.times_of(np.ones(3)), "needs a table of interop.spike_times"),
        (lambda s, d: interop.to_neo(d), "stop: must be given"),
        (lambda s, d: interop.to_neo(d, stop=0.5), "stop: must not lie before the last spike, 1 ms"),
        (lambda s, d: interop.from_neo([1.0]), "needs a neo.Segment or a sequence of neo.SpikeTrain"),
    ],
)  # fmt: skip
def test_what_is_no_result_is_refused(call: Any, message: str, study: Any) -> None:
    plain = pd.DataFrame({"population": ["e"], "neuron": [1], "time": [1.0]})
    with pytest.raises(InputError, match=message):
        call(study, plain)


def test_a_table_is_a_raster_picture(study: Any) -> None:
    table = interop.spike_times(study).query("sigma > 0.1")
    _, drawn = jn.figures.raster(jn.figures.new_figure()[1], table)
    assert drawn.row.max() < 6 * 3
    assert not drawn.duplicated(["row", "time"]).any()
