"""Monte Carlo over named axes: labels, chunks, common random numbers, compilation, what survives, and bad input."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import chex
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.nets import SIGMA, recurrent
from jaxsnn_noise import random
from jaxsnn_noise.ensemble import chunked

RATE = {"rate": jn.statistics.Rate()}
CV = "imperfections.mismatch.law.cv"


def study(sim: jn.Simulation | jn.Cases, axes: list[Any], **options: Any) -> Any:
    return jn.monte_carlo(sim, axes, key=3, progress=False, **options)


def small(**options: Any) -> jn.Simulation:
    return recurrent(6, duration=20.0, statistics=RATE, **options)


def mismatch(cv: float = 0.2) -> dict[str, Any]:
    return {"mismatch": jn.hardware.Mismatch("network.cells.neuron.tau_mem", jn.laws.LogNormal(cv), per="neuron")}


@pytest.fixture(scope="module")
def result() -> Any:
    axes = [jn.Sweep(SIGMA, [0.0, 0.1, 0.3], name="sigma"), jn.Devices(2), jn.Trials(4)]
    return study(small(imperfections=mismatch()), axes)


def test_dimensions_coordinates_units(result: Any) -> None:
    assert result["rate"].dims == ("sigma", "device", "trial", "cells_neuron")
    assert result["rate"].shape == (3, 2, 4, 6)
    np.testing.assert_allclose(result["sigma"], [0.0, 0.1, 0.3], rtol=1e-6)
    assert result["rate"].attrs["units"] == "Hz"
    assert result["health_cells_nonfinite"].dims == ("sigma", "device", "trial")


def test_attributes_say_where_the_numbers_come_from(result: Any) -> None:
    assert result.attrs["stream_version"] == random.STREAM_VERSION
    assert list(result.attrs["root_key"]) == [0, 3]
    assert "network.recurrent.weights" in result.attrs["config"]
    for name in ("versions", "device", "backend", "axes"):
        assert result.attrs[name]


def test_the_result_can_be_kept_as_zarr(result: Any, tmp_path: Path) -> None:
    import xarray

    result.to_zarr(tmp_path / "data.zarr", zarr_format=3, consolidated=False)
    back = xarray.open_zarr(tmp_path / "data.zarr", consolidated=False)
    np.testing.assert_array_equal(back["rate"], result["rate"])
    assert back.attrs["stream_version"] == random.STREAM_VERSION


def test_trials_differ_and_noise_free_trials_do_not(result: Any) -> None:
    rates = result["rate"].values
    np.testing.assert_array_equal(rates[0, :, :1], rates[0, :, 1:2])
    assert (rates[2, :, 0] != rates[2, :, 1]).any()


def test_the_same_devices_get_worse_as_the_mismatch_grows() -> None:
    sim = small(imperfections=mismatch(), noise={})
    rates = study(sim, [jn.Sweep(CV, [0.0, 0.1, 0.2, 0.4], name="cv"), jn.Devices(40)])["rate"].values
    deviation = np.abs(rates - rates[:1]).mean((1, 2))
    assert (np.diff(deviation) > 0).all()
    up = rates[2] - rates[0]
    further = rates[3] - rates[0]
    moved = (up != 0) & (further != 0)
    assert (np.sign(up[moved]) == np.sign(further[moved])).mean() > 0.95


@pytest.mark.slow
def test_paired_devices_share_their_noise() -> None:
    sim = small(imperfections=mismatch(0.0))  # no spread: with paired noise all devices are one
    paired = study(sim, [jn.Devices(3, paired=True), jn.Trials(2)])["rate"].values
    np.testing.assert_array_equal(paired[0], paired[2])
    fresh = study(sim, [jn.Devices(3), jn.Trials(2)])["rate"].values
    assert (fresh[0] != fresh[2]).any()


def test_a_sweep_compiles_once_whatever_its_values(monkeypatch: pytest.MonkeyPatch) -> None:
    chex.clear_trace_counter()
    once = chex.assert_max_traces(chunked.run_chunk.__wrapped__, n=1)
    monkeypatch.setattr(chunked, "run_chunk", eqx.filter_jit(once))
    sim = recurrent(5, duration=8.0, statistics=RATE)
    for values in ([0.1, 0.2], [0.3, 0.4], [0.0, 9.0]):
        study(sim, [jn.Sweep(SIGMA, values, name="sigma"), jn.Trials(3)], workers=1)
    with pytest.raises(AssertionError, match="traced > 1 times"):  # another size is another program
        study(sim, [jn.Sweep(SIGMA, [0.1, 0.2, 0.3], name="sigma"), jn.Trials(3)], workers=1)


def test_an_axis_that_a_leaf_does_not_depend_on_does_not_copy_it() -> None:
    """The weights enter the products of the loop without a dimension of trials or of the sweep."""
    sim = recurrent(12, duration=8.0, statistics=RATE)
    axes = (jn.Sweep(SIGMA, [0.1, 0.2, 0.3], name="sigma"), jn.Trials(5))
    indices = (jnp.arange(3, dtype=jnp.uint32), jnp.arange(5, dtype=jnp.uint32))
    run = eqx.filter_make_jaxpr(chunked.run_chunk)
    jaxpr = run(sim, random.root(0), axes, indices, jn.Scan())[0]
    shapes = [shape for eqn in _equations(jaxpr.jaxpr) if eqn.primitive.name == "dot_general" for shape in _shapes(eqn)]
    assert (12, 12) in shapes
    assert not [s for s in shapes if len(s) > 2 and s[-2:] == (12, 12)]
    swept = jn.Sweep("network.recurrent.weights", np.zeros((3, 12, 12)), name="weights")
    jaxpr = run(sim, random.root(0), (swept, axes[1]), indices, jn.Scan())[0]
    shapes = [shape for eqn in _equations(jaxpr.jaxpr) if eqn.primitive.name == "dot_general" for shape in _shapes(eqn)]
    assert [s for s in shapes if len(s) == 3 and 3 in s]  # negative control: swept weights do gain it


def _equations(jaxpr: Any) -> Any:
    for eqn in jaxpr.eqns:
        yield eqn
        for value in eqn.params.values():
            for inner in value if isinstance(value, (tuple, list)) else [value]:
                inner = getattr(inner, "jaxpr", inner)
                if hasattr(inner, "eqns"):
                    yield from _equations(inner)


def _shapes(eqn: Any) -> list[tuple[int, ...]]:
    return [v.aval.shape for v in eqn.invars]


def test_cases_are_stacked_with_their_names() -> None:
    quiet = small(noise={})
    loud = small(noise={"current": jn.noise.CurrentNoise(jn.noise.PerStep(0.5))})
    data = study(jn.Cases({"quiet": quiet, "loud": loud}), [jn.Trials(3)])
    assert data["rate"].dims == ("case", "trial", "cells_neuron")
    assert list(data["case"].values) == ["quiet", "loud"]
    assert float(data["rate"].sel(case="quiet").std("trial").max()) == 0
    assert float(data["rate"].sel(case="loud").std("trial").max()) > 0
    alone = study(loud, [jn.Trials(3)])
    np.testing.assert_array_equal(alone["rate"], data["rate"].sel(case="loud"))


def test_vary_zips_leaves_and_takes_a_function() -> None:
    path = "network.cells.neuron.v_threshold"
    both = study(small(), [jn.Vary({SIGMA: [0.1, 0.2], path: [1.0, 5.0]}, name="pair"), jn.Trials(2)])
    assert both["rate"].isel(pair=1).sum() == 0 < both["rate"].isel(pair=0).sum()
    by = jn.Vary([1.0, 5.0], by=lambda sim, value: jn.paths.replace(sim, {path: value}), name="pair", labels=["a", "b"])
    function = study(jn.paths.replace(small(), {SIGMA: 0.1}), [by, jn.Trials(2)])
    np.testing.assert_array_equal(function["rate"].isel(pair=0), both["rate"].isel(pair=0))
    assert list(function["pair"].values) == ["a", "b"]


def test_samples_set_the_stimulus_and_keep_labels() -> None:
    data = study(small(), [jn.Samples(np.array([0.0, 2.0, 0.0]), labels=[7, 8, 7]), jn.Trials(2)])
    assert list(data["label"].values) == [7, 8, 7]
    rates = data["rate"].mean(("trial", "cells_neuron")).values
    assert rates[1] > rates[0]
    noisy = jn.paths.replace(small(), {SIGMA: 0.5})
    twins = study(noisy, [jn.Samples(np.array([1.2, 1.2]))])["rate"].values
    assert (twins[0] != twins[1]).any()  # fresh noise per sample


@pytest.mark.slow
def test_realisations_build_a_network_each() -> None:
    def build(key: Any) -> jn.Network:
        weights = jn.synapses.random_weights(shape=(6, 6), probability=1.0, std=20.0, key=key)
        return jn.Network(
            {"cells": jn.Population(jn.neurons.LIF(6))}, {"r": jn.synapses.Dense("cells", "cells", weights)}
        )

    sim = jn.Simulation(build(0), {"cells": jn.coding.Constant(1.5)}, duration=100.0, dt=1.0, statistics=RATE)
    rates = study(sim, [jn.Realisations(4, build)])["rate"].values
    assert len({tuple(r) for r in rates}) == 4


def test_frozen_inputs_repeat_in_every_trial() -> None:
    source = jn.noise.CurrentNoise(jn.noise.PerStep(5.0), correlation=jn.noise.Common())
    cells = {"cells": jn.Population(jn.neurons.LIF(6))}
    signal = {"cells": jn.coding.Fluctuating(1.5, source)}

    def make(frozen: dict[str, tuple[str, ...]]) -> jn.Simulation:
        return jn.Simulation(jn.Network(cells), signal, duration=40.0, dt=1.0, statistics=RATE, frozen=frozen)

    once = study(make({"inputs": ()}), [jn.Trials(3)])["rate"].values
    np.testing.assert_array_equal(once[0], once[1])
    fresh = study(make({}), [jn.Trials(3)])["rate"].values
    assert (fresh[0] != fresh[1]).any()
    per_day = study(make({"inputs": ("day",)}), [jn.Trials(2, name="day"), jn.Trials(2)])["rate"].values
    np.testing.assert_array_equal(per_day[:, 0], per_day[:, 1])
    assert (per_day[0] != per_day[1]).any()


def test_ctrl_c_hands_over_what_was_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    compute, calls = chunked.Chunked.compute, []

    def stopping(self: Any, block: Any) -> Any:
        calls.append(block)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return compute(self, block)

    monkeypatch.setattr(chunked.Chunked, "compute", stopping)
    with pytest.raises(jn.Interrupted) as caught:
        study(small(), [jn.Trials(8)], chunk=2, workers=1)
    partial = caught.value.partial
    assert np.isfinite(partial["rate"].values[:4]).all()
    assert np.isnan(partial["rate"].values[4:]).all()
    assert np.isnan(partial["health_cells_nonfinite"].values[4:]).all()
    monkeypatch.setattr(chunked.Chunked, "compute", compute)
    np.testing.assert_array_equal(study(small(), [jn.Trials(8)])["rate"].values[:4], partial["rate"].values[:4])


def test_a_full_disk_keeps_the_finished_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = []
    fsync = os.fsync

    def full(handle: int) -> None:
        written.append(handle)
        if len(written) > 4:  # the manifest, the grid and two chunks, and then no more
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(jn.StoreError, match="the disk is full; 2 finished chunks are safe"):
        study(small(), [jn.Trials(8)], chunk=2, workers=1, store=tmp_path)
    assert not list(tmp_path.glob(".*.partial"))
    monkeypatch.undo()
    again = study(small(), [jn.Trials(8)], chunk=2, workers=1, store=tmp_path)
    np.testing.assert_array_equal(again["rate"], study(small(), [jn.Trials(8)])["rate"])


def test_a_store_belongs_to_one_study(tmp_path: Path) -> None:
    study(small(), [jn.Trials(4)], store=tmp_path)
    with pytest.raises(jn.InputError, match=r"store: holds another study.*amplitude.sigma: 0.1 -> 0.7"):
        study(jn.paths.replace(small(), {SIGMA: 0.7}), [jn.Trials(4)], store=tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.tex").write_text("precious")
    with pytest.raises(jn.InputError, match="must be empty or hold this study"):
        study(small(), [jn.Trials(4)], store=other)
    with pytest.raises(jn.InputError, match="store: must be a folder that can be made"):
        study(small(), [jn.Trials(4)], store=other / "thesis.tex" / "below")


def test_progress_goes_to_a_function() -> None:
    seen: list[tuple[int, int]] = []
    jn.monte_carlo(small(), [jn.Trials(6)], key=3, chunk=2, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (6, 6)
    assert [done for done, _ in seen] == [2, 4, 6]


BAD: list[tuple[str, Any, Any]] = [
    ("no such name under", lambda: study(small(), [jn.Sweep("network.cells.neuron.tau_men", [1.0])]), "tau_mem"),
    ("use Cases", lambda: study(small(), [jn.Sweep("dt", [0.5, 1.0])]), "dt"),
    (
        "must be finite and > 0",
        lambda: study(small(), [jn.Sweep("network.cells.neuron.tau_mem", [5.0, -5.0])]),
        "tau_mem",
    ),
    ("must be finite and >= 0", lambda: study(small(), [jn.Sweep(SIGMA, [-0.1])]), "sigma"),
    ("must broadcast", lambda: study(small(), [jn.Sweep("network.cells.neuron.tau_mem", np.ones((2, 4)))]), "tau_mem"),
    ("at least one value", lambda: jn.Sweep(SIGMA, []), "Sweep.values"),
    ("must be finite", lambda: jn.Sweep(SIGMA, [np.nan]), "Sweep.values"),
    ("whole number >= 1", lambda: jn.Trials(0), "Trials.n"),
    ("whole number >= 1", lambda: jn.Devices(0), "Devices.n"),
    ("whole number >= 1", lambda: study(small(), [jn.Trials(2)], chunk=0), "chunk"),
    ("unknown name", lambda: study(small(), [jn.Trials(2)], chunk={"trail": 1}), "trial"),
    ("must be", lambda: study(small(), [jn.Trials(2)], chunk="some"), "chunk"),
    ("different names", lambda: study(small(), [jn.Trials(2), jn.Trials(3)]), "axes"),
    ("same length", lambda: jn.Vary({"a": [1.0], "b": [1.0, 2.0]}), "Vary"),
    ("one for each of the 3 members", lambda: jn.Samples(np.zeros((3, 2)), labels=[1]), "labels"),
    ("must have the shape", lambda: study(small(), [jn.Samples(np.zeros((3, 5)))]), "Samples.data"),
]


@pytest.mark.parametrize(("rule", "act", "names"), BAD, ids=[f"{names}-{i}" for i, (_, _, names) in enumerate(BAD)])
def test_bad_input_is_refused_before_computing(
    rule: str, act: Any, names: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunked.Chunked, "compute", lambda *a: pytest.fail("it began to compute"))
    with pytest.raises(jn.InputError) as caught:
        act()
    assert rule in str(caught.value)
    assert names in str(caught.value)


def test_several_populations_get_dimensions_of_their_own() -> None:
    network = jn.networks.feedforward([4, 5, 3], key=0)
    statistics = {
        "hidden": jn.statistics.SpikeCount(population="hidden"),
        "output": jn.statistics.Mean("v", population="output"),
    }
    sim = jn.Simulation(network, {"input": jn.coding.Constant(1.0)}, duration=10.0, dt=1.0, statistics=statistics)
    data = study(sim, [jn.Trials(2)])
    assert data["hidden"].dims == ("trial", "hidden_neuron")
    assert data["output"].dims == ("trial", "output_neuron")
    assert {"health_hidden_silent", "health_output_silent"} <= set(data.data_vars)


@pytest.mark.slow
def test_bins_of_two_lengths_do_not_clash() -> None:
    statistics = {"fine": jn.statistics.BinnedCounts(5.0), "coarse": jn.statistics.BinnedCounts(10.0)}
    data = study(recurrent(4, duration=20.0, statistics=statistics), [jn.Trials(2)])
    assert data["fine"].dims[1:] == ("bin_fine", "cells_neuron")
    assert data["coarse"].dims[1:] == ("bin_coarse", "cells_neuron")
    assert jax.tree.map(int, (data.sizes["bin_fine"], data.sizes["bin_coarse"])) == (4, 2)
