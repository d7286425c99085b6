"""The study of Brunel's network: the theory stays where the size changes, and the judges can say no."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

import experiments.brunel as module
import jaxsnn_noise as jn
from experiments.brunel import claims
from jaxsnn_noise import theory
from jaxsnn_noise.study import Progress, Verdict, load, run_study
from jaxsnn_noise.verdicts import NOT_MEASURED

WANTED = {"A": 327.0, "B": 55.84, "C": 37.95, "D": 6.52}


def test_the_theory_has_the_rates_of_the_paper() -> None:
    for panel, rate in WANTED.items():
        assert module.theory_of(panel)["rate_hz"] == pytest.approx(rate, rel=2e-3)
    assert module.theory_of("C")["cv"] == pytest.approx(0.675, abs=1e-3)


@pytest.mark.parametrize("panel", ["B", "C", "D"])
def test_theory_is_the_same_at_every_size(panel: str) -> None:
    (g, eta), at = module.PANELS[panel], module.theory_of(panel)
    for degree in (40, 100, 1000):
        mean, sigma = theory.brunel_drive(
            at["rate_hz"],
            external_hz=eta * module.REACHING_HZ,
            jump=module.weight_of(degree),
            inhibition=g,
            excitatory=degree,
            inhibitory=degree / 4,
            external=degree,
            tau_mem=20.0,
        )
        assert float(sigma) == pytest.approx(at["sigma"])
        assert float(mean) + module.constant_of(panel, degree) == pytest.approx(at["mean"])
    assert module.constant_of(panel, 1000) == 0


@pytest.mark.slow
def test_graphs_are_exact_and_of_each_network() -> None:
    first, second = (module.of_panel(module.TINY, "C", k) for k in (0, 1))
    for name, sources, degree in (("excite", 400, 40), ("inhibit", 100, 10)):
        one, two = (sim.network.projections[name] for sim in (first, second))
        assert np.all(np.bincount(one.rows, minlength=500) == degree)
        assert not np.array_equal(one.columns, two.columns)
        assert np.ptp(one.columns) < sources


def made_up(**changed: float) -> Any:
    import xarray

    rng = np.random.default_rng(1)
    right = {
        "A": {"rate": 330.0, "cv": 0.001, "synchrony": 0.67, "peak_hz": 330.0, "peak": 5e5, "largest_step": 0.5},
        "B": {"rate": 58.5, "cv": 0.79, "synchrony": 0.5, "peak_hz": 185.0, "peak": 1e4},
        "C": {"rate": 37.5, "cv": 0.68, "synchrony": 0.2, "peak_hz": 110.0, "peak": 600.0},
        "D": {"rate": 5.5, "cv": 0.52, "synchrony": 0.43, "peak_hz": 20.0, "peak": 2500.0},
    }
    for key, value in changed.items():
        panel, name = key.split("_", 1)
        right[panel][name] = value
    names = ("rate", "cv", "synchrony", "peak_hz", "peak", "largest_step")
    columns = {
        name: (
            ("panel", "network"),
            np.array([[right[p].get(name, 0.01)] for p in "ABCD"]) * (1 + 1e-4 * rng.normal(size=(4, 6))),
        )
        for name in names
    }
    columns["miscounted"] = (("panel", "network"), np.full((4, 6), right["A"].get("miscounted", 0.0)))
    size = np.array([1250, 2500, 12_500])
    correlation = (
        1.0 / size[None, :, None] ** right["C"].get("exponent", 1.0) * np.exp(0.01 * rng.normal(size=(2, 3, 6)))
    )
    sizes = {"slow_correlation": (("way", "neurons", "network"), correlation)}
    coords = {"way": list(module.WAYS), "neurons": size}
    return {"panels": xarray.Dataset(columns, {"panel": list("ABCD")}), "sizes": xarray.Dataset(sizes, coords)}


def verdicts(data: Any, config: Any = module.DEFAULT) -> dict[str, Verdict]:
    found = module.settle({c.name: c.judge(data, config) for c in module.CLAIMS})
    return {name: one.verdict for name, one in found.items()}


def test_the_judges_say_yes_to_what_agrees() -> None:
    assert set(verdicts(made_up()).values()) == {Verdict.REPRODUCED}


@pytest.mark.parametrize(
    ("change", "claim"),
    [
        ({"C_rate": 40.0}, "c_rate"),
        ({"B_rate": 56.0}, "b_rate"),
        ({"D_rate": 6.5}, "d_rate"),
        ({"C_cv": 0.4}, "c_cv"),
        ({"A_cv": 0.3}, "a_regular"),
        ({"A_rate": 200.0}, "a_saturated"),
        ({"A_miscounted": 1.0}, "a_counted"),
        ({"A_largest_step": 0.02}, "a_together"),
        ({"C_cv": 0.2}, "c_irregular"),
        ({"A_synchrony": 0.3}, "a_synchronous"),
        ({"B_synchrony": 0.25}, "b_synchronous"),
        ({"D_synchrony": 0.25}, "d_synchronous"),
        ({"B_peak_hz": 80.0}, "b_fast"),
        ({"D_peak_hz": 80.0}, "d_slow"),
        ({"B_peak": 1000.0}, "b_peak"),
        ({"C_exponent": 0.5}, "falls_at_degree"),
        ({"C_exponent": 1.5}, "falls_at_probability"),
    ],
)
def test_a_judge_says_no(change: dict[str, float], claim: str) -> None:
    assert verdicts(made_up(**change))[claim] is Verdict.NOT_REPRODUCED


def test_values_without_spread_are_decided() -> None:
    held = claims.within([0.0, 0.0, 0.0], most=0.0)
    assert (held.verdict, held.p_reproduced, held.p_refuted) == (Verdict.REPRODUCED, 0.0, 1.0)
    missed = claims.within([1.0, 1.0, 1.0], most=0.0)
    assert (missed.verdict, missed.p_reproduced, missed.p_refuted) == (Verdict.NOT_REPRODUCED, 1.0, 0.0)
    assert claims.within([0.0, 2.0, 4.0], least=1.0).verdict is Verdict.UNDECIDED


def test_a_panel_that_is_left_out_leaves_its_claims_open() -> None:
    few = dataclasses.replace(module.DEFAULT, panels=("C",))
    data = made_up()
    found = {c.name: c.judge(data, few) for c in module.CLAIMS}
    assert {found[name].why for name in ("a_regular", "b_rate", "a_synchronous")} == {NOT_MEASURED}


def test_without_sizes_their_claims_stay_open() -> None:
    data = {"panels": made_up()["panels"]}
    found = {c.name: c.judge(data, module.TINY) for c in module.CLAIMS}
    assert [name for name, judged in found.items() if judged.why == NOT_MEASURED] == [
        "falls_at_degree",
        "falls_at_probability",
    ]
    with pytest.raises(ValueError, match="sizes must be none, or at least two"):
        dataclasses.replace(module.TINY, sizes=(200,))


@pytest.mark.slow
@pytest.mark.parametrize("sizes", [(), (200, 400)])
def test_the_tiny_preset_ends_in_verdicts(sizes: tuple[int, ...], tmp_path: Any) -> None:
    study = load("brunel")
    run = run_study(study, dataclasses.replace(study.preset("tiny"), sizes=sizes, long=200.0), tmp_path / "out")
    assert not run.errors
    assert {claim.name for claim in run.claims} == {c.name for c in module.CLAIMS}
    assert (tmp_path / "out" / "report.html").stat().st_size > 10_000


@pytest.mark.slow
def test_every_spike_of_a_step_in_which_half_the_network_fires_arrives() -> None:
    import jax.numpy as jnp

    sim = module.of_panel(module.DEFAULT, "A", 0)
    size = 12_500
    fired = np.random.default_rng(3).random(size) < 0.5
    for name, inputs in (("excite", 1000), ("inhibit", 250)):
        projection = sim.network.projections[name]
        strength = float(np.asarray(projection.weights).ravel()[0])
        counts = np.bincount(np.asarray(projection.rows)[fired[np.asarray(projection.columns)]], minlength=size)
        arrived = _transmitted(projection, jnp.asarray(fired, jnp.float32))
        used = arrived.sum() / counts.sum()  # exact sums hold weights on a grid
        assert math.isclose(used, strength, rel_tol=2**-13)
        np.testing.assert_allclose(arrived, counts * used, rtol=1e-5)  # one spike of a thousand would be 1e-3
        assert math.isclose(counts.mean(), inputs * fired.mean(), rel_tol=0.02)


def _transmitted(projection: Any, spikes: Any) -> np.ndarray:
    """What one step of spikes gives its targets, through a population of that size under nothing else."""
    size = spikes.shape[0]
    lone = jn.synapses.Sparse(
        "port", "cells", size=(size, size), rows=projection.rows, columns=projection.columns,
        weights=projection.weights, kinetics=jn.synapses.Delta(), delay=module.DELAY,
    )  # fmt: skip
    cells = jn.Population(jn.neurons.LeakyIntegrator(size, tau_mem=20.0))
    train = np.zeros((40, size), np.float32)
    train[0] = spikes
    sim = jn.Simulation(
        jn.Network({"port": jn.Port(size), "cells": cells}, {"feed": lone}),
        {"port": jn.coding.SpikeTrain(train)},
        duration=4.0,
        dt=0.1,
        statistics={"course": jn.statistics.Trace(("current",))},
    )
    return np.asarray(jn.simulate(sim, key=0)["course"].current).sum(axis=0) * 0.1


@pytest.mark.slow
def test_a_small_panel_is_measured_as_its_raster_says() -> None:
    config = dataclasses.replace(module.TINY, panels=("C",), networks=2)
    data = module.measure(config, Progress())["panels"].sel(panel="C")
    sim = module.of_panel(config, "C", 0)
    found = jn.simulate(sim, key=0, statistics={"raster": jn.statistics.Raster()})
    raster = np.asarray(jn.statistics.unpack(found["raster"], 2000))
    assert float(data["rate"][0]) == pytest.approx(raster.sum() / 500 / 0.2)
    assert float(data["largest_step"][0]) == pytest.approx(raster.sum(axis=1).max() / 500)
    assert np.array_equal(data["raster"], raster[:, :50])
