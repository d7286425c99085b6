"""Laws that every estimator of gradients keeps. Members are found."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.discovery import label, members
from jaxsnn_noise.gradients import Estimator, Flip, Pathwise

MEMBERS = members(Estimator)
each = pytest.mark.parametrize("cls", MEMBERS, ids=label)
LEAVES = ["inputs.cells.values", "network.cells.neuron.tau_mem"]


def simulation(cls: type[Estimator]) -> jn.Simulation:
    if issubclass(cls, Pathwise):
        cells: Any = jn.Population(jn.neurons.LeakyIntegrator(3, tau_mem=10.0))
    else:
        cells = jn.Population(jn.neurons.LIF(3, tau_mem=10.0, refractory=1.0))
    if issubclass(cls, Flip):
        cells = jn.Population(cells.neuron, firing=jn.NoisyThreshold(0.2))
    cells = jn.Population(
        cells.neuron, firing=cells.firing, noise={"m": jn.noise.VoltageNoise(jn.noise.Diffusion(0.2))}
    )
    statistics = {"v": jn.statistics.Mean("v"), "last": jn.statistics.Last("v")}
    inputs = {"cells": jn.coding.Constant(1.0)}
    return jn.Simulation(jn.Network({"cells": cells}), inputs, duration=20.0, dt=0.5, warmup=2.0, statistics=statistics)


def test_the_known_estimators_are_found() -> None:
    assert {"FiniteDifference", "Flip", "NoiseDensity", "Pathwise", "Score", "SurrogateGradient"} <= {
        c.__name__ for c in MEMBERS
    }


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Score. .* falsely certain")
@each
def test_values_are_those_of_simulate_and_batches_change_nothing(cls: type[Estimator]) -> None:
    sim, estimator = simulation(cls), cls.example()
    found = estimator(sim, ["v", "last"], LEAVES, trials=7, key=3, at_once=7)
    runs = jn.monte_carlo(sim, [jn.Trials(7)], key=3, progress=False)
    for i, name in enumerate(found.outputs):
        each_trial = np.asarray(runs[name].mean("cells_neuron"), np.float64)
        np.testing.assert_allclose(found.value[i], each_trial.mean(), rtol=1e-5)
        np.testing.assert_allclose(found.value_error[i], each_trial.std(ddof=1) / 7**0.5, rtol=1e-3)
    assert found.gradient.shape == found.error.shape == (2, 2)
    assert np.isfinite(found.gradient).all()
    assert (found.error >= 0).all()
    batches = estimator(sim, ["v", "last"], LEAVES, trials=7, key=3, at_once=3)
    np.testing.assert_allclose(batches.gradient, found.gradient, rtol=2e-3, atol=1e-4)
    assert set(found.dataset().data_vars) >= {"value", "gradient", "error", "elasticity"}
    assert found.diagnostics["simulations"] >= 7


@each
def test_names_are_looked_at_before_anything_is_computed(cls: type[Estimator]) -> None:
    sim, estimator = simulation(cls), cls.example()
    for outputs, leaves in (
        (["w"], LEAVES),
        (["v"], ["network.cells.neuron.tau_me"]),
        (["v"], []),
        (["v", "v"], LEAVES),
    ):
        with pytest.raises(jn.InputError):
            estimator(sim, outputs, leaves, trials=4, key=0)
