"""A floor under the membrane."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jaxsnn_noise as jn
from jaxsnn_noise.neurons import FlooredReset, Reset, ResetToValue


def potentials(reset: Reset) -> Any:
    """Neurons with ``v <- 0.8 v + 0.5 I``, each under its own current."""
    neuron = jn.neurons.LIF(6, tau_mem=-1.0 / np.log(0.8), resistance=0.5 / 0.2, reset=reset)
    sim = jn.Simulation(
        jn.Network({"cells": jn.Population(neuron)}),
        {"cells": jn.coding.Constant(np.linspace(-1.0, 2.0, 6))},
        duration=60.0,
        dt=1.0,
        statistics={"course": jn.statistics.Trace(("v",))},
    )
    return np.asarray(jn.simulate(sim, key=3)["course"].v)


def test_a_floor_holds_the_membrane_from_one_step_to_the_next_and_no_floor_does_nothing() -> None:
    free, plain, floored = map(potentials, (FlooredReset(), ResetToValue(), FlooredReset(floor=-0.5)))
    np.testing.assert_array_equal(free, plain)
    assert free.min() == pytest.approx(-2.5, abs=1e-4)  # R I, where the free membrane goes
    assert floored.min() == pytest.approx(0.8 * -0.5 + 0.5 * -1.0, abs=1e-6)  # one step from the floor
    np.testing.assert_array_equal(floored[:, -1], free[:, -1])


def test_a_floor_that_is_not_finite_is_refused() -> None:
    with pytest.raises(jn.InputError, match=r"FlooredReset.floor: must be finite \[mV\]"):
        FlooredReset(floor=np.nan)
