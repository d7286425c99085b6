"""Exact statistics of one leaky neuron on the grid of time, and their derivatives by complex steps."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy import special

from jaxsnn_noise import _checks
from jaxsnn_noise.theory._arguments import closed_form
from jaxsnn_noise.theory._quadrature import ArrayLike, as_float
from jaxsnn_noise.theory.rates import check_neuron, dead_time

STEP = 1e-30
"""Imaginary step: nothing is subtracted, so derivatives are right to rounding."""
MOST = 20_000
"""Most steps: the work grows with their square."""
NODES = 2000
"""Most nodes of the quadrature."""
Passage = Callable[[Mapping[str, Any]], np.ndarray]


@dataclasses.dataclass(frozen=True, eq=False)
class GridRenewal:
    """What a neuron does in a window, exactly, and by ``slopes`` the derivatives of all of it.

    Attributes:
        passage: Probability that the first spike after a reset comes in that step [step] [1].
        rate: Probability of a spike in each measured step [step] [1].
        count: Expected number of spikes [1].
        fano: Variance of that number over its mean [1].
        intervals: Expected number of intervals between spikes of the window [1].
        interval_mean: Mean of these intervals, of many windows together [ms].
        interval_cv: Their coefficient of variation [1].
        slopes: From argument to the derivatives by it, as another ``GridRenewal``.
    """

    passage: np.ndarray
    rate: np.ndarray
    count: float
    fano: float
    intervals: float
    interval_mean: float
    interval_cv: float
    slopes: Mapping[str, GridRenewal] = dataclasses.field(default_factory=dict)


@closed_form
def membrane_noise_renewal(
    sigma: ArrayLike, *, mean: ArrayLike, tau_mem: ArrayLike, v_threshold: ArrayLike, v_reset: ArrayLike, dt: ArrayLike, duration: ArrayLike,
    warmup: ArrayLike = 0.0, refractory: ArrayLike | None = None,
) -> GridRenewal:  # fmt: skip
    r"""Spikes of a leaky membrane with white noise, exact over a step, whose hard threshold is looked at at the end of each.

    With :math:`a = e^{-dt/\tau}` and :math:`s = \sigma\sqrt{\tau(1 - a^2)/2}` the density of those that have not fired yet moves as
    :math:`f_{n+1}(v) = \int^\theta f_n(u)\,N(v; u a + \mathrm{mean}(1 - a), s^2)\,du`, on Gauss and Legendre's nodes below the threshold, and
    what lies above it is the first passage :math:`g_n`. Spikes are a renewal process, :math:`r_n = g_n + \sum_k r_{n-k}\,g_k`. The run
    starts at ``v_reset``. Derivatives are those of these sums, by complex steps, so exact to rounding; the grid is no approximation
    but the model.

    Args:
        sigma: ``Diffusion`` amplitude at the voltage seam [mV/sqrt(ms)] > 0.
        mean: mean drive [mV].
        tau_mem: membrane time constant [ms].
        v_threshold: threshold [mV], above ``v_reset``.
        v_reset: reset, and where the membrane starts [mV].
        dt: step [ms].
        duration: of the window [ms].
        warmup: time before the window [ms].
        refractory: absolute refractory time [ms], in whole steps; ``None`` is none, as in a neuron.

    Raises:
        InputError: arguments that are no single numbers; noise of a step so small that more than 2000 nodes would be needed.

    References:
        Squire & Trapp (1998), SIAM Rev. 40:110, doi:10.1137/S003614459631241X (complex steps); Cox (1962), Renewal Theory.

    Example:
        >>> found = membrane_noise_renewal(0.2, mean=0.9, tau_mem=10.0, v_threshold=1.0, v_reset=0.0, dt=1.0, duration=200.0)
        >>> round(float(found.count), 3), round(float(found.slopes["sigma"].count), 3), round(float(found.slopes["mean"].interval_cv), 3)
        (8.828, 27.033, -0.263)
    """
    _checks.positive("sigma", sigma, "mV/sqrt(ms)")
    at = _numbers(sigma=sigma, mean=mean, tau_mem=tau_mem, v_threshold=v_threshold, v_reset=v_reset)
    check_neuron(tau_mem, v_threshold, v_reset, refractory)
    window = _Window.of(dt, duration, warmup, refractory)
    step = window.dt
    decay = np.exp(-step / at["tau_mem"])
    std = at["sigma"] * np.sqrt(at["tau_mem"] / 2)
    low = min(at["mean"], at["v_reset"]) - 9.0 * std
    nodes = int(np.clip(np.ceil(3.0 * (at["v_threshold"] - low) / (std * np.sqrt(1 - decay**2))), 64, NODES + 1))
    if nodes > NODES:
        rule = f"must be such that sigma sqrt(dt) resolves the way to the threshold with {NODES} nodes"
        _checks.fail("membrane_noise_renewal: sigma", rule, sigma)
    return _renewal(lambda given: _first_passage(given, step, low, nodes, window.total), at, window)


@closed_form
def threshold_noise_renewal(
    threshold_std: ArrayLike, *, mean: ArrayLike, tau_mem: ArrayLike, v_threshold: ArrayLike, v_reset: ArrayLike,
    dt: ArrayLike, duration: ArrayLike,
    warmup: ArrayLike = 0.0, refractory: ArrayLike | None = None, logistic: bool = False,
) -> GridRenewal:  # fmt: skip
    r"""Spikes of a leaky membrane without noise whose threshold is drawn anew in each step: renewal over the age.

    :math:`v_k = \mathrm{mean} + (V_r - \mathrm{mean})\,e^{-k\,dt/\tau}` after a reset, and a spike in step ``k`` has the probability
    :math:`p_k = F((v_k - \theta)/\mathrm{std})`, so :math:`g_k = p_k \prod_{j<k}(1 - p_j)`. Exact; derivatives by complex steps.

    Args:
        threshold_std: standard deviation of the threshold [mV] > 0, ``NoisyThreshold(scale)``.
        mean: mean drive [mV].
        tau_mem: membrane time constant [ms].
        v_threshold: threshold [mV], above ``v_reset``.
        v_reset: reset, and where the membrane starts [mV].
        dt: step [ms].
        duration: of the window [ms].
        warmup: time before the window [ms].
        refractory: absolute refractory time [ms], in whole steps; ``None`` is none, as in a neuron.
        logistic: ``F`` is the logistic distribution in place of the Gaussian.

    References:
        Cox (1962), Renewal Theory; Squire & Trapp (1998), SIAM Rev. 40:110, doi:10.1137/S003614459631241X.

    Example:
        >>> at = {"mean": 0.9, "tau_mem": 10.0, "v_threshold": 1.0, "v_reset": 0.0, "dt": 1.0, "duration": 200.0}
        >>> found = threshold_noise_renewal(0.2 * np.pi / 3**0.5, **at, logistic=True)
        >>> round(float(found.count), 3), round(float(found.slopes["mean"].count), 3)
        (15.983, 19.11)
    """
    _checks.positive("threshold_std", threshold_std, "mV")
    _checks.flag("threshold_noise_renewal.logistic", logistic)
    at = _numbers(threshold_std=threshold_std, mean=mean, tau_mem=tau_mem, v_threshold=v_threshold, v_reset=v_reset)
    check_neuron(tau_mem, v_threshold, v_reset, refractory)
    window = _Window.of(dt, duration, warmup, refractory)

    def passage(given: Mapping[str, Any]) -> np.ndarray:
        age = np.arange(1, window.total + 1)
        v = given["mean"] + (given["v_reset"] - given["mean"]) * np.exp(-age * window.dt / given["tau_mem"])
        x = (v - given["v_threshold"]) / given["threshold_std"]
        f = logistic_cdf if logistic else normal_cdf
        survived = np.cumprod(np.concatenate([[1.0], f(-x)[:-1]]))  # symmetric: 1 - F(x) = F(-x)
        return f(x) * survived

    return _renewal(passage, at, window)


@dataclasses.dataclass(frozen=True)
class _Window:
    """Steps: all, before the measurement, and held after a spike."""

    dt: float
    total: int
    warm: int
    held: int

    @classmethod
    def of(cls, dt: ArrayLike, duration: ArrayLike, warmup: ArrayLike, refractory: ArrayLike | None) -> _Window:
        _checks.positive("dt", dt, "ms")
        _checks.nonnegative("duration", duration, "ms")
        _checks.nonnegative("warmup", warmup, "ms")
        given = _numbers(dt=dt, duration=duration, warmup=warmup, refractory=dead_time(refractory))
        step, dead = given["dt"], given["refractory"]
        if (given["duration"] + given["warmup"]) / step > MOST:
            _checks.fail("duration", f"must be of at most {MOST} steps, with the warm-up", duration)
        warm, measured = (_checks.steps_of(name, given[name], step) for name in ("warmup", "duration"))
        if measured < 1:
            _checks.fail("duration", "must be at least one step [ms]", duration)
        held = max(int(np.floor(min(dead / step, 2.0 * MOST) * (1.0 + 1e-6) + 0.5)), 1) if dead > 0 else 0
        return cls(step, warm + measured, warm, min(held, warm + measured))


def _numbers(**given: ArrayLike) -> dict[str, float]:
    for name, value in given.items():
        if np.ndim(value):
            _checks.fail(name, "must be a single number here", value)
    return {name: float(as_float(value)) for name, value in given.items()}


def _renewal(passage: Passage, at: Mapping[str, float], window: _Window) -> GridRenewal:
    whole = _moments(passage(at), window)
    slopes = {}
    for name in at:
        moved = _moments(passage({**at, name: at[name] + 1j * STEP}), window)
        slopes[name] = GridRenewal(**{k: np.imag(v) / STEP for k, v in moved.items()})
    return GridRenewal(**whole, slopes=slopes)


def _moments(first: np.ndarray, window: _Window) -> dict[str, Any]:
    """All fields from the first passage of a run that starts free; after a spike it comes ``held`` steps later."""
    total, warm = window.total, window.warm
    again = np.concatenate([np.zeros(window.held, first.dtype), first])[:total]
    after = _renewed(again, again)  # density of spikes, by the steps since one
    every = _renewed(first, again)
    rate = every[warm:]
    left = np.arange(len(rate) - 1, -1, -1)  # steps of the window behind each
    count = rate.sum()
    pairs = (rate * np.concatenate([[0.0], np.cumsum(after)])[left]).sum()
    variance = count + 2 * pairs - count**2
    lag = np.arange(1, total + 1) * window.dt
    sums = [(rate * np.concatenate([[0.0], np.cumsum(again * lag**k)])[left]).sum() for k in range(3)]
    intervals = sums[0]
    if not np.real(intervals) > 0 or not np.real(count) > 0:
        none = np.nan * count
        return {"passage": first, "rate": rate, "count": count, "fano": none, "intervals": intervals,
                "interval_mean": none, "interval_cv": none}  # fmt: skip
    mean = sums[1] / intervals
    spread = np.sqrt(sums[2] / intervals - mean**2)
    return {"passage": first, "rate": rate, "count": count, "fano": variance / count, "intervals": intervals,
            "interval_mean": mean, "interval_cv": spread / mean}  # fmt: skip


def _renewed(first: np.ndarray, again: np.ndarray) -> np.ndarray:
    """``r_n = first_n + sum_k r_(n-k) again_k``."""
    r = np.zeros_like(first)
    for n in range(len(first)):
        r[n] = first[n] + (r[:n] * again[:n][::-1]).sum()
    return r


@functools.lru_cache(maxsize=64)
def _nodes(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights, kept: each derivative asks for the same, and making them takes most of the time."""
    return np.polynomial.legendre.leggauss(size)


