"""The share of time below a level."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.nets import recurrent
from jaxsnn_noise import InputError
from jaxsnn_noise.statistics import FractionBelow, over_raster


def test_the_time_below_a_level_counts_neurons_and_steps() -> None:
    v = jnp.asarray([[-6.0, 0.0, -5.0], [-5.1, 1.0, -7.0]])
    assert float(over_raster(FractionBelow(-5.0), jnp.zeros((2, 3)), dt=1.0, voltage=v)) == pytest.approx(3 / 6)


def test_what_is_no_number_does_not_lie_below() -> None:
    v = jnp.asarray([[jnp.nan, -9.0]])
    assert float(over_raster(FractionBelow(0.0), jnp.zeros((1, 2)), dt=1.0, voltage=v)) == 0.5


def test_the_level_can_be_swept() -> None:
    sim = recurrent(4, duration=20.0, statistics={"below": FractionBelow(0.0), "course": jn.statistics.Trace(("v",))})
    data = jn.monte_carlo(sim, [jn.Sweep("statistics.below.level", [0.2, 0.6])], key=1, progress=False)
    for level, found, course in zip((0.2, 0.6), data["below"].values, data["course_v"].values, strict=True):
        assert found == pytest.approx(np.mean(course < np.float32(level)), abs=1e-6)


@pytest.mark.parametrize("level", [np.nan, np.inf])
def test_a_level_that_is_not_finite_is_refused(level: float) -> None:
    with pytest.raises(InputError, match=r"FractionBelow.level: must be finite \[mV\]"):
        FractionBelow(level)
