r"""Escape rates, and the intervals of an integrating neuron that fires by one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jaxsnn_noise import _checks
from jaxsnn_noise.theory._arguments import closed_form
from jaxsnn_noise.theory._quadrature import ArrayLike, Numbers, as_float, elementwise
from jaxsnn_noise.theory.rates import check_neuron, dead_time

SURVIVORS = 1e-14
"""Probability to have no spike yet, from which on the rest is that of a constant hazard."""


_MOST_STEPS = 1e7


@closed_form
def sigmoid_hazard_hz(margin: ArrayLike, *, largest_hz: ArrayLike, width: ArrayLike) -> Numbers:
    """Escape rate [Hz] of the sigmoid rule: ``largest_hz/(1 + exp(-margin/width))``.

    Args:
        margin: potential minus threshold [mV].
        largest_hz: escape rate far above the threshold [Hz].
        width: softness of the threshold [mV] > 0.

    References:
        Gerstner et al. (2014), Neuronal Dynamics, chapter 9, doi:10.1017/CBO9781107447615.
    """
    _checks.nonnegative("largest_hz", largest_hz, "Hz")
    _checks.positive("width", width, "mV")
    with np.errstate(over="ignore"):
        return as_float(largest_hz) / (1.0 + np.exp(-as_float(margin) / as_float(width)))


@closed_form
def diffusion_hazard_hz(
    margin: ArrayLike,
    slope: ArrayLike,
    *,
    sigma: ArrayLike,
    tau_mem: ArrayLike,
    c1: ArrayLike = 0.72,
    c2: ArrayLike = 0.5641895835,
) -> Numbers:
    r"""Escape rate [Hz] that stands in for white noise on the membrane ("Arrhenius and current").

    .. math:: \rho = \left(\frac{c_1}{\tau} + \frac{c_2}{\sigma_B}\,[\dot u]_+\right) e^{-(u - \theta)^2/\sigma_B^2}

    with the noise-free potential ``u``, :math:`\sigma_B = \sigma\sqrt{\tau}`, and 1 for the exponential above the threshold, where a
    diffusing membrane fires at once. ``c2`` is ``1/sqrt(pi)``: the current of a Gaussian that moves over the threshold.

    Args:
        margin: noise-free potential minus threshold [mV].
        slope: of the noise-free potential [mV/ms].
        sigma: ``Diffusion`` amplitude of the noise that it stands for [mV/sqrt(ms)] > 0.
        tau_mem: membrane time constant [ms].
        c1: [1].
        c2: [1].

    References:
        Plesser & Gerstner (2000), Neural Comput. 12:367, doi:10.1162/089976600300015835.
    """
    _checks.positive("sigma", sigma, "mV/sqrt(ms)")
    _checks.positive("tau_mem", tau_mem, "ms")
    tau, spread = as_float(tau_mem), as_float(sigma) * np.sqrt(as_float(tau_mem))
    below = np.minimum(as_float(margin), 0.0) / spread
    rate = as_float(c1) / tau + as_float(c2) / spread * np.maximum(as_float(slope), 0.0)
    return 1000.0 * rate * np.exp(-np.square(below))


@closed_form
def escape_interval(
    mean: ArrayLike, hazard: Any, *, dt: ArrayLike, tau_mem: ArrayLike, v_threshold: ArrayLike, v_reset: ArrayLike,
    refractory: ArrayLike | None = 0.0,
) -> tuple[Numbers, Numbers]:  # fmt: skip
    r"""Mean [ms] and coefficient of variation [1] of the intervals of a leaky membrane that fires by an escape rate.

    Between spikes the potential is known, :math:`u_n = \mathrm{mean} + (V_r - \mathrm{mean})\,e^{-n\,dt/\tau}`, and the neuron fires in
    step ``n`` with the probability :math:`1 - e^{-\rho(u_n - \theta)\,dt}`: the intervals are a renewal process on the grid, summed to
    the end, after which the hazard is constant. Refractory time counts in whole steps. ``dt -> 0`` is continuous time.

    Args:
        mean: mean drive [mV].
        hazard: function of ``margin`` [mV] and ``slope`` [mV/ms] (by difference) that returns a rate [Hz], such as
            ``lambda margin, slope: theory.exponential_hazard_hz(margin, at_threshold_hz=20.0, width=0.1)``.
        dt: step [ms].
        tau_mem: membrane time constant [ms].
        v_threshold: threshold [mV], above ``v_reset``.
        v_reset: reset [mV].
        refractory: absolute refractory time [ms]; ``None`` is none, as in a neuron.

    References:
        Gerstner et al. (2014), Neuronal Dynamics, chapters 7 and 9, doi:10.1017/CBO9781107447615.

    Example:
        >>> from jaxsnn_noise import theory
        >>> hazard = lambda margin, slope: theory.exponential_hazard_hz(margin, at_threshold_hz=20.0, width=0.2)
        >>> found = escape_interval(0.9, hazard, dt=1.0, tau_mem=20.0, v_threshold=1.0, v_reset=0.0)
        >>> round(float(1000.0 / found[0]), 2)
        8.28
    """
    check_neuron(tau_mem, v_threshold, v_reset, refractory)
    _checks.positive("dt", dt, "ms")
    if not callable(hazard):
        _checks.fail("hazard", "must be a function of margin [mV] and slope [mV/ms] that returns a rate [Hz]", hazard)
    given = (mean, dt, tau_mem, v_threshold, v_reset, dead_time(refractory))
    moments = [elementwise(lambda *one, k=k: _moments(hazard, *one)[k], *given) for k in (0, 1)]
    return moments[0], moments[1]


def _rates(hazard: Any, margin: NDArray[np.float64], slope: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the function says, looked at."""
    rule = "must be a function of margin [mV] and slope [mV/ms] that returns a rate [Hz] >= 0 for each"
    try:
        rates = as_float(hazard(margin, slope))
    except Exception as error:  # whatever a function of somebody else does
        _checks.fail("hazard", f"{rule}; it raised {type(error).__name__}: {error}", hazard)
    if np.shape(rates) not in ((), np.shape(margin)) or not np.all(rates >= 0):
        _checks.fail("hazard", rule, rates)
    return rates + np.zeros_like(margin)


