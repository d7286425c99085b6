"""Noise at three stages of a neuron, every kind of it in one compiled program.

A kind of noise is a site, a coupling and a correlation. A program with one source per site, whose coupling and
correlation are numbers instead of types, holds all twelve kinds: a kind is chosen by setting leaves, a sweep over kinds
and intensities is one compilation, and all kinds see the same random numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxsnn_noise import Vary
from jaxsnn_noise.neurons.resets import NO_FLOOR
from jaxsnn_noise.noise import (
    Blend,
    CurrentNoise,
    Intensity,
    SharedFraction,
    Source,
    SpikeNoise,
    VoltageNoise,
)

SITES: dict[str, Callable[..., Source]] = {"current": CurrentNoise, "membrane": VoltageNoise, "output": SpikeNoise}
COUPLINGS = ("additive", "multiplicative")
CORRELATIONS = ("independent", "common")


def silent_sources() -> dict[str, Source]:
    """One source per site, all of intensity zero."""
    return {
        site: source(Intensity(0.0), coupling=Blend(0.0), correlation=SharedFraction(0.0))
        for site, source in SITES.items()
    }


@dataclass(frozen=True)
class Condition:
    """One kind of noise at one intensity.

    Args:
        site: "current", "membrane", "output", or "" for none.
        coupling: "additive" or "multiplicative".
        correlation: "independent" or "common".
        intensity: D, in the squared unit of the site (additive) or 1 (multiplicative).
        floor: Floor under the membrane [mV].
    """

    site: str = ""
    coupling: str = COUPLINGS[0]
    correlation: str = CORRELATIONS[0]
    intensity: float = 0.0
    floor: float = NO_FLOOR


def factorial(levels: Sequence[float], correlations: Sequence[str] = CORRELATIONS) -> Iterator[Condition]:
    """All kinds at all levels: site, coupling, correlation, level, the last running fastest."""
    for site in SITES:
        for coupling in COUPLINGS:
            for correlation in correlations:
                yield from (Condition(site, coupling, correlation, level) for level in levels)


def as_axis(population: str, conditions: Sequence[Condition], name: str = "condition") -> Vary:
    """The conditions as one axis over the leaves of a population with ``silent_sources`` and a ``FlooredReset``."""
    values: dict[str, Any] = {}
    for site in SITES:
        here, path = [c.site == site for c in conditions], f"network.{population}.noise.{site}"
        values[f"{path}.amplitude.D"] = [c.intensity * on for c, on in zip(conditions, here, strict=True)]
        values[f"{path}.coupling.multiplicative"] = [float(c.coupling == COUPLINGS[1]) for c in conditions]
        values[f"{path}.correlation.c"] = [float(c.correlation == CORRELATIONS[1]) for c in conditions]
    values[f"network.{population}.neuron.reset.floor"] = [c.floor for c in conditions]
    return Vary(values, name=name, labels=np.arange(len(conditions)))
