"""Count correlations against NumPy, over all pairs."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsnn_noise._checks import InputError
from jaxsnn_noise.statistics import About, CountCorrelation, CountCorrelationMatrix, over_raster


def _common_input(steps: int, size: int, share: float) -> np.ndarray:
    rng = np.random.default_rng(11)
    common = rng.random((steps, 1)) < 0.3
    return np.where(rng.random((steps, size)) < share, common, rng.random((steps, size)) < 0.3)


def _pairs(raster: np.ndarray, width: int) -> np.ndarray:
    counts = raster.reshape(-1, width, raster.shape[1]).sum(axis=1).astype(float)
    return np.array([np.corrcoef(counts[:, i], counts[:, j])[0, 1] for i in range(raster.shape[1]) for j in range(i)])


@pytest.mark.parametrize("width", [1, 5, 20])
def test_correlations_are_those_of_numpy(width: int) -> None:
    raster = _common_input(400, 12, 0.6)
    pairs = _pairs(raster, width)
    matrix = np.asarray(over_raster(CountCorrelationMatrix(0.5 * width), raster, dt=0.5))
    np.testing.assert_allclose(matrix[np.tril_indices(12, -1)], pairs, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(matrix, matrix.T)
    mean = over_raster(CountCorrelation(0.5 * width), raster, dt=0.5)
    np.testing.assert_allclose(mean, pairs.mean(), rtol=1e-5)


def test_identical_and_opposite_trains_are_extremes() -> None:
    train = np.random.default_rng(0).random(200) < 0.5
    raster = np.stack([train, train, ~train], axis=1)
    matrix = over_raster(CountCorrelationMatrix(1.0), raster, dt=1.0)
    np.testing.assert_allclose(matrix, [[1, 1, -1], [1, 1, -1], [-1, -1, 1]], atol=1e-6)
    np.testing.assert_allclose(over_raster(CountCorrelation(1.0), raster, dt=1.0), -1 / 3, rtol=1e-5)
    np.testing.assert_allclose(over_raster(CountCorrelation(1.0), raster[:, :2], dt=1.0), 1, rtol=4e-6)


@pytest.mark.slow
def test_neurons_without_variation_are_left_out() -> None:
    raster = _common_input(200, 5, 0.5)
    still = np.concatenate([raster, np.zeros((200, 2), bool), np.ones((200, 1), bool)], axis=1)
    got, want = (over_raster(CountCorrelation(4.0), r, dt=1.0) for r in (still, raster))
    np.testing.assert_allclose(got, want, rtol=1e-6)
    matrix = np.asarray(over_raster(CountCorrelationMatrix(4.0), still, dt=1.0))
    assert np.isnan(matrix[5:]).all()
    assert np.isnan(matrix[:, 5:]).all()
    assert np.isfinite(matrix[:5, :5]).all()
    assert np.isnan(over_raster(CountCorrelation(4.0), still[:, 4:], dt=1.0))


@pytest.mark.slow
@pytest.mark.parametrize("statistic", [CountCorrelation(4.0), CountCorrelationMatrix(4.0)])
def test_gradients_match_finite_differences(statistic: CountCorrelation | CountCorrelationMatrix) -> None:
    spikes = jnp.asarray(_common_input(40, 4, 0.5), jnp.float32)
    direction = np.random.default_rng(1).normal(size=spikes.shape).astype(np.float32)
    value = jax.jit(lambda h: jnp.sum(over_raster(statistic, spikes + h * direction, dt=1.0)))
    step = 2.0**-8
    np.testing.assert_allclose(jax.grad(value)(0.0), (value(step) - value(-step)) / (2 * step), rtol=5e-3)


@pytest.mark.parametrize("cls", [CountCorrelation, CountCorrelationMatrix])
def test_bins_must_fit_and_be_two_or_more(cls: type) -> None:
    about = About(size=2, steps=100, dt=1.0)
    with pytest.raises(InputError, match="half the measured 100 ms"):
        cls(100.0).init(about)
    with pytest.raises(InputError, match="whole bins"):
        cls(30.0).init(about)
    with pytest.raises(InputError, match="multiple of dt"):
        cls(2.5).init(about)
