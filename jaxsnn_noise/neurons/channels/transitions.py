"""The channels as Markov chains: states, and the transitions between them.

A sodium channel has three m gates and one h gate, 8 states ``i + 4 j`` with ``i`` of the one and ``j`` of the other open; a
potassium channel has four n gates, 5 states. The last state is the open one. Transitions are in three groups that touch every
state once at most, so that those of a group may happen at once: even and odd steps of m and n, and those of h.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from jaxsnn_noise._typing import Values
from jaxsnn_noise.neurons.channels.rates import Rates

NA_STATES, K_STATES = 8, 5


@dataclasses.dataclass(frozen=True)
class Transition:
    """Between two states of a channel.

    Attributes:
        closed: The state with one gate less open.
        opened: The state with that gate open.
        gate: Which, 0 for m, 1 for h and 2 for n.
        up: How many gates can open: the forward rate is so many opening rates.
        down: How many can close.
    """

    closed: int
    opened: int
    gate: int
    up: int
    down: int


NA_M = [Transition(i + 4 * j, i + 1 + 4 * j, 0, 3 - i, i + 1) for i in range(3) for j in range(2)]
NA_H = [Transition(i, i + 4, 1, 1, 1) for i in range(4)]
NA = [*NA_M, *NA_H]
K = [Transition(i, i + 1, 2, 4 - i, i + 1) for i in range(4)]

GROUPS = (
    [t for t in [*NA_M, *K] if (t.closed % 4) % 2 == 0],
    [t for t in [*NA_M, *K] if (t.closed % 4) % 2 == 1],
    NA_H,
)
"""Transitions that share no state within a group."""


def place(state: int, transition: Transition) -> int:
    """Where a state of the transition's channel stands among the states of both, sodium first."""
    return state + (NA_STATES if transition.gate == 2 else 0)


def forward(transition: Transition, rates: Rates) -> Values:
    """The rate of opening [1/ms]."""
    return transition.up * rates[transition.gate][0]


def backward(transition: Transition, rates: Rates) -> Values:
    """The rate of closing [1/ms]."""
    return transition.down * rates[transition.gate][1]


def occupied(gates: Sequence[tuple[Values, int]]) -> list[Values]:
    """The stationary probabilities of the states of a channel, of its kinds of gates ``(open probability, how many)``."""
    states: list[Values] = []
    for probability, number in reversed(gates):
        own = _binomial(probability, number)
        states = [a * b for b in states for a in own] if states else own
    return states


def _binomial(p: Values, number: int) -> list[Values]:
    pascal = {1: (1, 1), 3: (1, 3, 3, 1), 4: (1, 4, 6, 4, 1)}[number]
    return [c * p**k * (1.0 - p) ** (number - k) for k, c in enumerate(pascal)]
