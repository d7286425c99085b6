"""Folding a stored raster: what may be given, and what must be."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsnn_noise._checks import InputError
from jaxsnn_noise.statistics import Frame, Health, Maximum, Mean, SpikeCount, VoltageMoments, over_raster

RASTER = np.array([[1, 0], [1, 1], [0, 0]])


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float32, np.float64])
def test_any_dtype_of_zeros_and_ones_is_a_raster(dtype: type) -> None:
    np.testing.assert_array_equal(over_raster(SpikeCount(), RASTER.astype(dtype), dt=1.0), [2, 1])


def test_a_batch_is_a_vmap() -> None:
    rasters = jnp.stack([jnp.asarray(RASTER), 1 - jnp.asarray(RASTER)])
    got = jax.vmap(lambda r: over_raster(SpikeCount(), r, dt=1.0))(rasters)
    np.testing.assert_array_equal(got, [[2, 1], [1, 2]])


def test_each_variable_comes_from_its_argument() -> None:
    courses = {"voltage": 1.0, "current": 2.0, "threshold": 3.0, "output": 4.0}
    arrays = {name: np.full(RASTER.shape, value) for name, value in courses.items()}
    for variable, value in {"v": 1, "current": 2, "threshold": 3, "output": 4}.items():
        np.testing.assert_array_equal(over_raster(Maximum(variable), RASTER, dt=1.0, **arrays), [value, value])


def test_what_is_read_must_be_given() -> None:
    with pytest.raises(InputError, match="VoltageMoments reads 'v': give voltage="):
        over_raster(VoltageMoments(), RASTER, dt=1.0)
    with pytest.raises(InputError, match="Health reads 'current': give current="):
        over_raster(Health(), RASTER, dt=1.0, voltage=np.zeros(RASTER.shape))
    with pytest.raises(InputError, match="reads 'output': give output="):
        over_raster(Mean("output"), RASTER, dt=1.0)


def test_what_is_no_raster_is_refused() -> None:
    with pytest.raises(InputError, match="0 and 1 only"):
        over_raster(SpikeCount(), RASTER * 2, dt=1.0)
    with pytest.raises(InputError, match="0 and 1 only"):
        over_raster(SpikeCount(), np.full((3, 2), np.nan), dt=1.0)
    with pytest.raises(InputError, match="at least one of each"):
        over_raster(SpikeCount(), np.zeros((0, 2)), dt=1.0)
    with pytest.raises(InputError, match="dt"):
        over_raster(SpikeCount(), RASTER, dt=0.0)


def test_a_frame_knows_its_variables() -> None:
    row = jnp.zeros(2, jnp.float32)
    frame = Frame(row, row, row + 1, row, row, jnp.int32(0))
    np.testing.assert_array_equal(frame.variable("v"), [1, 1])
    with pytest.raises(InputError, match="Did you mean 'threshold'"):
        frame.variable("treshold")
