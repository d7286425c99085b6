"""The noisy threshold: a spike with the probability that noise lifts the margin above zero."""

from __future__ import annotations

from typing import ClassVar, Self

import jax.numpy as jnp

from jaxsnn_noise import random
from jaxsnn_noise._typing import Leaf, Scalar, Values
from jaxsnn_noise.distributions import Distribution, Gaussian
from jaxsnn_noise.firing.gradients import Density, Gradient, check_gradient, through
from jaxsnn_noise.firing.rule import Firing, unit_of_margin
from jaxsnn_noise.parameters import nonnegative, parameter
from jaxsnn_noise.random import Tick
from jaxsnn_noise.signals import Crossing, Decision


class NoisyThreshold(Firing):
    """Fires with the probability that noise of the given distribution lifts the margin above zero.

    ``P(s = 1) = F(margin/scale)``. ``scale = 0`` is the hard threshold.

    Args:
        scale: Standard deviation of the threshold noise [mV], >= 0.
        distribution: Of the unit-variance noise.
        gradient: What passes backward through a spike: ``Density()``, the derivative of that probability (noise-driven
            learning; unbiased for one step); a surrogate's derivative of the margin; or ``Stopped()``.

    Reference: Ma, Yan, Tang 2023, doi:10.1016/j.patter.2023.100831.

    Example:
        >>> round(float(NoisyThreshold(0.3).scale), 3)
        0.3
    """

    random: ClassVar[bool] = True

    scale: Leaf = parameter(unit_of_margin, nonnegative)
    distribution: Distribution = Gaussian()
    gradient: Gradient = Density()

    def __call__(self, crossing: Crossing, key: Tick, dt: float) -> Decision:
        del dt
        margin = crossing.margin
        u = random.uniform(key, random.entities(margin.shape[-1]))
        probability = _probability(self.distribution, margin, self.scale)
        drawn = (u < probability).astype(margin.dtype)
        spikes = through(self.gradient, drawn, margin, margin, self.scale, self.distribution)
        if not crossing.probabilities:
            return Decision(spikes)
        # symmetric distributions: P(no spike) = F(-m), whose logarithm loses no digits
        decided = _probability(self.distribution, jnp.where(drawn > 0, margin, -margin), self.scale)
        certain = jnp.where(self.scale > 0, decided, 1.0)
        return Decision(spikes, probability, jnp.log(certain))

    def probability(self, margin: Values) -> Values:
        """Probability of a spike at this margin [mV]."""
        return _probability(self.distribution, margin, self.scale)

    def check_together(self, who: str) -> None:
        check_gradient(f"{who}.gradient", self.gradient)

    @classmethod
    def example(cls) -> Self:
        return cls(0.3)


def _probability(distribution: Distribution, margin: Values, scale: Scalar) -> Values:
    safe = jnp.where(scale > 0, scale, 1.0)
    hard = (margin >= 0).astype(margin.dtype)
    return jnp.where(scale > 0, distribution.cdf(margin / safe), hard)
