"""First passage of the Ornstein-Uhlenbeck process through a threshold: scalar kernels of the rate formulas.

Times are in ms and voltages in mV; ``sigma`` is the ``Diffusion`` amplitude [mV/sqrt(ms)].
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy import special

from jaxsnn_noise.theory._quadrature import doubling, integral_of_erfcx, log_erfcx_of_minus, panels


class Passage(NamedTuple):
    """The bounds ``y_r`` and ``y_t``, and ``sqrt(pi)`` times the integral of ``erfcx(-x)`` between them.

    The integral is ``mantissa * exp(exponent)``: the mean passage time over ``tau``, which overflows far below
    threshold.
    """

    low: float
    high: float
    mantissa: float
    exponent: float

    def scaled_erfcx(self, y: float) -> float:
        """``erfcx(-y) exp(-exponent)``."""
        return float(np.exp(log_erfcx_of_minus(np.float64(y)) - self.exponent))


FAR = 1e100
"""Distance to the threshold, in units of the spread, from which on the limits of weak noise hold to all digits."""


def weak(mean: float, sigma: float, tau: float, threshold: float) -> bool:
    """Whether the noise is that weak: the neuron then has the noise-free rate, or none at all."""
    return abs(threshold - mean) > FAR * sigma * math.sqrt(tau) or sigma == 0


def passage_of(mean: float, sigma: float, tau: float, threshold: float, reset: float) -> Passage:
    spread = sigma * math.sqrt(tau)
    low, high = (reset - mean) / spread, (threshold - mean) / spread
    if high <= 0:
        return Passage(low, high, math.sqrt(math.pi) * integral_of_erfcx(-high, -low), 0.0)
    exponent = high * high
    if low >= 0:
        rest = -2.0 * math.exp((low - high) * (low + high)) * special.dawsn(low)
        rest -= math.exp(-exponent) * integral_of_erfcx(low, high)
    else:
        rest = math.exp(-exponent) * integral_of_erfcx(high, -low)
    return Passage(low, high, math.sqrt(math.pi) * (2.0 * special.dawsn(high) + rest), exponent)


def _rate_per_tau(passage: Passage, tau: float, refractory: float) -> float:
    """``tau * rate * exp(exponent)``: finite also where the rate underflows."""
    return 1.0 / (refractory / tau * math.exp(-passage.exponent) + passage.mantissa)


def rate_hz(mean: float, sigma: float, tau: float, threshold: float, reset: float, refractory: float) -> float:
    if weak(mean, sigma, tau, threshold):
        if mean <= threshold:
            return 0.0
        return 1000.0 / (refractory + tau * math.log1p((threshold - reset) / (mean - threshold)))
    passage = passage_of(mean, sigma, tau, threshold, reset)
    return 1000.0 / tau * _rate_per_tau(passage, tau, refractory) * math.exp(-passage.exponent)


def slope_of_mean(mean: float, sigma: float, tau: float, threshold: float, reset: float, refractory: float) -> float:
    if weak(mean, sigma, tau, threshold):
        if mean <= threshold:
            return 0.0
        rate = rate_hz(mean, 0.0, tau, threshold, reset, refractory)
        return rate * rate / 1000.0 * tau * (1.0 / (mean - threshold) - 1.0 / (mean - reset))
    passage = passage_of(mean, sigma, tau, threshold, reset)
    change = passage.scaled_erfcx(passage.high) - passage.scaled_erfcx(passage.low)
    return _slope_scale(passage, tau, refractory) * change / (sigma * math.sqrt(tau))


def log_slope_of_mean(
    mean: float, sigma: float, tau: float, threshold: float, reset: float, refractory: float
) -> float:
    """``d ln rate / d mean``, finite also where the rate underflows."""
    if weak(mean, sigma, tau, threshold):
        rate = rate_hz(mean, 0.0, tau, threshold, reset, refractory)
        return slope_of_mean(mean, 0.0, tau, threshold, reset, refractory) / rate if rate else 0.0
    passage = passage_of(mean, sigma, tau, threshold, reset)
    change = passage.scaled_erfcx(passage.high) - passage.scaled_erfcx(passage.low)
    return math.sqrt(math.pi) * _rate_per_tau(passage, tau, refractory) * change / (sigma * math.sqrt(tau))


def slope_of_sigma(mean: float, sigma: float, tau: float, threshold: float, reset: float, refractory: float) -> float:
    if weak(mean, sigma, tau, threshold):
        return 0.0
    passage = passage_of(mean, sigma, tau, threshold, reset)
    low, high = passage.low, passage.high
    change = high * passage.scaled_erfcx(high) - low * passage.scaled_erfcx(low)
    return _slope_scale(passage, tau, refractory) * change / sigma


def _slope_scale(passage: Passage, tau: float, refractory: float) -> float:
    """``1000 sqrt(pi) tau rate^2 exp(exponent)`` with the rate per ms."""
    scaled = _rate_per_tau(passage, tau, refractory)
    return 1000.0 * math.sqrt(math.pi) / tau * scaled * scaled * math.exp(-passage.exponent)


def cv(mean: float, sigma: float, tau: float, threshold: float, reset: float, refractory: float) -> float:
    if weak(mean, sigma, tau, threshold):
        return 0.0 if mean > threshold else math.nan if sigma == 0 else 1.0
    passage = passage_of(mean, sigma, tau, threshold, reset)
    # Above the mean the weight of x falls within 1/high of the threshold, below it as a power of |x|. It is taken as a
    # function of the distance ``high - x``: far from the mean the squares of neighbouring x have no digits of their own.
    scale = 0.25 / (1.0 + passage.high) if passage.high > 0 else 0.25 * (1.0 - passage.high)
    nodes, weights = panels(doubling(0.0, (threshold - reset) / (sigma * math.sqrt(tau)), scale))
    inner = np.array([_inner_of_cv(d, passage.high) for d in nodes])
    return math.sqrt(2.0 * math.pi * float(weights @ inner)) * _rate_per_tau(passage, tau, refractory)


def _inner_of_cv(distance: float, high: float) -> float:
    """``exp(x^2 - 2 E)`` times the integral of ``exp(-z^2) erfcx(-z)^2`` over ``z < x``, by ``w = x - z``.

    ``x`` lies ``distance`` below ``high``; ``E`` is ``high^2`` for a threshold above the mean, else 0.
    """
    # Integrands fall by exp(-40) within the range: below z = 0 with w (w - 2 x), above it with w (2 x - w).
    x = high - distance
    less = -distance * (high + x) if high > 0 else 0.0  # x^2 - high^2
    if x <= 0:
        nodes, weights = panels([0.0, *_thirds(40.0 / (math.sqrt(x * x + 40.0) - x))])
        below = float(weights @ np.exp(nodes * (2.0 * x - nodes) + 2.0 * log_erfcx_of_minus(x - nodes)))
        return below * (math.exp(-2.0 * high * high) if high > 0 else 1.0)
    reach = 40.0 / (x + math.sqrt(x * x - 40.0)) if x * x > 40.0 else x
    nodes, weights = panels([0.0, *_thirds(reach)])
    z = x - nodes
    squares = less - nodes * (x + z)  # z^2 - high^2
    above = float(weights @ (np.exp(less + squares) * np.square(1.0 + special.erf(z))))
    return above + math.exp(less - high * high) * _BELOW_ZERO


def _thirds(reach: float) -> list[float]:
    return [reach / 9.0, reach / 3.0, reach]


def _below_zero() -> float:
    nodes, weights = panels([0.0, 0.5, 1.5, 3.0, 7.0])
    return float(weights @ (np.exp(-np.square(nodes)) * np.square(special.erfcx(nodes))))


_BELOW_ZERO = _below_zero()
