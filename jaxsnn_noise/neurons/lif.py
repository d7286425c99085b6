"""The leaky integrate-and-fire neuron with exact integration and absolute refractoriness."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import equinox as eqx
import jax.numpy as jnp

from jaxsnn_noise._checks import concrete, count, fail, finite, nonnegative, positive
from jaxsnn_noise._typing import PerNeuron, Values, per_neuron
from jaxsnn_noise.neurons.membrane import diffusion_of, flow, held_gain
from jaxsnn_noise.neurons.neuron import Neuron
from jaxsnn_noise.neurons.resets import Reset, ResetToValue
from jaxsnn_noise.random import Tick
from jaxsnn_noise.signals import Drive


class LIFState(eqx.Module):
    """Membrane potential [mV], and for how many steps it is held yet [1] (``None`` in a model without refractoriness).

    ``hold`` is a whole number, plus the fraction of a step that a spike inside a step leaves.
    """

    v: PerNeuron
    hold: PerNeuron | None


class LIF(Neuron):
    """Leaky integrate-and-fire, exact for a current held over the step.

    Equation: ``tau_mem dv/dt = -(v - v_rest) + R (I - g v)``, solved as ``v <- v_inf + (v - v_inf) exp(-dt/tau)`` with
    ``v_inf = (v_rest + R I)/(1 + R g)`` and ``tau = tau_mem/(1 + R g)``; ``g`` is the conductance of the synapses, 0 where
    they give currents. A spike at ``v >= v_threshold`` resets the membrane and holds it for ``refractory`` ms, during which
    neither current nor membrane noise acts: the nearest whole number of steps, at least one if it is not zero. After a spike
    inside a step (see :class:`Decision`) it is held for exactly ``refractory`` from that spike on.

    Args:
        size: Number of neurons.
        tau_mem: Membrane time constant [ms], > 0.
        v_threshold: Threshold [mV], above ``v_reset``.
        v_reset: Potential after a spike [mV].
        v_rest: Potential without input [mV].
        resistance: Input resistance [MOhm], > 0; ``mV = nA MOhm``.
        refractory: Absolute refractory time [ms], >= 0. ``None``: the model has none (and no such leaf to sweep), which
            is faster than 0.
        reset: Reset policy.

    Every parameter is one number or one per neuron, stored as [neuron].

    References: Lapicque 1907; Gerstner, Kistler, Naud, Paninski 2014, *Neuronal Dynamics*, doi:10.1017/CBO9781107447615;
    exact integration: Rotter and Diesmann 1999, doi:10.1007/s004220050570.

    Example:
        >>> LIF(3, tau_mem=20.0, refractory=2.0).size
        3
    """

    partial_steps: ClassVar[bool] = True

    size: int = eqx.field(static=True)
    tau_mem: PerNeuron
    v_threshold: PerNeuron
    v_reset: PerNeuron
    v_rest: PerNeuron
    resistance: PerNeuron
    refractory: PerNeuron | None
    reset: Reset

    def __init__(
        self,
        size: int,
        *,
        tau_mem: Any = 20.0,
        v_threshold: Any = 1.0,
        v_reset: Any = 0.0,
        v_rest: Any = 0.0,
        resistance: Any = 1.0,
        refractory: Any = None,
        reset: Reset | None = None,
    ):
        self.size = count("LIF.size", size)
        self.tau_mem = per_neuron("LIF.tau_mem", tau_mem, size)
        self.v_threshold = per_neuron("LIF.v_threshold", v_threshold, size)
        self.v_reset = per_neuron("LIF.v_reset", v_reset, size)
        self.v_rest = per_neuron("LIF.v_rest", v_rest, size)
        self.resistance = per_neuron("LIF.resistance", resistance, size)
        self.refractory = None if refractory is None else per_neuron("LIF.refractory", refractory, size)
        self.reset = ResetToValue() if reset is None else reset
        self.check("LIF")

    def check(self, who: str) -> None:
        """Raise :class:`InputError` for a parameter outside its range."""
        positive(f"{who}.tau_mem", self.tau_mem, "ms")
        positive(f"{who}.resistance", self.resistance, "MOhm")
        if self.refractory is not None:
            nonnegative(f"{who}.refractory", self.refractory, "ms")
        for name in ("v_threshold", "v_reset", "v_rest"):
            finite(f"{who}.{name}", getattr(self, name), "mV")
        below(who, self.v_reset, self.v_threshold)

    def rest(self) -> LIFState:
        return LIFState(self.v_rest, None if self.refractory is None else jnp.zeros_like(self.v_rest))

    def integrate(self, state: LIFState, drive: Drive, key: Tick, dt: Values | float) -> LIFState:
        del key
        v = flow(state.v, drive, dt, tau_mem=self.tau_mem, v_rest=self.v_rest, resistance=self.resistance)
        if state.hold is None:
            return LIFState(v, None)
        return LIFState(jnp.where(state.hold < 1, v, state.v), jnp.maximum(state.hold - 1, 0))

    def threshold(self, state: LIFState) -> PerNeuron:
        del state
        return self.v_threshold

    def ready(self, state: LIFState) -> PerNeuron:
        return jnp.ones_like(state.v) if state.hold is None else (state.hold < 1).astype(state.v.dtype)

    def free(self, state: LIFState, dt: float) -> Values:
        return jnp.full_like(state.v, dt) if state.hold is None else dt * jnp.clip(1 - state.hold, 0.0, 1.0)

    def after_spikes(self, state: LIFState, spikes: PerNeuron, dt: float) -> LIFState:
        v = self.reset(state.v, spikes, self.v_reset, self.v_threshold)
        if self.refractory is None or state.hold is None:
            return LIFState(v, None)
        steps = jnp.where(self.refractory > 0, jnp.maximum(jnp.floor(self.refractory / dt + 0.5), 1), 0)
        return LIFState(v, jnp.where(spikes > 0, steps, state.hold))

    def after_spikes_inside(
        self, state: LIFState, spikes: PerNeuron, inside: PerNeuron, dt: float
    ) -> tuple[LIFState, PerNeuron]:
        crossed = jnp.where(spikes > 0, self.v_threshold, state.v)
        v = self.reset(crossed, spikes, self.v_reset, self.v_threshold)
        rest = dt - inside
        if self.refractory is None or state.hold is None:
            return LIFState(v, None), rest
        hold = jnp.maximum(self.refractory - rest, 0.0) / dt
        return LIFState(v, jnp.where(spikes > 0, hold, state.hold)), jnp.maximum(rest - self.refractory, 0.0)

    def diffuse(self, drive: Drive, dt: Values | float) -> Values:
        """Exact for the linear membrane: ``sqrt(tau/2 (1 - exp(-2 dt/tau)))`` [sqrt(ms)], ``tau`` that under the drive."""
        return diffusion_of(drive, dt, tau_mem=self.tau_mem, resistance=self.resistance)

    def gain(self, drive: Drive, dt: Values | float) -> Values:
        """``R/(1 + R g) (1 - exp(-dt/tau))`` [MOhm]."""
        return held_gain(drive, dt, tau_mem=self.tau_mem, resistance=self.resistance)

    @classmethod
    def example(cls) -> Self:
        return cls(5, tau_mem=20.0, refractory=2.0)


class IntegratorState(eqx.Module):
    """Membrane potential [mV]."""

    v: PerNeuron


class LeakyIntegrator(Neuron):
    """A membrane that never fires: ``tau_mem dv/dt = -(v - v_rest) + R I``, exact as in :class:`LIF`.

    The usual readout of a classifier: read its mean, maximum or last potential.

    Args:
        size: Number of neurons.
        tau_mem: Membrane time constant [ms], > 0.
        v_rest: Potential without input [mV].
        resistance: Input resistance [MOhm], > 0.

    Example:
        >>> LeakyIntegrator(10, tau_mem=20.0).size
        10
    """

    spiking: ClassVar[bool] = False

    size: int = eqx.field(static=True)
    tau_mem: PerNeuron
    v_rest: PerNeuron
    resistance: PerNeuron

    def __init__(self, size: int, *, tau_mem: Any = 20.0, v_rest: Any = 0.0, resistance: Any = 1.0):
        self.size = count("LeakyIntegrator.size", size)
        self.tau_mem = per_neuron("LeakyIntegrator.tau_mem", tau_mem, size)
        self.v_rest = per_neuron("LeakyIntegrator.v_rest", v_rest, size)
        self.resistance = per_neuron("LeakyIntegrator.resistance", resistance, size)
        self.check("LeakyIntegrator")

    def check(self, who: str) -> None:
        """Raise :class:`InputError` for a parameter outside its range."""
        positive(f"{who}.tau_mem", self.tau_mem, "ms")
        positive(f"{who}.resistance", self.resistance, "MOhm")
        finite(f"{who}.v_rest", self.v_rest, "mV")

    def rest(self) -> IntegratorState:
        return IntegratorState(self.v_rest)

    def integrate(self, state: IntegratorState, drive: Drive, key: Tick, dt: Values | float) -> IntegratorState:
        del key
        v = flow(state.v, drive, dt, tau_mem=self.tau_mem, v_rest=self.v_rest, resistance=self.resistance)
        return IntegratorState(v)

    def threshold(self, state: IntegratorState) -> PerNeuron:
        """Zero, and of no consequence: a model with ``spiking = False`` is never asked to fire."""
        return jnp.zeros_like(state.v)

    def after_spikes(self, state: IntegratorState, spikes: PerNeuron, dt: float) -> IntegratorState:
        del spikes, dt
        return state

    def diffuse(self, drive: Drive, dt: Values | float) -> Values:
        """Exact for the linear membrane: ``sqrt(tau/2 (1 - exp(-2 dt/tau)))`` [sqrt(ms)], ``tau`` that under the drive."""
        return diffusion_of(drive, dt, tau_mem=self.tau_mem, resistance=self.resistance)

    def gain(self, drive: Drive, dt: Values | float) -> Values:
        """``R/(1 + R g) (1 - exp(-dt/tau))`` [MOhm]."""
        return held_gain(drive, dt, tau_mem=self.tau_mem, resistance=self.resistance)

    @classmethod
    def example(cls) -> Self:
        return cls(5, tau_mem=20.0)


def below(who: str, v_reset: PerNeuron, v_threshold: PerNeuron) -> None:
    """The reset potential lies below the threshold, or the neuron would fire for ever."""
    low, high = concrete(v_reset), concrete(v_threshold)
    if low is not None and high is not None and not (low < high).all():
        fail(f"{who}.v_reset", "must lie below v_threshold [mV]", float((low - high).max()))
