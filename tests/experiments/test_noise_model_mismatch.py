"""The study of wrong noise models: variances are equal where it says so, and the judges can say no."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

import jaxsnn_noise as jn
from experiments import noise_model_mismatch as module
from helpers.statistical import assert_mean
from jaxsnn_noise import theory
from jaxsnn_noise.study import Progress, Verdict, load, run_study
from jaxsnn_noise.verdicts import NOT_MEASURED

CONFIG = dataclasses.replace(module.DEFAULT, networks=8, images=40, trials=20)


def correlation(kind: str, lag: np.ndarray) -> np.ndarray:
    """Autocorrelation of the current at lags [ms]."""
    if kind == "flicker":
        processes = jn.noise.PowerLaw(1.0, *module.BAND).processes
        band = {"f_low_hz": module.BAND[0], "f_high_hz": module.BAND[1]}
        return np.asarray(theory.power_law_autocovariance(lag, 1.0, **band, processes=processes))
    if kind == "telegraph":
        return np.asarray(theory.telegraph_autocovariance(lag, *module.SWITCHES))
    return (lag == 0).astype(float)


@pytest.mark.parametrize("kind", module.KINDS)
@pytest.mark.parametrize("dt", [0.5, 1.0])
def test_amplitudes_give_the_membrane_its_level_by_the_sum_over_all_pairs_of_steps(kind: str, dt: float) -> None:
    tau, level, n = 10.0, 0.5, np.arange(600)
    kernel = -np.expm1(-dt / tau) * np.exp(-dt * n / tau)
    pairs = correlation(kind, dt * np.abs(n[:, None] - n[None]))
    std = module.amplitude(kind, "membrane", level, tau_mem=tau, dt=dt)
    assert std * np.sqrt(kernel @ pairs @ kernel) == pytest.approx(level, rel=1e-6)
    same = module.amplitude(kind, "source", level, tau_mem=tau, dt=dt)
    assert same == module.amplitude("white", "membrane", level, tau_mem=tau, dt=dt)


@pytest.mark.slow
def test_free_membranes_of_all_kinds_have_one_variance() -> None:
    config = dataclasses.replace(module.TINY, neurons=200, duration=4000.0, drive=0.0)
    sim = module.one_neuron(config)
    level = 0.3
    values: dict[str, Any] = {}
    for kind in module.KINDS:
        std = module.amplitude(kind, "membrane", level, tau_mem=config.tau_mem, dt=0.5)
        values[f"network.{kind}.noise.x.amplitude.sigma"] = std
        values[f"network.{kind}.neuron.v_threshold"] = 1e9
    statistics = {kind: jn.statistics.Trace("v", population=kind, every=40) for kind in module.KINDS}
    data = jn.simulate(jn.paths.replace(sim, values), key=0, statistics=statistics)
    for kind in module.KINDS:
        assert_mean(np.square(np.asarray(data[kind].v, float)).mean(axis=0), level**2)


def made_up(*, points: float = 0.0, rate: float = 1.0, cv: float = 1.0) -> Any:
    """Data in which every other kind differs from white noise by so much, with a little scatter."""
    import xarray

    rng = np.random.default_rng(0)
    kinds, matched = list(module.KINDS), list(module.MATCHED)
    shape = (8, 4, 2, len(CONFIG.levels), 1, 40)
    correct = np.full(shape, 0.9) + 0.01 * rng.normal(size=(8, 1, 1, 1, 1, 40))
    correct[:, 1:] += points / 100 + 1e-3 * rng.normal(size=(8, 3, 2, len(CONFIG.levels), 1, 40))
    dims = ("seed", "kind", "matched", "level", "trial", "sample")
    coords = {"kind": kinds, "matched": matched}
    digits = xarray.Dataset({"correct": (dims, correct)}, coords | {"seed": range(8), "level": list(CONFIG.levels)})
    neuron = {}
    for what, factor in (("rate", rate), ("cv", cv)):
        values = 20.0 + 0.02 * rng.normal(size=(4, 2, len(CONFIG.spreads), 20))
        values[1:] *= factor
        neuron[what] = (("kind", "matched", "spread", "trial"), values)
    return {"neuron": xarray.Dataset(neuron, coords | {"spread": list(CONFIG.spreads)}), "digits": digits}


def verdicts(data: Any) -> dict[str, Verdict]:
    return {c.name: c.judge(data, CONFIG).verdict for c in module.CLAIMS}


def test_the_judges_say_yes_to_no_difference_and_no_to_one() -> None:
    assert set(verdicts(made_up()).values()) == {Verdict.REPRODUCED}
    for sign in (-1, 1):
        bad = made_up(points=3.0 * sign, rate=1 + 0.1 * sign, cv=1 + 0.1 * sign)
        assert set(verdicts(bad).values()) == {Verdict.NOT_REPRODUCED}


def test_classifiers_that_are_left_out_leave_their_claims_open() -> None:
    data = {"neuron": made_up()["neuron"]}
    found = {c.name: c.judge(data, CONFIG) for c in module.CLAIMS}
    assert all(found[f"accuracy_{kind}"].why == NOT_MEASURED for kind in module.OTHERS)
    with pytest.raises(ValueError, match="primary must be one of the levels"):
        dataclasses.replace(module.DEFAULT, primary=0.4)


@pytest.mark.slow
def test_the_tiny_preset_ends_in_verdicts(tmp_path: Any) -> None:
    loaded = load("noise_model_mismatch")
    run = run_study(loaded, loaded.preset("tiny"), tmp_path / "out")
    assert not run.errors
    assert all(claim.judgement is not None for claim in run.claims)
    assert (tmp_path / "out" / "report.html").stat().st_size > 10_000


@pytest.mark.slow
def test_cells_of_classifiers_are_those_of_runs_by_themselves() -> None:
    """One cell of the grid again, with its source alone and no axis over kinds."""
    config = dataclasses.replace(module.TINY, networks=1, images=30)
    found = module.measure(config, Progress())["digits"]
    assert found["correct"].shape == (1, 4, 2, 1, 1, 30)
    (train, (images, labels)) = module._images(config)
    fitted = jn.training.fit(
        lambda key: module.classifier(key, config), train, key=config.seed, epochs=config.epochs, batch_size=128,
        loss=jn.training.losses.CrossEntropy(scale=10.0), progress=False, check_start=False,
    )  # fmt: skip
    sources = {kind: module.source(kind) for kind in module.KINDS}
    sigma = module.amplitude("telegraph", "membrane", 0.5, tau_mem=config.tau_mem, dt=1.0)
    sim = jn.paths.replace(
        module.classifier(config.seed, config, sources), {"network.hidden.noise.telegraph.amplitude.sigma": sigma}
    )
    reads = {"output": jn.statistics.Mean("v", population="output")}
    axes = [fitted.axis(), jn.Trials(1), jn.Samples(images)]
    data = jn.monte_carlo(sim, axes, key=config.seed, statistics=reads, progress=False)
    right = data["output"].values[0].argmax(-1) == labels
    cell = found["correct"].sel(kind="telegraph", matched="membrane", level=0.5).isel(seed=0)
    np.testing.assert_array_equal(cell.values, right)
