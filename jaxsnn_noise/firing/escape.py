"""Escape noise: a membrane without noise that fires at a rate."""

from __future__ import annotations

from typing import ClassVar, Self

import jax.numpy as jnp

from jaxsnn_noise import random
from jaxsnn_noise.firing.gradients import Density, Gradient, check_gradient, of_probability
from jaxsnn_noise.firing.hazards import ExponentialHazard, Hazard
from jaxsnn_noise.firing.rule import Firing
from jaxsnn_noise.random import Tick
from jaxsnn_noise.signals import Crossing, Decision


class EscapeRate(Firing):
    """Fires at the escape rate of its membrane: ``P(s = 1) = 1 - exp(-rho dt)`` in a step, with ``rho`` at its end.

    A probability for any ``dt``, and independent of it while the rate varies little over a step. With a constant rate and a dead
    time ``D`` the intervals have the mean ``D + 1/rho`` and ``CV = 1 - rate D``. ``theory.escape_interval`` has the law of the
    intervals of an integrating membrane, on the grid of ``dt``.

    Args:
        hazard: ``ExponentialHazard``, ``SigmoidHazard`` or ``DiffusionHazard``.
        gradient: What passes backward through a spike: ``Density()``, the derivative of that probability (unbiased for one step);
            a surrogate's derivative of the margin; or ``Stopped()``.

    References: Gerstner, Kistler, Naud, Paninski 2014, *Neuronal Dynamics*, chapter 9, doi:10.1017/CBO9781107447615; Plesser,
    Gerstner 2000, doi:10.1162/089976600300015835.

    Example:
        >>> rule = EscapeRate(ExponentialHazard(at_threshold_hz=50.0, width=0.1))
        >>> float(rule.hazard.width) > 0
        True
    """

    random: ClassVar[bool] = True

    hazard: Hazard
    gradient: Gradient = Density()

    def __call__(self, crossing: Crossing, key: Tick, dt: float) -> Decision:
        margin = crossing.margin
        expected = self.hazard.rate_hz(margin, (margin - crossing.before) / dt) * (dt / 1000.0)
        probability = -jnp.expm1(-expected)
        u = random.uniform(key, random.entities(margin.shape[-1]))
        drawn = (u < probability).astype(margin.dtype)
        spikes = of_probability(self.gradient, drawn, margin, probability)
        if not crossing.probabilities:
            return Decision(spikes)
        some = jnp.where(expected > 0, probability, 1.0)
        return Decision(spikes, probability, jnp.where(drawn > 0, jnp.log(some), -expected))

    def check_together(self, who: str) -> None:
        check_gradient(f"{who}.gradient", self.gradient)

    @classmethod
    def example(cls) -> Self:
        return cls(ExponentialHazard(at_threshold_hz=200.0, width=0.2))
