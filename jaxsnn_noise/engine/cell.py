"""One time step of one population: the list of physics, with noise in the seams between its items."""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from jaxsnn_noise import random
from jaxsnn_noise._typing import Key, PerNeuron, Values
from jaxsnn_noise.engine.addresses import Step
from jaxsnn_noise.engine.carry import Cell
from jaxsnn_noise.engine.deciding import (
    Deciding,
    asked,
    deciding_source,
    given_decision,
    keeps_decision,
    surprise,
)
from jaxsnn_noise.engine.failing import failed, held_potential
from jaxsnn_noise.engine.network import Population
from jaxsnn_noise.engine.observed import recorded
from jaxsnn_noise.engine.seams import AGAIN, Seams, current_context, plus, voltage_context
from jaxsnn_noise.random import Tick
from jaxsnn_noise.signals import DECISIONS, Context, Crossing, Decision, Drive, Frame, Path, Seam


def advance(
    name: str, population: Population, cell: Cell, drive: Drive, keys: Mapping[str, Key], at: Step, dt: float,
    variables: frozenset[str] = frozenset(),
) -> tuple[Cell, Frame]:  # fmt: skip
    """One step: current, flow, membrane noise, comparison, spikes, failures, reset. The frame is what an observer sees before the reset.

    ``variables`` are those of the frame that somebody reads.
    """
    neuron, firing = population.neuron, population.firing
    wanted = deciding_source(population) if asked(firing, variables) and not firing.random else None
    seams = Seams(name, population.noise, dict(cell.memory), keys, at, dt, wanted, firing.between)
    tick = at.tick(keys[f"neurons.{name}"])
    ready, start = neuron.ready(cell.state), neuron.potential(cell.state)
    margin_before = start - neuron.threshold(cell.state)
    span = neuron.free(cell.state, dt) if firing.inside else dt

    if population.prefilter is not None:
        drive = Drive(population.prefilter(drive.current))
    given = drive
    drive = plus(drive, seams.perturbation(Seam.CURRENT, current_context(drive.at(start), span)))

    state = _moved(population, seams, cell.state, drive, ready, tick, span)
    threshold = plus(neuron.threshold(state), seams.perturbation(Seam.THRESHOLD, Context(neuron.threshold(state))))
    potential = neuron.potential(state)
    margin, deciding = potential - threshold, seams.deciding(neuron, drive, span)
    key = at.tick(keys[f"firing.{name}"])
    path = seams.path(neuron, drive, span) if firing.between else None
    decision = _decided(population, margin, margin_before, ready, deciding, path, key, dt, variables)
    shown = failed(population, decision, at, dt)
    spikes = shown.spikes
    output = plus(spikes, seams.perturbation(Seam.SPIKE, Context(spikes)))
    if deciding is not None and deciding.on_membrane and keeps_decision(firing):
        potential = given_decision(potential, deciding.std * ready, threshold, deciding.z, decision.spikes)
        state = eqx.tree_at(lambda s: s.v, state, potential)

    frame = Frame(
        spikes=spikes, output=output, v=held_potential(population, potential, at, dt), current=drive.at(start), threshold=threshold, index=at.index,
        probability=shown.probability, log_probability=shown.log_probability,
        surprise=_surprise(decision, deciding, margin, ready, variables), state=state,
        inside=None if shown.inside is None else jnp.where(spikes > 0, shown.inside, 0.0),
        recorded=recorded(variables, state=state, noise=cell.memory, drive=drive),
    )  # fmt: skip
    if neuron.spiking:
        state = _after(population, seams, state, plus(given, seams.held), decision, tick, dt)
    return Cell(state, seams.memory), frame


def _moved(
    population: Population, seams: Seams, state: Any, drive: Drive, ready: PerNeuron, key: Tick, span: Values | float
) -> Any:
    """The state after the flow and the noise on the membrane: one after the other, or by a stepper the one inside the other."""
    neuron, stepper = population.neuron, population.stepper
    if stepper is None:
        state = neuron.integrate(state, drive, key, span)
        context = voltage_context(neuron.potential(state), neuron.diffuse(drive, span), span)
        kick = seams.perturbation(Seam.VOLTAGE, context)
        return state if kick is None else neuron.kicked(state, kick * ready)
    increments, ito = seams.increments(population.size), stepper.ito

    def diffused(state: Any) -> Values:
        v = neuron.potential(state)
        coefficients = {k: seams.sources[k].coefficient(v, ito=ito) for k in increments}
        parts = [increments[k] * c for k, c in coefficients.items() if c is not None]
        return ready * functools.reduce(operator.add, parts, jnp.zeros_like(v))

    state = stepper.step(state, lambda s: neuron.drift(s, drive), diffused, neuron.kicked, seams.dt)
    return neuron.elapsed(state, seams.dt)


def _decided(
    population: Population, margin: PerNeuron, before: PerNeuron, ready: PerNeuron, deciding: Deciding | None,
    path: Path | None, key: Tick, dt: float, variables: frozenset[str],
) -> Decision:  # fmt: skip
    """What the firing rule says, with the spikes of held neurons cleared."""
    if not population.neuron.spiking:
        return Decision(jnp.zeros_like(margin))
    expected, std = (None, None) if deciding is None else (margin - deciding.std * deciding.z, deciding.std)
    crossing = Crossing(margin, before, ready, expected, std, bool(variables & set(DECISIONS)), path)
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
    """The state after the spikes: at the end of the step, or inside it, with the rest of the step flowed and its own noise.

    ``drive`` is without the white noise of the step, which led to the spike: the rest has its own.
    """
    neuron, spikes = population.neuron, decision.spikes
    if decision.inside is None:
        return neuron.after_spikes(state, spikes, dt)
    state, rest = neuron.after_spikes_inside(state, spikes, decision.inside, dt)
    current = current_context(drive.at(neuron.potential(state)), rest)
    drive = plus(drive, seams.again(Seam.CURRENT, current))
    flowed = neuron.integrate(state, drive, random.channel(key, AGAIN), rest)
    kick = seams.again(Seam.VOLTAGE, voltage_context(neuron.potential(flowed), neuron.diffuse(drive, rest), rest))
    flowed = flowed if kick is None else neuron.kicked(flowed, kick)
    fired = (spikes > 0) & (rest > 0)
    return jax.tree.map(lambda new, old: jnp.where(fired, new, old), flowed, state)
