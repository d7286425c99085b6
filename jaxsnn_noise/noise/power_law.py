"""Noise of a power-law spectrum, 1/f^beta, as a designed sum of Ornstein-Uhlenbeck processes."""

from __future__ import annotations

import math
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float32, UInt32

from jaxsnn_noise._checks import concrete, count, fail
from jaxsnn_noise._typing import Leaf, PerNeuron, Values
from jaxsnn_noise.noise.policies import Colour
from jaxsnn_noise.opacity import opaque
from jaxsnn_noise.parameters import Range, parameter, positive
from jaxsnn_noise.roots import square_root

MARGIN = 5.0
"""The slowest and the fastest process lie beyond the band by this factor."""
SPACING = 1.6
"""Largest logarithm of the ratio of neighbouring corner frequencies."""
RIPPLE = 0.1
"""Largest relative deviation of the spectrum of the sampled process from the power law within the band."""
MOST_PROCESSES = 13

PerProcess = Float32[Array, "process"]


class PowerLaw(Colour):
    r"""Noise whose power spectrum falls as :math:`1/f^\beta` within a band: a designed sum of Ornstein-Uhlenbeck processes.

    .. math:: x = \sum_k \sqrt{v_k}\, y_k, \qquad S(f) = \sum_k \frac{v_k}{\pi f_k} \frac{1}{1 + (f/f_k)^2} \quad [1/\mathrm{Hz}],
              \qquad C(s) = \sum_k v_k e^{-2\pi f_k |s|},

    with independent ``y_k`` of unit variance, each stepped exactly, corner frequencies :math:`f_k` at equal ratios from ``f_low_hz/5`` to
    ``5 f_high_hz``, and variances :math:`v_k \propto f_k^{1-\beta}` that sum up to 1. A sum over all corners is a power law but for a ripple
    of :math:`2 e^{-\pi^2/h}` with :math:`h = \log(f_{k+1}/f_k) \le 1.6`, 0.4 %; what lies beyond both ends is given to the first and the
    last process. Within the band the spectrum deviates from the power law by less than 4 % for any ``beta``, 1 % at 1, and
    sampled in steps of ``dt`` by less than 10 %, or it is refused: aliases of the fastest processes fall into the band. Below the
    band the spectrum becomes flat, above it falls as :math:`1/f^2`. It starts stationary; the value of a step is the left one.

    With ``PerStep(sigma)``, ``sigma`` is the standard deviation of the whole; with ``Diffusion(sigma)`` the spectrum at frequency 0 is
    that of white noise. A source draws one number per process, neuron and step.

    Args:
        beta: Exponent [1], in (0, 2): 1 is flicker noise, 2 would be a random walk.
        f_low_hz: Lower end of the band [Hz], > 0.
        f_high_hz: Upper end [Hz], > ``f_low_hz``.
        processes: Number of processes, 2 to 13; ``None``: as few as the ripple allows, about one in 0.7 decades.

    Raises:
        InputError: ends in the wrong order; a band too wide for 13 processes, or for those given; a step too large for the
            band, with the largest one that serves.

    References: van der Ziel 1950, doi:10.1016/0031-8914(50)90078-4; Kasdin 1995, doi:10.1109/5.381848.

    Example:
        >>> PowerLaw(1.0, f_low_hz=1.0, f_high_hz=100.0).draws
        6
    """

    beta: Leaf = parameter("1", Range(0.0, 2.0, low_open=True, high_open=True))
    f_low_hz: Leaf = parameter("Hz", positive)
    f_high_hz: Leaf = parameter("Hz", positive)
    processes: int = eqx.field(static=True)

    def __init__(self, beta: Any, f_low_hz: Any, f_high_hz: Any, *, processes: int | None = None):
        self.beta, self.f_low_hz, self.f_high_hz = beta, f_low_hz, f_high_hz
        self.processes = self._needed() if processes is None else count("PowerLaw.processes", processes, 2)

    @property
    def draws(self) -> int:
        return self.processes

    def init(self, innovation: Values) -> Values:
        return innovation

    def step(self, state: Values, innovation: Values, dt: float, zero: UInt32[Array, ""]) -> tuple[PerNeuron, Values]:
        corners, variances = self._design()
        tau = 1000.0 / (2.0 * jnp.pi * corners)
        value = jnp.zeros(state.shape[-1], jnp.float32)
        for k in range(self.processes):
            value = value + opaque(square_root(variances[k]) * state[k], zero)
        lost = opaque(state * jnp.expm1(-dt / tau)[:, None], zero)
        pushed = opaque(square_root(-jnp.expm1(-2.0 * dt / tau))[:, None] * innovation, zero)
        return value, state + lost + pushed

    def diffusion(self, white: Values, rate: Values) -> Values:
        return rate / square_root(2.0 * self.correlation_time(0.0))

    def correlation_time(self, dt: float) -> Values:
        corners, variances = self._design()
        return jnp.sum(variances * 1000.0 / (2.0 * jnp.pi * corners))

    def check_together(self, who: str) -> None:
        ends = concrete(self.f_low_hz), concrete(self.f_high_hz)
        if ends[0] is None or ends[1] is None:
            return
        if not ends[0] < ends[1]:
            fail(f"{who}.f_high_hz", f"must lie above f_low_hz = {float(ends[0]):g} [Hz]", float(ends[1]))
        needed = self._needed()
        if needed > MOST_PROCESSES:
            rule = f"must be a band of at most 10^{_decades():.1f}: {MOST_PROCESSES} processes reach no farther [Hz]"
            fail(f"{who}.f_high_hz", rule, (float(ends[0]), float(ends[1])))
        if not needed <= self.processes <= MOST_PROCESSES:
            rule = f"must be in [{needed}, {MOST_PROCESSES}] for this band and its ripple"
            fail(f"{who}.processes", rule, self.processes)

    def check_step(self, who: str, dt: float) -> None:
        leaves = [concrete(leaf) for leaf in (self.beta, self.f_low_hz, self.f_high_hz)]
        if any(leaf is None for leaf in leaves):
            return
        beta, low, high = (float(leaf) for leaf in leaves if leaf is not None)
        if _ripple(beta, low, high, self.processes, dt) <= RIPPLE:
            return
        largest = dt
        while _ripple(beta, low, high, self.processes, largest) > RIPPLE:
            largest *= 0.95
        rule = (
            f"needs a dt of at most {largest:.2g} ms for its spectrum to follow the power law within {RIPPLE:.0%} [Hz]"
        )
        fail(f"{who}.f_high_hz", rule, f"{high:g} at dt = {dt:g} ms")

    def _needed(self) -> int:
        """As few processes as the spacing allows; 2 while the band is not known or is none."""
        low, high = concrete(self.f_low_hz), concrete(self.f_high_hz)
        if low is None or high is None or low.ndim or high.ndim or not 0 < low < high < np.inf:
            return 2
        return max(2, math.ceil(math.log(MARGIN**2 * float(high) / float(low)) / SPACING - 1e-6) + 1)

    def _design(self) -> tuple[PerProcess, PerProcess]:
        """Corner frequencies [Hz] and variances of the processes."""
        first = self.f_low_hz / MARGIN
        apart = jnp.log(self.f_high_hz * MARGIN / first) / (self.processes - 1)
        at = jnp.arange(self.processes, dtype=jnp.float32)
        raw = jnp.exp((1.0 - self.beta) * apart * at)
        raw = raw.at[0].divide(
            -jnp.expm1(-(2.0 - self.beta) * apart)
        )  # and all slower ones: they fall as 1/f^2 in the band
        raw = raw.at[-1].divide(-jnp.expm1(-self.beta * apart))  # and all faster ones: they are flat in the band
        return first * jnp.exp(apart * at), raw / jnp.sum(raw)

    @classmethod
    def example(cls) -> PowerLaw:
        """An instance for the contract suite."""
        return cls(1.0, f_low_hz=100.0, f_high_hz=500.0)


