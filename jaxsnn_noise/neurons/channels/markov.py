"""Channels counted one by one: Markov chains by binomial tau-leaping."""

from __future__ import annotations

from typing import ClassVar

import jax.numpy as jnp

from jaxsnn_noise import random
from jaxsnn_noise._typing import Values
from jaxsnn_noise.counting import binomial_of_many
from jaxsnn_noise.neurons.channels.langevin import Occupied, shares
from jaxsnn_noise.neurons.channels.rates import Rates, rates
from jaxsnn_noise.neurons.channels.scheme import Channels, Counts, Fractions
from jaxsnn_noise.neurons.channels.transitions import GROUPS, NA_STATES, Transition, backward, forward, place
from jaxsnn_noise.random import Tick

DRAWS = 2 * sum(len(group) for group in GROUPS)


class Markov(Channels):
    r"""Every channel is a Markov chain; whole numbers of them move in a step (binomial tau-leaping).

    In a step at a held potential, each pair of states that a channel moves between with the rates ``a`` and ``b`` exchanges

    .. math:: B\big(n_i,\; \tfrac{a}{a+b} (1 - e^{-(a+b) dt})\big) \quad\text{for}\quad
              B\big(n_j,\; \tfrac{b}{a+b} (1 - e^{-(a+b) dt})\big)

    channels: exact for the pair by itself. The pairs act one after another, in three groups of pairs that share no state, and in
    the reverse order in every other step: numbers are never negative, the stationary law at a held potential is exact at any
    ``dt``, and the error of correlation times is of second order. The numbers of channels are the densities times the area,
    rounded to whole ones. It starts at the mean of rest, in whole numbers.

    A step costs 28 binomial draws per neuron, whatever the number of channels: see the docs for when a Langevin scheme is enough.

    References: tau-leaping by binomials: Chatterjee, Vlachos and Katsoulakis 2005, doi:10.1063/1.1833357; the chains: Skaugen and
    Walloe 1979, doi:10.1111/j.1748-1716.1979.tb06486.x.
    """

    largest: ClassVar[float] = 0.05

    def start(self, v: Values, counts: Counts) -> Occupied:
        na, k = shares(v)
        return Occupied.of(_whole(na, jnp.round(counts.na)), _whole(k, jnp.round(counts.k)))

    def step(self, state: Occupied, v: Values, counts: Counts, key: Tick, dt: Values | float) -> Occupied:
        del counts
        size, speed = v.shape[-1], rates(v)
        uniforms = random.uniform(key, random.entities(DRAWS * size)).reshape(DRAWS, size)
        na, k = state.states()
        numbers, first, groups = [*na, *k], 0, []
        for group in GROUPS:
            groups.append((group, uniforms[first : first + 2 * len(group)]))
            first += 2 * len(group)
        for group, own in groups if key.lane == 0 else reversed(groups):
            numbers = _exchanged(numbers, group, own, speed, dt)
        return Occupied.of(numbers[:NA_STATES], numbers[NA_STATES:])

    def fractions(self, state: Occupied, counts: Counts) -> Fractions:
        return state.open_na / jnp.round(counts.na), state.open_k / jnp.round(counts.k)


def _exchanged(
    numbers: list[Values], group: list[Transition], uniforms: Values, speed: Rates, dt: Values | float
) -> list[Values]:
    """The numbers after the pairs of a group have exchanged channels."""
    closed = [place(pair.closed, pair) for pair in group]
    opened = [place(pair.opened, pair) for pair in group]
    up = jnp.stack([forward(pair, speed) for pair in group])
    down = jnp.stack([backward(pair, speed) for pair in group])
    moved = -jnp.expm1(-(up + down) * dt) / (up + down)
    trials = jnp.stack([numbers[at] for at in [*closed, *opened]])
    drawn = binomial_of_many(uniforms, trials, jnp.concatenate([up * moved, down * moved]))
    net = drawn[: len(group)] - drawn[len(group) :]
    numbers = list(numbers)
    for row, (low, high) in enumerate(zip(closed, opened, strict=True)):
        numbers[low], numbers[high] = numbers[low] - net[row], numbers[high] + net[row]
    return numbers


def _whole(shares: list[Values], number: Values) -> list[Values]:
    """Whole numbers near shares of ``number``: what rounding down leaves goes to the state with the largest share."""
    whole = jnp.stack([jnp.floor(share * number) for share in shares])
    left = number - jnp.sum(whole, axis=0)
    largest = jnp.arange(len(shares))[:, None] == jnp.argmax(jnp.stack(shares), axis=0)[None]
    return list(whole + jnp.where(largest, left[None], 0.0))
