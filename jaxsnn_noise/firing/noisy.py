"""The noisy threshold: a spike with the probability that noise lifts the margin above zero."""

from __future__ import annotations

from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp

from jaxsnn_noise import random
from jaxsnn_noise._checks import nonnegative
from jaxsnn_noise._typing import Leaf, PerNeuron, Scalar, Values, as_scalar
from jaxsnn_noise.distributions import Distribution, Gaussian
from jaxsnn_noise.firing.rule import Firing
from jaxsnn_noise.random import Tick


class NoisyThreshold(Firing):
    """Fires with the probability that noise of the given distribution lifts the margin above zero.

    ``P(s = 1) = F(margin/scale)``; backward, the sample has the derivative of that probability,
    ``F'(margin/scale)/scale`` for the margin (noise-driven learning): unbiased for one step. ``scale = 0`` is the hard threshold.

    Args:
        scale: Standard deviation of the threshold noise [mV], >= 0.
        distribution: Of the unit-variance noise.

    Reference: Ma, Yan, Tang 2023, doi:10.1016/j.patter.2023.100831.

    Example:
        >>> round(float(NoisyThreshold(0.3).scale), 3)
        0.3
    """

    scale: Leaf = eqx.field(converter=as_scalar)
    distribution: Distribution = Gaussian()

    def __call__(self, margin: PerNeuron, margin_before: PerNeuron, key: Tick, dt: float) -> PerNeuron:
        del margin_before, dt
        u = random.uniform(key, random.entities(margin.shape[-1]))
        return _noisy_spike(self.distribution, margin, self.scale, u)

    def probability(self, margin: Values) -> Values:
        """Probability of a spike at this margin [mV]."""
        return _probability(self.distribution, margin, self.scale)

    def check(self, who: str) -> None:
        nonnegative(f"{who}.scale", self.scale, "mV")

    @classmethod
    def example(cls) -> Self:
        return cls(0.3)


def _probability(distribution: Distribution, margin: Values, scale: Scalar) -> Values:
    safe = jnp.where(scale > 0, scale, 1.0)
    hard = (margin >= 0).astype(margin.dtype)
    return jnp.where(scale > 0, distribution.cdf(margin / safe), hard)


@jax.custom_jvp
def _noisy_spike(distribution: Distribution, margin: Values, scale: Scalar, u: Values) -> Values:
    return (u < _probability(distribution, margin, scale)).astype(margin.dtype)


@_noisy_spike.defjvp
def _noisy_spike_jvp(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Values, Values]:
    distribution, margin, scale, u = primals
    safe = jnp.where(scale > 0, scale, 1.0)
    density = jnp.where(scale > 0, distribution.pdf(margin / safe) / safe, jnp.zeros_like(margin))
    slope = tangents[1] - margin / safe * tangents[2]
    return _noisy_spike(distribution, margin, scale, u), density * slope
