"""The recurrent study: levels mean what they say, and the judges can say no."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from experiments import recurrent_noise as module
from helpers.statistical import assert_variance
from jaxsnn_noise.study import Progress, Verdict, load, run_study
from jaxsnn_noise.verdicts import NOT_MEASURED


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["additive", "poisson"])
def test_a_level_is_the_spread_of_the_free_membrane(kind: str) -> None:
    config = dataclasses.replace(module.TINY, stimulus_std=0.0, drive=0.0, duration=400.0, warmup=100.0)
    sim = module.set_level(module.simulation(kind, config), jnp.float32(0.2), config)
    silent = jn.paths.replace(sim, {"network.cells.neuron.v_threshold": 1e9})
    every = round(10 * config.tau_mem)  # ten time constants apart: independent to 5e-5
    statistics = {"v": jn.statistics.Trace(("v",), every=every)}
    data = jn.monte_carlo(silent, [jn.Trials(40)], key=5, statistics=statistics, progress=False)
    values = data["v_v"].values.ravel()
    assert_variance(values, 0.2**2, kurtosis=None)


@pytest.mark.slow
def test_the_tiny_preset_ends_in_verdicts(tmp_path: Any) -> None:
    loaded = load("recurrent_noise")  # its own module: that imported above is another
    run = run_study(loaded, loaded.preset("tiny"), tmp_path / "out")
    assert not run.errors
    assert {claim.name for claim in run.claims} == {c.name for c in module.CLAIMS}
    assert all(claim.judgement is not None for claim in run.claims)
    assert (tmp_path / "out" / "report.html").stat().st_size > 10_000


def made_up(*, cv: tuple[float, float], reliability: float, poisson: float, correlation: float) -> Any:
    import xarray

    kinds = list(module.DEFAULT.kinds)
    rng = np.random.default_rng(1)
    jitter = 0.001 * rng.normal(size=(4, 2, 1, 20))
    coords = {"kind": kinds, "level": [0.0, 0.2]}
    dims = ("kind", "level", "wiring", "trial")
    rates = 20.0 * np.ones((4, 2, 1, 20)) + jitter
    rates[kinds.index("poisson")] *= poisson
    members = {
        "rate": ((*dims, "cells_neuron"), rates[..., None]),
        "cv": ((*dims, "cells_neuron"), (np.array(cv)[None, :, None, None] + jitter)[..., None]),
        "correlation": (dims, correlation + jitter),
    }
    ends = {
        k: (dims[:3], np.broadcast_to([[1.0], [v]], (4, 2, 1)).copy())
        for k, v in (("reliability", reliability), ("low", reliability - 0.01), ("high", reliability + 0.01))
    }
    return {"members": xarray.Dataset(members, coords), "reliability": xarray.Dataset(ends, coords)}


def verdicts(data: Any) -> dict[str, Verdict]:
    return {c.name: c.judge(data, module.DEFAULT).verdict for c in module.CLAIMS}


def test_the_judges_say_yes_to_what_agrees_and_no_to_what_does_not() -> None:
    good = verdicts(made_up(cv=(0.1, 0.4), reliability=0.5, poisson=1.0, correlation=0.01))
    assert set(good.values()) == {Verdict.REPRODUCED}
    bad = verdicts(made_up(cv=(0.4, 0.1), reliability=0.99, poisson=1.2, correlation=0.3))
    assert bad.pop("repeats_exactly") is Verdict.REPRODUCED  # the made-up data repeat at level 0
    assert set(bad.values()) == {Verdict.NOT_REPRODUCED}


def test_a_kind_that_is_left_out_leaves_its_claim_open_and_says_so() -> None:
    few = dataclasses.replace(module.DEFAULT, kinds=("additive", "threshold"))
    data = made_up(cv=(0.1, 0.4), reliability=0.5, poisson=1.0, correlation=0.01)
    found = {c.name: c.judge(data, few) for c in module.CLAIMS}
    assert found["diffusion_limit"].why == NOT_MEASURED
    with pytest.raises(ValueError, match="kinds must have additive among them"):
        dataclasses.replace(module.DEFAULT, kinds=("poisson",))


@pytest.mark.slow
def test_rasters_that_were_kept_are_those_of_the_members_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    small = dataclasses.replace(module.TINY, size=20, trials=3, duration=60.0, warmup=20.0)
    kept = module.measure(small, Progress())["rasters"]
    monkeypatch.setattr(module, "RASTER_BYTES", 0.0)
    again = module.measure(small, Progress())["rasters"]
    np.testing.assert_array_equal(kept["raster"], again["raster"])
    assert kept["raster"].values.any()
