"""Noise on the conductances: coloured as that of the channels at a held potential."""

from __future__ import annotations

import math
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float32

from jaxsnn_noise import random
from jaxsnn_noise._typing import PerNeuron, Values
from jaxsnn_noise.neurons.channels.deterministic import Deterministic, Gates, open_fractions, steady
from jaxsnn_noise.neurons.channels.rates import rates
from jaxsnn_noise.neurons.channels.scheme import Channels, Counts, Fractions
from jaxsnn_noise.opacity import opaque, opaque_zero
from jaxsnn_noise.parameters import fraction, variable
from jaxsnn_noise.random import Tick
from jaxsnn_noise.roots import square_root

NA = [(i, j) for i in range(4) for j in range(2) if i + j]
"""How many m and h gates decay together in each of the seven exponentials of the covariance of sodium."""
K = [1, 2, 3, 4]
"""How many n gates do so in each of the four of potassium."""


class NoisyGates(eqx.Module):
    """The gates without noise, and the fluctuations of the open fractions, one for each exponential of their covariance."""

    m: PerNeuron = variable("1", range=fraction)
    h: PerNeuron = variable("1", range=fraction)
    n: PerNeuron = variable("1", range=fraction)
    na: Float32[Array, "seven neuron"] = variable("1", None)
    k: Float32[Array, "four neuron"] = variable("1", None)


class ConductanceNoise(Channels):
    r"""Ornstein-Uhlenbeck noise on the open fractions, with the covariance that channels have at a held potential.

    The gates are those without noise. The covariance of the open fraction of ``N`` channels at a held potential is a sum of
    exponentials (see ``theory.open_fraction_autocovariance``), of potassium

    .. math:: \frac{1}{N} \sum_{k=1}^4 \binom{4}{k} n^{8-k} (1-n)^k e^{-k t/\tau_n},

    of sodium of seven, with the rates :math:`i/\tau_m + j/\tau_h`. Each is an Ornstein-Uhlenbeck process of its own with the variance and
    time constant of the potential of the step, updated exactly. What :math:`n_\infty(v)` is held for while ``v`` moves is the
    approximation; fractions are not bounded, and may be negative.

    Reference: Linaro, Storace and Giugliano 2011, doi:10.1371/journal.pcbi.1001102.
    """

    largest: ClassVar[float] = 0.05

    def start(self, v: Values, counts: Counts) -> NoisyGates:
        del counts
        gates = steady(v)
        return NoisyGates(gates.m, gates.h, gates.n, jnp.zeros((7, v.shape[-1])), jnp.zeros((4, v.shape[-1])))

    def step(self, state: NoisyGates, v: Values, counts: Counts, key: Tick, dt: Values | float) -> NoisyGates:
        size, zero = v.shape[-1], opaque_zero(key.key)
        gates = Deterministic().step(Gates(state.m, state.h, state.n), v, counts, key, dt)
        z = random.normal(key, random.entities(11 * size)).reshape(11, size)
        (_, m, to_m), (_, h, to_h), (_, n, to_n) = ((x, x / (x + y), x + y) for x, y in rates(v))
        na = [_moved(state.na[r], _share(m, 3, i) * _share(h, 1, j) / counts.na, i * to_m + j * to_h, z[r], dt, zero)
              for r, (i, j) in enumerate(NA)]  # fmt: skip
        k = [_moved(state.k[r], _share(n, 4, i) / counts.k, i * to_n, z[7 + r], dt, zero) for r, i in enumerate(K)]
        return NoisyGates(gates.m, gates.h, gates.n, jnp.stack(na), jnp.stack(k))

    def fractions(self, state: NoisyGates, counts: Counts) -> Fractions:
        del counts
        na, k = open_fractions(Gates(state.m, state.h, state.n))
        return na + jnp.sum(state.na, axis=0), k + jnp.sum(state.k, axis=0)


def _share(x: Values, gates: int, together: int) -> Values:
    """Of the covariance of a product of gates, what decays as so many of them together."""
    return math.comb(gates, together) * x ** (2 * gates - together) * (1.0 - x) ** together


def _moved(x: Values, variance: Values, rate: Values, z: Values, dt: Values | float, zero: jax.Array) -> Values:
    """Ornstein and Uhlenbeck, exact."""
    return x + x * jnp.expm1(-rate * dt) + opaque(square_root(-variance * jnp.expm1(-2.0 * rate * dt)) * z, zero)