def _first_passage(given: Mapping[str, Any], dt: float, low: float, nodes: int, steps: int) -> np.ndarray:
    decay = np.exp(-dt / given["tau_mem"])
    std = given["sigma"] * np.sqrt(given["tau_mem"] / 2 * (1 - decay**2))
    x, w = _nodes(nodes)
    half = (given["v_threshold"] - low) / 2
    v, weight = low + half * (x + 1), w * half
    to = v * decay + given["mean"] * (1 - decay)
    kernel = np.exp(-0.5 * ((v[:, None] - to[None, :]) / std) ** 2) / (std * np.sqrt(2 * np.pi)) * weight[None, :]
    fires = normal_cdf((to - given["v_threshold"]) / std) * weight
    start = given["v_reset"] * decay + given["mean"] * (1 - decay)
    f = np.exp(-0.5 * ((v - start) / std) ** 2) / (std * np.sqrt(2 * np.pi))
    passage = [normal_cdf((start - given["v_threshold"]) / std)]
    for _ in range(steps - 1):
        passage.append((f * fires).sum())
        f = np.einsum("ij,j->i", kernel, f)  # no threads of a BLAS, which wait for each other longer than this takes
    return np.array(passage)


def normal_cdf(x: Any) -> Any:
    """Distribution function of a normal, of real numbers and those an infinitesimal away from them."""
    if not np.iscomplexobj(x):
        return special.ndtr(x)
    real = np.asarray(np.real(x))
    return special.ndtr(real) + 1j * np.imag(x) * np.exp(-0.5 * np.square(real)) / np.sqrt(2 * np.pi)


def logistic_cdf(x: Any) -> Any:
    """Distribution function of a logistic of unit variance, of real numbers and those an infinitesimal away from them."""
    slope = np.pi / np.sqrt(3.0)
    if not np.iscomplexobj(x):
        return special.expit(slope * x)
    p = special.expit(slope * np.real(x))
    return p + 1j * np.imag(x) * slope * p * special.expit(-slope * np.real(x))