def _moments(
    hazard: Callable[..., Numbers],
    mean: float,
    dt: float,
    tau: float,
    threshold: float,
    reset: float,
    refractory: float,
) -> tuple[float, float]:
    if tau > _MOST_STEPS / 40.0 * dt:
        _checks.fail("dt", f"must be at least {40.0 / _MOST_STEPS:g} tau_mem, {40.0 / _MOST_STEPS * tau:g} ms here", dt)
    steps = int(np.ceil(40.0 * tau / dt))  # the potential has come to rest to 17 digits
    n = np.arange(steps + 1)
    u = mean + (reset - mean) * np.exp(-n * dt / tau)
    rate = _rates(hazard, u[1:] - threshold, np.diff(u) / dt) * dt / 1000.0
    survived = np.concatenate([[1.0], np.exp(-np.cumsum(rate))])  # after n steps
    last = -np.expm1(-rate[-1])
    if survived[-1] > SURVIVORS and last == 0:
        return np.inf, np.nan
    # E N = sum_n P(N > n), E N^2 = sum_n (2 n + 1) P(N > n); behind the last step survivors fall by a constant factor
    rest = survived[-1] / last if survived[-1] > 0 else 0.0
    first = float(np.sum(survived[:-1])) + rest
    spread = (1.0 - last) / last if last > 0 else 0.0
    second = float(np.sum((2.0 * n[:-1] + 1.0) * survived[:-1])) + rest * (2.0 * steps + 1.0 + 2.0 * spread)
    held = dt * (max(np.floor(refractory / dt * (1.0 + 1e-6) + 0.5), 1.0) if refractory > 0 else 0.0)
    average = held + dt * first
    return average, dt * float(np.sqrt(max(second - first * first, 0.0))) / average
