"""Poisson background: the shot noise of many presynaptic neurons that are not simulated."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import jax
import jax.numpy as jnp
from jax import lax

from jaxsnn_noise import random
from jaxsnn_noise._checks import concrete, fail
from jaxsnn_noise._typing import Key, Leaf, PerNeuron, Values
from jaxsnn_noise.noise.sources import Source, SourceMoments
from jaxsnn_noise.parameters import nonnegative, parameter, real
from jaxsnn_noise.random import Tick
from jaxsnn_noise.signals import Context, Seam

MOST_EVENTS = 60.0
"""Largest mean number of events per step; beyond, the diffusion approximation is as good and cheaper."""
_MOST = MOST_EVENTS * (1 + 1e-6)  # rounding of the product


class PoissonBackground(Source):
    """Current of ``sources`` independent Poisson neurons, each spike a charge: ``I = charge k/dt``, k ~ Poisson.

    Args:
        rate_hz: Rate of one source [Hz], >= 0.
        charge: Charge of one spike [nA ms]; negative for inhibition. The membrane jumps by ``R charge/tau_mem`` as dt
            -> 0.
        sources: Number of sources per neuron [1], >= 0.

    Per step, ``k`` has the mean ``lambda = sources rate_hz dt/1000`` (at most 60); the current has the mean
    ``charge lambda/dt`` and the variance ``charge^2 lambda/dt^2``. The diffusion that matches it is
    ``Diffusion(charge sqrt(sources rate_hz/1000))`` (Campbell's theorem). Beyond 60 events per step the current is NaN, which
    health counts. ``k`` is the inverse of the distribution
    function at one addressed uniform; its derivative with respect to the rate is that of its mean.

    Example:
        >>> PoissonBackground(rate_hz=5.0, charge=0.2, sources=1000).seam.name
        'CURRENT'
    """

    seam: ClassVar[Seam] = Seam.CURRENT
    rate_hz: Leaf = parameter("Hz", nonnegative)
    charge: Leaf = parameter("nA ms", real)
    sources: Leaf = parameter("1", nonnegative, default=1.0)

    def init(self, key: Key, size: int, dt: float) -> None:
        del key, size, dt

    def draw(self, state: Any, context: Context, key: Tick, dt: float) -> tuple[PerNeuron, None]:
        del state
        u = random.uniform(key, random.entities(context.value.shape[-1]))
        mean = self._mean_events(dt)
        # a mean that is traced passes all checks: what cannot be counted is told as such, and not as a count
        count = jnp.where((mean >= 0) & (mean <= _MOST), poisson(u, jnp.minimum(mean, _MOST)), jnp.nan)
        return self.charge * count / dt, None

    def moments(self, context: Context, dt: float) -> SourceMoments:
        mean = jnp.broadcast_to(self._mean_events(dt), context.value.shape)
        scale = self.charge / dt
        return SourceMoments(scale * mean, scale * scale * mean, jnp.float32(0.5 * dt))

    def check_step(self, who: str, dt: float) -> None:
        mean = concrete(self._mean_events(dt))
        if mean is not None and not mean <= _MOST:
            fail(who, f"needs sources x rate_hz x dt/1000 <= {MOST_EVENTS:g} events per step", float(mean))

    def _mean_events(self, dt: float) -> Values:
        return self.sources * self.rate_hz * (dt / 1000.0)

    @classmethod
    def example(cls) -> Self:
        return cls(rate_hz=5.0, charge=0.2, sources=100.0)


Counted = tuple[Values, Values, Values, Values]


@jax.custom_jvp
def poisson(u: Values, mean: Values) -> Values:
    """The Poisson quantile of ``u`` in (0, 1): the smallest k with ``P(K <= k) >= u``. Its slope is that of the mean.

    Counting ends where float32 resolves no further terms of the distribution function: a ``u`` above all of its values
    is the last k that moved it, and not a count without end.
    """

    def unfinished(carry: Counted) -> jax.Array:
        _, term, cumulated, k = carry
        return jnp.any(u > cumulated) & _rises(cumulated, term, mean, k)

    def step(carry: Counted) -> Counted:
        count, term, cumulated, k = carry
        count = count + ((u > cumulated) & _rises(cumulated, term, mean, k)).astype(count.dtype)
        term = term * mean / (k + 1.0)
        return count, term, cumulated + term, k + 1.0

    start = jnp.exp(-mean)
    zeros = jnp.zeros_like(u)
    return lax.while_loop(unfinished, step, (zeros, start, start, jnp.zeros((), u.dtype)))[0]


def _rises(cumulated: Values, term: Values, mean: Values, k: Values) -> jax.Array:
    """Whether the next term moves the distribution function."""
    return cumulated + term * mean / (k + 1.0) > cumulated


@poisson.defjvp
def _poisson_jvp(primals: tuple[Values, Values], tangents: tuple[Values, Values]) -> tuple[Values, Values]:
    u, mean = primals
    return poisson(u, mean), jnp.broadcast_to(tangents[1], u.shape)
