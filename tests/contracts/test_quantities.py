"""Laws that every quantity keeps. Members are found."""

from __future__ import annotations

import jax
import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.discovery import label, members
from jaxsnn_noise.gradients import Quantity
from jaxsnn_noise.gradients.estimator import STEP
from jaxsnn_noise.gradients.quantities import reading

MEMBERS = members(Quantity)


def simulation() -> jn.Simulation:
    cells = jn.Population(jn.neurons.LIF(2), firing=jn.NoisyThreshold(0.3))
    statistics = {"rate": jn.statistics.Rate(), "v": jn.statistics.Mean("v")}
    return jn.Simulation(
        jn.Network({"c": cells}), {"c": jn.coding.Constant(1.1)}, duration=20.0, dt=1.0, statistics=statistics
    )


def test_the_known_quantities_are_found() -> None:
    assert {"FanoOfCounts", "Margin", "CVOfIntervals", "MeanOfIntervals", "TrialLoss", "WrongAnswers"} <= {
        c.__name__ for c in MEMBERS
    }


@pytest.mark.parametrize("cls", MEMBERS, ids=label)
def test_it_has_as_many_moments_as_it_says_and_is_analytic(cls: type[Quantity]) -> None:
    one, sim = cls.example(), simulation()
    size = one.size(sim)
    shapes = jax.eval_shape(lambda: one.moments(jn.simulate(reading(sim, [one]), key=0), sim))
    assert shapes.shape == (size,)
    assert one.units(sim)
    assert one.name
    means = np.linspace(1.0, 1.5, size) if cls.linear else np.repeat([2.0, 30.0, 500.0][: len(one.fields)], 2)  # type: ignore[attr-defined]
    for k in range(size):
        moved = means + 1j * STEP * (np.arange(size) == k)
        h = 1e-5 * (np.arange(size) == k)
        slope = (one.of(means + h) - one.of(means - h)) / 2e-5
        np.testing.assert_allclose(np.imag(one.of(moved)) / STEP, slope, rtol=1e-5, atol=1e-8)
    assert one.of(np.stack([means, means])).shape == (2,)
