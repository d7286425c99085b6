"""The FitzHugh-Nagumo neuron."""

from __future__ import annotations

from typing import ClassVar, Self

import equinox as eqx
import jax.numpy as jnp

from jaxsnn_noise._checks import flag
from jaxsnn_noise._typing import Parameter, PerNeuron, Values
from jaxsnn_noise.neurons.crossing import Crossing, check_levels
from jaxsnn_noise.neurons.upstroke import Nonlinear
from jaxsnn_noise.parameters import nonnegative, parameter, positive, real, variable
from jaxsnn_noise.signals import Drive

_ROUNDS = 25
"""Rounds of Newton's rule in which the resting point settles, from below."""


class FitzHughNagumoState(eqx.Module):
    """Potential [1], recovery [1], 1 where the next crossing is a spike and 0 until the potential has come down [1]."""

    v: PerNeuron = variable("1")
    w: PerNeuron = variable("1")
    armed: PerNeuron = variable("1")


class FitzHughNagumo(Crossing, Nonlinear):
    r"""FitzHugh-Nagumo: the excitable cubic, without reset and without threshold.

    Equations: ``tau_mem dv/dt = v - v^3/3 - w + R (I - g v)``, ``tau_w dw/dt = v + a - b w``; ``v`` and ``w`` are pure numbers, and ``mV`` in the
    units of noise on the membrane reads 1. It rests where both stand still, and oscillates where the slope ``1 - v^2`` there
    exceeds ``b tau_mem/tau_w``. A spike is an upward crossing of ``v_spike``; the next is one only after ``v`` has been below ``v_rearm``.
    Moved by Heun's rule, in steps of ``tau_mem/10`` at most.

    f-I: a band of currents between two Hopf points, ``v^2 = 1 - b tau_mem/tau_w`` (0.331 and 1.419 by default). White noise makes the
    excitable neuron fire most regularly at a medium strength, coherence resonance: Pikovsky and Kurths have
    ``FitzHughNagumo(size, a=1.05, b=0.0, tau_mem=0.01, tau_w=1.0, noise_on_recovery=True)``, and noise of strength ``D`` on ``w``.

    Args:
        size: Number of neurons.
        a: Where the recovery stands still at ``w = 0`` is ``v = -a`` [1].
        b: Its own decay [1], >= 0.
        tau_mem: Fast time constant [ms], > 0.
        tau_w: Slow time constant [ms], > 0.
        resistance: [1/nA], > 0.
        v_spike: What an upward crossing of is a spike [1].
        v_rearm: Below which the next one may come [1], below ``v_spike``.
        noise_on_recovery: Whether noise of the voltage seam kicks ``w`` in place of ``v``.

    The defaults are FitzHugh's: ``a = 0.7``, ``b = 0.8``, ``tau_mem/tau_w = 0.08``.

    References: FitzHugh 1961, doi:10.1016/S0006-3495(61)86902-6; Nagumo, Arimoto, Yoshizawa 1962, doi:10.1109/JRPROC.1962.288235;
    Pikovsky and Kurths 1997, doi:10.1103/PhysRevLett.78.775.

    Example:
        >>> [round(float(x[0]), 3) for x in (FitzHughNagumo(1).rest().v, FitzHughNagumo(1).rest().w)]
        [-1.199, -0.624]
    """

    units: ClassVar[str] = "1"

    a: Parameter = parameter("1", real, default=0.7)
    b: Parameter = parameter("1", nonnegative, default=0.8)
    tau_mem: Parameter = parameter("ms", positive, default=1.0)
    tau_w: Parameter = parameter("ms", positive, default=12.5)
    resistance: Parameter = parameter("1/nA", positive, default=1.0)
    v_spike: Parameter = parameter("1", real, default=1.0)
    v_rearm: Parameter = parameter("1", real, default=0.0)
    noise_on_recovery: bool = eqx.field(static=True, default=False)

    @property
    def kicks_potential(self) -> bool:  # type: ignore[override]
        return not self.noise_on_recovery

    def check_together(self, who: str) -> None:
        flag(f"{who}.noise_on_recovery", self.noise_on_recovery)
        check_levels(who, self.v_rearm, self.v_spike, unit="1")

    def rest(self) -> FitzHughNagumoState:
        v = -3.0 - jnp.abs(self.a)
        for _ in range(_ROUNDS):  # the lowest root of b (v - v^3/3) = v + a
            off = self.b * v * v * v / 3.0 + (1.0 - self.b) * v + self.a
            v = v - off / jnp.maximum(self.b * v * v + 1.0 - self.b, 1e-3)
        return FitzHughNagumoState(v, v - v * v * v / 3.0, jnp.ones_like(v))

    def drift(self, state: FitzHughNagumoState, drive: Drive) -> FitzHughNagumoState:
        v, w = state.v, state.w
        fast = (v - v * v * v / 3.0 - w + self.resistance * drive.at(v)) / self.tau_mem
        return FitzHughNagumoState(fast, (v + self.a - self.b * w) / self.tau_w, jnp.zeros_like(v))

    def kicked(self, state: FitzHughNagumoState, kick: Values) -> FitzHughNagumoState:
        if self.noise_on_recovery:
            return FitzHughNagumoState(state.v, state.w + kick, state.armed)
        return FitzHughNagumoState(state.v + kick, state.w, state.armed)

    def largest_step(self) -> Values:
        """A tenth of the shorter time constant."""
        return 0.1 * jnp.minimum(self.tau_mem, self.tau_w)

    @classmethod
    def example(cls) -> Self:
        return cls(5, tau_mem=20.0, tau_w=250.0)
