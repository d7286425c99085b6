"""Infinitely many channels: the gates of Hodgkin and Huxley."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp

from jaxsnn_noise._typing import PerNeuron, Values
from jaxsnn_noise.neurons.channels.rates import rates
from jaxsnn_noise.neurons.channels.scheme import Channels, Counts, Fractions
from jaxsnn_noise.parameters import fraction, variable
from jaxsnn_noise.random import Tick


class Gates(eqx.Module):
    """Open probabilities of the gates: activation and inactivation of sodium, activation of potassium."""

    m: PerNeuron = variable("1", range=fraction)
    h: PerNeuron = variable("1", range=fraction)
    n: PerNeuron = variable("1", range=fraction)


def steady(v: Values) -> Gates:
    """The gates at a potential that has been held for long."""
    return Gates(*(a / (a + b) for a, b in rates(v)))


def open_fractions(gates: Gates) -> Fractions:
    """``m^3 h`` and ``n^4``."""
    return gates.m * gates.m * gates.m * gates.h, jnp.square(jnp.square(gates.n))


def relaxed_gate(x: Values, opening: Values, closing: Values, dt: Values | float) -> Values:
    """The gate after ``dt`` [ms] at held rates [1/ms]: exact."""
    rate = opening + closing
    return x + (x - opening / rate) * jnp.expm1(-rate * dt)


class Deterministic(Channels):
    r"""Infinitely many channels: :math:`\dot x = \alpha_x(v)(1-x) - \beta_x(v) x` for ``x`` of m, h and n, exact at a held potential.

    The open fractions are :math:`m^3 h` and :math:`n^4`.

    Reference: Hodgkin and Huxley 1952, doi:10.1113/jphysiol.1952.sp004764; exponential update: Rush and Larsen 1978,
    doi:10.1109/TBME.1978.326270.
    """

    stochastic: ClassVar[bool] = False
    largest: ClassVar[float] = 0.1

    def start(self, v: Values, counts: Counts) -> Gates:
        del counts
        return steady(v)

    def step(self, state: Gates, v: Values, counts: Counts, key: Tick, dt: Values | float) -> Gates:
        del counts, key
        gates = zip((state.m, state.h, state.n), rates(v), strict=True)
        return Gates(*(relaxed_gate(x, *rate, dt) for x, rate in gates))

    def fractions(self, state: Gates, counts: Counts) -> Fractions:
        del counts
        return open_fractions(state)

    def drift(self, state: Gates, v: Values) -> Gates:
        gates = zip((state.m, state.h, state.n), rates(v), strict=True)
        return Gates(*(a * (1.0 - x) - b * x for x, (a, b) in gates))
