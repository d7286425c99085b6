"""The hard threshold."""

from __future__ import annotations

from typing import Self

import equinox as eqx
import jax.numpy as jnp

from jaxsnn_noise._checks import fail
from jaxsnn_noise._typing import PerNeuron
from jaxsnn_noise.distributions import Gaussian
from jaxsnn_noise.firing.gradients import Density, Gradient, check_gradient, through
from jaxsnn_noise.firing.rule import Firing
from jaxsnn_noise.random import Tick
from jaxsnn_noise.signals import Crossing, Decision
from jaxsnn_noise.special import log_ndtr, ndtr
from jaxsnn_noise.surrogates import SuperSpike, Surrogate, spike


class HardThreshold(Firing):
    """``s = 1`` where the margin is >= 0.

    The probability of a spike is that of the deciding noise, the first by seam (threshold, voltage, current) and name that has a
    private white Gaussian part: ``Phi(m/sigma)``, with ``m`` the margin without that part and ``sigma`` its standard deviation.

    Args:
        gradient: What passes backward through a spike: a surrogate's derivative of the margin; ``Density()``, the derivative
            of that probability; or ``Stopped()``.

    Example:
        >>> float(HardThreshold().gradient.sharpness) > 0
        True
    """

    gradient: Gradient = eqx.field(default_factory=lambda: SuperSpike(10.0))

    def __call__(self, crossing: Crossing, key: Tick, dt: float) -> Decision:
        del key, dt
        if isinstance(self.gradient, Surrogate):
            spikes = spike(self.gradient, crossing.margin)
        else:
            spikes = self._decided(crossing)
        if not crossing.probabilities:
            return Decision(spikes)
        if crossing.expected is None or crossing.std is None:
            fail("HardThreshold", "has a probability only with a deciding noise", None)
        return Decision(spikes, *gaussian_probability(spikes, crossing.expected, crossing.std))

    def _decided(self, crossing: Crossing) -> PerNeuron:
        margin = crossing.margin
        hard = (margin >= 0).astype(margin.dtype)
        if not isinstance(self.gradient, Density):
            return through(self.gradient, hard, margin, margin, jnp.zeros_like(margin), Gaussian())
        if crossing.expected is None or crossing.std is None:
            fail("HardThreshold.gradient", "Density() needs a deciding noise", None)
        return through(self.gradient, hard, margin, crossing.expected, crossing.std, Gaussian())

    def check_together(self, who: str) -> None:
        check_gradient(f"{who}.gradient", self.gradient)

    @classmethod
    def example(cls) -> Self:
        return cls()


def gaussian_probability(spikes: PerNeuron, expected: PerNeuron, std: PerNeuron) -> tuple[PerNeuron, PerNeuron]:
    """The probability of a spike, and the logarithm of that of what was decided, under Gaussian deciding noise.

    Without noise both are certain: 0 or 1, and 0.
    """
    x = expected / jnp.where(std > 0, std, 1.0)
    sure = (expected >= 0).astype(x.dtype)
    probability = jnp.where(std > 0, ndtr(x), sure)
    return probability, jnp.where(std > 0, log_ndtr(jnp.where(spikes > 0, x, -x)), 0.0)
