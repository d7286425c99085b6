"""The Morris-Lecar neuron, and its three regimes."""

from __future__ import annotations

from typing import Self

import equinox as eqx
import jax.numpy as jnp

from jaxsnn_noise._typing import Parameter, PerNeuron, Values
from jaxsnn_noise.neurons.crossing import Crossing, check_levels
from jaxsnn_noise.neurons.patterns import Pattern
from jaxsnn_noise.neurons.upstroke import Nonlinear, check_below
from jaxsnn_noise.parameters import parameter, positive, real, variable
from jaxsnn_noise.signals import Drive

_ROUNDS = 12
"""Rounds of Newton's rule in which the resting point settles."""


class MorrisLecarState(eqx.Module):
    """Membrane potential [mV], open fraction of potassium channels [1], 1 where the next crossing is a spike [1]."""

    v: PerNeuron = variable("mV")
    n: PerNeuron = variable("1")
    armed: PerNeuron = variable("1")


class MorrisLecar(Crossing, Nonlinear):
    r"""Morris-Lecar: a calcium current that follows the potential at once, and a slow potassium current; no reset.

    Equations, ``m(v) = (1 + tanh((v - v1)/v2))/2``, ``n_inf(v) = (1 + tanh((v - v3)/v4))/2``::

        C dv/dt = -g_ca m(v) (v - e_ca) - g_k n (v - e_k) - g_leak (v - e_leak) + I - g v
        dn/dt   = phi cosh((v - v3)/(2 v4)) (n_inf(v) - n)

    Published numbers per cm2 (uF, mS, uA) are those here (nF, uS, nA) of a membrane of 1e-3 cm2. It rests where both stand still. A
    spike is an upward crossing of ``v_spike``; the next is one only after ``v`` has been below ``v_rearm``. Moved by Heun's rule, in steps
    of a fifth of the shorter of ``C/(g_ca + g_k + g_leak)`` and ``1/phi`` at most.

    f-I: by default class 2, a subcritical Hopf point at 93.86 nA and the end of firing at 212.02 nA; ``MORRIS_LECAR_REGIMES`` are
    that, a saddle-node on a circle (class 1, from 39.96 nA on) and a homoclinic orbit.

    Args:
        size: Number of neurons.
        capacitance: ``C`` [nF], > 0.
        g_ca: Calcium conductance [uS], > 0.
        g_k: Potassium conductance [uS], > 0.
        g_leak: Leak conductance [uS], > 0.
        e_ca: Calcium reversal [mV], above ``e_leak``.
        e_k: Potassium reversal [mV], below ``e_leak``.
        e_leak: Leak reversal [mV].
        v1: Half activation of calcium [mV].
        v2: Width of that [mV], > 0.
        v3: Half activation of potassium [mV].
        v4: Width of that [mV], > 0.
        phi: Rate of the potassium channels at ``v3`` [1/ms], > 0.
        v_spike: What an upward crossing of is a spike [mV].
        v_rearm: Below which the next one may come [mV], below ``v_spike``.

    The defaults are those of Rinzel and Ermentrout.

    References: Morris and Lecar 1981, doi:10.1016/S0006-3495(81)84782-0; Rinzel and Ermentrout 1998, in Koch and Segev, *Methods
    in Neuronal Modeling*; Ermentrout and Terman 2010, table 3.1, doi:10.1007/978-0-387-87708-2.

    Example:
        >>> round(float(MorrisLecar(1).rest().v[0]), 2)
        -60.86
    """

    capacitance: Parameter = parameter("nF", positive, default=20.0)
    g_ca: Parameter = parameter("uS", positive, default=4.4)
    g_k: Parameter = parameter("uS", positive, default=8.0)
    g_leak: Parameter = parameter("uS", positive, default=2.0)
    e_ca: Parameter = parameter("mV", real, default=120.0)
    e_k: Parameter = parameter("mV", real, default=-84.0)
    e_leak: Parameter = parameter("mV", real, default=-60.0)
    v1: Parameter = parameter("mV", real, default=-1.2)
    v2: Parameter = parameter("mV", positive, default=18.0)
    v3: Parameter = parameter("mV", real, default=2.0)
    v4: Parameter = parameter("mV", positive, default=30.0)
    phi: Parameter = parameter("1/ms", positive, default=0.04)
    v_spike: Parameter = parameter("mV", real, default=0.0)
    v_rearm: Parameter = parameter("mV", real, default=-10.0)

    def check_together(self, who: str) -> None:
        check_levels(who, self.v_rearm, self.v_spike)
        check_below(who, ("e_k", self.e_k), ("e_leak", self.e_leak))
        check_below(who, ("e_leak", self.e_leak), ("e_ca", self.e_ca))

    def rest(self) -> MorrisLecarState:
        v = self.e_leak
        for _ in range(_ROUNDS):
            m, n = _open(v, self.v1, self.v2), _open(v, self.v3, self.v4)
            out = self.g_ca * m * (v - self.e_ca) + self.g_k * n * (v - self.e_k) + self.g_leak * (v - self.e_leak)
            steeper = self.g_ca * (v - self.e_ca) * 2.0 * m * (1.0 - m) / self.v2
            steeper = steeper + self.g_k * (v - self.e_k) * 2.0 * n * (1.0 - n) / self.v4
            v = v - out / jnp.maximum(self.g_ca * m + self.g_k * n + self.g_leak + steeper, 0.1 * self.g_leak)
        return MorrisLecarState(v, _open(v, self.v3, self.v4), jnp.ones_like(v))

    def drift(self, state: MorrisLecarState, drive: Drive) -> MorrisLecarState:
        v, n = state.v, state.n
        inward = self.g_ca * _open(v, self.v1, self.v2) * (self.e_ca - v) + drive.at(v)
        slope = inward + self.g_k * n * (self.e_k - v) + self.g_leak * (self.e_leak - v)
        faster = jnp.cosh(jnp.clip((v - self.v3) / (2.0 * self.v4), -_FAR, _FAR))
        return MorrisLecarState(
            slope / self.capacitance, self.phi * faster * (_open(v, self.v3, self.v4) - n), jnp.zeros_like(v)
        )

    def largest_step(self) -> Values:
        """A fifth of the shorter time constant with all channels open, and at ``v3``."""
        return 0.2 * jnp.minimum(self.capacitance / (self.g_ca + self.g_k + self.g_leak), 1.0 / self.phi)

    @classmethod
    def example(cls) -> Self:
        return cls(5, capacitance=4.0, g_ca=0.088, g_k=0.16, g_leak=0.04, phi=0.004)


_FAR = 5.0
"""Beyond which the rate of the potassium channels grows no further, ten times ``v4`` from ``v3``: no cell gets there."""


def _open(v: Values, half: Values, width: Values) -> Values:
    return 0.5 * (1.0 + jnp.tanh((v - half) / width))


MORRIS_LECAR_REGIMES: dict[str, Pattern] = {
    "Hopf": Pattern({"phi": 0.04, "g_ca": 4.4, "v3": 2.0, "v4": 30.0}, 100.0),
    "saddle-node on a circle": Pattern({"phi": 0.067, "g_ca": 4.0, "v3": 12.0, "v4": 17.4}, 50.0),
    "homoclinic": Pattern({"phi": 0.23, "g_ca": 4.0, "v3": 12.0, "v4": 17.4}, 38.0),
}
"""The regimes of Ermentrout and Terman 2010, table 3.1, doi:10.1007/978-0-387-87708-2, each with a current at which it fires."""