def _decades() -> float:
    """The widest band [decades]."""
    return (SPACING * (MOST_PROCESSES - 1) - 2.0 * math.log(MARGIN)) / math.log(10.0)


def _ripple(beta: float, low: float, high: float, processes: int, dt: float) -> float:
    """Largest relative deviation of the sampled spectrum from the power law within the band; inf where it is not sampled."""
    if high > 500.0 / dt:
        return math.inf
    corners = np.geomspace(low / MARGIN, high * MARGIN, processes)
    apart = math.log(corners[1] / corners[0])
    raw = corners ** (1.0 - beta)
    raw[0] /= -math.expm1(-(2.0 - beta) * apart)
    raw[-1] /= -math.expm1(-beta * apart)
    lost = -np.expm1(-2.0 * np.pi * corners * dt / 1000.0)
    f = np.geomspace(low, high, 40 * processes)
    turn = 4.0 * np.square(np.sin(np.pi * f * dt / 1000.0))[:, None]
    sampled = np.sum(raw * lost * (2.0 - lost) / (lost**2 + (1.0 - lost) * turn), axis=1) * dt / 1000.0
    law = f**-beta / (2.0 * apart * math.sin(0.5 * math.pi * beta))
    return float(np.max(np.abs(sampled / law - 1.0)))
