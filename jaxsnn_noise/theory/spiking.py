"""Stochastic firing: escape noise with dead time, noisy thresholds, renewal counts, rate codes."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from jaxsnn_noise import _checks
from jaxsnn_noise.theory._arguments import closed_form
from jaxsnn_noise.theory._quadrature import ArrayLike, Numbers, as_float


@closed_form
def exponential_hazard_hz(margin: ArrayLike, *, at_threshold_hz: ArrayLike, width: ArrayLike) -> Numbers:
    """Escape rate [Hz] of the exponential rule: ``at_threshold_hz exp(margin/width)``.

    Args:
        margin: potential minus threshold [mV].
        at_threshold_hz: escape rate at the threshold [Hz].
        width: softness of the threshold [mV] > 0.

    References:
        Gerstner et al. (2014), Neuronal Dynamics, chapter 9, doi:10.1017/CBO9781107447615.
    """
    _checks.nonnegative("at_threshold_hz", at_threshold_hz, "Hz")
    _checks.positive("width", width, "mV")
    return as_float(at_threshold_hz) * np.exp(as_float(margin) / as_float(width))


@closed_form
def escape_probability(hazard_hz: ArrayLike, *, dt: ArrayLike) -> Numbers:
    """Probability [1] to fire in a step of ``dt`` [ms] at a constant escape rate: ``1 - exp(-hazard dt)``."""
    _checks.nonnegative("hazard_hz", hazard_hz, "Hz")
    _checks.positive("dt", dt, "ms")
    return -np.expm1(-as_float(hazard_hz) * as_float(dt) / 1000.0)


@closed_form
def dead_time_rate_hz(hazard_hz: ArrayLike, *, dead_time: ArrayLike) -> Numbers:
    """Rate [Hz] of a Poisson process with dead time: ``1/(dead_time + 1/hazard)``.

    Args:
        hazard_hz: escape rate outside the dead time [Hz].
        dead_time: [ms].

    References:
        Cox (1962), Renewal Theory.

    Example:
        >>> round(float(dead_time_rate_hz(100.0, dead_time=2.0)), 3)
        83.333
    """
    _checks.nonnegative("hazard_hz", hazard_hz, "Hz")
    _checks.nonnegative("dead_time", dead_time, "ms")
    hazard = as_float(hazard_hz)
    return hazard / (1.0 + hazard * as_float(dead_time) / 1000.0)


@closed_form
def dead_time_cv(hazard_hz: ArrayLike, *, dead_time: ArrayLike) -> Numbers:
    """Coefficient of variation [1] of the intervals of a Poisson process with dead time: ``1 - rate dead_time``."""
    return 1.0 - dead_time_rate_hz(hazard_hz, dead_time=dead_time) * as_float(dead_time) / 1000.0


@closed_form
def grid_dead_time_interval(probability: ArrayLike, *, dead_time: ArrayLike, dt: ArrayLike) -> tuple[Numbers, Numbers]:
    """Mean [ms] and coefficient of variation [1] of intervals on a grid.

    In each step outside the dead time (whole steps) the neuron fires with ``probability``; the interval is the dead
    time plus ``dt`` times a geometric number of steps: mean ``dead_time + dt/p``, standard deviation
    ``dt sqrt(1 - p)/p``.

    Args:
        probability: to fire in a step [1], in (0, 1]; :func:`escape_probability` for an escape rate.
        dead_time: [ms].
        dt: step [ms].
    """
    _checks.in_range("probability", probability, np.finfo(float).tiny, 1.0)
    _checks.nonnegative("dead_time", dead_time, "ms")
    _checks.positive("dt", dt, "ms")
    p, step = as_float(probability), as_float(dt)
    mean = as_float(dead_time) + step / p
    return mean, step * np.sqrt(1.0 - p) / p / mean


@closed_form
def threshold_noise_probability(margin: ArrayLike, noise: Any) -> Numbers:
    """Probability [1] that noise on the threshold, fresh in each step, lets the neuron fire: ``F(margin)``.

    Args:
        margin: potential minus threshold [mV].
        noise: a frozen distribution of ``scipy.stats`` [mV], symmetric about 0, such as ``stats.norm(scale=0.3)`` or
            ``stats.logistic(scale=0.4)``.

    References:
        Ma, Yan & Tang (2023), Patterns 4:100831, doi:10.1016/j.patter.2023.100831.

    Example:
        >>> from scipy import stats
        >>> round(float(threshold_noise_probability(-0.2, stats.norm(scale=0.3))), 3)
        0.252
    """
    if not callable(getattr(noise, "cdf", None)):
        _checks.fail("noise", "must be a frozen distribution of scipy.stats, such as stats.norm(scale=0.3) [mV]", noise)
    return np.float64(1.0) * noise.cdf(as_float(margin))


@closed_form
def double_noise_probability(margin: ArrayLike, state_std: ArrayLike, threshold_std: ArrayLike) -> Numbers:
    """Probability [1] to fire when Gaussian noise enters twice: in the potential, and in the threshold.

    ``Phi(margin / sqrt(state_std^2 + threshold_std^2))`` with the margin before either noise; with equal amplitudes the
    noise acts as ``sqrt(2)`` of one. A step function without noise.

    Args:
        margin: noise-free potential minus threshold [mV].
        state_std: standard deviation added to the potential in this step [mV].
        threshold_std: standard deviation of the threshold noise [mV].

    References:
        Ma, Yan & Tang (2023), Patterns 4:100831, doi:10.1016/j.patter.2023.100831 (their code adds both).

    Example:
        >>> round(float(double_noise_probability(-0.2, 0.3, 0.3)), 3)
        0.319
    """
    _checks.nonnegative("state_std", state_std, "mV")
    _checks.nonnegative("threshold_std", threshold_std, "mV")
    gap, std = as_float(margin), np.hypot(as_float(state_std), as_float(threshold_std))
    score = gap / np.where(std > 0, std, 1.0)
    return np.float64(1.0) * np.where(std > 0, special.ndtr(score), gap >= 0)


@closed_form
def renewal_count_variance(
    duration: ArrayLike, *, rate_hz: ArrayLike, cv: ArrayLike, skewness: ArrayLike | None = None
) -> Numbers:
    """Variance [1] of the spike count of a stationary renewal process in a long window.

    ``CV^2 rate T``, and with the skewness ``g`` of the intervals the constant that follows it,
    ``1/6 + CV^4/2 - g CV^3/3``; the rest tends to 0. The Fano factor tends to ``CV^2``. For a Poisson process
    (``CV = 1``, ``g = 2``) the constant is 0.

    Args:
        duration: window [ms], many intervals long.
        rate_hz: [Hz].
        cv: coefficient of variation of the intervals [1].
        skewness: third standardised moment of the intervals [1].

    References:
        Cox (1962), Renewal Theory, section 4.5.

    Example:
        >>> float(renewal_count_variance(1000.0, rate_hz=50.0, cv=0.5))
        12.5
    """
    _checks.nonnegative("cv", cv)
    ratio = as_float(cv)
    leading = np.square(ratio) * as_float(rate_hz) * as_float(duration) / 1000.0
    if skewness is None:
        return leading
    return leading + 1.0 / 6.0 + 0.5 * ratio**4 - as_float(skewness) * ratio**3 / 3.0


@closed_form
def rate_code_variance(probability: ArrayLike, *, steps: ArrayLike) -> Numbers:
    """Variance [1] of a value that is read as the mean of ``steps`` Bernoulli spikes: ``p (1 - p)/steps``."""
    _checks.in_range("probability", probability, 0.0, 1.0)
    _checks.positive("steps", steps)
    p = as_float(probability)
    return p * (1.0 - p) / as_float(steps)
