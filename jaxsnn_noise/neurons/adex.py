"""The adaptive exponential integrate-and-fire neuron, and its eight firing patterns."""

from __future__ import annotations

from typing import Self

import equinox as eqx
import jax.numpy as jnp

from jaxsnn_noise._typing import Parameter, PerNeuron, Values
from jaxsnn_noise.neurons import refractory
from jaxsnn_noise.neurons.exponential import check_peak, resting, spike_current
from jaxsnn_noise.neurons.patterns import Pattern
from jaxsnn_noise.neurons.upstroke import Upstroke, still
from jaxsnn_noise.parameters import nonnegative, parameter, positive, real, variable
from jaxsnn_noise.signals import Drive


class AdExState(eqx.Module):
    """Membrane potential [mV], adaptation current [nA], for how many steps the membrane is held yet [1]."""

    v: PerNeuron = variable("mV")
    w: PerNeuron = variable("nA")
    hold: PerNeuron | None = variable("1")


class AdEx(Upstroke):
    r"""Adaptive exponential integrate-and-fire: :class:`EIF` with an adaptation current ``w``.

    Equations::

        C dv/dt   = -g_L (v - v_leak) + g_L slope_factor exp((v - v_onset)/slope_factor) - w + I - g v
        tau_w dw/dt = a (v - v_leak) - w

    The upstroke is cut at ``v_peak``: there the neuron fires, ``v`` goes to ``v_reset`` and ``w`` rises by ``b``. In refractory time
    ``v`` is held and ``w`` goes on. It rests where both equations stand still; at ``v_leak`` where that is nowhere. Moved by Heun's
    rule, in steps of a tenth of ``C/g_L`` and ``tau_w`` at most; spikes are seen at the end of a step, half a step late.

    f-I: none in closed form. ``ADEX_PATTERNS`` are the eight answers to a step of current that Naud et al. found.

    Args:
        size: Number of neurons.
        capacitance: ``C`` [nF], > 0; the 281 pF of the paper are 0.281.
        g_leak: ``g_L`` [uS], > 0; the 30 nS of the paper are 0.03.
        v_leak: Potential at which the leak vanishes [mV], below ``v_onset``.
        v_onset: ``V_T``, where the spike current has the slope of the leak [mV].
        slope_factor: Sharpness of the spike onset [mV], > 0.
        v_peak: Where the upstroke is cut [mV], above ``v_onset`` and ``v_reset``.
        v_reset: Potential after a spike [mV]; above ``v_onset`` it bursts.
        a: Adaptation by the potential [uS], of any sign.
        tau_w: Time constant of the adaptation [ms], > 0.
        b: What a spike adds to the adaptation [nA].
        refractory: Absolute refractory time [ms], >= 0; ``None``: none.

    The defaults are those of Brette and Gerstner, fitted to a layer-5 pyramidal cell model.

    References: Brette and Gerstner 2005, doi:10.1152/jn.00686.2005; Naud, Marcille, Clopath, Gerstner 2008,
    doi:10.1007/s00422-008-0264-7.

    Example:
        >>> bursting = ADEX_PATTERNS["regular bursting"]
        >>> neuron = AdEx(3, **bursting.parameters)
        >>> round(bursting.current, 2), round(float(neuron.v_reset[0]), 1)
        (0.21, -46.0)
    """

    capacitance: Parameter = parameter("nF", positive, default=0.281)
    g_leak: Parameter = parameter("uS", positive, default=0.03)
    v_leak: Parameter = parameter("mV", real, default=-70.6)
    v_onset: Parameter = parameter("mV", real, default=-50.4)
    slope_factor: Parameter = parameter("mV", positive, default=2.0)
    v_peak: Parameter = parameter("mV", real, default=20.0)
    v_reset: Parameter = parameter("mV", real, default=-70.6)
    a: Parameter = parameter("uS", real, default=0.004)
    tau_w: Parameter = parameter("ms", positive, default=144.0)
    b: Parameter = parameter("nA", real, default=0.0805)
    refractory: Parameter | None = parameter("ms", nonnegative, default=None)

    def check_together(self, who: str) -> None:
        check_peak(who, self, ("v_leak", self.v_leak))

    def rest(self) -> AdExState:
        pulled = self.g_leak + self.a
        share = jnp.where(pulled > 0, self.g_leak / jnp.where(pulled > 0, pulled, 1.0), 0.0)
        v = resting(self.v_leak, self.v_onset, self.slope_factor, share)
        return AdExState(v, self.a * (v - self.v_leak), refractory.none_held(self.refractory, v))

    def drift(self, state: AdExState, drive: Drive) -> AdExState:
        v = self.seen(state)
        away = v - self.v_leak
        leak = self.g_leak * (spike_current(v, self.v_onset, self.slope_factor) - away)
        slope = self.ready(state) * (leak - state.w + drive.at(v)) / self.capacitance
        return AdExState(slope, (self.a * away - state.w) / self.tau_w, still(state.hold))

    def largest_step(self) -> Values:
        """A tenth of the shorter of ``C/g_L`` and ``tau_w``."""
        return 0.1 * jnp.minimum(self.capacitance / self.g_leak, self.tau_w)

    def after_spikes(self, state: AdExState, spikes: PerNeuron, dt: float) -> AdExState:
        state = super().after_spikes(state, spikes, dt)
        return eqx.tree_at(lambda s: s.w, state, state.w + self.b * spikes)

    @classmethod
    def example(cls) -> Self:
        return cls(5, capacitance=4.0, g_leak=0.2, a=0.05, refractory=2.0)


def _pattern(c: float, g: float, leak: float, a: float, tau: float, b: float, reset: float, current: float) -> Pattern:
    """A row of the table: pF, nS, mV, nS, ms, pA, mV, pA."""
    membrane = {"capacitance": c / 1000, "g_leak": g / 1000, "v_leak": leak, "v_onset": -50.0, "slope_factor": 2.0}
    adaptation = {"a": a / 1000, "tau_w": tau, "b": b / 1000}
    return Pattern({**membrane, **adaptation, "v_peak": 0.0, "v_reset": reset}, current / 1000)


ADEX_PATTERNS: dict[str, Pattern] = {
    "tonic spiking": _pattern(200, 10, -70, 2, 30, 0, -58, 500),
    "adaptation": _pattern(200, 12, -70, 2, 300, 60, -58, 500),
    "initial burst": _pattern(130, 18, -58, 4, 150, 120, -50, 400),
    "regular bursting": _pattern(200, 10, -58, 2, 120, 100, -46, 210),
    "delayed accelerating": _pattern(200, 12, -70, -10, 300, 0, -58, 300),
    "delayed regular bursting": _pattern(100, 10, -65, -10, 90, 30, -47, 110),
    "transient spiking": _pattern(100, 10, -65, 10, 90, 100, -47, 180),
    "irregular spiking": _pattern(100, 12, -60, -11, 130, 30, -48, 160),
}
"""The eight firing patterns of Naud et al. 2008, table 1, doi:10.1007/s00422-008-0264-7, with the step of current that shows them."""
