"""The one place where a test compares random numbers with theory.

Every assertion here is a two-sided test with a stated *false-alarm rate*: the probability that it fails although the
code is right (:data:`FALSE_ALARM` unless said otherwise; an assertion over k entries spends a k-th of it on each). The
standard error comes from the sample and its size, never from a hand-set tolerance, so a test gets sharper as n grows
and cannot be made to pass with a wide band. Keys and seeds are fixed, so a test that passes passes always; the rate
says how likely an honest change of the random stream is to break it.

An assertion that cannot fail proves nothing, so each has a negative control: the same assertion on the same data must
fail when the amplitude is off by 20 %::

    def check(amplitude):
        assert_variance(amplitude * draws, 1.0)

    check(1.0)
    negative_control(check)

A deviation raises :class:`Deviation`. Data that no test can be made of (not finite, too few, no spread) raise
``ValueError``, which a negative control does not take for the deviation that it waits for. Where there is no randomness
left (p = 0, sigma = 0), compare exactly instead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import stats

FALSE_ALARM = 1e-6
"""Two-sided false-alarm rate of one assertion; 4.9 standard errors of a Gaussian."""

OFF_BY = 0.2
"""The relative error of an amplitude that every assertion must be able to see."""


class Deviation(AssertionError):
    """The sample disagrees with the expected value by more than chance explains."""


def assert_mean(
    samples: Any, expected: Any, *, effective_size: float | None = None, false_alarm: float = FALSE_ALARM
) -> None:
    """The mean of independent samples is ``expected``: Student's t, or z for a given standard error.

    Args:
        samples: [n] or [n, ...] with independent samples along the first dimension (average correlated ones, such as
            the neurons of one trial, before); the other dimensions are as many comparisons. Or a pair
            ``(mean, standard_error)`` of estimates that carry their own error.
        expected: the expected mean, a scalar or of the shape of one sample.
        effective_size: number of independent samples that the n are worth (time series of known correlation).
        false_alarm: two-sided false-alarm rate of the whole assertion. For skewed samples n should be some thousands.
    """
    if isinstance(samples, tuple):
        mean, error = (np.asarray(part, float) for part in samples)
        freedom: float = np.inf
    else:
        data = _data(samples, least=3)
        size = effective_size or len(data)
        mean, error, freedom = data.mean(axis=0), data.std(axis=0, ddof=1) / np.sqrt(size), size - 1
    _spread("mean", error)
    score = (mean - np.asarray(expected, float)) / error
    tail = 2 * stats.t.sf(np.abs(score), freedom)
    _judge(
        "mean",
        tail,
        false_alarm,
        mean,
        expected,
        f"standard error {_show(error)}, {_show(score)} of them away",
    )


def assert_variance(
    samples: Any,
    expected: Any,
    *,
    kurtosis: float | None = 3.0,
    effective_size: float | None = None,
    false_alarm: float = FALSE_ALARM,
) -> None:
    """The variance of independent samples is ``expected`` (the mean is estimated and need not be known).

    Args:
        samples: [n] or [n, ...], independent along the first dimension.
        expected: the expected variance, a scalar or of the shape of one sample.
        kurtosis: fourth standardised moment of the law of the samples. 3: Gaussian samples, chi-square test, exact.
            Another number: ``var(log s2) = (kurtosis - (n-3)/(n-1)) / n``, to first order. ``None``: the same, with the
            kurtosis of the sample (n in the thousands).
        effective_size: number of independent samples that the n are worth; for an AR(1) series of coefficient a,
            ``n (1 - a**2) / (1 + a**2)`` for the variance.
        false_alarm: two-sided false-alarm rate of the whole assertion.
    """
    data = _data(samples, least=3)
    size = effective_size or len(data)
    variance, wanted = data.var(axis=0, ddof=1), np.asarray(expected, float)
    _spread("variance", variance)
    ratio = variance / wanted
    if kurtosis == 3.0:
        scaled = (size - 1) * ratio
        tail = 2 * np.minimum(stats.chi2.cdf(scaled, size - 1), stats.chi2.sf(scaled, size - 1))
    else:
        fourth = stats.kurtosis(data, axis=0, fisher=False) if kurtosis is None else kurtosis
        error = np.sqrt((fourth - (size - 3) / (size - 1)) / size)
        _spread("variance", error)
        tail = 2 * stats.norm.sf(np.abs(np.log(ratio)) / error)
    _judge("variance", tail, false_alarm, variance, expected, f"ratio {_show(ratio)} from n = {size:g}")


def assert_proportion(successes: Any, size: Any, expected: Any, *, false_alarm: float = FALSE_ALARM) -> None:
    """Of ``size`` trials, ``successes`` came true with probability ``expected`` each: exact binomial tails.

    ``expected`` 0 or 1 leaves no room: any success (or failure) is a deviation.
    """
    hits, trials, wanted = np.asarray(successes, float), np.asarray(size, float), np.asarray(expected, float)
    if np.any(hits < 0) or np.any(hits > trials) or np.any(hits != np.round(hits)):
        raise ValueError(f"successes must be whole numbers between 0 and {_show(trials)}, got {_show(hits)}")
    if np.any(trials < 1):
        raise ValueError("there must be at least one trial")
    tail = 2 * np.minimum(stats.binom.cdf(hits, trials, wanted), stats.binom.sf(hits - 1, trials, wanted))
    _judge("proportion", tail, false_alarm, hits / trials, expected, f"{_show(hits)} of {_show(trials)}")


def assert_ks(sample: Any, cdf: Callable[[np.ndarray], Any], *, false_alarm: float = FALSE_ALARM) -> None:
    """Independent samples [n] follow the continuous distribution function ``cdf``: Kolmogorov and Smirnov."""
    data = _data(sample, least=8)
    if data.ndim != 1:
        raise ValueError(f"one dimension of samples is needed, got shape {data.shape}")
    result = stats.kstest(data, lambda x: np.asarray(cdf(x), float))
    _judge(
        "distribution",
        result.pvalue,
        false_alarm,
        result.statistic,
        0.0,
        f"largest gap, at {result.statistic_location:g}",
    )


def assert_correlation(first: Any, second: Any, expected: Any, *, false_alarm: float = FALSE_ALARM) -> None:
    """Pearson's correlation of Gaussian samples is ``expected``, between -1 and 1: Fisher's z.

    Args:
        first: [n] or [n, ...], independent along the first dimension.
        second: of the same shape; pairs are formed entry by entry.
        expected: scalar, or of the shape of one sample.
        false_alarm: two-sided false-alarm rate of the whole assertion.
    """
    x, y = _data(first, least=8), _data(second, least=8)
    wanted = np.asarray(expected, float)
    if x.shape != y.shape:
        raise ValueError(f"samples must pair up, got shapes {x.shape} and {y.shape}")
    if np.any(np.abs(wanted) >= 1):
        raise ValueError("a correlation of one leaves no randomness: compare exactly")
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    norm = np.sqrt((x**2).sum(axis=0) * (y**2).sum(axis=0))
    _spread("correlation", norm)
    found = np.clip((x * y).sum(axis=0) / norm, -1.0, 1.0)
    with np.errstate(divide="ignore"):  # a correlation of exactly one is infinitely far away, as it should be
        score = (np.arctanh(found) - np.arctanh(wanted)) * np.sqrt(len(x) - 3)
    _judge("correlation", 2 * stats.norm.sf(np.abs(score)), false_alarm, found, expected, f"n = {len(x)}")


def negative_control(check: Callable[[float], object], *, off_by: float = OFF_BY) -> None:
    """``check(amplitude)`` must raise :class:`Deviation` with the amplitude 20 % too small, and too large.

    Args:
        check: runs the assertion with the amplitude in question multiplied by its argument; ``check(1.0)`` is the test.
        off_by: the relative error that has to be seen.
    """
    for factor in (1 - off_by, 1 + off_by):
        try:
            check(factor)
        except Deviation:
            continue
        raise AssertionError(f"the assertion passes with the amplitude off by a factor of {factor:g}: it shows nothing")


def _judge(what: str, tail: Any, false_alarm: float, found: Any, expected: Any, detail: str) -> None:
    """Raise unless every tail probability is at least its share of the false-alarm rate."""
    tail = np.atleast_1d(tail)
    if np.any(np.isnan(tail)):
        raise ValueError(f"{what}: no tail probability for {_show(found)} against {_show(expected)}")
    if np.any(tail < false_alarm / tail.size):
        raise Deviation(
            f"{what} {_show(found)}, expected {_show(expected)} ({detail}); "
            f"smallest tail probability {tail.min():.2g} of {tail.size}, "
            f"with a false-alarm rate of {false_alarm:g} for all together"
        )


def _data(samples: Any, least: int) -> np.ndarray:
    data = np.asarray(samples, float)
    if data.ndim == 0 or len(data) < least:
        raise ValueError(f"at least {least} samples are needed, got shape {data.shape}")
    if not np.all(np.isfinite(data)):
        raise ValueError(f"{int(np.sum(~np.isfinite(data)))} of {data.size} samples are not finite")
    return data


def _spread(what: str, error: Any) -> None:
    if not (np.all(np.isfinite(error)) and np.all(error > 0)):
        raise ValueError(f"{what}: the samples have no spread (or no finite one); compare exactly")


def _show(value: Any) -> str:
    array = np.asarray(value, float)
    return f"{array:.6g}" if array.ndim == 0 else np.array2string(array, precision=4, threshold=6, edgeitems=2)
