"""One time step of one population: the list of physics, with noise in the seams between its items."""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise import random
from jaxsnn_noise._typing import Key, PerNeuron, Values
from jaxsnn_noise.engine.addresses import Step
from jaxsnn_noise.engine.carry import Cell
from jaxsnn_noise.engine.deciding import (
    Deciding,
    asked,
    deciding_source,
    given_decision,
    in_margin,
    keeps_decision,
    surprise,
)
from jaxsnn_noise.engine.network import Population
from jaxsnn_noise.noise import Source
from jaxsnn_noise.random import Tick
from jaxsnn_noise.signals import DECISIONS, Conditional, Context, Crossing, Decision, Drive, Frame, Seam

AGAIN = 14
"""The channel on which noise is drawn for the rest of a step after a spike inside it."""


def advance(
    name: str, population: Population, cell: Cell, drive: Drive, keys: Mapping[str, Key], at: Step, dt: float,
    variables: frozenset[str] = frozenset(),
) -> tuple[Cell, Frame]:  # fmt: skip
    """One step: current, flow, membrane noise, comparison, spikes, reset. The frame is what an observer sees before the reset.

    ``variables`` are those of the frame that somebody reads.
    """
    neuron, firing = population.neuron, population.firing
    wanted = deciding_source(population) if asked(firing, variables) and not firing.random else None
    seams = Seams(name, population.noise, dict(cell.memory), keys, at, dt, wanted)
    tick = at.tick(keys[f"neurons.{name}"])
    ready, start = neuron.ready(cell.state), neuron.potential(cell.state)
    margin_before = start - neuron.threshold(cell.state)
    span = neuron.free(cell.state, dt) if firing.inside else dt

    if population.prefilter is not None:
        drive = Drive(population.prefilter(drive.current))
    drive = plus(drive, seams.perturbation(Seam.CURRENT, current_context(drive.at(start), dt)))

    if population.stepper is None:
        state = neuron.integrate(cell.state, drive, tick, span)
        context = voltage_context(neuron.potential(state), neuron.diffuse(drive, span), span)
        kick = seams.perturbation(Seam.VOLTAGE, context)
        state = state if kick is None else neuron.kicked(state, kick * ready)
    else:
        state = _stepped(population, seams, cell.state, drive, ready, dt)

    threshold = plus(neuron.threshold(state), seams.perturbation(Seam.THRESHOLD, Context(neuron.threshold(state))))
    potential = neuron.potential(state)
    deciding = seams.deciding(neuron, drive, span)
    decision = _decided(population, potential - threshold, margin_before, ready, deciding, at.tick(keys[f"firing.{name}"]), dt, variables)  # fmt: skip
    spikes = decision.spikes
    output = plus(spikes, seams.perturbation(Seam.SPIKE, Context(spikes)))

    frame = Frame(
        spikes=spikes, output=output, v=potential, current=drive.at(start), threshold=threshold, index=at.index,
        probability=decision.probability, log_probability=decision.log_probability,
        surprise=_surprise(decision, deciding, potential - threshold, ready, variables),
    )  # fmt: skip
    if deciding is not None and deciding.on_membrane and keeps_decision(firing):
        kept = given_decision(potential, deciding.std * ready, threshold, deciding.z, spikes)
        state = eqx.tree_at(lambda s: s.v, state, kept)
    if neuron.spiking:
        state = _after(population, seams, state, drive, decision, tick, dt)
    return Cell(state, seams.memory), frame


def _stepped(population: Population, seams: Seams, state: Any, drive: Drive, ready: PerNeuron, dt: float) -> Any:
    """The flow by a stepper, with the noise of the membrane inside the step."""
    neuron, stepper = population.neuron, population.stepper
    assert stepper is not None
    increments = seams.increments(population.size)

    def kick(state: Any) -> Values:
        v = neuron.potential(state)
        coefficients = {k: seams.sources[k].coefficient(v) for k in increments}
        parts = [increments[k] * c for k, c in coefficients.items() if c is not None]
        return ready * functools.reduce(operator.add, parts, jnp.zeros_like(v))

    state = stepper.step(state, lambda s: neuron.drift(s, drive), kick, neuron.kicked, dt)
    return neuron.elapsed(state, dt)


def _decided(
    population: Population, margin: PerNeuron, before: PerNeuron, ready: PerNeuron, deciding: Deciding | None, key: Tick,
    dt: float, variables: frozenset[str],
) -> Decision:  # fmt: skip
    """What the firing rule says, with the spikes of held neurons cleared."""
    if not population.neuron.spiking:
        return Decision(jnp.zeros_like(margin))
    expected, std = (None, None) if deciding is None else (margin - deciding.std * deciding.z, deciding.std)
    crossing = Crossing(margin, before, ready, expected, std, bool(variables & set(DECISIONS)))
    said = population.firing(crossing, key, dt)
    probability = None if said.probability is None else said.probability * ready
    log_probability = None if said.log_probability is None else said.log_probability * ready
    return Decision(said.spikes * ready, probability, log_probability, said.inside)


