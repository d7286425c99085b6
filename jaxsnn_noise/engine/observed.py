"""What can be recorded of populations and projections: names, units, and what an entry belongs to.

Beside the variables of a frame (``v``, ``spikes``, ...), of a population: ``state.<field>`` of its neurons, ``noise.<source>``
(the memory that this step's draw found), ``drive.current`` and ``drive.conductance``. Of a projection: ``release`` (what arrived
in the step, with its noise), ``state.<field>``, ``kinetics.<field>``, ``drive.current``, ``drive.conductance`` and ``noise.<source>``.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise import paths
from jaxsnn_noise._checks import fail, one_of
from jaxsnn_noise._typing import Values
from jaxsnn_noise.engine.network import Network
from jaxsnn_noise.parameters import fields_of
from jaxsnn_noise.signals import UNITS, About
from jaxsnn_noise.statistics import Statistic


@dataclasses.dataclass(frozen=True)
class Entity:
    """What an entry of a recorded array belongs to.

    Attributes:
        owner: The population or port, or the projection of a synapse.
        kind: ``"neuron"`` or ``"synapse"``.
        size: How many there are.
    """

    owner: str
    kind: str
    size: int

    @property
    def dimension(self) -> str:
        """The name of the dimension in results."""
        return f"{self.owner}_{self.kind}"


@dataclasses.dataclass(frozen=True)
class Observable:
    """A variable that can be recorded: its unit, and what its entries belong to."""

    unit: str
    entity: Entity


def place_of(statistic: Statistic) -> str:
    """The population or projection that a statistic watches; a simulation's statistics all name theirs."""
    return statistic.projection or statistic.population or ""


def observables(network: Network, place: str, dt: float) -> dict[str, Observable]:
    """All that can be recorded of a population or projection, by name."""
    leaves, tree = jax.tree.flatten(network)
    structs = tuple(jax.ShapeDtypeStruct(x.shape, x.dtype) if hasattr(x, "shape") else x for x in leaves)
    return _observables(tree, structs, place, dt)


@functools.lru_cache(maxsize=256)
def _observables(tree: Any, structs: tuple[Any, ...], place: str, dt: float) -> dict[str, Observable]:
    network = jax.tree.unflatten(tree, structs)
    return dict(
        _of_projection(network, place, dt) if place in network.projections else _of_population(network, place, dt)
    )


def entity_of(network: Network, statistic: Statistic, dt: float) -> Entity:
    """What the entries of a statistic's variables belong to."""
    place = place_of(statistic)
    if not asks(statistic):
        return Entity(place, "neuron", network.populations[place].size)
    known = observables(network, place, dt)
    return next(known[name].entity for name in statistic.reads if name in known)


def tells_times(network: Network, statistic: Statistic) -> bool:
    """Whether the frames that a statistic sees have the times of spikes within their steps."""
    if statistic.projection is not None:
        return False
    population = network.cells()[place_of(statistic)]
    return population.neuron.spiking and population.firing.inside


def asks(statistic: Statistic) -> bool:
    """Whether a statistic reads something beside the variables that every frame has."""
    return statistic.projection is not None or any("." in name for name in statistic.reads)


def about(network: Network, statistic: Statistic, steps: int, dt: float) -> About:
    """What a statistic knows of the measurement, its fan-out apart."""
    inside = tells_times(network, statistic)
    return About(entity_of(network, statistic, dt).size, steps, dt, inside=inside)


def units_of(network: Network, statistic: Statistic, dt: float) -> dict[str, str]:
    """The unit of each field of a statistic's result; ``{name}`` stands for that of a recorded variable."""
    units = dict(statistic.units)
    if statistic.projection is None:  # the potential of a current-mode neuron is a current
        own = network.cells()[place_of(statistic)].neuron.units
        units = {field: unit.replace("mV", own) for field, unit in units.items()}
    if asks(statistic):
        for name, found in observables(network, place_of(statistic), dt).items():
            units = {field: unit.replace(f"{{{name}}}", found.unit) for field, unit in units.items()}
    return units


