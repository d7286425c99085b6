"""What finds a new member by itself; run in a copy of the package that holds those of this folder (see the test of discovery)."""

from __future__ import annotations

import functools
import importlib
import re
import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.discovery import example, members
from jaxsnn_noise.engine.backend import Backend
from jaxsnn_noise.ensemble.axes.axis import Axis
from jaxsnn_noise.parameters import Ranged
from jaxsnn_noise.reduce.folds import MemberFold
from jaxsnn_noise.training.parameters import chosen
from jaxsnn_noise.training.transforms import Transform

sys.path.append(str(Path(__file__).parents[2] / "docs" / "_ext"))

FAMILIES = (Ranged, Backend, MemberFold, jn.neurons.Stepper, jn.synapses.Connectivity)
FOUND: dict[str, Any] = {
    cls.__name__: cls for base in FAMILIES for cls in members(base) if cls.__name__.startswith("Scratch")
}

SHOWN = {
    "network.cells.neuron.tau_quad": ("ms", "Positive", -1.0),
    "network.cells.neuron.v_low": ("mV", "Unbounded", None),
    "network.cells.neuron.v_unstable": ("mV", "Unbounded", None),
    "network.cells.neuron.v_cut": ("mV", "Unbounded", None),
    "network.cells.neuron.r_in": ("MOhm", "Positive", 0.0),
    "network.cells.firing.hazard": ("1/ms", "Positive", 0.0),
    "network.cells.firing.softness": ("mV", "Positive", -0.1),
    "network.cells.noise.trap.height": ("mV", "Positive", -0.1),
    "network.cells.noise.trap.dwell": ("ms", "Positive", 0.0),
    "network.cells.noise.mixed.amplitude.lsb": ("mV", "Positive", -0.1),
    "network.cells.noise.mixed.coupling.pivot": ("mV", "Positive", 0.0),
    "network.cells.noise.mixed.colour.echo": ("1", "Between", 1.5),
    "network.cells.noise.mixed.correlation.copied": ("1", "Between", -0.5),
    "network.cells.noise.mixed.distribution.offset": ("1", "Between", 1.0),
    "network.cells.combine.ceiling": ("nA", "Positive", 0.0),
    "network.old.neuron.reset.kept": ("1", "Between", 1.5),
    "network.old.firing.gradient.decay": ("1", "Above", 1.0),
    "network.recurrent.used": ("1", "Between", 1.5),
    "network.recurrent.tau_back": ("ms", "Positive", 0.0),
    "network.recurrent.kinetics.tau_peak": ("ms", "Positive", 0.0),
    "network.recurrent.sums.grain": ("nA", "Positive", 0.0),
    "inputs.cells.depth": ("1", "Between", 1.5),
    "inputs.cells.period": ("ms", "Positive", 0.0),
    "imperfections.stuck.level": ("nA", "Unbounded", None),
    "imperfections.stuck.share": ("1", "Between", 1.5),
    "imperfections.spread.law.modulus": ("1", "Positive", 0.0),
    "statistics.above.bar": ("mV", "Unbounded", None),
}
"""From the path of each parameter to its unit, the transform of its range, and a value outside."""

REST = {
    "ScratchAxis": {"start": "that of the leaf that they set", "stop": "that of the leaf that they set"},
    "ScratchLoss": {"lead": "mV"},
    "ScratchTransform": {"bend": "that of the leaf that is transformed"},
}
"""The parameters of members that are no part of a simulation, with the units that the reference tells."""


@functools.cache
def simulation() -> jn.Simulation:
    """One that is made of new members."""
    new = {name.removeprefix("Scratch").lower(): example(cls) for name, cls in FOUND.items() if name != "ScratchNeuron"}
    policies = {name: new[name] for name in ("amplitude", "coupling", "colour", "correlation", "distribution")}
    neuron, model = FOUND["ScratchNeuron"].example(), FOUND["ScratchProjection"]
    populations = {
        "cells": jn.Population(
            neuron,
            firing=new["firing"],
            combine=new["combine"],
            noise={"trap": new["source"], "mixed": jn.noise.VoltageNoise(**policies)},
        ),
        "moved": jn.Population(neuron, stepper=new["stepper"]),
        "old": jn.Population(jn.neurons.LIF(5, reset=new["reset"]), firing=jn.HardThreshold(new["surrogate"])),
    }
    parts = {"kinetics": new["kinetics"], "sums": new["sums"]}
    drawn = jn.synapses.Sparse.drawn("cells", "old", new["connectivity"], size=(5, 5), key=1, weights=3.0)
    projections = {"recurrent": model("cells", "cells", 0.5 * np.ones((5, 5)), **parts), "drawn": drawn}
    spread = jn.hardware.Mismatch("network.old.neuron.tau_mem", new["law"], per="neuron")
    return jn.Simulation(
        jn.Network(populations, projections),
        {"cells": new["input"], "moved": jn.coding.Constant(1.0)},
        imperfections={"stuck": new["imperfection"], "spread": spread},
        statistics={
            "above": type(new["statistic"])(0.1, population="cells"),
            "v": jn.statistics.Last("v", population="old"),
        },
        duration=8.0,
        dt=1.0,
    )


