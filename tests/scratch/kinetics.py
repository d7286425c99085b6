"""Kinetics: an alpha function."""

from __future__ import annotations

from typing import Self

import equinox as eqx
import jax.numpy as jnp

from jaxsnn_noise._typing import Leaf, PerNeuron
from jaxsnn_noise.parameters import parameter, positive, variable
from jaxsnn_noise.signals import Drive, Seen
from jaxsnn_noise.synapses.kinetics import Kinetics


class ScratchAlpha(eqx.Module):
    """The current, and what still rises into it, at the end of a step [target]."""

    current: PerNeuron = variable("nA")
    rising: PerNeuron = variable("nA")


class ScratchKinetics(Kinetics):
    """A spike of the weight w gives ``w (t/tau_peak) exp(1 - t/tau_peak)``: w at its peak; held by its mean over the step.

    Args:
        tau_peak: Time to the peak [ms], > 0.
    """

    tau_peak: Leaf = parameter("ms", positive)

    def init(self, size: int) -> ScratchAlpha:
        return ScratchAlpha(jnp.zeros(size, jnp.float32), jnp.zeros(size, jnp.float32))

    def step(self, state: ScratchAlpha, arrivals: PerNeuron, seen: Seen, dt: float) -> tuple[Drive, ScratchAlpha]:
        x = dt / self.tau_peak
        left, lost = jnp.exp(-x), -jnp.expm1(-x)
        rising = state.rising + arrivals * jnp.float32(jnp.e)
        mean = (state.current * lost + rising * (lost - x * left)) / x
        return Drive(mean), ScratchAlpha((state.current + rising * x) * left, rising * left)

    @classmethod
    def example(cls) -> Self:
        return cls(3.0)
