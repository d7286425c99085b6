"""Neurons whose spikes rise by themselves: the flow by Heun's rule, and the cut at the peak."""

from __future__ import annotations

import abc
from typing import Any, cast

import equinox as eqx
import jax.numpy as jnp

from jaxsnn_noise._checks import concrete, fail
from jaxsnn_noise._typing import Parameter, PerNeuron, Values
from jaxsnn_noise.neurons import refractory
from jaxsnn_noise.neurons.neuron import Neuron
from jaxsnn_noise.neurons.refractory import Hold
from jaxsnn_noise.neurons.steppers import Heun
from jaxsnn_noise.random import Tick
from jaxsnn_noise.signals import Drive


class Nonlinear(Neuron):
    """Abstract: a model without an exact flow, moved by Heun's rule of second order. Noise on its membrane is added after it.

    ``x* = x + f(x) dt``, ``x <- x + (f(x) + f(x*)) dt/2``. In a ``Population(stepper=Heun())`` noise acts inside the step.
    """

    @abc.abstractmethod
    def drift(self, state: Any, drive: Drive) -> Any:
        """The time derivative of the state [per ms]."""

    @abc.abstractmethod
    def largest_step(self) -> Values:
        """The largest ``dt`` [ms] in which ``integrate`` follows the model, of each neuron."""

    def integrate(self, state: Any, drive: Drive, key: Tick, dt: Values | float) -> Any:
        del key
        moved = Heun().step(state, lambda s: self.drift(s, drive), lambda s: jnp.zeros(()), lambda s, kick: s, dt)
        return self.elapsed(moved, cast("float", dt))

    def check_step(self, who: str, dt: float) -> None:
        largest = concrete(self.largest_step())
        if largest is not None and not dt <= float(largest.min()) * (1 + 1e-6):
            rule = f"is followed in steps of at most {float(largest.min()):.3g} ms; take a smaller one"
            fail(who, rule, f"dt = {dt:g} ms")


class Upstroke(Nonlinear):
    """Abstract: a spike is an upstroke that is cut at ``v_peak``, where the neuron fires and is reset.

    No potential lies above the peak at the end of a flow, and beyond it the drift is that at the peak, which bounds what an
    exponential or a square adds in one step; below the peak nothing is changed.
    """

    v_peak: eqx.AbstractVar[Parameter]
    v_reset: eqx.AbstractVar[Parameter]
    refractory: eqx.AbstractVar[Parameter | None]

    def seen(self, state: Any) -> PerNeuron:
        """The potential in the drift [mV]: at most the peak."""
        return jnp.minimum(state.v, self.v_peak)

    def elapsed(self, state: Any, dt: float) -> Any:
        """The potential is cut at the peak, and one step less is left to hold."""
        del dt
        v, hold = jnp.minimum(state.v, self.v_peak), counted(state.hold)
        return eqx.tree_at(lambda s: (s.v, s.hold), state, (v, hold), is_leaf=lambda x: x is None)

    def threshold(self, state: Any) -> PerNeuron:
        del state
        return self.v_peak

    def ready(self, state: Any) -> PerNeuron:
        return refractory.ready(state.hold, state.v)

    def after_spikes(self, state: Any, spikes: PerNeuron, dt: float) -> Any:
        v = jnp.where(spikes > 0, self.v_reset, state.v)
        hold = refractory.after_spikes(state.hold, self.refractory, spikes, dt)
        return eqx.tree_at(lambda s: (s.v, s.hold), state, (v, hold), is_leaf=lambda x: x is None)


def counted(hold: Hold) -> Hold:
    """One step less to hold."""
    return None if hold is None else jnp.maximum(hold - 1, 0)


def still(hold: Hold) -> Hold:
    """The drift of what does not flow."""
    return None if hold is None else jnp.zeros_like(hold)


def check_below(who: str, low: tuple[str, Any], high: tuple[str, Any], why: str = "") -> None:
    """The first of two named parameters [mV] lies below the second."""
    (name, a), (other, b) = ((n, concrete(value)) for n, value in (low, high))
    if a is not None and b is not None and not (a < b).all():
        fail(f"{who}.{name}", f"must lie below {other}{why} [mV]", a if a.size > 1 else float(a.reshape(())))