@functools.cache
def lines() -> list[str]:
    return [line.strip() for line in jn.report(simulation()).splitlines()]


def test_scratch_members_are_all_found() -> None:
    files = [path for path in Path(__file__).parent.glob("*.py") if path.name not in ("__init__.py", "used.py")]
    # the states of members are no members
    assert len([name for name in FOUND if name not in ("ScratchAlpha", "ScratchResources")]) == len(files)


@pytest.mark.parametrize("path", SHOWN)
def test_scratch_a_report_shows_each_parameter_with_its_unit(path: str) -> None:
    (shown,) = [line for line in lines() if line.startswith(f"{path} = ")]
    assert shown.endswith(f"[{SHOWN[path][0]}]")


def test_scratch_no_other_parameter_is_left_without_a_test() -> None:
    known = (*SHOWN, "network.old.firing.gradient.sharpness", "network.recurrent.weights", "inputs.cells.values")
    names = ("network.cells.", "network.recurrent.", "inputs.cells.", "imperfections.", "statistics.above.")
    here = [path for path in jn.paths.leaves(simulation()) if path.startswith(names)]
    assert sorted(set(here) - set(known)) == []


@pytest.mark.parametrize("path", SHOWN)
def test_scratch_training_takes_the_transform_of_the_range(path: str) -> None:
    ((found, transform),) = chosen(simulation(), path).pairs()
    assert (found, type(transform).__name__) == (path, SHOWN[path][1])


def test_scratch_a_new_transform_is_taken_where_it_is_named() -> None:
    path = "network.cells.neuron.tau_quad"
    wanted = FOUND["ScratchTransform"].example()
    ((_, transform),) = chosen(simulation(), path, {path: wanted}).pairs()
    assert isinstance(transform, Transform)
    assert transform is wanted


@pytest.mark.parametrize("path", SHOWN)
def test_scratch_a_sweep_has_units_and_refuses_what_is_out_of_range(path: str) -> None:
    unit, _, bad = SHOWN[path]
    values = np.asarray(jn.paths.get(simulation(), path)).ravel()[:1]
    assert jn.Sweep(path, values).attributes(simulation()) == {"units": unit, "path": path}
    if bad is not None:
        axes = [jn.Sweep(path, [float(values[0]), bad], name="swept")]
        with pytest.raises(jn.InputError, match=rf"{path}: must .*\[{unit}\]; got {bad}"):
            jn.monte_carlo(simulation(), axes, key=0, progress=False)


def test_scratch_members_run_together_over_a_new_axis() -> None:
    path = "network.cells.neuron.tau_quad"
    axis: Axis = FOUND["ScratchAxis"](path, 10.0, 40.0, n=2)
    found = jn.monte_carlo(simulation(), [axis, jn.Devices(2)], key=1, progress=False)
    assert found["ratio"].attrs == {"units": "ms", "path": path}
    np.testing.assert_allclose(found["ratio"], [10.0, 40.0])
    assert found["above"].attrs["units"] == "mV"
    assert np.isfinite(found["above"]).all()
    assert (found["above"].isel(ratio=0) != found["above"].isel(ratio=1)).any()
    assert (found["v"].isel(device=0) != found["v"].isel(device=1)).any()


@pytest.mark.slow
def test_scratch_members_have_the_numbers_of_the_house_on_a_new_backend_in_test_backends() -> None:
    ours, others = (
        jn.simulate(simulation(), key=1, backend=backend) for backend in (jn.Scan(), FOUND["ScratchBackend"].example())
    )
    for name in ours:
        for one, other in zip(jax.tree.leaves(ours[name]), jax.tree.leaves(others[name]), strict=True):
            np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("name", FOUND)
def test_scratch_the_reference_has_a_table_of_its_parameters(name: str) -> None:
    reference: Any = importlib.import_module("reference")
    text = "\n".join(reference.entry(FOUND[name].__module__, name))
    assert f"autoclass:: {FOUND[name].__module__}.{name}" in text
    wanted = dict(REST.get(name, {}))
    for path, (unit, _, _) in SHOWN.items():
        parent, _, leaf = path.rpartition(".")
        if type(jn.paths.get(simulation(), parent)).__name__ == name:
            wanted[leaf] = unit
    assert ("list-table" in text) is bool(wanted)
    for leaf, unit in wanted.items():
        assert re.search(rf"- ``{leaf}``\n +- ({re.escape(unit)}|that of [^\n]*)\n", text), leaf
