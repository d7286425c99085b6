"""Poisson background: the shot noise of many presynaptic neurons that are not simulated."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import jax.numpy as jnp

from jaxsnn_noise import random
from jaxsnn_noise._checks import concrete, fail
from jaxsnn_noise._typing import Key, Leaf, PerNeuron, Values
from jaxsnn_noise.counting import MOST, MOST_EVENTS, poisson_count
from jaxsnn_noise.noise.sources import Source, SourceMoments
from jaxsnn_noise.parameters import nonnegative, parameter, real
from jaxsnn_noise.random import Tick
from jaxsnn_noise.signals import Context, Seam


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
        count = poisson_count(random.uniform(key, random.entities(context.value.shape[-1])), self._mean_events(dt))
        return self.charge * count / dt, None

    def moments(self, context: Context, dt: float) -> SourceMoments:
        mean = jnp.broadcast_to(self._mean_events(dt), context.value.shape)
        scale = self.charge / dt
        return SourceMoments(scale * mean, scale * scale * mean, jnp.float32(0.5 * dt))

    def check_step(self, who: str, dt: float) -> None:
        mean = concrete(self._mean_events(dt))
        if mean is not None and not mean <= MOST:
            fail(who, f"needs sources x rate_hz x dt/1000 <= {MOST_EVENTS:g} events per step", float(mean))

    def _mean_events(self, dt: float) -> Values:
        return self.sources * self.rate_hz * (dt / 1000.0)

    @classmethod
    def example(cls) -> Self:
        return cls(rate_hz=5.0, charge=0.2, sources=100.0)