def _surprise(
    decision: Decision, deciding: Deciding | None, margin: PerNeuron, ready: PerNeuron, variables: frozenset[str]
) -> PerNeuron | None:
    if "surprise" not in variables:
        return None
    if deciding is None or not deciding.on_membrane:
        return jnp.zeros_like(margin)
    return ready * surprise(deciding, margin - deciding.std * deciding.z, decision.spikes)


def _after(
    population: Population, seams: Seams, state: Any, drive: Drive, decision: Decision, key: Tick, dt: float
) -> Any:
    """The state after the spikes: at the end of the step, or inside it, with the rest of the step flowed and its own noise."""
    neuron, spikes = population.neuron, decision.spikes
    if decision.inside is None:
        return neuron.after_spikes(state, spikes, dt)
    state, rest = neuron.after_spikes_inside(state, spikes, decision.inside, dt)
    flowed = neuron.integrate(state, drive, random.channel(key, AGAIN), rest)
    kick = seams.again(voltage_context(neuron.potential(flowed), neuron.diffuse(drive, rest), rest))
    flowed = flowed if kick is None else neuron.kicked(flowed, kick)
    fired = (spikes > 0) & (rest > 0)
    return jax.tree.map(lambda new, old: jnp.where(fired, new, old), flowed, state)


class Seams:
    """The sources of one population in one step. Local to a trace: draws move their memories forward in ``memory``."""

    def __init__(
        self, name: str, sources: Mapping[str, Source], memory: dict[str, Any], keys: Mapping[str, Key], at: Step, dt: float,
        wanted: str | None = None,
    ):  # fmt: skip
        self.name, self.sources, self.memory, self.keys, self.at, self.dt = name, sources, memory, keys, at, dt
        self.wanted = wanted
        self.parts: Conditional | str | None = None

    def perturbation(self, seam: Seam, context: Context) -> Values | None:
        """The sum of the perturbations at a seam: all see the same value, and are added in the order of their names."""
        total: Values | None = None
        for name in sorted(self.sources):
            source = self.sources[name]
            if source.seam is not seam:
                continue
            if name == self.wanted:
                self.parts = source.conditional(self.memory[name], context, self._tick(name), self.dt)
            drawn, self.memory[name] = source.draw(self.memory[name], context, self._tick(name), self.dt)
            total = drawn if total is None else total + drawn
        return total

    def increments(self, size: int) -> dict[str, Values]:
        """The increments of the diffusions on the membrane, by name."""
        voltage = [k for k in sorted(self.sources) if self.sources[k].seam is Seam.VOLTAGE]
        return {k: self.sources[k].wiener(self._tick(k), size, self.dt) for k in voltage}

    def again(self, context: Context) -> Values | None:
        """Fresh membrane noise for the rest of a step; memories stay."""
        total: Values | None = None
        for name in sorted(self.sources):
            source = self.sources[name]
            if source.seam is Seam.VOLTAGE:
                drawn, _ = source.draw(self.memory[name], context, random.channel(self._tick(name), AGAIN), self.dt)
                total = drawn if total is None else total + drawn
        return total

    def deciding(self, neuron: Any, drive: Drive, dt: Values | float) -> Deciding | None:
        """The deciding noise of this step, if somebody asked for it and there is one."""
        if self.wanted is None or not isinstance(self.parts, Conditional):
            return None
        return in_margin(self.sources[self.wanted].seam, self.parts, neuron, drive, dt)

    def _tick(self, name: str) -> Tick:
        return self.at.tick(self.keys[f"noise.{self.name}.{name}"])


def plus(value: Any, perturbation: Values | None) -> Any:
    """A value, or the current of a drive, with what noise adds to it."""
    if perturbation is None:
        return value
    if isinstance(value, Drive):
        return Drive(value.current + perturbation, value.conductance)
    return value + perturbation


def current_context(current: PerNeuron, dt: float) -> Context:
    """The current seam: white noise is held over the step."""
    white = jnp.float32(1.0 / np.sqrt(dt))
    return Context(current, white=white, step=white, rate=jnp.float32(1.0))


def voltage_context(potential: PerNeuron, diffuse: Values, dt: Values | float) -> Context:
    """The voltage seam, for a step of ``dt`` or a part of one per neuron."""
    root = jnp.float32(np.sqrt(dt)) if isinstance(dt, float) else jnp.sqrt(dt)
    return Context(potential, white=diffuse, step=root, rate=jnp.asarray(dt, jnp.float32))
