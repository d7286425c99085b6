"""The system-size Langevin equation of the channels, one noise for each transition."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float32

from jaxsnn_noise import random
from jaxsnn_noise._typing import PerNeuron, Values
from jaxsnn_noise.neurons.channels import transitions
from jaxsnn_noise.neurons.channels.deterministic import steady
from jaxsnn_noise.neurons.channels.rates import Rates, rates
from jaxsnn_noise.neurons.channels.scheme import Channels, Counts, Fractions
from jaxsnn_noise.neurons.channels.transitions import Transition, backward, forward, occupied
from jaxsnn_noise.opacity import opaque, opaque_zero
from jaxsnn_noise.parameters import variable
from jaxsnn_noise.random import Tick
from jaxsnn_noise.roots import square_root


class Occupied(eqx.Module):
    """Of the channels the shares that are open, and the shares in each of the closed states; or their numbers."""

    open_na: PerNeuron = variable("1")
    open_k: PerNeuron = variable("1")
    closed_na: Float32[Array, "seven neuron"] = variable("1", None)
    closed_k: Float32[Array, "four neuron"] = variable("1", None)

    @classmethod
    def of(cls, na: Sequence[Values], k: Sequence[Values]) -> Occupied:
        """Of the eight states of sodium and the five of potassium, the open one last."""
        return cls(na[-1], k[-1], jnp.stack(na[:-1]), jnp.stack(k[:-1]))

    def states(self) -> tuple[list[Values], list[Values]]:
        """The eight states of sodium and the five of potassium."""
        return [*self.closed_na, self.open_na], [*self.closed_k, self.open_k]


def shares(v: Values) -> tuple[list[Values], list[Values]]:
    """The stationary shares of the states of both channels at a potential."""
    gates = steady(v)
    return occupied([(gates.m, 3), (gates.h, 1)]), occupied([(gates.n, 4)])


class TransitionLangevin(Channels):
    r"""Langevin equation of the shares of the channel states, with a noise for each pair of states.

    For each pair of states that a channel moves between, with the rates :math:`a` from ``i`` to ``j`` and :math:`b` back,

    .. math:: dx_i = -d\phi, \quad dx_j = d\phi, \qquad
              d\phi = (a x_i - b x_j)\,dt + \sqrt{\frac{a x_i^+ + b x_j^+}{N}}\; dW_{ij}:

    4 noises for potassium and 10 for sodium. In law it is the equation of Fox and Lu, without the root of a matrix. Shares sum to
    one exactly as long as they do at the start.

    **At the boundary**: shares are free to leave [0, 1], so that their means stay those of the channels; under the root, a negative
    share counts as 0 (:math:`x^+`); a negative open share conducts negatively. With few channels that is wrong: see the docs for
    the bias.

    A step is half of the drift to second order, the noise, and the other half.

    References: Orio and Soudry 2012, doi:10.1371/journal.pone.0036670; Fox and Lu 1994, doi:10.1103/PhysRevE.49.3421; boundaries:
    Pezo, Soudry and Orio 2014, doi:10.3389/fncom.2014.00139.
    """

    largest: ClassVar[float] = 0.02

    def start(self, v: Values, counts: Counts) -> Occupied:
        del counts
        return Occupied.of(*shares(v))

    def step(self, state: Occupied, v: Values, counts: Counts, key: Tick, dt: Values | float) -> Occupied:
        size, zero, speed = v.shape[-1], opaque_zero(key.key), rates(v)
        z = random.normal(key, random.entities(14 * size)).reshape(14, size)
        na, k = state.states()
        na = _moved(na, transitions.NA, counts.na, z[:10], speed, dt, zero)
        return Occupied.of(na, _moved(k, transitions.K, counts.k, z[10:], speed, dt, zero))

    def fractions(self, state: Occupied, counts: Counts) -> Fractions:
        del counts
        return state.open_na, state.open_k


def _moved(
    x: list[Values],
    pairs: list[Transition],
    number: Values,
    z: Values,
    speed: Rates,
    dt: Values | float,
    zero: jax.Array,
) -> list[Values]:
    x = _drifted(x, pairs, speed, 0.5 * dt)
    fluxes = []
    for pair, normal in zip(pairs, z, strict=True):
        a, b = forward(pair, speed), backward(pair, speed)
        intensity = a * jnp.maximum(x[pair.closed], 0.0) + b * jnp.maximum(x[pair.opened], 0.0)
        fluxes.append(opaque(square_root(intensity * dt / number) * normal, zero))
    x = _exchanged(x, pairs, fluxes)
    return _computed_once(_drifted(x, pairs, speed, 0.5 * dt))


def _computed_once(x: list[Values]) -> list[Values]:
    """The same shares, of which the compiler computes each once.

    Without it, it writes the flow of a share, and of those that it came from, anew wherever one is used, over all steps of a
    block, and takes minutes for a batch. It does so with what is cheap, which a gather is not.
    """
    return list(jnp.take(jnp.stack(x), np.arange(len(x)), axis=0, mode="clip"))


def _drifted(x: list[Values], pairs: list[Transition], speed: Rates, dt: Values | float) -> list[Values]:
    """The flow of the shares over ``dt``, to second order."""
    first = _slopes(x, pairs, speed)
    second = _slopes(first, pairs, speed)
    return [share + dt * (f + 0.5 * dt * s) for share, f, s in zip(x, first, second, strict=True)]


def _slopes(x: Sequence[Values], pairs: list[Transition], speed: Rates) -> list[Values]:
    fluxes = [forward(pair, speed) * x[pair.closed] - backward(pair, speed) * x[pair.opened] for pair in pairs]
    return _exchanged([jnp.zeros_like(share) for share in x], pairs, fluxes)


def _exchanged(x: Sequence[Values], pairs: list[Transition], fluxes: list[Values]) -> list[Values]:
    x = list(x)
    for pair, flux in zip(pairs, fluxes, strict=True):
        x[pair.closed], x[pair.opened] = x[pair.closed] - flux, x[pair.opened] + flux
    return x
