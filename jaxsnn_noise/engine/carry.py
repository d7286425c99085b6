"""What a run carries from step to step."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jax import lax

from jaxsnn_noise._typing import PerNeuron, Values
from jaxsnn_noise.engine.addresses import Keys, Step
from jaxsnn_noise.engine.network import Population
from jaxsnn_noise.noise import Source


class Cell(eqx.Module):
    """A population: the state of its neurons and the memory of its noise sources."""

    state: Any
    memory: dict[str, Any]


class Link(eqx.Module):
    """A projection: its own state (weights that learn, resources), that of its kinetics, the memory of its release noise."""

    state: Any
    kinetics: Any
    memory: dict[str, Any]


class Line(eqx.Module):
    """The delay line of a population or port: its last output [neuron], or those of ``depth`` steps in a ring [depth, neuron]."""

    ring: Values

    @classmethod
    def silent(cls, depth: int, size: int) -> Line:
        """A line that has carried nothing yet."""
        return cls(jnp.zeros(size if depth == 1 else (depth, size), jnp.float32))

    @property
    def depth(self) -> int:
        """How many steps it holds."""
        return 1 if self.ring.ndim == 1 else len(self.ring)

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

    def history(self, steps: int, at: Step) -> Values:
        """The outputs of the steps before ``at``, the earliest first [step, neuron]; at most as many as it holds."""
        if self.ring.ndim == 1:
            return self.ring[None]
        return self.ring[(at.index - jnp.arange(steps, 0, -1, dtype=jnp.int32)) % self.depth]

    def last(self, depth: int, at: Step) -> Line:
        """A line that holds no more than the last ``depth`` outputs before ``at``."""
        if depth == self.depth:
            return self
        return Line.silent(depth, self.ring.shape[-1]).after(self.history(depth, at), at, from_=-depth)

    def after(self, train: Values, at: Step, *, from_: int = 0) -> Line:
        """The line after the outputs [time, neuron] of the steps from ``at`` (or ``from_`` steps later) on."""
        if self.ring.ndim == 1:
            return Line(train[-1])
        kept = min(len(train), self.depth)
        places = at.index + from_ + len(train) - kept + jnp.arange(kept, dtype=jnp.int32)
        return Line(self.ring.at[places % self.depth].set(train[len(train) - kept :]))


class Carry(eqx.Module):
    """The whole of a run between two steps, by names of populations, inputs, projections, and sources of delay lines."""

    cells: dict[str, Cell]
    inputs: dict[str, Any]
    projections: dict[str, Link]
    lines: dict[str, Line]


def start_cell(name: str, population: Population, keys: Keys, dt: float) -> Cell:
    """The population before the first step: at rest, but for the fields that an initial law sets."""
    state = population.neuron.rest()
    for field, law in population.initial.items():
        value = law.draw(keys(f"initial.{name}.{field}"), population.size)
        state = eqx.tree_at(operator.attrgetter(field), state, value)
    return Cell(state, start_noise(f"noise.{name}", population.noise, keys, population.size, dt))


def start_noise(prefix: str, sources: Mapping[str, Source], keys: Keys, size: int, dt: float) -> dict[str, Any]:
    """The stationary memory of named sources."""
    return {k: source.init(keys(f"{prefix}.{k}"), size, dt) for k, source in sources.items()}
