"""The autocorrelation against a plain loop and closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.statistical import assert_mean, negative_control
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.statistics import About, Autocorrelation, over_raster

RNG = np.random.default_rng(4)


def test_it_is_that_of_a_plain_loop() -> None:
    s = RNG.random((600, 4)) < [0.0, 0.1, 0.4, 1.0]
    found = np.asarray(over_raster(Autocorrelation(3.0, 10), s, dt=0.5))
    counts = s.reshape(100, 6, 4).sum(axis=1).astype(float)
    counts -= counts.mean(axis=0)
    for i in (1, 2):
        wanted = [np.sum(counts[: 100 - k, i] * counts[k:, i]) / np.sum(counts[:, i] ** 2) for k in range(11)]
        np.testing.assert_allclose(found[:, i], wanted, atol=2e-6)
    assert np.isnan(found[:, [0, 3]]).all()
    assert Autocorrelation(3.0, 2).coords(About(4, 600, 0.5))["lag"] == [0.0, 3.0, 6.0]


@pytest.mark.slow
def test_counts_of_a_poisson_train_have_none_and_a_potential_forgets_exponentially() -> None:
    s = RNG.random((3000, 400)) < 0.1
    found = np.asarray(over_raster(Autocorrelation(5.0, 4), s, dt=0.5), float)
    assert_mean(found[1:].mean(axis=0), -1 / 300 * (1 - 5 / 2 / 300))
    tau, steps = 10.0, 3000
    decay = np.exp(-0.5 / tau)
    v = np.zeros((steps, 400))
    v[0] = RNG.normal(size=400)
    for t in range(1, steps):
        v[t] = decay * v[t - 1] + np.sqrt(1 - decay**2) * RNG.normal(size=400)
    found = np.asarray(over_raster(Autocorrelation(0.5, 20, "v"), s * 0, dt=0.5, voltage=0.1 * v - 65), float)
    expected = np.exp(-0.5 * np.arange(21) / tau)
    bias = (1 + decay) / (1 - decay) / steps  # of the mean of the record
    for lag in (5, 20):
        wanted = (expected[lag] * (1 - lag / steps) - bias) / (1 - bias)

        def check(factor: float, lag: int = lag, wanted: float = wanted) -> None:
            assert_mean(factor * found[lag], wanted)

        check(1.0)
        negative_control(check)


def test_bad_input_is_named() -> None:
    for statistic, message in (
        (Autocorrelation(5.0, 4), r"Autocorrelation.lags: must be fewer than the 4 bins"),
        (Autocorrelation(0.7, 2), r"Autocorrelation.bin: must be a multiple of dt"),
    ):
        with pytest.raises(InputError, match=message):
            over_raster(statistic, np.zeros((40, 2)), dt=0.5)
    with pytest.raises(InputError, match=r"Autocorrelation.lags: must be a whole number >= 1"):
        Autocorrelation(5.0, 0)
