"""The linear membrane, exact for a drive that is held over the step."""

from __future__ import annotations

import jax.numpy as jnp

from jaxsnn_noise._typing import PerNeuron, Values
from jaxsnn_noise.signals import Drive


def flow(
    v: PerNeuron, drive: Drive, dt: Values | float, *, tau_mem: PerNeuron, v_rest: PerNeuron, resistance: PerNeuron
) -> PerNeuron:
    """The potential [mV] after ``dt`` [ms] of ``tau_mem dv/dt = -(v - v_rest) + R (I - g v)``."""
    v_inf = v_rest + resistance * drive.current
    if drive.conductance is not None:
        leak = 1.0 + resistance * drive.conductance
        v_inf, tau_mem = v_inf / leak, tau_mem / leak
    return v_inf + (v - v_inf) * jnp.exp(-dt / tau_mem)


def diffusion_of(drive: Drive, dt: Values | float, *, tau_mem: PerNeuron, resistance: PerNeuron) -> Values:
    """``sqrt(tau/2 (1 - exp(-2 dt/tau)))`` [sqrt(ms)] with the time constant that the drive leaves."""
    if drive.conductance is not None:
        tau_mem = tau_mem / (1.0 + resistance * drive.conductance)
    return jnp.sqrt(-0.5 * tau_mem * jnp.expm1(-2.0 * dt / tau_mem))


def held_gain(drive: Drive, dt: Values | float, *, tau_mem: PerNeuron, resistance: PerNeuron) -> Values:
    """How far 1 nA held over ``dt`` moves the membrane [MOhm]: ``R/(1 + R g) (1 - exp(-dt/tau))``."""
    leak = 1.0 if drive.conductance is None else 1.0 + resistance * drive.conductance
    return -resistance / leak * jnp.expm1(-dt * leak / tau_mem)
