"""Members are found by their labels, in what was computed, in what was derived from it, and from files in a new process."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.nets import SIGMA, recurrent
from jaxsnn_noise.ensemble import recall, selection

PATH = "network.cells.neuron.tau_mem"
MISMATCH = {"mismatch": jn.hardware.Mismatch(PATH, jn.laws.LogNormal(0.3), per="neuron")}
SIM = recurrent(6, duration=20.0, statistics={"rate": jn.statistics.Rate()}, imperfections=MISMATCH)
AXES = [jn.Sweep(SIGMA, [0.1, 0.4, 0.8], name="sigma"), jn.Devices(3), jn.Trials(4)]
RASTER = {"raster": jn.statistics.Raster()}
COUNT = {"rate": jn.statistics.Rate()}


@pytest.fixture(scope="module")
def grid() -> jn.Grid:
    return jn.Grid(SIM, AXES, key=3)


@pytest.fixture(scope="module")
def result(grid: jn.Grid) -> Any:
    return jn.monte_carlo(grid, progress=False)


def again(result: Any, grid: Any = None, **sel: Any) -> np.ndarray:
    found = jn.replay(result, grid, sel=sel, statistics=COUNT, progress=False)
    return np.asarray(found["rate"].values)


def test_a_label_is_found_by_its_value(result: Any) -> None:
    rates = result["rate"].values
    np.testing.assert_array_equal(again(result, sigma=0.4, device=2, trial=1), rates[1, 2, 1])
    np.testing.assert_array_equal(again(result, sigma=np.float32(0.8), device=0, trial=np.int64(3)), rates[2, 0, 3])


@pytest.mark.parametrize(
    ("sel", "told"),
    [
        ({"sigma": 0.1, "device": 1, "trial": 1.9}, r"replay.sel\['trial'\]: must be the label of a member"),
        ({"sigma": 0.1, "device": True, "trial": 1}, r"replay.sel\['device'\]: must be the label of a member"),
        ({"sigma": 0, "device": 1, "trial": 1}, r"replay.sel\['sigma'\].*Known: 0.1, 0.4"),
        ({"sigma": "0.1"}, r"replay.sel\['sigma'\]: must be the label"),
        ({"sigma": 0.1 + 1e-6}, r"replay.sel\['sigma'\]: must be the label"),
        ({"trial": 4}, r"replay.sel\['trial'\]: must be the label"),
        ({"trial": -1}, r"replay.sel\['trial'\]: must be the label"),
        ({"trail": 1}, r"replay.sel: unknown name; got 'trail'. Did you mean 'trial'"),
        ({"trial": slice(0, 2)}, r"must be a label or a list of labels"),
        ({"trial": []}, r"needs at least one label"),
    ],
)
def test_anything_else_is_refused(result: Any, sel: Any, told: str) -> None:
    with pytest.raises(jn.InputError, match=told):
        jn.replay(result, sel=sel, statistics=COUNT)


DERIVED = {
    "isel of one": lambda d: d.isel(trial=[2]),
    "isel away": lambda d: d.isel(trial=2),
    "sel": lambda d: d.sel(device=[2, 0]),
    "sortby": lambda d: d.sortby("sigma", ascending=False),
    "roll": lambda d: d.roll(trial=1, roll_coords=True),
    "reindex": lambda d: d.reindex(trial=[3, 1, 0]),
    "tail": lambda d: d.tail(trial=2),
    "transposed": lambda d: d.transpose("trial", ...),
    "where": lambda d: d.where(d.sigma > 0.2, drop=True),
    "copied": lambda d: d.copy(deep=True),
    "a pickle": lambda d: pickle.loads(pickle.dumps(d)),
}


@pytest.mark.parametrize("name", DERIVED)
def test_what_is_shown_is_what_is_run(result: Any, name: str) -> None:
    """Whatever was done to the result: each position shows the member that runs there."""
    derived = DERIVED[name](result)
    first = {dim: derived[dim].values[0] for dim in ("sigma", "device", "trial") if derived[dim].ndim}
    found = jn.replay(derived, sel=first, statistics=COUNT, progress=False)
    shown = derived["rate"].sel(first).transpose("cells_neuron")
    np.testing.assert_array_equal(found["rate"].values, shown.values)


@pytest.mark.slow
def test_open_dimensions_are_run_as_they_are_shown(result: Any) -> None:
    shown = result.isel(trial=[3, 0]).sel(device=1, sigma=[0.8, 0.1])
    found = jn.replay(shown, statistics={**COUNT, **RASTER}, progress=False)
    assert found["rate"].dims == ("sigma", "trial", "cells_neuron")
    assert found["device"].item() == 1
    np.testing.assert_array_equal(found["rate"].values, shown["rate"].values)
    several = jn.replay(result, sel={"device": [2, 0], "trial": 1}, statistics=COUNT, progress=False)
    np.testing.assert_array_equal(several["rate"].values, result["rate"].values[:, [2, 0], 1])


def test_a_number_beside_that_of_single_precision_is_met() -> None:
    values = np.float32([0.0, np.nextafter(np.float32(0.1), np.float32(1)), 0.3])
    beside = jn.Grid(SIM, [jn.Sweep(SIGMA, values, name="sigma")], key=0)
    at = selection.positions("it", beside.labels, {"sigma": [0.1, 0.0]})
    assert at["sigma"].tolist() == [1, 0]
    for label in (0.10001, 1e-9):
        with pytest.raises(jn.InputError, match="must be the label of a member"):
            selection.positions("it", beside.labels, {"sigma": label})
    both = jn.Grid(SIM, [jn.Sweep(SIGMA, np.float32([0.1, values[1]]), name="sigma")], key=0)
    assert selection.positions("it", both.labels, {"sigma": 0.1})["sigma"] == 0  # exactly this one


def test_a_label_that_two_members_have_is_refused(result: Any) -> None:
    import xarray

    twice = xarray.concat([result, result.isel(trial=[0])], "trial", data_vars="all")
    with pytest.raises(jn.InputError, match="must be the label of one member, and 2 have it"):
        jn.replay(twice, sel={"trial": 0, "device": 0, "sigma": 0.1}, statistics=COUNT)
    hidden = result.isel(trial=[1, 2])
    with pytest.raises(jn.InputError, match=r"in the result: must be the label of a member"):
        jn.replay(hidden, sel={"trial": 0, "device": 0, "sigma": 0.1}, statistics=COUNT)
    same = jn.Grid(SIM, [jn.Sweep(SIGMA, [0.1, 0.1], name="sigma")], key=0)
    with pytest.raises(jn.InputError, match="2 have it"):
        jn.replay(same, sel={"sigma": 0.1}, statistics=COUNT)


def test_another_grid_is_refused(result: Any) -> None:
    for other in (jn.Grid(SIM, AXES, key=4), jn.Grid(jn.paths.replace(SIM, {PATH: 19.0}), AXES, key=3)):
        with pytest.raises(jn.InputError, match=r"replay.grid: must be that of the result"):
            jn.replay(result, other, sel={"trial": 0}, statistics=COUNT)


def test_a_result_of_another_process_needs_its_grid(
    result: Any, grid: jn.Grid, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recall, "_RECENT", type(recall._RECENT)())
    sel = {"sigma": 0.1, "device": 1, "trial": 1}
    with pytest.raises(jn.InputError, match=r"replay: needs grid="):
        jn.replay(result, sel=sel, statistics=COUNT)
    np.testing.assert_array_equal(again(result, grid, **sel), result["rate"].values[0, 1, 1])


def test_the_axes_and_what_they_set_are_a_part_of_the_fingerprint(grid: jn.Grid) -> None:
    def of(*axes: Any, sim: Any = SIM, key: int = 3) -> str:
        return str(jn.Grid(sim, axes, key=key).fingerprint)

    def vary(by: float, labels: Any = None) -> Any:
        return jn.Vary([0.1, 0.2], by=lambda s, v: jn.paths.replace(s, {SIGMA: v * by}), labels=labels)

    found = [
        of(*AXES), of(*AXES, key=4), of(*AXES[:2], jn.Trials(5)), of(*AXES[:2], jn.Trials(4, name="day")),
        of(vary(1.0)), of(vary(2.0)), of(vary(1.0, labels=["a", "b"])), of(vary(1.0, labels=["b", "a"])),
    ]  # fmt: skip
    assert len(set(found)) == len(found)
    assert of(vary(1.0)) == found[4]
    assert found[0] == grid.fingerprint


@pytest.mark.slow
def test_the_network_of_a_chip(grid: jn.Grid, result: Any) -> None:
    chips = [jn.chip(grid, sel={"sigma": 0.4, "device": i}) for i in range(3)]
    taus = [np.asarray(one.populations["cells"].neuron.tau_mem) for one in chips]
    assert not np.array_equal(taus[0], taus[1])
    assert float(chips[0].populations["cells"].noise["membrane"].amplitude.sigma) == np.float32(0.4)
    with_it = jn.Simulation(chips[2], SIM.inputs, duration=20.0, dt=SIM.dt, warmup=SIM.warmup, statistics=COUNT)
    one = jn.simulate(with_it, key=3, address=jn.Address.of({"device": 2, "trial": 3}))
    np.testing.assert_array_equal(one["rate"], result["rate"].values[1, 2, 3])
    of_result = jn.chip(result.sel(sigma=0.4), sel={"device": 1})
    np.testing.assert_array_equal(of_result.populations["cells"].neuron.tau_mem, taus[1])


def test_a_chip_needs_every_axis_that_changes_it(grid: jn.Grid) -> None:
    with pytest.raises(
        jn.InputError, match=r"chip.sel: must select one label of 'sigma', on which the network depends"
    ):
        jn.chip(grid, sel={"device": 0})
    with pytest.raises(jn.InputError, match=r"must select one label of 'device'"):
        jn.chip(grid, sel={"sigma": 0.1})
    spread = jn.Grid(SIM, [jn.Sweep("imperfections.mismatch.law.cv", [0.1, 0.2], name="cv"), jn.Devices(2)], key=0)
    with pytest.raises(jn.InputError, match=r"must select one label of 'cv'"):
        jn.chip(spread, sel={"device": 0})
    cases = jn.Grid(jn.Cases({"a": SIM, "b": SIM}), [jn.Devices(2)], key=0)
    with pytest.raises(jn.InputError, match=r"chip.sel: must select one case"):
        jn.chip(cases, sel={"device": 0})
    assert jn.chip(cases, sel={"device": 0, "case": "b"})


def test_axes_may_come_from_a_generator(grid: jn.Grid) -> None:
    made = jn.Grid(SIM, (axis for axis in AXES), key=3)
    assert (made.sizes, made.fingerprint) == (grid.sizes, grid.fingerprint)
    with pytest.raises(jn.InputError, match="need different names"):
        jn.Grid(SIM, (axis for axis in [*AXES, AXES[2]]), key=3)


def test_a_grid_stands_for_its_arguments(grid: jn.Grid, result: Any) -> None:
    np.testing.assert_array_equal(result["rate"], jn.monte_carlo(SIM, AXES, key=3, progress=False)["rate"])
    assert (grid.members, grid.sizes) == (36, {"sigma": 3, "device": 3, "trial": 4})
    for name, value in {"axes": AXES, "key": 3}.items():
        with pytest.raises(jn.InputError, match=f"monte_carlo.{name}: must be left out with a Grid"):
            jn.monte_carlo(grid, **{name: value})
    with pytest.raises(jn.InputError, match=r"monte_carlo.key: must be a root key"):
        jn.monte_carlo(SIM, [jn.Trials(3)])


SCRIPT = """
import sys
import numpy as np
import jaxsnn_noise as jn
folder = sys.argv[1]
data = jn.load(folder + "/result.nc")
one = jn.replay(data.isel(trial=[2]), folder + "/store", sel={"device": 1, "sigma": 0.4},
    statistics={"rate": jn.statistics.Rate(), "raster": jn.statistics.Raster()}, progress=False)
