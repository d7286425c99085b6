"""The assertions keep their stated false-alarm rate, see 20 % of amplitude, and refuse what is no data."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import signal, stats

from helpers.pace import slow_but
from helpers.statistical import (
    Deviation,
    assert_correlation,
    assert_ks,
    assert_mean,
    assert_proportion,
    assert_variance,
    negative_control,
)

REPEATS = 1000
RATE = 0.05

Case = Callable[[np.random.Generator, float, float], None]
"""Draws data of the given amplitude (1 is right) and asserts with the given false-alarm rate."""


def mean(rng: np.random.Generator, amplitude: float, rate: float) -> None:
    assert_mean(rng.normal(amplitude * 2.0, 1.0, 400), 2.0, false_alarm=rate)


def mean_of_few(rng: np.random.Generator, amplitude: float, rate: float) -> None:
    assert_mean(rng.normal(amplitude * 9.0, 1.0, 20), 9.0, false_alarm=rate)


def mean_of_several(rng: np.random.Generator, amplitude: float, rate: float) -> None:
    assert_mean(amplitude * rng.normal([1.0, 2.0, 3.0], 1.0, (2000, 3)), [1.0, 2.0, 3.0], false_alarm=rate)


def mean_with_error(rng: np.random.Generator, amplitude: float, rate: float) -> None:
    assert_mean((rng.normal(amplitude * 5.0, 0.1), 0.1), 5.0, false_alarm=rate)


def mean_of_series(rng: np.random.Generator, amplitude: float, rate: float) -> None:
    size, a = 2000, 0.6
    worth = size * (1 - a) / (1 + a)
    series = 3.0 * amplitude + _autoregressive(rng, size, a)
    assert_mean(series, 3.0, effective_size=worth, false_alarm=rate)


def variance_gaussian(rng: np.random.Generator, amplitude: float, rate: float) -> None:
    assert_variance(rng.normal(7.0, amplitude, 1000), 1.0, false_alarm=rate)


def variance_of_several(rng: np.random.Generator, amplitude: float, rate: float) -> None:
    assert_variance(amplitude * rng.normal(0.0, [1.0, 2.0], (1000, 2)), [1.0, 4.0], false_alarm=rate)


def variance_known_kurtosis(rng: np.random.Generator, amplitude: float, rate: float) -> None:
    assert_variance(amplitude * rng.uniform(-1, 1, 1000), 1 / 3, kurtosis=1.8, false_alarm=rate)


def variance_unknown_kurtosis(rng: np.random.Generator, amplitude: float, rate: float) -> None:
    assert_variance(amplitude * rng.logistic(0.0, 1.0, 4000), np.pi**2 / 3, kurtosis=None, false_alarm=rate)


def variance_of_series(rng: np.random.Generator, amplitude: float, rate: float) -> None:
    size, a = 4000, 0.6
    worth = size * (1 - a**2) / (1 + a**2)
    assert_variance(amplitude * _autoregressive(rng, size, a), 1.0, effective_size=worth, false_alarm=rate)


def proportion(rng: np.random.Generator, amplitude: float, rate: float) -> None:
    assert_proportion(rng.binomial(4000, amplitude * 0.3), 4000, 0.3, false_alarm=rate)


def ks(rng: np.random.Generator, amplitude: float, rate: float) -> None:
    assert_ks(rng.normal(0.0, amplitude, 4000), stats.norm.cdf, false_alarm=rate)


def correlation(rng: np.random.Generator, amplitude: float, rate: float) -> None:
    found = amplitude * 0.5
    x, y = rng.multivariate_normal([0, 3], [[1, found], [found, 1]], 3000).T
    assert_correlation(x, y, 0.5, false_alarm=rate)


EXACT = [
    mean, mean_of_few, mean_of_several, mean_with_error, mean_of_series, variance_gaussian,
    variance_of_several, variance_known_kurtosis, variance_unknown_kurtosis, variance_of_series, ks,
    correlation,
]  # fmt: skip


QUICK = [variance_gaussian, variance_of_several, variance_of_series, mean_of_series, proportion]


@pytest.mark.parametrize("case", slow_but([*EXACT, proportion], QUICK))
def test_false_alarm_rate_is_the_stated_one(case: Case) -> None:
    rng = np.random.default_rng(1)
    alarms = sum(_fails(case, rng, 1.0, RATE) for _ in range(REPEATS))
    # discrete counts and Bonferroni's bound may only stay below the rate; the others meet it
    least = 0 if case in (proportion, mean_of_several, variance_of_several) else stats.binom.ppf(1e-6, REPEATS, RATE)
    assert least <= alarms <= stats.binom.ppf(1 - 1e-6, REPEATS, RATE)


@pytest.mark.parametrize("case", [*EXACT, proportion])
def test_an_amplitude_off_by_a_fifth_is_seen(case: Case) -> None:
    rng = np.random.default_rng(2)
    case(rng, 1.0, 1e-6)
    negative_control(lambda amplitude: case(rng, amplitude, 1e-6))


def test_negative_control_refuses_an_assertion_that_passes_anyway() -> None:
    draws = np.random.default_rng(3).normal(size=60)  # too few to see 20 % of amplitude
    assert_variance(draws, 1.0)
    with pytest.raises(AssertionError, match="it shows nothing"):
        negative_control(lambda amplitude: assert_variance(amplitude * draws, 1.0))


def test_negative_control_is_not_satisfied_by_another_error() -> None:
    with pytest.raises(ValueError, match="not finite"):
        negative_control(lambda amplitude: assert_mean(np.full(10, np.nan), amplitude))


@pytest.mark.parametrize("hits", [1, 5])
def test_no_success_is_possible_at_probability_zero(hits: int) -> None:
    assert_proportion(0, 10**6, 0.0)
    assert_proportion(10**6, 10**6, 1.0)
    with pytest.raises(Deviation):
        assert_proportion(hits, 10**6, 0.0)
    with pytest.raises(Deviation):
        assert_proportion(10**6 - hits, 10**6, 1.0)


def test_message_names_what_was_found_and_expected() -> None:
    with pytest.raises(Deviation, match=r"mean 3, expected 2 \(standard error 0\.1, 10 of them away\)"):
        assert_mean((3.0, 0.1), 2.0)


@pytest.mark.parametrize(
    ("assertion", "reason"),
    [
        (lambda: assert_mean([1.0, np.inf, 2.0], 1.0), "not finite"),
        (lambda: assert_mean(np.ones(9), 1.0), "no spread"),
        (lambda: assert_mean((1.0, 0.0), 1.0), "no spread"),
        (lambda: assert_mean([1.0], 1.0), "at least 3"),
        (lambda: assert_variance(np.ones(9), 0.0), "no spread"),
        (lambda: assert_variance([-1.0, 1.0] * 9, 1.0, kurtosis=1.0 - 2 / 17), "no spread"),
        (lambda: assert_proportion(3.5, 10, 0.3), "whole numbers"),
        (lambda: assert_proportion(11, 10, 0.3), "whole numbers"),
        (lambda: assert_proportion(3, 10, 1.3), "no tail probability"),
        (lambda: assert_ks(np.ones((9, 2)), stats.norm.cdf), "one dimension"),
        (lambda: assert_correlation(np.arange(9), np.arange(8), 0.0), "pair up"),
        (lambda: assert_correlation(np.arange(9), np.arange(9), 1.0), "compare exactly"),
    ],
)
def test_what_is_no_data_is_refused(assertion: Callable[[], None], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        assertion()


def _fails(case: Case, rng: np.random.Generator, amplitude: float, rate: float) -> bool:
    try:
        case(rng, amplitude, rate)
    except Deviation:
        return True
    return False


def _autoregressive(rng: np.random.Generator, size: int, coefficient: float) -> np.ndarray:
    """A stationary Gaussian AR(1) series of unit variance."""
    innovations = rng.normal(0.0, np.sqrt(1 - coefficient**2), size)
    innovations[0] = rng.normal()
    return signal.lfilter([1.0], [1.0, -coefficient], innovations)
