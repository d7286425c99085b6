"""Moments and readouts of the membrane potential."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsnn_noise._checks import InputError
from jaxsnn_noise.statistics import About, Last, Maximum, Mean, VoltageMoments, over_raster


def _over(statistic: object, v: np.ndarray | jax.Array) -> object:
    return over_raster(statistic, jnp.zeros(v.shape, jnp.float32), dt=1.0, voltage=v)  # type: ignore[arg-type]


@pytest.mark.parametrize("steps", [1, 2, 63, 64, 65, 66, 1000])
def test_moments_are_those_in_double_precision(steps: int) -> None:
    v = np.random.default_rng(steps).normal(2.0, [0.1, 1.0, 30.0], (steps, 3)).astype(np.float32)
    moments = _over(VoltageMoments(), v)
    exact = v.astype(float)
    assert np.all(np.abs(moments.mean - exact.mean(axis=0)) <= 1e-6 * np.abs(exact).max(axis=0))
    np.testing.assert_allclose(moments.variance, exact.var(axis=0), rtol=2e-6)


@pytest.mark.parametrize(("first", "accuracy"), [(-65.0, 1e-6), (0.0, 1.5e-5)])
def test_small_fluctuations_far_from_zero_keep_their_variance(first: float, accuracy: float) -> None:
    # -65 mV +- 0.1 mV with a memory of 20 steps; a jump from 0 is the worst case for sums about the mean so far
    rng = np.random.default_rng(0)
    v = np.zeros((40_000, 4))
    for t in range(1, len(v)):
        v[t] = 0.95 * v[t - 1] + 0.03 * rng.normal(size=4)
    v = (v - 65.0).astype(np.float32)
    v[0] = first
    exact = v.astype(float)
    moments = _over(VoltageMoments(), v)
    np.testing.assert_allclose(moments.variance, exact.var(axis=0), rtol=accuracy)
    np.testing.assert_allclose(moments.mean, exact.mean(axis=0), rtol=1e-7)

    plain = np.float32(0)  # the control: plain sums in the same precision are off by far more
    for value in v[:, 0]:
        plain += value * value
    naive = plain / np.float32(len(v)) - np.float32(exact[:, 0].mean()) ** 2
    assert abs(naive / exact[:, 0].var() - 1) > 1e-2


@pytest.mark.parametrize("value", [0.0, 0.3, -65.1])
def test_a_constant_potential_has_no_variance_at_all(value: float) -> None:
    moments = _over(VoltageMoments(), np.full((300, 2), value, np.float32))
    assert np.all(np.asarray(moments.variance) == 0)
    assert np.all(np.asarray(moments.mean) == np.float32(value))


@pytest.mark.slow
def test_gradients_of_moments_are_their_closed_form() -> None:
    v = jnp.asarray(np.random.default_rng(1).normal(-60, 2, (150, 3)), jnp.float32)
    slope = jax.grad(lambda v: _over(VoltageMoments(), v).variance.sum())(v)
    np.testing.assert_allclose(slope, 2 * (v - v.mean(axis=0, keepdims=True)) / 150, rtol=1e-3, atol=2e-6)
    slope = jax.grad(lambda v: _over(VoltageMoments(), v).mean.sum())(v)
    np.testing.assert_allclose(slope, np.full(v.shape, 1 / 150), atol=1e-6)
    constant = jax.grad(lambda v: _over(VoltageMoments(), v).variance.sum())(jnp.ones((150, 3), jnp.float32))
    assert not np.asarray(constant).any()


def test_what_is_not_finite_stays_visible() -> None:
    for bad in (np.nan, np.inf):
        v = np.zeros((100, 2), np.float32)
        v[50, 0] = bad
        for statistic in (VoltageMoments(), Mean(), Maximum()):
            for leaf in jax.tree.leaves(_over(statistic, v)):
                assert not np.isfinite(leaf[0])
                assert leaf[1] == 0


def test_readouts_are_those_of_numpy() -> None:
    v = np.random.default_rng(2).normal(-3, 1, (77, 4)).astype(np.float32)
    np.testing.assert_allclose(_over(Mean(), v), v.astype(float).mean(axis=0), rtol=2e-7)
    np.testing.assert_array_equal(_over(Maximum("v"), v), v.max(axis=0))
    np.testing.assert_array_equal(_over(Last("v"), v), v[-1])
    current = 2 * v
    got = over_raster(Maximum("current"), np.zeros_like(v), dt=1.0, current=current)
    np.testing.assert_array_equal(got, current.max(axis=0))
    spikes = v > -3
    np.testing.assert_allclose(over_raster(Mean("spikes"), spikes, dt=1.0), spikes.mean(axis=0), rtol=2e-7)
    assert Mean("current").units == {"": "nA"}


def test_gradients_of_readouts_go_where_the_value_came_from() -> None:
    v = jnp.asarray([[1.0, 5.0], [4.0, 2.0], [3.0, 3.0]])

    def slope(statistic: Maximum | Last | Mean) -> np.ndarray:
        return np.asarray(jax.grad(lambda v: _over(statistic, v).sum())(v))

    np.testing.assert_array_equal(slope(Maximum()), [[0, 1], [1, 0], [0, 0]])
    np.testing.assert_array_equal(slope(Last()), [[0, 0], [0, 0], [1, 1]])
    np.testing.assert_allclose(slope(Mean()), np.full((3, 2), 1 / 3), rtol=1e-6)


@pytest.mark.parametrize("cls", [Mean, Maximum, Last])
def test_readouts_know_the_variables(cls: type) -> None:
    with pytest.raises(InputError, match=r"unknown name; got 'volts'. Known: current, .*threshold, v"):
        cls("volts")
    with pytest.raises(InputError, match="at least one measured step"):
        cls().init(About(size=1, steps=0, dt=1.0))


def test_moments_need_a_step() -> None:
    with pytest.raises(InputError, match="at least one measured step"):
        VoltageMoments().init(About(size=1, steps=0, dt=1.0))
