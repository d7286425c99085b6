"""What a study will be is known before it is; what became of it is said after it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.nets import SIGMA, recurrent
from jaxsnn_noise.ensemble import chunked, memory

SIM = recurrent(6, duration=20.0, statistics={"rate": jn.statistics.Rate(), "raster": jn.statistics.Raster()})
AXES = [jn.Sweep(SIGMA, [0.1, 0.2], name="sigma"), jn.Trials(50)]


@pytest.fixture
def no_computing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunked.Chunked, "compute", lambda *a: pytest.fail("it began to compute"))


@pytest.mark.usefixtures("no_computing")
def test_it_tells_members_chunks_and_bytes() -> None:
    planned = jn.plan(SIM, AXES, chunk={"trial": 20}, workers=2)
    assert planned.members == 100
    assert planned.chunk == {"": {"sigma": 2, "trial": 20}}
    assert planned.chunks == 3
    one = 6 * 4 + 3 * 6 + 4 + 4 + 4  # rates, rasters of 20 bits, health
    assert planned.result_bytes == 100 * one
    text = str(planned)
    assert "100 (2 sigma x 50 trial)" in text
    assert "3 to compute, 2 at a time" in text
    assert "raster 1.8 KiB" in text


@pytest.mark.slow
def test_its_bytes_are_those_of_the_result_and_a_store_counts(tmp_path: Path) -> None:
    result = jn.monte_carlo(SIM, AXES, key=0, chunk={"trial": 20}, store=tmp_path, progress=False)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    planned = jn.plan(SIM, [AXES[0], jn.Trials(80)], chunk={"trial": 20}, store=tmp_path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before  # a plan changes nothing
    assert planned.stored == 100
    assert planned.chunks == 2
    assert planned.result_bytes * 100 // 160 == sum(a.nbytes for a in result.data_vars.values())
    assert not (tmp_path / "none").exists()
    assert jn.plan(SIM, AXES, store=tmp_path / "none").stored == 0
    assert not (tmp_path / "none").exists()
    with pytest.raises(jn.InputError, match="holds another study"):
        jn.plan(SIM, AXES, key=7, store=tmp_path)


@pytest.mark.slow
def test_the_time_is_measured_on_request() -> None:
    planned = jn.plan(jn.Cases({"a": SIM, "b": jn.paths.replace(SIM, {SIGMA: 0.5})}), AXES, timed=True)
    assert planned.seconds is not None
    assert planned.seconds > 0
    assert "time" in str(planned)
    assert planned.members == 200


@pytest.mark.usefixtures("no_computing")
def test_results_larger_than_memory_are_refused_with_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available", lambda: 100_000)
    for act in (lambda a: jn.plan(SIM, a), lambda a: jn.monte_carlo(SIM, a, key=0)):
        with pytest.raises(jn.InputError, match="the results must fit into memory") as caught:
            act([jn.Trials(10_000)])
        assert "for 10,000 members (trial 10,000), of which rate takes 234.4 KiB" in str(caught.value)
    assert jn.plan(SIM, [jn.Trials(1000)]).members == 1000


@pytest.mark.usefixtures("no_computing")
def test_a_number_of_members_beyond_all_bounds_is_refused_at_once() -> None:
    with pytest.raises(jn.InputError, match="the results must fit into memory"):
        jn.monte_carlo(SIM, [jn.Trials(2**31)], key=0)
    with pytest.raises(jn.InputError, match="must be at most 2\\*\\*32"):
        jn.Trials(10**10)
    with pytest.raises(jn.InputError, match="must be at most 1024"):
        jn.monte_carlo(SIM, [jn.Trials(2)], key=0, workers=10**9)


def test_the_free_memory_is_known_here() -> None:
    free = memory.available()
    assert free is not None
    assert 1 << 26 < free < 1 << 50


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (0.0, "monte_carlo: 4 of 4 members: all neurons of cells are silent"),
        (50.0, "saturated"),
        (3e38, "not finite"),
        (0.015, ""),
    ],
)
def test_ill_members_are_told_in_one_line(value: float, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    sim = jn.Simulation(
        jn.Network({"cells": jn.Population(jn.neurons.LIF(3, resistance=100.0))}),
        {"cells": jn.coding.Constant(1.0)},
        duration=40.0,
        dt=1.0,
    )
    axis = jn.Sweep("inputs.cells.values", [value] * 4)
    result = jn.monte_carlo(sim, [axis], key=0)
    line = capsys.readouterr().err.strip()
    assert told in line
    assert line.count("\n") == 0
    assert bool(line) == bool(told)
    health = json.loads(result.attrs["health"])["cells"]
    assert health["members"] == 4
    assert sum(v for k, v in health.items() if k != "members") == (4 if told else 0)


@pytest.mark.slow
def test_axes_that_are_no_axes_here_are_refused() -> None:
    def frozen(*axes: str) -> jn.Simulation:
        return jn.Simulation(SIM.network, SIM.inputs, duration=20.0, dt=1.0, frozen={"noise": axes})

    with pytest.raises(
        jn.InputError, match=r"frozen\['noise'\]: must name axes of this study.*got 'trail'. Did you mean 'trial'"
    ):
        jn.monte_carlo(frozen("trail"), [jn.Trials(3)], key=0)
    assert jn.monte_carlo(frozen("trial"), [jn.Trials(3)], key=0, progress=False)
    with pytest.raises(jn.InputError, match=r"simulate.address: must name axes.*got 'trail'. Did you mean 'trial'"):
        jn.simulate(SIM, key=0, address={"trail": 1})
    with pytest.raises(jn.InputError, match=r"start.address: must name axes"):
        jn.start(SIM, key=0, address={"session": 1})
    own = jn.monte_carlo(SIM, [jn.Trials(3, name="session")], key=0, progress=False)
    one = jn.simulate(SIM, key=0, address=jn.Address.of({"session": 2}))
    np.testing.assert_array_equal(own["rate"].values[2], one["rate"])
    assert jn.simulate(frozen("session"), key=0, address={"session": 1})
    spread = {
        "m": jn.hardware.Mismatch("network.cells.neuron.tau_mem", jn.laws.LogNormal(0.1), per="neuron", axis="devcie")
    }
    both = {
        **spread,
        "n": jn.hardware.Mismatch("network.cells.neuron.v_threshold", jn.laws.LogNormal(0.1), per="neuron"),
    }
    sim = jn.Simulation(SIM.network, SIM.inputs, duration=20.0, dt=1.0, imperfections=both)
    with pytest.raises(jn.InputError, match=r"imperfections.m.axis: must be the name of an axis.*got 'devcie'"):
        jn.monte_carlo(sim, [jn.Devices(3)], key=0)


def test_one_number_over_entries_that_differ_is_refused() -> None:
    weights = "network.recurrent.weights"
    for axis in (jn.Sweep(weights, [0.5, 1.0]), jn.Vary({weights: [0.5, 1.0]})):
        with pytest.raises(jn.InputError, match=r"one number would overwrite a matrix of shape \(6, 6\): .* or Scale"):
            jn.monte_carlo(SIM, [axis], key=0)
    varied = jn.paths.replace(SIM, {"network.cells.neuron.tau_mem": np.linspace(10, 20, 6)})
    with pytest.raises(jn.InputError, match=r"one number would overwrite entries that differ of shape \(6,\)"):
        jn.monte_carlo(varied, [jn.Sweep("network.cells.neuron.tau_mem", [10.0, 20.0])], key=0)
    with pytest.raises(jn.InputError, match=r"must broadcast"):
        jn.monte_carlo(SIM, [jn.Sweep(weights, np.ones((2, 6)))], key=0)


@pytest.mark.slow
def test_factors_keep_ratios_and_one_keeps_all_bits() -> None:
    weights = "network.recurrent.weights"
    scaled = jn.monte_carlo(SIM, [jn.Scale(weights, [0.0, 1.0, 3.0]), jn.Trials(2)], key=0, progress=False)
    assert scaled["weights_factor"].attrs == {"units": "1", "path": weights}
    plain = jn.monte_carlo(SIM, [jn.Trials(2)], key=0, progress=False)
    np.testing.assert_array_equal(scaled["raster"].values[1], plain["raster"].values)
    whole = np.asarray(jn.paths.get(SIM, weights))
    by_hand = jn.Sweep(weights, np.stack([whole * 0, whole, whole * np.float32(3.0)]))
    swept = jn.monte_carlo(SIM, [by_hand, jn.Trials(2)], key=0, progress=False)
    np.testing.assert_array_equal(scaled["raster"].values, swept["raster"].values)
    with pytest.raises(jn.InputError, match=r"tau_mem.*must be finite and > 0"):
        jn.monte_carlo(SIM, [jn.Scale("network.cells.neuron.tau_mem", [1.0, -1.0])], key=0)


@pytest.mark.slow
def test_a_factor_may_be_that_of_several_leaves() -> None:
    chosen = ["network.recurrent.weights", "network.cells.neuron.tau_mem"]
    axis = jn.Scale(chosen, [1.0, 2.0], name="size")
    scaled = jn.monte_carlo(SIM, [axis], key=0, progress=False)
    assert scaled["size"].attrs == {"units": "1", "path": ", ".join(chosen)}
    twice = jn.paths.replace(SIM, {path: 2 * jn.paths.get(SIM, path) for path in chosen})
    for i, sim in enumerate((SIM, twice)):
        np.testing.assert_array_equal(scaled["raster"].values[i], jn.simulate(sim, key=0)["raster"])
    for wrong in ([], ["network.cells.neuron.tau_mem"] * 2, [""]):
        with pytest.raises(jn.InputError, match=r"Scale.path: must be a"):
            jn.Scale(wrong, [1.0])
    with pytest.raises(jn.InputError, match=r"the axes .* both set network.cells.neuron.tau_mem"):
        jn.monte_carlo(SIM, [axis, jn.Sweep(chosen[1], [1.0])], key=0)


@pytest.mark.slow
@pytest.mark.parametrize("axis", [jn.Sweep, jn.Scale])
def test_values_that_are_not_paired_see_noise_of_their_own(axis: Any) -> None:
    values = [1.0, 1.0]
    path = "network.cells.noise.membrane.amplitude.sigma"
    same = jn.monte_carlo(SIM, [axis(path, values, name="s")], key=0, progress=False)["raster"].values
    fresh = jn.monte_carlo(SIM, [axis(path, values, name="s", paired=False)], key=0, progress=False)["raster"].values
    np.testing.assert_array_equal(same[0], same[1])
    assert (fresh[0] != fresh[1]).any()


def test_a_callback_that_raises_costs_nothing() -> None:
    def broken(done: int, total: int) -> None:
        raise RuntimeError("no display")

    with pytest.warns(
        UserWarning, match=r"monte_carlo.progress raised RuntimeError \(no display\); it is not called again"
    ):
        result = jn.monte_carlo(SIM, [jn.Trials(6)], key=0, chunk=2, progress=broken)
    assert np.isfinite(result["rate"].values).all()


BAD = {
    "no name": (lambda: jn.Trials(3, name=""), "Trials.name: must be a name"),
    "labels of two dimensions": (
        lambda: jn.Samples([1.0, 2.0], labels=[[1], [2]]),
        r"Samples.labels: must be one for each of the 2",
    ),
    "too few labels": (
        lambda: jn.Vary({SIGMA: [0.1, 0.2]}, labels=["a"]),
        "Vary.labels: must be one for each of the 2",
    ),
    "devices alike": (
        lambda: jn.monte_carlo(SIM, [jn.Devices(20)], key=0),
        "Devices: needs an imperfection that draws",
    ),
    "complex values": (lambda: jn.Sweep(SIGMA, [1j]), "Sweep.values: must be real numbers"),
    "texts": (lambda: jn.Sweep(SIGMA, ["a"]), "Sweep.values: must be real numbers"),
}


@pytest.mark.usefixtures("no_computing")
@pytest.mark.parametrize("name", BAD)
def test_it_is_told_before_computing(name: str) -> None:
    act, told = BAD[name]
    with pytest.raises(Exception, match=told) as caught:
        act()
    assert isinstance(caught.value, jn.InputError) or "TypeCheck" in type(caught.value).__name__
