"""One time step of one population: the list of physics, with noise in the seams between its items."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxsnn_noise._typing import Key, PerNeuron, Values
from jaxsnn_noise.engine.addresses import Keys, Step
from jaxsnn_noise.engine.network import Population
from jaxsnn_noise.noise import Context, Seam, Source
from jaxsnn_noise.statistics import Frame


class Cell(eqx.Module):
    """What a population carries from step to step: the state of its neurons and the memory of its noise."""

    state: Any
    memory: dict[str, Any]


def start_population(name: str, population: Population, keys: Keys, dt: float) -> Cell:
    """The population before the first step: at rest, but for the fields that an initial law sets."""
    state = population.neuron.rest()
    for field, law in population.initial.items():
        value = law.draw(keys(f"initial.{name}.{field}"), population.size)
        state = eqx.tree_at(operator.attrgetter(field), state, value)
    return Cell(state, start_noise(f"noise.{name}", population.noise, keys, population.size, dt))


def start_noise(prefix: str, sources: Mapping[str, Source], keys: Keys, size: int, dt: float) -> dict[str, Any]:
    """The stationary memory of named sources."""
    return {k: source.init(keys(f"{prefix}.{k}"), size, dt) for k, source in sources.items()}


def advance(
    name: str,
    population: Population,
    cell: Cell,
    current: PerNeuron,
    keys: Mapping[str, Key],
    at: Step,
    dt: float,
) -> tuple[Cell, Frame]:
    """One step: current, flow, membrane noise, comparison, spikes, reset. The frame is what an observer sees before the reset."""
    neuron = population.neuron
    seams = Seams(name, population.noise, dict(cell.memory), keys, at, dt)
    ready = neuron.ready(cell.state)
    margin_before = neuron.potential(cell.state) - neuron.threshold(cell.state)

    if population.prefilter is not None:
        current = population.prefilter(current)
    current = current + seams.perturbation(Seam.CURRENT, current_context(current, dt))

    state = neuron.integrate(cell.state, current, at.tick(keys[f"neurons.{name}"]), dt)
    kick = seams.perturbation(Seam.VOLTAGE, _voltage_context(neuron.potential(state), neuron.diffuse(dt), dt))
    state = eqx.tree_at(lambda s: s.v, state, state.v + kick * ready)

    threshold = neuron.threshold(state)
    threshold = threshold + seams.perturbation(Seam.THRESHOLD, Context(threshold))
    potential = neuron.potential(state)
    if neuron.spiking:
        firing_key = at.tick(keys[f"firing.{name}"])
        spikes = population.firing(potential - threshold, margin_before, firing_key, dt) * ready
    else:
        spikes = jnp.zeros_like(potential)
    output = spikes + seams.perturbation(Seam.SPIKE, Context(spikes))

    frame = Frame(spikes=spikes, output=output, v=potential, current=current, threshold=threshold, index=at.index)
    if neuron.spiking:
        state = neuron.reset(state, spikes)
    return Cell(state, seams.memory), frame


class Seams:
    """The sources of one population in one step. Local to a trace: draws move their memories forward in ``memory``."""

    def __init__(
        self,
        name: str,
        sources: Mapping[str, Source],
        memory: dict[str, Any],
        keys: Mapping[str, Key],
        at: Step,
        dt: float,
    ):
        self.name, self.sources, self.memory, self.keys, self.at, self.dt = (
            name,
            sources,
            memory,
            keys,
            at,
            dt,
        )

    def perturbation(self, seam: Seam, context: Context) -> Values | float:
        """The sum of the perturbations at a seam: all see the same value, and are added in the order of their names."""
        total: Values | float = 0.0
        for name in sorted(self.sources):
            source = self.sources[name]
            if source.seam is seam:
                tick = self.at.tick(self.keys[f"noise.{self.name}.{name}"])
                drawn, self.memory[name] = source.draw(self.memory[name], context, tick, self.dt)
                total = total + drawn
        return total


def current_context(current: PerNeuron, dt: float) -> Context:
    """The current seam: white noise is held over the step."""
    white = jnp.float32(1.0 / np.sqrt(dt))
    return Context(current, white=white, step=white, rate=jnp.float32(1.0))


def _voltage_context(potential: PerNeuron, diffuse: Values, dt: float) -> Context:
    return Context(potential, white=diffuse, step=jnp.float32(np.sqrt(dt)), rate=jnp.float32(dt))


class Line(eqx.Module):
    """The delay line of a population or port: its last output [neuron], or those of ``depth`` steps in a ring [depth, neuron]."""

    ring: Values

    @classmethod
    def silent(cls, depth: int, size: int) -> Line:
        """A line that has carried nothing yet."""
        return cls(jnp.zeros(size if depth == 1 else (depth, size), jnp.float32))

    def read(self, delay: int, at: Step) -> PerNeuron:
        """The output of ``delay`` >= 1 steps ago."""
        if self.ring.ndim == 1:
            return self.ring
        return lax.dynamic_index_in_dim(self.ring, (at.index - delay) % len(self.ring), keepdims=False)

    def write(self, output: PerNeuron, at: Step) -> Line:
        """The line after this step's output."""
        if self.ring.ndim == 1:
            return Line(output)
        return Line(lax.dynamic_update_index_in_dim(self.ring, output, at.index % len(self.ring), axis=0))
