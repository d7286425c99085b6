"""Noise at three stages of a neuron, every kind of it in one compiled program.

A kind of noise is a site, a coupling and a correlation. A program with one source per site, whose coupling and
correlation are numbers instead of types, holds all twelve kinds: a kind is chosen by setting leaves, a sweep over kinds
and intensities is one compilation, and all kinds see the same random numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise import Vary
from jaxsnn_noise._typing import Leaf, PerNeuron, Scalar, Values, as_scalar
from jaxsnn_noise.neurons import Reset
from jaxsnn_noise.noise import (
    Context,
    Coupling,
    CurrentNoise,
    Intensity,
    SharedFraction,
    Source,
    SpikeNoise,
    VoltageNoise,
)
from jaxsnn_noise.statistics import About, Frame, Statistic

SITES: dict[str, Callable[..., Source]] = {"current": CurrentNoise, "membrane": VoltageNoise, "output": SpikeNoise}
COUPLINGS = ("additive", "multiplicative")
CORRELATIONS = ("independent", "common")
NO_FLOOR = -1e30
"""A floor [mV] that no potential reaches."""


class Blend(Coupling):
    """``std x ((1 - m) + m y)`` at a value ``y``: additive for ``m = 0``, multiplicative for ``m = 1``.

    Args:
        multiplicative: The share ``m``, 0 or 1 here; a leaf, so that both couplings are one program.
    """

    multiplicative: Leaf = eqx.field(converter=as_scalar)

    def unit(self, context: Context) -> Values | None:
        return context.step

    def perturbation(self, x: PerNeuron, std: Values, context: Context) -> PerNeuron:
        return std * x * (1.0 - self.multiplicative + self.multiplicative * context.value)


class FlooredReset(Reset):
    """Reset to a value, and a floor under the membrane: what is carried to the next step is at least ``floor``.

    Args:
        floor: Lowest potential that lasts [mV]; ``NO_FLOOR`` leaves ``ResetToValue``.
    """

    detach: bool = eqx.field(default=True, static=True)
    floor: Leaf = eqx.field(converter=as_scalar, default=NO_FLOOR, kw_only=True)

    def after(self, v: PerNeuron, spikes: PerNeuron, v_reset: PerNeuron, v_threshold: PerNeuron) -> PerNeuron:
        del v_threshold
        return jnp.maximum(v * (1.0 - spikes) + v_reset * spikes, self.floor)


class FractionBelow(Statistic):
    """Fraction of neurons and steps at which the potential lies below a level [1].

    Args:
        level: The level [mV].
        population: The population that is watched; ``None``: the only one.
    """

    level: float = eqx.field(static=True, converter=float)
    population: str | None = eqx.field(static=True, default=None)

    @property
    def reads(self) -> tuple[str, ...]:
        return ("v",)

    @property
    def units(self) -> dict[str, str]:
        return {"": "1"}

    def init(self, about: About) -> Scalar:
        del about
        return jnp.zeros((), jnp.float32)

    def update(self, acc: Scalar, frame: Frame, about: About) -> Scalar:
        del about
        return acc + (frame.v < self.level).sum(dtype=jnp.int32).astype(jnp.float32)

    def merge(self, a: Scalar, b: Scalar, about: About) -> Scalar:
        del about
        return a + b

    def finalize(self, acc: Scalar, about: About) -> Scalar:
        return acc / jnp.float32(about.steps * about.size)

    def dims(self, about: About) -> dict[str, tuple[str, ...]]:
        del about
        return {"": ()}

    @classmethod
    def example(cls) -> Self:
        return cls(-5.0)


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
    values[f"network.{population}.neuron.reset_policy.floor"] = [c.floor for c in conditions]
    return Vary(values, name=name, labels=np.arange(len(conditions)))
