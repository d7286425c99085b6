"""The firing rule of neural sampling: spikes whose refractory time samples a binary variable."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import jax
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise import random
from jaxsnn_noise._checks import concrete, fail, steps_of
from jaxsnn_noise._typing import Leaf
from jaxsnn_noise.firing.gradients import Density, Gradient, check_gradient, of_probability
from jaxsnn_noise.firing.rule import Firing, unit_of_margin
from jaxsnn_noise.parameters import parameter, positive
from jaxsnn_noise.random import Tick
from jaxsnn_noise.signals import Crossing, Decision


class SamplingRule(Firing):
    r"""Fires with the probability :math:`P(s = 1) = 1/(1 + e^{-(m/width - \log(duration/dt))})` of its margin ``m``, where it is free.

    A spike stands for ``z = 1`` during ``duration``, its own step included, after which the neuron may fire again. With a constant
    margin it is on for a share :math:`1/(1 + e^{-m/width})` of the time, at any dt: the logarithm of the odds *is* the potential
    over the width, which neural sampling asks for. Mean intervals are ``duration (1 + exp(-m/width))``.

    Args:
        duration: How long a spike stands for ``z = 1`` [ms], > 0, a multiple of dt. The neuron's refractory time must be
            ``duration - dt``: together with the step of the spike that makes ``duration``.
        width: What raises the odds by e [mV], > 0.
        gradient: What passes backward through a spike: ``Density()``, the derivative of that probability; a surrogate's derivative
            of the margin; or ``Stopped()``.

    Raises:
        InputError: a refractory time that is not ``duration - dt``, or a duration that is no multiple of dt, before a run.

    References: Buesing, Bill, Nessler, Maass 2011, doi:10.1371/journal.pcbi.1002211, the abstract neuron in discrete time.

    Example:
        >>> float(SamplingRule(20.0).width)
        1.0
    """

    random: ClassVar[bool] = True

    duration: Leaf = parameter("ms", positive)
    width: Leaf = parameter(unit_of_margin, positive, default=1.0)
    gradient: Gradient = Density()

    def __call__(self, crossing: Crossing, key: Tick, dt: float) -> Decision:
        odds = crossing.margin / self.width - jnp.log(self.duration / dt)
        probability = jax.nn.sigmoid(odds)
        u = random.uniform(key, random.entities(odds.shape[-1]))
        drawn = (u < probability).astype(odds.dtype)
        spikes = of_probability(self.gradient, drawn, crossing.margin, probability)
        if not crossing.probabilities:
            return Decision(spikes)
        return Decision(spikes, probability, jax.nn.log_sigmoid(jnp.where(drawn > 0, odds, -odds)))

    def check_step(self, who: str, neuron: Any, dt: float) -> None:
        duration = concrete(self.duration)
        if duration is None:
            return
        for one in np.unique(duration):
            steps_of(f"{who}.duration", float(f"{one:g}"), dt)
        held = getattr(neuron, "refractory", None)
        known = np.zeros(1) if held is None else concrete(held)
        if known is not None and np.any(np.abs(known - (duration.min() - dt)) > 0.01 * dt):
            rule = f"needs a neuron with a refractory time of duration - dt = {float(duration.min()) - dt:g} ms"
            fail(who, rule, "none" if held is None else f"{known.min():g} to {known.max():g} ms")

    def check_together(self, who: str) -> None:
        check_gradient(f"{who}.gradient", self.gradient)

    @classmethod
    def example(cls) -> Self:
        return cls(2.0, 0.2)
