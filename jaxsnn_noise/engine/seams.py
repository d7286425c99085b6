"""The noise sources of a population in one step, and what they are told at each seam."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxsnn_noise import random
from jaxsnn_noise._typing import Key, PerNeuron, Values
from jaxsnn_noise.engine.addresses import Step
from jaxsnn_noise.engine.deciding import Deciding, in_margin
from jaxsnn_noise.noise import Source
from jaxsnn_noise.opacity import opaque, opaque_zero
from jaxsnn_noise.random import Tick
from jaxsnn_noise.roots import square_root
from jaxsnn_noise.signals import Conditional, Context, Drive, Path, Seam

AGAIN = 14
"""The channel on which noise is drawn for the rest of a step after a spike inside it."""


class Seams:
    """The sources of one population in one step. Local to a trace: draws move their memories forward in ``memory``."""

    def __init__(
        self, name: str, sources: Mapping[str, Source], memory: dict[str, Any], keys: Mapping[str, Key], at: Step, dt: float,
        wanted: str | None = None, between: bool = False,
    ):  # fmt: skip
        self.name, self.sources, self.memory, self.keys, self.at, self.dt = name, sources, memory, keys, at, dt
        self.wanted, self.between = wanted, between
        self.parts: Conditional | str | None = None
        self.held: Values | None = None  # of the current seam: what no white noise is
        self.variance: dict[Seam, Values] = {}

    def perturbation(self, seam: Seam, context: Context) -> Values | None:
        """The sum of the perturbations at a seam: all see the same value, and are added in the order of their names."""
        total: Values | None = None
        for name in sorted(self.sources):
            source = self.sources[name]
            if source.seam is not seam:
                continue
            if name == self.wanted:
                self.parts = source.conditional(self.memory[name], context, self._tick(name), self.dt)
            drawn, self.memory[name] = rounded_draw(source, self.memory[name], context, self._tick(name), self.dt)
            total = drawn if total is None else total + drawn
            if self.between and source.unbridged is None:
                self._note_variance(source, context)
            if seam is Seam.CURRENT and not source.divisible:
                self.held = drawn if self.held is None else self.held + drawn
        return total

    def path(self, neuron: Any, drive: Drive, free: Values | float) -> Path | None:
        """How the membrane moves within the step, by all its white noise; ``None`` where there is none, or no linear membrane."""
        tau, gain = neuron.time_constant(drive), neuron.gain(drive, free)
        if tau is None or gain is None or not self.variance:
            return None
        variance = self.variance.get(Seam.VOLTAGE, 0.0) + self.variance.get(Seam.CURRENT, 0.0) * jnp.square(gain)
        return Path(square_root(variance), free, tau)

    def _note_variance(self, source: Source, context: Context) -> None:
        moments = source.moments(context, self.dt)
        if moments is not None:
            self.variance[source.seam] = self.variance.get(source.seam, 0.0) + moments.variance

    def increments(self, size: int) -> dict[str, Values]:
        """The increments of the diffusions on the membrane, by name."""
        voltage = [k for k in sorted(self.sources) if self.sources[k].seam is Seam.VOLTAGE]
        return {k: self.sources[k].wiener(self._tick(k), size, self.dt) for k in voltage}

    def again(self, seam: Seam, context: Context) -> Values | None:
        """Fresh white noise for the rest of a step; memories stay."""
        total: Values | None = None
        for name in sorted(self.sources):
            source = self.sources[name]
            if source.seam is seam and source.divisible:
                tick = random.channel(self._tick(name), AGAIN)
                drawn, _ = rounded_draw(source, self.memory[name], context, tick, self.dt)
                total = drawn if total is None else total + drawn
        return total

    def deciding(self, neuron: Any, drive: Drive, dt: Values | float) -> Deciding | None:
        """The deciding noise of this step, if somebody asked for it and there is one."""
        if self.wanted is None or not isinstance(self.parts, Conditional):
            return None
        return in_margin(self.sources[self.wanted].seam, self.parts, neuron, drive, dt)

    def _tick(self, name: str) -> Tick:
        return self.at.tick(self.keys[f"noise.{self.name}.{name}"])


def rounded_draw(source: Source, memory: Any, context: Context, key: Tick, dt: float) -> tuple[Values, Any]:
    """The perturbation and the next memory; what it is added to may have another batch, so it is rounded by itself."""
    drawn, memory = source.draw(memory, context, key, dt)
    return opaque(drawn, opaque_zero(key.key)), memory


def plus(value: Any, perturbation: Values | None) -> Any:
    """A value, or the current of a drive, with what noise adds to it."""
    if perturbation is None:
        return value
    if isinstance(value, Drive):
        return Drive(value.current + perturbation, value.conductance)
    return value + perturbation


def current_context(current: PerNeuron, dt: Values | float) -> Context:
    """The current seam: white noise is held over the step, or over a part of one per neuron, which may be none."""
    if isinstance(dt, float):
        white: Values = jnp.float32(1.0 / np.sqrt(dt))
    else:
        some = dt > 0
        white = jnp.where(some, lax.rsqrt(jnp.where(some, dt, 1.0)), 0.0)
    return Context(current, white=white, step=white, rate=jnp.float32(1.0))


def voltage_context(potential: PerNeuron, diffuse: Values, dt: Values | float) -> Context:
    """The voltage seam, for a step of ``dt`` or a part of one per neuron."""
    root = jnp.float32(np.sqrt(dt)) if isinstance(dt, float) else square_root(dt)
    return Context(potential, white=diffuse, step=root, rate=jnp.asarray(dt, jnp.float32))
