"""CV2, LV and the sums that pool intervals: loops over the raster, closed forms of renewal trains, parts that meet."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.statistical import assert_mean, negative_control
from jaxsnn_noise import reduce
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.statistics import IntervalCV, IntervalCV2, IntervalLV, IntervalSums, over_raster


def raster_of(*trains: np.ndarray, steps: int) -> np.ndarray:
    raster = np.zeros((steps, len(trains)), bool)
    for neuron, train in enumerate(trains):
        raster[np.asarray(train, int), neuron] = True
    return raster


def test_they_are_those_of_a_loop() -> None:
    raster = np.random.default_rng(5).random((400, 9)) < np.array([0, 0.002, 0.005, 0.01, 0.05, 0.2, 0.5, 0.9, 1.0])
    cv2s, lvs, sums = [], [], []
    for train in raster.T:
        d = np.diff(np.flatnonzero(train)).astype(float)
        contrast = (d[1:] - d[:-1]) / (d[1:] + d[:-1])
        cv2s.append(np.mean(2 * np.abs(contrast)) if len(contrast) else np.nan)
        lvs.append(np.mean(3 * contrast**2) if len(contrast) else np.nan)
        sums.append((len(d), d.sum(), (d**2).sum(), 0))
    np.testing.assert_allclose(over_raster(IntervalCV2(), raster, dt=0.5), cv2s, rtol=1e-6)
    np.testing.assert_allclose(over_raster(IntervalLV(), raster, dt=0.5), lvs, rtol=1e-6)
    found = over_raster(IntervalSums(), raster, dt=0.5)
    np.testing.assert_array_equal([found.count, found.total, found.squares, found.squares_high], np.array(sums).T)


def test_squares_of_a_long_run_are_exact() -> None:
    train = np.array([0, 90_000, 90_001, 199_999])
    found = over_raster(IntervalSums(), raster_of(train, steps=200_000), dt=0.1)
    exact = sum(int(d) ** 2 for d in np.diff(train))
    assert int(found.squares[0]) + (int(found.squares_high[0]) << 32) == exact > 2**32


@pytest.mark.slow
@pytest.mark.parametrize(("shape", "cv2"), [pytest.param(1.0, 1.0, marks=pytest.mark.slow), (4.0, 35 / 64)])
def test_gamma_intervals_have_their_closed_forms(shape: float, cv2: float) -> None:
    """LV = 3/(2 k + 1); CV2 = 2 E|2 B - 1| with B of Beta(k, k): 1 for k = 1, 35/64 for k = 4."""
    d = np.random.default_rng(7).gamma(shape, 4000.0 / shape, (100, 130))
    trains = np.cumsum(np.maximum(np.rint(d), 1), axis=1)
    raster = raster_of(*trains, steps=int(trains.max()) + 1)
    for statistic, expected in ((IntervalCV2(), cv2), (IntervalLV(), 3 / (2 * shape + 1))):
        found = np.asarray(over_raster(statistic, raster, dt=0.1), np.float64)
        assert_mean(found, expected)
        negative_control(lambda a, x=found, e=expected: assert_mean(a * x, e))


def records(rate_hz: float, cv: float, duration: float, number: int) -> np.ndarray:
    """Stationary gamma trains [trial, step of 1 ms]."""
    rng, shape, mean = np.random.default_rng(3), 1 / cv**2, 1000.0 / rate_hz
    times = np.cumsum(rng.gamma(shape, mean / shape, (number, int(3 * duration / mean + 70))), axis=1) - 20 * mean
    raster = np.zeros((number, round(duration)), bool)
    for trial, train in enumerate(times):
        inside = train[(train > 0) & (train < duration)]
        raster[trial, inside.astype(int)] = True
    return raster


def pooled(raster: np.ndarray, **options: object) -> object:
    import xarray as xr

    sums = over_raster(IntervalSums(), raster.T, dt=1.0)
    fields = {f"isi_{name}": ("trial", np.asarray(getattr(sums, name))) for name in reduce.irregularity.FIELDS}
    return reduce.interval_cv(xr.Dataset(fields), "isi", **options)


def test_the_pooled_cv_is_not_biased_by_short_records() -> None:
    """5 Hz, CV 0.9, 1 s: the mean of the CVs is 0.65; 20 Hz: 0.84. What is left below 0.9 does not fit into the record."""
    for rate, mean_of_cvs, left in ((5.0, 0.648, 0.852), (20.0, 0.840, 0.899)):
        raster = records(rate, 0.9, 1000.0, 3000)
        each = np.asarray(over_raster(IntervalCV(), raster.T, dt=1.0))
        assert np.nanmean(each) == pytest.approx(mean_of_cvs, abs=0.015)
        found = pooled(raster)
        assert float(found["cv"]) == pytest.approx(left, abs=4 * float(found["standard_error"]))
        assert float(found["standard_error"]) < 0.01
    assert float(found["low"]) < 0.9 < float(found["high"])


def test_its_interval_covers_the_value_of_very_many_trials() -> None:
    raster = records(20.0, 0.9, 1000.0, 4000)
    true = float(pooled(raster)["cv"])
    covered = [
        float(part["low"]) <= true <= float(part["high"]) for part in (pooled(raster[i::100]) for i in range(100))
    ]
    assert 0.85 <= np.mean(covered) <= 1.0  # 100 parts of 40 trials: 4 standard errors about 95 %


def test_it_is_that_of_all_intervals_together() -> None:
    raster = records(10.0, 0.5, 1000.0, 40)
    together = np.concatenate([np.diff(np.flatnonzero(train)) for train in raster])
    found = pooled(raster)
    assert float(found["cv"]) == pytest.approx(together.std() / together.mean(), rel=1e-12)
    assert int(found["intervals"]) == len(together)
    regular = pooled(raster_of(*[np.arange(0, 50_000, 7)] * 3, steps=50_000).T)
    assert float(regular["cv"]) == float(regular["standard_error"]) == 0.0
    assert np.isnan(float(pooled(np.eye(3, 50, dtype=bool))["cv"]))


def test_results_without_the_sums_are_refused() -> None:
    import xarray as xr

    with pytest.raises(
        InputError, match=r"needs a dataset with the results of statistics.IntervalSums, x_count, x_total"
    ):
        reduce.interval_cv(xr.Dataset({"x": ("trial", [1.0, 2.0])}), "x")
    fields = {f"x_{name}": ("trial", [1.5, 2.0]) for name in reduce.irregularity.FIELDS}
    with pytest.raises(InputError, match="needs the whole numbers"):
        reduce.interval_cv(xr.Dataset(fields), "x")
