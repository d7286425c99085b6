"""The leaky integrate-and-fire neuron with exact integration and absolute refractoriness."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float32

from jaxsnn_noise._checks import concrete, count, fail, finite, nonnegative, positive
from jaxsnn_noise._typing import PerNeuron, per_neuron
from jaxsnn_noise.neurons.neuron import Neuron
from jaxsnn_noise.neurons.resets import Reset, ResetToValue
from jaxsnn_noise.random import Tick


class LIFState(eqx.Module):
    """Membrane potential [mV] and what is left of the refractory time [ms] (``None`` in a model without one)."""

    v: PerNeuron
    refractory_left: PerNeuron | None


class LIF(Neuron):
    """Leaky integrate-and-fire, exact for a current held over the step.

    Equation: ``tau_mem dv/dt = -(v - v_rest) + R I``, solved as ``v <- v_inf + (v - v_inf) exp(-dt/tau_mem)`` with
    ``v_inf = v_rest + R I``. A spike at ``v >= v_threshold`` resets the membrane and holds it for ``refractory`` ms
    (the nearest whole number of steps, at least one if it is not zero), during which neither current nor membrane noise acts.

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

    size: int = eqx.field(static=True)
    tau_mem: PerNeuron
    v_threshold: PerNeuron
    v_reset: PerNeuron
    v_rest: PerNeuron
    resistance: PerNeuron
    refractory: PerNeuron | None
    reset_policy: Reset

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
        self.reset_policy = ResetToValue() if reset is None else reset
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

    def integrate(self, state: LIFState, current: PerNeuron, key: Tick, dt: float) -> LIFState:
        del key
        v_inf = self.v_rest + self.resistance * current
        v = v_inf + (state.v - v_inf) * jnp.exp(-dt / self.tau_mem)
        if state.refractory_left is None:
            return LIFState(v, None)
        left = jnp.maximum(state.refractory_left - dt, 0.0)
        # Less than half a step left counts as none: the hold is the nearest whole number of steps.
        left = jnp.where(left < 0.5 * dt, 0.0, left)
        return LIFState(jnp.where(state.refractory_left > 0, state.v, v), left)

    def threshold(self, state: LIFState) -> PerNeuron:
        del state
        return self.v_threshold

    def ready(self, state: LIFState) -> PerNeuron:
        if state.refractory_left is None:
            return jnp.ones_like(state.v)
        return (state.refractory_left == 0).astype(state.v.dtype)

    def reset(self, state: LIFState, spikes: PerNeuron) -> LIFState:
        v = self.reset_policy(state.v, spikes, self.v_reset, self.v_threshold)
        if self.refractory is None or state.refractory_left is None:
            return LIFState(v, None)
        return LIFState(v, jnp.where(spikes > 0, self.refractory, state.refractory_left))

    def diffuse(self, dt: float) -> Float32[Array, "..."]:
        """Exact for the linear membrane: ``sqrt(tau/2 (1 - exp(-2 dt/tau)))`` [sqrt(ms)]."""
        return jnp.sqrt(-0.5 * self.tau_mem * jnp.expm1(-2.0 * dt / self.tau_mem))

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

    def integrate(self, state: IntegratorState, current: PerNeuron, key: Tick, dt: float) -> IntegratorState:
        del key
        v_inf = self.v_rest + self.resistance * current
        return IntegratorState(v_inf + (state.v - v_inf) * jnp.exp(-dt / self.tau_mem))

    def threshold(self, state: IntegratorState) -> PerNeuron:
        """Zero, and of no consequence: a model with ``spiking = False`` is never asked to fire."""
        return jnp.zeros_like(state.v)

    def reset(self, state: IntegratorState, spikes: PerNeuron) -> IntegratorState:
        del spikes
        return state

    def diffuse(self, dt: float) -> Float32[Array, "..."]:
        """Exact for the linear membrane: ``sqrt(tau/2 (1 - exp(-2 dt/tau)))`` [sqrt(ms)]."""
        return jnp.sqrt(-0.5 * self.tau_mem * jnp.expm1(-2.0 * dt / self.tau_mem))

    @classmethod
    def example(cls) -> Self:
        return cls(5, tau_mem=20.0)


def below(who: str, v_reset: PerNeuron, v_threshold: PerNeuron) -> None:
    """The reset potential lies below the threshold, or the neuron would fire for ever."""
    low, high = concrete(v_reset), concrete(v_threshold)
    if low is not None and high is not None and not (low < high).all():
        fail(f"{who}.v_reset", "must lie below v_threshold [mV]", float((low - high).max()))