np.testing.assert_array_equal(one["rate"].values, data["rate"].sel(device=1, sigma=0.4).isel(trial=[2]).values)
other = jn.replay(folder + "/grid.jsnn", sel={"device": 0, "sigma": 0.8, "trial": 3},
    statistics={"rate": jn.statistics.Rate()}, progress=False)
np.testing.assert_array_equal(other["rate"].values, data["rate"].values[2, 0, 3])
assert jn.chip(folder + "/store", sel={"device": 0, "sigma": 0.8}).populations
"""


class Mine(jn.neurons.LIF):
    """A neuron of one's own."""


def test_a_grid_in_a_store_that_holds_a_class_of_ones_own_is_read_with_it(tmp_path: Path) -> None:
    network = jn.Network({"cells": jn.Population(Mine(2))})
    sim = jn.Simulation(network, {"cells": jn.coding.Constant(1.2)}, duration=30.0, dt=1.0, statistics=COUNT)
    store = tmp_path / "store"
    result = jn.monte_carlo(sim, [jn.Trials(2)], key=0, store=store, progress=False)
    with pytest.raises(jn.InputError, match=r"neuron: holds something that the reader must give: own="):
        jn.replay(result, store, sel={"trial": 1}, statistics=COUNT, progress=False)
    for first, second in ((result, store), (store, None)):
        back = jn.replay(first, second, sel={"trial": 1}, statistics=COUNT, own=[Mine], progress=False)
        np.testing.assert_array_equal(back["rate"], result["rate"][1])
    assert type(jn.chip(store, own=[Mine]).cells()["cells"].neuron) is Mine


@pytest.mark.slow
def test_a_new_process_replays_from_files(tmp_path: Path, grid: jn.Grid) -> None:
    result = jn.monte_carlo(grid, store=tmp_path / "store", progress=False)
    jn.save(tmp_path / "result.nc", result)
    jn.save(tmp_path / "grid.jsnn", grid)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT, str(tmp_path)], cwd=Path(__file__).parents[1], capture_output=True,
        text=True, timeout=250, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
