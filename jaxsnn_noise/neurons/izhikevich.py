"""Izhikevich's simple model of spiking neurons, and its published parameter sets."""

from __future__ import annotations

from typing import Self

import equinox as eqx
import jax.numpy as jnp

from jaxsnn_noise._typing import Parameter, PerNeuron, Values
from jaxsnn_noise.neurons.patterns import Pattern
from jaxsnn_noise.neurons.upstroke import Nonlinear, check_below
from jaxsnn_noise.parameters import parameter, positive, real, variable
from jaxsnn_noise.random import Tick
from jaxsnn_noise.signals import Drive


class IzhikevichState(eqx.Module):
    """Membrane potential [mV], recovery [mV/ms]."""

    v: PerNeuron = variable("mV")
    u: PerNeuron = variable("mV/ms")


class Izhikevich(Nonlinear):
    r"""Izhikevich's quadratic neuron with a linear recovery.

    Equations, in mV and ms::

        dv/dt = quadratic v^2 + linear v + constant - u + I
        du/dt = a (b v - u)

    At ``v >= v_peak`` the neuron fires, ``v`` goes to ``c`` and ``u`` rises by ``d``. A drive of 1 nA is 1 mV/ms, the paper's ``I = 1`` (a
    capacitance of 1 nF). It rests at the lower root of the equations; where there is none, at the potential between.

    Steps are those of the paper: ``v`` by two half steps of Euler's rule, then ``u`` by a whole one with the new ``v``. Unlike
    there, ``v`` is cut at the peak after each half, before ``u`` sees it. Steps of at most 1 ms, the published one, in which the
    model is another one than its equations: the interval of regular spiking is 8 % longer, that of fast spiking 58 %; in steps of
    0.1 ms 0.6 % and 6 %. In ``Population(stepper=Heun())`` it is moved by that instead.

    f-I: none in closed form. ``IZHIKEVICH_2003`` are the cell types of the first paper, ``IZHIKEVICH_2004`` the features of the second.

    Args:
        size: Number of neurons.
        a: Rate of the recovery [1/ms].
        b: Its sensitivity to the potential [1/ms].
        c: Potential after a spike [mV], below ``v_peak``.
        d: What a spike adds to the recovery [mV/ms].
        v_peak: Where the upstroke is cut [mV].
        quadratic: [1/(mV ms)], > 0.
        linear: [1/ms]; 4.1 for class 1 and integrators.
        constant: [mV/ms]; 108 for these.

    The defaults are those of regular spiking cells.

    References: Izhikevich 2003, doi:10.1109/TNN.2003.820440; Izhikevich 2004, doi:10.1109/TNN.2004.832719.

    Example:
        >>> chattering = IZHIKEVICH_2003["chattering"]
        >>> neuron = Izhikevich(3, **chattering.parameters)
        >>> float(neuron.c[0]), chattering.current
        (-50.0, 10.0)
    """

    a: Parameter = parameter("1/ms", real, default=0.02)
    b: Parameter = parameter("1/ms", real, default=0.2)
    c: Parameter = parameter("mV", real, default=-65.0)
    d: Parameter = parameter("mV/ms", real, default=8.0)
    v_peak: Parameter = parameter("mV", real, default=30.0)
    quadratic: Parameter = parameter("1/(mV ms)", positive, default=0.04)
    linear: Parameter = parameter("1/ms", real, default=5.0)
    constant: Parameter = parameter("mV/ms", real, default=140.0)

    def check_together(self, who: str) -> None:
        check_below(who, ("c", self.c), ("v_peak", self.v_peak))

    def rest(self) -> IzhikevichState:
        half = 0.5 * (self.linear - self.b) / self.quadratic
        apart = jnp.square(half) - self.constant / self.quadratic
        v = -half - jnp.sqrt(jnp.maximum(apart, 0.0))
        return IzhikevichState(v, self.b * v)

    def drift(self, state: IzhikevichState, drive: Drive) -> IzhikevichState:
        v = jnp.minimum(state.v, self.v_peak)
        return IzhikevichState(self._slope(v, state.u, drive), self.a * (self.b * v - state.u))

    def integrate(self, state: IzhikevichState, drive: Drive, key: Tick, dt: Values | float) -> IzhikevichState:
        del key
        v = jnp.minimum(state.v, self.v_peak)
        for _ in range(2):
            v = jnp.minimum(v + 0.5 * dt * self._slope(v, state.u, drive), self.v_peak)
        return IzhikevichState(v, state.u + dt * self.a * (self.b * v - state.u))

    def _slope(self, v: PerNeuron, u: PerNeuron, drive: Drive) -> Values:
        return (self.quadratic * v + self.linear) * v + self.constant - u + drive.at(v)

    def elapsed(self, state: IzhikevichState, dt: float) -> IzhikevichState:
        """The potential is cut at the peak."""
        del dt
        return IzhikevichState(jnp.minimum(state.v, self.v_peak), state.u)

    def largest_step(self) -> Values:
        """The published one."""
        return jnp.ones_like(self.a)

    def threshold(self, state: IzhikevichState) -> PerNeuron:
        del state
        return self.v_peak

    def after_spikes(self, state: IzhikevichState, spikes: PerNeuron, dt: float) -> IzhikevichState:
        del dt
        return IzhikevichState(jnp.where(spikes > 0, self.c, state.v), state.u + self.d * spikes)

    @classmethod
    def example(cls) -> Self:
        return cls(5)