def check_recorded(who: str, network: Network, statistic: Statistic, dt: float) -> None:
    """What a statistic reads is there, and its entries all belong to the same.

    Raises:
        InputError: a name that the state lacks, with near matches; a train of spikes of a projection; neurons and synapses in one
            statistic.
    """
    if not asks(statistic):
        return
    known = observables(network, place_of(statistic), dt)
    for name in statistic.reads:
        if name != "fan_out":
            one_of(f"{who} of {place_of(statistic)}", name, known)
    entities = {known[name].entity for name in statistic.reads if name in known}
    if len(entities) > 1:
        rule = "must be of the same neurons or synapses; record others by another statistic"
        fail(f"{who}.variables", rule, sorted(f"{e.size} of {e.dimension}" for e in entities))


def recorded(names: Iterable[str], **roots: Any) -> dict[str, Values]:
    """The values of dotted names in one step, each as a list of entries, row by row where it is a matrix."""
    return {name: jnp.ravel(paths.get(roots, name)) for name in sorted(names) if name in roots or "." in name}


def _of_population(network: Network, place: str, dt: float) -> Iterator[tuple[str, Observable]]:
    population = network.cells()[place]
    entity = Entity(place, "neuron", population.size)
    for name, unit in UNITS.items():
        yield name, Observable(unit, entity)
    state = eqx.filter_eval_shape(lambda neuron: neuron.rest(), population.neuron)
    for name, unit, _, _ in _leaves(state, "state", (population.neuron,), "1", "neuron"):
        yield name, Observable(unit, entity)
    for name, unit in _memories(population.noise, population.size, dt):
        yield name, Observable(unit, entity)
    yield "drive.current", Observable("nA", entity)
    if any(p.target == place and p.kinetics.conductance for p in network.projections.values()):
        yield "drive.conductance", Observable("uS", entity)


def _of_projection(network: Network, place: str, dt: float) -> Iterator[tuple[str, Observable]]:
    projection = network.projections[place]
    ends = {
        "source": Entity(projection.source, "neuron", network.populations[projection.source].size),
        "target": Entity(projection.target, "neuron", network.populations[projection.target].size),
    }
    yield "release", Observable("1", ends["source"])
    state = eqx.filter_eval_shape(lambda p: p.init(p.prepared(), jnp.zeros(2, jnp.uint32), dt), projection)
    for name, unit, along, shape in _leaves(state, "state", (projection,), None, None):
        if along is not None:
            yield name, Observable(unit, ends.get(along) or Entity(place, "synapse", int(np.prod(shape))))
    kinetics = eqx.filter_eval_shape(lambda p: p.kinetics.init(ends["target"].size), projection)
    for name, unit, _, _ in _leaves(kinetics, "kinetics", (projection.kinetics, projection), "1", "target"):
        if name != "kinetics":  # a plain array has no name
            yield name, Observable(unit, ends["target"])
    for name, unit in _memories(projection.noise, ends["source"].size, dt):
        yield name, Observable(unit, ends["source"])
    yield "drive.current", Observable("nA", ends["target"])
    if projection.kinetics.conductance:
        yield "drive.conductance", Observable("uS", ends["target"])


def _memories(sources: Mapping[str, Any], size: int, dt: float) -> Iterator[tuple[str, str]]:
    """The memories of named sources; one that is a plain array is that of a value of unit variance."""
    for name, source in sources.items():
        memory = eqx.filter_eval_shape(lambda s: s.init(jnp.zeros(2, jnp.uint32), size, dt), source)
        for path, unit, _, shape in _leaves(memory, f"noise.{name}", (source,), "1", "neuron"):
            if shape == (size,):
                yield path, unit


def _leaves(
    node: Any, path: str, owners: tuple[Any, ...], unit: str | None, along: str | None
) -> Iterator[tuple[str, str, str | None, tuple[int, ...]]]:
    """The arrays of a state with their names, units, entities and shapes; a plain array has those that are given."""
    if isinstance(node, jax.ShapeDtypeStruct):
        yield path, unit or "1", along, node.shape
        return
    said = dict(fields_of(type(node)))
    for name, (_, child) in paths.children(node).items():
        if name in said:
            told: Any = said[name].unit
            unit, along = told if isinstance(told, str) else told(node, *owners), said[name].along
        yield from _leaves(child, f"{path}.{name}", (node, *owners), unit, along)
