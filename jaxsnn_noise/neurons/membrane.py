"""The linear membrane, exact for a drive that is held over the step: what neurons share whose potential leaks in proportion."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp

from jaxsnn_noise._typing import Parameter, PerNeuron, Values
from jaxsnn_noise.neurons.neuron import Neuron
from jaxsnn_noise.relaxation import relaxed
from jaxsnn_noise.roots import square_root
from jaxsnn_noise.signals import Drive


class LinearMembrane(Neuron):
    """Abstract: ``tau_mem dv/dt = -(v - v_rest) + R (I - g v)``, with the time constant ``tau_mem/(1 + R g)`` under a drive."""

    tau_mem: eqx.AbstractVar[Parameter]
    v_rest: eqx.AbstractVar[Parameter]
    resistance: eqx.AbstractVar[Parameter]

    def flow(self, v: PerNeuron, drive: Drive, dt: Values | float) -> PerNeuron:
        """The potential [mV] after ``dt`` [ms] of a drive that is held."""
        v_inf, tau = self.v_rest + self.resistance * drive.current, self.tau_mem
        if drive.conductance is not None:
            leak = 1.0 + self.resistance * drive.conductance
            v_inf, tau = v_inf / leak, tau / leak
        return relaxed(v, v_inf, tau, dt)

    def diffuse(self, drive: Drive, dt: Values | float) -> Values:
        """Exact for the linear membrane: ``sqrt(tau/2 (1 - exp(-2 dt/tau)))`` [sqrt(ms)], ``tau`` that under the drive."""
        tau = self.time_constant(drive)
        return square_root(-0.5 * tau * jnp.expm1(-2.0 * dt / tau))  # of a part of a step, which may be none

    def time_constant(self, drive: Drive) -> Values:
        """``tau_mem/(1 + R g)`` [ms]."""
        if drive.conductance is None:
            return self.tau_mem
        return self.tau_mem / (1.0 + self.resistance * drive.conductance)

    def gain(self, drive: Drive, dt: Values | float) -> Values:
        """``R/(1 + R g) (1 - exp(-dt/tau))`` [MOhm]: how far 1 nA held over ``dt`` moves the membrane."""
        leak = 1.0 if drive.conductance is None else 1.0 + self.resistance * drive.conductance
        return -self.resistance / leak * jnp.expm1(-dt * leak / self.tau_mem)