def _pattern(a: float, b: float, c: float, d: float, current: float, **others: float) -> Pattern:
    return Pattern({"a": a, "b": b, "c": c, "d": d, **others}, current)


IZHIKEVICH_2003: dict[str, Pattern] = {
    "regular spiking": _pattern(0.02, 0.2, -65.0, 8.0, 14.0),
    "intrinsically bursting": _pattern(0.02, 0.2, -55.0, 4.0, 11.0),
    "chattering": _pattern(0.02, 0.2, -50.0, 2.0, 10.0),
    "fast spiking": _pattern(0.1, 0.2, -65.0, 2.0, 10.0),
    "thalamo-cortical": _pattern(0.02, 0.25, -65.0, 0.05, 1.5),
    "resonator": _pattern(0.1, 0.26, -65.0, 2.0, -0.5),
    "low-threshold spiking": _pattern(0.02, 0.25, -65.0, 2.0, 10.0),
}
"""The cell types of Izhikevich 2003, figure 2, doi:10.1109/TNN.2003.820440, with the step of current of the author's program."""

_CLASS_1 = {"linear": 4.1, "constant": 108.0}
IZHIKEVICH_2004: dict[str, Pattern] = {
    "tonic spiking": _pattern(0.02, 0.2, -65.0, 6.0, 14.0),
    "phasic spiking": _pattern(0.02, 0.25, -65.0, 6.0, 0.5),
    "tonic bursting": _pattern(0.02, 0.2, -50.0, 2.0, 15.0),
    "phasic bursting": _pattern(0.02, 0.25, -55.0, 0.05, 0.6),
    "mixed mode": _pattern(0.02, 0.2, -55.0, 4.0, 10.0),
    "spike frequency adaptation": _pattern(0.01, 0.2, -65.0, 8.0, 30.0),
    "class 1 excitable": _pattern(0.02, -0.1, -55.0, 6.0, 20.25, **_CLASS_1),
    "class 2 excitable": _pattern(0.2, 0.26, -65.0, 0.0, 3.55),
    "spike latency": _pattern(0.02, 0.2, -65.0, 6.0, 7.04),
    "subthreshold oscillations": _pattern(0.05, 0.26, -60.0, 0.0, 2.0),
    "resonator": _pattern(0.1, 0.26, -60.0, -1.0, 0.65),
    "integrator": _pattern(0.02, -0.1, -55.0, 6.0, 9.0, **_CLASS_1),
    "rebound spike": _pattern(0.03, 0.25, -60.0, 4.0, -15.0),
    "rebound burst": _pattern(0.03, 0.25, -52.0, 0.0, -15.0),
    "threshold variability": _pattern(0.03, 0.25, -60.0, 4.0, 1.0),
    "bistability": _pattern(0.1, 0.26, -60.0, 0.0, 1.24),
    "depolarizing after-potential": _pattern(1.0, 0.2, -60.0, -21.0, 20.0),
    "inhibition-induced spiking": _pattern(-0.02, -1.0, -60.0, 8.0, 75.0),
    "inhibition-induced bursting": _pattern(-0.026, -1.0, -45.0, 0.0, 75.0),
}
"""The features of Izhikevich 2004, figure 1, doi:10.1109/TNN.2004.832719, by the author's program, with the largest current of
its protocol (a step, a ramp or pulses). Accommodation is left out: there the equation of ``u`` is another one. The last one has
``d = 0``: with the program's -2 it bursts only in Euler steps of 0.5 ms, and fires without end in finer ones."""
