"""The exponential integrate-and-fire neuron."""

from __future__ import annotations

from typing import Any, Self

import jax.numpy as jnp

from jaxsnn_noise._checks import concrete, fail
from jaxsnn_noise._typing import Parameter, PerNeuron, Values
from jaxsnn_noise.neurons import refractory
from jaxsnn_noise.neurons.quadratic import UpstrokeState
from jaxsnn_noise.neurons.upstroke import Upstroke, check_below, still
from jaxsnn_noise.parameters import nonnegative, parameter, positive, real
from jaxsnn_noise.signals import Drive

STEEPEST = 80.0
"""Largest exponent of the spike current; ``exp`` overflows in single precision beyond 88."""
_ROUNDS = 10
"""Rounds of Newton's rule in which the resting potential settles, from below."""


class EIF(Upstroke):
    r"""Exponential integrate-and-fire: a leak, and a spike current that grows exponentially.

    Equation: ``tau_mem dv/dt = -(v - v_rest) + slope_factor exp((v - v_onset)/slope_factor) + R (I - g v)``. Without noise it fires
    repetitively above the rheobase ``R I = v_onset - slope_factor - v_rest``; at ``v_onset`` its slope vanishes. The upstroke is cut at
    ``v_peak``, where the neuron fires and is reset. It rests where leak and spike current cancel, just above ``v_rest``. Moved by Heun's
    rule, in steps of ``tau_mem/10`` at most.

    f-I: ``T = refractory + tau_mem`` times the integral from ``v_reset`` to ``v_peak`` of ``dv`` over the right-hand side.

    Args:
        size: Number of neurons.
        tau_mem: Membrane time constant [ms], > 0.
        v_rest: Potential at which the leak vanishes [mV], below ``v_onset``.
        v_onset: Where the spike current has the slope of the leak [mV]; Fourcaud-Trocme's ``V_T``.
        slope_factor: Sharpness of the spike onset [mV], > 0; towards 0 it is a LIF with the threshold ``v_onset``.
        v_peak: Where the upstroke is cut [mV], above ``v_onset`` and ``v_reset``.
        v_reset: Potential after a spike [mV].
        resistance: Input resistance [MOhm], > 0.
        refractory: Absolute refractory time [ms], >= 0; ``None``: none.

    The defaults are those that Fourcaud-Trocme et al. fitted to the Wang-Buzsaki neuron, who hold it for 1.7 ms too.

    Reference: Fourcaud-Trocme, Hansel, van Vreeswijk, Brunel 2003, doi:10.1523/JNEUROSCI.23-37-11628.2003.

    Example:
        >>> round(float(EIF(1).rest().v[0]), 3)
        -63.896
    """

    tau_mem: Parameter = parameter("ms", positive, default=10.0)
    v_rest: Parameter = parameter("mV", real, default=-65.0)
    v_onset: Parameter = parameter("mV", real, default=-59.9)
    slope_factor: Parameter = parameter("mV", positive, default=3.48)
    v_peak: Parameter = parameter("mV", real, default=-30.0)
    v_reset: Parameter = parameter("mV", real, default=-68.0)
    resistance: Parameter = parameter("MOhm", positive, default=10.0)
    refractory: Parameter | None = parameter("ms", nonnegative, default=None)

    def check_together(self, who: str) -> None:
        check_peak(who, self, ("v_rest", self.v_rest))

    def rest(self) -> UpstrokeState:
        v = resting(self.v_rest, self.v_onset, self.slope_factor, jnp.ones_like(self.v_rest))
        return UpstrokeState(v, refractory.none_held(self.refractory, v))

    def drift(self, state: UpstrokeState, drive: Drive) -> UpstrokeState:
        v = self.seen(state)
        current = self.v_rest - v + spike_current(v, self.v_onset, self.slope_factor) + self.resistance * drive.at(v)
        return UpstrokeState(self.ready(state) * current / self.tau_mem, still(state.hold))

    def largest_step(self) -> Values:
        """A tenth of the membrane time constant: without noise intervals are then right to 1 % or a step."""
        return 0.1 * self.tau_mem

    @classmethod
    def example(cls) -> Self:
        return cls(5, tau_mem=20.0, resistance=1.0)


def spike_current(v: Values, onset: Values, slope_factor: Values) -> Values:
    """``slope_factor exp((v - onset)/slope_factor)`` [mV]; ``v`` is at most the peak, which bounds it."""
    return slope_factor * jnp.exp((v - onset) / slope_factor)


def resting(v_leak: Values, onset: Values, slope_factor: Values, share: Values) -> Values:
    """The stable root [mV] of ``v = v_leak + share spike_current(v)``; ``v_leak`` where there is none.

    ``share`` is that of the leak in the slope of what pulls back: 1 but for a linear adaptation.
    """
    v = v_leak
    for _ in range(_ROUNDS):
        spike = share * spike_current(jnp.minimum(v, onset), onset, slope_factor)
        v = v + (v_leak + spike - v) / jnp.maximum(1.0 - spike / slope_factor, 1e-3)
    rests = (share > 0) & (jnp.log(jnp.where(share > 0, share, 1.0)) + (v_leak - onset) / slope_factor < -1.0)
    return jnp.where(rests, v, v_leak)


def check_peak(who: str, neuron: Any, leak: tuple[str, PerNeuron]) -> None:
    """Leak, onset and peak lie in this order, the reset below the peak, and that not so high that the spike current overflows."""
    check_below(who, leak, ("v_onset", neuron.v_onset), ", on one scale with it (both counted from 0, or from rest)")
    peak = ("v_peak", neuron.v_peak)
    check_below(who, ("v_onset", neuron.v_onset), peak)
    check_below(who, ("v_reset", neuron.v_reset), peak)
    steepest = concrete((neuron.v_peak - neuron.v_onset) / neuron.slope_factor)
    if steepest is not None and not (steepest <= STEEPEST).all():
        rule = f"must lie at most {STEEPEST:g} slope_factor above v_onset [mV]: beyond it the spike current overflows"
        fail(f"{who}.v_peak", rule, neuron.v_peak)
