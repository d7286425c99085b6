"""W5: axons of Hodgkin and Huxley with channel noise, by one scheme for all systems.

The channels are Markov chains with the rates of the paper (potentials above rest), 8 states of sodium and 5 of potassium, moved by
the Langevin equation of their shares with a noise for each pair of states (Orio and Soudry 2012, doi:10.1371/journal.pone.0036670).
Per step of ``dt``: half a step of the potential, exact for held channels; half a step of the drift of the shares to second order,
the noise, and the other half; the other half step of the potential. A spike is an upward crossing of 50 mV, the next one only after
the potential has been below 20 mV.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from .networks import OfNeurons

G_NA, G_K, G_LEAK = 120.0, 36.0, 0.3
E_NA, E_K, E_LEAK = 115.0, -12.0, 10.6
DENSITY_NA, DENSITY_K = 60.0, 18.0
V_SPIKE, V_REARM = 50.0, 20.0
NA_OPEN, K_OPEN = 7, 12
"""The open states, of 8 and then 5."""
Pair = tuple[int, int, str, int, int]
PAIRS: tuple[Pair, ...] = (
    *((i + 4 * j, i + 1 + 4 * j, "m", 3 - i, i + 1) for i in range(3) for j in range(2)),
    *((i, i + 4, "h", 1, 1) for i in range(4)),
    *((8 + i, 9 + i, "n", 4 - i, i + 1) for i in range(4)),
)
"""Pairs of states: the one with a gate less open, the other, the gate, how many can open, how many can close."""


@dataclasses.dataclass(frozen=True)
class Axons(OfNeurons):
    """Independent axons under a constant current.

    Args:
        neurons: Number of axons.
        steps: Number of steps of ``dt`` [ms], all of which count.
        area: Of the membrane [um2].
        drive: Current [uA/cm2].
        seeds: Runs whose rates are compared, before times are measured.
    """

    neurons: int = 1000
    steps: int = 10_000
    dt: float = 0.01
    area: float = 100.0
    drive: float = 7.0
    seeds: int = 5

    unit = "neuron updates"
    redrawn = False
    """Whether each of the seeds has a graph of its own."""

    def data(self, seed: int = 0) -> dict[str, np.ndarray]:
        """The shares of the states at rest, where all start."""
        del seed
        opening, closing = (np.array([f(0.0) for f in fs]) for fs in (_OPENING, _CLOSING))
        m, h, n = opening / (opening + closing)
        na = np.concatenate([_binomial(m, 3) * (1 - h), _binomial(m, 3) * h])
        return {"shares": np.concatenate([na, _binomial(n, 4)])}


def number(state: int, problem: Axons) -> float:
    """The number of channels that a state is one of."""
    return (DENSITY_NA if state <= NA_OPEN else DENSITY_K) * problem.area


_OPENING = (
    lambda v: 0.1 * (25 - v) / math.expm1((25 - v) / 10),
    lambda v: 0.07 * math.exp(-v / 20),
    lambda v: 0.01 * (10 - v) / math.expm1((10 - v) / 10),
)
_CLOSING = (
    lambda v: 4 * math.exp(-v / 18),
    lambda v: 1 / (math.exp((30 - v) / 10) + 1),
    lambda v: 0.125 * math.exp(-v / 80),
)


def _binomial(p: float, gates: int) -> np.ndarray:
    return np.array([math.comb(gates, k) * p**k * (1 - p) ** (gates - k) for k in range(gates + 1)])
