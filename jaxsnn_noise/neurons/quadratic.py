"""The quadratic integrate-and-fire neuron, exact for a current held over the step."""

from __future__ import annotations

from typing import Self

import equinox as eqx
import jax.numpy as jnp

from jaxsnn_noise._typing import Parameter, PerNeuron, Values
from jaxsnn_noise.neurons import refractory
from jaxsnn_noise.neurons.upstroke import Upstroke, check_below, still
from jaxsnn_noise.parameters import nonnegative, parameter, positive, real, variable
from jaxsnn_noise.random import Tick
from jaxsnn_noise.signals import Drive


class UpstrokeState(eqx.Module):
    """Membrane potential [mV], and for how many steps it is held yet [1] (``None`` without refractoriness)."""

    v: PerNeuron = variable("mV")
    hold: PerNeuron | None = variable("1")


class QIF(Upstroke):
    r"""Quadratic integrate-and-fire, the normal form of a saddle-node on a circle (class 1).

    Equation: ``tau_mem dv/dt = (v - v_rest)(v - v_critical)/(v_critical - v_rest) + R (I - g v)``. Without input it rests at
    ``v_rest``, where its time constant is ``tau_mem``; above ``v_critical`` it runs away. The upstroke is cut at ``v_peak``, where the
    neuron fires and is reset. The flow over a step is exact, by the tangent (the hyperbolic one below the rheobase), so that
    any step serves; a spike lies at the end of its step.

    f-I: with ``L = v_critical - v_rest``, ``q = R I L - (L/2)^2`` and ``u = v - (v_rest + v_critical)/2``, above the rheobase
    ``R I = L/4``: ``T = refractory + tau_mem L/sqrt(q) [atan(u_peak/sqrt(q)) - atan(u_reset/sqrt(q))]``:
    ``theory.quadratic_interval``.

    Args:
        size: Number of neurons.
        tau_mem: Time constant at rest [ms], > 0.
        v_rest: Stable potential without input [mV].
        v_critical: Potential above which it fires without further input [mV], above ``v_rest``.
        v_peak: Where the upstroke is cut [mV], above ``v_critical`` and ``v_reset``.
        v_reset: Potential after a spike [mV].
        resistance: Input resistance at rest [MOhm], > 0.
        refractory: Absolute refractory time [ms], >= 0; ``None``: none.

    The defaults are those of Latham et al.

    References: Ermentrout and Kopell 1986, doi:10.1137/0146017; Latham, Richmond, Nelson, Nirenberg 2000,
    doi:10.1152/jn.2000.83.2.808.

    Example:
        >>> QIF(3, v_reset=-70.0).size
        3
    """

    tau_mem: Parameter = parameter("ms", positive, default=10.0)
    v_rest: Parameter = parameter("mV", real, default=-65.0)
    v_critical: Parameter = parameter("mV", real, default=-50.0)
    v_peak: Parameter = parameter("mV", real, default=20.0)
    v_reset: Parameter = parameter("mV", real, default=-80.0)
    resistance: Parameter = parameter("MOhm", positive, default=1.0)
    refractory: Parameter | None = parameter("ms", nonnegative, default=None)

    def check_together(self, who: str) -> None:
        peak = ("v_peak", self.v_peak)
        check_below(who, ("v_rest", self.v_rest), ("v_critical", self.v_critical))
        check_below(who, ("v_critical", self.v_critical), peak)
        check_below(who, ("v_reset", self.v_reset), peak)

    def rest(self) -> UpstrokeState:
        return UpstrokeState(self.v_rest, refractory.none_held(self.refractory, self.v_rest))

    def drift(self, state: UpstrokeState, drive: Drive) -> UpstrokeState:
        v = self.seen(state)
        square = (v - self.v_rest) * (v - self.v_critical) / (self.v_critical - self.v_rest)
        slope = self.ready(state) * (square + self.resistance * drive.at(v)) / self.tau_mem
        return UpstrokeState(slope, still(state.hold))

    def largest_step(self) -> Values:
        """Any: the flow is exact."""
        return jnp.full_like(self.tau_mem, jnp.inf)

    def integrate(self, state: UpstrokeState, drive: Drive, key: Tick, dt: Values | float) -> UpstrokeState:
        del key
        v, hold = refractory.flowed(self._flow(state.v, drive, dt), state.v, state.hold)
        return UpstrokeState(v, hold)

    def _flow(self, v: PerNeuron, drive: Drive, dt: Values | float) -> PerNeuron:
        """``u <- u + s (u^2 + q)/(c - u s)``, the solution of ``du/dk = u^2 + q`` at ``k = dt/(tau_mem L)``.

        ``s`` and ``c`` are sine and cosine of ``sqrt(q) k``, or the hyperbolic tangent and 1; where the denominator has passed 0
        the upstroke is over.
        """
        length = self.v_critical - self.v_rest
        middle, bent = 0.5 * (self.v_critical + self.v_rest), self.resistance * length * drive.current
        u, q = v - middle, bent - 0.25 * length * length
        if drive.conductance is not None:
            moved = 0.5 * self.resistance * length * drive.conductance
            u, q = u - moved, q - moved * (2.0 * middle + moved)
        k = dt / (self.tau_mem * length)
        root = jnp.sqrt(jnp.where(q == 0, 1.0, jnp.abs(q)))
        turn = root * k
        c = jnp.where(q > 0, jnp.cos(turn), 1.0)
        s = jnp.where(q > 0, jnp.sin(turn), jnp.tanh(turn)) / root
        c, s = jnp.where(q == 0, 1.0, c), jnp.where(q == 0, k, s)
        below = c - u * s
        over = (below <= 0) | ((q > 0) & (turn >= jnp.pi))
        ahead = v + s * (u * u + q) / jnp.where(over, 1.0, below)
        return jnp.where(over, self.v_peak, jnp.minimum(ahead, self.v_peak))

    @classmethod
    def example(cls) -> Self:
        return cls(5, refractory=2.0)
