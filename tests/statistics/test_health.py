"""Health: every way of being ill shows, and only where it should."""

from __future__ import annotations

import numpy as np
import pytest

from jaxsnn_noise._checks import InputError
from jaxsnn_noise.statistics import Health, Symptoms, over_raster

QUIET = np.zeros((100, 4), np.float32)


def _health(raster: np.ndarray, v: np.ndarray = QUIET, current: np.ndarray = QUIET, **options: float) -> Symptoms:
    found: Symptoms = over_raster(Health(**options), raster, dt=1.0, voltage=v, current=current)
    return found


def test_silent_and_saturated_neurons_are_fractions_of_the_population() -> None:
    raster = np.zeros((100, 4), bool)
    raster[3, 1] = True
    raster[:50, 2] = True  # half of the steps is not yet more than half
    raster[:51, 3] = True
    health = _health(raster)
    assert health.silent == 0.25
    assert health.saturated == 0.25
    assert health.nonfinite == 0
    assert _health(raster, saturation=0.4).saturated == 0.5
    assert _health(raster, saturation=1.0).saturated == 0


@pytest.mark.parametrize("size", [1, 7, 41, 49])
def test_all_is_exactly_one(size: int) -> None:
    quiet = np.zeros((10, size), np.float32)
    assert _health(quiet, quiet, quiet).silent == 1
    assert _health(quiet + 1, quiet, quiet).saturated == 1
    assert _health(quiet + 1, quiet, quiet).silent == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", ["v", "current"])
def test_one_value_that_is_not_finite_makes_its_neuron_ill(bad: float, where: str) -> None:
    ill = QUIET.copy()
    ill[40, 2] = bad
    ill[60, 2] = bad
    assert _health(QUIET, **{where: ill}).nonfinite == 1
    ill[99, 0] = bad
    assert _health(QUIET, **{where: ill}).nonfinite == 2


def test_the_share_of_steps_lies_between_none_and_all() -> None:
    for share in (-0.1, 1.1, np.nan):
        with pytest.raises(InputError, match=r"Health\.saturation"):
            Health(share)


def test_a_neuron_that_is_not_finite_is_one_of_the_population_all_the_same() -> None:
    """Neither silent nor saturated, but counted among those of which the others are a fraction."""
    raster = np.zeros((100, 4), bool)
    raster[:90, 2:] = True
    broken = QUIET.copy()
    broken[7, 3] = np.nan
    health = _health(raster, broken)
    assert (int(health.nonfinite), float(health.silent), float(health.saturated)) == (1, 0.5, 0.25)
